/* SPDX-License-Identifier: MIT */
/*
 * All that is known of one CPython version: one generated row of offsets and
 * shape flags each. Rows are constant and shared; nobody writes them.
 *
 * Offsets are bytes from the start of the named struct, for a normal (not
 * debug, not free-threaded) 64-bit build. A field that the version does not
 * have is PYVER_NONE, never 0, which is a valid offset. The rows are printed
 * by tools/offsets, which compiles tools/offsets.c against each version's own
 * headers: do not edit them. A row is proved against the running interpreter
 * before it is used: see interp.c.
 *
 * To add a version: install its headers, run `make pyver`, and add the new row
 * to rows.def.
 */
#ifndef PYVER_H
#define PYVER_H

#include <stdint.h>

#define PYVER_NONE (-1)

/* How the frames of a thread hang together. */
enum pyver_walk {
	PYVER_FRAME_OBJECTS, /* 3.8-3.10: ts->frame, PyFrameObject.f_back */
	PYVER_CFRAME,	     /* 3.11, 3.12: ts->cframe->current_frame */
	PYVER_CURRENT_FRAME, /* 3.13 on: ts->current_frame */
};

/* How co_linetable (co_lnotab before 3.10) is to be read: see safe/lines.c. */
enum pyver_lines {
	PYVER_LINES_LNOTAB = 1, /* 3.8, 3.9: (bytes, signed line) pairs */
	PYVER_LINES_LINETABLE =
		2, /* 3.10: PEP 626 (bytes, signed line or -128) */
	PYVER_LINES_LOCATIONS = 3, /* 3.11 on: PEP 657 location entries */
};

/*
 * The fields of a row, each an int32_t. Bit fields have two: the byte that
 * holds the bit and the mask within that byte.
 *
 * ts_ PyThreadState, cf_ _PyCFrame, f_ PyFrameObject (to 3.10) or
 * _PyInterpreterFrame (from 3.11), chunk_ _PyStackChunk, gen_ PyGenObject,
 * co_ PyCodeObject, fn_ PyCFunctionObject, descr_ PyMethodDescrObject, ml_
 * PyMethodDef, fo_ PyFrameObject (from 3.11), uni_ PyUnicode (state is a 32-bit
 * word), in_ PyInterpreterState, rt_ _PyRuntimeState, dk_ PyDictKeysObject,
 * fut_ and task_ the FutureObj and TaskObj of _asynciomodule.c.
 */
