/* SPDX-License-Identifier: MIT */
/*
 * What was asked for: options and session, from the environment. Called once,
 * from the constructor, when there is a Python.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "pyprof/compiler.h"

/*
 * Fill target.settings and the session; begin a session, in the environment,
 * if none has begun. Returns -1 after a line on stderr if a value is bad.
 */
int config_init(void) PP_MUST_CHECK;

/* Shall this process record? Not if it is a child, and children shall not. */
bool config_is_wanted(void);

/*
 * When profiling began in the first process of the session, CLOCK_MONOTONIC.
 * The first to ask begins now, and notes that in the environment.
 */
uint64_t config_session_began(uint64_t now_ns);

/* Is this the process with which the session began? */
bool config_is_first(void);

/* Did pyprof-wrap begin the session? */
bool config_is_wrapped(void);

/* The directory in which the session began; relative output is there. */
const char *config_directory(void);

#endif
