/* SPDX-License-Identifier: MIT */
/* arguments.c: options anywhere, formats by name and suffix, refusals. */
#include "arguments.h"

#include <getopt.h>
#include <string.h>

#include "load.h"
#include "unit.h"

#define WORDS_MAX 8

/* Parse a line of words that are parted by one blank each. */
static int parse(const char *line, struct arguments *a, struct err *err)
{
	static char copy[200];
	static char *words[WORDS_MAX + 1];
	char *save = NULL, *word;
	int count = 0;

	optind = 0; /* glibc: begin again */
	snprintf(copy, sizeof(copy), "pyprof-report %s", line);
	for (word = strtok_r(copy, " ", &save); word && count < WORDS_MAX;
	     word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	words[count] = NULL;
	return arguments_parse(a, count, words, err);
}

START_TEST(options_stand_anywhere)
{
	struct arguments a;
	struct err err;

	ck_assert_int_eq(parse("a.bin --callgrind b.bin -n 5 c.bin --by-thread",
			       &a, &err),
			 0);
	ck_assert_uint_eq(a.log_count, 3);
	ck_assert_str_eq(a.logs[0], "a.bin");
	ck_assert_str_eq(a.logs[2], "c.bin");
	ck_assert_str_eq(a.format->name, "callgrind");
	ck_assert_uint_eq(a.view.limits.count, 1);
	ck_assert_uint_eq(a.load.split, LOAD_BY_THREAD);
	arguments_done(&a);
}
END_TEST

START_TEST(format_comes_by_flag_name_or_suffix)
{
	static const char *const cases[][2] = {
		{ "", "text" },
		{ "--json", "json" },
		{ "-f dump", "dump" },
		{ "--format=collapsed", "collapsed" },
		{ "-o callgrind.out.1.pyprof", "callgrind" },
		{ "-o d/cachegrind.out.1", "callgrind" },
		{ "-o x.json", "json" },
		{ "-o x.pstats", "pstats" },
		{ "-o x.txt", "text" },
		{ "-o x", "text" },
		{ "-o -", "text" },
		{ "-o x.json --text", "text" },
	};
	struct arguments a;
	struct err err;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_int_eq(parse(cases[i][0], &a, &err), 0);
		ck_assert_str_eq(a.format->name, cases[i][1]);
		arguments_done(&a);
	}
}
END_TEST

START_TEST(usage_errors_name_what_is_wrong)
{
	static const char *const cases[][2] = {
		{ "--tree", "unknown option '--tree'; try --help" },
		{ "x --heatmap", "unknown option '--heatmap'; try --help" },
		{ "-Z", "unknown option '-Z'; try --help" },
		{ "-hZ", "unknown option '-Z'; try --help" },
		{ "--lines=3", "option '--lines=3' takes no value" },
		{ "--sort", "option '--sort' needs a value" },
		{ "-n", "option '-n' needs a value" },
		{ "-f html", "unknown format 'html'; try --formats" },
		{ "-o x.html", "unknown format of 'x.html'; try --formats" },
		{ "-o x.speedscope.json",
		  "unknown format of 'x.speedscope.json'; try --formats" },
		{ "--sort speed", "unknown sort key 'speed'" },
		{ "--unit ms", "unknown unit 'ms'; try us or samples" },
		{ "--process x", "--process 'x': no process number; try 4711" },
		{ "--process 4294967296",
		  "--process '4294967296': no process number; try 4711" },
		{ "--from -1", "--from '-1': no time in seconds; try 1.5" },
		{ "--to nan", "--to 'nan': no time in seconds; try 1.5" },
		{ "--from 2 --to 2", "--to '2': --from is not before --to" },
		{ "--state idle",
		  "unknown state 'idle'; try cpu, wall, gil, gil-wait, gc, "
		  "native or exception" },
		{ "-n 2.0", "--limit '2.0': not a fraction from 0.0 to 1.0" },
	};
	struct arguments a;
	struct err err;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_int_eq(parse(cases[i][0], &a, &err), -1);
		ck_assert_str_eq(err.text, cases[i][1]);
		arguments_done(&a);
	}
}
END_TEST

UNIT_MAIN(arguments, options_stand_anywhere,
	  format_comes_by_flag_name_or_suffix, usage_errors_name_what_is_wrong)
