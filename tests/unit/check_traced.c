/* SPDX-License-Identifier: MIT */
/* traced.c, counted.c: corrections, and that everything adds up. */
#include "traced.h"

#include <string.h>

#include "counted.h"
#include "unit.h"

/* The functions of the profile. */
enum { F, G, C, FUNCTIONS };

/* A process whose ticks are ns, and a thread. */
static void profile_set_up(struct profile *p)
{
	static const char *const names[] = { "f", "g", "<built-in c>" };
	struct process *process;
	uint32_t i;

	profile_init(p);
	process = profile_add_process(p);
	process->header.trace = PP_TRACE_LINES;
	process->header.mode = PP_MODE_NONE;
	process->header.tick_ticks[1] = process->header.tick_ns_at[1] = 1;
	profile_add_thread(p);
	for (i = 0; i < FUNCTIONS; i++) {
		struct function f = {
			.name = profile_string(p, names[i], strlen(names[i])),
			.file = profile_string(p, i == C ? "~" : "a.py",
					       i == C ? 1 : 4),
			.line = i == C ? 0 : 10 * (i + 1),
		};

		f.simple = f.name;
		ck_assert_uint_eq(profile_function(p, &f), i);
	}
}

static struct traced_call *add_call(struct profile *p, uint32_t caller,
				    uint32_t line, uint32_t callee,
				    uint64_t calls)
{
	struct traced_call *call = profile_add_traced_call(p);

	call->caller = caller;
	call->line = line;
	call->callee = callee;
	call->calls = calls;
	return call;
}

static void add_line(struct profile *p, uint32_t function, uint32_t line,
		     uint64_t hits, uint64_t entries, uint64_t self_ns)
{
	*profile_add_traced_line(p) = (struct traced_line){
		0, function, line, hits, entries, self_ns, 200,
	};
}

/* f once, from nowhere; it calls g and c 10 times each, from two lines. */
static void add_some_calls(struct profile *p)
{
	struct traced_call *call = add_call(p, FUNCTION_NONE, 0, F, 1);

	call->self_ns = 10000;
	call->self_own_ns = 400;
	call->total_ns = 31000;
	call->own_ns = 940;
	call = add_call(p, F, 11, G, 4);
	call->self_ns = call->total_ns = 12000;
	call->own_ns = call->self_own_ns = 40;
	call = add_call(p, F, 12, G, 6);
	call->self_ns = call->total_ns = 8000;
	call->own_ns = call->self_own_ns = 60;
	call = add_call(p, F, 12, C, 10);
	call->self_ns = call->total_ns = 200; /* corrected: less than 0 */
	call->own_ns = call->self_own_ns = 300;
}

START_TEST(function_is_corrected_by_what_was_ours)
{
	struct profile p;
	struct traced t;

	profile_set_up(&p);
	add_some_calls(&p);
	add_line(&p, F, 11, 4, 1, 3000);
	add_line(&p, F, 12, 2, 0, 7000);
	traced_init(&t, &p);
	ck_assert_uint_eq(t.functions[F].self.raw, 10000);
	ck_assert_uint_eq(t.functions[F].self.corrected, 10000 - 400);
	ck_assert_uint_eq(t.functions[F].total.corrected, 31000 - 940);
	ck_assert_uint_eq(t.functions[G].self.corrected, 20000 - 100);
	ck_assert_uint_eq(t.functions[G].calls, 10);
	ck_assert_uint_eq(t.functions[C].self.corrected, 0);
	ck_assert_uint_eq(t.clamped_ns, 300 - 200);
	ck_assert_uint_eq(t.self.raw, 30200);
	ck_assert_uint_eq(t.self.corrected,
			  t.functions[F].self.corrected +
				  t.functions[G].self.corrected);
	traced_done(&t);
	profile_done(&p);
}
END_TEST

