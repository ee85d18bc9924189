/* SPDX-License-Identifier: MIT */
/*
 * trace_bytecode.c: calls of global names among others, in code as CPython 3.13
 * has it; and what is no code at all.
 */
#include "trace_bytecode.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pyapi.h"
#include "safe/target.h"
#include "unit.h"

/* Opcodes of 3.13, see row_3_13.def; those that no table has are made up. */
enum {
	CACHE = 0,
	POP_TOP = 32,
	UNARY_NOT = 43,
	BINARY_OP = 45,
	CALL = 53,
	CALL_KW = 57,
	COPY = 61,
	EXTENDED_ARG = 71,
	JUMP = 78,
	LOAD_CONST = 83,
	LOAD_FAST = 85,
	LOAD_GLOBAL = 91,
};

/* What the interpreter says; of UNARY_NOT not what we believe. */
static int effect(int opcode, int argument)
{
	switch (opcode) {
	case LOAD_CONST:
	case LOAD_FAST:
		return 1;
	case LOAD_GLOBAL:
		return 1 + (argument & 1);
	case CALL:
		return -1 - argument;
	case CALL_KW:
		return -2 - argument;
	case BINARY_OP:
	case POP_TOP:
		return -1;
	case UNARY_NOT:
		return 1;
	default:
		return INT_MAX;
	}
}

static struct trace_call calls[8];

static size_t find(const uint8_t *code, size_t bytes)
{
	target.row = pyver_find(13);
	py.PyCompile_OpcodeStackEffect = effect;
	trace_bytecode_begin();
	return trace_bytecode_calls(code, bytes, calls, ARRAY_LEN(calls));
}

