/* SPDX-License-Identifier: MIT */
/*
 * One walk over the context tree, down and up again, which knows at each node
 * what is active above it; see sums.h. Its time is that of the tree's nodes.
 */
#include "sums.h"

#include <stdlib.h>

#include "util/die.h"

/* The tree as the walk needs it; all arrays are by node, but `active`. */
struct walk {
	const struct profile *profile;
	struct sums *sums;
	uint32_t *first_child, *next_sibling;
	struct cost *below; /* a node and all below it */
	uint32_t *line;	    /* number of its line_sum */
	uint32_t *edge;	    /* number of its edge, or TABLE_NONE */
	uint32_t *functions_active, *lines_active, *edges_active;
};

static bool line_equal(const void *owner, uint32_t index, const void *key)
{
	const struct sums *s = owner;
	const struct line_sum *a = &s->lines[index], *b = key;

	return a->function == b->function && a->line == b->line;
}

uint32_t sums_line(struct sums *s, uint32_t function, uint32_t line)
{
	struct line_sum key = { .function = function, .line = line };
	uint64_t hash = hash_number((uint64_t)function << 32 | line);
	uint32_t found = table_find(&s->line_table, hash, line_equal, s, &key);

	if (found != TABLE_NONE)
		return found;
	s->lines = must_grow(s->lines, s->line_count, &s->line_room,
			     sizeof(*s->lines));
	s->lines[s->line_count] = key;
	table_add(&s->line_table, hash, (uint32_t)s->line_count);
	return (uint32_t)s->line_count++;
}

static bool edge_equal(const void *owner, uint32_t index, const void *key)
{
	const struct sums *s = owner;
	const struct edge *a = &s->edges[index], *b = key;

	return a->caller == b->caller && a->callee == b->callee;
}

uint32_t sums_edge(struct sums *s, uint32_t caller, uint32_t callee)
{
	struct edge key = { .caller = caller, .callee = callee };
	uint64_t hash = hash_number((uint64_t)caller << 32 | callee);
	uint32_t found = table_find(&s->edge_table, hash, edge_equal, s, &key);

	if (found != TABLE_NONE)
		return found;
	s->edges = must_grow(s->edges, s->edge_count, &s->edge_room,
			     sizeof(*s->edges));
	s->edges[s->edge_count] = key;
	table_add(&s->edge_table, hash, (uint32_t)s->edge_count);
	return (uint32_t)s->edge_count++;
}

/*
 * Children before parents, as a parent's number is the smaller one. Stacks of
 * samples that were not asked for are in the tree without cost: pass over them.
 */
static void link_nodes(struct walk *w)
{
	const struct node *nodes = w->profile->nodes;
	size_t i = w->profile->node_count;
	uint32_t parent;

	while (--i > 0) {
		parent = nodes[i].parent;
		cost_add(&w->below[i], &nodes[i].self);
		if (!w->below[i].samples)
			continue;
		w->next_sibling[i] = w->first_child[parent];
		w->first_child[parent] = (uint32_t)i;
		cost_add(&w->below[parent], &w->below[i]);
	}
	cost_add(&w->below[MODEL_ROOT], &nodes[MODEL_ROOT].self);
}

static void name_lines_and_edges(struct walk *w)
{
	const struct node *node;
	size_t i;

	for (i = 1; i < w->profile->node_count; i++) {
		node = &w->profile->nodes[i];
		if (!w->below[i].samples)
			continue;
		w->line[i] = sums_line(w->sums, node->function, node->line);
		w->edge[i] = TABLE_NONE;
		if (node->parent != MODEL_ROOT)
			w->edge[i] = sums_edge(w->sums, w->line[node->parent],
					       node->function);
	}
}

static void enter(struct walk *w, uint32_t i)
{
	const struct node *node = &w->profile->nodes[i];
	struct sum *function = &w->sums->functions[node->function];
	struct line_sum *line = &w->sums->lines[w->line[i]];
	bool outermost = !w->functions_active[node->function]++;
	struct edge *edge;

	cost_add(&function->self, &node->self);
	cost_add(&line->sum.self, &node->self);
	if (outermost)
		cost_add(&function->total, &w->below[i]);
	if (!w->lines_active[w->line[i]]++)
		cost_add(&line->sum.total, &w->below[i]);
	if (w->edge[i] == TABLE_NONE)
		return;
	edge = &w->sums->edges[w->edge[i]];
	cost_add(&edge->self, &node->self);
	if (!w->edges_active[w->edge[i]]++)
		cost_add(&edge->total, &w->below[i]);
	if (outermost)
		cost_add(&edge->outermost, &w->below[i]);
}

static void leave(struct walk *w, uint32_t i)
{
	w->functions_active[w->profile->nodes[i].function]--;
	w->lines_active[w->line[i]]--;
	if (w->edge[i] != TABLE_NONE)
		w->edges_active[w->edge[i]]--;
}

/* Depth first without recursion: stacks may be as deep as a log is long. */
static void walk_tree(struct walk *w)
{
	uint32_t i = w->first_child[MODEL_ROOT];

	while (i) {
		enter(w, i);
		if (w->first_child[i]) {
			i = w->first_child[i];
			continue;
		}
		leave(w, i);
		while (!w->next_sibling[i]) {
			i = w->profile->nodes[i].parent;
			if (i == MODEL_ROOT)
				return;
			leave(w, i);
		}
		i = w->next_sibling[i];
	}
}

void sums_init(struct sums *s, const struct profile *p)
{
	size_t n = p->node_count;
	struct walk w = { .profile = p, .sums = s };

	*s = (struct sums){ 0 };
	s->functions = must_zalloc(p->function_count, sizeof(*s->functions));
	w.first_child = must_zalloc(n, sizeof(*w.first_child));
	w.next_sibling = must_zalloc(n, sizeof(*w.next_sibling));
	w.below = must_zalloc(n, sizeof(*w.below));
	w.line = must_zalloc(n, sizeof(*w.line));
	w.edge = must_zalloc(n, sizeof(*w.edge));
	link_nodes(&w);
	name_lines_and_edges(&w);
	w.functions_active = must_zalloc(p->function_count, sizeof(uint32_t));
	w.lines_active = must_zalloc(s->line_count, sizeof(uint32_t));
	w.edges_active = must_zalloc(s->edge_count, sizeof(uint32_t));
	walk_tree(&w);
	s->all = w.below[MODEL_ROOT];
	free(w.first_child);
	free(w.next_sibling);
	free(w.below);
	free(w.line);
	free(w.edge);
	free(w.functions_active);
	free(w.lines_active);
	free(w.edges_active);
}

void sums_done(struct sums *s)
{
	free(s->functions);
	free(s->lines);
	table_done(&s->line_table);
	free(s->edges);
	table_done(&s->edge_table);
}
