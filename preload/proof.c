/* SPDX-License-Identifier: MIT */
/*
 * The proof of a row of offsets. A C function of ours is called from nested
 * functions and a generator; in it, our walk must show the same frames, at the
 * same instructions and lines, as the frame objects of the public API. The
 * program runs in a namespace of its own, which is emptied, so that it leaves
 * nothing behind, no garbage for the collector either (hence no class).
 */
#include "proof.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "gil.h"
#include "pyapi.h"
#include "safe/codes.h"
#include "safe/guard.h"
#include "safe/lines.h"
#include "safe/offcpu.h"
#include "safe/target.h"
#include "safe/walk.h"

#define FRAMES_MOST 32

/* The young generation's threshold, to 3.12, unless site code changed it. */
#define GC_THRESHOLD0 700

static struct {
	const char *wrong; /* NULL: nothing so far */
	int calls;
} g;

static const char program[] = "def outer():\n"
			      "    inner()\n"
			      "def inner():\n"
			      "    x = 1; check()\n"
			      "def numbers():\n"
			      "    check()\n"
			      "    yield 1\n"
			      "def loop():\n"
			      "    for i in numbers(): pass\n"
			      "outer()\n"
			      "loop()\n";

/* An int attribute; -1 if it is none. */
static long number_of(void *object, const char *name)
{
	void *value = py.PyObject_GetAttrString(object, name);
	long n = value ? py.PyLong_AsLong(value) : -1;

	if (value)
		py.Py_DecRef(value);
	return n;
}

static bool same_text(void *object, const char *name,
		      const struct codes_span *ours)
{
	void *value = py.PyObject_GetAttrString(object, name);
	const char *text = value ? py.PyUnicode_AsUTF8(value) : NULL;
	bool same = text && ours->kind == 1 && strlen(text) == ours->length &&
		    memcmp(text, ours->at, ours->length) == 0;

	if (value)
		py.Py_DecRef(value);
	return same;
}

static bool same_bytes_size(void *object, const char *name,
			    const struct codes_span *ours)
{
	void *value = py.PyObject_GetAttrString(object, name);
	bool same = value && py.PyBytes_Size(value) == (intptr_t)ours->length;

	if (value)
		py.Py_DecRef(value);
	return same;
}

static const char *compare_code(void *code)
{
	const char *table = target.row->minor >= 10 ? "co_linetable"
						    : "co_lnotab";
	struct codes_facts facts;

	if (!codes_read((uintptr_t)code, &facts))
		return "a code object cannot be read";
	if (!same_text(code, "co_name", &facts.name))
		return "co_name";
	if (facts.has_qualname &&
	    !same_text(code, "co_qualname", &facts.qualname))
		return "co_qualname";
	if (!same_text(code, "co_filename", &facts.file))
		return "co_filename";
	if (number_of(code, "co_firstlineno") != (long)facts.firstlineno)
		return "co_firstlineno";
	if (!same_bytes_size(code, table, &facts.lines))
		return table;
	return NULL;
}

/* Does our decoder find the frame's line? */
static bool same_line(void *frame, const struct frame *ours)
{
	struct codes_span table;
	uint32_t firstlineno;

	if (!codes_read_lines(ours->code, &table, &firstlineno))
		return false;
	return number_of(frame, "f_lineno") ==
	       (long)firstlineno + (long)lines_decode(target.row->lines, &table,
						      ours->position - 1);
}

/* Compare a frame object with what the walk says of the same frame. */
static const char *compare_frame(void *frame, const struct frame *ours)
{
	void *code = py.PyObject_GetAttrString(frame, "f_code");
	long scale = target.row->lasti_scale;
	const char *wrong = NULL;

	if (!code)
		return "f_code";
	if ((uintptr_t)code != ours->code)
		wrong = "another code object";
	else if (number_of(frame, "f_lasti") !=
		 ((long)ours->position - 1) * scale)
		wrong = "f_lasti";
	else if (!same_line(frame, ours))
		wrong = "f_lineno";
	else
		wrong = compare_code(code);
	py.Py_DecRef(code);
	return wrong;
}

static const char *compare_stack(uintptr_t ts)
{
	struct frame frames[FRAMES_MOST];
	struct stack s = { .frames = frames, .capacity = FRAMES_MOST };
	void *frame = py.PyEval_GetFrame();
	const char *wrong = NULL;
	uint32_t i = 0;

	if (walk(ts, 0, &s) != 0)
		return "the frames do not hang together";
	if (frame)
		py.Py_IncRef(frame);
	while (frame && frame != py._Py_NoneStruct && !wrong) {
		void *back = py.PyObject_GetAttrString(frame, "f_back");

		if (i < s.depth)
			wrong = compare_frame(frame, &frames[i]);
		i++;
		py.Py_DecRef(frame);
		frame = back;
	}
	if (frame)
		py.Py_DecRef(frame);
	if (!wrong && i != s.depth && !s.truncated)
		wrong = "another number of frames";
	return wrong;
}

