/* SPDX-License-Identifier: MIT */
/*
 * Print the row of offsets of the CPython whose headers this is compiled
 * against, as an initialiser of struct pyver. Run by tools/offsets, which
 * `make pyver` calls; never part of what is installed.
 *
 * The one file that may ask for a Python version with #if. Only the sizes and
 * places of the headers are used: nothing is linked with a libpython.
 */
#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <frameobject.h>
#include <internal/pycore_pystate.h>

#if PY_VERSION_HEX >= 0x03090000
#include <internal/pycore_gc.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include <internal/pycore_dict.h>
#include <internal/pycore_frame.h>
#include <internal/pycore_moduleobject.h>
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_interpframe_structs.h>
#include <internal/pycore_stackref.h>
#endif
#if PY_VERSION_HEX >= 0x030c0000
#include <opcode.h>
#endif

#include "pyver/pyver.h"

#if defined(Py_DEBUG) || defined(Py_GIL_DISABLED)
#error "rows are of normal builds: no debug, not free-threaded"
#endif

static struct pyver row;

#define AT(field, type, member) (row.field = (int32_t)offsetof(type, member))

static void put_objects(void)
{
	AT(ob_type, PyObject, ob_type);
	AT(ob_size, PyVarObject, ob_size);
	AT(tp_dealloc, PyTypeObject, tp_dealloc);
	AT(bytes_sval, PyBytesObject, ob_sval);
	AT(co_name, PyCodeObject, co_name);
	AT(co_filename, PyCodeObject, co_filename);
	AT(co_firstlineno, PyCodeObject, co_firstlineno);
	AT(co_flags, PyCodeObject, co_flags);
	AT(co_consts, PyCodeObject, co_consts);
	AT(co_names, PyCodeObject, co_names);
	AT(tuple_items, PyTupleObject, ob_item);
#if PY_VERSION_HEX < 0x030b0000
	AT(co_variables, PyCodeObject, co_freevars);
#else
	AT(co_variables, PyCodeObject, co_localsplusnames);
#endif
#if PY_VERSION_HEX >= 0x030a0000
	AT(co_linetable, PyCodeObject, co_linetable);
#else
	AT(co_linetable, PyCodeObject, co_lnotab);
#endif
#if PY_VERSION_HEX < 0x030b0000
	AT(co_code, PyCodeObject, co_code);
#endif
#if PY_VERSION_HEX >= 0x030b0000
	AT(co_qualname, PyCodeObject, co_qualname);
	AT(co_code_adaptive, PyCodeObject, co_code_adaptive);
	AT(gen_iframe, PyGenObject, gi_iframe);
#endif
	AT(fn_ml, PyCFunctionObject, m_ml);
	AT(fn_self, PyCFunctionObject, m_self);
	AT(fn_module, PyCFunctionObject, m_module);
	AT(descr_type, PyMethodDescrObject, d_common.d_type);
	AT(descr_method, PyMethodDescrObject, d_method);
	AT(ml_name, PyMethodDef, ml_name);
	AT(tp_name, PyTypeObject, tp_name);
#if PY_VERSION_HEX >= 0x030c0000
	AT(long_digit, PyLongObject, long_value.ob_digit);
#endif
}

/* What PyEval_SetProfile and PyEval_SetTrace change. */
static void put_tracing(void)
{
	AT(ts_profilefunc, PyThreadState, c_profilefunc);
	AT(ts_tracefunc, PyThreadState, c_tracefunc);
#if PY_VERSION_HEX < 0x030c0000
	AT(fo_lineno, PyFrameObject, f_lineno);
#if PY_VERSION_HEX >= 0x030a0000
	AT(ts_tracing_cframe, PyThreadState, cframe);
	row.use_tracing_bytes =
		(int32_t)sizeof(((PyThreadState *)0)->cframe->use_tracing);
#else
	AT(ts_use_tracing, PyThreadState, use_tracing);
	row.use_tracing_bytes =
		(int32_t)sizeof(((PyThreadState *)0)->use_tracing);
#endif
#if PY_VERSION_HEX >= 0x030b0000
	AT(fo_frame, PyFrameObject, f_frame);
	AT(ts_use_tracing, _PyCFrame, use_tracing);
#elif PY_VERSION_HEX >= 0x030a0000
	AT(ts_use_tracing, CFrame, use_tracing);
#endif
#endif
}

