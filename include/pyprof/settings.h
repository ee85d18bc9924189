/* SPDX-License-Identifier: MIT */
/*
 * What the user asked for, parsed: the one place that knows which values an
 * option takes, used by pyprof-wrap to refuse a bad value before anything runs
 * and by libpyprof.so to act. No stdio, no errno.
 *
 * Strings are borrowed from whoever was asked for the values and must outlive
 * the struct.
 */
#ifndef PYPROF_SETTINGS_H
#define PYPROF_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

#define SETTINGS_PERIOD_MIN_NS 20000u	    /* 50 kHz */
#define SETTINGS_PERIOD_MAX_NS 10000000000u /* every ten seconds */

struct settings {
	const char *output;   /* pattern, never NULL */
	uint32_t mode;	      /* enum pp_mode */
	uint32_t engine;      /* enum pp_engine; NONE is auto */
	uint64_t period_ns;   /* 0 is auto */
	int signal;	      /* number */
	uint32_t trace;	      /* enum pp_trace */
	int builtins;	      /* bool: trace C functions too */
	const char *include;  /* POSIX extended expressions of the files to */
	const char *exclude;  /* trace; NULL: none */
	int tasks;	      /* bool: asyncio's, in the stacks */
	int main_thread_only; /* bool */
	int children;	      /* bool: follow them */
	int keep_env;	      /* bool: also with a cleared environment */
	int start;	      /* bool: record at once */
	int toggle;	      /* signal that switches recording; 0: none */
	uint64_t delay_ns;
	uint64_t duration_ns; /* 0: whole run */
	uint32_t max_depth;
	uint64_t max_size; /* 0: none */
	uint64_t ring_ns;  /* keep that much only; 0: all */
	int verbose;	   /* 0 never, 1 as cli.md says, 2 always */
};

/* Which value was refused and why, ready to print as "flag: why, 'value'". */
struct settings_error {
	const char *flag;     /* "rate" */
	const char *variable; /* "PYPROF_RATE" */
	const char *value;
	const char *why; /* may end in a hint "; try 50us" */
};

/*
 * Fill *s from the variables of PP_OPTIONS, asked from get(), which returns
 * NULL for one that is not set. An empty value counts as not set.
 *
 * Returns 0, or -1 with *err filled and *s unspecified.
 */
int settings_parse(struct settings *s, const char *(*get)(const char *name),
		   struct settings_error *err) PP_MUST_CHECK;

/*
 * Is it an expression that the C library takes? NULL, or what is wrong. It is
 * compiled again where it is used.
 */
const char *settings_expression(const char *value) PP_MUST_CHECK;

#endif
