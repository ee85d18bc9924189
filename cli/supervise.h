/* SPDX-License-Identifier: MIT */
/*
 * pyprof-wrap as the parent of the command, for --report: it passes signals
 * on, stops when the command stops, outlives Ctrl-C, and in the end dies as
 * the command did.
 */
#ifndef SUPERVISE_H
#define SUPERVISE_H

#include <stdint.h>

#include "pyprof/compiler.h"
#include "util/die.h"

/*
 * Run the command in a child, in the session, until it ends. Returns 0 with
 * its wait status, or -1 with *err filled.
 */
int supervise_command(const uint64_t session[2], char **command, int *status,
		      struct err *err) PP_MUST_CHECK;

/*
 * End as a process with this wait status has ended: with its exit status, or
 * by the signal that it died of, without a core of our own.
 */
PP_NORETURN void supervise_end(int status);

#endif
