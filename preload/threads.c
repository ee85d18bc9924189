/* SPDX-License-Identifier: MIT */
/*
 * Threads of the process. A created thread opens its account in our wrapper of
 * its start routine and closes it in the destructor of a pthread key, which
 * also runs for pthread_exit() and cancellation.
 */
#include "threads.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "engine.h"
#include "safe/chunk.h"
#include "safe/clock.h"
#include "safe/mask.h"
#include "safe/sample.h"
#include "safe/state.h"
#include "safe/sys.h"
#include "safe/target.h"
#include "thread_names.h"
#include "trace.h"
#include "unsampled.h"

/* Looks at a busy thread before it is given up: some tens of milliseconds. */
#define IDLE_LOOKS 20000

static struct {
	pthread_key_t key;
	bool has_key;
} g;

/*
 * The thread, which blocked `mask`, ends: last words, and the block goes to the
 * next one.
 */
static void close_account(struct thread *t, uint64_t mask)
{
	trace_thread_end(t);
	engine_thread_end(t);
	if (thread_enter(t)) {
		uint64_t now_ns = clock_now();

		unsampled_note(t, t, clock_read(CLOCK_THREAD_CPUTIME_ID),
			       &mask);
		sample_close(t, now_ns, clock_read(CLOCK_THREAD_CPUTIME_ID));
		chunk_leave(t);
		thread_set_self(NULL);
		thread_leave(t);
		thread_release(t);
	}
}

static void on_thread_end(void *block)
{
	struct thread *t = thread_self();
	uint64_t mask;

	/* in a forked child the block was another process's */
	if (!t || t != block || !state_is_armed())
		return;
	/* for good: what runs after this has no account */
	mask = mask_quiet(target.settings.signal);
	close_account(t, mask);
}

int threads_init(void)
{
	if (!g.has_key)
		g.has_key = pthread_key_create(&g.key, on_thread_end) == 0;
	return g.has_key ? 0 : -1;
}

struct thread *threads_adopt_self(enum pp_thread_kind kind)
{
	struct thread *t = thread_open(kind, clock_now(),
				       clock_read(CLOCK_THREAD_CPUTIME_ID));

	if (!t)
		return NULL;
	thread_set_self(t);
	thread_publish(t, sys_gettid());
	if (kind == PP_THREAD_MAIN)
		thread_names_set(t, "MainThread");
	return t;
}

void threads_adopt_others(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int self = sys_gettid();
	struct dirent *entry;

	while (tasks && (entry = readdir(tasks))) {
		int tid = atoi(entry->d_name);
		struct thread *t;

		if (tid <= 0 || tid == self || thread_find(tid))
			continue;
		t = thread_open(PP_THREAD_FOUND, clock_now(),
				clock_read(clock_of_thread(tid)));
		if (!t)
			continue;
		thread_publish(t, tid);
		thread_names_find(t, tid);
	}
	if (tasks)
		closedir(tasks);
}

void threads_begin(const char *name)
{
	uint64_t mask;
	struct thread *t;

	if (!state_is_armed())
		return;
	mask = mask_quiet(target.settings.signal);
	t = thread_open(PP_THREAD_CREATED, clock_now(), 0);
	if (t) {
		thread_set_self(t);
		thread_publish(t, sys_gettid());
		thread_names_set(t, name);
		engine_thread_begin(t);
		pthread_setspecific(g.key, t);
	}
	mask_unquiet(target.settings.signal, mask);
}

void threads_wait_idle(struct thread *self)
{
	uint32_t n = thread_slots();

	for (uint32_t i = 0; i < n; i++) {
		struct thread *t = thread_at(i);

		for (int look = 0; t && t != self && look < IDLE_LOOKS &&
				   atomic_load(&t->busy);
		     look++)
			sched_yield();
	}
}

bool threads_alone(struct thread *self)
{
	uint32_t n = thread_slots();

	for (uint32_t i = 0; i < n; i++) {
		struct thread *t = thread_at(i);

		if (t && t != self && atomic_load(&t->tid) > 0)
			return false;
	}
	return true;
}
