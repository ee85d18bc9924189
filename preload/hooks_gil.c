/* SPDX-License-Identifier: MIT */
/*
 * Condition variables: the GIL's two tell of it, all others are passed on by a
 * jump. CPython calls these through the PLT on all versions, shared or static.
 * Waiting is a point of cancellation, and a thread may leave from there.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

#include "gil.h"
#include "pyprof/compiler.h"
#include "safe/gil.h"
#include "safe/mask.h"
#include "safe/thread.h"

/* That of the condition variables of today; dlsym() may give the first ones. */
#define VERSION "GLIBC_2.3.2"

typedef int signal_function(pthread_cond_t *condition);
typedef int wait_function(pthread_cond_t *condition, pthread_mutex_t *mutex);
typedef int timed_function(pthread_cond_t *condition, pthread_mutex_t *mutex,
			   const struct timespec *end);

static signal_function first_signal;
static wait_function first_wait;
static timed_function first_timed;

/* The real ones; until they are looked up, what does that. */
static struct {
	signal_function *signal;
	wait_function *wait;
	timed_function *timed;
} g = { first_signal, first_wait, first_timed };

static void *find(const char *name)
{
	void *function = dlvsym(RTLD_NEXT, name, VERSION);

	return function ? function : dlsym(RTLD_NEXT, name);
}

/*
 * Early, also where there is no Python: later the caller may be what a thread
 * waits for that holds the loader's lock.
 */
__attribute__((constructor)) static void resolve(void)
{
	g.signal = (signal_function *)find("pthread_cond_signal");
	g.wait = (wait_function *)find("pthread_cond_wait");
	g.timed = (timed_function *)find("pthread_cond_timedwait");
}

static int first_signal(pthread_cond_t *condition)
{
	resolve();
	return g.signal(condition);
}

static int first_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	resolve();
	return g.wait(condition, mutex);
}

static int first_timed(pthread_cond_t *condition, pthread_mutex_t *mutex,
		       const struct timespec *end)
{
	resolve();
	return g.timed(condition, mutex, end);
}

static void tell(const pthread_cond_t *condition)
{
	uint64_t blocked = thread_open_faults();

	switch (gil_part_of(condition)) {
	case GIL_RELEASED:
		gil_released();
		break;
	case GIL_TAKEN:
		gil_taken();
		break;
	default:
		break;
	}
	mask_close_faults(blocked);
}

PP_EXPORT int pthread_cond_signal(pthread_cond_t *condition)
{
	if (PP_UNLIKELY(gil_is_near(condition)))
		tell(condition);
	return g.signal(condition);
}

static int wait_for_another(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	uint64_t since_ns;
	struct thread *t = gil_part_of(condition) == GIL_TAKEN
				   ? gil_yield_begin(&since_ns)
				   : NULL;
	int ret = g.wait(condition, mutex);
	uint64_t blocked;

	if (t) {
		blocked = thread_open_faults();
		gil_yield_end(t, since_ns);
		mask_close_faults(blocked);
	}
	return ret;
}

PP_EXPORT int pthread_cond_wait(pthread_cond_t *condition,
				pthread_mutex_t *mutex)
{
	if (PP_UNLIKELY(gil_is_near(condition)))
		return wait_for_another(condition, mutex);
	return g.wait(condition, mutex);
}

static int wait_for_gil(pthread_cond_t *condition, pthread_mutex_t *mutex,
			const struct timespec *end)
{
	struct thread *t = NULL;
	uint64_t blocked;
	int ret;

	if (gil_part_of(condition) == GIL_RELEASED) {
		blocked = thread_open_faults();
		t = gil_wait_begin();
		mask_close_faults(blocked);
	}
	ret = g.timed(condition, mutex, end);
	if (t)
		gil_wait_pause(t);
	return ret;
}

PP_EXPORT int pthread_cond_timedwait(pthread_cond_t *condition,
				     pthread_mutex_t *mutex,
				     const struct timespec *end)
{
	if (PP_UNLIKELY(gil_is_near(condition)))
		return wait_for_gil(condition, mutex, end);
	return g.timed(condition, mutex, end);
}
