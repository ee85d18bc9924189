/* SPDX-License-Identifier: MIT */
/*
 * Calls whose event rests. See trace_sites.h.
 */
#include "trace_sites.h"

#include <stdlib.h>

#include "safe/guard.h"
#include "safe/state.h"
#include "trace_bytecode.h"
#include "trace_names.h"
#include "trace_watch.h"

#define BUCKETS	      1024u
#define SITES_MOST    512u   /* of one code object */
#define CODES_MOST    16384u /* code objects that are remembered */
#define THREADS_MOST  4096u  /* that are looked at */
#define FRAMES_MOST   65536u /* of each */
#define RESTARTS_MOST 1000u
/* How long looks in vain go on, and after how many there are no more. */
#define PATIENCE      64u
#define TRIES_MOST    65536u

/* A code object that has been looked at. */
struct code {
	struct code *next; /* in the same bucket */
	uintptr_t address;
	uint32_t id; /* as in the log, of the function */
	bool broken; /* its frames have different ones */
	/* those of its frames, if a site rests; NULL: none does */
	struct trace_watch *globals, *builtins;
	size_t count;
	struct trace_call calls[];
};

struct trace_sites_frames trace_sites_frames;

static struct {
	bool may_rest; /* may any site, from now on? */
	uint32_t restarts;
	void *restart; /* sys.monitoring.restart_events */
	void *interpreter;
	struct code *codes[BUCKETS];
	size_t code_count;
} g;

/* -- events come again --------------------------------------------------- */

static void restart(void)
{
	void *type, *value, *traceback, *result;
	const struct pyapi_method *method;

	if (!g.may_rest)
		return;
	/* who changes what is relied on again and again is left alone */
	g.may_rest = ++g.restarts < RESTARTS_MOST;
	/* the program may be about to change a dictionary for an exception */
	py.PyErr_Fetch(&type, &value, &traceback);
	method = pyapi_member(g.restart, target.row->fn_ml);
	/* as it is, for a program that has called as deep as it may */
	result = method->function(pyapi_member(g.restart, target.row->fn_self),
				  NULL);
	if (result) {
		py.Py_DecRef(result);
	} else {
		py.PyErr_Clear();
		g.may_rest = false;
		state_count(PP_COUNT_uncounted, 1);
	}
	py.PyErr_Restore(type, value, traceback);
}

void trace_sites_stop(void)
{
	restart();
	g.may_rest = false;
}

/* -- code objects -------------------------------------------------------- */

static struct code **code_place(uintptr_t address)
{
	struct code **place =
		&g.codes[trace_table_hash(NULL, address, 0) % BUCKETS];

	while (*place && (*place)->address != address)
		place = &(*place)->next;
	return place;
}

static struct code *new_code(uintptr_t address, uint32_t id)
{
	static struct trace_call calls[SITES_MOST];
	struct code *c;
	void *bytes = g.code_count < CODES_MOST
			      ? py.PyCode_GetCode((void *)address)
			      : NULL;
	size_t count, size;

	if (!bytes) {
		py.PyErr_Clear();
		return NULL;
	}
	count = trace_bytecode_calls((uint8_t *)py.PyBytes_AsString(bytes),
				     (size_t)py.PyBytes_Size(bytes), calls,
				     SITES_MOST);
	py.Py_DecRef(bytes);
	size = count * sizeof(*calls);
	c = calloc(1, sizeof(*c) + size);
	if (!c)
		return NULL;
	memcpy(c->calls, calls, size);
	c->count = count;
	c->address = address;
	c->id = id;
	*code_place(address) = c; /* the end of its bucket */
	g.code_count++;
	return c;
}

/* Is this thread in our interpreter? Others may have a GIL of their own. */
static bool is_ours(void)
{
	return g.interpreter &&
	       pyapi_member(trace_sites_frames.thread_state(),
			    target.row->ts_interp) == g.interpreter;
}

void trace_sites_forget(uintptr_t address)
{
	struct code **place, *c;

	if (!is_ours())
		return;
	place = code_place(address);
	c = *place;
	if (!c)
		return;
	if (c->globals) {
		trace_watch_leave(c->globals);
		trace_watch_leave(c->builtins);
	}
	*place = c->next;
	g.code_count--;
	free(c);
}

