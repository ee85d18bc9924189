/* SPDX-License-Identifier: MIT */
/*
 * Memory that is freed all at once: strings and line tables of a profile.
 */
#ifndef UTIL_ARENA_H
#define UTIL_ARENA_H

#include <stddef.h>

#include "pyprof/compiler.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t left; /* bytes still free in the first block */
};

/* An arena of all zeros is empty and ready. */
void arena_done(struct arena *a);

/* `bytes` of uninitialised memory, aligned for any type. */
void *arena_alloc(struct arena *a, size_t bytes) PP_MUST_CHECK;

/* A copy of `bytes` bytes with a NUL after it. */
char *arena_copy(struct arena *a, const void *from, size_t bytes) PP_MUST_CHECK;

#endif
