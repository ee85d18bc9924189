/* SPDX-License-Identifier: MIT */
/*
 * sys.monitoring (PEP 669), from CPython 3.12 on. There is no C function to
 * register a callback, so it is done through the module; but a callback is an
 * instance of a type of ours with a vectorcall of its own, which costs nothing
 * but the call. All threads of the interpreter are covered, also those to come.
 *
 * Events are those of Python/legacy_tracing.c and Modules/_lsprof.c, so that
 * counts are those of cProfile and of sys.settrace().
 */
#include <stddef.h>
#include <string.h>

#include "msg.h"
#include "pyapi.h"
#include "safe/codes.h"
#include "safe/lines.h"
#include "safe/mask.h"
#include "safe/state.h"
#include "safe/target.h"
#include "trace.h"
#include "trace_event.h"
#include "trace_host.h"
#include "trace_mechanism.h"
#include "trace_names.h"
#include "trace_sites.h"

/* Include/structmember.h, Include/typeslots.h, Include/object.h: stable ABI. */
#define TYPE_PYSSIZET	    19
#define READONLY	    1
#define SLOT_CALL	    50
#define SLOT_MEMBERS	    72
#define FLAG_NO_INSTANCE    (1u << 7)
#define FLAG_IMMUTABLE	    (1u << 8)
#define FLAG_HAS_VECTORCALL (1u << 11)

/* PyMemberDef, PyType_Slot, PyType_Spec: stable ABI. */
struct member {
	const char *name;
	int type;
	intptr_t offset;
	int flags;
	const char *doc;
};

struct slot {
	int number;
	void *value;
};

struct spec {
	const char *name;
	int basicsize, itemsize;
	unsigned flags;
	struct slot *slots;
};

typedef void *callback(void *self, void *const *arguments, size_t count,
		       void *names);

/* An instance: PyObject_HEAD is two words in all versions that have this. */
struct callback_object {
	void *head[2];
	callback *vectorcall;
	bool everywhere; /* as in struct wanted */
};

static struct {
	void *module;	   /* sys.monitoring */
	void *interpreter; /* whose; others have tools of their own */
	long tool;	   /* -1: none */
	long events;	   /* that are wanted */
	long c_events;	   /* those of them that tell of C calls */
	void *missing, *disable;
} g;

/* -- callbacks ----------------------------------------------------------- */

/* A small int, which offsets and lines are. */
static uint32_t number_of(const void *object)
{
	uint32_t digit;

	memcpy(&digit, (const char *)object + target.row->long_digit,
	       sizeof(digit));
	return digit;
}

/* A code object whose events are not wanted: never again, then. */
static void *ignore(const void *self, struct trace *t, void *code)
{
	const struct callback_object *object = self;

	if (!object->everywhere && t && trace_excludes(t, (uintptr_t)code))
		return g.disable;
	return py._Py_NoneStruct;
}

/*
 * What is not quick is in functions of its own, and nothing is done after they
 * are called: so the quick ones need no registers that they would have to save.
 */
static PP_NOINLINE void *start_slowly(const void *self, void *code)
{
	uint64_t blocked = thread_open_faults();
	struct trace *t = trace_of_thread();
	struct trace_function *f =
		t ? trace_enter(t, (uintptr_t)code, NULL, trace_what()) : NULL;

	if (!f || !trace_sites_are_same(f))
		trace_sites_differ((uintptr_t)code);
	mask_close_faults(blocked);
	return f ? py._Py_NoneStruct : ignore(self, t, code);
}

static PP_NOINLINE void *scope_differs(void *code)
{
	trace_sites_differ((uintptr_t)code);
	return py._Py_NoneStruct;
}

TRACE_INLINE void *start_call(const void *self, void *code, unsigned what)
{
	const struct trace_function *f =
		trace_enter_quick(trace_mine, (uintptr_t)code, what);

	if (PP_UNLIKELY(!f))
		return start_slowly(self, code);
	return PP_LIKELY(trace_sites_are_same(f)) ? py._Py_NoneStruct
						  : scope_differs(code);
}

/* The end of a call by, or of, this code object. */
static PP_NOINLINE void *end_slowly(const void *self, void *code,
				    uintptr_t address)
{
	uint64_t blocked = thread_open_faults();
	struct trace *t = trace_of_thread();
	void *result = ignore(self, t, code);

	if (t && !trace_excludes(t, (uintptr_t)code))
		trace_leave(t, address, trace_what());
	mask_close_faults(blocked);
	return result;
}

