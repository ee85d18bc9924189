/* SPDX-License-Identifier: MIT */
/* totals.c: what the numbers of the summary add up to. */
#include "totals.h"

#include "unit.h"

#define SECOND UINT64_C(1000000000)

static struct process *add_process(struct profile *p, uint64_t session,
				   uint64_t start_s, uint64_t end_s)
{
	struct process *process = profile_add_process(p);

	process->header.session[0] = session;
	process->header.start_ns = start_s * SECOND;
	process->header.end_ns = end_s * SECOND;
	process->header.ended = PP_ENDED_EXIT;
	return process;
}

static void add_thread(struct profile *p, uint32_t process, uint64_t cpu_ns,
		       uint64_t sampled_ns)
{
	struct thread *t = profile_add_thread(p);

	t->process = process;
	t->first_cpu_ns = 1000;
	t->last_cpu_ns = 1000 + cpu_ns;
	t->sampled.ns = sampled_ns;
}

/* One that ended like that and has samples, of 50 ns before and 3 of ours. */
static struct process *add_used(struct profile *p, enum pp_ended ended,
				uint64_t sampled_ns)
{
	struct process *process = add_process(p, 1, 10, 12);

	process->header.ended = ended;
	process->header.start_cpu_ns = 50;
	process->header.counters[PP_COUNT_own_cpu_ns] = 3;
	process->sampled = (struct cost){ .samples = 6, .ns = sampled_ns };
	return process;
}

START_TEST(totals_of_a_killed_process_come_from_its_threads)
{
	struct process *process;
	struct profile p;
	struct totals t;

	profile_init(&p);
	process = add_used(&p, PP_ENDED_NOT, 600);
	process->header.end_ns = 0;
	process->last_ns = 12 * SECOND;
	add_thread(&p, 0, 500, 400);
	add_thread(&p, 0, 200, 200);
	totals_init(&t, &p);
	ck_assert_uint_eq(t.unsampled_ns, 100);
	ck_assert_uint_eq(t.sampled_ns, 600);
	ck_assert_uint_eq(t.cpu_ns, 50 + 600 + 100 + 3);
	ck_assert_uint_eq(t.duration_ns, 2 * SECOND);
	profile_done(&p);
}
END_TEST

START_TEST(cpu_of_a_log_that_was_full_is_unsampled)
{
	struct process *process;
	struct profile p;
	struct totals t;

	profile_init(&p);
	process = add_used(&p, PP_ENDED_SIZE, 400);
	process->header.end_cpu_ns = 2000;
	add_thread(&p, 0, 500, 400);
	totals_init(&t, &p);
	ck_assert_uint_eq(t.cpu_ns, 2000);
	ck_assert_uint_eq(t.unsampled_ns, 2000 - 50 - 400 - 3);
	profile_done(&p);
}
END_TEST

START_TEST(rate_is_asked_of_an_engine)
{
	struct process *process;
	struct profile p;
	struct totals t;

	profile_init(&p);
	process = add_process(&p, 1, 10, 12);
	process->header.period_ns = SECOND / 250;
	process->header.auto_rate = 1;
	totals_init(&t, &p);
	ck_assert(t.asked_hz == 0 && !t.auto_rate);
	p.processes[0].header.engine = PP_ENGINE_TIMER;
	totals_init(&t, &p);
	ck_assert(t.asked_hz == 250 && t.auto_rate);
	profile_done(&p);
}
END_TEST

START_TEST(duration_is_that_of_each_session_once)
{
	struct profile p;
	struct totals t;

	profile_init(&p);
	add_process(&p, 1, 10, 14);
	add_process(&p, 1, 12, 15); /* overlaps */
	add_process(&p, 2, 1, 4);
	totals_init(&t, &p);
	ck_assert_uint_eq(t.duration_ns, 8 * SECOND);
	profile_done(&p);
}
END_TEST

START_TEST(losses_are_counted_with_and_without_record)
{
	struct process *process;
	struct profile p;
	struct totals t;
	char buffer[16];

	profile_init(&p);
	process = add_process(&p, 1, 10, 11);
	process->header.lost[PP_LOST_space] = 5;
	process->header.lost[PP_LOST_torn] = 1;
	process->lost[PP_LOST_torn] = (struct cost){ .samples = 3, .ns = 70 };
	totals_init(&t, &p);
	ck_assert_uint_eq(t.lost[PP_LOST_torn], 3);
	ck_assert_uint_eq(t.lost_samples, 8);
	ck_assert_uint_eq(t.lost_ns, 70);
	ck_assert_str_eq(loss_name(PP_LOST_torn, buffer), "torn");
	ck_assert_str_eq(loss_name(PP_LOSS_MAX - 1, buffer), "reason-15");
	profile_done(&p);
}
END_TEST