#define PYVER_FIELDS(X)                                                        \
	X(ob_type)                                                             \
	X(ob_size)                                                             \
	X(tp_dealloc)                                                          \
	X(ts_prev)                                                             \
	X(ts_next)                                                             \
	X(ts_interp)                                                           \
	X(in_threads) /* PyInterpreterState: its first thread state */         \
	X(ts_frame)   /* ts->frame, or ts->current_frame 3.13+ */              \
	X(ts_cframe)  /* 3.11, 3.12 */                                         \
	X(ts_thread_id)                                                        \
	X(ts_exc)	      /* curexc_type, or current_exception 3.12+ */    \
	X(ts_active_byte)     /* 3.12+: _status.active or the like: */         \
	X(ts_active_mask)     /* set while the thread holds the GIL */         \
	X(ts_holds_gil)	      /* 3.14+, an int */                              \
	X(ts_datastack_chunk) /* 3.11+ */                                      \
	X(ts_datastack_top)   /* 3.11+ */                                      \
	X(cf_current_frame)                                                    \
	X(cf_previous)                                                         \
	X(f_back)     /* f_back, or previous 3.11+ */                          \
	X(f_code)     /* f_code, or f_executable 3.13+ */                      \
	X(f_lasti)    /* to 3.10, an int */                                    \
	X(f_instr)    /* 3.11+: prev_instr, or instr_ptr 3.13+ */              \
	X(f_owner)    /* 3.11+, a char */                                      \
	X(f_is_entry) /* 3.11, a bool */                                       \
	X(chunk_previous)                                                      \
	X(chunk_top)                                                           \
	X(chunk_data)                                                          \
	X(gen_iframe) /* 3.11+ */                                              \
	X(co_name)                                                             \
	X(co_qualname) /* 3.11+ */                                             \
	X(co_filename)                                                         \
	X(co_firstlineno)                                                      \
	X(co_flags)                                                            \
	X(co_consts)                                                           \
	X(co_names)                                                            \
	X(co_variables) /* co_freevars, or co_localsplusnames 3.11+ */         \
	X(tuple_items)                                                         \
	X(co_linetable)	    /* co_lnotab before 3.10 */                        \
	X(co_code)	    /* to 3.10, bytes */                               \
	X(co_code_adaptive) /* 3.11+ */                                        \
	X(uni_length)                                                          \
	X(uni_state)                                                           \
	X(uni_kind_shift)                                                      \
	X(uni_kind_mask) /* after the shift */                                 \
	X(uni_compact_mask)                                                    \
	X(uni_ascii_mask)                                                      \
	X(uni_ascii_size)                                                      \
	X(uni_compact_size)                                                    \
	X(bytes_sval)                                                          \
	X(in_gc_collecting)  /* 3.9+, an int */                                \
	X(in_gc_threshold0)  /* 3.9+: young generation's threshold */          \
	X(rt_gc_collecting)  /* 3.8 */                                         \
	X(rt_gc_threshold0)  /* 3.8 */                                         \
	X(rt_pending_over)   /* 3.8, an int: no pending calls any more */      \
	X(rt_tstate_current) /* to 3.11, a pointer */                          \
	X(rt_search)	     /* bytes to look for the audit hooks in */        \
	X(dbg_in_gc)	     /* 3.13+: where _Py_DebugOffsets says where */    \
	X(dbg_gc_collecting) /* in_->gc and gc->collecting lie */              \
	X(owner_generator)   /* value of FRAME_OWNED_BY_GENERATOR, 3.11+ */    \
	X(owner_shim)	     /* first owner value that is no Python frame */   \
	X(executable_mask)   /* bits to clear in f_code: 0, or 3.14+'s tag */  \
	X(lasti_scale)	     /* bytes in one step of the recorded lasti */     \
	X(tp_name)                                                             \
	X(fn_ml)                                                               \
	X(fn_self)                                                             \
	X(fn_module)                                                           \
	X(descr_type)                                                          \
	X(descr_method)                                                        \
	X(ml_name)                                                             \
	X(long_digit) /* 3.12+: of an int's lowest digit */                    \
	X(ts_profilefunc)                                                      \
	X(ts_tracefunc)                                                        \
	X(ts_tracing_cframe) /* 3.10, 3.11: where ts_use_tracing is in, */     \
	X(ts_use_tracing)    /* else it is in the thread state; an int */      \
	X(use_tracing_bytes) /* of this size */                                \
	X(fo_frame)	     /* 3.11: PyFrameObject.f_frame */                 \
	X(fo_lineno)                                                           \
	X(ts_running_task) /* 3.14+, asyncio's */                              \
	X(in_modules)	   /* to 3.13 */                                       \
	X(module_dict)	   /* to 3.13, likewise the dk_ */                     \
	X(dict_keys)	   /* of a dict, its dk_ */                            \
	X(dk_size)	   /* to 3.10 */                                       \
	X(dk_log2_bytes)   /* 3.11+, a byte: of the size of dk_indices */      \
	X(dk_kind)	   /* 3.11+, a byte: 1 if entries have no hash */      \
	X(dk_nentries)                                                         \
	X(dk_indices) /* the entries follow them */                            \
	X(set_mask)   /* 3.14+ */                                              \
	X(set_table)  /* 3.14+ */                                              \
	X(fut_callback0)                                                       \
	X(fut_callbacks)                                                       \
	X(fut_awaited_by)  /* 3.14+, a set or one of them */                   \
	X(fut_is_task)	   /* 3.14+, a byte */                                 \
	X(fut_awaited_set) /* 3.14+, a byte: fut_awaited_by is a set */        \
	X(task_coro)                                                           \
	X(task_name)                                                           \
	X(wakeup_task)	/* 3.8, 3.9: in the callback of who awaits */          \
	X(func_closure) /* to 3.13 */                                          \
	X(cell_ref)	/* to 3.13 */                                          \
	X(method_self)	/* 3.11 to 3.13 */                                     \
	X(tp_base)	/* to 3.13 */                                          \
	X(obj_values)	/* 3.11, 3.12: where an object's attributes are */     \
	X(obj_inline)	/* 3.13: or they are here, */                          \
	X(obj_valid)	/* if this byte is not 0 */                            \
	X(gen_frame)	/* to 3.10 */                                          \
	X(gen_state)	/* 3.11+, a byte, and its value where: */              \
	X(gen_awaits)	/* a generator is suspended, 3.13+: in an await */     \
	X(f_awaited)	/* which value from the top is the awaited one */      \
	X(f_top)	/* 3.8, 3.9, 3.14+: the end of a frame's stack */      \
	X(f_stack)	/* 3.10: where it begins, */                           \
	X(f_localsplus) /* 3.11 to 3.13: the same, in the frame, */            \
	X(f_depth)	/* 3.10 to 3.13, an int: and how long it is */         \
	X(f_globals)	/* 3.12+, likewise f_builtins */                       \
	X(f_builtins)                                                          \
	X(dict_values) /* 3.12+ */

