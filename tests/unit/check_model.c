/* SPDX-License-Identifier: MIT */
/* model.c: what is the same function, the same node; lists of facts. */
#include "model.h"

#include <string.h>

#include "unit.h"

static uint32_t add_function(struct profile *p, const char *name,
			     const char *file, uint32_t line)
{
	struct function f = {
		.name = profile_string(p, name, strlen(name)),
		.file = profile_string(p, file, strlen(file)),
		.line = line,
	};

	return profile_function(p, &f);
}

START_TEST(string_is_interned)
{
	struct profile p;

	profile_init(&p);
	ck_assert_ptr_eq(profile_string(&p, "abc", 3),
			 profile_string(&p, "abcd", 3));
	ck_assert_ptr_ne(profile_string(&p, "abc", 3),
			 profile_string(&p, "abcd", 4));
	profile_done(&p);
}
END_TEST

START_TEST(function_is_name_file_and_line)
{
	struct profile p;
	uint32_t f;

	profile_init(&p);
	f = add_function(&p, "f", "a.py", 1);
	ck_assert_uint_eq(add_function(&p, "f", "a.py", 1), f);
	ck_assert_uint_ne(add_function(&p, "f", "a.py", 2), f);
	ck_assert_uint_ne(add_function(&p, "f", "b.py", 1), f);
	ck_assert_uint_ne(add_function(&p, "g", "a.py", 1), f);
	profile_done(&p);
}
END_TEST

START_TEST(child_is_added_once)
{
	struct profile p;
	uint32_t f, a, i;

	profile_init(&p);
	f = add_function(&p, "f", "a.py", 1);
	a = profile_child(&p, MODEL_ROOT, f, 1);
	for (i = 0; i < 10000; i++)
		ck_assert_uint_gt(profile_child(&p, a, f, i), a);
	ck_assert_uint_eq(profile_child(&p, MODEL_ROOT, f, 1), a);
	ck_assert_uint_eq(profile_child(&p, a, f, 7), a + 8);
	ck_assert_uint_eq(p.node_count, 10002);
	profile_done(&p);
}
END_TEST

START_TEST(info_list_keeps_empty_strings)
{
	struct info list = { "a\0\0c", 4 }, empty = { NULL, 0 };
	const char *s = info_next(&list, NULL);

	ck_assert_str_eq(s, "a");
	s = info_next(&list, s);
	ck_assert_str_eq(s, "");
	s = info_next(&list, s);
	ck_assert_str_eq(s, "c");
	ck_assert_ptr_null(info_next(&list, s));
	ck_assert_ptr_null(info_next(&empty, NULL));
}
END_TEST

START_TEST(thread_unsampled_is_never_negative)
{
	struct thread t = { .first_cpu_ns = 100, .last_cpu_ns = 300 };

	ck_assert_uint_eq(thread_unsampled_ns(&t), 200);
	t.sampled.ns = 150;
	ck_assert_uint_eq(thread_unsampled_ns(&t), 50);
	t.sampled.ns = 250;
	ck_assert_uint_eq(thread_unsampled_ns(&t), 0);
	t.last_cpu_ns = 50;
	ck_assert_uint_eq(thread_unsampled_ns(&t), 0);
}
END_TEST

UNIT_MAIN(model, string_is_interned, function_is_name_file_and_line,
	  child_is_added_once, info_list_keeps_empty_strings,
	  thread_unsampled_is_never_negative)
