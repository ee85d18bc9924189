/* SPDX-License-Identifier: MIT */
/* sums.c: recursion, calls, and trees as deep as a log is long. */
#include "sums.h"

#include "unit.h"

static void add_samples(struct profile *p, uint32_t node, uint64_t samples)
{
	struct cost cost = { .samples = samples, .ns = samples * 10 };

	cost_add(&p->nodes[node].self, &cost);
}

/* The edge from a line of `caller` to `callee`. */
static const struct edge *find_edge(const struct sums *s, uint32_t caller,
				    uint32_t line, uint32_t callee)
{
	const struct line_sum *from;
	size_t i;

	for (i = 0; i < s->edge_count; i++) {
		from = &s->lines[s->edges[i].caller];
		if (from->function == caller && from->line == line &&
		    s->edges[i].callee == callee)
			return &s->edges[i];
	}
	ck_abort_msg("no edge from %u:%u to %u", caller, line, callee);
}

START_TEST(total_counts_recursion_once)
{
	struct profile p;
	struct sums s;
	uint32_t f, node;
	int i;

	profile_init(&p);
	f = profile_mark(&p, "f");
	node = profile_child(&p, MODEL_ROOT, f, 1);
	add_samples(&p, node, 1);
	for (i = 0; i < 9; i++)
		node = profile_child(&p, node, f, 2);
	add_samples(&p, node, 2);
	sums_init(&s, &p);
	ck_assert_uint_eq(s.functions[f].self.samples, 3);
	ck_assert_uint_eq(s.functions[f].total.samples, 3);
	ck_assert_uint_eq(s.functions[f].total.ns, 30);
	ck_assert_uint_eq(s.all.samples, 3);
	sums_done(&s);
	profile_done(&p);
}
END_TEST

START_TEST(edges_to_a_function_add_up_to_its_total)
{
	struct profile p;
	struct sums s;
	uint32_t f, g, node;

	/* f:1 -> g:5 -> f:2 -> g:6, and f:1 -> g:5 */
	profile_init(&p);
	f = profile_mark(&p, "f");
	g = profile_mark(&p, "g");
	node = profile_child(&p, MODEL_ROOT, f, 1);
	node = profile_child(&p, node, g, 5);
	add_samples(&p, node, 1);
	node = profile_child(&p, node, f, 2);
	node = profile_child(&p, node, g, 6);
	add_samples(&p, node, 4);
	sums_init(&s, &p);
	ck_assert_uint_eq(s.functions[g].total.samples, 5);
	ck_assert_uint_eq(find_edge(&s, f, 1, g)->outermost.samples, 5);
	ck_assert_uint_eq(find_edge(&s, f, 2, g)->outermost.samples, 0);
	ck_assert_uint_eq(find_edge(&s, f, 2, g)->total.samples, 4);
	ck_assert_uint_eq(find_edge(&s, g, 5, f)->total.samples, 4);
	sums_done(&s);
	profile_done(&p);
}
END_TEST

START_TEST(deep_tree_needs_no_stack)
{
	struct profile p;
	struct sums s;
	uint32_t f, node = MODEL_ROOT;
	int i;

	profile_init(&p);
	f = profile_mark(&p, "f");
	for (i = 0; i < 1000000; i++)
		node = profile_child(&p, node, f, 1);
	add_samples(&p, node, 1);
	sums_init(&s, &p);
	ck_assert_uint_eq(s.functions[f].total.samples, 1);
	ck_assert_uint_eq(s.line_count, 1);
	ck_assert_uint_eq(s.edge_count, 1);
	sums_done(&s);
	profile_done(&p);
}
END_TEST

START_TEST(empty_profile_has_no_sums)
{
	struct profile p;
	struct sums s;

	profile_init(&p);
	sums_init(&s, &p);
	ck_assert_uint_eq(s.all.samples, 0);
	ck_assert_uint_eq(s.line_count, 0);
	sums_done(&s);
	profile_done(&p);
}
END_TEST

UNIT_MAIN(sums, total_counts_recursion_once,
	  edges_to_a_function_add_up_to_its_total, deep_tree_needs_no_stack,
	  empty_profile_has_no_sums)
