/* SPDX-License-Identifier: MIT */
/*
 * Looks up parents in sorted lists, then puts the nodes in order; see tree.h.
 * Logs may say anything: what would be a cycle is cut.
 */
#define _GNU_SOURCE /* qsort_r */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "util/die.h"

/* A child's log may begin so much before its parent has noted the fork. */
#define FORK_LATE_NS 100000000u

/* What processes and forks are looked up by. */
struct key {
	const uint64_t *session;
	uint32_t pid;
	uint64_t time_ns;
	uint32_t index;
};

struct keys {
	struct key *list;
	size_t count;
};

struct build {
	const struct profile *profile;
	struct tree *tree;
	struct keys processes; /* by when they began */
	struct keys forks;
	uint64_t *start_ns; /* by node */
	uint32_t *first_child, *next_sibling;
	bool *placed;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_keys(const void *left, const void *right)
{
	const struct key *a = left, *b = right;
	int order = memcmp(a->session, b->session, 2 * sizeof(*a->session));

	if (!order)
		order = compare_numbers(a->pid, b->pid);
	if (!order)
		order = compare_numbers(a->time_ns, b->time_ns);
	return order ? order : compare_numbers(a->index, b->index);
}

static void sort_keys(struct keys *keys)
{
	if (keys->count)
		qsort(keys->list, keys->count, sizeof(*keys->list),
		      compare_keys);
}

static void make_keys(struct build *b)
{
	const struct profile *p = b->profile;
	const struct pp_header *h;
	uint32_t i;

	b->processes.list = must_zalloc(p->process_count, sizeof(struct key));
	b->forks.list = must_zalloc(p->fork_count, sizeof(struct key));
	b->processes.count = p->process_count;
	b->forks.count = p->fork_count;
	for (i = 0; i < p->process_count; i++) {
		h = &p->processes[i].header;
		b->processes.list[i] =
			(struct key){ h->session, h->pid, h->start_ns, i };
	}
	for (i = 0; i < p->fork_count; i++) {
		h = &p->processes[p->forks[i].process].header;
		b->forks.list[i] = (struct key){ h->session, p->forks[i].pid,
						 p->forks[i].time_ns, i };
	}
	sort_keys(&b->processes);
	sort_keys(&b->forks);
}

/* The last one of this process number up to that time, or TREE_NONE. */
static uint32_t find_key(const struct keys *keys, const uint64_t *session,
			 uint32_t pid, uint64_t time_ns)
{
	struct key key = { session, pid, time_ns, UINT32_MAX };
	size_t low = 0, high = keys->count, middle;
	const struct key *found;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (compare_keys(&keys->list[middle], &key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	found = low ? &keys->list[low - 1] : NULL;
	if (!found || found->pid != pid ||
	    memcmp(found->session, session, 2 * sizeof(*session)) != 0)
		return TREE_NONE;
	return found->index;
}

/* The program that this process ran before, if it has a log; or TREE_NONE. */
static uint32_t find_before_exec(const struct build *b, uint32_t i)
{
	const struct pp_header *h = &b->profile->processes[i].header, *before;
	uint32_t found;

	if (!h->start_ns)
		return TREE_NONE;
	found = find_key(&b->processes, h->session, h->pid, h->start_ns - 1);
	if (found == TREE_NONE)
		return found;
	before = &b->profile->processes[found].header;
	return before->ended == PP_ENDED_EXEC ? found : TREE_NONE;
}

/*
 * Who made the process of this number, by a fork or else by a log of its own;
 * `node` gets both. The child began at that time.
 */
static void find_maker(const struct build *b, const struct pp_header *child,
		       uint32_t pid, struct tree_node *node)
{
	node->fork = find_key(&b->forks, child->session, pid, child->start_ns);
	node->parent = node->fork == TREE_NONE
			       ? find_key(&b->processes, child->session, pid,
					  child->start_ns)
			       : b->profile->forks[node->fork].process;
}

/* The process without a log of which this one is a child, maybe a new one. */
static uint32_t obtain_missing(struct build *b, uint32_t child)
{
	const struct process *process = &b->profile->processes[child];
	const struct info *above = &process->infos[PP_INFO_ancestors];
	const struct pp_header *h = &process->header, *o;
	struct tree_node made = { .process = child, .pid = h->ppid };
	struct tree *t = b->tree;
	struct tree_node *node;
	const char *pid = NULL;
	uint32_t i;

	/* the parent has no log, but others above it may */
	find_maker(b, h, h->ppid, &made);
	while (made.parent == TREE_NONE && (pid = info_next(above, pid)))
		find_maker(b, h, (uint32_t)strtoul(pid, NULL, 10), &made);
	for (i = (uint32_t)b->profile->process_count; i < t->count; i++) {
		node = &t->nodes[i];
		o = &b->profile->processes[node->process].header;
		if (node->pid == made.pid && node->fork == made.fork &&
		    node->parent == made.parent &&
		    memcmp(o->session, h->session, sizeof(h->session)) == 0)
			return i;
	}
	t->nodes[t->count++] = made; /* .process until settle_missing() */
	return i;
}

/* Is it known who made a process without a log? It is worth a line then. */
static bool is_made(const struct tree_node *missing)
{
	return missing->fork != TREE_NONE || missing->parent != TREE_NONE;
}

static void find_parent(struct build *b, uint32_t i)
{
	const struct pp_header *h = &b->profile->processes[i].header;
	struct tree_node *node = &b->tree->nodes[i];

	*node = (struct tree_node){ .process = i, .pid = h->pid };
	node->fork = TREE_NONE;
	node->parent = find_before_exec(b, i);
	node->exec = node->parent != TREE_NONE;
	if (node->exec)
		return;
	node->fork = find_key(&b->forks, h->session, h->pid,
			      h->start_ns + FORK_LATE_NS);
	if (node->fork != TREE_NONE)
		node->parent = b->profile->forks[node->fork].process;
	else
		node->parent = find_key(&b->processes, h->session, h->ppid,
					h->start_ns);
	if (node->parent == TREE_NONE)
		node->parent = obtain_missing(b, i);
	if (node->parent == i)
		node->parent = TREE_NONE;
}

/*
 * A process without a log is worth a line if it joins others, or was made by
 * one. The one that started it all is not.
 */
static void settle_missing(struct build *b)
{
	uint32_t first = (uint32_t)b->profile->process_count, i;
	uint32_t *children = must_zalloc(b->tree->count, sizeof(*children));
	struct tree_node *node, *nodes = b->tree->nodes;

	for (i = 0; i < first; i++)
		if (nodes[i].parent != TREE_NONE)
			children[nodes[i].parent]++;
	for (i = 0; i < first; i++) {
		node = &nodes[i];
		if (node->parent != TREE_NONE && node->parent >= first &&
		    children[node->parent] < 2 &&
		    !is_made(&nodes[node->parent]))
			node->parent = TREE_NONE;
	}
	for (i = 0; i < b->tree->count; i++) {
		b->start_ns[i] =
			b->profile->processes[nodes[i].process].header.start_ns;
		b->placed[i] = i >= first && children[i] < 2 &&
			       !is_made(&nodes[i]);
		if (i >= first)
			nodes[i].process = TREE_NONE;
	}
	free(children);
}

static int compare_starts(const void *left, const void *right, void *context)
{
	const uint64_t *start_ns = context;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int order = compare_numbers(start_ns[a], start_ns[b]);

	return order ? order : compare_numbers(a, b);
}

/* Children hang on their parents, the first to start first. */
static uint32_t *link_nodes(struct build *b)
{
	struct tree *t = b->tree;
	uint32_t *list = must_zalloc(t->count, sizeof(*list)), i, parent;

	b->first_child = must_zalloc(t->count, sizeof(*b->first_child));
	b->next_sibling = must_zalloc(t->count, sizeof(*b->next_sibling));
	for (i = 0; i < t->count; i++) {
		b->first_child[i] = b->next_sibling[i] = TREE_NONE;
		list[i] = i;
	}
	qsort_r(list, t->count, sizeof(*list), compare_starts, b->start_ns);
	for (i = (uint32_t)t->count; i-- > 0;) {
		parent = t->nodes[list[i]].parent;
		if (parent == TREE_NONE)
			continue;
		b->next_sibling[list[i]] = b->first_child[parent];
		b->first_child[parent] = list[i];
	}
	return list;
}

/* The first of these siblings that has no place yet, or TREE_NONE. */
static uint32_t unplaced(const struct build *b, uint32_t node)
{
	while (node != TREE_NONE && b->placed[node])
		node = b->next_sibling[node];
	return node;
}

/* Put a node and all below it in order, without recursion. */
static size_t place_below(struct build *b, uint32_t top, size_t count)
{
	struct tree_node *nodes = b->tree->nodes;
	uint32_t at = top, next;

	nodes[top].parent = TREE_NONE;
	for (;;) {
		b->placed[at] = true;
		b->tree->order[count++] = at;
		if (at != top)
			nodes[at].depth = nodes[nodes[at].parent].depth + 1;
		next = unplaced(b, b->first_child[at]);
		while (next == TREE_NONE && at != top) {
			next = unplaced(b, b->next_sibling[at]);
			at = nodes[at].parent;
		}
		if (next == TREE_NONE)
			return count;
		at = next;
	}
}

/* First what has no parent, then what is left, which is in a cycle. */
static void place_all(struct build *b)
{
	uint32_t *by_start = link_nodes(b);
	struct tree *t = b->tree;
	size_t count = 0, i;

	for (i = 0; i < t->count; i++)
		if (!b->placed[by_start[i]] &&
		    t->nodes[by_start[i]].parent == TREE_NONE)
			count = place_below(b, by_start[i], count);
	for (i = 0; i < t->count; i++)
		if (!b->placed[by_start[i]])
			count = place_below(b, by_start[i], count);
	t->count = count;
	free(by_start);
}

void tree_init(struct tree *t, const struct profile *p)
{
	struct build b = { .profile = p, .tree = t };
	size_t most = 2 * p->process_count;
	uint32_t i;

	t->nodes = must_zalloc(most, sizeof(*t->nodes));
	t->order = must_zalloc(most, sizeof(*t->order));
	t->count = p->process_count;
	b.start_ns = must_zalloc(most, sizeof(*b.start_ns));
	b.placed = must_zalloc(most, sizeof(*b.placed));
	make_keys(&b);
	for (i = 0; i < p->process_count; i++)
		find_parent(&b, i);
	settle_missing(&b);
	place_all(&b);
	free(b.processes.list);
	free(b.forks.list);
	free(b.start_ns);
	free(b.placed);
	free(b.first_child);
	free(b.next_sibling);
}

void tree_done(struct tree *t)
{
	free(t->nodes);
	free(t->order);
}

uint32_t tree_parent(const struct tree *t, uint32_t process)
{
	uint32_t node = t->nodes[process].parent;

	while (node != TREE_NONE && t->nodes[node].process == TREE_NONE)
		node = t->nodes[node].parent;
	return node;
}

uint32_t tree_fork(const struct tree *t, uint32_t process)
{
	const struct tree_node *node = &t->nodes[process];

	while (node->fork == TREE_NONE && node->parent != TREE_NONE &&
	       t->nodes[node->parent].process == TREE_NONE)
		node = &t->nodes[node->parent];
	return node->fork;
}
