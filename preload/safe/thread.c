/* SPDX-License-Identifier: MIT */
/*
 * Blocks of threads: mapping, finding, handing on. See thread.h.
 */
#include "safe/thread.h"

#include <sys/mman.h>

#include "safe/clock.h"
#include "safe/control.h"
#include "safe/lines.h"
#include "safe/mask.h"
#include "safe/state.h"
#include "safe/sys.h"
#include "safe/target.h"

/* Marks a block that is claimed but not yet published. */
#define TID_CLAIMED (-1)

static __thread struct thread *self;

struct thread *thread_self(void)
{
	struct thread *t = self;

	/* a wiped block (we are in a forked child) has no capacity */
	return t && t->capacity ? t : NULL;
}

void thread_set_self(struct thread *t)
{
	self = t;
	/* tells the ticker whose thread state to look for; pthread_self() */
	if (t)
		atomic_store_explicit(&t->ident,
				      (uintptr_t)__builtin_thread_pointer(),
				      memory_order_relaxed);
}

uint32_t thread_slots(void)
{
	uint32_t n = atomic_load_explicit(&state->thread_slots,
					  memory_order_acquire);

	/* a thread too many counts up before it finds that out */
	return n < STATE_THREADS ? n : STATE_THREADS;
}

struct thread *thread_at(uint32_t slot)
{
	/* pairs with the store in map_block(): the block is initialised */
	return atomic_load_explicit(&state->threads[slot],
				    memory_order_acquire);
}

struct thread *thread_find(int tid)
{
	uint32_t n = thread_slots();

	for (uint32_t i = 0; i < n; i++) {
		struct thread *t = thread_at(i);

		if (t &&
		    atomic_load_explicit(&t->tid, memory_order_acquire) == tid)
			return t;
	}
	return NULL;
}

void thread_for_each(void (*function)(struct thread *t))
{
	uint32_t n = thread_slots();

	for (uint32_t i = 0; i < n; i++) {
		struct thread *t = thread_at(i);

		if (t &&
		    atomic_load_explicit(&t->tid, memory_order_acquire) > 0)
			function(t);
	}
}

bool thread_enter(struct thread *t)
{
	/*
	 * Whoever closes the log clears armed and then waits for busy to be 0;
	 * so busy is set first and armed read then, in that order.
	 */
	atomic_store_explicit(&t->busy, 1, memory_order_seq_cst);
	if (atomic_load_explicit(&state->armed, memory_order_seq_cst))
		return true;
	thread_leave(t);
	return false;
}

void thread_leave(struct thread *t)
{
	atomic_store_explicit(&t->busy, 0, memory_order_release);
	if (PP_UNLIKELY(atomic_load_explicit(&t->dump, memory_order_relaxed)))
		control_ask_again(t);
}

uint64_t thread_open_faults(void)
{
	struct thread *t;

	if (!state_is_armed())
		return 0;
	t = thread_self();
	return !t || atomic_load_explicit(&t->blocks_faults,
					  memory_order_relaxed)
		       ? mask_open_faults()
		       : 0;
}

static bool claim(struct thread *t)
{
	int free_tid = 0;

	/* takes over what thread_release() published */
	return atomic_compare_exchange_strong_explicit(
		&t->tid, &free_tid, TID_CLAIMED, memory_order_acq_rel,
		memory_order_relaxed);
}

static struct thread *find_free_block(void)
{
	uint32_t n = thread_slots();

	for (uint32_t i = 0; i < n; i++) {
		struct thread *t = thread_at(i);

		if (t && claim(t))
			return t;
	}
	return NULL;
}

/* A new block in a new slot, claimed. */
static struct thread *map_block(void)
{
	uint32_t capacity = target.settings.max_depth + 1;
	size_t frames = (size_t)capacity * sizeof(struct frame);
	size_t cache = LINES_CACHE * sizeof(struct lines_entry);
	size_t bytes = sizeof(struct thread) + cache + 2 * frames;
	uint32_t slot;
	struct thread *t;

