/* SPDX-License-Identifier: MIT */
/* source.c: how Python sources may be coded. */
#define _GNU_SOURCE /* memfd_create */
#include "source.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

/* Line `number` of a source with this content. */
static const char *line_of(const char *content, size_t size, size_t number)
{
	static char result[200];
	int fd = memfd_create("source", 0);
	struct text line = { 0 };
	struct source s;
	char path[40];

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, size), (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ck_assert_int_eq(source_open(&s, path), 0);
	source_line(&s, number, &line);
	snprintf(result, sizeof(result), "%s", text_get(&line));
	source_close(&s);
	text_done(&line);
	close(fd);
	return result;
}

#define LINE(content, number) line_of(content, sizeof(content) - 1, number)

START_TEST(source_is_utf8_by_default)
{
	ck_assert_str_eq(LINE("x = 'é'\n", 1), "x = 'é'");
	ck_assert_str_eq(LINE("\xef\xbb\xbfx = 'é'", 1), "x = 'é'");
}
END_TEST

START_TEST(source_heeds_its_cookie)
{
	ck_assert_str_eq(LINE("# -*- coding: latin-1 -*-\n'\xe9'\n", 2), "'é'");
	ck_assert_str_eq(LINE("#!/bin/python\n# vim: set "
			      "fileencoding=iso-8859-15 :\n'\xa4'\n",
			      3),
			 "'€'");
	ck_assert_str_eq(LINE("# coding=utf_8\n'é'\n", 2), "'é'");
	ck_assert_str_eq(LINE("# coding: cp1252\n'\x80'\n", 2), "'€'");
}
END_TEST

START_TEST(source_has_no_cookie_below_line_two_or_code)
{
	ck_assert_str_eq(LINE("#\n#\n# coding: latin-1\n'é'\n", 4), "'é'");
	ck_assert_str_eq(LINE("x = 1\n# coding: latin-1\n'é'\n", 3), "'é'");
	ck_assert_str_eq(LINE("x = 'coding: latin-1'\n'é'\n", 2), "'é'");
}
END_TEST

START_TEST(source_replaces_what_cannot_be_decoded)
{
	ck_assert_str_eq(LINE("a\xff"
			      "b\n",
			      1),
			 "a\xef\xbf\xbd"
			 "b");
	ck_assert_str_eq(LINE("# coding: no-such-thing\n'é'\n", 2), "'é'");
	ck_assert_str_eq(LINE("ab\xc3", 1), "ab\xef\xbf\xbd");
}
END_TEST

START_TEST(source_lines_end_as_in_python)
{
	static const char source[] = "a\r\nb\rc\n\nd \t\f\ne\ff";

	ck_assert_str_eq(LINE(source, 1), "a");
	ck_assert_str_eq(LINE(source, 2), "b");
	ck_assert_str_eq(LINE(source, 3), "c");
	ck_assert_str_eq(LINE(source, 4), "");
	ck_assert_str_eq(LINE(source, 5), "d");
	ck_assert_str_eq(LINE(source, 6), "e\ff");
	ck_assert_str_eq(LINE(source, 7), "");
	ck_assert_str_eq(LINE(source, 0), "");
	ck_assert_str_eq(LINE("", 1), "");
}
END_TEST

START_TEST(source_is_a_regular_file)
{
	struct source s;

	ck_assert_int_eq(source_open(&s, "/dev/zero"), -1);
	ck_assert_int_eq(source_open(&s, "/"), -1);
	ck_assert_int_eq(source_open(&s, "/no/such/file.py"), -1);
}
END_TEST

UNIT_MAIN(source, source_is_utf8_by_default, source_heeds_its_cookie,
	  source_has_no_cookie_below_line_two_or_code,
	  source_replaces_what_cannot_be_decoded, source_lines_end_as_in_python,
	  source_is_a_regular_file)
