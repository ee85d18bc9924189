/* SPDX-License-Identifier: MIT */
/*
 * The three events of deterministic profiling, whatever mechanism brings them:
 * a call begins, a call ends, a line begins. They are inlined into each
 * callback. Any thread that has the GIL.
 *
 * Time is given to what ran until the event: to the function on top and to its
 * line. So self times hold at any instant, and an open call wants only its
 * total.
 */
#ifndef TRACE_EVENT_H
#define TRACE_EVENT_H

#include "trace.h"
#include "trace_clock.h"
#include "trace_table.h"

extern __thread struct trace *trace_mine;

/* The calling thread's trace, begun if need be; NULL: nothing is wanted. */
struct trace *trace_begin_mine(void);

static inline struct trace *trace_of_thread(void)
{
	struct trace *t = trace_mine;

	return PP_LIKELY(t && t->live) ? t : trace_begin_mine();
}

/* When recording is wanted, in ticks: from begin on, for so long. */
struct trace_window {
	uint64_t begin, span;
};

extern struct trace_window trace_window;

/* The last event was outside; is this one, too? */
bool trace_is_outside(struct trace *t);

/* Is this event one that is not wanted? As seen by the event before it. */
static inline bool trace_misses(struct trace *t)
{
	return PP_UNLIKELY(t->open->last - trace_window.begin >=
			   trace_window.span) &&
	       trace_is_outside(t);
}

/* The time since the last event goes to what ran. */
static inline uint64_t trace_pass(struct trace *t)
{
	uint64_t now = trace_clock_now();
	uint64_t passed = now - t->open->last;

	t->top->edge->shown->self += passed;
	if (t->top->at)
		t->top->at->self += passed;
	t->open->last = now;
	return now;
}

/* The edge of a call; NULL: it is not wanted, or there is no room. */
static inline struct trace_edge *trace_find(struct trace *t, uintptr_t address,
					    uint32_t line, void *callable)
{
	const struct trace_function *caller = t->top->edge->callee;
	struct trace_slot *s =
		&t->slots[trace_table_hash(caller, address, line) &
			  t->slot_mask];

	if (PP_LIKELY(s->address == address && s->caller == caller &&
		      s->line == line &&
		      atomic_load_explicit(s->word, memory_order_relaxed) ==
			      s->id))
		return s->edge;
	return trace_table_edge(t, caller, address, line, callable);
}

/*
 * A call begins. line is the caller's line in the log, if lines are traced;
 * callable is the C function that is called, NULL if it is Python's. Returns
 * the callee, or NULL if its calls are not recorded.
 */
static inline struct trace_function *
trace_enter(struct trace *t, uintptr_t address, uint32_t line, void *callable)
{
	struct trace_edge *edge = trace_find(t, address, line, callable);
	struct trace_function *callee;
	struct trace_open *top;

	if (PP_UNLIKELY(!edge) || trace_misses(t))
		return NULL;
	if (PP_UNLIKELY(t->top + 1 == t->limit) && trace_table_grow_open(t) < 0)
		return NULL;
	callee = edge->callee;
	edge->shown->calls++;
	if (callee->open++)
		edge->shown->recursive++;
	edge->shown->open++;
	if (edge->pair->pair_open++)
		edge->shown->recursive_edge++;
	top = t->top + 1;
	top->own = t->open->own;
	top->number = edge->number;
	top->line = 0;
	top->edge = edge;
	top->at = NULL;
	top->begun = trace_pass(t);
	t->top = top;
	/* the call is part of the log from here on */
	__atomic_store_n(&t->open->depth, t->open->depth + 1, __ATOMIC_RELEASE);
	return callee;
}

/* So much of the time on top was ours. */
static inline void trace_own(struct trace *t, uint64_t ticks)
{
	t->open->own += ticks;
	t->top->edge->shown->self_own += ticks;
	if (t->top->at)
		t->top->at->own += ticks;
}

/* The call on top ends at this time. */
static inline void trace_end_top(struct trace *t, uint64_t now)
{
	struct trace_open *top = t->top;
	struct pp_edge *edge = top->edge->shown;
	const uint64_t *cost = &trace_costs[top->edge->callee->cost];
	uint64_t took = now - top->begun, own;

	trace_own(t, cost[0]);
	own = t->open->own - top->own;

	edge->open--;
	top->edge->pair->pair_open--;
	if (!--top->edge->callee->open) {
		edge->total += took;
		edge->own += own;
	} else if (!top->edge->pair->pair_open) {
		edge->rest += took;
		edge->rest_own += own;
	}
	t->top = top - 1;
	trace_own(t, cost[1]);
	t->open->depth--;
}

/* Is this a second code object of the same function? */
bool trace_is_at(const struct trace_function *f, uintptr_t address);

/* A call ends that is not on top. */
void trace_leave_other(struct trace *t, uintptr_t address, uint64_t now);

/*
 * A line begins, of the code object at this address; line is as in the log.
 * Returns false if that is not on top, and so of no call that is recorded.
 */
static inline bool trace_line(struct trace *t, uintptr_t address, uint32_t line)
{
	struct trace_function *f = t->top->edge->callee;
	struct pp_line *at;

	if (PP_UNLIKELY(f->address != address) && !trace_is_at(f, address))
		return false;
	if (trace_misses(t))
		return true;
	trace_pass(t);
	at = PP_LIKELY(line + 1 < f->line_room) ? f->lines[line + 1] : NULL;
	if (PP_UNLIKELY(!at))
		at = trace_table_line(t, f, line);
	t->top->at = at;
	t->top->line = line;
	trace_own(t, trace_costs[PP_COST_line]);
	if (PP_LIKELY(at))
		at->hits++;
	return true;
}

/* The function that was just entered begins, or goes on, on this line. */
static inline void trace_entry(struct trace *t, uint32_t line)
{
	struct pp_line *at = trace_table_line(t, t->top->edge->callee, line);

	t->top->at = at;
	t->top->line = line;
	if (at)
		at->entries++;
}

static inline void trace_leave(struct trace *t, uintptr_t address)
{
	uint64_t now;

	if (PP_UNLIKELY(!t->open->depth))
		return;
	now = trace_pass(t);
	if (PP_LIKELY(t->top->edge->callee->address == address))
		trace_end_top(t, now);
	else
		trace_leave_other(t, address, now);
}

#endif
