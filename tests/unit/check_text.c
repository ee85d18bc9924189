/* SPDX-License-Identifier: MIT */
/* text.c: names from CPython's storage to a screen. */
#include "util/text.h"

#include <string.h>

#include "unit.h"

START_TEST(text_grows)
{
	struct text t = { 0 };
	int i;

	ck_assert_str_eq(text_get(&t), "");
	for (i = 0; i < 1000; i++)
		text_addf(&t, "%d,", i % 10);
	ck_assert_uint_eq(t.length, 2000);
	ck_assert_uint_eq(strlen(t.at), 2000);
	text_clear(&t);
	ck_assert_str_eq(text_get(&t), "");
	text_done(&t);
}
END_TEST

START_TEST(text_takes_strings_of_python)
{
	static const struct {
		unsigned kind;
		const char *bytes;
		size_t count;
		const char *expected;
	} cases[] = {
		{ 1, "caf\xe9", 4, "café" },
		{ 2, "\xa3\x03\xac\x20", 4, "Σ€" },
		{ 4, "\x0d\xf4\x01\x00", 4, "🐍" },
		{ 2, "\xe9\xdc", 2, "\xe9" },	      /* an undecoded byte */
		{ 2, "\x00\xd8", 2, "\xef\xbf\xbd" }, /* half a pair */
		{ 4, "\x00\x00\x11\x00", 4, "\xef\xbf\xbd" }, /* no character */
		{ 1, "a\0b", 3,
		  "a\xef\xbf\xbd"
		  "b" },
		{ 2, "a\0b", 3, "a" }, /* half a character */
		{ 0, "caf\xc3\xa9", 5, "café" },
	};
	struct text t = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		text_clear(&t);
		text_add_python(&t, cases[i].kind,
				(const uint8_t *)cases[i].bytes,
				cases[i].count);
		ck_assert_str_eq(text_get(&t), cases[i].expected);
	}
	text_done(&t);
}
END_TEST

START_TEST(text_escapes_for_people)
{
	struct text t = { 0 };

	text_add_printable(&t, "é\n\x7f\xe9 \xc3", 0);
	ck_assert_str_eq(t.at, "é\\x0a\\x7f\\xe9 \\xc3");
	text_clear(&t);
	text_add_printable(&t, "a\tb\xff", ' ');
	ck_assert_str_eq(t.at, "a b\\xff");
	text_done(&t);
}
END_TEST

START_TEST(text_quotes_as_a_shell_reads)
{
	struct text t = { 0 };

	text_add_quoted(&t, "/usr/bin/python3");
	text_addc(&t, ' ');
	text_add_quoted(&t, "");
	text_addc(&t, ' ');
	text_add_quoted(&t, "don't $x");
	ck_assert_str_eq(t.at, "/usr/bin/python3 '' 'don'\"'\"'t $x'");
	text_done(&t);
}
END_TEST

START_TEST(utf8_refuses_malformed_characters)
{
	static const struct {
		const char *bytes;
		size_t length;
	} cases[] = {
		{ "a", 1 },
		{ "\xc3\xa9", 2 },
		{ "\xe2\x82\xac", 3 },
		{ "\xf0\x9f\x90\x8d", 4 },
		{ "\xc0\x80", 0 },
		{ "\xe0\x80\x80", 0 },
		{ "\xed\xa0\x80", 0 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xc3", 0 },
		{ "\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_uint_eq(
			utf8_length(cases[i].bytes, strlen(cases[i].bytes)),
			cases[i].length);
}
END_TEST

UNIT_MAIN(text, text_grows, text_takes_strings_of_python,
	  text_escapes_for_people, text_quotes_as_a_shell_reads,
	  utf8_refuses_malformed_characters)
