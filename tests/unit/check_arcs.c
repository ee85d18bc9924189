/* SPDX-License-Identifier: MIT */
/* arcs.c: recursion, names that are one in pstats, and counted calls. */
#include "arcs.h"

#include <string.h>

#include "unit.h"

static uint32_t add_function(struct profile *p, const char *name,
			     const char *file, uint32_t line, uint32_t print)
{
	struct function f = { .line = line, .print = print };

	f.name = profile_string(p, name, strlen(name));
	f.simple = f.name;
	f.file = profile_string(p, file, strlen(file));
	return profile_function(p, &f);
}

static void add_sample(struct profile *p, uint32_t node)
{
	struct cost cost = { .samples = 1, .ns = 10 };

	cost_add(&p->nodes[node].self, &cost);
}

/* Of the arcs to (or by) a function the one of this other, or NULL. */
static const struct arc *find(const struct arcs *c, uint32_t function,
			      uint32_t other)
{
	const struct arc *arc;
	size_t count;

	for (arc = arcs_of(c, function, &count); count > 0; arc++, count--)
		if ((c->by == ARCS_BY_CALLEE ? arc->caller : arc->callee) ==
		    other)
			return arc;
	return NULL;
}

START_TEST(lines_of_a_caller_are_one_and_count_a_stack_once)
{
	struct view_options options = { 0 };
	struct profile p;
	struct view v;
	struct arcs c;
	uint32_t f, g, node;

	/* f:1 -> g:5 -> f:2 -> g:6 */
	profile_init(&p);
	f = add_function(&p, "f", "/a.py", 1, 0);
	g = add_function(&p, "g", "/a.py", 5, 0);
	node = profile_child(&p, MODEL_ROOT, f, 1);
	node = profile_child(&p, node, g, 5);
	add_sample(&p, node);
	node = profile_child(&p, node, f, 2);
	node = profile_child(&p, node, g, 6);
	add_sample(&p, node);
	view_init(&v, &p, &options);
	arcs_init(&c, &v, ARCS_NAMED, ARCS_BY_CALLEE);
	ck_assert_uint_eq(c.count, 2);
	ck_assert_uint_eq(find(&c, g, f)->cost.count, 2);
	ck_assert_uint_eq(find(&c, g, f)->cost.primitive, 2);
	ck_assert_uint_eq(find(&c, g, f)->cost.self_ns, 20);
	ck_assert_uint_eq(find(&c, g, f)->cost.total_ns, 20);
	ck_assert_uint_eq(find(&c, f, g)->cost.total_ns, 10);
	ck_assert_uint_eq(find(&c, f, g)->cost.self_ns, 0);
	ck_assert_ptr_null(find(&c, f, f));
	arcs_done(&c);
	view_done(&v);
	profile_done(&p);
}
END_TEST

START_TEST(callees_are_the_same_arcs_by_caller)
{
	struct view_options options = { 0 };
	struct profile p;
	struct view v;
	struct arcs c;
	uint32_t f, g, h, node;

	profile_init(&p);
	f = add_function(&p, "f", "/b.py", 1, 0);
	g = add_function(&p, "g", "/b.py", 5, 0);
	h = add_function(&p, "h", "/a.py", 9, 0);
	node = profile_child(&p, MODEL_ROOT, f, 1);
	add_sample(&p, profile_child(&p, node, g, 5));
	add_sample(&p, profile_child(&p, node, h, 9));
	view_init(&v, &p, &options);
	arcs_init(&c, &v, ARCS_NAMED, ARCS_BY_CALLER);
	ck_assert_uint_eq(c.count, 2);
	ck_assert_uint_eq(c.list[0].callee, h); /* its file comes first */
	ck_assert_uint_eq(c.list[1].callee, g);
	ck_assert_ptr_null(find(&c, g, f));
	arcs_done(&c);
	view_done(&v);
	profile_done(&p);
}
END_TEST

START_TEST(functions_of_one_name_are_one_in_pstats)
{
	struct view_options options = { .strip_dirs = true };
	struct profile p;
	struct view v;
	struct arcs c;
	uint32_t f, g, h, node;

	/* Two lambdas on one line, and a third in another folder's a.py. */
	profile_init(&p);
	f = add_function(&p, "<lambda>", "/x/a.py", 1, 1);
	g = add_function(&p, "<lambda>", "/x/a.py", 1, 2);
	h = add_function(&p, "<lambda>", "/y/a.py", 1, 3);
	node = profile_child(&p, MODEL_ROOT, f, 1);
	node = profile_child(&p, node, g, 1);
	add_sample(&p, node);
	add_sample(&p, profile_child(&p, node, h, 1));
	view_init(&v, &p, &options);
	arcs_init(&c, &v, ARCS_PSTATS, ARCS_BY_CALLEE);
	ck_assert_uint_eq(c.number[f], c.number[g]);
	ck_assert_uint_eq(c.number[f], c.number[h]);
	ck_assert_uint_eq(c.functions[c.number[f]].count, 2);
	ck_assert_uint_eq(c.functions[c.number[f]].total_ns, 20);
	ck_assert_str_eq(c.names.functions[c.number[f]].file, "a.py");
	ck_assert_uint_eq(c.count, 1);
	ck_assert_uint_eq(c.list[0].cost.total_ns, 20);
	arcs_done(&c);
	view_done(&v);
	profile_done(&p);
}
END_TEST