#define FIND(...)                                                              \
	find((const uint8_t[]){ __VA_ARGS__ },                                 \
	     sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void call_is(size_t i, uint32_t load, uint32_t call, uint32_t name)
{
	ck_assert_uint_eq(calls[i].load, load);
	ck_assert_uint_eq(calls[i].call, call);
	ck_assert_uint_eq(calls[i].name, name);
}

START_TEST(rows_have_these_opcodes)
{
	const struct pyver *v = pyver_find(13);

	ck_assert_int_eq(v->op_POP_TOP, POP_TOP);
	ck_assert_int_eq(v->op_UNARY_NOT, UNARY_NOT);
	ck_assert_int_eq(v->op_BINARY_OP, BINARY_OP);
	ck_assert_int_eq(v->op_CALL, CALL);
	ck_assert_int_eq(v->op_CALL_KW, CALL_KW);
	ck_assert_int_eq(v->op_EXTENDED_ARG, EXTENDED_ARG);
	ck_assert_int_eq(v->op_LOAD_CONST, LOAD_CONST);
	ck_assert_int_eq(v->op_LOAD_FAST, LOAD_FAST);
	ck_assert_int_eq(v->op_LOAD_GLOBAL, LOAD_GLOBAL);
}
END_TEST

/* f(n - 1), with the caches that instructions have */
START_TEST(a_call_of_a_name)
{
	ck_assert_uint_eq(FIND(LOAD_GLOBAL, 2 * 3 + 1, CACHE, 0, CACHE, 0,
			       LOAD_FAST, 0, LOAD_CONST, 1, BINARY_OP, 10,
			       CACHE, 0, CALL, 1, CACHE, 0),
			  1);
	call_is(0, 0, 14, 3);
}
END_TEST

/* f(g(1), 2) + h(k=3) */
START_TEST(calls_in_calls)
{
	ck_assert_uint_eq(FIND(LOAD_GLOBAL, 1, LOAD_GLOBAL, 3, LOAD_CONST, 0,
			       CALL, 1, LOAD_CONST, 1, CALL, 2, LOAD_GLOBAL, 5,
			       LOAD_CONST, 2, LOAD_CONST, 3, CALL_KW, 1,
			       BINARY_OP, 0),
			  3);
	call_is(0, 2, 6, 1);
	call_is(1, 0, 10, 0);
	call_is(2, 12, 18, 2);
}
END_TEST

START_TEST(names_beyond_a_byte)
{
	ck_assert_uint_eq(FIND(EXTENDED_ARG, 1, EXTENDED_ARG, 2, LOAD_GLOBAL, 5,
			       EXTENDED_ARG, 0, CALL, 0),
			  1);
	call_is(0, 0, 8, (1u << 16 | 2u << 8 | 5u) >> 1);
}
END_TEST

/* What is called is on the stack, but from elsewhere or nobody knows whence. */
START_TEST(calls_of_others)
{
	/* a local one; a global one without a NULL */
	ck_assert_uint_eq(FIND(LOAD_FAST, 0, LOAD_FAST, 1, CALL, 0), 0);
	ck_assert_uint_eq(FIND(LOAD_GLOBAL, 2, LOAD_FAST, 1, CALL, 0), 0);
	/* the values of two loads, side by side */
	ck_assert_uint_eq(FIND(LOAD_GLOBAL, 1, LOAD_GLOBAL, 1, CALL, 1), 0);
	/* what is no plain instruction, or not as we believe */
	ck_assert_uint_eq(FIND(LOAD_GLOBAL, 1, COPY, 1, CALL, 0), 0);
	ck_assert_uint_eq(
		FIND(LOAD_GLOBAL, 1, LOAD_FAST, 0, UNARY_NOT, 0, CALL, 1), 0);
	/* more arguments than are known of */
	ck_assert_uint_eq(FIND(LOAD_GLOBAL, 1, CALL, 9), 0);
}
END_TEST

/* Another name may be there where something jumps to. */
START_TEST(targets_of_jumps)
{
	/* behind it, and before: both ways are thought of */
	ck_assert_uint_eq(FIND(JUMP, 2, LOAD_GLOBAL, 1, LOAD_FAST, 0, LOAD_FAST,
			       0, CALL, 2),
			  0);
	ck_assert_uint_eq(FIND(LOAD_GLOBAL, 1, LOAD_FAST, 0, CALL, 1, JUMP, 3),
			  0);
	ck_assert_uint_eq(FIND(LOAD_GLOBAL, 1, LOAD_FAST, 0, CALL, 1, JUMP, 4),
			  1);
}
END_TEST

START_TEST(more_than_there_is_room_for)
{
	uint8_t code[4 * 20];

	for (size_t i = 0; i < sizeof(code); i += 4)
		memcpy(&code[i], (uint8_t[]){ LOAD_GLOBAL, 1, CALL, 0 }, 4);
	ck_assert_uint_eq(find(code, sizeof(code)), ARRAY_LEN(calls));
	call_is(7, 28, 30, 0);
}
END_TEST

START_TEST(a_stack_that_grows)
{
	uint8_t code[2 * 300 + 6];

	for (size_t i = 0; i < sizeof(code); i += 2)
		memcpy(&code[i], (uint8_t[]){ LOAD_FAST, 0 }, 2);
	memcpy(&code[sizeof(code) - 4], (uint8_t[]){ LOAD_GLOBAL, 1, CALL, 0 },
	       4);
	ck_assert_uint_eq(find(code, sizeof(code)), 1);
	memcpy(code, (uint8_t[]){ LOAD_GLOBAL, 1 }, 2);
	code[sizeof(code) - 4] = EXTENDED_ARG;
	code[sizeof(code) - 3] = 1;
	code[sizeof(code) - 1] = 300 - 256;
	ck_assert_uint_eq(find(code, sizeof(code)), 0);
}
END_TEST

/* Whatever the bytes: each call lies behind its load, within the code. */
START_TEST(any_bytes)
{
	static const uint8_t often[] = { LOAD_GLOBAL, CALL, LOAD_FAST, CACHE,
					 EXTENDED_ARG };
	uint8_t code[64];
	size_t all = 0;

	srand(1);
	for (int n = 0; n < 20000; n++) {
		size_t bytes = (size_t)rand() % (sizeof(code) + 1), found;

		for (size_t i = 0; i < bytes; i++)
			code[i] = (uint8_t)(rand() % 4);
		for (size_t i = 0; i < bytes; i += 2)
			code[i] = rand() % 4 ? often[rand() % 5]
					     : (uint8_t)rand();
		found = find(code, bytes);
		for (size_t i = 0; i < found; i++) {
			ck_assert_uint_lt(calls[i].load, calls[i].call);
			ck_assert_uint_lt(calls[i].call, bytes);
		}
		all += found;
	}
	ck_assert_uint_gt(all, 1000);
	ck_assert_uint_eq(find(calloc(1, TRACE_BYTECODE_MOST + 2),
			       TRACE_BYTECODE_MOST + 2),
			  0);
}
END_TEST

UNIT_MAIN(trace_bytecode, rows_have_these_opcodes, a_call_of_a_name,
	  calls_in_calls, names_beyond_a_byte, calls_of_others,
	  targets_of_jumps, more_than_there_is_room_for, a_stack_that_grows,
	  any_bytes)
