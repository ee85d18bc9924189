/* SPDX-License-Identifier: MIT */
/* limit.c: pstats' restrictions. */
#include "limit.h"

#include <string.h>

#include "unit.h"

#define ROWS 10

/* How many of ROWS rows are left; row i is f{i} at app.py:{i}. */
static size_t left(const char *const *words, size_t count)
{
	static const char *const names[ROWS] = { "f0", "f1", "f2", "f3", "f4",
						 "f5", "f6", "f7", "f8", "f9" };
	struct limits l = { .count = 0 };
	struct text said = { 0 };
	struct row rows[ROWS];
	struct err err;
	size_t i;

	for (i = 0; i < ROWS; i++)
		rows[i] = (struct row){ .line = (uint32_t)i,
					.name = names[i],
					.file = "app.py" };
	for (i = 0; i < count; i++)
		ck_assert_msg(limits_add(&l, words[i], &err) == 0, "%s",
			      err.text);
	i = limits_apply(&l, rows, ROWS, &said);
	limits_done(&l);
	text_done(&said);
	return i;
}

START_TEST(limit_is_count_fraction_or_expression)
{
	static const struct {
		const char *word;
		size_t left;
	} cases[] = {
		{ "3", 3 },	{ "0", 0 },	      { "100", 10 },
		{ "1", 1 },	{ "0.5", 5 },	      { "0.25", 3 },
		{ "0.0", 0 },	{ "1.0", 10 },	      { "f[13]", 2 },
		{ "^app", 10 }, { ":7\\(f7\\)$", 1 }, { "nothing", 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(left(&cases[i].word, 1) == cases[i].left,
			      "%s leaves %zu, not %zu", cases[i].word,
			      left(&cases[i].word, 1), cases[i].left);
}
END_TEST

START_TEST(limits_apply_in_order)
{
	static const char *const first[] = { "5", "f[4-9]" };
	static const char *const last[] = { "f[4-9]", "5" };

	ck_assert_uint_eq(left(first, 2), 1);
	ck_assert_uint_eq(left(last, 2), 5);
}
END_TEST

START_TEST(limit_is_told_as_pstats_does)
{
	static const char *const words[] = { "1.0", "0.50", "^app", "4", "0" };
	struct limits l = { .count = 0 };
	struct row rows[ROWS] = { { 0 } };
	struct text said = { 0 };
	struct err err;
	size_t i;

	for (i = 0; i < ROWS; i++)
		rows[i].name = rows[i].file = "app";
	for (i = 0; i < ARRAY_LEN(words); i++)
		ck_assert_int_eq(limits_add(&l, words[i], &err), 0);
	ck_assert_uint_eq(limits_apply(&l, rows, ROWS, &said), 0);
	ck_assert_str_eq(
		text_get(&said),
		"   List reduced from 10 to 5 due to restriction <0.5>\n"
		"   List reduced from 5 to 4 due to restriction <4>\n"
		"   List reduced from 4 to 0 due to restriction <0>\n");
	limits_done(&l);
	text_done(&said);
}
END_TEST

START_TEST(limit_refuses_what_is_none)
{
	struct limits l = { .count = 0 };
	struct err err;

	ck_assert_int_eq(limits_add(&l, "1.5", &err), -1);
	ck_assert_int_eq(limits_add(&l, "0.5.5", &err), -1);
	ck_assert_int_eq(limits_add(&l, "(", &err), -1);
	ck_assert_uint_eq(l.count, 0);
}
END_TEST

UNIT_MAIN(limit, limit_is_count_fraction_or_expression, limits_apply_in_order,
	  limit_is_told_as_pstats_does, limit_refuses_what_is_none)
