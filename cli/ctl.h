/* SPDX-License-Identifier: MIT */
/* pyprof-wrap --ctl PID VERB: speak to a running profiled process. */
#ifndef CTL_H
#define CTL_H

#include "pyprof/compiler.h"

/* The verbs, for messages. */
#define CTL_VERBS "start, stop, status or dump"

/*
 * Do what the one word says, and print what is to be printed on stdout. Returns
 * the exit status, having said what went wrong.
 */
int ctl_run(const char *pid, char *const *words) PP_MUST_CHECK;

#endif
