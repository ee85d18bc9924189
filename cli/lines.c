/* SPDX-License-Identifier: MIT */
/*
 * CPython describes the schemes in Objects/lnotab_notes.txt (up to 3.9, and
 * for 3.10 at its end) and Objects/locations.md (from 3.11). All are lists of
 * steps: so many bytes of code, so many lines further.
 */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

#include "pyprof/format.h"
#include "util/die.h"

#define CODE_UNIT	  2u /* bytes an instruction word, since 3.6 */
#define LINETABLE_NO_LINE (-128)

/* Kinds of entries in a location table; 0 to 9 are the short form. */
enum {
	LOCATION_ONE_LINE_0 = 10,
	LOCATION_ONE_LINE_2 = 12,
	LOCATION_NO_COLUMNS = 13,
	LOCATION_LONG = 14,
	LOCATION_NONE = 15,
};

/* Ranges as they are found, before they move to the arena. */
struct builder {
	struct line_range *ranges;
	size_t count, room;
	uint64_t end; /* of the last range */
};

/* The next `bytes` of code are on `line`. */
static void builder_add(struct builder *b, uint64_t bytes, int64_t line)
{
	uint32_t shown = line > 0 && line < INT32_MAX ? (uint32_t)line : 1;

	if (!bytes)
		return;
	b->end += bytes;
	if (b->end > UINT32_MAX)
		b->end = UINT32_MAX;
	if (!b->count || b->ranges[b->count - 1].line != shown) {
		b->ranges = must_grow(b->ranges, b->count, &b->room,
				      sizeof(*b->ranges));
		b->ranges[b->count++].line = shown;
	}
	b->ranges[b->count - 1].end = (uint32_t)b->end;
}

/* Pairs of bytes: code that is still on the line, then lines to add. */
static void decode_lnotab(struct builder *b, const struct line_table *t)
{
	int64_t line = t->first_line;
	size_t i;

	for (i = 0; i + 1 < t->size; i += 2) {
		builder_add(b, t->bytes[i], line);
		line += (int8_t)t->bytes[i + 1];
	}
	if (t->complete)
		builder_add(b, UINT32_MAX, line);
}

/* Pairs of bytes: lines to add, though the other way round, then the code. */
static void decode_linetable(struct builder *b, const struct line_table *t)
{
	int64_t line = t->first_line;
	size_t i;
	int step;

	for (i = 0; i + 1 < t->size; i += 2) {
		step = (int8_t)t->bytes[i + 1];
		if (step != LINETABLE_NO_LINE)
			line += step;
		builder_add(b, t->bytes[i], line);
	}
}

/* A number in groups of 6 bits, least first; bit 6 says that more follow. */
static uint64_t location_number(const struct line_table *t, size_t *at)
{
	uint64_t number = 0;
	unsigned shift;
	uint8_t byte;

	for (shift = 0; *at < t->size && shift < 60; shift += 6) {
		byte = t->bytes[(*at)++];
		number |= (uint64_t)(byte & 0x3f) << shift;
		if (!(byte & 0x40))
			break;
	}
	return number;
}

/* The same with the sign in the lowest bit. */
static int64_t location_signed(const struct line_table *t, size_t *at)
{
	uint64_t number = location_number(t, at);
	int64_t half = (int64_t)(number >> 1);

	return number & 1 ? -half : half;
}

/* Lines to add by the entry of this kind at *at, which moves behind it. */
static int64_t location_step(const struct line_table *t, unsigned kind,
			     size_t *at)
{
	int64_t step = 0;

	if (kind == LOCATION_NONE)
		return 0;
	if (kind == LOCATION_LONG) {
		step = location_signed(t, at);
		location_number(t, at); /* end line */
		location_number(t, at); /* column */
		location_number(t, at); /* end column */
	} else if (kind == LOCATION_NO_COLUMNS) {
		step = location_signed(t, at);
	} else if (kind >= LOCATION_ONE_LINE_0) {
		step = kind - LOCATION_ONE_LINE_0;
		*at += 2;
	} else {
		*at += 1;
	}
	return step;
}

static void decode_locations(struct builder *b, const struct line_table *t)
{
	int64_t line = t->first_line, step;
	size_t at = 0;
	uint8_t head;

	while (at < t->size) {
		head = t->bytes[at++];
		step = location_step(t, head >> 3 & 15, &at);
		/* An entry that is cut off tells nothing. */
		if (at > t->size || (at == t->size && !t->complete))
			break;
		if (llabs(line + step) < INT32_MAX)
			line += step;
		builder_add(b, ((head & 7) + 1) * CODE_UNIT, line);
	}
}

void lines_decode(struct lines *lines, const struct line_table *table,
		  struct arena *arena)
{
	struct builder b = { 0 };

	if (table->kind == PP_LINES_LNOTAB)
		decode_lnotab(&b, table);
	else if (table->kind == PP_LINES_LINETABLE)
		decode_linetable(&b, table);
	else if (table->kind == PP_LINES_LOCATIONS)
		decode_locations(&b, table);
	lines->count = b.count;
	lines->ranges = arena_alloc(arena, b.count * sizeof(*b.ranges));
	if (b.count)
		memcpy(lines->ranges, b.ranges, b.count * sizeof(*b.ranges));
	free(b.ranges);
}

uint32_t lines_find(const struct lines *lines, uint64_t offset)
{
	size_t low = 0, high = lines->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (lines->ranges[middle].end > offset)
			high = middle;
		else
			low = middle + 1;
	}
	return low < lines->count ? lines->ranges[low].line : 0;
}

uint64_t lines_offset(unsigned kind, uint32_t position)
{
	uint64_t unit = kind == PP_LINES_LNOTAB ? 1 : CODE_UNIT;

	return (position - 1) * unit;
}
