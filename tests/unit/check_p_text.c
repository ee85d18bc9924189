/* SPDX-License-Identifier: MIT */
/* preload/text.c: text that ends in NUL and within its buffer. */
#include "text.h"

#include <string.h>

#include "unit.h"

static struct text t;

START_TEST(text_is_empty_at_first)
{
	text_init(&t);
	ck_assert_str_eq(t.at, "");
	ck_assert_uint_eq(t.length, 0);
	ck_assert(!t.cut);
}
END_TEST

START_TEST(text_adds_up)
{
	text_init(&t);
	text_add(&t, "ab");
	text_add(&t, "");
	text_add_n(&t, "cdef", 2);
	ck_assert_str_eq(t.at, "abcd");
	ck_assert_uint_eq(t.length, 4);
}
END_TEST

START_TEST(text_writes_decimal_numbers)
{
	static const struct {
		uint64_t n;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 9, "9" },
		{ 10, "10" },
		{ 4711, "4711" },
		{ UINT64_MAX, "18446744073709551615" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		text_init(&t);
		text_add_number(&t, cases[i].n);
		ck_assert_str_eq(t.at, cases[i].text);
	}
}
END_TEST

START_TEST(text_writes_hexadecimal_numbers_of_a_width)
{
	static const struct {
		uint64_t n;
		int digits;
		const char *text;
	} cases[] = {
		{ 0, 1, "0" },
		{ 0xab, 4, "00ab" },
		{ 0x12345, 2, "45" },
		{ UINT64_MAX, 16, "ffffffffffffffff" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		text_init(&t);
		text_add_hex(&t, cases[i].n, cases[i].digits);
		ck_assert_str_eq(t.at, cases[i].text);
	}
}
END_TEST

START_TEST(text_takes_what_just_fits)
{
	char most[sizeof(t.at)];

	memset(most, 'x', sizeof(most));
	text_init(&t);
	text_add_n(&t, most, sizeof(most) - 1);
	ck_assert_uint_eq(strlen(t.at), sizeof(t.at) - 1);
	ck_assert(!t.cut);
}
END_TEST

START_TEST(text_says_when_it_was_cut)
{
	char more[sizeof(t.at) + 10];

	memset(more, 'x', sizeof(more));
	text_init(&t);
	text_add_n(&t, more, sizeof(more));
	ck_assert(t.cut);
	ck_assert_uint_eq(strlen(t.at), sizeof(t.at) - 1);
	text_add(&t, "y");
	ck_assert_uint_eq(strlen(t.at), sizeof(t.at) - 1);
	text_init(&t);
	ck_assert(!t.cut);
}
END_TEST

UNIT_MAIN(text, text_is_empty_at_first, text_adds_up,
	  text_writes_decimal_numbers,
	  text_writes_hexadecimal_numbers_of_a_width, text_takes_what_just_fits,
	  text_says_when_it_was_cut)
