/* SPDX-License-Identifier: MIT */
/*
 * PyEval_SetProfile, or PyEval_SetTrace for lines, to CPython 3.11. Both are of
 * one thread state. The first thread is armed by the function itself; that
 * shows what it changes, and the same is then written into the states of
 * others. The profile object stays NULL, so that sys.getprofile() says None.
 *
 * A program that sets a function of its own takes ours away: there is room for
 * one only. Then ours takes its place again and calls the program's, whose
 * object stays where it was. sys.setprofile() is watched for that; what does
 * it otherwise (cProfile) is told of by an audit hook beforehand, and a pending
 * call sees a moment later what came of it. That runs in the main thread; in
 * others the program's function stays, and the log has a note of the time.
 */
#include <stddef.h>
#include <string.h>

#include "log.h"
#include "msg.h"
#include "pyapi.h"
#include "safe/clock.h"
#include "safe/mask.h"
#include "safe/state.h"
#include "safe/target.h"
#include "text.h"
#include "trace.h"
#include "trace_event.h"
#include "trace_host.h"
#include "trace_mechanism.h"
#include "trace_names.h"

/* The last version that counts trace functions, see count_tracer(). */
#define COUNTED_MINOR 9

/* In PyThreadState: c_profilefunc, c_tracefunc, c_profileobj, c_traceobj. */
#define TRACE_OBJECT_BEHIND 2

/* Notes of gaps in one log; more would drown the rest. */
#define GAPS_MOST 6

/* A thread that has lost our function. */
struct gap {
	void *state; /* its Python thread state; NULL: free */
	int tid;
	uint64_t begin_ns;
	bool noted;
};

static struct {
	int32_t fo_frame, f_code, fn_ml; /* as target.row has them */
	/* Of the first thread, when it was armed. */
	uint32_t use_tracing;
	struct gap gaps[GAPS_MOST];
	unsigned notes;
	bool pending, hooked;
} g;

/* -- events -------------------------------------------------------------- */

static uintptr_t code_of(const void *frame)
{
	if (PP_UNLIKELY(g.fo_frame != PYVER_NONE))
		frame = pyapi_member(frame, g.fo_frame);
	return (uintptr_t)pyapi_member(frame, g.f_code);
}

/* The line of a frame during an event, as the log has it. */
static uint32_t line_of(const void *frame, const struct trace_function *f)
{
	uint32_t line;

	memcpy(&line, (const char *)frame + target.row->fo_lineno,
	       sizeof(line));
	return line - f->firstlineno;
}

/* Events of C functions have a PyCFunction, never a descriptor. */
static uintptr_t method_of(const void *function)
{
	return (uintptr_t)pyapi_member(function, g.fn_ml);
}

static void call_c(struct trace *t, const void *frame, void *function)
{
	if (!trace_excludes(t, code_of(frame)))
		trace_enter(t, method_of(function), function, trace_what());
}

/* A call by this frame, or the frame itself, ends. */
static void leave(struct trace *t, const void *frame, uintptr_t address,
		  unsigned what)
{
	if (!trace_excludes(t, code_of(frame)))
		trace_leave(t, address, what);
}

/* The program's own function, which has an object, gets the event too. */
static int forward(const struct trace *t, void *object, void *frame, int event,
		   void *argument)
{
	if (!t->host || trace_host_is_return(event, argument))
		return 0;
	return t->host(object, frame, event, argument);
}

static void take_profile(struct trace *t, const void *frame, int event,
			 void *argument)
{
	switch (event) {
	case EVENT_CALL:
		trace_enter(t, code_of(frame), NULL, trace_what());
		break;
	case EVENT_RETURN:
		leave(t, frame, code_of(frame), trace_what());
		break;
	case EVENT_C_CALL:
		if (target.settings.builtins)
			call_c(t, frame, argument);
		break;
	case EVENT_C_EXCEPTION:
	case EVENT_C_RETURN:
		if (target.settings.builtins)
			leave(t, frame, method_of(argument), trace_what());
		break;
	default:
		break;
	}
}

