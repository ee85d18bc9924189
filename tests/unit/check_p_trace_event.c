/* SPDX-License-Identifier: MIT */
/*
 * trace_event.h and trace_table.c: a walk at random through calls of six
 * functions, beside a model of what cProfile counts; returns that nobody
 * expects; tables that grow; lines.
 */
#include "trace_event.h"

#include <stdlib.h>

#include "safe/target.h"
#include "unit_log.h"

#define FUNCTIONS  6
#define DEPTH_MOST 300

/* Code objects, as far as the address goes: all that is read of them is 0. */
static char objects[FUNCTIONS][4096];

static uintptr_t address(int f)
{
	return (uintptr_t)objects[f];
}

static struct trace *begin(void)
{
	struct trace *t;

	target.row = pyver_find(12);
	target.settings.mode = PP_MODE_NONE;
	log_set_up();
	trace_clock_choose();
	t = trace_table_new(NULL);
	ck_assert_ptr_nonnull(t);
	t->open->last = trace_clock_now();
	return t;
}

/* What is known of calls of b by a; FUNCTIONS stands for nobody. */
struct count {
	uint64_t calls, recursive, recursive_edge, open;
};

static struct count model[FUNCTIONS + 1][FUNCTIONS];
static int stack[DEPTH_MOST], depth;

static int top(void)
{
	return depth ? stack[depth - 1] : FUNCTIONS;
}

static void model_enter(int f)
{
	struct count *c = &model[top()][f];
	uint64_t open = 0;

	for (int i = 0; i < depth; i++)
		open += stack[i] == f;
	c->calls++;
	c->recursive += open > 0;
	c->recursive_edge += c->open > 0;
	c->open++;
	stack[depth++] = f;
}

static void model_leave(void)
{
	int f = stack[--depth];

	model[top()][f].open--;
}

static struct trace_edge *edge_of(struct trace *t, int a, int b)
{
	const struct trace_function *caller = &t->root;
	struct trace_edge *found = NULL;

	for (uint32_t i = 0; i <= t->function_mask; i++)
		for (struct trace_function *f = t->functions[i]; f; f = f->next)
			if (a < FUNCTIONS && f->address == address(a))
				caller = f;
	for (uint32_t i = 0; i <= t->function_mask; i++)
		for (struct trace_function *f = t->functions[i]; f; f = f->next)
			for (struct trace_edge *e = f->edges; e; e = e->next)
				if (f->address == address(b) &&
				    e->caller == caller)
					found = e;
	return found;
}

static void compare(struct trace *t)
{
	for (int a = 0; a <= FUNCTIONS; a++)
		for (int b = 0; b < FUNCTIONS; b++) {
			const struct count *c = &model[a][b];
			struct trace_edge *e = edge_of(t, a, b);

			if (!c->calls) {
				ck_assert_ptr_null(e);
				continue;
			}
			ck_assert_ptr_nonnull(e);
			ck_assert_uint_eq(e->shown->calls, c->calls);
			ck_assert_uint_eq(e->shown->recursive, c->recursive);
			ck_assert_uint_eq(e->shown->recursive_edge,
					  c->recursive_edge);
			ck_assert_uint_eq(e->shown->open, c->open);
		}
}

/* The walk, with or without times. */
static struct trace *walk(unsigned what)
{
	struct trace *t = begin();

	srand(1);
	memset(model, 0, sizeof(model));
	depth = 0;
	for (int i = 0; i < 20000; i++) {
		int f = rand() % FUNCTIONS;

		if (depth && (rand() % 2 || depth == DEPTH_MOST)) {
			trace_leave(t, address(top()), what);
			model_leave();
		} else {
			model_enter(f);
			ck_assert_ptr_nonnull(
				trace_enter(t, address(f), NULL, what));
		}
		ck_assert_uint_eq(t->open->depth, (unsigned)depth);
	}
	compare(t);
	return t;
}

