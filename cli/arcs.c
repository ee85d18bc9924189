/* SPDX-License-Identifier: MIT */
/*
 * Folds the tree of stacks to functions and sums that up; see arcs.h. Merging
 * before summing is what keeps functions of one name from counting twice for
 * a stack that has both.
 */
#define _GNU_SOURCE /* qsort_r */
#include "arcs.h"

#include <stdlib.h>
#include <string.h>

#include "util/die.h"

/* Of marks and C functions, which lie in no file. */
#define NO_FILE PP_C_FILE

static const char *intern(struct arcs *c, const char *s)
{
	return profile_string(&c->names, s, strlen(s));
}

/* As cProfile's label() names it. */
static void name_as_pstats(struct arcs *c, const struct view *v, uint32_t i,
			   struct function *f)
{
	const char *file = view_file(v, i);

	f->name = intern(c, f->simple);
	f->file = intern(c, file ? file : NO_FILE);
	if (strcmp(f->file, NO_FILE) == 0)
		f->line = 0;
	/* What is filtered out shall not be added to what is not. */
	f->print = v->left_out[i];
}

static void name_functions(struct arcs *c, const struct view *v,
			   enum arcs_naming naming)
{
	const struct profile *p = v->profile;
	struct function f;
	uint32_t i;

	c->number = must_zalloc(p->function_count, sizeof(*c->number));
	for (i = 0; i < p->function_count; i++) {
		f = p->functions[i];
		if (naming == ARCS_PSTATS)
			name_as_pstats(c, v, i, &f);
		c->number[i] = profile_function(&c->names, &f);
	}
	c->functions =
		must_zalloc(c->names.function_count, sizeof(*c->functions));
	c->first = must_zalloc(c->names.function_count, sizeof(*c->first));
}

/* The profile's tree in c->names, of functions without lines. */
static void fold(struct arcs *c, const struct profile *p)
{
	uint32_t *place = must_zalloc(p->node_count, sizeof(*place));
	const struct node *node;
	size_t i;

	for (i = 1; i < p->node_count; i++) {
		node = &p->nodes[i];
		place[i] = profile_child(&c->names, place[node->parent],
					 c->number[node->function], 0);
		cost_add(&c->names.nodes[place[i]].self, &node->self);
	}
	free(place);
}

static void cost_join(struct arc_cost *to, const struct arc_cost *more)
{
	to->samples += more->samples;
	to->count += more->count;
	to->primitive += more->primitive;
	to->self_ns += more->self_ns;
	to->total_ns += more->total_ns;
}

/* Both kinds were joined: what was not traced counts by its samples. */
static void settle_count(struct arc_cost *cost)
{
	if (cost->count)
		return;
	cost->count = cost->samples;
	cost->primitive = cost->samples;
}

static struct arc_cost sampled(const struct cost *self,
			       const struct cost *total)
{
	return (struct arc_cost){ .samples = total->samples,
				  .self_ns = self->ns,
				  .total_ns = total->ns };
}

static void add_arc(struct arcs *c, uint32_t caller, uint32_t callee,
		    const struct arc_cost *cost)
{
	if (!cost->samples && !cost->count && !cost->total_ns)
		return;
	c->list = must_grow(c->list, c->count, &c->room, sizeof(*c->list));
	c->list[c->count++] = (struct arc){ caller, callee, *cost };
}

static void add_samples(struct arcs *c, const struct view *v)
{
	const struct edge *edge;
	struct arc_cost cost;
	struct sums sums;
	uint32_t i;
	size_t k;

	fold(c, v->profile);
	sums_init(&sums, &c->names);
	for (i = 0; i < c->names.function_count; i++)
		c->functions[i] = sampled(&sums.functions[i].self,
					  &sums.functions[i].total);
	for (k = 0; k < sums.edge_count; k++) {
		edge = &sums.edges[k];
		cost = sampled(&edge->self, &edge->total);
		add_arc(c, sums.lines[edge->caller].function, edge->callee,
			&cost);
	}
	sums_done(&sums);
}

static struct arc_cost traced(const struct view *v, uint64_t calls,
			      uint64_t primitive, const struct traced_ns *self,
			      const struct traced_ns *total)
{
	struct arc_cost cost = { .count = calls, .primitive = primitive };

	if (profile_is_sampled(v->profile))
		return cost;
	cost.self_ns = view_ns(v, self);
	cost.total_ns = view_ns(v, total);
	return cost;
}