struct trace_scope trace_sites_scope(uintptr_t address)
{
	const struct code *c = *code_place(address);

	if (!c || !c->globals)
		return (struct trace_scope){ NULL, NULL };
	return (struct trace_scope){ c->globals->dict, c->builtins->dict };
}

void trace_sites_differ(uintptr_t address)
{
	struct code *c = *code_place(address);
	struct trace_scope now;

	if (!c || !c->globals || c->broken)
		return;
	now = trace_sites_now();
	/* the function may be another code object's, too */
	if (now.globals == c->globals->dict &&
	    now.builtins == c->builtins->dict)
		return;
	c->broken = true;
	restart();
}

static bool has(const struct code *c, const struct trace_watch *globals,
		const struct trace_watch *builtins)
{
	return c->globals == globals && c->builtins == builtins;
}

/*
 * Do the frames of its function have the same two, as far as sites rest in
 * them? There are code objects of which each is the function's.
 */
static bool has_no_others(const struct code *c,
			  const struct trace_watch *globals,
			  const struct trace_watch *builtins)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		const struct code *other = g.codes[i];

		for (; other; other = other->next)
			if (other->id == c->id && other->globals &&
			    !has(other, globals, builtins))
				return false;
	}
	return true;
}

/* The call at this offset; NULL: nobody knows what it calls. */
static const struct trace_call *call_at(const struct code *c, uint32_t offset)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c->calls[middle].call < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->count && c->calls[low].call == offset ? &c->calls[low]
							      : NULL;
}

static void *name_of(const struct code *c, const struct trace_call *call)
{
	void *names = pyapi_member((void *)c->address, target.row->co_names);

	return pyapi_member(names,
			    target.row->tuple_items +
				    (int32_t)(sizeof(void *) * call->name));
}

/* -- may it rest? -------------------------------------------------------- */

/*
 * Does a frame of the code hinder it? The one that is at the call now is not
 * asked. `is_called` says whether the frame has called the one above it, and
 * no C function between them.
 */
static bool frame_hinders(uintptr_t frame, bool is_called, const struct code *c,
			  const struct trace_call *call,
			  struct trace_scope scope, unsigned *faults)
{
	const struct pyver *v = target.row;
	uintptr_t offset = guard_at(frame, v->f_instr, faults) - c->address -
			   (uintptr_t)v->co_code_adaptive;

	if (guard_at(frame, v->f_globals, faults) != (uintptr_t)scope.globals ||
	    guard_at(frame, v->f_builtins, faults) != (uintptr_t)scope.builtins)
		return true;
	/* it has loaded the callable, and not called it, or not yet returned */
	return offset >= call->load &&
	       (offset < call->call || (offset < call->next && !is_called));
}

/* Does any of a thread's, or is that not to be seen? */
static bool thread_hinders(uintptr_t thread_state, const struct code *c,
			   const struct trace_call *call,
			   struct trace_scope scope)
{
	const struct pyver *v = target.row;
	unsigned faults = 0;
	uintptr_t holder = trace_sites_frames.cframe == PYVER_NONE
				   ? thread_state
				   : guard_at(thread_state,
					      trace_sites_frames.cframe,
					      &faults);
	uintptr_t frame = guard_at(holder, trace_sites_frames.frame, &faults);
	bool is_mine = thread_state ==
		       (uintptr_t)trace_sites_frames.thread_state();
	bool is_called = is_mine;

	for (uint32_t i = 0; frame && !faults; i++) {
		uintptr_t code = guard_at(frame, v->f_code, &faults) &
				 ~(uintptr_t)v->executable_mask;
		bool is_shim = guard_u8(frame + (unsigned)v->f_owner,
					&faults) >= v->owner_shim;

		if (i == FRAMES_MOST)
			return true;
		if (!is_shim && code == c->address && !(is_mine && i == 0) &&
		    frame_hinders(frame, is_called, c, call, scope, &faults))
			return true;
		is_called = !is_shim;
		frame = guard_at(frame, v->f_back, &faults);
	}
	return faults;
}