START_TEST(trace_counts_as_cprofile_does)
{
	trace_table_free(walk(TRACE_TIMES));
}
END_TEST

/* What a call costs is with it, whoever calls, and nothing else is there. */
START_TEST(trace_counts_without_a_clock)
{
	uint64_t own = 0, ended = 0;
	struct trace *t;

	trace_costs[PP_COST_python_outside] = 7;
	t = walk(0);
	for (int a = 0; a <= FUNCTIONS; a++)
		for (int b = 0; b < FUNCTIONS; b++) {
			struct trace_edge *e = edge_of(t, a, b);

			if (!e)
				continue;
			ck_assert_uint_eq(e->shown->self + e->shown->total +
						  e->shown->own +
						  e->shown->rest +
						  e->shown->rest_own,
					  0);
			own += e->shown->self_own;
			ended += e->shown->calls - e->shown->open;
		}
	ck_assert_uint_gt(ended, 0);
	ck_assert_uint_eq(own, 7 * ended);
	trace_costs[PP_COST_python_outside] = 0;
	trace_table_free(t);
}
END_TEST

START_TEST(trace_gives_all_time_to_somebody)
{
	struct trace *t = begin();
	uint64_t self = 0, start = t->open->last, total;

	trace_costs[PP_COST_python_inside] = 3;
	trace_costs[PP_COST_python_outside] = 5;
	trace_enter(t, address(0), NULL, TRACE_TIMES);
	start = t->open->last;
	for (int i = 0; i < 1000; i++) {
		trace_enter(t, address(1), NULL, TRACE_TIMES);
		trace_enter(t, address(0), NULL, TRACE_TIMES);
		trace_leave(t, address(0), TRACE_TIMES);
		trace_leave(t, address(1), TRACE_TIMES);
	}
	trace_leave(t, address(0), TRACE_TIMES);
	total = t->open->last - start;
	self += edge_of(t, FUNCTIONS, 0)->shown->self;
	self += edge_of(t, 0, 1)->shown->self;
	self += edge_of(t, 1, 0)->shown->self;
	ck_assert_uint_eq(self, total);
	ck_assert_uint_eq(edge_of(t, FUNCTIONS, 0)->shown->total, total);
	/* the inner calls of 0 are recursive: in the edge's, not in 0's total
	 */
	ck_assert_uint_eq(edge_of(t, 1, 0)->shown->total, 0);
	ck_assert_uint_gt(edge_of(t, 1, 0)->shown->rest, 0);
	ck_assert_uint_eq(edge_of(t, FUNCTIONS, 0)->shown->own, 3 + 2000 * 8);
	ck_assert_uint_eq(edge_of(t, 1, 0)->shown->rest_own, 3 * 1000);
	trace_costs[PP_COST_python_inside] = 0;
	trace_costs[PP_COST_python_outside] = 0;
	trace_table_free(t);
}
END_TEST

START_TEST(trace_passes_over_returns_of_what_it_has_not_seen)
{
	struct trace *t = begin();

	trace_leave(t, address(3), TRACE_TIMES);
	trace_enter(t, address(0), NULL, TRACE_TIMES);
	ck_assert_uint_eq(t->open->depth, 1);
	t->thread = log_thread(42); /* unseen functions are looked up in it */
	trace_leave(t, address(3), TRACE_TIMES);
	ck_assert_uint_eq(t->open->depth, 1);
	t->thread = NULL;
	trace_leave(t, address(0), TRACE_TIMES);
	ck_assert_uint_eq(t->open->depth, 0);
	trace_table_free(t);
}
END_TEST

START_TEST(trace_goes_deep)
{
	struct trace *t = begin();

	for (int i = 0; i < 100000; i++)
		ck_assert_ptr_nonnull(
			trace_enter(t, address(0), NULL, TRACE_TIMES));
	ck_assert_uint_eq(t->open->depth, 100000);
	for (int i = 0; i < 100000; i++)
		trace_leave(t, address(0), TRACE_TIMES);
	ck_assert_uint_eq(t->open->depth, 0);
	ck_assert_uint_eq(edge_of(t, 0, 0)->shown->calls, 99999);
	ck_assert_uint_eq(edge_of(t, 0, 0)->shown->recursive, 99999);
	ck_assert_uint_eq(edge_of(t, 0, 0)->shown->open, 0);
	trace_table_free(t);
}
END_TEST

