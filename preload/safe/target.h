/* SPDX-License-Identifier: MIT */
/*
 * What is known of the interpreter in this process and of what was asked for.
 * Filled once, by interp.c and config.c, before anything is armed; constant
 * then, and still true in a forked child. Read in every context.
 */
#ifndef SAFE_TARGET_H
#define SAFE_TARGET_H

#include <stdint.h>

#include "pyprof/settings.h"
#include "pyver/pyver.h"

struct target {
	struct settings settings;
	uint64_t session[2];	 /* as in the log's header */
	const struct pyver *row; /* NULL: no interpreter that we know */
	uint32_t python;	 /* PY_VERSION_HEX */

	/*
	 * PyGILState_GetThisThreadState(): the calling thread's state, also
	 * while it does not hold the GIL; NULL before and after its life.
	 */
	void *(*thread_state)(void);
	uintptr_t runtime;     /* &_PyRuntime, or 0 */
	uintptr_t interpreter; /* PyInterpreterState in which we started */
	uintptr_t code_type;   /* &PyCode_Type */
	uintptr_t long_type, float_type, unicode_type;
	uintptr_t gen_types[3]; /* generator, coroutine, async generator */
	uintptr_t eval;		/* _PyEval_EvalFrameDefault */
	uintptr_t text[2];    /* where the interpreter's code lies: [0], [1) */
	uint32_t state_known; /* PP_STATE_ bits that were proved */

	uint32_t engine;    /* enum pp_engine, decided */
	uint64_t tick_ns;   /* of the kernel */
	uint64_t period_ns; /* between two samples of a thread */
};

extern struct target target;

#endif