/* A process that was traced only, for calls to be put in. */
static void add_traced_process(struct profile *p)
{
	struct process *process = profile_add_process(p);

	process->header.mode = PP_MODE_NONE;
	process->header.trace = PP_TRACE_CALLS;
	profile_add_thread(p);
}

static void add_call(struct profile *p, uint32_t caller, uint32_t callee,
		     uint64_t calls, uint64_t recursive)
{
	*profile_add_traced_call(p) = (struct traced_call){
		.caller = caller,
		.callee = callee,
		.calls = calls,
		.recursive = recursive,
		.recursive_edge = recursive,
		.self_ns = calls * 10,
		.total_ns = (calls - recursive) * 100,
	};
}

START_TEST(counted_calls_of_one_name_are_added_up)
{
	struct view_options options = { 0 };
	const struct arc_cost *cost;
	struct profile p;
	struct view v;
	struct arcs c;
	uint32_t f, g, h;

	profile_init(&p);
	add_traced_process(&p);
	f = add_function(&p, "f", "/a.py", 1, 0);
	g = add_function(&p, "<lambda>", "/a.py", 5, 1);
	h = add_function(&p, "<lambda>", "/a.py", 5, 2);
	add_call(&p, FUNCTION_NONE, f, 1, 0);
	add_call(&p, f, g, 5, 2);
	add_call(&p, f, h, 7, 0);
	view_init(&v, &p, &options);
	arcs_init(&c, &v, ARCS_PSTATS, ARCS_BY_CALLEE);
	cost = &c.functions[c.number[g]];
	ck_assert_uint_eq(cost->count, 12);
	ck_assert_uint_eq(cost->primitive, 10);
	ck_assert_uint_eq(cost->self_ns, 120);
	ck_assert_uint_eq(cost->total_ns, 1000);
	ck_assert_uint_eq(c.count, 1); /* nobody called f */
	cost = &c.list[0].cost;
	ck_assert_uint_eq(cost->count, 12);
	ck_assert_uint_eq(cost->primitive, 10);
	ck_assert_uint_eq(cost->total_ns, 1000);
	arcs_done(&c);
	view_done(&v);
	profile_done(&p);
}
END_TEST

START_TEST(times_are_those_of_samples_where_both_were_recorded)
{
	struct view_options options = { 0 };
	struct profile p;
	struct view v;
	struct arcs c;
	uint32_t f, g, node;

	profile_init(&p);
	add_traced_process(&p);
	p.processes[0].header.mode = PP_MODE_CPU;
	f = add_function(&p, "f", "/a.py", 1, 0);
	g = add_function(&p, "g", "/a.py", 5, 0);
	add_call(&p, f, g, 7, 0);
	node = profile_child(&p, MODEL_ROOT, f, 1);
	add_sample(&p, profile_child(&p, node, g, 5));
	view_init(&v, &p, &options);
	arcs_init(&c, &v, ARCS_NAMED, ARCS_BY_CALLEE);
	ck_assert_uint_eq(c.functions[f].count, 1); /* its sample */
	ck_assert_uint_eq(c.functions[g].count, 7);
	ck_assert_uint_eq(c.functions[g].total_ns, 10);
	ck_assert_uint_eq(find(&c, g, f)->cost.count, 7);
	ck_assert_uint_eq(find(&c, g, f)->cost.total_ns, 10);
	arcs_done(&c);
	view_done(&v);
	profile_done(&p);
}
END_TEST

START_TEST(files_left_out_call_nobody)
{
	struct view_options options = { 0 };
	struct profile p;
	struct err err;
	struct view v;
	struct arcs c;
	uint32_t f, g, h, node;

	profile_init(&p);
	f = add_function(&p, "f", "/a.py", 1, 0);
	g = add_function(&p, "g", "/out.py", 5, 0);
	h = add_function(&p, "h", "/a.py", 9, 0);
	node = profile_child(&p, MODEL_ROOT, f, 1);
	node = profile_child(&p, node, g, 5);
	add_sample(&p, profile_child(&p, node, h, 9));
	ck_assert_int_eq(filter_exclude(&options.filter, "out", &err), 0);
	view_init(&v, &p, &options);
	arcs_init(&c, &v, ARCS_PSTATS, ARCS_BY_CALLEE);
	ck_assert_uint_eq(c.functions[c.number[g]].count, 0);
	ck_assert_uint_eq(c.functions[c.number[h]].count, 1);
	ck_assert_uint_eq(c.count, 0);
	arcs_done(&c);
	view_done(&v);
	filter_done(&options.filter);
	profile_done(&p);
}
END_TEST

UNIT_MAIN(arcs, lines_of_a_caller_are_one_and_count_a_stack_once,
	  callees_are_the_same_arcs_by_caller,
	  functions_of_one_name_are_one_in_pstats,
	  counted_calls_of_one_name_are_added_up,
	  times_are_those_of_samples_where_both_were_recorded,
	  files_left_out_call_nobody)