START_TEST(edges_and_lines_add_up_to_functions)
{
	struct traced_ns self[FUNCTIONS] = { { 0 } };
	struct traced_ns total[FUNCTIONS] = { { 0 } };
	struct profile p;
	struct traced t;
	uint64_t lines_ns = 0;
	uint32_t i;

	profile_set_up(&p);
	add_some_calls(&p);
	add_line(&p, F, 11, 4, 1, 100); /* corrected: less than 0 */
	add_line(&p, F, 12, 2, 0, 9900);
	traced_init(&t, &p);
	ck_assert_uint_eq(t.line_edge_count, 4);
	ck_assert_uint_eq(t.edge_count, 3);
	for (i = 0; i < t.edge_count; i++) {
		const struct traced_edge *e = &t.edges[i];

		self[e->callee].raw += e->self.raw;
		self[e->callee].corrected += e->self.corrected;
		total[e->callee].corrected += e->outermost.corrected;
	}
	for (i = 0; i < FUNCTIONS; i++) {
		ck_assert_uint_eq(self[i].raw, t.functions[i].self.raw);
		ck_assert_uint_eq(self[i].corrected,
				  t.functions[i].self.corrected);
		ck_assert_uint_eq(total[i].corrected,
				  t.functions[i].total.corrected);
	}
	for (i = 0; i < t.line_count; i++)
		lines_ns += t.lines[i].self.corrected;
	ck_assert_uint_eq(lines_ns, t.functions[F].self.corrected);
	ck_assert_uint_eq(t.lines[0].self.corrected, 0);
	traced_done(&t);
	profile_done(&p);
}
END_TEST

START_TEST(recursion_is_not_primitive)
{
	struct traced_call *call;
	struct profile p;
	struct traced t;

	profile_set_up(&p);
	call = add_call(&p, FUNCTION_NONE, 0, F, 2);
	call->total_ns = 5000;
	call = add_call(&p, F, 0, F, 20);
	call->recursive = 20;
	call->recursive_edge = 17;
	call->rest_ns = 9999; /* more than the function has: damage */
	traced_init(&t, &p);
	ck_assert_uint_eq(t.functions[F].calls, 22);
	ck_assert_uint_eq(t.functions[F].primitive, 2);
	ck_assert_uint_eq(t.functions[F].total.raw, 5000);
	ck_assert_uint_eq(t.edges[0].primitive, 3);
	ck_assert_uint_eq(t.edges[0].outermost.raw, 0);
	ck_assert_uint_eq(t.edges[0].total.raw, 5000);
	ck_assert_uint_eq(t.edges[1].caller, FUNCTION_NONE);
	traced_done(&t);
	profile_done(&p);
}
END_TEST

START_TEST(threads_are_added_up)
{
	struct profile p;
	struct traced t;

	profile_set_up(&p);
	profile_add_thread(&p);
	add_call(&p, F, 11, G, 3)->self_ns = 100;
	add_call(&p, F, 11, G, 4)->self_ns = 200;
	p.traced_calls[1].thread = 1;
	p.traced_calls[1].open = 1;
	traced_init(&t, &p);
	ck_assert_uint_eq(t.line_edge_count, 1);
	ck_assert_uint_eq(t.line_edges[0].calls, 7);
	ck_assert_uint_eq(t.functions[G].self.raw, 300);
	ck_assert_uint_eq(t.open, 1);
	traced_done(&t);
	profile_done(&p);
}
END_TEST

/* Self of all lines; the counts of a line are in *hits. */
static uint64_t lines_ns(const struct sums *s, uint32_t line, uint64_t *hits)
{
	uint64_t ns = 0;
	size_t i;

	for (i = 0; i < s->line_count; i++) {
		ns += s->lines[i].sum.self.ns;
		if (s->lines[i].line == line)
			*hits = s->lines[i].sum.self.samples;
	}
	return ns;
}

START_TEST(counted_lines_have_all_self_time)
{
	uint64_t hits = 0;
	struct profile p;
	struct traced t;
	struct sums s;

	profile_set_up(&p);
	add_some_calls(&p);
	add_line(&p, F, 11, 4, 1, 3000); /* not all that f has */
	traced_init(&t, &p);
	counted_init(&s, &p, &t, true);
	ck_assert_uint_eq(lines_ns(&s, 11, &hits), t.self.raw);
	ck_assert_uint_eq(hits, 5);
	ck_assert_uint_eq(s.all.ns, t.self.raw);
	ck_assert_uint_eq(s.edge_count, 3);
	sums_done(&s);
	counted_init(&s, &p, &t, false);
	ck_assert_uint_eq(lines_ns(&s, 20, &hits), t.self.corrected);
	ck_assert_uint_eq(hits, 10);
	sums_done(&s);
	traced_done(&t);
	profile_done(&p);
}
END_TEST

UNIT_MAIN(traced, function_is_corrected_by_what_was_ours,
	  edges_and_lines_add_up_to_functions, recursion_is_not_primitive,
	  threads_are_added_up, counted_lines_have_all_self_time)
