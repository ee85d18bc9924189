/* SPDX-License-Identifier: MIT */
/*
 * Deterministic profiling: which mechanism, which files, whose threads. See
 * trace.h, and trace_event.h for what happens at an event.
 */
#include "trace.h"

#include <regex.h>
#include <stddef.h>

#include "pyapi.h"
#include "safe/codes.h"
#include "safe/lines.h"
#include "safe/mask.h"
#include "safe/state.h"
#include "safe/target.h"
#include "safe/walk.h"
#include "trace_clock.h"
#include "trace_cost.h"
#include "trace_event.h"
#include "trace_mechanism.h"
#include "trace_names.h"
#include "trace_sites.h"
#include "trace_table.h"

/* The first version with sys.monitoring. */
#define MONITORING_MINOR 12

__thread struct trace *trace_mine;
uint64_t trace_costs[PP_COST_MAX];

bool trace_has_filters;
struct trace_window trace_window = { 0, UINT64_MAX };

static struct {
	const struct trace_mechanism *mechanism; /* NULL: nothing is traced */
	regex_t include, exclude;
} g;

/* -- events -------------------------------------------------------------- */

struct trace *trace_begin_mine(void)
{
	struct trace *mine;
	struct thread *t;

	trace_mine = NULL;
	if (!state_is_armed())
		return NULL;
	t = thread_obtain();
	if (!t ||
	    (target.settings.main_thread_only && t->kind != PP_THREAD_MAIN))
		return NULL;
	mine = trace_table_new(t);
	if (!mine) {
		state_count(PP_COUNT_uncounted, 1);
		return NULL;
	}
	trace_table_add(mine);
	t->trace = mine;
	trace_mine = mine;
	if (trace_has_times())
		mine->open->last = trace_clock_now();
	return mine;
}

void trace_note_faults(struct thread *t)
{
	if (t->trace)
		t->trace->quick = t->trace->live && trace_is_quick(t->trace);
}

uint64_t trace_window_now(void)
{
	uint64_t now = trace_clock_now();
	uint64_t end = trace_window.begin + trace_window.span;

	return now > end ? end : now;
}

bool trace_is_outside(struct trace *t)
{
	uint64_t now = trace_window_now();

	trace_pass(t, now, trace_what());
	return now - trace_window.begin >= trace_window.span;
}

struct trace_function *trace_enter(struct trace *t, uintptr_t address,
				   void *callable, unsigned what)
{
	struct trace_edge *edge = trace_find(t, address, what);

	if (!edge)
		edge = trace_table_edge(
			t, t->top->edge->callee, address,
			what & TRACE_LINES ? t->top->shown->line : 0, callable);
	if (!edge || (t->has_window && trace_is_outside(t)))
		return NULL;
	if (t->top + 1 == t->limit && trace_table_grow_open(t) < 0)
		return NULL;
	trace_push(t, edge, trace_now(t, what), what);
	return edge->callee;
}

bool trace_is_at(const struct trace_function *f, uintptr_t address)
{
	const _Atomic uint32_t *word = codes_word(address);

	return f->id &&
	       atomic_load_explicit(word, memory_order_relaxed) == f->id;
}

/*
 * A call ends that is not on top: either it began before we did, or others
 * ended unseen (stacks were switched). Then those end now.
 */
static void leave_other(struct trace *t, uintptr_t address, uint64_t now)
{
	struct trace_open *open = t->top;

	while (open->edge != &t->root_edge &&
	       !trace_is_at(open->edge->callee, address))
		open--;
	if (open->edge == &t->root_edge)
		return;
	trace_sites_stop();
	while (t->top >= open)
		trace_end_top(t, now, trace_what());
}

void trace_leave(struct trace *t, uintptr_t address, unsigned what)
{
	uint64_t now;

	if (t->top == t->calls)
		return;
	now = trace_now(t, what);
	trace_pass(t, now, what);
	if (t->top->edge->callee->address == address)
		trace_end_top(t, now, what);
	else
		leave_other(t, address, now);
}

/* -- files --------------------------------------------------------------- */

/* settings.c has tried them: it is memory if one fails. */
static int compile(regex_t *regex, const char *expression)
{
	return expression ? regcomp(regex, expression, REG_EXTENDED | REG_NOSUB)
			  : 0;
}

static bool matches(const regex_t *regex, const char *expression,
		    const char *name)
{
	return expression && regexec(regex, name, 0, NULL, 0) == 0;
}

