/* SPDX-License-Identifier: MIT */
/* tree.c: who made whom, also where logs lie or are missing. */
#include "tree.h"

#include <stdio.h>

#include "unit.h"

#define MS UINT64_C(1000000)

static void add_process(struct profile *p, uint32_t pid, uint32_t ppid,
			uint64_t start_ms, unsigned ended)
{
	struct process *process = profile_add_process(p);

	process->header.pid = pid;
	process->header.ppid = ppid;
	process->header.start_ns = start_ms * MS;
	process->header.ended = ended;
	process->header.end_ns = (start_ms + 10) * MS;
}

static void add_fork(struct profile *p, uint32_t process, uint32_t pid,
		     uint64_t time_ms)
{
	struct fork *fork = profile_add_fork(p, process);

	fork->pid = pid;
	fork->time_ns = time_ms * MS;
}

/* The order as "PID[+DEPTH]..." with ! of one without a log, = of an exec. */
static const char *drawn(const struct profile *p)
{
	static char buffer[512];
	const struct tree_node *node;
	struct tree t;
	size_t at = 0, i;

	tree_init(&t, p);
	for (i = 0; i < t.count; i++) {
		node = &t.nodes[t.order[i]];
		at += (size_t)snprintf(buffer + at, sizeof(buffer) - at,
				       "%s%u+%zu%s%s", i ? " " : "", node->pid,
				       node->depth, node->exec ? "=" : "",
				       node->process == TREE_NONE ? "!" : "");
	}
	tree_done(&t);
	return buffer;
}

START_TEST(children_hang_on_their_parents_by_start)
{
	struct profile p;

	profile_init(&p);
	add_process(&p, 30, 10, 50, PP_ENDED_EXIT);
	add_process(&p, 10, 1, 0, PP_ENDED_EXIT);
	add_process(&p, 20, 10, 20, PP_ENDED_EXIT);
	add_process(&p, 25, 20, 30, PP_ENDED_EXIT);
	ck_assert_str_eq(drawn(&p), "10+0 20+1 25+2 30+1");
	profile_done(&p);
}
END_TEST

START_TEST(fork_says_more_than_the_child)
{
	struct profile p;
	struct tree t;

	profile_init(&p);
	add_process(&p, 10, 1, 0, PP_ENDED_EXIT);
	add_process(&p, 20, 10, 20, PP_ENDED_EXIT);
	add_process(&p, 30, 1, 40, PP_ENDED_EXIT); /* was adopted */
	add_fork(&p, 1, 30, 39);
	add_fork(&p, 0, 30, 5); /* the same number, long before */
	add_fork(&p, 0, 30, 500);
	ck_assert_str_eq(drawn(&p), "10+0 20+1 30+2");
	tree_init(&t, &p);
	ck_assert_uint_eq(t.nodes[2].fork, 0);
	ck_assert_uint_eq(tree_fork(&t, 2), 0);
	ck_assert_uint_eq(tree_parent(&t, 2), 1);
	ck_assert_uint_eq(tree_parent(&t, 0), TREE_NONE);
	tree_done(&t);
	profile_done(&p);
}
END_TEST

START_TEST(number_that_came_again_is_told_by_the_time)
{
	struct profile p;

	profile_init(&p);
	add_process(&p, 10, 1, 0, PP_ENDED_EXIT);
	add_process(&p, 20, 10, 10, PP_ENDED_EXIT);
	add_process(&p, 21, 20, 15, PP_ENDED_EXIT);
	add_process(&p, 20, 10, 100, PP_ENDED_EXIT);
	add_process(&p, 22, 20, 110, PP_ENDED_EXIT);
	ck_assert_str_eq(drawn(&p), "10+0 20+1 21+2 20+1 22+2");
	profile_done(&p);
}
END_TEST

