/* SPDX-License-Identifier: MIT */
/*
 * safe/lines.c: what CPython itself says of every instruction, in its three
 * schemes; damaged tables, with unreadable memory behind them; the cache.
 */
#include "safe/lines.h"

#include <string.h>
#include <sys/mman.h>

#include "lines_tables.h"
#include "safe/target.h"
#include "unit.h"

#define PAGE 4096u

static int scheme_of(const struct lines_case *c)
{
	return pyver_find(c->minor)->lines;
}

/* Call check() for each instruction of a case that it knows a line of. */
static void for_instructions(const struct lines_case *c, bool with_line,
			     void (*check)(const struct lines_case *c,
					   uint32_t position, int32_t line))
{
	uint32_t position = 0;

	for (uint32_t i = 0; i < c->count; i += 2)
		for (int32_t n = 0; n < c->lines[i]; n++) {
			if ((c->lines[i + 1] >= 0) == with_line)
				check(c, position, c->lines[i + 1]);
			position += c->step;
		}
}

static void expect_line(const struct lines_case *c, uint32_t position,
			int32_t line)
{
	struct codes_span table = { c->table, c->bytes, 0 };
	int32_t got = (int32_t)lines_decode(scheme_of(c), &table, position);

	ck_assert_msg(got + c->first == line, "%s: %u is in line %d, not %d",
		      c->name, position, line, got + c->first);
}

START_TEST(lines_are_those_of_cpython)
{
	for (size_t i = 0; i < ARRAY_LEN(lines_cases); i++)
		for_instructions(&lines_cases[i], true, expect_line);
}
END_TEST

static uint32_t without_line;

/* A line that the code has, or that of the code object itself. */
static void expect_any_line(const struct lines_case *c, uint32_t position,
			    int32_t line)
{
	struct codes_span table = { c->table, c->bytes, 0 };
	int32_t got = (int32_t)lines_decode(scheme_of(c), &table, position);
	bool known = got == 0;

	(void)line;
	for (uint32_t i = 0; i < c->count; i += 2)
		known |= got + c->first == c->lines[i + 1];
	ck_assert_msg(known, "%s: %u is in line %d, which has no code", c->name,
		      position, got + c->first);
	without_line++;
}

START_TEST(lines_of_instructions_without_one_stay_in_the_code)
{
	for (size_t i = 0; i < ARRAY_LEN(lines_cases); i++)
		for_instructions(&lines_cases[i], false, expect_any_line);
	ck_assert_uint_gt(without_line, 20);
}
END_TEST

START_TEST(lines_cases_are_of_every_version)
{
	for (int minor = 8; minor <= 15; minor++) {
		size_t n = 0;

		for (size_t i = 0; i < ARRAY_LEN(lines_cases); i++)
			n += lines_cases[i].minor == minor;
		ck_assert_uint_ge(n, 10);
	}
}
END_TEST

/* Memory that ends where nothing can be read. */
static uint8_t *before_a_hole(size_t bytes)
{
	size_t size = (bytes + PAGE - 1) / PAGE * PAGE;
	uint8_t *p = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(mprotect(p + size, PAGE, PROT_NONE), 0);
	return p + size - bytes;
}

START_TEST(lines_of_cut_tables_are_read_within_them)
{
	for (size_t i = 0; i < ARRAY_LEN(lines_cases); i++) {
		const struct lines_case *c = &lines_cases[i];
		uint8_t *end = before_a_hole(PAGE) + PAGE;

		ck_assert_uint_le(c->bytes, PAGE);
		for (uint32_t n = 0; n <= c->bytes; n++) {
			struct codes_span table = { end - n, n, 0 };

			memcpy(end - n, c->table, n);
			for (uint32_t at = 0; at < 600; at += 1 + at / 50)
				lines_decode(scheme_of(c), &table, at);
			lines_decode(scheme_of(c), &table, UINT32_MAX - 1);
		}
	}
}
END_TEST

START_TEST(lines_of_garbage_are_read_within_it)
{
	uint8_t *end = before_a_hole(PAGE) + PAGE;
	uint32_t random = 1;

	for (uint32_t n = 1; n <= 256; n++) {
		struct codes_span table = { end - n, n, 0 };

		for (int round = 0; round < 20; round++) {
			for (uint32_t i = 1; i <= n; i++) {
				random = random * 1664525u + 1013904223u;
				end[-(int)i] = (uint8_t)(random >> 24);
			}
			for (int scheme = 1; scheme <= 3; scheme++) {
				lines_decode(scheme, &table, random >> 20);
				lines_decode(scheme, &table, UINT32_MAX - 1);
			}
		}
	}
}
END_TEST

START_TEST(lines_of_empty_tables_are_the_code_s)
{
	struct codes_span table = { before_a_hole(0), 0, 0 };

	for (int scheme = 1; scheme <= 3; scheme++) {
		ck_assert_uint_eq(lines_decode(scheme, &table, 0), 0);
		ck_assert_uint_eq(lines_decode(scheme, &table, 1000), 0);
	}
}
END_TEST

