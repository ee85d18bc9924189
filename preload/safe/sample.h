/* SPDX-License-Identifier: MIT */
/*
 * One sample of the calling thread: from its frames to its log. Handler, or
 * the thread itself with the sampling signal blocked.
 */
#ifndef SAFE_SAMPLE_H
#define SAFE_SAMPLE_H

#include <stdint.h>

#include "safe/thread.h"

struct stack;

/*
 * Take one. now_ns is CLOCK_MONOTONIC, cpu_ns the thread's CPU clock, pc the
 * interrupted instruction. Whatever comes of it is in the log or counted.
 */
void sample_take(struct thread *t, uint64_t now_ns, uint64_t cpu_ns,
		 uintptr_t pc);

/*
 * Close the thread's account at these clocks: what ran unrecorded until now,
 * and THREAD_END, in its own log.
 */
void sample_close(struct thread *t, uint64_t now_ns, uint64_t cpu_ns);

/*
 * Give every frame that a walk put into t->now its id and line: those of the
 * last stack where nothing has changed, else from the tables. Frames that are
 * no function are dropped. The thread trusts its last stack from then on: who
 * does not make the new one the last must keep t->deaths_seen.
 */
void sample_name_frames(struct thread *t, struct stack *s);

/*
 * Find and name the frames of the calling thread, into t->now, beside its
 * samples: the last stack stays. Returns 0, or what walk() returns, and then
 * there are none. s has the frames and their capacity.
 */
int sample_look(struct thread *t, uintptr_t pc, struct stack *s);

#endif