static PP_NOINLINE int profile_slowly(void *object, void *frame, int event,
				      void *argument)
{
	uint64_t blocked = thread_open_faults();
	struct trace *t = trace_of_thread();

	if (t)
		take_profile(t, frame, event, argument);
	mask_close_faults(blocked);
	return t && object ? forward(t, object, frame, event, argument) : 0;
}

/*
 * Nearly all events, those of Python's functions first; what is done after no
 * call needs no saved registers.
 */
TRACE_INLINE bool profile_quickly(const void *frame, int event,
				  const void *argument, unsigned what)
{
	if (PP_LIKELY(event == EVENT_CALL))
		return trace_enter_quick(trace_mine, code_of(frame), what);
	if (PP_LIKELY(event == EVENT_RETURN))
		return trace_leave_quick(trace_mine, code_of(frame), what);
	if (event == EVENT_C_CALL)
		return !target.settings.builtins ||
		       trace_enter_c_quick(trace_mine, code_of(frame),
					   method_of(argument), what);
	if (event == EVENT_C_RETURN || event == EVENT_C_EXCEPTION)
		return !target.settings.builtins ||
		       trace_leave_c_quick(trace_mine, code_of(frame),
					   method_of(argument), what);
	return false;
}

TRACE_INLINE int profile(void *object, void *frame, int event, void *argument,
			 unsigned what)
{
	if (PP_LIKELY(!object && profile_quickly(frame, event, argument, what)))
		return 0;
	return profile_slowly(object, frame, event, argument);
}

static int on_profile(void *object, void *frame, int event, void *argument)
{
	return profile(object, frame, event, argument, TRACE_TIMES);
}

static int on_profile_counted(void *object, void *frame, int event,
			      void *argument)
{
	return profile(object, frame, event, argument, 0);
}

TRACE_INLINE void take_trace(struct trace *t, const void *frame, int event,
			     unsigned what)
{
	struct trace_function *f;

	switch (event) {
	case EVENT_CALL:
		f = trace_enter(t, code_of(frame), NULL, what);
		if (f)
			trace_entry(t, line_of(frame, f));
		break;
	case EVENT_LINE:
		trace_line(t, code_of(frame),
			   line_of(frame, t->top->edge->callee), what);
		break;
	case EVENT_RETURN:
		leave(t, frame, code_of(frame), what);
		break;
	default:
		break;
	}
}

static PP_NOINLINE int trace_slowly(void *object, void *frame, int event,
				    void *argument)
{
	uint64_t blocked = thread_open_faults();
	struct trace *t = trace_of_thread();

	if (t)
		take_trace(t, frame, event, trace_what());
	mask_close_faults(blocked);
	return t && object ? forward(t, object, frame, event, argument) : 0;
}

TRACE_INLINE int trace(void *object, void *frame, int event, void *argument,
		       unsigned what)
{
	struct trace *t = trace_mine;

	if (PP_UNLIKELY(object || !t || !t->quick))
		return trace_slowly(object, frame, event, argument);
	take_trace(t, frame, event, what);
	return 0;
}

static int on_trace(void *object, void *frame, int event, void *argument)
{
	return trace(object, frame, event, argument, TRACE_LINES | TRACE_TIMES);
}

static int on_trace_counted(void *object, void *frame, int event,
			    void *argument)
{
	return trace(object, frame, event, argument, TRACE_LINES);
}

/* -- threads ------------------------------------------------------------- */

static trace_host_function **function_slot(void *state_of_thread)
{
	return trace_host_slot(state_of_thread, trace_has_lines());
}

static trace_host_function *our_function(void)
{
	static trace_host_function *const functions[] = {
		[0] = on_profile_counted,
		[TRACE_TIMES] = on_profile,
		[TRACE_LINES] = on_trace_counted,
		[TRACE_LINES | TRACE_TIMES] = on_trace,
	};

	return functions[trace_what()];
}