/* The state of a string with all bits of one field set, as the word it is. */
#define STATE_BITS(member)                                                     \
	(memset(&ascii, 0, sizeof(ascii)),                                     \
	 ascii.state.member = (unsigned int)-1,                                \
	 *(uint32_t *)memcpy(&word, &ascii.state, sizeof(word)))

static void put_strings(void)
{
	PyASCIIObject ascii;
	uint32_t word;
	uint32_t kind = STATE_BITS(kind);

	_Static_assert(sizeof(ascii.state) == sizeof(word), "state is a word");
	AT(uni_length, PyASCIIObject, length);
	AT(uni_state, PyASCIIObject, state);
	row.uni_kind_shift = __builtin_ctz(kind);
	row.uni_kind_mask = (int32_t)(kind >> row.uni_kind_shift);
	row.uni_compact_mask = (int32_t)STATE_BITS(compact);
	row.uni_ascii_mask = (int32_t)STATE_BITS(ascii);
	row.uni_ascii_size = (int32_t)sizeof(PyASCIIObject);
	row.uni_compact_size = (int32_t)sizeof(PyCompactUnicodeObject);
}

/* The one byte of a thread state that _status.active changes, and its bit. */
#if PY_VERSION_HEX >= 0x030c0000
static void put_active(void)
{
	static PyThreadState ts;
	const unsigned char *bytes = (const unsigned char *)&ts;
	size_t i = 0;

	ts._status.active = 1;
	while (!bytes[i])
		i++;
	row.ts_active_byte = (int32_t)i;
	row.ts_active_mask = bytes[i];
}
#endif

static void put_thread_state(void)
{
	AT(ts_prev, PyThreadState, prev);
	AT(ts_next, PyThreadState, next);
	AT(ts_interp, PyThreadState, interp);
#if PY_VERSION_HEX < 0x030b0000
	AT(in_threads, PyInterpreterState, tstate_head);
#else
	AT(in_threads, PyInterpreterState, threads.head);
#endif
	AT(ts_thread_id, PyThreadState, thread_id);
#if PY_VERSION_HEX < 0x030b0000
	AT(ts_frame, PyThreadState, frame);
#else
	AT(ts_datastack_chunk, PyThreadState, datastack_chunk);
	AT(ts_datastack_top, PyThreadState, datastack_top);
	AT(chunk_previous, _PyStackChunk, previous);
	AT(chunk_top, _PyStackChunk, top);
	AT(chunk_data, _PyStackChunk, data);
#endif
#if PY_VERSION_HEX >= 0x030d0000
	AT(ts_frame, PyThreadState, current_frame);
#elif PY_VERSION_HEX >= 0x030b0000
	AT(ts_cframe, PyThreadState, cframe);
	AT(cf_current_frame, _PyCFrame, current_frame);
	AT(cf_previous, _PyCFrame, previous);
#endif
#if PY_VERSION_HEX >= 0x030c0000
	AT(ts_exc, PyThreadState, current_exception);
	put_active();
#else
	AT(ts_exc, PyThreadState, curexc_type);
#endif
#if PY_VERSION_HEX >= 0x030e0000
	AT(ts_holds_gil, PyThreadState, holds_gil);
#endif
#if PY_VERSION_HEX >= 0x030f0000
#endif
}

#if PY_VERSION_HEX < 0x030b0000

static void put_frames(void)
{
	row.walk = PYVER_FRAME_OBJECTS;
	AT(f_back, PyFrameObject, f_back);
	AT(f_code, PyFrameObject, f_code);
	AT(f_lasti, PyFrameObject, f_lasti);
	row.executable_mask = 0;
#if PY_VERSION_HEX >= 0x030a0000
	row.lines = PYVER_LINES_LINETABLE;
	row.lasti_scale = 2;
#else
	row.lines = PYVER_LINES_LNOTAB;
	row.lasti_scale = 1;
#endif
}

#else

static void put_frames(void)
{
	row.lines = PYVER_LINES_LOCATIONS;
	row.lasti_scale = (int32_t)sizeof(_Py_CODEUNIT);
	row.owner_generator = FRAME_OWNED_BY_GENERATOR;
	AT(f_back, struct _PyInterpreterFrame, previous);
	AT(f_owner, struct _PyInterpreterFrame, owner);
#if PY_VERSION_HEX >= 0x030d0000
	row.walk = PYVER_CURRENT_FRAME;
	AT(f_code, struct _PyInterpreterFrame, f_executable);
	AT(f_instr, struct _PyInterpreterFrame, instr_ptr);
#else
	row.walk = PYVER_CFRAME;
	AT(f_code, struct _PyInterpreterFrame, f_code);
	AT(f_instr, struct _PyInterpreterFrame, prev_instr);
#endif
#if PY_VERSION_HEX < 0x030c0000
	AT(f_is_entry, struct _PyInterpreterFrame, is_entry);
#elif PY_VERSION_HEX < 0x030e0000
	row.owner_shim = FRAME_OWNED_BY_CSTACK;
#else
	row.owner_shim = FRAME_OWNED_BY_INTERPRETER;
#endif
#if PY_VERSION_HEX >= 0x030e0000
	row.executable_mask = Py_TAG_BITS;
#else
	row.executable_mask = 0;
#endif
}

