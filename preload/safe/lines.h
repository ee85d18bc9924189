/* SPDX-License-Identifier: MIT */
/*
 * From an instruction to its line. Resolved while the sample is taken: a line
 * costs the log one byte where the code object's line table costs hundreds,
 * and two instructions of one line are one place. Handler.
 */
#ifndef SAFE_LINES_H
#define SAFE_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "safe/codes.h"

#define LINES_CACHE 512 /* entries a thread */

/* What a thread has resolved lately; the key is code id and position. */
struct lines_entry {
	uint64_t key;
	uint32_t line;
	uint32_t unused;
};

/*
 * The line of a position in a code object, as the log has it: counted from
 * firstlineno, modulo 2^32. An instruction without a line has that of the one
 * before it; a position that is before the first, or beyond what is decoded of
 * a giant table, has 0, the code object's own. id is the code's
 * in the log; cache has LINES_CACHE entries of zeros or of earlier calls.
 */
uint32_t lines_at(struct lines_entry *cache, uintptr_t code, uint32_t id,
		  uint32_t position);

/* Decode: the same without cache, from a table that the caller has read. */
uint32_t lines_decode(int scheme, const struct codes_span *table,
		      uint32_t unit);

/* From 3.11 on: has an instruction a line by itself, or that of one before? */
bool lines_has_own(const struct codes_span *table, uint32_t unit);

#endif