TRACE_INLINE void *end_call(const void *self, void *code, unsigned what)
{
	if (PP_LIKELY(trace_leave_quick(trace_mine, (uintptr_t)code, what)))
		return py._Py_NoneStruct;
	return end_slowly(self, code, (uintptr_t)code);
}

/* The C function of CALL, C_RETURN and C_RAISE, as _lsprof.c finds it. */
TRACE_INLINE uintptr_t method_of(void *const *arguments)
{
	void *callable = arguments[2];
	uintptr_t method = trace_names_method(callable);

	/* a method without an object, or of another type, is called in vain */
	if (method && trace_names_is_descriptor(callable) &&
	    PP_UNLIKELY(arguments[3] == g.missing ||
			!trace_names_takes(callable, arguments[3])))
		return 0;
	return method;
}

static PP_NOINLINE void *call_slowly(const void *self, void *const *arguments,
				     uintptr_t method)
{
	uint64_t blocked = thread_open_faults();
	struct trace *t = trace_of_thread();
	void *result = ignore(self, t, arguments[0]);

	if (t && method && result == py._Py_NoneStruct)
		trace_enter(t, method, arguments[2], trace_what());
	else if (t && result == py._Py_NoneStruct)
		trace_charge(t, trace_costs[PP_COST_call], trace_what());
	mask_close_faults(blocked);
	return result;
}

static PP_NOINLINE void *may_rest(void *const *arguments)
{
	bool may = trace_sites_may_rest(trace_mine->top->edge->callee,
					(uintptr_t)arguments[0],
					number_of(arguments[1]), arguments[2]);

	return may ? g.disable : py._Py_NoneStruct;
}

/* What is called is no C function. */
TRACE_INLINE void *start_other(const void *self, void *const *arguments,
			       unsigned what)
{
	struct trace *t = trace_mine;
	uintptr_t caller = (uintptr_t)arguments[0];
	struct trace_function *f;

	if (PP_UNLIKELY(
		    !trace_keeps(0, caller) ||
		    !trace_charge_quick(t, trace_costs[PP_COST_call], what)))
		return call_slowly(self, arguments, 0);
	f = t->top->edge->callee;
	return PP_LIKELY(f->address != caller || --f->site_wait)
		       ? py._Py_NoneStruct
		       : may_rest(arguments);
}

/* Of a file that is left out no call is wanted again, whatever is called. */
TRACE_INLINE void *start_c_call(const void *self, void *const *arguments,
				unsigned what)
{
	uintptr_t method = method_of(arguments);

	if (!method)
		return start_other(self, arguments, what);
	return PP_LIKELY(trace_enter_c_quick(
		       trace_mine, (uintptr_t)arguments[0], method, what))
		       ? py._Py_NoneStruct
		       : call_slowly(self, arguments, method);
}

static PP_NOINLINE void *end_other(void)
{
	uint64_t blocked = thread_open_faults();
	struct trace *t = trace_of_thread();

	if (t)
		trace_charge(t, trace_costs[PP_COST_other], trace_what());
	mask_close_faults(blocked);
	return py._Py_NoneStruct;
}

TRACE_INLINE void *end_c_call(const void *self, void *const *arguments,
			      unsigned what)
{
	uintptr_t method = method_of(arguments);

	if (method)
		return PP_LIKELY(trace_leave_c_quick(trace_mine,
						     (uintptr_t)arguments[0],
						     method, what))
			       ? py._Py_NoneStruct
			       : end_slowly(self, arguments[0], method);
	return PP_LIKELY(trace_charge_quick(trace_mine,
					    trace_costs[PP_COST_other], what))
		       ? py._Py_NoneStruct
		       : end_other();
}

/* -- lines --------------------------------------------------------------- */

/* An event's offset is in bytes, a line table's in instructions. */
static uint32_t unit_of(uint32_t offset)
{
	return offset / (uint32_t)target.row->lasti_scale;
}

/* The line of an instruction, as the log has it. */
static uint32_t line_at(uintptr_t code, uint32_t offset)
{
	struct codes_span table;
	uint32_t firstlineno;

	if (!codes_read_lines(code, &table, &firstlineno))
		return 0;
	return lines_decode(target.row->lines, &table, unit_of(offset));
}

/*
 * Does a jump stay on its line, and is that known of it by itself? Then *line
 * is that, as the log has it.
 */
