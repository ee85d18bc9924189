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

/*
 * What is inlined here is made for each enum trace_what: `what` is known where
 * it is called.
 */
#define TRACE_INLINE static inline __attribute__((always_inline))

/* When recording is wanted, in ticks: from begin on, for so long. */
struct trace_window {
	uint64_t begin, span;
};

extern struct trace_window trace_window;

/* Was --include or --exclude given? */
extern bool trace_has_filters;

/* Is a code object of a file that is left out? */
TRACE_INLINE bool trace_excludes(struct trace *t, uintptr_t code)
{
	return PP_UNLIKELY(trace_has_filters) && trace_table_excludes(t, code);
}

/* Is this event one that is not wanted? Only asked where there is a window. */
bool trace_is_outside(struct trace *t);

/* The clock where there is one, which stands where that ends. */
uint64_t trace_window_now(void);

/*
 * The clock, if it is wanted, of all events but the quick ones, for which there
 * is no window.
 */
TRACE_INLINE uint64_t trace_now(const struct trace *t, unsigned what)
{
	if (!(what & TRACE_TIMES))
		return 0;
	return PP_UNLIKELY(t->has_window) ? trace_window_now()
					  : trace_clock_now();
}

/* The time since the last event goes to what ran. */
TRACE_INLINE void trace_pass(struct trace *t, uint64_t now, unsigned what)
{
	struct pp_open *open = t->open;
	struct trace_open *top = t->top;
	uint64_t passed = now - open->last;

	if (!(what & TRACE_TIMES))
		return;
	top->edge->shown->self += passed;
	if ((what & TRACE_LINES) && top->at)
		top->at->self += passed;
	open->last = now;
}

/*
 * The edge of a call as it was seen before; NULL: ask trace_table_edge(). The
 * line is 0 if lines are not traced.
 */
TRACE_INLINE struct trace_edge *trace_find(const struct trace *t,
					   uintptr_t address, unsigned what)
{
	const struct trace_function *caller = t->top->edge->callee;
	uint32_t line = what & TRACE_LINES ? t->top->shown->line : 0;
	uint32_t i = trace_table_hash(caller, address, line);
	const struct trace_slot *s;

	do {
		s = &t->slots[i++ & t->slot_mask];
		if (PP_LIKELY(s->address == address && s->caller == caller &&
			      (!(what & TRACE_LINES) || s->line == line)))
			return PP_LIKELY(atomic_load_explicit(
						 s->word,
						 memory_order_relaxed) == s->id)
				       ? s->edge
				       : NULL;
	} while (s->address);
	return NULL;
}

/*
 * How many calls between an edge's two functions are open; without lines an
 * edge is the only one of the two.
 */
TRACE_INLINE uint32_t *trace_open_of(const struct trace_edge *edge,
				     unsigned what)
{
	return what & TRACE_LINES ? &edge->pair->pair_open : &edge->shown->open;
}

/* Count a call of an edge. */
TRACE_INLINE void trace_count(struct trace_edge *edge, unsigned what)
{
	struct pp_edge *shown = edge->shown;
	uint32_t *open = trace_open_of(edge, what);

	shown->calls++;
	if (edge->callee->open++)
		shown->recursive++;
	if ((*open)++)
		shown->recursive_edge++;
	if (what & TRACE_LINES)
		shown->open++;
}

/* A call begins for which there is room. */
TRACE_INLINE void trace_push(struct trace *t, struct trace_edge *edge,
			     uint64_t now, unsigned what)
{
	struct trace_open *top = t->top + 1;
	struct pp_open_call *call = top->shown;

	trace_count(edge, what);
	if (what & TRACE_TIMES)
		call->own = t->open->own;
	call->edge = edge->number;
	top->edge = edge;
	if (what & TRACE_LINES) {
		call->line = 0;
		top->at = NULL;
	}
	if (what & TRACE_TIMES)
		call->begun = now;
	trace_pass(t, now, what);
	t->top = top;
	/* the call is part of the log from here on */
	__atomic_store_n(&t->open->depth, t->open->depth + 1, __ATOMIC_RELEASE);
}

/*
 * A call begins; callable is the C function that is called, NULL if it is
 * Python's. Returns the callee, or NULL if its calls are not recorded.
 */
struct trace_function *trace_enter(struct trace *t, uintptr_t address,
				   void *callable, unsigned what);

/* The clock of the quick ones. */
TRACE_INLINE uint64_t trace_quick_now(unsigned what)
{
	return what & TRACE_TIMES ? trace_clock_counter() : 0;
}

/*
 * The same for nearly all calls, which ask nobody else. NULL: nothing is done
 * yet, it is one for trace_enter().
 */
TRACE_INLINE struct trace_function *
trace_enter_quick(struct trace *t, uintptr_t address, unsigned what)
{
	struct trace_edge *edge;

	if (PP_UNLIKELY(!t || !t->quick))
		return NULL;
	edge = trace_find(t, address, what);
	if (PP_UNLIKELY(!edge || t->top + 1 == t->limit))
		return NULL;
	trace_push(t, edge, trace_quick_now(what), what);
	return edge->callee;
}

/*
 * Is this code object of a file that is wanted, as far as can be told quickly:
 * are all, or has it the thread's call on top, or so many below? C functions
 * have no file, so their events ask it of who called them.
 */
