/* SPDX-License-Identifier: MIT */
/*
 * CPython's three schemes of line tables, read up to one instruction:
 * Objects/lnotab_notes.txt to 3.9, PEP 626 in 3.10, InternalDocs/
 * code_objects.md (PEP 657) from 3.11 on. Bounded by DECODE_MOST.
 */
#include "safe/lines.h"

#include "safe/target.h"

/* Of a longer table only so much is read: a third of a millisecond. */
#define DECODE_MOST (256u << 10)

/* The code of an entry whose instructions have no line. */
#define NO_LOCATION 15

static uint32_t bounded(const struct codes_span *table)
{
	return table->length < DECODE_MOST ? table->length : DECODE_MOST;
}

/* A byte that is a signed number, modulo 2^32. */
static uint32_t sign_extend(uint8_t byte)
{
	return byte & 0x80 ? byte | ~UINT32_C(0xff) : byte;
}

/* Pairs of (bytes of code, signed lines): the lines come after the bytes. */
static uint32_t decode_lnotab(const struct codes_span *table, uint32_t offset)
{
	uint32_t n = bounded(table), at = 0, line = 0;

	for (uint32_t i = 0; i + 1 < n; i += 2) {
		at += table->at[i];
		if (at > offset)
			break;
		line += sign_extend(table->at[i + 1]);
	}
	return line;
}

/* Pairs of (bytes of code, signed lines before them, or -128: no line). */
static uint32_t decode_linetable(const struct codes_span *table,
				 uint32_t offset)
{
	uint32_t n = bounded(table), end = 0, line = 0;

	for (uint32_t i = 0; i + 1 < n; i += 2) {
		uint8_t delta = table->at[i + 1];

		end += table->at[i];
		if (delta != 0x80)
			line += sign_extend(delta);
		if (offset < end)
			return line;
	}
	return 0;
}

/* A signed number of six bits a byte, the low ones first. */
static uint32_t read_svarint(const uint8_t *p, const uint8_t *end)
{
	uint32_t value = 0;

	for (unsigned shift = 0; p < end && shift < 32; shift += 6) {
		value |= (uint32_t)(*p & 63) << shift;
		if (!(*p++ & 64))
			break;
	}
	return value & 1 ? 0u - (value >> 1) : value >> 1;
}

/* Lines that an entry, whose first byte is at p, moves on. */
static uint32_t entry_lines(const uint8_t *p, const uint8_t *end)
{
	unsigned code = *p >> 3 & 15;

	switch (code) {
	case 10:
	case 11:
	case 12:
		return code - 10;
	case 13:
	case 14:
		return read_svarint(p + 1, end);
	default:
		return 0;
	}
}

/*
 * The entry that an instruction is in, and its line. Entries: a byte with the
 * top bit set begins one. NULL and line 0: beyond the last.
 */
static const uint8_t *find_location(const struct codes_span *table,
				    uint32_t unit, uint32_t *line)
{
	const uint8_t *p = table->at, *end = p + bounded(table);
	uint32_t covered = 0;

	*line = 0;
	while (p < end) {
		*line += entry_lines(p, end);
		covered += (uint32_t)(*p & 7) + 1;
		if (unit < covered)
			return p;
		do
			p++;
		while (p < end && !(*p & 0x80));
	}
	*line = 0;
	return NULL;
}

static uint32_t decode_locations(const struct codes_span *table, uint32_t unit)
{
	uint32_t line;

	find_location(table, unit, &line);
	return line;
}

bool lines_has_own(const struct codes_span *table, uint32_t unit)
{
	uint32_t line;
	const uint8_t *entry = find_location(table, unit, &line);

	return entry && (*entry >> 3 & 15) != NO_LOCATION;
}

uint32_t lines_decode(int scheme, const struct codes_span *table, uint32_t unit)
{
	switch (scheme) {
	case PYVER_LINES_LNOTAB:
		return decode_lnotab(table, unit);
	case PYVER_LINES_LINETABLE:
		return decode_linetable(table, 2 * unit);
	default:
		return decode_locations(table, unit);
	}
}

/* Line 0 stands for the module itself, from 3.11 on: its first line is meant.
 */
static uint32_t clamp(uint32_t line, uint32_t firstlineno)
{
	return (int32_t)(line + firstlineno) < 1 ? 1 - firstlineno : line;
}

uint32_t lines_at(struct lines_entry *cache, uintptr_t code, uint32_t id,
		  uint32_t position)
{
	uint64_t key = (uint64_t)id << 32 | position;
	uint32_t slot = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) %
			LINES_CACHE;
	struct codes_span table;
	uint32_t firstlineno;

	if (position == 0)
		return 0;
	if (cache[slot].key != key) {
		if (!codes_read_lines(code, &table, &firstlineno))
			return 0;
		cache[slot].line = clamp(
			lines_decode(target.row->lines, &table, position - 1),
			firstlineno);
		cache[slot].key = key;
	}
	return cache[slot].line;
}
