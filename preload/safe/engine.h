/* SPDX-License-Identifier: MIT */
/*
 * The two clocks that are a thread's own affair, as far as they must be set
 * and stopped inside handlers: a CPU timer for one thread, and the ticker.
 * engine.c decides which is used.
 */
#ifndef SAFE_ENGINE_H
#define SAFE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "pyprof/compiler.h"
#include "safe/thread.h"

/*
 * Give a thread of this process a timer on its CPU clock that sends the
 * sampling signal to it alone, every interval_ns. The kernel looks at such
 * timers on its tick. Returns 0 or -errno. Handler, any thread.
 */
int timer_arm(struct thread *t, uint64_t interval_ns) PP_MUST_CHECK;

/* Take it away; what is pending of it may still come. Handler, any thread. */
void timer_disarm(struct thread *t);

/*
 * Stop a thread's timer, and let it go on; nothing if the thread has none.
 * Handler, any thread.
 */
void timer_rest(struct thread *t);
void timer_wake(struct thread *t);

/* Map what the ticker needs. Returns 0 or -1. Not in a handler. */
int ticker_prepare(void) PP_MUST_CHECK;

/*
 * Start the ticker: a thread without libc, which the C library does not know
 * of, with a file table of its own. The caller has all signals but the faults
 * blocked. Does nothing if it runs. Handler, any thread.
 */
void ticker_spawn(void);

/* Stop it and wait until the kernel has forgotten it. Not in a handler. */
void ticker_stop(void);

bool ticker_is_running(void);

/* It may be at rest while recording was off: go on. Handler, any thread. */
void ticker_wake(void);

/*
 * The end of every handler, at this instant: a thread on loan to a timer goes
 * back to the ticker. The thread that lent starts the ticker again, once it has
 * used some CPU time: CPython counts threads after fork() has returned, and
 * wall time says nothing of how far a thread has come. Others do when that
 * takes long.
 */
void engine_in_handler(struct thread *t, uint64_t now_ns);

#endif
