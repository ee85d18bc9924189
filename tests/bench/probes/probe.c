/* SPDX-License-Identifier: MIT */
/*
 * Probes: constants of rewritten code that count when an operator is applied to
 * them. An extension module, compiled by bench.py for each Python and called by
 * rewrite.py; the operators run with the GIL held, in the thread that runs the
 * code. All tables belong to a thread and are only ever added to.
 *
 *   ~Call     the function begins        -Call    it ends
 *   t = ~Generator   it begins           -t       it ends
 *   t @ x     it yields x                t << x   it goes on, with x sent
 *   ~Scope    lines of a function begin  -Scope   they end
 *   +Line     a line begins
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)

/*
 * Calls of one function by another. A call is recursive while its function is
 * open, recursive_edge while this very edge is; total is of calls that are not
 * recursive_edge, outer of those that are not recursive.
 */
struct edge {
	uint32_t caller, callee;
	uint64_t calls, open, recursive, recursive_edge;
	uint64_t own, total, outer;
	/* Open calls of the callee in this thread. */
	uint64_t *callee_open;
};

struct frame {
	struct edge *edge;
	uint64_t begun, inner;
};

struct line_stat {
	uint64_t hits, own;
};

struct thread {
	struct thread *next;
	struct frame *stack;
	size_t depth, room;
	struct edge **edges;
	size_t edges_used, edges_mask;
	uint64_t **open;
	size_t open_room;
	struct line_stat *lines;
	size_t lines_room;
	/* The line that runs, 0 for none, since when, and those of callers. */
	uint32_t line;
	uint64_t line_begun;
	uint32_t *outer_lines;
	size_t outer_depth, outer_room;
};

struct probe {
	PyObject_HEAD uint32_t id;
	/* The edge of the last call, valid for this thread and caller. */
	uint32_t caller;
	struct thread *thread;
	struct edge *edge;
};

/* A generator between its first and its last line. */
struct token {
	PyObject_HEAD struct probe *probe;
	bool is_suspended, is_guarded;
};

static struct {
	struct thread *threads;
	uint32_t functions, lines;
	/* Ends of calls that were not the innermost, or not open at all. */
	uint64_t repaired, orphans;
	PyTypeObject *token;
	/* Is a generator without a `try` closed without being run? */
	bool is_closed_unrun;
	/* Are calls and lines only counted? */
	bool is_untimed;
} g;

static __thread struct thread *self;

static uint64_t now(void)
{
	return LIKELY(!g.is_untimed) ? __builtin_ia32_rdtsc() : 0;
}

static void *grown(void *old, size_t had, size_t want, size_t each)
{
	char *made = realloc(old, want * each);

	if (!made)
		Py_FatalError("probe: no memory");
	memset(made + had * each, 0, (want - had) * each);
	return made;
}

#define GROW(array, room, want)                                                \
	((array) = grown(array, room, want, sizeof(*(array))), (room) = (want))

/* The caller of what nobody with a probe calls is function 0. */
static struct thread *thread_new(void)
{
	struct thread *t = grown(NULL, 0, 1, sizeof(*t));
	struct edge *root = grown(NULL, 0, 1, sizeof(*root));
	size_t room = 0;

	GROW(t->stack, t->room, 64);
	GROW(t->open, t->open_room, 64);
	GROW(t->lines, t->lines_room, 1024);
	GROW(t->outer_lines, t->outer_room, 64);
	GROW(t->edges, room, 256);
	t->edges_mask = room - 1;
	t->stack[0].edge = root;
	t->next = g.threads;
	g.threads = t;
	self = t;
	return t;
}

static struct thread *thread_self(void)
{
	return LIKELY(self != NULL) ? self : thread_new();
}

static size_t hash(uint32_t caller, uint32_t callee)
{
	return (caller * 0x9e3779b1u ^ callee * 0x85ebca6bu) >> 7;
}

static void edges_put(struct thread *t, struct edge *e)
{
	size_t at = hash(e->caller, e->callee);

	while (t->edges[at & t->edges_mask])
		at++;
	t->edges[at & t->edges_mask] = e;
}

static void edges_double(struct thread *t)
{
	struct edge **old = t->edges;
	size_t had = t->edges_mask + 1, room = 0;

	t->edges = NULL;
	GROW(t->edges, room, 2 * had);
	t->edges_mask = room - 1;
	for (size_t i = 0; i < had; i++)
		if (old[i])
			edges_put(t, old[i]);
	free(old);
}

static struct edge *edge_new(struct thread *t, uint32_t caller, uint32_t callee)
{
	struct edge *e = grown(NULL, 0, 1, sizeof(*e));

