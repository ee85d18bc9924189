/* SPDX-License-Identifier: MIT */
/*
 * The GIL's ledger: who waited for the interpreter's lock, how long, behind
 * which line of which thread; the records GIL_THREADS, GIL_WAITS, GIL_STACKS.
 *
 * CPython's lock is a mutex that is held for instants, and two condition
 * variables that are signalled, or waited for, while it is held. So calls of
 * these functions never meet, whatever thread they come from, and what they
 * share needs no lock. All come from that thread itself, not from a handler.
 * They keep the sampling handler off the thread's log by thread.busy: a tick
 * that comes meanwhile is left to the next one. No system call but where the
 * log grows.
 *
 * While the process has one thread nothing is done and no clock is read. While
 * nobody waits, the time held is added up, in the thread's block. The log has
 * no record before somebody waits, and of threads then a row each, of pairs of
 * lines a row each up to a bound; stacks are written for long waits, each at
 * least twice the one before.
 */
#ifndef SAFE_GIL_H
#define SAFE_GIL_H

#include <stdint.h>

#include "pyprof/compiler.h"

struct thread;

/* Map what is needed. 0, or -1 if there is no memory. Not in a handler. */
int gil_init(void) PP_MUST_CHECK;

/* The calling thread lets go of the GIL, or has just taken it. */
void gil_released(void);
void gil_taken(void);

/*
 * A second thread is about to be made: if the calling one has the GIL, its turn
 * is counted from now on.
 */
void gil_count_from_here(void);

/*
 * It is about to wait for the GIL, or has done so for a while and may have to
 * again. Returns its block for gil_wait_pause(), or NULL.
 */
struct thread *gil_wait_begin(void) PP_MUST_CHECK;
void gil_wait_pause(struct thread *t);

/*
 * It has let go of the GIL and waits until another has taken it; the lock's
 * mutex is not held here.
 */
struct thread *gil_yield_begin(uint64_t *since_ns) PP_MUST_CHECK;
void gil_yield_end(struct thread *t, uint64_t since_ns);

#endif