#endif

static void put_runtime(void)
{
#if PY_VERSION_HEX < 0x03090000
	AT(rt_pending_over, _PyRuntimeState, ceval.pending.finishing);
	AT(rt_gc_collecting, _PyRuntimeState, gc.collecting);
	AT(rt_gc_threshold0, _PyRuntimeState, gc.generations[0].threshold);
#else
	AT(in_gc_collecting, PyInterpreterState, gc.collecting);
#if PY_MINOR_VERSION != 13
	/* Moved by 4 bytes within 3.13, between 3.13.0 and 3.13.18. */
	AT(in_gc_threshold0, PyInterpreterState, gc.generations[0].threshold);
#endif
#endif
#if PY_VERSION_HEX < 0x030c0000
	AT(rt_tstate_current, _PyRuntimeState, gilstate.tstate_current);
#endif
#if PY_VERSION_HEX >= 0x030d0000
	AT(dbg_in_gc, _Py_DebugOffsets, interpreter_state.gc);
	AT(dbg_gc_collecting, _Py_DebugOffsets, gc.collecting);
#endif
	row.rt_search = sizeof(_PyRuntimeState) < 16384
				? (int32_t)sizeof(_PyRuntimeState)
				: 16384;
}

/* Dictionaries, of which only those of asyncio to 3.13 are read. */
static void put_dicts(void)
{
#if PY_VERSION_HEX < 0x030e0000
	AT(dict_keys, PyDictObject, ma_keys);
#if PY_VERSION_HEX < 0x030b0000
	/* PyDictKeysObject and PyModuleObject are in no header */
	row.dk_size = 8;
	row.dk_nentries = 32;
	row.dk_indices = 40;
	row.module_dict = sizeof(PyObject);
#else
	AT(dk_log2_bytes, PyDictKeysObject, dk_log2_index_bytes);
	AT(dk_kind, PyDictKeysObject, dk_kind);
	AT(dk_nentries, PyDictKeysObject, dk_nentries);
	AT(dk_indices, PyDictKeysObject, dk_indices);
	AT(module_dict, PyModuleObject, md_dict);
#endif
#if PY_VERSION_HEX < 0x030c0000
	AT(in_modules, PyInterpreterState, modules);
#else
	AT(in_modules, PyInterpreterState, imports.modules);
#endif
#endif
}

#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030e0000
/* The attributes of an object of a class; only those of 3.11 on are read. */
static void put_attributes(void)
{
	AT(method_self, PyMethodObject, im_self);
#if PY_VERSION_HEX >= 0x030d0000
	row.obj_inline =
		(int32_t)(sizeof(PyObject) + offsetof(PyDictValues, values));
	row.obj_valid =
		(int32_t)(sizeof(PyObject) + offsetof(PyDictValues, valid));
#elif PY_VERSION_HEX >= 0x030c0000
	row.obj_values = -3 * (int32_t)sizeof(void *);
#else
	row.obj_values = -4 * (int32_t)sizeof(void *);
#endif
}
#else
static void put_attributes(void)
{
}
#endif

/*
 * What asyncio's accelerator keeps: its objects are in no header, these are
 * the places of _asynciomodule.c. A task is believed only if the frame of its
 * coroutine is one of those that its thread runs.
 */