bool trace_wants_file(const char *name)
{
	const struct settings *s = &target.settings;

	if (s->include && matches(&g.include, s->include, name))
		return true;
	/* --include alone leaves out the rest */
	return s->exclude ? !matches(&g.exclude, s->exclude, name)
			  : !s->include;
}

/* -- the process --------------------------------------------------------- */

static void fill_header(void)
{
	struct pp_header *h = state->header;

	h->builtins = (uint32_t)target.settings.builtins;
	for (int i = 0; i < PP_COST_MAX; i++)
		h->costs[i] = trace_costs[i];
	trace_clock_begin();
	/* the fields above are valid from here on */
	__atomic_store_n(&h->trace, target.settings.trace, __ATOMIC_RELEASE);
}

/* A number of nanoseconds from now, as the clock will show it. */
static uint64_t ticks_at(uint64_t at_ns)
{
	const struct pp_header *h = state->header;
	double rate = (double)(h->tick_ticks[1] - h->tick_ticks[0]) /
		      (double)(h->tick_ns_at[1] - h->tick_ns_at[0]);

	if (at_ns == UINT64_MAX)
		return UINT64_MAX;
	if (at_ns < h->tick_ns_at[1])
		return h->tick_ticks[0];
	return h->tick_ticks[1] +
	       (uint64_t)((double)(at_ns - h->tick_ns_at[1]) * rate);
}

static void set_window(void)
{
	uint64_t begin_ns = atomic_load(&state->begin_ns);
	uint64_t end_ns = atomic_load(&state->end_ns);

	if (!begin_ns && end_ns == UINT64_MAX)
		return;
	trace_window.begin = ticks_at(begin_ns);
	trace_window.span = ticks_at(end_ns) - trace_window.begin;
}

/* The call on top is open, but none of this process: count it no more. */
static void take_back(const struct trace *t)
{
	const struct trace_edge *edge = t->top->edge;

	edge->shown->calls--;
	if (edge->callee->open > 1)
		edge->shown->recursive--;
	if (*trace_open_of(edge, trace_what()) > 1)
		edge->shown->recursive_edge--;
}

/*
 * In a forked child: the functions that its thread is in were called in the
 * parent and counted there. They are open here, each on its line.
 */
static void take_over_stack(struct trace *t)
{
	uint64_t mask = mask_quiet(target.settings.signal);
	struct stack s = { .frames = t->thread->now,
			   .capacity = t->thread->capacity };
	uintptr_t python = walk_thread_state();

	if (!python || walk(python, 0, &s) != 0)
		s.depth = 0;
	for (uint32_t i = s.depth; i > 0; i--) {
		const struct frame *f = &s.frames[i - 1];
		const struct trace_function *callee =
			trace_enter(t, f->code, NULL, trace_what());

		if (!callee)
			continue;
		take_back(t);
		if (trace_has_lines())
			trace_stand(t, lines_at(t->thread->lines, f->code,
						callee->id, f->position));
	}
	mask_unquiet(target.settings.signal, mask);
}

void trace_prepare(void)
{
	const struct settings *s = &target.settings;

	if (s->trace == PP_TRACE_NONE || compile(&g.include, s->include) != 0 ||
	    compile(&g.exclude, s->exclude) != 0)
		return;
	trace_clock_choose();
	trace_names_begin();
	g.mechanism = target.row->minor >= MONITORING_MINOR ? &trace_monitoring
							    : &trace_setprofile;
	if (trace_has_lines())
		target.settings.builtins = 0;
	if (trace_cost_measure(g.mechanism) < 0)
		g.mechanism = NULL;
	/* our own loops are of no file that anybody wants */
	trace_has_filters = s->include || s->exclude;
}

void trace_start(void)
{
	if (g.mechanism && g.mechanism->begin() < 0)
		g.mechanism = NULL;
	if (!g.mechanism)
		return;
	if (target.settings.builtins)
		trace_sites_begin();
	fill_header();
	set_window();
}

void trace_start_child(void)
{
	struct trace *t;

	trace_mine = NULL;
	trace_table_forget_all();
	if (!g.mechanism || !state_is_armed())
		return;
	fill_header();
	t = trace_begin_mine();
	if (t)
		take_over_stack(t);
}

void trace_arm_threads(void)
{
	if (g.mechanism && g.mechanism->arm_threads)
		g.mechanism->arm_threads();
}

void trace_code_died(void *code)
{
	trace_sites_forget((uintptr_t)code);
}

void trace_thread_end(struct thread *t)
{
	trace_mine = NULL;
	if (t->trace)
		trace_table_end(t->trace);
	t->trace = NULL;
}