	if (callee >= t->open_room)
		GROW(t->open, t->open_room, 2 * (size_t)callee);
	if (!t->open[callee])
		t->open[callee] = grown(NULL, 0, 1, sizeof(**t->open));
	e->caller = caller;
	e->callee = callee;
	e->callee_open = t->open[callee];
	if (2 * ++t->edges_used > t->edges_mask)
		edges_double(t);
	edges_put(t, e);
	return e;
}

static struct edge *edge_find(struct thread *t, uint32_t caller,
			      uint32_t callee)
{
	struct edge *e;

	for (size_t at = hash(caller, callee);
	     (e = t->edges[at & t->edges_mask]); at++)
		if (e->caller == caller && e->callee == callee)
			return e;
	return edge_new(t, caller, callee);
}

static __attribute__((noinline)) struct edge *
edge_missed(struct thread *t, struct probe *p, uint32_t caller)
{
	p->edge = edge_find(t, caller, p->id);
	p->thread = t;
	p->caller = caller;
	return p->edge;
}

static void enter(struct probe *p)
{
	uint64_t begun = now();
	struct thread *t = thread_self();
	uint32_t caller = t->stack[t->depth].edge->callee;
	struct edge *e = p->edge;
	struct frame *f;

	if (!LIKELY(p->thread == t && p->caller == caller))
		e = edge_missed(t, p, caller);
	if (!LIKELY(++t->depth < t->room))
		GROW(t->stack, t->room, 2 * t->room);
	f = &t->stack[t->depth];
	f->edge = e;
	f->begun = begun;
	f->inner = 0;
	e->calls++;
	e->recursive_edge += e->open++ != 0;
	e->recursive += (*e->callee_open)++ != 0;
}

static void leave_top(struct thread *t, uint64_t at)
{
	struct frame *f = &t->stack[t->depth--];
	struct edge *e = f->edge;
	uint64_t took = at - f->begun;

	e->own += took - f->inner;
	f[-1].inner += took;
	if (!--e->open)
		e->total += took;
	if (!--*e->callee_open)
		e->outer += took;
}

/* Where is the innermost open call of a function? 0: nowhere. */
static __attribute__((noinline)) size_t find_open(struct thread *t, uint32_t id)
{
	size_t depth = t->depth;

	while (depth && t->stack[depth].edge->callee != id)
		depth--;
	if (depth)
		g.repaired++;
	else
		g.orphans++;
	return depth;
}

static void leave(struct probe *p)
{
	uint64_t at = now();
	struct thread *t = thread_self();
	size_t depth = t->depth;

	if (!LIKELY(t->stack[depth].edge->callee == p->id))
		depth = find_open(t, p->id);
	while (depth && t->depth >= depth)
		leave_top(t, at);
}

static PyObject *call_begins(PyObject *o)
{
	enter((struct probe *)o);
	Py_RETURN_NONE;
}

static PyObject *call_ends(PyObject *o)
{
	leave((struct probe *)o);
	Py_RETURN_NONE;
}

static PyObject *generator_begins(PyObject *o)
{
	struct token *token = PyObject_New(struct token, g.token);

	if (!token)
		return NULL;
	Py_INCREF(o);
	token->probe = (struct probe *)o;
	token->is_suspended = token->is_guarded = false;
	enter(token->probe);
	return (PyObject *)token;
}

static void token_free(PyObject *o)
{
	PyTypeObject *type = Py_TYPE(o);

	Py_DECREF((PyObject *)((struct token *)o)->probe);
	PyObject_Free(o);
	Py_DECREF(type);
}

/*
 * An exception thrown in at a `yield` passes by the probe behind it: it is
 * noticed at the next one that is met, and its call is then over at once.
 */
static PyObject *token_yields(PyObject *o, PyObject *value, bool is_guarded)
{
	struct token *token = (struct token *)o;

	if (token->is_suspended)
		enter(token->probe);
	leave(token->probe);
	token->is_suspended = true;
	token->is_guarded = is_guarded;
	Py_INCREF(value);
	return value;
}

static PyObject *token_yields_bare(PyObject *o, PyObject *value)
{
	return token_yields(o, value, false);
}

static PyObject *token_yields_guarded(PyObject *o, PyObject *value)
{
	return token_yields(o, value, true);
}

static PyObject *token_goes_on(PyObject *o, PyObject *value)
{
	struct token *token = (struct token *)o;

	enter(token->probe);
	token->is_suspended = false;
	Py_INCREF(value);
	return value;
}