static bool anybody_hinders(const struct code *c, const struct trace_call *call,
			    struct trace_scope scope)
{
	unsigned faults = 0;
	/* threads come and go without the GIL, too */
	uintptr_t other = guard_at((uintptr_t)g.interpreter,
				   target.row->in_threads, &faults);

	for (uint32_t i = 0; other && !faults; i++) {
		if (i == THREADS_MOST || thread_hinders(other, c, call, scope))
			return true;
		other = guard_at(other, target.row->ts_next, &faults);
	}
	return faults;
}

static void set_scope(uint32_t id, struct trace_scope scope)
{
	const struct trace *t = trace_table_all();

	for (; t; t = t->next) {
		struct trace_function *f = t->live ? trace_table_function(t, id)
						   : NULL;

		if (f)
			f->scope = scope;
	}
}

static bool may_rest(struct code *c, const struct trace_call *call,
		     const void *callable)
{
	struct trace_scope scope = trace_sites_now();
	void *name = name_of(c, call);
	const void *value = py.PyDict_GetItem(scope.globals, name);
	bool is_builtin = !value;
	struct trace_watch *globals, *builtins;

	if (is_builtin)
		value = py.PyDict_GetItem(scope.builtins, name);
	if (value != callable || trace_watch_may_be_c(callable))
		return false;
	globals = trace_watch_obtain(scope.globals);
	builtins = trace_watch_obtain(scope.builtins);
	if (!globals || !builtins ||
	    !(c->globals ? has(c, globals, builtins)
			 : has_no_others(c, globals, builtins)) ||
	    anybody_hinders(c, call, scope) ||
	    trace_watch_rely(globals, name) < 0 ||
	    (is_builtin && trace_watch_rely(builtins, name) < 0))
		return false;
	if (!c->globals) {
		globals->users++;
		builtins->users++;
		c->globals = globals;
		c->builtins = builtins;
	}
	set_scope(c->id, scope);
	return true;
}

/* After a look in vain. All of them together take less and less time. */
static uint32_t wait_after(uint32_t tries)
{
	return tries < TRIES_MOST ? 1 + tries * tries / PATIENCE : UINT32_MAX;
}

bool trace_sites_may_rest(struct trace_function *f, uintptr_t code,
			  uint32_t offset, const void *callable)
{
	struct code *c = *code_place(code);
	const struct trace_call *call;

	f->site_wait = UINT32_MAX; /* never, that is */
	if (!g.may_rest)
		return false;
	if (!c)
		c = new_code(code, f->id);
	if (!c || !c->count || c->broken)
		return false;
	call = call_at(c, offset);
	if (call && may_rest(c, call, callable)) {
		f->site_tries = 0;
		f->site_wait = 1;
		return true;
	}
	f->site_wait = wait_after(f->site_tries++);
	return false;
}

void trace_sites_begin(void)
{
	const struct pyver *v = target.row;
	void *monitoring = py.PySys_GetObject("monitoring");

	if (!monitoring || !py.PyCompile_OpcodeStackEffect ||
	    !py.PyCode_GetCode || v->f_globals == PYVER_NONE)
		return;
	g.restart = py.PyObject_GetAttrString(monitoring, "restart_events");
	if (!g.restart)
		py.PyErr_Clear();
	if (!g.restart || !trace_names_is_function(g.restart) ||
	    trace_watch_begin(restart) < 0 ||
	    trace_watch_module("greenlet", trace_sites_stop) < 0)
		return;
	g.may_rest = true;
	trace_bytecode_begin();
	trace_sites_frames = (struct trace_sites_frames){
		.thread_state = py.PyThreadState_Get,
		.cframe = v->walk == PYVER_CFRAME ? v->ts_cframe : PYVER_NONE,
		.frame = v->walk == PYVER_CFRAME ? v->cf_current_frame
						 : v->ts_frame,
		.globals = v->f_globals,
		.builtins = v->f_builtins,
	};
	g.interpreter = pyapi_member(py.PyThreadState_Get(), v->ts_interp);
}
