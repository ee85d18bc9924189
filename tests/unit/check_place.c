/* SPDX-License-Identifier: MIT */
/* place.c: names in an archive, and where files were. */
#include "place.h"

#include <string.h>

#include "unit.h"

START_TEST(relative_name_stays_inside)
{
	static const struct {
		const char *file, *relative;
	} cases[] = {
		{ "/usr/lib/a.py", "usr/lib/a.py" },
		{ "//usr//lib/./a.py", "usr/lib/a.py" },
		{ "/srv/app/../lib/a.py", "srv/lib/a.py" },
		{ "a.py", "a.py" },
		{ "./pkg/a.py", "pkg/a.py" },
		{ "../../etc/passwd", "etc/passwd" },
		{ "/a/../../b.py", "b.py" },
		{ "a/../b.py", "b.py" },
		{ "..a/b..py", "..a/b..py" },
		{ "<string>", "<string>" },
		{ "<frozen a/../b>", "<frozen a/../b>" },
		{ "~", "~" },
	};
	struct text t = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		text_clear(&t);
		place_add_relative(cases[i].file, &t);
		ck_assert_str_eq(text_get(&t), cases[i].relative);
	}
	text_done(&t);
}
END_TEST

static void add_process(struct profile *p, const char *cwd)
{
	struct process *process = profile_add_process(p);

	process->infos[PP_INFO_cwd] = (struct info){ cwd, strlen(cwd) };
}

START_TEST(relative_file_may_be_where_any_process_was)
{
	struct text t = { 0 };
	struct profile p;

	profile_init(&p);
	add_process(&p, "/one");
	add_process(&p, "/two");
	ck_assert(place_path(&p, "a.py", 0, &t));
	ck_assert_str_eq(t.at, "/one/a.py");
	ck_assert(place_path(&p, "a.py", 1, &t));
	ck_assert_str_eq(t.at, "/two/a.py");
	ck_assert(!place_path(&p, "a.py", 2, &t));
	ck_assert(place_path(&p, "/x/a.py", 0, &t));
	ck_assert_str_eq(t.at, "/x/a.py");
	ck_assert(!place_path(&p, "/x/a.py", 1, &t));
	ck_assert(!place_path(&p, "<string>", 0, &t));
	text_done(&t);
	profile_done(&p);
}
END_TEST

UNIT_MAIN(place, relative_name_stays_inside,
	  relative_file_may_be_where_any_process_was)
