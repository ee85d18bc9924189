/* SPDX-License-Identifier: MIT */
/*
 * Calls whose CALL event is not needed. The event is there for C functions, but
 * it comes for all calls, and costs more than all else of a call of Python's.
 * The interpreter can leave it away at one place in the code. It may, as long
 * as no C function can be called there:
 *
 * - The callable is what a global name stands for (trace_bytecode.h), in the
 *   frame's globals or else its builtins, and that is no C function now.
 * - No frame of the code, in any thread, has loaded it and is yet to call it,
 *   or is in a C function that it has called there; and all have the same
 *   globals and builtins.
 * - Before the name becomes a C function there, or goes, a watcher of the two
 *   dictionaries (from 3.12) lets all events come again, for good.
 * - Frames of the code that begin, or go on, later have the same two: that is
 *   looked at when they do. Else the events come again, too.
 *
 * Nothing rests any more once the module greenlet is there, or stacks have been
 * switched otherwise: there may be frames that nobody sees then. A debugger's
 * jump from the arguments of one call into those of another is not thought of.
 *
 * All in a thread that has the GIL, outside of handlers.
 */
#ifndef TRACE_SITES_H
#define TRACE_SITES_H

#include <stdbool.h>
#include <stdint.h>

#include "pyapi.h"
#include "safe/target.h"
#include "trace_table.h"

/* Where the names of the frame that runs are: offsets, as in the row. */
struct trace_sites_frames {
	void *(*thread_state)(void);
	int32_t cframe, frame, globals, builtins;
};

extern struct trace_sites_frames trace_sites_frames;

/*
 * Once, when costs have been measured: until then no site rests, nor later if
 * anything is missing, as before 3.12.
 */
void trace_sites_begin(void);

/* How many events of other than C functions come before a site is looked at. */
#define TRACE_SITES_FIRST 64u

/*
 * A function, which is on top, calls something that is no C function, at this
 * offset of its code. May that event rest from now on? Else f->site_wait says
 * when to ask again.
 */
bool trace_sites_may_rest(struct trace_function *f, uintptr_t code,
			  uint32_t offset, const void *callable);

/* Those of the frame that runs, once a site rests. */
static inline struct trace_scope trace_sites_now(void)
{
	const struct trace_sites_frames *s = &trace_sites_frames;
	void *at = s->thread_state();

	if (s->cframe != PYVER_NONE)
		at = pyapi_member(at, s->cframe);
	at = pyapi_member(at, s->frame);
	return (struct trace_scope){ pyapi_member(at, s->globals),
				     pyapi_member(at, s->builtins) };
}

/* Has the frame of a function that begins those that it is to have? */
static inline bool trace_sites_are_same(const struct trace_function *f)
{
	struct trace_scope now;

	if (!f->scope.globals)
		return true;
	now = trace_sites_now();
	return now.globals == f->scope.globals &&
	       now.builtins == f->scope.builtins;
}

/* It has not, or nobody knows whether: a frame of this code begins. */
void trace_sites_differ(uintptr_t code);

/* What trace_function.scope is to be for a code object. */
struct trace_scope trace_sites_scope(uintptr_t code);

/* Let all events come again, for good. */
void trace_sites_stop(void);

/* The code object is about to be freed. */
void trace_sites_forget(uintptr_t code);

#endif
