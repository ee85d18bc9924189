/* SPDX-License-Identifier: MIT */
/*
 * The two ways to be told of calls and lines: PyEval_SetProfile and
 * PyEval_SetTrace to CPython 3.11, sys.monitoring from 3.12 on.
 */
#ifndef TRACE_MECHANISM_H
#define TRACE_MECHANISM_H

#include "pyprof/compiler.h"

struct trace_mechanism {
	/*
	 * Be told from now on, in all threads that there are. Returns 0, or -1
	 * after one line. Needs the GIL.
	 */
	int (*begin)(void) PP_MUST_CHECK;

	/* No longer. Needs the GIL. */
	void (*end)(void);

	/* See trace_arm_threads(); NULL: new threads need nothing. */
	void (*arm_threads)(void);

	/*
	 * Be told of no calls of C functions until the end. Returns -1 if that
	 * fails. NULL: what calls of Python functions cost is the same.
	 */
	int (*without_c_calls)(void);
};

extern const struct trace_mechanism trace_setprofile, trace_monitoring;

#endif