static void add_traced(struct arcs *c, const struct view *v)
{
	const struct traced *t = &v->traced;
	const struct traced_function *f;
	const struct traced_edge *e;
	struct arc_cost cost;
	uint32_t i;
	size_t k;

	for (i = 0; i < v->profile->function_count; i++) {
		f = &t->functions[i];
		cost = traced(v, f->calls, f->primitive, &f->self, &f->total);
		cost_join(&c->functions[c->number[i]], &cost);
	}
	for (k = 0; k < t->edge_count; k++) {
		e = &t->edges[k];
		if (e->caller == FUNCTION_NONE)
			continue;
		cost = traced(v, e->calls, e->primitive, &e->self, &e->total);
		add_arc(c, c->number[e->caller], c->number[e->callee], &cost);
	}
}

static void leave_out(struct arcs *c, const struct view *v)
{
	uint32_t i;

	for (i = 0; i < v->profile->function_count; i++)
		if (v->left_out[i])
			c->functions[c->number[i]] = (struct arc_cost){ 0 };
}

static uint32_t subject(const struct arcs *c, const struct arc *arc)
{
	return c->by == ARCS_BY_CALLEE ? arc->callee : arc->caller;
}

static uint32_t other(const struct arcs *c, const struct arc *arc)
{
	return c->by == ARCS_BY_CALLEE ? arc->caller : arc->callee;
}

static int compare(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

/* As pstats sorts its keys: file, line, name. */
static int compare_names(const struct arcs *c, uint32_t left, uint32_t right)
{
	const struct function *a = &c->names.functions[left];
	const struct function *b = &c->names.functions[right];
	int order = strcmp(a->file ? a->file : NO_FILE,
			   b->file ? b->file : NO_FILE);

	if (!order)
		order = compare(a->line, b->line);
	if (!order)
		order = strcmp(a->name, b->name);
	return order ? order : compare(left, right);
}

static int compare_arcs(const void *left, const void *right, void *context)
{
	const struct arcs *c = context;
	const struct arc *a = left, *b = right;
	int order = compare(subject(c, a), subject(c, b));

	return order ? order : compare_names(c, other(c, a), other(c, b));
}

bool arcs_shows(const struct arcs *c, uint32_t function)
{
	return c->functions[function].count || c->functions[function].total_ns;
}

/* Make one of those between the same two, and drop what is not shown. */
static void merge_arcs(struct arcs *c)
{
	struct arc *arc, *last = NULL;
	size_t i, kept = 0;

	if (c->count)
		qsort_r(c->list, c->count, sizeof(*c->list), compare_arcs, c);
	for (i = 0; i < c->count; i++) {
		arc = &c->list[i];
		if (last && last->caller == arc->caller &&
		    last->callee == arc->callee) {
			cost_join(&last->cost, &arc->cost);
		} else if (arcs_shows(c, arc->caller) &&
			   arcs_shows(c, arc->callee)) {
			last = &c->list[kept++];
			*last = *arc;
		}
	}
	c->count = kept;
}

static void settle_arcs(struct arcs *c)
{
	uint32_t k;
	size_t i;

	for (k = 0; k < c->names.function_count; k++)
		settle_count(&c->functions[k]);
	merge_arcs(c);
	for (i = c->count; i-- > 0;) {
		settle_count(&c->list[i].cost);
		c->first[subject(c, &c->list[i])] = (uint32_t)i;
	}
}

void arcs_init(struct arcs *c, const struct view *v, enum arcs_naming naming,
	       enum arcs_by by)
{
	*c = (struct arcs){ .by = by };
	profile_init(&c->names);
	name_functions(c, v, naming);
	add_samples(c, v);
	add_traced(c, v);
	leave_out(c, v);
	settle_arcs(c);
}

void arcs_done(struct arcs *c)
{
	profile_done(&c->names);
	free(c->number);
	free(c->functions);
	free(c->list);
	free(c->first);
}

const struct arc *arcs_of(const struct arcs *c, uint32_t function,
			  size_t *count)
{
	size_t i = c->first[function];

	for (*count = 0; i + *count < c->count; ++*count)
		if (subject(c, &c->list[i + *count]) != function)
			break;
	return *count ? &c->list[i] : NULL;
}