START_TEST(trace_has_room_for_many_edges)
{
	enum { MANY = 30000 };
	struct trace *t = begin();
	char *many = calloc(MANY, 64);

	/* twice, so that none is made anew */
	for (int i = 0; i < 2 * MANY; i++) {
		uintptr_t at = (uintptr_t)(many + i % MANY * 64);

		ck_assert_ptr_nonnull(trace_enter(t, at, NULL, TRACE_TIMES));
		trace_leave(t, at, TRACE_TIMES);
	}
	ck_assert_uint_eq(t->edge_count, MANY);
	ck_assert_uint_eq(t->function_count, MANY);
	trace_table_free(t);
	free(many);
}
END_TEST

/* Wherever its slot has come to lie: whatever misses costs twice as much. */
START_TEST(trace_is_quick_for_all_it_has_seen)
{
	enum { MANY = 1000 };
	struct trace *t = begin();
	/* in no even steps, which the hash would spread too well */
	char *many = calloc(MANY + 1, MANY * 16);

	t->quick = true; /* on machines with another clock, too */
	for (int i = 0; i < 2 * MANY; i++) {
		int n = i % MANY;
		uintptr_t at = (uintptr_t)(many + n * n * 16);

		ck_assert_msg((trace_enter_quick(t, at, TRACE_TIMES) != NULL) ==
				      (i >= MANY),
			      "call %d", i);
		if (i < MANY)
			trace_enter(t, at, NULL, TRACE_TIMES);
		ck_assert(trace_leave_quick(t, at, TRACE_TIMES));
	}
	trace_table_free(t);
	free(many);
}
END_TEST

START_TEST(trace_counts_lines_and_entries)
{
	struct trace *t = begin();
	struct pp_line *l;

	trace_enter(t, address(0), NULL, TRACE_TIMES);
	trace_entry(t, 0);
	for (int i = 0; i < 10; i++)
		ck_assert(trace_line(t, address(0), 5,
				     TRACE_LINES | TRACE_TIMES));
	/* the line before the first, as modules have it */
	trace_line(t, address(0), UINT32_MAX, TRACE_LINES | TRACE_TIMES);
	ck_assert(trace_line(t, address(0), 40000, TRACE_LINES | TRACE_TIMES));
	/* struct.py of 3.8 has a line two before its first */
	for (int i = 0; i < 2; i++) {
		ck_assert(trace_line(t, address(0), UINT32_MAX - 1,
				     TRACE_LINES | TRACE_TIMES));
		ck_assert(trace_line(t, address(0), UINT32_C(1) << 31,
				     TRACE_LINES | TRACE_TIMES));
		ck_assert_uint_eq(t->top->at->hits, (unsigned)i + 1);
	}
	l = t->top->edge->callee->lines[5 + 1];
	ck_assert_uint_eq(l->hits, 10);
	ck_assert_uint_eq(l->entries, 0);
	ck_assert_uint_eq(t->top->edge->callee->lines[1]->entries, 1);
	ck_assert_uint_eq(t->top->edge->callee->lines[0]->hits, 1);
	ck_assert_uint_eq(t->top->edge->callee->lines[40001]->hits, 1);
	trace_table_free(t);
}
END_TEST

UNIT_MAIN(trace_event, trace_counts_as_cprofile_does,
	  trace_gives_all_time_to_somebody, trace_counts_without_a_clock,
	  trace_passes_over_returns_of_what_it_has_not_seen, trace_goes_deep,
	  trace_has_room_for_many_edges, trace_is_quick_for_all_it_has_seen,
	  trace_counts_lines_and_entries)
