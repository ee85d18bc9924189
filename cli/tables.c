/* SPDX-License-Identifier: MIT */
/*
 * Copies the tables, then closes open calls and converts ticks; see tables.h.
 * Nothing in a table is trusted but what was checked when it was taken.
 */
#include "tables.h"

#include <stdlib.h>
#include <string.h>

#include "loader.h"
#include "util/die.h"

/* Counts and ticks are fewer than these; more is damage. */
#define COUNT_MAX (UINT64_C(1) << 56)
#define TICKS_MAX (UINT64_C(1) << 62)

/* Edges that follow one another, in their thread's numbers and in edges. */
struct span {
	uint32_t thread;
	uint64_t first;
	size_t begin, count;
};

struct thread_line {
	uint32_t thread;
	struct pp_line line;
};

struct thread_open {
	uint32_t thread;
	uint64_t seq;
	uint64_t offset; /* of the record */
	struct pp_open head;
	struct pp_open_call *calls;
};

void tables_done(struct tables *t)
{
	size_t i;

	for (i = 0; i < t->open_count; i++)
		free(t->opens[i].calls);
	free(t->edges);
	free(t->spans);
	free(t->lines);
	free(t->opens);
}

/*
 * Taking them.
 */

static int take_owner(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	uint64_t number = cursor_number(&c);
	struct tables *t = &l->tables;

	t->seq = cursor_number(&c);
	if (c.bad)
		return -1;
	t->thread = loader_thread(l, number);
	t->owned = true;
	return 0;
}

void tables_end_segment(struct tables *t)
{
	t->owned = false;
}

/* The next struct of a table; false where there is no whole one left. */
static bool next_struct(struct cursor *c, void *to, size_t bytes)
{
	if (cursor_left(c) < bytes)
		return false;
	memcpy(to, c->at, bytes);
	c->at += bytes;
	return true;
}

static bool edge_makes_sense(const struct pp_edge *e)
{
	return (e->calls | e->recursive | e->recursive_edge) < COUNT_MAX &&
	       (e->self | e->self_own | e->total | e->own | e->rest |
		e->rest_own) < TICKS_MAX;
}

static int take_edges(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	struct tables *t = &l->tables;
	struct span span = { t->thread, cursor_number(&c), t->edge_count, 0 };
	struct pp_edge edge;

	cursor_align(&c, rec, PP_TABLE_ALIGN);
	if (c.bad || span.first > UINT32_MAX)
		return -1;
	while (next_struct(&c, &edge, sizeof(edge)) && edge.callee) {
		if (!edge_makes_sense(&edge)) {
			/* calls are made of the edges of spans only */
			t->edge_count = span.begin;
			return -1;
		}
		t->edges = must_grow(t->edges, t->edge_count, &t->edge_room,
				     sizeof(*t->edges));
		t->edges[t->edge_count++] = edge;
		span.count++;
	}
	t->spans = must_grow(t->spans, t->span_count, &t->span_room,
			     sizeof(*t->spans));
	t->spans[t->span_count++] = span;
	return 0;
}

static int take_lines(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	struct tables *t = &l->tables;
	struct pp_line line;

	cursor_align(&c, rec, PP_TABLE_ALIGN);
	if (c.bad)
		return -1;
	while (next_struct(&c, &line, sizeof(line)) && line.code) {
		if ((line.hits | line.entries) >= COUNT_MAX ||
		    (line.self | line.own) >= TICKS_MAX)
			return -1;
		t->lines = must_grow(t->lines, t->line_count, &t->line_room,
				     sizeof(*t->lines));
		t->lines[t->line_count++] =
			(struct thread_line){ t->thread, line };
	}
	return 0;
}

/* What the segment's thread has open; NULL if this table is out of date. */
static struct thread_open *obtain_open(struct tables *t)
{
	struct thread_open *open;
	size_t i;

	for (i = 0; i < t->open_count; i++) {
		open = &t->opens[i];
		if (open->thread == t->thread)
			return t->seq >= open->seq ? open : NULL;
	}
	t->opens = must_grow(t->opens, t->open_count, &t->open_room,
			     sizeof(*t->opens));
	open = &t->opens[t->open_count++];
	*open = (struct thread_open){ .thread = t->thread };
	return open;
}

static int take_open(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	struct thread_open *open;
	struct pp_open head;
	size_t bytes;

	cursor_align(&c, rec, PP_TABLE_ALIGN);
	if (c.bad || !next_struct(&c, &head, sizeof(head)))
		return -1;
	bytes = (size_t)head.depth * sizeof(*open->calls);
	if (cursor_left(&c) < bytes || (head.last | head.own) >= TICKS_MAX)
		return -1;
	open = obtain_open(&l->tables);
	if (!open)
		return 0;
	open->seq = l->tables.seq;
	open->offset = rec->offset;
	open->head = head;
	open->calls = must_realloc(open->calls, head.depth + 1u,
				   sizeof(*open->calls));
	memcpy(open->calls, c.at, bytes);
	return 0;
}

