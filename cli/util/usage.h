/* SPDX-License-Identifier: MIT */
/* What getopt_long() complains of, in words; both programs' options. */
#ifndef UTIL_USAGE_H
#define UTIL_USAGE_H

#include "util/die.h"

/* Numbers of long options begin here, so that no letter is one of them. */
#define USAGE_LONG 256

/*
 * `got` is '?' or, where `shorts` begin with a colon, ':' for a value that is
 * missing. Returns -1 with *err filled.
 */
int usage_error(int got, char *const *argv, struct err *err) PP_MUST_CHECK;

#endif
