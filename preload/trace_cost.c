/* SPDX-License-Identifier: MIT */
/*
 * Costs of tracing, see trace_cost.h. Small loops are run without and with
 * tracing, into tables that are no part of the log, and the difference is
 * divided by their events. The least of two runs counts, since whatever
 * disturbs one makes it longer, and of several such measurements the middle
 * one: a processor that changes its speed between runs without and runs with,
 * as one does that begins to work or whose neighbours do, puts a few of them
 * off.
 */
#include "trace_cost.h"

#include <stdlib.h>
#include <string.h>

#include "msg.h"
#include "pyapi.h"
#include "safe/state.h"
#include "safe/target.h"
#include "trace.h"
#include "trace_clock.h"
#include "trace_event.h"
#include "trace_table.h"

/*
 * How often the costs are measured, how often each loop is run for that without
 * and with tracing, and how often it goes round; as the sources say.
 */
#define TIMES  9
#define RUNS   2
#define ROUNDS UINT64_C(100)

/*
 * Of the time of a loop that only calls, this part is between the two events of
 * a call without us; the rest is its caller's.
 */
#define INSIDE_PART 3

enum {
	LOOP_EMPTY,
	LOOP_PYTHON,
	LOOP_FLAT,
	LOOP_RESUME,
	LOOP_LINE, /* for lines alone */
	LOOP_LINES,
	LOOP_C, /* from here on with calls of C functions */
	LOOP_METHOD,
	LOOP_OTHER,
	LOOP_CALL,
	LOOPS,
};

/* Nested calls, and functions and methods with several arguments. */
#define PYTHON_CALLS                                                           \
	"for i in r:"                                                          \
	" f(i); k.p(i); h(i); q(i, b=i); k.s(); e(i, 1, i)\n"

static const struct {
	const char *source;
	uint64_t events; /* of the kind that is measured, in one run */
} loops[LOOPS] = {
	[LOOP_EMPTY] = { "for i in r: pass\n", ROUNDS },
	[LOOP_PYTHON] = { PYTHON_CALLS, 9 * ROUNDS },
	[LOOP_CALL] = { PYTHON_CALLS, 9 * ROUNDS },
	[LOOP_FLAT] = { "for i in r: h(i)\n", ROUNDS },
	[LOOP_C] = { "for i in r: c(i); len(t); isinstance(i, o); id(i); "
		     "c(i)\n",
		     5 * ROUNDS },
	/* one that is bound before, the others as they are called */
	[LOOP_METHOD] = { "for i in r: m(i); d.get(i); i.bit_length();"
			  " t.strip(); t.find(t); l.append(i); l.pop()\n",
			  7 * ROUNDS },
	[LOOP_OTHER] = { "for i in r: o(i); o(i)\n", 2 * ROUNDS },
	[LOOP_RESUME] = { "for i in y(): pass\n", ROUNDS },
	/* the empty loop goes round on one line, which is another event */
	[LOOP_LINE] = { "for i in r:\n u = i\n", 2 * ROUNDS },
	[LOOP_LINES] = { "for i in r:\n u = i\n v = u\n w = v\n", 4 * ROUNDS },
};

/*
 * What the loops use. Between two events something is computed and decided, as
 * in programs: what we run in between is forgotten by the processor's guesses.
 * Where a profile function makes each instruction slower (3.10: by a quarter,
 * 3.11: more than twice), a call's cost has what the instructions of these
 * functions lose: they are as long as small functions are. Longer ones would
 * take from a program of such as fib() all its time.
 */
static const char preface[] =
	"def f(i): a = i & 7; return g(a, i)\n"
	"def g(a, b): c = h(a) + h(b); return c - b if c & 1 else c\n"
	"def h(a): return a\n"
	"def q(a, b=None): return a * 3 + 1 if b & 1 else a\n"
	"def e(a, b, c):\n"
	" if a & 2: return b\n"
	" return a - c\n"
	"class k:\n"
	" def p(self, a): self.a = a if a > 7 else -a; self.b = self.a\n"
	" def s(self): return self.a if self.b > 3 else self.b\n"
	"k = k()\n"
	"k.a = k.b = 1\n"
	"l = []\n"
	"t = ' a'\n"
	"r = range(100)\n"
	"c = abs\n"
	"o = bool\n"
	"d = {}\n"
	"m = d.get\n"
	"def y():\n"
	" n = 0\n"
	" for i in r:\n"
	"  yield n\n"
	"  n = n + i if i & 1 else n >> 1\n";

