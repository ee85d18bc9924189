/* SPDX-License-Identifier: MIT */
/*
 * What the two programs say on stderr, and the error that functions hand up.
 * Every line is "PROGRAM: text". Only main() ends the program; the one
 * exception is memory that cannot be had.
 */
#ifndef UTIL_DIE_H
#define UTIL_DIE_H

#include <stddef.h>

#include "pyprof/compiler.h"

enum {
	EXIT_FINE = 0,
	EXIT_INPUT = 1, /* a log could not be read or an output not written */
	EXIT_USAGE = 2,
};

/* Why something failed, in words that can be printed after a path. */
struct err {
	char text[512];
};

/* Fill *e and return -1, so that `return err_set(e, ...)` is one line. */
int err_set(struct err *e, const char *format, ...) PP_PRINTF(2, 3);

/* The name that messages begin with; a literal, said once by main(). */
void say_program(const char *name);

/* One line on stderr. */
void say(const char *format, ...) PP_PRINTF(1, 2);

/*
 * Memory that is always had: these end the program with EXIT_INPUT and one
 * line when the system has none left.
 */
void *must_alloc(size_t bytes) PP_MUST_CHECK;
void *must_zalloc(size_t count, size_t bytes) PP_MUST_CHECK;
void *must_realloc(void *old, size_t count, size_t bytes) PP_MUST_CHECK;
char *must_strdup(const char *s) PP_MUST_CHECK;

/*
 * Room for one more element in an array of *capacity elements of `bytes`, of
 * which `count` are in use. Returns the array, moved if it had to grow.
 */
void *must_grow(void *array, size_t count, size_t *capacity,
		size_t bytes) PP_MUST_CHECK;

#endif
