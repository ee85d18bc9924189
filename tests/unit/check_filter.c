/* SPDX-License-Identifier: MIT */
/* filter.c: pprofile's rules of what is left out. */
#include "filter.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static const char *const files[] = {
	"/srv/app/app.py",
	"/srv/app/lib/tool.py",
	"/usr/lib/python3.11/json/decoder.py",
	"/usr/lib/python3/dist-packages/yaml.py",
	"<frozen importlib._bootstrap>",
	NULL,
};

static const char sys_path[] = "/srv/app\0/usr/lib/python311.zip\0"
			       "/usr/lib/python3.11\0"
			       "/usr/lib/python3/dist-packages";

static void make_profile(struct profile *p)
{
	struct process *process;
	struct function f;
	size_t i;

	profile_init(p);
	for (i = 0; i < ARRAY_LEN(files); i++) {
		f = (struct function){ .name = profile_string(p, "f", 1),
				       .line = (uint32_t)i };
		if (files[i])
			f.file = profile_string(p, files[i], strlen(files[i]));
		profile_function(p, &f);
	}
	process = profile_add_process(p);
	process->infos[PP_INFO_sys_path] =
		(struct info){ sys_path, sizeof(sys_path) - 1 };
	process->infos[PP_INFO_sys_prefix] = (struct info){ "/usr", 4 };
}

/* For each of the files, '-' if it is left out. */
static const char *kept(const char *include, const char *exclude, bool syspath)
{
	static char result[ARRAY_LEN(files) + 1];
	struct filter f = { .exclude_syspath = syspath };
	struct profile p;
	struct err err;
	bool *left_out;
	size_t i;

	make_profile(&p);
	if (include)
		ck_assert_int_eq(filter_include(&f, include, &err), 0);
	if (exclude)
		ck_assert_int_eq(filter_exclude(&f, exclude, &err), 0);
	left_out = filter_apply(&f, &p);
	for (i = 0; i < ARRAY_LEN(files); i++)
		result[i] = left_out[i] ? '-' : (char)('0' + i);
	free(left_out);
	filter_done(&f);
	profile_done(&p);
	return result;
}

START_TEST(filter_keeps_all_by_default)
{
	ck_assert_str_eq(kept(NULL, NULL, false), "012345");
}
END_TEST

START_TEST(filter_exclusion_is_searched_for)
{
	ck_assert_str_eq(kept(NULL, "/lib", false), "0---45");
}
END_TEST

START_TEST(filter_inclusion_alone_leaves_out_the_rest)
{
	ck_assert_str_eq(kept("^/srv", NULL, false), "01----");
}
END_TEST

START_TEST(filter_inclusion_beats_exclusion)
{
	ck_assert_str_eq(kept("json", "/lib", false), "0-2-45");
}
END_TEST

START_TEST(filter_syspath_is_not_the_programs_folder)
{
	ck_assert_str_eq(kept(NULL, NULL, true), "01--45");
	ck_assert_str_eq(kept("json", NULL, true), "012-45");
}
END_TEST

START_TEST(filter_refuses_bad_expression)
{
	struct filter f = { 0 };
	struct err err;

	ck_assert_int_eq(filter_include(&f, "[", &err), -1);
	ck_assert_int_eq(filter_exclude(&f, "(", &err), -1);
	filter_done(&f);
}
END_TEST

UNIT_MAIN(filter, filter_keeps_all_by_default, filter_exclusion_is_searched_for,
	  filter_inclusion_alone_leaves_out_the_rest,
	  filter_inclusion_beats_exclusion,
	  filter_syspath_is_not_the_programs_folder,
	  filter_refuses_bad_expression)