/* Ticks of one run, the least of all. */
struct result {
	uint64_t plain, traced;
	uint64_t callees; /* when traced, those that callees have as self */
};

static struct {
	void *names; /* a dictionary */
	void *code[LOOPS];
	struct result results[LOOPS];
	uint64_t costs[PP_COST_END][TIMES]; /* as measured each time */
	bool refused;			    /* the mechanism did not begin */
} g;

/* -- running ------------------------------------------------------------- */

/* Run a code object; -1 if it fails. */
static int run(void *code)
{
	void *result = code ? py.PyEval_EvalCode(code, g.names, g.names) : NULL;

	if (!result) {
		py.PyErr_Clear();
		return -1;
	}
	py.Py_DecRef(result);
	return 0;
}

static void *compile(const char *source)
{
	void *code = py.Py_CompileString(source, "<pyprof>", PYAPI_FILE_INPUT);

	py.PyErr_Clear();
	return code;
}

static int prepare(void)
{
	void *code = compile(preface);
	int ret;

	g.names = py.PyDict_New();
	if (!g.names || py.PyDict_SetItemString(g.names, "__builtins__",
						py.PyEval_GetBuiltins()) < 0)
		return -1;
	ret = run(code);
	for (int i = 0; i < LOOPS; i++)
		g.code[i] = compile(loops[i].source);
	if (code)
		py.Py_DecRef(code);
	return ret;
}

static void clean_up(void)
{
	for (int i = 0; i < LOOPS; i++)
		if (g.code[i])
			py.Py_DecRef(g.code[i]);
	if (g.names) {
		py.PyDict_Clear(g.names);
		py.Py_DecRef(g.names);
	}
	py.PyErr_Clear();
}

static bool is_wanted(int loop)
{
	if (loop >= LOOP_C)
		return target.settings.builtins;
	return loop < LOOP_LINE || trace_has_lines();
}

static void keep_least(uint64_t *least, uint64_t value)
{
	if (!*least || value < *least)
		*least = value;
}

static int run_plain(void)
{
	for (int i = 0; i < LOOPS; i++) {
		uint64_t begin = trace_clock_now();

		if (!is_wanted(i))
			continue;
		if (run(g.code[i]) < 0)
			return -1;
		keep_least(&g.results[i].plain, trace_clock_now() - begin);
	}
	return 0;
}

/* What the functions have as self that others called. */
static uint64_t self_of_callees(const struct trace *t)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i <= t->function_mask; i++) {
		const struct trace_function *f = t->functions[i];

		for (; f; f = f->next)
			for (const struct trace_edge *e = f->edges; e;
			     e = e->next)
				sum += e->caller == &t->root ? 0
							     : e->shown->self;
	}
	return sum;
}

/* The loops from one to before another. */
static int run_traced(const struct trace *t, int from, int to)
{
	for (int i = from; i < to; i++) {
		uint64_t before = self_of_callees(t);
		uint64_t begin = trace_clock_now();

		if (!is_wanted(i))
			continue;
		if (run(g.code[i]) < 0)
			return -1;
		keep_least(&g.results[i].traced, trace_clock_now() - begin);
		keep_least(&g.results[i].callees, self_of_callees(t) - before);
	}
	return 0;
}

/* Each loop without tracing and then with it. */
static int run_both(const struct trace_mechanism *mechanism, struct trace *t)
{
	int ret = 0;

	memset(g.results, 0, sizeof(g.results));
	for (int i = 0; i < RUNS && ret == 0; i++)
		ret = run_plain();
	if (ret < 0)
		return ret;
	g.refused = mechanism->begin() < 0;
	if (g.refused)
		return 0;
	trace_mine = t;
	for (int i = 0; i < RUNS && ret == 0; i++)
		ret = run_traced(t, LOOP_C, LOOPS);
	if (ret == 0 && mechanism->without_c_calls)
		ret = mechanism->without_c_calls();
	for (int i = 0; i < RUNS && ret == 0; i++)
		ret = run_traced(t, 0, LOOP_C);
	trace_mine = NULL;
	mechanism->end();
	return ret;
}

