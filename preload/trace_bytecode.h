/* SPDX-License-Identifier: MIT */
/*
 * Which calls of a code object call what a global name stands for: those whose
 * callable a LOAD_GLOBAL put on the stack, with nothing but plain instructions
 * between. From CPython 3.12 on. Needs the GIL.
 */
#ifndef TRACE_BYTECODE_H
#define TRACE_BYTECODE_H

#include <stddef.h>
#include <stdint.h>

#include "pyprof/compiler.h"

struct trace_call {
	/* offsets in bytes: of both instructions, and of what follows them */
	uint32_t load, call, next;
	uint32_t name; /* in co_names */
};

/* The longest code that is looked at, in bytes. */
#define TRACE_BYTECODE_MOST 65536u

/*
 * Once, before the other: learn the instructions of target.row. One is used
 * only if the interpreter says of it what we believe.
 */
void trace_bytecode_begin(void);

/*
 * Find the calls in co_code, in order; at most `room` are filled in. Returns
 * how many; 0 if the code is longer than TRACE_BYTECODE_MOST.
 */
size_t trace_bytecode_calls(const uint8_t *code, size_t bytes,
			    struct trace_call *calls, size_t room);

#endif
