/* SPDX-License-Identifier: MIT */
/*
 * Adds up by sorting, then settles: what was cut off at 0 differs between a
 * function and its edges or lines, so theirs are scaled to what the function
 * has. See traced.h.
 */
#include "traced.h"

#include <stdlib.h>

#include "util/die.h"

/* By function: what its numbers lack of being corrected, in ns. */
struct taken {
	uint64_t self;	/* of its self */
	uint64_t total; /* of its total */
};

struct work {
	const struct profile *profile;
	struct traced *traced;
	struct taken *taken;
};

/* Shares of what a function has, by function: see settle(). */
struct shares {
	uint64_t all;  /* of all its shares */
	uint64_t done; /* of those that were settled */
};

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static void add_ns(struct traced_ns *to, const struct traced_ns *more)
{
	to->raw += more->raw;
	to->corrected += more->corrected;
}

/*
 * Functions.
 */

static void add_call(struct work *w, const struct traced_call *call)
{
	struct traced_function *f = &w->traced->functions[call->callee];

	f->calls += call->calls;
	f->primitive += less(call->calls, call->recursive);
	f->open += call->open;
	f->self.raw += call->self_ns;
	f->total.raw += call->total_ns;
	w->taken[call->callee].self += call->self_own_ns;
	w->taken[call->callee].total += call->own_ns;
}

static void sum_functions(struct work *w)
{
	const struct profile *p = w->profile;
	struct traced *t = w->traced;
	size_t i;

	for (i = 0; i < p->traced_call_count; i++)
		add_call(w, &p->traced_calls[i]);
	for (i = 0; i < p->function_count; i++) {
		struct traced_function *f = &t->functions[i];
		const struct taken *taken = &w->taken[i];

		f->self.corrected = less(f->self.raw, taken->self);
		f->total.corrected = less(f->total.raw, taken->total);
		if (f->total.corrected < f->self.corrected)
			f->total.corrected = f->self.corrected;
		t->calls += f->calls;
		t->primitive += f->primitive;
		t->open += f->open;
		add_ns(&t->self, &f->self);
		t->clamped_ns += less(taken->self, f->self.raw);
	}
}

/*
 * Edges. As long as they are not settled, `corrected` is what they would have
 * if nothing was cut off elsewhere.
 */

static struct traced_edge edge_of(const struct traced_call *call)
{
	struct traced_edge e = {
		.caller = call->caller,
		.line = call->line,
		.callee = call->callee,
		.calls = call->calls,
		.primitive = less(call->calls, call->recursive_edge),
		.open = call->open,
		.outermost_calls = less(call->calls, call->recursive),
	};

	e.self.raw = call->self_ns;
	e.self.corrected = less(call->self_ns, call->self_own_ns);
	e.outermost.raw = call->total_ns;
	e.outermost.corrected = less(call->total_ns, call->own_ns);
	e.total = e.outermost;
	e.total.raw += call->rest_ns;
	e.total.corrected += less(call->rest_ns, call->rest_own_ns);
	return e;
}

static int compare_edges(const void *left, const void *right)
{
	const struct traced_edge *a = left, *b = right;
	int order = compare(a->caller, b->caller);

	if (!order)
		order = compare(a->line, b->line);
	return order ? order : compare(a->callee, b->callee);
}

static void add_edge(struct traced_edge *to, const struct traced_edge *more)
{
	to->calls += more->calls;
	to->primitive += more->primitive;
	to->open += more->open;
	to->outermost_calls += more->outermost_calls;
	add_ns(&to->self, &more->self);
	add_ns(&to->outermost, &more->outermost);
	add_ns(&to->total, &more->total);
}

/* Sort, and make one of those that are equal. Returns how many are left. */
static size_t merge_edges(struct traced_edge *edges, size_t count)
{
	size_t i, kept = 0;

	if (count)
		qsort(edges, count, sizeof(*edges), compare_edges);
	for (i = 0; i < count; i++) {
		if (kept && !compare_edges(&edges[kept - 1], &edges[i]))
			add_edge(&edges[kept - 1], &edges[i]);
		else
			edges[kept++] = edges[i];
	}
	return kept;
}

/*
 * The next share of `whole`, so that all shares together are the whole. If
 * they have no size, all of it is the first one's.
 */
static uint64_t settle(struct shares *s, uint64_t share, uint64_t whole)
{
	unsigned __int128 before = s->done, after;

	s->done += share;
	after = s->done;
	if (!s->all) {
		s->all = s->done = 1;
		return whole;
	}
	return (uint64_t)(after * whole / s->all - before * whole / s->all);
}

static void settle_edges(struct work *w)
{
	size_t n = w->profile->function_count, i;
	struct shares *self = must_zalloc(n, sizeof(*self));
	struct shares *outermost = must_zalloc(n, sizeof(*outermost));
	struct traced *t = w->traced;
	struct traced_edge *e;
	uint64_t was;

	for (i = 0; i < t->line_edge_count; i++) {
		e = &t->line_edges[i];
		self[e->callee].all += e->self.corrected;
		outermost[e->callee].all += e->outermost.corrected;
	}
	for (i = 0; i < t->line_edge_count; i++) {
		const struct traced_function *f;

		e = &t->line_edges[i];
		f = &t->functions[e->callee];
		e->self.corrected = settle(&self[e->callee], e->self.corrected,
					   f->self.corrected);
		was = e->outermost.corrected;
		e->outermost.corrected =
			settle(&outermost[e->callee], was, f->total.corrected);
		e->total.corrected += e->outermost.corrected - was;
	}
	free(self);
	free(outermost);
}