/* -- what comes of it ---------------------------------------------------- */

static uint64_t less(uint64_t from, uint64_t what)
{
	return from > what ? from - what : 0;
}

/* Ticks that tracing adds to a loop, more than to another one. */
static uint64_t added_to(int loop, int other)
{
	const struct result *r = &g.results[loop], *o = &g.results[other];

	return less(r->traced + o->plain, r->plain + o->traced);
}

static uint64_t added(int loop)
{
	return added_to(loop, LOOP_EMPTY);
}

/*
 * A call's two costs: their sum from a loop that makes such calls, what of it
 * is inside from one whose callees call nothing. `line` is what lines cost in
 * the callee.
 */
static void set_call(int n, enum pp_cost cost, int loop, int flat,
		     uint64_t line)
{
	const struct result *r = &g.results[flat];
	uint64_t events = loops[flat].events;
	uint64_t whole = less(added(loop) / loops[loop].events, line);
	uint64_t flat_whole = less(added(flat) / events, line);
	uint64_t real = less(r->plain, g.results[LOOP_EMPTY].plain) / events;
	uint64_t seen = less(r->callees / events, real / INSIDE_PART + line);

	if (seen > flat_whole)
		seen = flat_whole;
	g.costs[cost][n] = flat_whole ? whole * seen / flat_whole : 0;
	g.costs[cost + 1][n] = whole - g.costs[cost][n];
}

/* The event of CALL is charged by itself, where that may be left away. */
static void set_other(int n)
{
	uint64_t call = less(added(LOOP_CALL), added(LOOP_PYTHON)) /
			loops[LOOP_CALL].events;

	g.costs[PP_COST_call][n] = call;
	g.costs[PP_COST_other][n] = less(g.costs[PP_COST_other][n], call);
}

/* has_call: the mechanism can leave away events of C calls */
static void set_all(int n, bool has_call)
{
	uint64_t line = 0;

	if (trace_has_lines())
		line = added_to(LOOP_LINES, LOOP_LINE) /
		       (loops[LOOP_LINES].events - loops[LOOP_LINE].events);
	g.costs[PP_COST_line][n] = line;
	set_call(n, PP_COST_python_inside, LOOP_PYTHON, LOOP_FLAT, line);
	set_call(n, PP_COST_resume_inside, LOOP_RESUME, LOOP_RESUME, line);
	if (!target.settings.builtins)
		return;
	set_call(n, PP_COST_c_inside, LOOP_C, LOOP_C, 0);
	set_call(n, PP_COST_method_inside, LOOP_METHOD, LOOP_METHOD, 0);
	g.costs[PP_COST_other][n] =
		added(LOOP_OTHER) / loops[LOOP_OTHER].events;
	if (has_call)
		set_other(n);
}

static int compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

static uint64_t median(uint64_t *values)
{
	qsort(values, TIMES, sizeof(*values), compare);
	return values[TIMES / 2];
}

static int measure(const struct trace_mechanism *mechanism, struct trace *t)
{
	for (int n = 0; n < TIMES; n++) {
		if (run_both(mechanism, t) < 0)
			return -1;
		if (g.refused)
			return 0;
		set_all(n, mechanism->without_c_calls != NULL);
	}
	for (int cost = 0; cost < PP_COST_END; cost++)
		trace_costs[cost] = median(g.costs[cost]);
	return 0;
}

int trace_cost_measure(const struct trace_mechanism *mechanism)
{
	struct trace *t = trace_table_new(NULL);
	int ret = t ? prepare() : -1;

	if (ret == 0)
		ret = measure(mechanism, t);
	clean_up();
	if (t)
		trace_table_free(t);
	if (g.refused)
		return -1;
	if (ret < 0)
		msg_line("what tracing costs cannot be measured",
			 "; times are not corrected", NULL);
	return 0;
}