START_TEST(exec_hangs_on_the_program_before)
{
	struct profile p;

	profile_init(&p);
	add_process(&p, 10, 1, 0, PP_ENDED_EXEC);
	add_process(&p, 10, 1, 20, PP_ENDED_EXEC);
	add_process(&p, 10, 1, 40, PP_ENDED_EXIT);
	add_process(&p, 11, 10, 45, PP_ENDED_EXIT);
	ck_assert_str_eq(drawn(&p), "10+0 10+1= 10+2= 11+3");
	profile_done(&p);
}
END_TEST

START_TEST(parent_without_a_log_joins_its_children)
{
	struct profile p;
	struct tree t;

	profile_init(&p);
	add_process(&p, 10, 1, 0, PP_ENDED_EXIT);
	add_process(&p, 30, 20, 20, PP_ENDED_EXIT); /* 20 was forked by 10 */
	add_process(&p, 41, 40, 30, PP_ENDED_EXIT);
	add_process(&p, 42, 40, 40, PP_ENDED_EXIT);
	add_process(&p, 51, 50, 60, PP_ENDED_EXIT); /* alone: 50 says nothing */
	add_fork(&p, 0, 20, 15);
	ck_assert_str_eq(drawn(&p), "10+0 20+1! 30+2 40+0! 41+1 42+1 51+0");
	tree_init(&t, &p);
	ck_assert_uint_eq(tree_parent(&t, 1), 0);
	ck_assert_uint_eq(tree_fork(&t, 1), 0);
	ck_assert_uint_eq(tree_parent(&t, 2), TREE_NONE);
	ck_assert_uint_eq(tree_fork(&t, 2), TREE_NONE);
	tree_done(&t);
	profile_done(&p);
}
END_TEST

START_TEST(parent_without_a_log_hangs_on_who_is_above_it)
{
	/* 10 made 11 by a library, that 12, that 13; the last two are shells */
	static const struct info above = { "12\00011\00010\0007", 10 };
	struct profile p;

	profile_init(&p);
	add_process(&p, 10, 1, 0, PP_ENDED_EXIT);
	add_process(&p, 20, 13, 20, PP_ENDED_EXIT);
	p.processes[1].infos[PP_INFO_ancestors] = above;
	ck_assert_str_eq(drawn(&p), "10+0 13+1! 20+2");
	add_process(&p, 21, 13, 21, PP_ENDED_EXIT);
	p.processes[2].infos[PP_INFO_ancestors] = above;
	add_fork(&p, 0, 11, 10);
	ck_assert_str_eq(drawn(&p), "10+0 13+1! 20+2 21+2");
	profile_done(&p);
}
END_TEST

START_TEST(sessions_are_apart)
{
	struct profile p;

	profile_init(&p);
	add_process(&p, 10, 1, 0, PP_ENDED_EXIT);
	add_process(&p, 20, 10, 20, PP_ENDED_EXIT);
	p.processes[1].header.session[0] = 1;
	add_fork(&p, 0, 20, 19);
	ck_assert_str_eq(drawn(&p), "10+0 20+0");
	profile_done(&p);
}
END_TEST

START_TEST(logs_that_fork_each_other_are_all_drawn)
{
	struct profile p;

	profile_init(&p);
	add_process(&p, 10, 10, 0, PP_ENDED_EXIT);
	add_process(&p, 20, 30, 0, PP_ENDED_EXIT);
	add_process(&p, 30, 20, 0, PP_ENDED_EXIT);
	add_process(&p, 31, 30, 1, PP_ENDED_EXIT);
	add_fork(&p, 0, 10, 0);
	add_fork(&p, 1, 30, 0);
	add_fork(&p, 2, 20, 0);
	ck_assert_str_eq(drawn(&p), "10+0 20+0 30+1 31+2");
	profile_done(&p);
}
END_TEST

UNIT_MAIN(tree, children_hang_on_their_parents_by_start,
	  fork_says_more_than_the_child,
	  number_that_came_again_is_told_by_the_time,
	  exec_hangs_on_the_program_before,
	  parent_without_a_log_joins_its_children,
	  parent_without_a_log_hangs_on_who_is_above_it, sessions_are_apart,
	  logs_that_fork_each_other_are_all_drawn)
