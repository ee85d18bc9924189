/* SPDX-License-Identifier: MIT */
/* Rewrites traced.h's lists; see counted.h. */
#include "counted.h"

#include <stdlib.h>

#include "util/die.h"

struct work {
	struct sums *sums;
	const struct profile *profile;
	const struct traced *traced;
	bool raw;
};

static uint64_t ns_of(const struct work *w, const struct traced_ns *ns)
{
	return w->raw ? ns->raw : ns->corrected;
}

static struct cost cost_of(uint64_t count, uint64_t ns)
{
	return (struct cost){ .samples = count, .ns = ns };
}

static void add_functions(struct work *w)
{
	const struct traced_function *f = w->traced->functions;
	struct sum *sum = w->sums->functions;
	size_t left = w->profile->function_count;

	for (; left > 0; left--, f++, sum++) {
		sum->self = cost_of(f->calls, ns_of(w, &f->self));
		sum->total = cost_of(f->calls, ns_of(w, &f->total));
		cost_add(&w->sums->all, &sum->self);
	}
}

static void add_to_line(struct work *w, uint32_t function, uint32_t line,
			struct cost cost)
{
	uint32_t number = sums_line(w->sums, function, line);

	cost_add(&w->sums->lines[number].sum.self, &cost);
	cost_add(&w->sums->lines[number].sum.total, &cost);
}

/*
 * What lines do not have of their function's self. Where no lines are known,
 * the first one was run once a call.
 */
static void add_rest(struct work *w, uint32_t function, uint64_t lines_ns,
		     bool has_lines)
{
	const struct traced_function *f = &w->traced->functions[function];
	uint64_t self_ns = ns_of(w, &f->self);
	struct cost rest = cost_of(has_lines ? 0 : f->calls, 0);

	if (!f->calls && !self_ns)
		return;
	rest.ns = self_ns > lines_ns ? self_ns - lines_ns : 0;
	add_to_line(w, function, w->profile->functions[function].line, rest);
}

static void add_lines(struct work *w)
{
	const struct traced_line_sum *l = w->traced->lines;
	const struct traced_line_sum *end = l + w->traced->line_count;
	uint64_t lines_ns;
	bool has_lines;
	uint32_t i;

	for (i = 0; i < w->profile->function_count; i++) {
		lines_ns = 0;
		has_lines = l < end && l->function == i;
		for (; l < end && l->function == i; l++) {
			lines_ns += ns_of(w, &l->self);
			add_to_line(w, i, l->line,
				    cost_of(l->hits + l->entries,
					    ns_of(w, &l->self)));
		}
		add_rest(w, i, lines_ns, has_lines);
	}
}

static void add_edges(struct work *w)
{
	const struct traced_edge *e = w->traced->line_edges;
	size_t left = w->traced->line_edge_count;
	struct cost self, total, outermost;
	struct edge *edge;
	uint32_t line, number;

	for (; left > 0; left--, e++) {
		if (e->caller == FUNCTION_NONE)
			continue;
		line = e->line ? e->line
			       : w->profile->functions[e->caller].line;
		line = sums_line(w->sums, e->caller, line);
		number = sums_edge(w->sums, line, e->callee);
		edge = &w->sums->edges[number];
		self = cost_of(e->calls, ns_of(w, &e->self));
		total = cost_of(e->calls, ns_of(w, &e->total));
		outermost =
			cost_of(e->outermost_calls, ns_of(w, &e->outermost));
		cost_add(&edge->self, &self);
		cost_add(&edge->total, &total);
		cost_add(&edge->outermost, &outermost);
	}
}

void counted_init(struct sums *s, const struct profile *p,
		  const struct traced *t, bool raw)
{
	struct work w = { s, p, t, raw };

	*s = (struct sums){ 0 };
	s->functions = must_zalloc(p->function_count, sizeof(*s->functions));
	add_functions(&w);
	add_lines(&w);
	add_edges(&w);
}