static bool is_closing(void)
{
	PyObject *type, *value, *traceback;
	bool is_exit;

	PyErr_GetExcInfo(&type, &value, &traceback);
	is_exit = type &&
		  PyErr_GivenExceptionMatches(type, PyExc_GeneratorExit);
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(traceback);
	return is_exit;
}

static PyObject *token_ends(PyObject *o)
{
	struct token *token = (struct token *)o;

	if (!token->is_suspended) {
		leave(token->probe);
	} else if (token->is_guarded || !g.is_closed_unrun || !is_closing()) {
		enter(token->probe);
		leave(token->probe);
	}
	Py_RETURN_NONE;
}

/* ---- lines ------------------------------------------------------------- */

/* Give the time since the last event to the line that ran. */
static void line_settle(struct thread *t, uint64_t at, uint32_t next)
{
	t->lines[t->line].own += at - t->line_begun;
	t->line_begun = at;
	t->line = next;
}

static PyObject *line_begins(PyObject *o)
{
	uint64_t at = now();
	struct thread *t = thread_self();
	uint32_t id = ((struct probe *)o)->id;

	if (!LIKELY(id < t->lines_room))
		GROW(t->lines, t->lines_room, 2 * (size_t)id);
	line_settle(t, at, id);
	t->lines[id].hits++;
	Py_RETURN_NONE;
}

static PyObject *scope_begins(PyObject *o)
{
	uint64_t at = now();
	struct thread *t = thread_self();

	(void)o;
	if (!LIKELY(t->outer_depth < t->outer_room))
		GROW(t->outer_lines, t->outer_room, 2 * t->outer_room);
	t->outer_lines[t->outer_depth++] = t->line;
	line_settle(t, at, 0);
	Py_RETURN_NONE;
}

static PyObject *scope_ends(PyObject *o)
{
	uint64_t at = now();
	struct thread *t = thread_self();

	(void)o;
	if (t->outer_depth)
		line_settle(t, at, t->outer_lines[--t->outer_depth]);
	Py_RETURN_NONE;
}

/* ---- the module -------------------------------------------------------- */

static void probe_free(PyObject *o)
{
	PyTypeObject *type = Py_TYPE(o);

	PyObject_Free(o);
	Py_DECREF(type);
}

static PyObject *probe_new(PyTypeObject *type, uint32_t *last)
{
	struct probe *p = PyObject_New(struct probe, type);

	if (!p)
		return NULL;
	p->id = ++*last;
	p->caller = 0;
	p->thread = NULL;
	p->edge = NULL;
	return (PyObject *)p;
}

static PyObject *function_new(PyTypeObject *type, PyObject *args, PyObject *kw)
{
	(void)args, (void)kw;
	return probe_new(type, &g.functions);
}

static PyObject *line_new(PyTypeObject *type, PyObject *args, PyObject *kw)
{
	(void)args, (void)kw;
	return probe_new(type, &g.lines);
}

static PyObject *probe_id(PyObject *o, void *closure)
{
	(void)closure;
	return PyLong_FromUnsignedLong(((struct probe *)o)->id);
}