static char *use_tracing_slot(void *state_of_thread)
{
	if (target.row->ts_tracing_cframe != PYVER_NONE)
		state_of_thread = pyapi_member(state_of_thread,
					       target.row->ts_tracing_cframe);
	return (char *)state_of_thread + target.row->ts_use_tracing;
}

/*
 * To 3.9 CPython counts the threads that have a trace function, and looks for
 * lines only if there are some. A function that is put in by hand is counted by
 * setting the calling thread's as if it had none; its object stays.
 */
static void count_tracer(void)
{
	trace_host_function **slot = function_slot(target.thread_state());
	void **object = (void **)(void *)slot + TRACE_OBJECT_BEHIND;
	trace_host_function *function = *slot;
	void *kept = *object;

	*slot = NULL;
	*object = NULL;
	py.PyEval_SetTrace(our_function(), NULL);
	*slot = function;
	*object = kept;
}

static void arm(void *state_of_thread)
{
	trace_host_function **slot = function_slot(state_of_thread);

	if (*slot)
		return;
	if (trace_has_lines() && target.row->minor <= COUNTED_MINOR)
		count_tracer();
	*slot = our_function();
	memcpy(use_tracing_slot(state_of_thread), &g.use_tracing,
	       (size_t)target.row->use_tracing_bytes);
}

/* The calling thread's state, if it has the GIL. */
static void *state_with_gil(void)
{
	void *mine = target.thread_state();
	void *current = pyapi_member((const void *)target.runtime,
				     target.row->rt_tstate_current);

	return mine == current ? mine : NULL;
}

static void arm_threads(void)
{
	void *mine = state_with_gil(), *each;

	if (!mine || !g.use_tracing)
		return;
	each = py.PyInterpreterState_ThreadHead(
		pyapi_member(mine, target.row->ts_interp));
	for (; each; each = py.PyThreadState_Next(each))
		arm(each);
}

/* -- gaps ---------------------------------------------------------------- */

static const char gap_begins[] =
	": not traced, the program profiles itself, from ";

static void note(const struct gap *gap, const char *what, uint64_t at_ns)
{
	struct thread *t = thread_self();
	uint64_t ms = (at_ns - state->header->start_ns) / 1000000, mask;
	struct text line;

	if (!t || g.notes++ >= 2 * GAPS_MOST)
		return;
	text_init(&line);
	text_add(&line, "thread ");
	text_add_number(&line, (uint64_t)gap->tid);
	text_add(&line, what);
	text_add_number(&line, ms / 1000);
	text_add(&line, ".");
	text_add_number(&line, ms % 1000 / 100);
	text_add_number(&line, ms % 100 / 10);
	text_add_number(&line, ms % 10);
	text_add(&line, " s on");
	mask = mask_quiet(target.settings.signal);
	log_note(t, line.at);
	mask_unquiet(target.settings.signal, mask);
}

/* The calling thread has a function of the program's: go before it. */
static void go_before(void *mine)
{
	trace_host_function **slot = function_slot(mine);
	struct trace *t = trace_of_thread();

	if (!t || !*slot || *slot == our_function())
		return;
	t->host = *slot;
	*slot = our_function();
}

/* After sys.setprofile() or sys.settrace() in this thread. */
static void after_set(void)
{
	void *mine = target.thread_state();

	if (!g.use_tracing || !state_is_armed())
		return;
	go_before(mine);
	arm(mine);
}

/* The thread has ours again, or has none: arm it. */
static void look_at(struct gap *gap)
{
	trace_host_function *function;

	if (gap->state == target.thread_state())
		go_before(gap->state);
	function = *function_slot(gap->state);
	if (function && function != our_function()) {
		if (!gap->noted)
			note(gap, gap_begins, gap->begin_ns);
		gap->noted = true;
		return;
	}
	arm(gap->state);
	if (gap->noted)
		note(gap, ": traced again from ", clock_now());
	gap->state = NULL;
}

