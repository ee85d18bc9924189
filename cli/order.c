/* SPDX-License-Identifier: MIT */
/* Sorts indices into sums.lines and sums.edges; see order.h. */
#define _GNU_SOURCE /* qsort_r */
#include "order.h"

#include <stdlib.h>
#include <string.h>

#include "util/die.h"

struct context {
	const struct view *view;
	enum order_by by;
};

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* By file (marks first), then by where they begin, then by name. */
static int compare_functions(const struct profile *p, uint32_t left,
			     uint32_t right, enum order_by by)
{
	const struct function *a = &p->functions[left];
	const struct function *b = &p->functions[right];
	int order = strcmp(a->file ? a->file : "", b->file ? b->file : "");

	if (order || by == ORDER_FILES)
		return order;
	order = compare(a->line, b->line);
	if (!order)
		order = strcmp(a->name, b->name);
	return order ? order : compare(left, right);
}

static int compare_lines(const void *left, const void *right, void *context)
{
	const struct context *c = context;
	const struct line_sum *lines = c->view->sums.lines;
	const struct line_sum *a = &lines[*(const uint32_t *)left];
	const struct line_sum *b = &lines[*(const uint32_t *)right];
	int order;

	order = compare_functions(c->view->profile, a->function, b->function,
				  c->by);
	if (!order)
		order = compare(a->line, b->line);
	return order ? order : compare(a->function, b->function);
}

static int compare_edges(const void *left, const void *right, void *context)
{
	const struct context *c = context;
	const struct edge *edges = c->view->sums.edges;
	const struct edge *a = &edges[*(const uint32_t *)left];
	const struct edge *b = &edges[*(const uint32_t *)right];
	int order = compare(a->caller, b->caller);

	if (!order)
		order = compare(b->total.ns, a->total.ns);
	if (!order)
		order = compare_functions(c->view->profile, a->callee,
					  b->callee, ORDER_FUNCTIONS);
	return order;
}

static uint32_t *sorted(size_t count,
			int (*by)(const void *, const void *, void *),
			struct context *context)
{
	uint32_t *list = must_zalloc(count, sizeof(*list)), i;

	for (i = 0; i < count; i++)
		list[i] = i;
	qsort_r(list, count, sizeof(*list), by, context);
	return list;
}

void order_init(struct order *o, const struct view *v, enum order_by by)
{
	struct context context = { v, by };
	const struct sums *s = &v->sums;
	size_t i;

	o->line_count = s->line_count;
	o->edge_count = s->edge_count;
	o->lines = sorted(s->line_count, compare_lines, &context);
	o->edges = sorted(s->edge_count, compare_edges, &context);
	o->first_edge = must_zalloc(s->line_count, sizeof(*o->first_edge));
	for (i = 0; i < s->line_count; i++)
		o->first_edge[i] = (uint32_t)s->edge_count;
	for (i = s->edge_count; i-- > 0;)
		o->first_edge[s->edges[o->edges[i]].caller] = (uint32_t)i;
}

void order_done(struct order *o)
{
	free(o->lines);
	free(o->edges);
	free(o->first_edge);
}