/* -- the state bits ------------------------------------------------------ */

static bool has_bit(uintptr_t ts, uint32_t bit)
{
	uint32_t known = target.state_known;
	uint8_t bits;

	target.state_known = bit;
	bits = walk_state(ts, 0);
	target.state_known = known;
	return bits & bit;
}

static bool gil_is_seen(uintptr_t ts)
{
	bool held = has_bit(ts, PP_STATE_GIL), released;
	void *saved = py.PyEval_SaveThread();

	released = !has_bit(ts, PP_STATE_GIL);
	py.PyEval_RestoreThread(saved);
	return held && released;
}

static bool exception_is_seen(uintptr_t ts)
{
	bool before = has_bit(ts, PP_STATE_EXCEPTION), during;

	py.PyErr_SetString(*(void **)py.PyExc_RuntimeError, "");
	during = has_bit(ts, PP_STATE_EXCEPTION);
	py.PyErr_Clear();
	return !before && during;
}

static uint64_t debug_offset(int32_t at)
{
	unsigned faults = 0;

	return guard_u64(target.runtime + (uintptr_t)at, &faults);
}

/*
 * Is the collector's state where the row says? From 3.13 on the interpreter
 * says so itself, in _Py_DebugOffsets; before, the young generation's
 * threshold beside it must have its default.
 */
static bool gc_is_where_we_think(uintptr_t ts)
{
	const struct pyver *v = target.row;
	unsigned faults = 0;
	uintptr_t interp = guard_u64(ts + (uintptr_t)v->ts_interp, &faults);
	uintptr_t at;

	if (v->dbg_in_gc != PYVER_NONE)
		return memcmp((const char *)target.runtime, "xdebugpy", 8) ==
			       0 &&
		       debug_offset(v->dbg_in_gc) +
				       debug_offset(v->dbg_gc_collecting) ==
			       (uint64_t)v->in_gc_collecting;
	at = v->rt_gc_threshold0 != PYVER_NONE
		     ? target.runtime + (uintptr_t)v->rt_gc_threshold0
		     : interp + (uintptr_t)v->in_gc_threshold0;
	return guard_u32(at, &faults) == GC_THRESHOLD0 && !faults &&
	       !has_bit(ts, PP_STATE_GC);
}

static void find_state_bits(uintptr_t ts)
{
	uint32_t known = PP_STATE_TRUNCATED;

	if (target.text[1])
		known |= PP_STATE_NATIVE;
	if (gil_is_seen(ts))
		known |= PP_STATE_GIL;
	if (exception_is_seen(ts))
		known |= PP_STATE_EXCEPTION;
	if (gc_is_where_we_think(ts))
		known |= PP_STATE_GC;
	if (gil_find())
		known |= PP_STATE_GIL_WAIT;
	target.state_known = known;
}

/*
 * Where the interpreter's thread states hang together, for who reads those of
 * other threads. 0 if not where the row says: wall mode is refused then.
 */
static void find_interpreter(uintptr_t ts)
{
	unsigned faults = 0;

	target.interpreter =
		guard_u64(ts + (uintptr_t)target.row->ts_interp, &faults);
	if (!offcpu_finds(ts, (uintptr_t)pthread_self()))
		target.interpreter = 0;
}

static void find_facts(uintptr_t ts)
{
	find_state_bits(ts);
	find_interpreter(ts);
}

/* check() of the program. Goes on after a defect, so as not to raise. */
static void *check(void *self, void *arguments)
{
	uintptr_t ts = walk_thread_state();

	(void)self;
	(void)arguments;
	if (!ts)
		g.wrong = "no thread state";
	if (!g.wrong)
		g.wrong = compare_stack(ts);
	if (!g.wrong && !g.calls)
		find_facts(ts);
	g.calls++;
	py.Py_IncRef(py._Py_NoneStruct);
	return py._Py_NoneStruct;
}

const char *proof_run(void)
{
	static struct pyapi_method method = { "check", check, PYAPI_METH_NOARGS,
					      NULL };
	void *code = py.Py_CompileString(program, "<pyprof>", PYAPI_FILE_INPUT);
	void *names = py.PyDict_New();
	void *function = py.PyCFunction_NewEx(&method, NULL, NULL);
	void *result = NULL;

	g.wrong = NULL;
	g.calls = 0;
	if (code && names && function &&
	    py.PyDict_SetItemString(names, "check", function) == 0 &&
	    py.PyDict_SetItemString(names, "__builtins__",
				    py.PyEval_GetBuiltins()) == 0)
		result = py.PyEval_EvalCode(code, names, names);
	if (!result) {
		py.PyErr_Clear();
		g.wrong = "the proof did not run";
	} else if (!g.wrong && g.calls != 2) {
		g.wrong = "the proof ran in part";
	}
	if (names)
		py.PyDict_Clear(names);
	for (size_t i = 0; i < 4; i++) {
		void *object = (void *[]){ result, function, names, code }[i];

		if (object)
			py.Py_DecRef(object);
	}
	return g.wrong;
}