static bool stays_on_line(uintptr_t code, uint32_t from, uint32_t to,
			  uint32_t *line)
{
	struct codes_span table;
	uint32_t firstlineno;

	if (!codes_read_lines(code, &table, &firstlineno))
		return false;
	*line = lines_decode(target.row->lines, &table, unit_of(to));
	return *line ==
		       lines_decode(target.row->lines, &table, unit_of(from)) &&
	       lines_has_own(&table, unit_of(from));
}

/* The line on which a function is entered, or goes on. */
static uint32_t entry_line(struct trace_function *f, uintptr_t code,
			   uint32_t offset)
{
	if (f->entry_offset != offset) {
		f->entry_line = line_at(code, offset);
		f->entry_offset = offset;
	}
	return f->entry_line;
}

static void *start_with_line(void *self, void *const *arguments,
			     size_t count PP_UNUSED, void *names PP_UNUSED)
{
	uint64_t blocked = thread_open_faults();
	struct trace *t = trace_of_thread();
	uintptr_t code = (uintptr_t)arguments[0];
	struct trace_function *f = t ? trace_enter(t, code, NULL, trace_what())
				     : NULL;

	if (f)
		trace_entry(t, entry_line(f, code, number_of(arguments[1])));
	mask_close_faults(blocked);
	return f ? py._Py_NoneStruct : ignore(self, t, arguments[0]);
}

/* False: of no call that is recorded. */
TRACE_INLINE bool take_line(struct trace *t, void *const *arguments,
			    unsigned what)
{
	return trace_line(t, (uintptr_t)arguments[0],
			  number_of(arguments[1]) -
				  t->top->edge->callee->firstlineno,
			  what);
}

static PP_NOINLINE void *line_slowly(const void *self, void *const *arguments)
{
	uint64_t blocked = thread_open_faults();
	struct trace *t = trace_of_thread();
	bool wanted = !t || take_line(t, arguments, trace_what());

	mask_close_faults(blocked);
	return wanted ? py._Py_NoneStruct : ignore(self, t, arguments[0]);
}

TRACE_INLINE void *begin_line(const void *self, void *const *arguments,
			      unsigned what)
{
	struct trace *t = trace_mine;

	if (PP_LIKELY(t && t->quick && take_line(t, arguments, what)))
		return py._Py_NoneStruct;
	return line_slowly(self, arguments);
}

/* Where a function's jump from here is kept, if it stays on its line. */
static struct trace_jump *jump_at(struct trace_function *f, uint32_t from)
{
	return &f->jumps[unit_of(from) % TRACE_JUMPS];
}

/* False: it is not on top, or its jump from here was not met lately. */
TRACE_INLINE bool take_jump(struct trace *t, uintptr_t code, uint32_t from,
			    unsigned what)
{
	struct trace_function *f = t->top->edge->callee;
	const struct trace_jump *jump = jump_at(f, from);

	return f->address == code && jump->from == from &&
	       trace_line(t, code, jump->line, what);
}

/*
 * sys.settrace() shows a line again when a loop jumps back within it; LINE does
 * not, unless the jump has no line (as those that 3.12 makes of two ends of a
 * loop). Other jumps are not wanted again.
 */
static void *meet_jump(const void *self, struct trace *t,
		       void *const *arguments)
{
	uintptr_t code = (uintptr_t)arguments[0];
	uint32_t from = number_of(arguments[1]), to = number_of(arguments[2]);
	struct trace_function *f = t->top->edge->callee;
	uint32_t line;

	if (to > from || !stays_on_line(code, from, to, &line))
		return g.disable;
	if (!trace_line(t, code, line, trace_what()))
		return ignore(self, t, arguments[0]);
	if (f->address == code)
		*jump_at(f, from) = (struct trace_jump){ from, line };
	return py._Py_NoneStruct;
}

static PP_NOINLINE void *jump_slowly(const void *self, void *const *arguments)
{
	uint64_t blocked = thread_open_faults();
	struct trace *t = trace_of_thread();
	void *result = py._Py_NoneStruct;

	if (t && !take_jump(t, (uintptr_t)arguments[0], number_of(arguments[1]),
			    trace_what()))
		result = meet_jump(self, t, arguments);
	mask_close_faults(blocked);
	return result;
}

/* To find the line of an offset takes as long as the code before it is. */
TRACE_INLINE void *begin_jump(const void *self, void *const *arguments,
			      unsigned what)
{
	struct trace *t = trace_mine;

	if (PP_LIKELY(t && t->quick &&
		      take_jump(t, (uintptr_t)arguments[0],
				number_of(arguments[1]), what)))
		return py._Py_NoneStruct;
	return jump_slowly(self, arguments);
}

