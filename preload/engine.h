/* SPDX-License-Identifier: MIT */
/*
 * The sampling clock of the process: which engine, for whom, from when to
 * when. Any thread, not in a handler; who calls these at the same time is said
 * at each.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdint.h>

#include "safe/thread.h"

/* Choose target.engine and target.period_ns from the settings. Once. */
void engine_choose(void);

/*
 * setitimer() sends SIGPROF and nothing else: where sampling has another signal
 * threads have timers. To be called when that was chosen.
 */
void engine_suit_signal(void);

/*
 * Begin to sample all threads that have blocks. The caller is the only one
 * that starts or stops engines; the same for the next two.
 */
void engine_start(void);

/* Stop: no signal is sent from here on, some may still be pending. */
void engine_stop(void);

/* A thread begins or ends, in that thread; its signal is blocked. */
void engine_thread_begin(struct thread *t);
void engine_thread_end(struct thread *t);

/*
 * The calling thread is about to do what a process with a second thread may
 * not or would be warned of (fork, setuid, unshare): the ticker stops, timers
 * take its place, and the first sample after brings it back.
 */
void engine_lend(void);

/* That call has returned: the wait for the ticker begins here. */
void engine_lent(void);

#endif