/*
 * The numbers of instructions, from 3.12 on: those that trace_bytecode.c knows.
 */
#define PYVER_OPCODES(X)                                                       \
	X(BINARY_OP)                                                           \
	X(BINARY_SLICE)                                                        \
	X(BINARY_SUBSCR)                                                       \
	X(BUILD_LIST)                                                          \
	X(BUILD_MAP)                                                           \
	X(BUILD_SET)                                                           \
	X(BUILD_STRING)                                                        \
	X(BUILD_TUPLE)                                                         \
	X(CALL)                                                                \
	X(CALL_KW)                                                             \
	X(COMPARE_OP)                                                          \
	X(CONTAINS_OP)                                                         \
	X(CONVERT_VALUE)                                                       \
	X(EXTENDED_ARG)                                                        \
	X(FORMAT_SIMPLE)                                                       \
	X(FORMAT_WITH_SPEC)                                                    \
	X(GET_ITER)                                                            \
	X(IS_OP)                                                               \
	X(KW_NAMES)                                                            \
	X(LOAD_ATTR)                                                           \
	X(LOAD_CONST)                                                          \
	X(LOAD_DEREF)                                                          \
	X(LOAD_FAST)                                                           \
	X(LOAD_FAST_BORROW)                                                    \
	X(LOAD_FAST_BORROW_LOAD_FAST_BORROW)                                   \
	X(LOAD_FAST_CHECK)                                                     \
	X(LOAD_FAST_LOAD_FAST)                                                 \
	X(LOAD_GLOBAL)                                                         \
	X(LOAD_SMALL_INT)                                                      \
	X(MAKE_FUNCTION)                                                       \
	X(NOP)                                                                 \
	X(POP_TOP)                                                             \
	X(PUSH_NULL)                                                           \
	X(RESUME)                                                              \
	X(SET_FUNCTION_ATTRIBUTE)                                              \
	X(STORE_ATTR)                                                          \
	X(STORE_DEREF)                                                         \
	X(STORE_FAST)                                                          \
	X(STORE_FAST_LOAD_FAST)                                                \
	X(STORE_FAST_STORE_FAST)                                               \
	X(STORE_GLOBAL)                                                        \
	X(STORE_SUBSCR)                                                        \
	X(TO_BOOL)                                                             \
	X(UNARY_INVERT)                                                        \
	X(UNARY_NEGATIVE)                                                      \
	X(UNARY_NOT)

struct pyver {
	int32_t minor; /* 8 for 3.8 */
	int32_t walk;  /* enum pyver_walk */
	int32_t lines; /* enum pyver_lines */
#define X(name) int32_t name;
	PYVER_FIELDS(X)
#undef X
#define X(name) int32_t op_##name;
	PYVER_OPCODES(X)
#undef X
};

/* The row of CPython 3.minor, or NULL if there is none. */
const struct pyver *pyver_find(int minor);

#endif
