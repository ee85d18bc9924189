/* SPDX-License-Identifier: MIT */
/*
 * Wall mode: where threads are while they are not on a processor. The ticker
 * reads the stack of another thread from its frames, without a signal: as long
 * as that thread's CPU clock stands still, so do its frames. It writes OFF
 * records into a log segment of its own. In the ticker, but for _open().
 */
#ifndef SAFE_OFFCPU_H
#define SAFE_OFFCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "pyprof/compiler.h"
#include "safe/thread.h"

/*
 * Open the block that writes for the ticker, once in a process. Returns 0, or
 * -1 if there is none to be had. Not in the ticker.
 */
int offcpu_open(void) PP_MUST_CHECK;

/*
 * Does the list of the interpreter's thread states show this one, which is of
 * the thread whose pthread_self() is given? The proof that it can be read.
 */
bool offcpu_finds(uintptr_t thread_state, uintptr_t ident) PP_MUST_CHECK;

/*
 * The ticker begins. Returns the log's number in its file table, or -1: no OFF
 * record will be written once the chunk is full.
 */
int offcpu_begin(void);

/*
 * Between these two OFF records may be written; false: not now. Whoever closes
 * the log waits for the second.
 */
bool offcpu_enter(void);
void offcpu_leave(void);

/*
 * The thread with this id is not on a processor: since when is not known, but
 * its CPU clock is `cpu` and has been since the last look if `unmoved`. Adds
 * the time to what it does, or to what it did if that has not changed.
 */
void offcpu_note(struct thread *t, int tid, uint64_t now_ns, uint64_t cpu_ns,
		 bool unmoved);

/*
 * Is a thread that waits for a processor at this instant to be noted? If it has
 * been off for half a period that nothing covers: else that time, which on a
 * busy machine comes in pieces shorter than a tick, would all be of the next
 * place where it blocks.
 */
bool offcpu_is_due(struct thread *t, uint64_t now_ns, uint64_t cpu_ns);

/* Is this one of the ticks at which the thread need not be looked at? */
bool offcpu_rests(struct thread *t);

#endif