/* Does a thread state still live? */
static bool lives(const void *state_of_thread)
{
	void *each = py.PyInterpreterState_ThreadHead(
		pyapi_member(target.thread_state(), target.row->ts_interp));

	while (each && each != state_of_thread)
		each = py.PyThreadState_Next(each);
	return each != NULL;
}

static int on_pending(void *data)
{
	(void)data;
	g.pending = false;
	if (!state_is_armed())
		return 0;
	for (unsigned i = 0; i < GAPS_MOST; i++) {
		struct gap *gap = &g.gaps[i];

		if (gap->state && !lives(gap->state)) {
			if (!gap->noted)
				note(gap, gap_begins, gap->begin_ns);
			gap->state = NULL;
		}
		if (gap->state)
			look_at(gap);
	}
	arm_threads();
	return 0;
}

/* CPython 3.8 says so on stderr if it is asked for a pending call at its end.
 */
static bool takes_pending_calls(void)
{
	int over = 0;

	if (target.row->rt_pending_over != PYVER_NONE)
		memcpy(&over,
		       (const char *)target.runtime +
			       target.row->rt_pending_over,
		       sizeof(over));
	return !over;
}

static void begin_gap(void *mine)
{
	struct gap *gap = g.gaps;

	while (gap < &g.gaps[GAPS_MOST] && gap->state && gap->state != mine)
		gap++;
	if (gap == &g.gaps[GAPS_MOST] || gap->state == mine)
		return;
	*gap = (struct gap){ mine, sys_gettid(), clock_now(), false };
}

/* Our function, or the program's, is about to be replaced in this thread. */
static int on_audit(const char *event, void *arguments, void *data)
{
	(void)arguments;
	(void)data;
	if (event[0] != 's' || !g.use_tracing || !state_is_armed() ||
	    trace_host_is_inside() ||
	    strcmp(event,
		   trace_has_lines() ? "sys.settrace" : "sys.setprofile") != 0)
		return 0;
	begin_gap(target.thread_state());
	if (!g.pending && takes_pending_calls())
		g.pending = py.Py_AddPendingCall(on_pending, NULL) == 0;
	return 0;
}

/* -- beginning ----------------------------------------------------------- */

static void set(trace_host_function *function)
{
	if (trace_has_lines())
		py.PyEval_SetTrace(function, NULL);
	else
		py.PyEval_SetProfile(function, NULL);
}

static int begin(void)
{
	void *mine = target.thread_state();

	if (*function_slot(mine)) {
		msg_line("another profiler or debugger is at work",
			 "; the program runs untraced", NULL);
		return -1;
	}
	g.fo_frame = target.row->fo_frame;
	g.f_code = target.row->f_code;
	g.fn_ml = target.row->fn_ml;
	set(our_function());
	memcpy(&g.use_tracing, use_tracing_slot(mine),
	       (size_t)target.row->use_tracing_bytes);
	if (*function_slot(mine) != our_function() || !g.use_tracing) {
		g.use_tracing = 0;
		msg_line("threads cannot be traced but the first", NULL, NULL);
		return 0;
	}
	arm_threads();
	if (trace_has_lines())
		trace_host_watch(WATCH_SETTRACE, py.PySys_GetObject("settrace"),
				 after_set);
	else
		trace_host_watch(WATCH_SETPROFILE,
				 py.PySys_GetObject("setprofile"), after_set);
	if (!g.hooked)
		g.hooked = py.PySys_AddAuditHook(on_audit, NULL) == 0;
	return 0;
}

static void end(void)
{
	g.use_tracing = 0;
	set(NULL);
}

const struct trace_mechanism trace_setprofile = { begin, end, arm_threads,
						  NULL };
