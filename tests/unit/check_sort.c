/* SPDX-License-Identifier: MIT */
/* sort.c: pstats' keys, as its users know them. */
#include "sort.h"

#include <string.h>

#include "unit.h"

/* Name, file, line; self and total samples and nanoseconds; calls, primitive.
 */
static const struct row rows[] = {
	{ 0, 20, "b", "x.py", { { 1, 50, 0 }, { 0, 60, 0 } }, 9, 6 },
	{ 1, 3, "a", "x.py", { { 5, 10, 0 }, { 0, 90, 0 } }, 6, 6 },
	{ 2, 3, "a", "w.py", { { 3, 30, 0 }, { 0, 30, 0 } }, 7, 7 },
};

/* The rows' functions in the order of the keys. */
static const char *order(const char *keys, bool reverse)
{
	static char result[ARRAY_LEN(rows) + 1];
	struct sort s = { .reverse = reverse };
	struct row copy[ARRAY_LEN(rows)];
	struct err err;
	size_t i;

	ck_assert_msg(!*keys || sort_parse(&s, keys, &err) == 0, "%s",
		      err.text);
	memcpy(copy, rows, sizeof(rows));
	sort_rows(&s, copy, ARRAY_LEN(copy));
	for (i = 0; i < ARRAY_LEN(copy); i++)
		result[i] = (char)('0' + copy[i].function);
	return result;
}

START_TEST(sort_knows_the_keys_of_pstats)
{
	static const char *const cases[][2] = {
		{ "", "021" },	       { "time", "021" },
		{ "tottime", "021" },  { "cumulative", "102" },
		{ "cumtime", "102" },  { "ncalls", "021" },
		{ "calls", "021" },    { "pcalls", "201" },
		{ "samples", "120" },  { "name", "210" },
		{ "filename", "201" }, { "module", "201" },
		{ "line", "210" },     { "nfl", "210" },
		{ "stdname", "201" },  { "-1", "201" },
		{ "0", "021" },	       { "1", "021" },
		{ "2", "102" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(strcmp(order(cases[i][0], false), cases[i][1]) ==
				      0,
			      "%s gives %s, not %s", cases[i][0],
			      order(cases[i][0], false), cases[i][1]);
}
END_TEST

START_TEST(sort_takes_unique_prefixes)
{
	ck_assert_str_eq(order("cum", false), "102");
	ck_assert_str_eq(order("std", false), "201");
	ck_assert_str_eq(order("nc", false), "021");
	ck_assert_str_eq(order("sa", false), "120");
}
END_TEST

START_TEST(sort_goes_on_to_the_next_key)
{
	ck_assert_str_eq(order("name,cumtime", false), "120");
	ck_assert_str_eq(order("name,file", false), "210");
}
END_TEST

START_TEST(sort_reverses)
{
	ck_assert_str_eq(order("time", true), "120");
}
END_TEST

START_TEST(sort_takes_the_prefixes_of_pstats)
{
	struct sort s = { 0 };
	struct text words = { 0 };
	struct err err;

	/* samples is no key of pstats' */
	ck_assert_int_eq(sort_parse(&s, "s,sa", &err), 0);
	sort_describe(&s, &words);
	ck_assert_str_eq(words.at, "standard name, samples");
	text_done(&words);
}
END_TEST

START_TEST(sort_refuses_what_is_no_key)
{
	static const char *const cases[][2] = {
		{ "speed", "unknown sort key 'speed'" },
		{ "", "unknown sort key ''" },
		{ "time,", "unknown sort key ''" },
		{ "c", "ambiguous sort key 'c'" },
		{ "3", "unknown sort key '3'" },
	};
	struct err err;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct sort s = { 0 };

		ck_assert_int_eq(sort_parse(&s, cases[i][0], &err), -1);
		ck_assert_str_eq(err.text, cases[i][1]);
	}
}
END_TEST

START_TEST(sort_says_its_order_in_the_words_of_pstats)
{
	struct sort s = { .count = 0 };
	struct text words = { 0 };
	struct err err;

	sort_describe(&s, &words);
	ck_assert_str_eq(words.at, "internal time");
	text_clear(&words);
	ck_assert_int_eq(sort_parse(&s, "pc,nfl,2", &err), 0);
	sort_describe(&s, &words);
	ck_assert_str_eq(words.at, "primitive call count, name/file/line, "
				   "cumulative time");
	text_done(&words);
}
END_TEST

UNIT_MAIN(sort, sort_says_its_order_in_the_words_of_pstats,
	  sort_knows_the_keys_of_pstats, sort_takes_unique_prefixes,
	  sort_takes_the_prefixes_of_pstats, sort_goes_on_to_the_next_key,
	  sort_reverses, sort_refuses_what_is_no_key)