static void put_tasks(void)
{
	row.fut_callback0 = 24;
	row.fut_callbacks = 40;
#if PY_VERSION_HEX >= 0x030e0000
	AT(ts_running_task, _PyThreadStateImpl, asyncio_running_task);
	AT(set_mask, PySetObject, mask);
	AT(set_table, PySetObject, table);
	row.fut_awaited_by = 96;
	row.fut_is_task = 108;
	row.fut_awaited_set = 109;
	row.task_coro = 128;
#elif PY_VERSION_HEX >= 0x030d0000
	row.task_coro = 120;
#elif PY_VERSION_HEX >= 0x030b0000
	row.task_coro = 136;
#elif PY_VERSION_HEX >= 0x030a0000
	row.task_coro = 160;
#elif PY_VERSION_HEX >= 0x03090000
	row.task_coro = 152;
#else
	row.task_coro = 112;
#endif
	row.task_name = row.task_coro + 8;
#if PY_VERSION_HEX < 0x030e0000
	AT(func_closure, PyFunctionObject, func_closure);
	AT(cell_ref, PyCellObject, ob_ref);
	AT(tp_base, PyTypeObject, tp_base);
	put_attributes();
#endif
#if PY_VERSION_HEX < 0x030a0000
	row.wakeup_task = sizeof(PyObject);
#endif
}

/* The frame of a generator that is suspended, and what that awaits. */
static void put_suspended(void)
{
#if PY_VERSION_HEX < 0x030b0000
	AT(gen_frame, PyGenObject, gi_frame);
#else
	AT(gen_state, PyGenObject, gi_frame_state);
#if PY_VERSION_HEX >= 0x030d0000
	row.gen_awaits = (uint8_t)FRAME_SUSPENDED_YIELD_FROM;
#else
	row.gen_awaits = (uint8_t)FRAME_SUSPENDED;
#endif
#endif
#if PY_VERSION_HEX >= 0x030f0000
	row.f_awaited = 2; /* above it is the index of iterating by number */
#else
	row.f_awaited = 1;
#endif
#if PY_VERSION_HEX >= 0x030e0000
	AT(f_top, struct _PyInterpreterFrame, stackpointer);
#elif PY_VERSION_HEX >= 0x030b0000
	AT(f_localsplus, struct _PyInterpreterFrame, localsplus);
	AT(f_depth, struct _PyInterpreterFrame, stacktop);
#elif PY_VERSION_HEX >= 0x030a0000
	AT(f_stack, PyFrameObject, f_valuestack);
	AT(f_depth, PyFrameObject, f_stackdepth);
#else
	AT(f_top, PyFrameObject, f_stacktop);
#endif
}

#if PY_VERSION_HEX >= 0x030c0000

/* Its number, or its name again if this version has no such macro. */
#define AS_TEXT(macro)	 AS_WRITTEN(macro)
#define AS_WRITTEN(text) #text

static int32_t opcode_of(const char *text)
{
	return *text >= '0' && *text <= '9' ? atoi(text) : PYVER_NONE;
}

static void put_opcodes(void)
{
	AT(f_globals, struct _PyInterpreterFrame, f_globals);
	AT(f_builtins, struct _PyInterpreterFrame, f_builtins);
	AT(dict_values, PyDictObject, ma_values);
#define X(name) row.op_##name = opcode_of(AS_TEXT(name));
	PYVER_OPCODES(X)
#undef X
}

#else
static void put_opcodes(void)
{
}
#endif

static const char *const walk_names[] = {
	[PYVER_FRAME_OBJECTS] = "PYVER_FRAME_OBJECTS",
	[PYVER_CFRAME] = "PYVER_CFRAME",
	[PYVER_CURRENT_FRAME] = "PYVER_CURRENT_FRAME",
};

static const char *const lines_names[] = {
	[PYVER_LINES_LNOTAB] = "PYVER_LINES_LNOTAB",
	[PYVER_LINES_LINETABLE] = "PYVER_LINES_LINETABLE",
	[PYVER_LINES_LOCATIONS] = "PYVER_LINES_LOCATIONS",
};

static void print_field(const char *name, int32_t value)
{
	if (value == PYVER_NONE)
		printf("\t.%s = PYVER_NONE,\n", name);
	else
		printf("\t.%s = %d,\n", name, value);
}

int main(void)
{
	memset(&row, 0xff, sizeof(row));
	row.minor = PY_MINOR_VERSION;
	put_objects();
	put_strings();
	put_thread_state();
	put_frames();
	put_runtime();
	put_tracing();
	put_dicts();
	put_tasks();
	put_suspended();
	put_opcodes();

	printf("{\n");
	print_field("minor", row.minor);
	printf("\t.walk = %s,\n", walk_names[row.walk]);
	printf("\t.lines = %s,\n", lines_names[row.lines]);
#define X(name) print_field(#name, row.name);
	PYVER_FIELDS(X)
#undef X
#define X(name) print_field("op_" #name, row.op_##name);
	PYVER_OPCODES(X)
#undef X
	printf("},\n");
	return 0;
}
