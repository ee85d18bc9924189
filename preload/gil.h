/* SPDX-License-Identifier: MIT */
/*
 * Where the GIL is. CPython's lock has two condition variables: one on which
 * it is signalled that the GIL was let go of, and for which those wait that
 * want it, and one on which it is signalled that it was taken, for which those
 * wait that were made to let go of it. No version says where they are, but
 * the first that a thread signals in PyEval_SaveThread() and that it signals in
 * PyEval_RestoreThread() are they.
 *
 * The GIL of a sub-interpreter that has one of its own (3.12 on) has another
 * pair, which is not looked for.
 */
#ifndef GIL_H
#define GIL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pyprof/compiler.h"

enum gil_part { GIL_NOT, GIL_RELEASED, GIL_TAKEN };

/* Where condition variables lie that gil_part_of() must be asked of. */
struct gil_near {
	_Atomic uintptr_t begin, bytes;
};

extern struct gil_near gil_near;

/* May this one be of the GIL? Any context. One comparison, for all others. */
static inline bool gil_is_near(const void *condition)
{
	return (uintptr_t)condition -
		       atomic_load_explicit(&gil_near.begin,
					    memory_order_relaxed) <
	       atomic_load_explicit(&gil_near.bytes, memory_order_relaxed);
}

/* Which one of the GIL's it is. Also notes it while gil_find() looks. */
enum gil_part gil_part_of(const void *condition);

/* Find the pair. Needs the GIL, which is let go of and taken again. */
bool gil_find(void) PP_MUST_CHECK;

#endif
