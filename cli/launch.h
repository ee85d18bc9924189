/* SPDX-License-Identifier: MIT */
/*
 * How pyprof-wrap makes a command one that is profiled: the library goes into
 * LD_PRELOAD, a new session into PYPROF_SESSION, and the command is exec'd.
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <stdint.h>

#include "pyprof/compiler.h"
#include "util/die.h"
#include "util/text.h"

/* What a wrapper answers when the command did not get to run. */
enum {
	EXIT_WRAPPER = 125, /* a failure of its own */
	EXIT_NOT_RUN = 126, /* the command cannot be executed */
	EXIT_NOT_FOUND = 127,
};

/*
 * Add the path of one of our files: beside this program, else in `other`
 * relative to its folder. Returns 0, or -1 with *err filled.
 */
int launch_find(const char *file, const char *other, struct text *path,
		struct err *err) PP_MUST_CHECK;

/*
 * Append our library to LD_PRELOAD, unless it is there, under whatever path.
 * Returns 0, or -1 with *err filled.
 */
int launch_preload(struct err *err) PP_MUST_CHECK;

/* Draw the number of a new session. Returns 0, or -1 with *err filled. */
int launch_session(uint64_t session[2], struct err *err) PP_MUST_CHECK;

/*
 * Become the command, in the session. Returns only if that fails, the exit
 * status that is due, having said why.
 */
int launch_exec(const uint64_t session[2], char **command) PP_MUST_CHECK;

#endif