/* No edge takes longer than its callee. */
static void limit_totals(const struct traced *t, struct traced_edge *edges,
			 size_t count)
{
	const struct traced_ns *most;
	size_t i;

	for (i = 0; i < count; i++) {
		most = &t->functions[edges[i].callee].total;
		if (edges[i].total.raw > most->raw)
			edges[i].total.raw = most->raw;
		if (edges[i].total.corrected > most->corrected)
			edges[i].total.corrected = most->corrected;
	}
}

static void sum_edges(struct work *w)
{
	const struct profile *p = w->profile;
	struct traced *t = w->traced;
	size_t i;

	t->line_edges =
		must_zalloc(p->traced_call_count, sizeof(*t->line_edges));
	for (i = 0; i < p->traced_call_count; i++)
		t->line_edges[i] = edge_of(&p->traced_calls[i]);
	t->line_edge_count = merge_edges(t->line_edges, p->traced_call_count);
	settle_edges(w);
	t->edges = must_zalloc(t->line_edge_count, sizeof(*t->edges));
	for (i = 0; i < t->line_edge_count; i++) {
		t->edges[i] = t->line_edges[i];
		t->edges[i].line = 0;
	}
	t->edge_count = merge_edges(t->edges, t->line_edge_count);
	limit_totals(t, t->line_edges, t->line_edge_count);
	limit_totals(t, t->edges, t->edge_count);
}

/*
 * Lines.
 */

static int compare_lines(const void *left, const void *right)
{
	const struct traced_line_sum *a = left, *b = right;
	int order = compare(a->function, b->function);

	return order ? order : compare(a->line, b->line);
}

static size_t merge_lines(struct traced_line_sum *lines, size_t count)
{
	size_t i, kept = 0;

	if (count)
		qsort(lines, count, sizeof(*lines), compare_lines);
	for (i = 0; i < count; i++) {
		if (!kept || compare_lines(&lines[kept - 1], &lines[i])) {
			lines[kept++] = lines[i];
			continue;
		}
		lines[kept - 1].hits += lines[i].hits;
		lines[kept - 1].entries += lines[i].entries;
		add_ns(&lines[kept - 1].self, &lines[i].self);
	}
	return kept;
}

/* Lines that have more than their function are scaled down. */
static void settle_lines(struct work *w)
{
	size_t n = w->profile->function_count, i;
	struct shares *raw = must_zalloc(n, sizeof(*raw));
	struct shares *corrected = must_zalloc(n, sizeof(*corrected));
	struct traced *t = w->traced;
	const struct traced_function *f;
	struct traced_line_sum *l;

	for (i = 0; i < t->line_count; i++) {
		raw[t->lines[i].function].all += t->lines[i].self.raw;
		corrected[t->lines[i].function].all +=
			t->lines[i].self.corrected;
	}
	for (i = 0; i < t->line_count; i++) {
		l = &t->lines[i];
		f = &t->functions[l->function];
		if (raw[l->function].all > f->self.raw)
			l->self.raw = settle(&raw[l->function], l->self.raw,
					     f->self.raw);
		if (corrected[l->function].all > f->self.corrected)
			l->self.corrected = settle(&corrected[l->function],
						   l->self.corrected,
						   f->self.corrected);
	}
	free(raw);
	free(corrected);
}

static void sum_lines(struct work *w)
{
	const struct profile *p = w->profile;
	struct traced *t = w->traced;
	const struct traced_line *line;
	size_t i;

	t->lines = must_zalloc(p->traced_line_count, sizeof(*t->lines));
	for (i = 0; i < p->traced_line_count; i++) {
		line = &p->traced_lines[i];
		t->lines[i] = (struct traced_line_sum){
			.function = line->function,
			.line = line->line,
			.hits = line->hits,
			.entries = line->entries,
			.self = { line->self_ns,
				  less(line->self_ns, line->own_ns) },
		};
	}
	t->line_count = merge_lines(t->lines, p->traced_line_count);
	settle_lines(w);
}

uint64_t traced_taken(const struct traced *t)
{
	return less(t->self.raw + t->clamped_ns, t->self.corrected);
}

void traced_init(struct traced *t, const struct profile *p)
{
	struct work w = { .profile = p, .traced = t };
	size_t i;

	*t = (struct traced){ 0 };
	for (i = 0; i < p->process_count; i++)
		t->timed |= process_is_timed(&p->processes[i]);
	t->functions = must_zalloc(p->function_count, sizeof(*t->functions));
	w.taken = must_zalloc(p->function_count, sizeof(*w.taken));
	sum_functions(&w);
	sum_edges(&w);
	sum_lines(&w);
	free(w.taken);
}

void traced_done(struct traced *t)
{
	free(t->functions);
	free(t->edges);
	free(t->line_edges);
	free(t->lines);
}
