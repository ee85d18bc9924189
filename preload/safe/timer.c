/* SPDX-License-Identifier: MIT */
/*
 * A POSIX timer on a thread's CPU clock. By system call: libc's timer_create
 * may allocate. Handler, any thread.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <time.h>

#include "safe/clock.h"
#include "safe/engine.h"
#include "safe/signals.h"
#include "safe/sys.h"
#include "safe/target.h"

/* glibc 2.36 and older have no name for the union's member. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / 1000000000u),
				  (long)(ns % 1000000000u) };
}

/* What every timer of this process was armed with last; 0: none yet. */
static _Atomic uint64_t last_interval_ns;

static long set_interval(int timer, uint64_t interval_ns)
{
	struct itimerspec when = { timespec_of(interval_ns),
				   timespec_of(interval_ns) };

	return sys_call(SYS_timer_settime, timer, 0, &when, NULL);
}

int timer_arm(struct thread *t, uint64_t interval_ns)
{
	int tid = atomic_load_explicit(&t->tid, memory_order_relaxed);
	struct sigevent event;
	long ret;

	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_notify_thread_id = tid;
	event.sigev_signo = target.settings.signal;
	event.sigev_value.sival_ptr = &signals_cookie;
	ret = sys_call(SYS_timer_create, clock_of_thread(tid), &event,
		       &t->timer, 0);
	if (ret < 0)
		return (int)ret;
	atomic_store_explicit(&last_interval_ns, interval_ns,
			      memory_order_relaxed);
	ret = set_interval(t->timer, interval_ns);
	if (ret < 0) {
		sys_call(SYS_timer_delete, t->timer, 0, 0, 0);
		return (int)ret;
	}
	/* publishes the timer's id to whoever disarms */
	atomic_store_explicit(&t->clock, THREAD_CLOCK_TIMER,
			      memory_order_release);
	return 0;
}

void timer_disarm(struct thread *t)
{
	int timer = THREAD_CLOCK_TIMER;

	/* one of two that come at once deletes it */
	if (atomic_compare_exchange_strong_explicit(
		    &t->clock, &timer, THREAD_CLOCK_NONE, memory_order_acq_rel,
		    memory_order_relaxed))
		sys_call(SYS_timer_delete, t->timer, 0, 0, 0);
}

static bool has_timer(const struct thread *t)
{
	/* pairs with timer_arm(): the id is there */
	return atomic_load_explicit(&t->clock, memory_order_acquire) ==
	       THREAD_CLOCK_TIMER;
}

void timer_rest(struct thread *t)
{
	if (has_timer(t))
		set_interval(t->timer, 0);
}

void timer_wake(struct thread *t)
{
	if (has_timer(t))
		set_interval(t->timer,
			     atomic_load_explicit(&last_interval_ns,
						  memory_order_relaxed));
}
