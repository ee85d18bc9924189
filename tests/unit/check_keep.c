/* SPDX-License-Identifier: MIT */
/* keep.c: which threads, processes, states and times the options ask for. */
#include "keep.h"

#include <string.h>

#include "unit.h"

static struct thread named(const char *name, uint64_t tid, unsigned kind)
{
	return (struct thread){
		.name = name, .tid = tid, .kind = kind, .known = true
	};
}

START_TEST(thread_is_found_by_name_or_whole_number)
{
	static const struct {
		const char *expression;
		bool main, worker, unnamed; /* is found */
	} cases[] = {
		{ "main", true, false, false },
		{ "^worker-[0-9]$", false, true, false },
		{ "a|worker", true, true, false },
		{ "4711", true, false, false },
		{ "471", false, false, false },
		{ "4713", false, false, true },
	};
	struct thread main = named(NULL, 4711, PP_THREAD_MAIN);
	struct thread worker = named("worker-1", 4712, PP_THREAD_CREATED);
	struct thread unnamed = named(NULL, 4713, PP_THREAD_FOUND);
	struct err err;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct keep k = { 0 };

		ck_assert_int_eq(keep_thread(&k, cases[i].expression, &err), 0);
		ck_assert_int_eq(keep_has_thread(&k, &main), cases[i].main);
		ck_assert_int_eq(keep_has_thread(&k, &worker), cases[i].worker);
		ck_assert_int_eq(keep_has_thread(&k, &unnamed),
				 cases[i].unnamed);
		keep_done(&k);
	}
}
END_TEST

START_TEST(several_threads_and_processes_add_up)
{
	struct thread main = named(NULL, 1, PP_THREAD_MAIN);
	struct thread other = named("other", 2, PP_THREAD_CREATED);
	struct keep k = { 0 };
	struct err err;

	ck_assert(keep_has_thread(&k, &other));
	ck_assert(keep_has_process(&k, 7));
	ck_assert_int_eq(keep_thread(&k, "nobody", &err), 0);
	ck_assert(!keep_has_thread(&k, &other));
	ck_assert_int_eq(keep_thread(&k, "other", &err), 0);
	ck_assert(keep_has_thread(&k, &other));
	ck_assert(!keep_has_thread(&k, &main));
	ck_assert_int_eq(keep_process(&k, "8", &err), 0);
	ck_assert(!keep_has_process(&k, 7));
	ck_assert_int_eq(keep_process(&k, "7", &err), 0);
	ck_assert(keep_has_process(&k, 7));
	ck_assert(!keep_chooses(&k));
	keep_done(&k);
}
END_TEST

START_TEST(log_that_does_not_know_a_state_is_refused)
{
	static const struct {
		const char *state;
		uint32_t mode, known;
		int result;
	} cases[] = {
		{ "gil", PP_MODE_CPU, PP_STATE_GIL, 0 },
		{ "gil", PP_MODE_CPU, PP_STATE_GIL_WAIT, -1 },
		{ "gil-wait", PP_MODE_WALL, PP_STATE_GIL, -1 },
		{ "gil-wait", PP_MODE_WALL, 0x3f, 0 },
		{ "gc", PP_MODE_CPU, 0, -1 },
		{ "native", PP_MODE_CPU, 0, -1 },
		{ "exception", PP_MODE_CPU, 0, -1 },
		{ "cpu", PP_MODE_WALL, 0, 0 },
		{ "wall", PP_MODE_CPU, 0, 0 },
		{ "wall", PP_MODE_NONE, 0x3f, -1 },
	};
	struct pp_header h = { 0 };
	struct err err;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct keep k = { 0 };

		h.mode = cases[i].mode;
		h.state_known = cases[i].known;
		ck_assert_int_eq(keep_state(&k, cases[i].state, &err), 0);
		ck_assert_int_eq(keep_check(&k, &h, &err), cases[i].result);
		keep_done(&k);
	}
}
END_TEST

START_TEST(times_count_from_the_start_of_the_session)
{
	struct pp_header h = { .session = { 1, 2 }, .start_ns = 900 };
	struct keep k = { 0 };

	keep_see(&k, &h);
	h.start_ns = 500;
	keep_see(&k, &h);
	h.session[1] = 3;
	h.start_ns = 100;
	keep_see(&k, &h);
	h.start_ns = 700;
	ck_assert_uint_eq(keep_origin_ns(&k, &h), 100);
	h.session[1] = 2;
	ck_assert_uint_eq(keep_origin_ns(&k, &h), 500);
	h.session[1] = 4;
	ck_assert_uint_eq(keep_origin_ns(&k, &h), 700);
	keep_done(&k);
}
END_TEST

START_TEST(options_are_described_as_typed)
{
	struct keep k = { 0 };
	struct text t = { 0 };
	struct err err;

	keep_describe(&k, &t);
	ck_assert_str_eq(text_get(&t), "");
	ck_assert_int_eq(keep_state(&k, "gil", &err), 0);
	ck_assert_int_eq(keep_thread(&k, "a b", &err), 0);
	ck_assert_int_eq(keep_process(&k, "12", &err), 0);
	ck_assert_int_eq(keep_from(&k, "0.5", &err), 0);
	ck_assert_int_eq(keep_to(&k, "2", &err), 0);
	keep_describe(&k, &t);
	ck_assert_str_eq(text_get(&t), " --state gil --thread 'a b' "
				       "--process 12 --from 0.5 --to 2");
	ck_assert(keep_chooses(&k));
	text_done(&t);
	keep_done(&k);
}
END_TEST

UNIT_MAIN(keep, thread_is_found_by_name_or_whole_number,
	  several_threads_and_processes_add_up,
	  log_that_does_not_know_a_state_is_refused,
	  times_count_from_the_start_of_the_session,
	  options_are_described_as_typed)
