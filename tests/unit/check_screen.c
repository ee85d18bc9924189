/* SPDX-License-Identifier: MIT */
/* screen.c: what becomes of lines that are wider than a terminal. */
#include "screen.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define COLUMNS 40

/* "" before it keeps a table's line out of the summary. */
#define TABLE(line) "\n" line

static const struct {
	const char *text, *shown;
} cases[] = {
	/* first folders go, one by one */
	{ TABLE("1.000  f (/a/b/cc/ddddddd/eeee/ffff.py:1)\n"),
	  TABLE("1.000  f (.../cc/ddddddd/eeee/ffff.py:1)\n") },
	/* exactly as wide as the screen, in characters; and by one wider */
	{ TABLE("1.000  \u2603 (/aaaa/bbbb/cccc/dddd/ee.py:17)\n"),
	  TABLE("1.000  \u2603 (/aaaa/bbbb/cccc/dddd/ee.py:17)\n") },
	{ TABLE("1.000  \u2603\u2603 (/aaaa/bbbb/cccc/dddd/ee.py:17)\n"),
	  TABLE("1.000  \u2603\u2603 (.../bbbb/cccc/dddd/ee.py:17)\n") },
	/* what has no more folders to lose is cut, and says so */
	{ TABLE("1.000  method_of_a_long_name (/usr/lib/ast.py:17)\n"),
	  TABLE("1.000  method_of_a_long_name (.../ast.p>\n") },
	{ TABLE("1.000  a_name_that_is_wide\u2603 (/a/b.py:720)\n"),
	  TABLE("1.000  a_name_that_is_wide\u2603 (/a/b.py:72>\n") },
	{ TABLE("1.000  a_name_with_snow_at_its_far_end\u2603\u2603\u2603\n"),
	  TABLE("1.000  a_name_with_snow_at_its_far_end\u2603>\n") },
	/* parentheses that are part of a folder's name, or hold no path */
	{ TABLE("1.000  f (/srv/mine/new (2)/folder/file_of_mine.py:3)\n"),
	  TABLE("1.000  f (.../folder/file_of_mine.py:3)\n") },
	{ TABLE("1.000  f (/srv/mine/newest/folder/file_of_mine.py)\n"),
	  TABLE("1.000  f (/srv/mine/newest/folder/file_>\n") },
	/* two paths: the longer one first */
	{ TABLE("f (/aaaaaaa/b.py:1) behind g (/aaaaaa/cccccc/d.py:2)\n"),
	  TABLE("f (.../b.py:1) behind g (.../d.py:2)\n") },
	/* the summary goes on below its text */
	{ "own cost    0.10 % in the handler, 0.012 s in own threads\n",
	  "own cost    0.10 % in the handler, 0.012\n"
	  "            s in own threads\n" },
	{ "command     /a/path/without/any/blank/in/it/at/all x\n",
	  "command     /a/path/without/any/blank/in/it/at/all\n"
	  "            x\n" },
	{ "mode        wall\n", "mode        wall\n" },
	{ "", "" },
};

START_TEST(lines_fit)
{
	char *shown;
	size_t length, i;
	FILE *out;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		out = open_memstream(&shown, &length);
		screen_fit(cases[i].text, COLUMNS, out);
		fclose(out);
		ck_assert_str_eq(shown, cases[i].shown);
		free(shown);
	}
}
END_TEST

UNIT_MAIN(screen, lines_fit)