	t = sys_mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!t)
		return NULL;
	slot = atomic_fetch_add_explicit(&state->thread_slots, 1,
					 memory_order_acq_rel);
	if (slot >= STATE_THREADS) {
		atomic_store_explicit(&state->thread_slots, STATE_THREADS,
				      memory_order_release);
		sys_munmap(t, bytes);
		return NULL;
	}
	sys_call(SYS_madvise, t, bytes, MADV_WIPEONFORK, 0);
	t->capacity = capacity;
	t->lines = (struct lines_entry *)(t + 1);
	t->last = (struct frame *)(t->lines + LINES_CACHE);
	t->now = t->last + capacity;
	t->stat_fd = -1;
	atomic_store_explicit(&t->tid, TID_CLAIMED, memory_order_relaxed);
	/* publishes the block to who walks the slots */
	atomic_store_explicit(&state->threads[slot], t, memory_order_release);
	return t;
}

struct thread *thread_open(enum pp_thread_kind kind, uint64_t now_ns,
			   uint64_t cpu_ns)
{
	struct thread *t = find_free_block();

	if (!t)
		t = map_block();
	if (!t)
		return NULL;
	t->number = atomic_fetch_add_explicit(&state->thread_number, 1,
					      memory_order_relaxed);
	t->kind = kind;
	t->opened_ns = t->time_ns = now_ns;
	t->opened_cpu_ns = t->cpu_ns = cpu_ns;
	atomic_store_explicit(&t->announced, 0, memory_order_relaxed);
	atomic_store_explicit(&t->ident, 0, memory_order_relaxed);
	atomic_store_explicit(&t->tstate, 0, memory_order_relaxed);
	t->watch_tid = 0;
	t->log_fd = -1;
	t->on_loan = false;
	atomic_store_explicit(&t->host_blocks, 0, memory_order_relaxed);
	atomic_store_explicit(&t->really_blocks, 0, memory_order_relaxed);
	atomic_store_explicit(&t->blocks_faults, 0, memory_order_relaxed);
	atomic_store_explicit(&t->resumed_ns, 0, memory_order_relaxed);
	t->segments = 0;
	t->skip = 0;
	t->made_pid = 0;
	t->paused_ns = 0;
	t->depth = 0;
	t->trace = NULL;
	t->gil = (struct thread_gil){ 0 };
	t->name[0] = '\0';
	atomic_store_explicit(&t->wants_gil, 0, memory_order_relaxed);
	t->chunk = t->ahead = t->kept = (struct chunk){ 0 };
	t->seen_cpu = cpu_ns;
	t->runs_on = THREAD_RUNS_ON;
	t->stands = false;
	atomic_store_explicit(&t->clock, THREAD_CLOCK_NONE,
			      memory_order_relaxed);
	atomic_store_explicit(&t->sampled_cpu, cpu_ns, memory_order_relaxed);
	atomic_store_explicit(&t->signalled, 0, memory_order_relaxed);
	atomic_store_explicit(&t->busy, 0, memory_order_relaxed);
	atomic_store_explicit(&t->dump, 0, memory_order_relaxed);
	if (kind != PP_THREAD_OWN)
		state_count(PP_COUNT_threads, 1);
	return t;
}

bool thread_watched_stands_still(const struct thread *t)
{
	return !t->watch_tid ||
	       clock_read(clock_of_thread(t->watch_tid)) == t->watch_cpu;
}

void thread_publish(struct thread *t, int tid)
{
	/* publishes the block's contents to the ticker and thread_find() */
	atomic_store_explicit(&t->tid, tid, memory_order_release);
}

void thread_release(struct thread *t)
{
	/* publishes the freed block to the next claim() */
	atomic_store_explicit(&t->tid, 0, memory_order_release);
}

struct thread *thread_self_or_found(uint64_t now_ns)
{
	struct thread *t = thread_self();
	int tid;

	if (t)
		return t;
	tid = sys_gettid();
	t = thread_find(tid);
	if (!t) {
		t = thread_open(PP_THREAD_FOUND, now_ns, 0);
		if (!t)
			return NULL;
		thread_publish(t, tid);
	}
	thread_set_self(t);
	return t;
}

struct thread *thread_obtain(void)
{
	struct thread *t = thread_self();
	uint64_t mask;

	if (t)
		return t;
	mask = mask_quiet(target.settings.signal);
	t = thread_self_or_found(clock_now());
	if (t)
		atomic_store_explicit(&t->blocks_faults,
				      (mask & MASK_FAULTS) != 0,
				      memory_order_relaxed);
	mask_unquiet(target.settings.signal, mask);
	return t;
}
