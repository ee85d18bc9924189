/* SPDX-License-Identifier: MIT */
/*
 * The interpreter in this process: is there one, which, and when does it
 * start. Any thread that has the GIL, or before there is one.
 */
#ifndef INTERP_H
#define INTERP_H

#include <stdbool.h>

#include "log.h"
#include "pyprof/compiler.h"

/*
 * Look for an interpreter in an object opened by dlopen(), or RTLD_DEFAULT,
 * and have on_ready() called, once, with the GIL, when it is ready: by an
 * audit hook, which removes itself then. Returns 0; -1 if there is none, or
 * none that can be profiled, which is said in one line.
 */
int interp_watch(void *handle, void (*on_ready)(void)) PP_MUST_CHECK;

/*
 * The interpreter is initialised and we have the GIL: prove the offsets and
 * fill *facts. Returns -1 after one line if the proof fails.
 */
int interp_prove(struct log_facts *facts) PP_MUST_CHECK;

/*
 * Be told of the death of code objects from now on, until the end; and tell
 * another, while the thread has the GIL.
 */
void interp_hook_deaths(void (*died)(void *code));

/* Is it initialised, with the GIL in our hands and no Python frame running? */
bool interp_is_idle_and_ready(void);

#endif