TRACE_INLINE bool trace_keeps(int below, uintptr_t code)
{
	const struct trace *t;

	if (PP_LIKELY(!trace_has_filters))
		return true;
	t = trace_mine;
	return t && t->quick && t->top - below >= t->calls &&
	       t->top[-below].edge->callee->address == code;
}

/* trace_enter_quick() of a C function that this code object calls. */
TRACE_INLINE bool trace_enter_c_quick(struct trace *t, uintptr_t caller,
				      uintptr_t method, unsigned what)
{
	return trace_keeps(0, caller) && trace_enter_quick(t, method, what);
}

/* So much of an open call's own time was ours. */
TRACE_INLINE void trace_own(const struct trace_open *call, uint64_t ticks,
			    unsigned what)
{
	call->edge->shown->self_own += ticks;
	if ((what & TRACE_LINES) && call->at)
		call->at->own += ticks;
}

/* What the call on top took until now, which is no longer counted as open. */
TRACE_INLINE void trace_give_total(struct trace *t, uint64_t now, unsigned what)
{
	struct trace_open *top = t->top;
	const struct pp_open_call *call = top->shown;
	struct pp_edge *shown = top->edge->shown;
	const struct trace_function *callee = top->edge->callee;
	uint64_t own = t->open->own + callee->inside;

	if (!callee->open) {
		shown->total += now - call->begun;
		shown->own += own - call->own;
	} else if (!*trace_open_of(top->edge, what)) {
		shown->rest += now - call->begun;
		shown->rest_own += own - call->own;
	}
	trace_own(top, callee->inside, what);
	trace_own(top - 1, callee->outside, what);
	t->open->own = own + callee->outside;
}

/* The call on top ends at this time. */
TRACE_INLINE void trace_end_top(struct trace *t, uint64_t now, unsigned what)
{
	struct trace_open *top = t->top;
	struct trace_edge *edge = top->edge;

	--*trace_open_of(edge, what);
	if (what & TRACE_LINES)
		edge->shown->open--;
	edge->callee->open--;
	if (what & TRACE_TIMES)
		trace_give_total(t, now, what);
	else /* all of it is outside, and the caller's edge may be none */
		trace_own(top, edge->callee->outside, what);
	t->top = top - 1;
	t->open->depth--;
}

/* An event that is not counted took so much of what runs. */
TRACE_INLINE void trace_charge(struct trace *t, uint64_t ticks, unsigned what)
{
	if (what & TRACE_TIMES)
		t->open->own += ticks;
	trace_own(t->top, ticks, 0);
}

TRACE_INLINE bool trace_charge_quick(struct trace *t, uint64_t ticks,
				     unsigned what)
{
	if (PP_UNLIKELY(!t || !t->quick))
		return false;
	trace_charge(t, ticks, what);
	return true;
}

/* Is this a second code object of the same function? */
bool trace_is_at(const struct trace_function *f, uintptr_t address);

/* A call ends. */
void trace_leave(struct trace *t, uintptr_t address, unsigned what);

/* The same for nearly all, as trace_enter_quick(). The root has no address. */
TRACE_INLINE bool trace_leave_quick(struct trace *t, uintptr_t address,
				    unsigned what)
{
	uint64_t now;

	if (PP_UNLIKELY(!t || !t->quick ||
			t->top->edge->callee->address != address))
		return false;
	now = trace_quick_now(what);
	trace_pass(t, now, what);
	trace_end_top(t, now, what);
	return true;
}

/* trace_leave_quick() of a C function that this code object called. */
TRACE_INLINE bool trace_leave_c_quick(struct trace *t, uintptr_t caller,
				      uintptr_t method, unsigned what)
{
	return trace_keeps(1, caller) && trace_leave_quick(t, method, what);
}

/*
 * A line begins, of the code object at this address; line is as in the log.
 * Returns false if that is not on top, and so of no call that is recorded.
 */
TRACE_INLINE bool trace_line(struct trace *t, uintptr_t address, uint32_t line,
			     unsigned what)
{
	struct trace_function *f = t->top->edge->callee;
	uint64_t cost = trace_costs[PP_COST_line];
	struct pp_line *at;

	if (PP_UNLIKELY(f->address != address) && !trace_is_at(f, address))
		return false;
	if (PP_UNLIKELY(t->has_window && trace_is_outside(t)))
		return true;
	trace_pass(t, trace_now(t, what), what);
	at = PP_LIKELY(line + 1 < f->line_room) ? f->lines[line + 1] : NULL;
	if (PP_UNLIKELY(!at))
		at = trace_table_line(t, f, line);
	t->top->at = at;
	t->top->shown->line = line;
	if (what & TRACE_TIMES)
		t->open->own += cost;
	trace_own(t->top, cost, what);
	if (PP_LIKELY(at))
		at->hits++;
	return true;
}

/* The call on top is on this line; returns it, NULL if there is no room. */
TRACE_INLINE struct pp_line *trace_stand(struct trace *t, uint32_t line)
{
	t->top->at = trace_table_line(t, t->top->edge->callee, line);
	t->top->shown->line = line;
	return t->top->at;
}

/* The function that was just entered begins, or goes on, on this line. */
TRACE_INLINE void trace_entry(struct trace *t, uint32_t line)
{
	struct pp_line *at = trace_stand(t, line);

	if (at)
		at->entries++;
}

#endif