int tables_take(struct loader *l, const struct record *rec)
{
	if (rec->type == PP_OWNER)
		return take_owner(l, rec);
	if (rec->type != PP_EDGES && rec->type != PP_LINES &&
	    rec->type != PP_OPEN)
		return 0;
	if (!l->tables.owned)
		return -1;
	l->profile->threads[l->tables.thread].traced = true;
	switch (rec->type) {
	case PP_EDGES:
		return take_edges(l, rec);
	case PP_LINES:
		return take_lines(l, rec);
	default:
		return take_open(l, rec);
	}
}

/*
 * Closing open calls. Edges have been converted by then, edge i to the
 * profile's call number `calls` + i, lines likewise.
 */

/* A thread's open calls, on the way from the outermost to the innermost. */
struct closing {
	struct loader *l;
	const struct thread_open *open;
	struct traced_call *calls; /* by number of the edge */
	struct traced_line *lines;
	uint64_t end_ns;
	bool *active;	      /* by number of the edge */
	struct table running; /* open calls by their callee */
};

static int compare_spans(const void *left, const void *right)
{
	const struct span *a = left, *b = right;

	if (a->thread != b->thread)
		return a->thread < b->thread ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

/* The place in edges of an edge of a thread; SIZE_MAX if it is not there. */
static size_t find_edge(const struct tables *t, uint32_t thread, uint32_t edge)
{
	struct span key = { .thread = thread, .first = edge };
	size_t low = 0, high = t->span_count, middle;
	const struct span *s;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (compare_spans(&t->spans[middle], &key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	s = low ? &t->spans[low - 1] : NULL;
	if (!s || s->thread != thread || edge - s->first >= s->count)
		return SIZE_MAX;
	return s->begin + (size_t)(edge - s->first);
}

/* CLOCK_MONOTONIC at a value of the tick counter. */
static uint64_t ticks_at_ns(const struct process *p, uint64_t ticks)
{
	uint64_t begin = p->header.tick_ticks[0];

	return p->header.tick_ns_at[0] +
	       process_ticks_ns(p, 1, ticks > begin ? ticks - begin : 0);
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static bool edge_has_callee(const void *owner, uint32_t index, const void *key)
{
	const struct tables *t = owner;

	return t->edges[index].callee == *(const uint32_t *)key;
}

/* Whether the callee of this edge runs already; from now on it does. */
static bool begin_running(struct closing *c, size_t edge)
{
	const struct tables *t = &c->l->tables;
	uint32_t callee = t->edges[edge].callee;
	uint64_t hash = hash_number(callee);

	if (table_find(&c->running, hash, edge_has_callee, t, &callee) !=
	    TABLE_NONE)
		return true;
	table_add(&c->running, hash, (uint32_t)edge);
	return false;
}

static void close_call(struct closing *c, const struct pp_open_call *open,
		       size_t edge)
{
	struct process *p = loader_process(c->l);
	struct traced_call *call = &c->calls[edge];
	uint64_t ns = less(c->end_ns, ticks_at_ns(p, open->begun));
	uint64_t own_ns;

	own_ns = process_ticks_ns(p, 1, less(c->open->head.own, open->own));
	if (!begin_running(c, edge)) {
		call->total_ns += ns;
		call->own_ns += own_ns;
	} else if (!c->active[edge]) {
		call->rest_ns += ns;
		call->rest_own_ns += own_ns;
	}
	c->active[edge] = true;
}

/* What came after the thread's last event is time of its innermost call. */
static void close_innermost(struct closing *c, const struct pp_open_call *open,
			    size_t edge)
{
	const struct tables *t = &c->l->tables;
	struct process *p = loader_process(c->l);
	uint64_t ns;
	size_t i;

	ns = less(c->end_ns, ticks_at_ns(p, c->open->head.last));
	c->calls[edge].self_ns += ns;
	for (i = 0; i < t->line_count && c->lines; i++)
		if (t->lines[i].thread == c->open->thread &&
		    t->lines[i].line.code == t->edges[edge].callee &&
		    t->lines[i].line.line == open->line) {
			c->lines[i].self_ns += ns;
			return;
		}
}

/* Returns -1 if a call is of an edge that is not there. */
static int close_thread(struct closing *c)
{
	const struct tables *t = &c->l->tables;
	uint32_t i, depth = c->open->head.depth;
	const struct pp_open_call *open;
	int result = 0;
	size_t edge;

	for (i = 0; i < depth; i++) {
		open = &c->open->calls[i];
		edge = find_edge(t, c->open->thread, open->edge);
		if (edge == SIZE_MAX || !c->calls) {
			result = -1;
			continue;
		}
		close_call(c, open, edge);
		if (i == depth - 1)
			close_innermost(c, open, edge);
	}
	for (i = 0; i < depth; i++) {
		edge = find_edge(t, c->open->thread, c->open->calls[i].edge);
		if (edge != SIZE_MAX)
			c->active[edge] = false;
	}
	table_done(&c->running);
	c->running = (struct table){ 0 };
	return result;
}

/* When the log ends, which may be when one of its threads last did something.
 */
static uint64_t log_end_ns(const struct loader *l)
{
	struct process *p = loader_process(l);
	const struct tables *t = &l->tables;
	uint64_t last_ns;
	size_t i;

	for (i = 0; i < t->open_count; i++) {
		last_ns = ticks_at_ns(p, t->opens[i].head.last);
		if (last_ns > p->last_ns)
			p->last_ns = last_ns;
	}
	if (p->header.ended && p->header.end_ns > p->last_ns)
		return p->header.end_ns;
	return p->last_ns;
}

static int close_threads(struct loader *l, size_t first_call, size_t first_line)
{
	struct tables *t = &l->tables;
	struct profile *p = l->profile;
	uint64_t end_ns = log_end_ns(l);
	struct closing c = { .l = l };
	int result = 0;
	size_t i;

	if (t->edge_count)
		c.calls = p->traced_calls + first_call;
	if (t->line_count)
		c.lines = p->traced_lines + first_line;
	c.active = must_zalloc(t->edge_count, sizeof(*c.active));
	for (i = 0; i < t->open_count; i++) {
		c.open = &t->opens[i];
		c.end_ns = p->threads[c.open->thread].end_ns;
		if (!c.end_ns)
			c.end_ns = end_ns;
		if (!process_is_timed(loader_process(l)) ||
		    !process_has_ticks(loader_process(l)))
			c.end_ns = 0; /* of no call, then */
		if (close_thread(&c) == 0)
			continue;
		t->bad_offset = c.open->offset;
		result = -1;
	}
	free(c.active);
	return result;
}

/*
 * Converting.
 */

static void add_call(struct loader *l, uint32_t thread, const struct pp_edge *e)
{
	const struct process *p = loader_process(l);
	struct traced_call *call = profile_add_traced_call(l->profile);
	struct place caller = { FUNCTION_NONE, 0 };

	if (e->caller)
		caller = codes_place(&l->codes, e->caller, e->line);
	if (p->header.trace != PP_TRACE_LINES)
		caller.line = 0;
	*call = (struct traced_call){
		.thread = thread,
		.caller = caller.function,
		.line = caller.line,
		.callee = codes_place(&l->codes, e->callee, 0).function,
		.calls = e->calls,
		.recursive = e->recursive,
		.recursive_edge = e->recursive_edge,
		.open = e->open,
		.self_ns = process_ticks_ns(p, 1, e->self),
		.self_own_ns = process_ticks_ns(p, 1, e->self_own),
		.total_ns = process_ticks_ns(p, 1, e->total),
		.own_ns = process_ticks_ns(p, 1, e->own),
		.rest_ns = process_ticks_ns(p, 1, e->rest),
		.rest_own_ns = process_ticks_ns(p, 1, e->rest_own),
	};
}

/*
 * From 3.11 on a module is entered on line 0, which is none of its source: it
 * is taken for line 1, but for the entry.
 */
static void add_line(struct loader *l, const struct thread_line *line)
{
	struct traced_line *to = profile_add_traced_line(l->profile);
	struct place place;
	bool in_source;

	place = codes_place(&l->codes, line->line.code, line->line.line);
	in_source = codes_has_line(&l->codes, line->line.code, line->line.line);
	*to = (struct traced_line){
		.thread = line->thread,
		.function = place.function,
		.line = place.line,
		.hits = line->line.hits,
		.entries = in_source ? line->line.entries : 0,
		.self_ns =
			process_ticks_ns(loader_process(l), 1, line->line.self),
		.own_ns =
			process_ticks_ns(loader_process(l), 1, line->line.own),
	};
}

/* Take those of threads that are left out away again, from one on. */
static void drop_calls(struct profile *p, size_t first)
{
	size_t kept = first, i;

	for (i = first; i < p->traced_call_count; i++)
		if (!p->threads[p->traced_calls[i].thread].left_out)
			p->traced_calls[kept++] = p->traced_calls[i];
	p->traced_call_count = kept;
}

static void drop_lines(struct profile *p, size_t first)
{
	size_t kept = first, i;

	for (i = first; i < p->traced_line_count; i++)
		if (!p->threads[p->traced_lines[i].thread].left_out)
			p->traced_lines[kept++] = p->traced_lines[i];
	p->traced_line_count = kept;
}

int tables_close(struct loader *l)
{
	struct tables *t = &l->tables;
	size_t first_call = l->profile->traced_call_count;
	size_t first_line = l->profile->traced_line_count;
	const struct span *s;
	size_t i, k;
	int result;

	/* The spans are in the order of the edges still. */
	for (i = 0; i < t->span_count; i++) {
		s = &t->spans[i];
		for (k = 0; k < s->count; k++)
			add_call(l, s->thread, &t->edges[s->begin + k]);
	}
	for (i = 0; i < t->line_count; i++)
		add_line(l, &t->lines[i]);
	if (t->span_count)
		qsort(t->spans, t->span_count, sizeof(*t->spans),
		      compare_spans);
	result = close_threads(l, first_call, first_line);
	drop_calls(l->profile, first_call);
	drop_lines(l->profile, first_line);
	return result;
}
