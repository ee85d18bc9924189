/* SPDX-License-Identifier: MIT */
/*
 * Threads that block the sampling signal behind our back, by system call or
 * from their birth: their CPU time is in no sample, and the log says so, by
 * name. Not in a handler; the calling thread's signal is blocked.
 */
#ifndef UNSAMPLED_H
#define UNSAMPLED_H

#include <stdint.h>

#include "safe/thread.h"

/*
 * Thread t, whose CPU clock is at cpu_ns, has come to its end, or its log has:
 * note in the log of `into` if it could not be sampled. mask is what t blocked,
 * or NULL if another thread asks. Costs nothing for a thread that was sampled.
 */
void unsampled_note(struct thread *into, struct thread *t, uint64_t cpu_ns,
		    const uint64_t *mask);

#endif