START_TEST(lines_read_giant_tables_in_part)
{
	const uint32_t bytes = 1u << 20;
	struct codes_span table = { before_a_hole(bytes), bytes, 0 };

	/* one instruction and no line an entry, so the end is not reached */
	memset((void *)(uintptr_t)table.at, 0x80, bytes);
	ck_assert_uint_eq(
		lines_decode(PYVER_LINES_LOCATIONS, &table, bytes - 1), 0);
}
END_TEST

START_TEST(lines_of_their_own)
{
	/* two instructions on the first line, two of none, one on the next */
	uint8_t bytes[] = { 0x80 | 13 << 3 | 1, 0, 0x80 | 15 << 3 | 1,
			    0x80 | 11 << 3,	0, 0 };
	struct codes_span table = { bytes, sizeof(bytes), 0 };
	const bool own[] = { true, true, false, false, true, false };

	for (uint32_t i = 0; i < ARRAY_LEN(own); i++)
		ck_assert_int_eq(lines_has_own(&table, i), own[i]);
	ck_assert_uint_eq(lines_decode(PYVER_LINES_LOCATIONS, &table, 3), 0);
	ck_assert_uint_eq(lines_decode(PYVER_LINES_LOCATIONS, &table, 4), 1);
}
END_TEST

/* -- with a code object, of 3.12 ------------------------------------------- */

static uint64_t code[64], table_object[32];
static struct lines_entry cache[LINES_CACHE];

static void set_up_code(const struct lines_case *c)
{
	const struct pyver *v = target.row = pyver_find(c->minor);
	char *co = (char *)code, *bytes = (char *)table_object;
	uintptr_t pointer = (uintptr_t)table_object;
	uint64_t length = c->bytes;

	ck_assert_uint_lt((size_t)v->bytes_sval + length, sizeof(table_object));
	memcpy(co + v->co_linetable, &pointer, sizeof(pointer));
	memcpy(co + v->co_firstlineno, &c->first, sizeof(c->first));
	memcpy(bytes + v->ob_size, &length, sizeof(length));
	memcpy(bytes + v->bytes_sval, c->table, c->bytes);
}

static const struct lines_case *case_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(lines_cases); i++)
		if (strcmp(lines_cases[i].name, name) == 0)
			return &lines_cases[i];
	ck_abort_msg("no case %s", name);
	return NULL;
}

static void expect_line_at(const struct lines_case *c, uint32_t position,
			   int32_t line)
{
	uint32_t got = lines_at(cache, (uintptr_t)code, 1, position + 1);

	ck_assert_int_eq((int32_t)got, line - c->first);
}

START_TEST(lines_at_agrees_with_cpython)
{
	const struct lines_case *c = case_of("branches_1_12");

	set_up_code(c);
	for_instructions(c, true, expect_line_at);
	for_instructions(c, true, expect_line_at);
}
END_TEST

START_TEST(lines_at_before_the_first_instruction_is_the_code_s)
{
	set_up_code(case_of("short_1_12"));
	ck_assert_uint_eq(lines_at(cache, (uintptr_t)code, 1, 0), 0);
}
END_TEST

START_TEST(lines_at_remembers)
{
	uint32_t line;

	set_up_code(case_of("short_1_12"));
	line = lines_at(cache, (uintptr_t)code, 1, 3);
	ck_assert_uint_eq(line, 1);
	memset(table_object, 0, sizeof(table_object));
	ck_assert_uint_eq(lines_at(cache, (uintptr_t)code, 1, 3), line);
}
END_TEST

START_TEST(lines_at_tells_codes_at_one_address_apart)
{
	set_up_code(case_of("short_1_12"));
	ck_assert_uint_eq(lines_at(cache, (uintptr_t)code, 1, 3), 1);
	memset(table_object, 0, sizeof(table_object));
	ck_assert_uint_eq(lines_at(cache, (uintptr_t)code, 2, 3), 0);
}
END_TEST

START_TEST(lines_at_line_0_is_line_1)
{
	const struct lines_case *c = case_of("module_0_12");

	/* the first instruction of a module is in line 0, which is none */
	ck_assert_int_eq(c->lines[1], 0);
	set_up_code(c);
	ck_assert_uint_eq(lines_at(cache, (uintptr_t)code, 1, 1), 0);
}
END_TEST

UNIT_MAIN(lines, lines_are_those_of_cpython,
	  lines_of_instructions_without_one_stay_in_the_code,
	  lines_cases_are_of_every_version,
	  lines_of_cut_tables_are_read_within_them,
	  lines_of_garbage_are_read_within_it,
	  lines_of_empty_tables_are_the_code_s, lines_read_giant_tables_in_part,
	  lines_of_their_own, lines_at_agrees_with_cpython,
	  lines_at_before_the_first_instruction_is_the_code_s,
	  lines_at_remembers, lines_at_tells_codes_at_one_address_apart,
	  lines_at_line_0_is_line_1)