/* -- sys.setprofile() ---------------------------------------------------- */

static __thread trace_host_function *hosts;

/*
 * Our instrumentation makes the call of sys.setprofile() itself bring the new
 * function a return, which it would not get without us. It is put in front of
 * that function for this one event.
 */
static int on_first(void *object, void *frame, int what, void *argument)
{
	*trace_host_slot(target.thread_state(), false) = hosts;
	return trace_host_is_return(what, argument)
		       ? 0
		       : hosts(object, frame, what, argument);
}

static void after_set_profile(void)
{
	trace_host_function **slot =
		trace_host_slot(target.thread_state(), false);

	if (!*slot || *slot == on_first)
		return;
	hosts = *slot;
	*slot = on_first;
}

/* -- registration -------------------------------------------------------- */

/* A callback for each enum trace_what: without a clock and with it. */
#define CALLBACKS(name, lines, result)                                         \
	static void *name##_counted(                                           \
		void *self PP_UNUSED, void *const *arguments,                  \
		size_t count PP_UNUSED, void *names PP_UNUSED)                 \
	{                                                                      \
		enum { what = (lines) };                                       \
                                                                               \
		return result;                                                 \
	}                                                                      \
	static void *name##_timed(                                             \
		void *self PP_UNUSED, void *const *arguments,                  \
		size_t count PP_UNUSED, void *names PP_UNUSED)                 \
	{                                                                      \
		enum { what = (lines) | TRACE_TIMES };                         \
                                                                               \
		return result;                                                 \
	}                                                                      \
	static callback *const name[] = { name##_counted, name##_timed };

CALLBACKS(on_start, 0, start_call(self, arguments[0], what))
CALLBACKS(on_end, 0, end_call(self, arguments[0], what))
CALLBACKS(on_call, 0, start_c_call(self, arguments, what))
CALLBACKS(on_c_end, 0, end_c_call(self, arguments, what))
CALLBACKS(on_line, TRACE_LINES, begin_line(self, arguments, what))
CALLBACKS(on_jump, TRACE_LINES, begin_jump(self, arguments, what))
CALLBACKS(on_line_end, TRACE_LINES, end_call(self, arguments[0], what))

static callback *const on_line_start[] = { start_with_line, start_with_line };

/* What is registered, for calls, for C calls too, and for lines. */
struct wanted {
	const char *event;
	callback *const *functions; /* by whether times are wanted */
	bool everywhere;	    /* cannot be disabled at a code object */
};

static const struct wanted calls[] = {
	{ "PY_START", on_start, false }, { "PY_RESUME", on_start, false },
	{ "PY_THROW", on_start, true },	 { "PY_RETURN", on_end, false },
	{ "PY_YIELD", on_end, false },	 { "PY_UNWIND", on_end, true },
	{ NULL, NULL, false },
};

static const struct wanted c_calls[] = {
	{ "CALL", on_call, false },
	{ "C_RETURN", on_c_end, true },
	{ "C_RAISE", on_c_end, true },
	{ NULL, NULL, false },
};

static const struct wanted lines[] = {
	{ "PY_START", on_line_start, false },
	{ "PY_RESUME", on_line_start, false },
	{ "PY_THROW", on_line_start, true },
	{ "PY_RETURN", on_line_end, false },
	{ "PY_YIELD", on_line_end, false },
	{ "PY_UNWIND", on_line_end, true },
	{ "LINE", on_line, false },
	{ "JUMP", on_jump, false },
	{ NULL, NULL, false },
};

static void *make_type(void)
{
	static struct member members[] = {
		{ "__vectorcalloffset__", TYPE_PYSSIZET,
		  offsetof(struct callback_object, vectorcall), READONLY,
		  NULL },
		{ NULL, 0, 0, 0, NULL },
	};
	static struct slot slots[] = {
		{ SLOT_MEMBERS, members },
		{ SLOT_CALL, NULL },
		{ 0, NULL },
	};
	static struct spec spec = {
		"pyprof.callback", sizeof(struct callback_object), 0,
		FLAG_NO_INSTANCE | FLAG_IMMUTABLE | FLAG_HAS_VECTORCALL, slots
	};

	slots[1].value = (void *)py.PyVectorcall_Call;
	return py.PyType_FromSpec(&spec);
}

/* Drop what a call returned; -1 if it failed, which is forgotten. */
static int done(void *result)
{
	if (!result) {
		py.PyErr_Clear();
		return -1;
	}
	py.Py_DecRef(result);
	return 0;
}

static long event_number(void *events, const char *name)
{
	void *value = py.PyObject_GetAttrString(events, name);
	long n = value ? py.PyLong_AsLong(value) : 0;

	if (value)
		py.Py_DecRef(value);
	else
		py.PyErr_Clear();
	return n;
}

/* Register callbacks; *mask gets their events. */
static int add(void *type, const struct wanted *list, long *mask)
{
	void *events = py.PyObject_GetAttrString(g.module, "events");
	int ret = events ? 0 : -1;

	for (; ret == 0 && list->event; list++) {
		long number = event_number(events, list->event);
		struct callback_object *object = py._PyObject_New(type);

		if (!object || !number)
			return -1;
		object->vectorcall = list->functions[trace_has_times()];
		object->everywhere = list->everywhere;
		ret = done(py.PyObject_CallMethod(g.module, "register_callback",
						  "llO", g.tool, number,
						  object));
		py.Py_DecRef(object);
		*mask |= number;
	}
	if (events)
		py.Py_DecRef(events);
	return ret;
}

/* The calling thread's. */
static void *interpreter(void)
{
	return pyapi_member(target.thread_state(), target.row->ts_interp);
}

static int use_tool(long tool)
{
	g.tool = tool;
	return done(py.PyObject_CallMethod(g.module, "use_tool_id", "ls", tool,
					   "pyprof"));
}

/*
 * The tool that PEP 669 gives to optimizers, of which there are none, or one of
 * those that it leaves to no purpose, which a program may take without asking;
 * never those of debuggers, coverage and profilers.
 */
static int take_tool(void)
{
	static const long tools[] = { 5, 4, 3 };

	for (size_t i = 0; i < ARRAY_LEN(tools); i++)
		if (use_tool(tools[i]) == 0)
			return 0;
	return -1;
}

static int set_events(long mask)
{
	return done(py.PyObject_CallMethod(g.module, "set_events", "ll", g.tool,
					   mask));
}

static int register_all(void)
{
	void *type = make_type();
	int ret;

	if (!type)
		return -1;
	g.events = g.c_events = 0;
	ret = add(type, trace_has_lines() ? lines : calls, &g.events);
	if (ret == 0 && target.settings.builtins)
		ret = add(type, c_calls, &g.c_events);
	py.Py_DecRef(type);
	g.events |= g.c_events;
	return ret < 0 ? ret : set_events(g.events);
}

/*
 * A program that has freed all tools there were has freed ours: from 3.14 on
 * its events have gone with it. Take it back.
 */
static void after_free_tool(void)
{
	void *name;
	bool is_free;

	if (g.tool < 0 || interpreter() != g.interpreter || !state_is_armed())
		return;
	name = py.PyObject_CallMethod(g.module, "get_tool", "l", g.tool);
	is_free = name == py._Py_NoneStruct;
	if (done(name) == 0 && is_free &&
	    (use_tool(g.tool) < 0 || register_all() < 0))
		py.PyErr_Clear();
}

static void watch_tool(void)
{
	void *function = py.PyObject_GetAttrString(g.module, "free_tool_id");

	trace_host_watch(WATCH_FREE_TOOL, function, after_free_tool);
	if (function)
		py.Py_DecRef(function);
	else
		py.PyErr_Clear();
}

static int complain(const char *what)
{
	py.PyErr_Clear();
	msg_line(what, "; the program runs untraced", NULL);
	return -1;
}

static int begin(void)
{
	g.module = py.PySys_GetObject("monitoring");
	if (!g.module)
		return complain("there is no sys.monitoring");
	g.interpreter = interpreter();
	if (take_tool() < 0)
		return complain("no tool id of sys.monitoring is free");
	g.missing = py.PyObject_GetAttrString(g.module, "MISSING");
	g.disable = py.PyObject_GetAttrString(g.module, "DISABLE");
	if (!g.missing || !g.disable || register_all() < 0)
		return complain("sys.monitoring refuses");
	if (target.settings.builtins)
		trace_host_watch(WATCH_SETPROFILE,
				 py.PySys_GetObject("setprofile"),
				 after_set_profile);
	watch_tool();
	return 0;
}

static int without_c_calls(void)
{
	return set_events(g.events & ~g.c_events);
}

static void end(void)
{
	long tool = g.tool;

	set_events(0);
	g.tool = -1;
	done(py.PyObject_CallMethod(g.module, "free_tool_id", "l", tool));
}

const struct trace_mechanism trace_monitoring = { begin, end, NULL,
						  without_c_calls };
