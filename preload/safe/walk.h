/* SPDX-License-Identifier: MIT */
/*
 * The stack of a thread, read from its own frames while it stands still: in
 * its own signal handler, or in interp.c's proof. No Python function is called
 * but PyGILState_GetThisThreadState(), no reference is taken.
 */
#ifndef SAFE_WALK_H
#define SAFE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "pyprof/compiler.h"
#include "safe/thread.h"

struct stack {
	struct frame *frames; /* leaf first; the caller's, `capacity` of them */
	uint32_t capacity;
	uint32_t depth;
	bool truncated;	 /* there were more: the leaf side was kept */
	unsigned faults; /* guarded loads that failed: the stack is lost */
	unsigned mended; /* and those that were got round */

	/*
	 * Addresses of frames to look out for, the caller's; the walk says
	 * which was met first (watch_count: none), and its place in frames.
	 */
	const uintptr_t *watch;
	uint32_t watch_count;
	uint32_t seen, seen_at;
};

/*
 * The thread state to walk: that of the calling thread, in the interpreter
 * that it is in now. 0 if it has none.
 */
uintptr_t walk_thread_state(void);

/*
 * Read the stack of a thread state into *s, whose frames and capacity are set;
 * pc is where its thread was interrupted, 0 if it was not. Returns 0, or the
 * enum pp_loss that says why this is no whole stack, plus 1, negated: -1 -
 * PP_LOST_torn and so on.
 */
int walk(uintptr_t thread_state, uintptr_t pc, struct stack *s) PP_MUST_CHECK;

/*
 * Add one frame, of a suspended coroutine for example. Returns 1, 0 if there
 * was no room, or a loss as walk() does.
 */
int walk_add(uintptr_t frame, struct stack *s) PP_MUST_CHECK;

/* The PP_STATE_ bits of the calling thread that target.state_known has. */
uint8_t walk_state(uintptr_t thread_state, uintptr_t program_counter);

/* Those of another thread that is not on a processor. */
uint8_t walk_state_off(uintptr_t thread_state, const struct thread *t);

#endif
