/* SPDX-License-Identifier: MIT */
/*
 * From the offset of an instruction to its line: decodes the three schemes of
 * line tables that CPython 3.8 to 3.15 have had. A table may be damaged or
 * incomplete; what it does not cover has no line.
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"

/* Instructions up to `end` (a byte offset, excluded), all on one line. */
struct line_range {
	uint32_t end;
	uint32_t line;
};

struct lines {
	struct line_range *ranges; /* in order of `end` */
	size_t count;
};

/* A code object's table as it lies in the log. */
struct line_table {
	unsigned kind; /* enum pp_lines; others give no lines at all */
	const uint8_t *bytes;
	size_t size;
	bool complete; /* false: its end was lost */
	uint32_t first_line;
};

/*
 * Decode a table; the ranges are the arena's. Instructions that have no line
 * of their own get that of the instruction before, or the first line.
 */
void lines_decode(struct lines *lines, const struct line_table *table,
		  struct arena *arena);

/*
 * The line of the instruction at `offset` bytes, or 0 if the table does not
 * reach it. Lines count from 1: line 0 (a module's first instruction) is 1.
 */
uint32_t lines_find(const struct lines *lines, uint64_t offset);

/*
 * The byte offset that a SAMPLE's position stands for, whose unit depends on
 * the scheme. `position` must not be 0.
 */
uint64_t lines_offset(unsigned kind, uint32_t position);

#endif
