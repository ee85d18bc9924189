/* SPDX-License-Identifier: MIT */
/* Blocks of at least ARENA_BLOCK bytes, handed out from the end down. */
#include "util/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "util/die.h"

#define ARENA_BLOCK ((size_t)64 << 10)

struct arena_block {
	struct arena_block *next;
	alignas(max_align_t) char bytes[];
};

void arena_done(struct arena *a)
{
	struct arena_block *b;

	while ((b = a->blocks)) {
		a->blocks = b->next;
		free(b);
	}
	a->left = 0;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *b;

	bytes = (bytes + align - 1) / align * align;
	if (bytes > a->left || !a->blocks) {
		a->left = bytes > ARENA_BLOCK ? bytes : ARENA_BLOCK;
		b = must_alloc(sizeof(*b) + a->left);
		b->next = a->blocks;
		a->blocks = b;
	}
	a->left -= bytes;
	return a->blocks->bytes + a->left;
}

char *arena_copy(struct arena *a, const void *from, size_t bytes)
{
	char *to = arena_alloc(a, bytes + 1);

	if (bytes)
		memcpy(to, from, bytes);
	to[bytes] = '\0';
	return to;
}
