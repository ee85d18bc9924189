/* SPDX-License-Identifier: MIT */
/* Makes the tree of frames' texts and walks it in order; see folded.h. */
#define _GNU_SOURCE /* qsort_r */
#include "folded.h"

#include <stdlib.h>
#include <string.h>

#include "util/die.h"

/* Where cost goes of which no frame is left. */
#define EXCLUDED "<excluded>"

/* A frame's text must not hold what separates frames. */
static uint32_t frame_mark(struct profile *folded, const struct view *v,
			   const struct node *node)
{
	struct text raw = { 0 }, shown = { 0 };
	uint32_t line, mark;
	char *p;

	line = v->options->by_lines
		       ? node->line
		       : v->profile->functions[node->function].line;
	view_add_frame(v, &raw, node->function, line);
	text_add_printable(&shown, text_get(&raw), ' ');
	for (p = shown.at; p && (p = strchr(p, ';'));)
		*p = ':';
	mark = profile_mark(folded, text_get(&shown));
	text_done(&raw);
	text_done(&shown);
	return mark;
}

void folded_init(struct profile *folded, const struct view *v)
{
	const struct profile *p = v->profile;
	uint32_t *to = must_zalloc(p->node_count, sizeof(*to)), excluded, at;
	const struct node *node;
	size_t i;

	profile_init(folded);
	excluded = profile_mark(folded, EXCLUDED);
	for (i = 1; i < p->node_count; i++) {
		node = &p->nodes[i];
		at = to[node->parent];
		if (!v->left_out[node->function])
			at = profile_child(folded, at,
					   frame_mark(folded, v, node), 0);
		to[i] = at;
		if (!node->self.samples)
			continue;
		if (at == MODEL_ROOT)
			at = profile_child(folded, at, excluded, 0);
		cost_add(&folded->nodes[at].self, &node->self);
	}
	free(to);
}

/* By parent, then by text: so that a node's children stand together. */
static int compare_nodes(const void *left, const void *right, void *context)
{
	const struct profile *p = context;
	const struct node *a = &p->nodes[*(const uint32_t *)left];
	const struct node *b = &p->nodes[*(const uint32_t *)right];

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	return strcmp(p->functions[a->function].name,
		      p->functions[b->function].name);
}

/* The state of folded_walk(): the nodes in order, and where we are. */
struct walk {
	const struct profile *folded;
	uint32_t *order; /* of all nodes but the root */
	uint32_t *first; /* by node: index of its first child in order */
	uint32_t *place; /* by node: index of itself in order */
	size_t *length;	 /* by node: of the path down to it */
	size_t count;	 /* of nodes in order */
	struct text path;
};

static void walk_init(struct walk *w, const struct profile *folded)
{
	struct profile copy = *folded;
	uint32_t i;

	w->folded = folded;
	w->count = folded->node_count - 1;
	w->order = must_zalloc(folded->node_count, sizeof(*w->order));
	w->first = must_zalloc(folded->node_count, sizeof(*w->first));
	w->place = must_zalloc(folded->node_count, sizeof(*w->place));
	w->length = must_zalloc(folded->node_count, sizeof(*w->length));
	for (i = 0; i < w->count; i++)
		w->order[i] = i + 1;
	qsort_r(w->order, w->count, sizeof(*w->order), compare_nodes, &copy);
	for (i = (uint32_t)w->count; i-- > 0;) {
		w->place[w->order[i]] = i;
		w->first[folded->nodes[w->order[i]].parent] = i;
	}
}

static void walk_done(struct walk *w)
{
	free(w->order);
	free(w->first);
	free(w->place);
	free(w->length);
	text_done(&w->path);
}

/* Whether the node at this place in order is a child of `parent`. */
static bool is_child(const struct walk *w, size_t place, uint32_t parent)
{
	return place < w->count &&
	       w->folded->nodes[w->order[place]].parent == parent;
}

static void enter(struct walk *w, uint32_t i, folded_visit *visit,
		  void *context)
{
	const struct node *node = &w->folded->nodes[i];

	/* Back to the parent's path, then one frame further. */
	w->path.length = w->length[node->parent];
	if (w->path.length)
		text_addc(&w->path, ';');
	text_adds(&w->path, w->folded->functions[node->function].name);
	w->length[i] = w->path.length;
	if (node->self.samples)
		visit(text_get(&w->path), &node->self, context);
}

void folded_walk(const struct profile *folded, folded_visit *visit,
		 void *context)
{
	struct walk w = { 0 };
	uint32_t at = MODEL_ROOT;
	size_t next;

	walk_init(&w, folded);
	next = w.first[MODEL_ROOT];
	for (;;) {
		while (is_child(&w, next, at)) {
			at = w.order[next];
			enter(&w, at, visit, context);
			next = w.first[at];
		}
		if (at == MODEL_ROOT)
			break;
		next = w.place[at] + 1u;
		at = folded->nodes[at].parent;
	}
	walk_done(&w);
}
