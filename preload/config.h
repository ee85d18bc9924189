/* SPDX-License-Identifier: MIT */
/*
 * What was asked for: options and session, from the environment. Called once,
 * from the constructor, when there is a Python.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>

#include "pyprof/compiler.h"

/*
 * Fill target.settings and the session; begin a session, in the environment,
 * if none has begun. Returns -1 after a line on stderr if a value is bad.
 */
int config_init(void) PP_MUST_CHECK;

/* Is this the process with which the session began? */
bool config_is_first(void);

/* Did pyprof-wrap begin the session? */
bool config_is_wrapped(void);

/* The directory in which the session began; relative output is there. */
const char *config_directory(void);

#endif