START_TEST(counters_add_up_but_the_longest)
{
	struct profile p;
	struct totals t;
	struct process *process;

	profile_init(&p);
	process = add_process(&p, 1, 10, 11);
	process->header.counters[PP_COUNT_handler_ns] = 100;
	process->header.counters[PP_COUNT_handler_max_ns] = 7;
	process->header.engine = PP_ENGINE_TIMER;
	process->header.period_ns = 1000000;
	process = add_process(&p, 1, 10, 11);
	process->header.counters[PP_COUNT_handler_ns] = 10;
	process->header.counters[PP_COUNT_handler_max_ns] = 9;
	totals_init(&t, &p);
	ck_assert_uint_eq(t.counters[PP_COUNT_handler_ns], 110);
	ck_assert_uint_eq(t.counters[PP_COUNT_handler_max_ns], 9);
	ck_assert_double_eq(t.asked_hz, 1000);
	ck_assert_double_eq(t.achieved_hz, 0);
	profile_done(&p);
}
END_TEST

START_TEST(life_of_a_thread_is_what_samples_cover_and_the_rest)
{
	struct thread *thread;
	struct process *process;
	struct profile p;
	struct totals t;

	profile_init(&p);
	process = add_process(&p, 1, 0, 1);
	process->header.mode = PP_MODE_WALL;
	process->header.state_known = PP_STATE_GIL_WAIT;
	process->header.end_cpu_ns = 250;
	process->sampled = (struct cost){ 9, 900, 700 };
	process->gil_wait = (struct cost){ 2, 120, 100 };
	add_thread(&p, 0, 250, 0);
	thread = &p.threads[0];
	thread->wall = true;
	thread->sampled = process->sampled;
	thread->first_ns = 100;
	thread->last_ns = 5000; /* of a record after its end */
	thread->end_ns = 1150;
	totals_init(&t, &p);
	ck_assert_uint_eq(thread_wall_ns(thread), 1050);
	ck_assert_uint_eq(t.sampled_off_ns, 700);
	ck_assert_uint_eq(t.gil_wait_ns, 100);
	ck_assert_uint_eq(t.unsampled_ns - t.unsampled_off_ns, 50);
	ck_assert_uint_eq(t.unsampled_off_ns, 1050 - 250 - 700);
	ck_assert_uint_eq(t.sampled_ns + t.unsampled_ns,
			  thread_wall_ns(thread));
	ck_assert_uint_eq(t.cpu_ns, 250);
	ck_assert(t.wall && t.gil_wait_known);
	profile_done(&p);
}
END_TEST

START_TEST(modes_are_mixed_if_one_is_wall_and_one_cpu)
{
	static const struct {
		uint32_t modes[2];
		bool wall, mixed;
	} rows[] = {
		{ { PP_MODE_CPU, PP_MODE_CPU }, false, false },
		{ { PP_MODE_WALL, PP_MODE_WALL }, true, false },
		{ { PP_MODE_WALL, PP_MODE_NONE }, true, false },
		{ { PP_MODE_WALL, PP_MODE_CPU }, true, true },
		{ { PP_MODE_CPU, PP_MODE_WALL }, true, true },
	};
	struct profile p;
	struct totals t;
	size_t i;

	profile_init(&p);
	add_process(&p, 1, 0, 1);
	add_process(&p, 2, 0, 1);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		p.processes[0].header.mode = rows[i].modes[0];
		p.processes[1].header.mode = rows[i].modes[1];
		totals_init(&t, &p);
		ck_assert_int_eq(t.wall, rows[i].wall);
		ck_assert_int_eq(t.mixed, rows[i].mixed);
	}
	profile_done(&p);
}
END_TEST

START_TEST(own_thread_is_in_no_sum_but_its_own)
{
	struct process *process;
	struct profile p;
	struct totals t;

	profile_init(&p);
	process = add_process(&p, 1, 0, 1);
	process->header.counters[PP_COUNT_own_cpu_ns] = 30;
	add_thread(&p, 0, 500, 500);
	add_thread(&p, 0, 30, 0);
	p.threads[1].known = true;
	p.threads[1].kind = PP_THREAD_OWN;
	p.threads[1].left_out = true;
	totals_init(&t, &p);
	ck_assert_uint_eq(t.unsampled_ns, 0);
	ck_assert_uint_eq(t.own_ns, 30);
	ck_assert_uint_eq(t.cpu_ns, 530);
	profile_done(&p);
}
END_TEST

UNIT_MAIN(totals, modes_are_mixed_if_one_is_wall_and_one_cpu,
	  life_of_a_thread_is_what_samples_cover_and_the_rest,
	  own_thread_is_in_no_sum_but_its_own,
	  totals_of_a_killed_process_come_from_its_threads,
	  cpu_of_a_log_that_was_full_is_unsampled, rate_is_asked_of_an_engine,
	  duration_is_that_of_each_session_once,
	  losses_are_counted_with_and_without_record,
	  counters_add_up_but_the_longest)