static PyGetSetDef probe_getset[] = {
	{ "id", probe_id, NULL, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

#define SLOT(name, function)                                                   \
	{                                                                      \
		name, (void *)(function)                                       \
	}

static PyType_Slot call_slots[] = {
	SLOT(Py_tp_new, function_new),	  SLOT(Py_tp_dealloc, probe_free),
	SLOT(Py_tp_getset, probe_getset), SLOT(Py_nb_invert, call_begins),
	SLOT(Py_nb_negative, call_ends),  { 0, NULL },
};

static PyType_Slot generator_slots[] = {
	SLOT(Py_tp_new, function_new),
	SLOT(Py_tp_dealloc, probe_free),
	SLOT(Py_tp_getset, probe_getset),
	SLOT(Py_nb_invert, generator_begins),
	{ 0, NULL },
};

static PyType_Slot token_slots[] = {
	SLOT(Py_tp_dealloc, token_free),
	SLOT(Py_nb_matrix_multiply, token_yields_bare),
	SLOT(Py_nb_remainder, token_yields_guarded),
	SLOT(Py_nb_lshift, token_goes_on),
	SLOT(Py_nb_negative, token_ends),
	{ 0, NULL },
};

static PyType_Slot scope_slots[] = {
	SLOT(Py_tp_new, function_new),	  SLOT(Py_tp_dealloc, probe_free),
	SLOT(Py_tp_getset, probe_getset), SLOT(Py_nb_invert, scope_begins),
	SLOT(Py_nb_negative, scope_ends), { 0, NULL },
};

static PyType_Slot line_slots[] = {
	SLOT(Py_tp_new, line_new),
	SLOT(Py_tp_dealloc, probe_free),
	SLOT(Py_tp_getset, probe_getset),
	SLOT(Py_nb_positive, line_begins),
	{ 0, NULL },
};

static PyType_Spec specs[] = {
	{ "probe.Call", sizeof(struct probe), 0, 0, call_slots },
	{ "probe.Generator", sizeof(struct probe), 0, 0, generator_slots },
	{ "probe.Token", sizeof(struct token), 0, 0, token_slots },
	{ "probe.Scope", sizeof(struct probe), 0, 0, scope_slots },
	{ "probe.Line", sizeof(struct probe), 0, 0, line_slots },
};

/* Append what a format makes; 0, or -1 with an error set. */
static int append(PyObject *list, PyObject *item)
{
	int failed = item ? PyList_Append(list, item) : -1;

	Py_XDECREF(item);
	return failed;
}

static int append_edge(PyObject *list, unsigned thread, const struct edge *e)
{
	return append(list,
		      Py_BuildValue("IIIKKKKKKK", thread, e->caller, e->callee,
				    (unsigned long long)e->calls,
				    (unsigned long long)e->open,
				    (unsigned long long)e->recursive,
				    (unsigned long long)e->recursive_edge,
				    (unsigned long long)e->own,
				    (unsigned long long)e->total,
				    (unsigned long long)e->outer));
}

static PyObject *edges(PyObject *module, PyObject *none)
{
	PyObject *list = PyList_New(0);
	unsigned number = 0;

	(void)module, (void)none;
	for (struct thread *t = g.threads; list && t; t = t->next, number++)
		for (size_t i = 0; list && i <= t->edges_mask; i++)
			if (t->edges[i] && t->edges[i]->calls &&
			    append_edge(list, number, t->edges[i]))
				Py_CLEAR(list);
	return list;
}

static PyObject *lines(PyObject *module, PyObject *none)
{
	PyObject *list = PyList_New(0);
	unsigned number = 0;

	(void)module, (void)none;
	for (struct thread *t = g.threads; list && t; t = t->next, number++)
		for (size_t i = 1; list && i < t->lines_room; i++)
			if (t->lines[i].hits &&
			    append(list,
				   Py_BuildValue(
					   "InKK", number, (Py_ssize_t)i,
					   (unsigned long long)t->lines[i].hits,
					   (unsigned long long)t->lines[i]
						   .own)))
				Py_CLEAR(list);
	return list;
}

static PyObject *faults(PyObject *module, PyObject *none)
{
	(void)module, (void)none;
	return Py_BuildValue("KK", (unsigned long long)g.repaired,
			     (unsigned long long)g.orphans);
}

static PyObject *untimed(PyObject *module, PyObject *none)
{
	(void)module, (void)none;
	g.is_untimed = true;
	Py_RETURN_NONE;
}

static PyObject *closed_unrun(PyObject *module, PyObject *yes)
{
	(void)module;
	g.is_closed_unrun = PyObject_IsTrue(yes) == 1;
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{ "edges", edges, METH_NOARGS,
	  "[(thread, caller, callee, calls, open, recursive, recursive_edge,"
	  " own, total, outer)], times in ticks of the TSC" },
	{ "lines", lines, METH_NOARGS, "[(thread, line, hits, own)]" },
	{ "untimed", untimed, METH_NOARGS, "Count only, from now on" },
	{ "closed_unrun", closed_unrun, METH_O,
	  "Is a generator without a try closed without being run?" },
	{ "faults", faults, METH_NOARGS, "(repaired, orphans)" },
	{ NULL, NULL, 0, NULL },
};

static struct PyModuleDef definition = {
	.m_base = PyModuleDef_HEAD_INIT,
	.m_name = "probe",
	.m_size = -1,
	.m_methods = methods,
};

PyMODINIT_FUNC PyInit_probe(void);

PyMODINIT_FUNC PyInit_probe(void)
{
	PyObject *module = PyModule_Create(&definition);

	for (size_t i = 0; module && i < sizeof(specs) / sizeof(*specs); i++) {
		const char *name = specs[i].name + sizeof("probe.") - 1;
		PyObject *type;

		specs[i].flags = Py_TPFLAGS_DEFAULT;
		type = PyType_FromSpec(&specs[i]);
		if (!type || PyModule_AddObject(module, name, type))
			Py_CLEAR(module);
		else if (specs[i].slots == token_slots)
			g.token = (PyTypeObject *)type;
	}
	return module;
}
