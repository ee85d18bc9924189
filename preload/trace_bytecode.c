/* SPDX-License-Identifier: MIT */
/*
 * A walk over bytecode that follows the stack. See trace_bytecode.h.
 *
 * Only plain instructions are followed, those that take so many values from the
 * top of the stack, put so many there and go on with the next one. At all
 * others, and where something may jump to, nothing is known of the stack any
 * more. A handler of exceptions begins with none of them: what lies before it
 * jumps or returns, and it first moves what is on the stack.
 *
 * CPython's dis module and Python/bytecodes.c have what each takes and gives;
 * code objects hide specialized and instrumented ones from us, see
 * PyCode_GetCode().
 */
#include "trace_bytecode.h"

#include <stdbool.h>
#include <string.h>

#include "pyapi.h"
#include "safe/target.h"

#define UNIT		2u /* bytes */
#define UNITS_MOST	(TRACE_BYTECODE_MOST / UNIT)
#define DEPTH_MOST	64u
#define CACHE		0 /* in all versions; follows what it belongs to */
#define ARGUMENTS_TRIED 8

/* What an instruction takes and gives, of an argument a. */
struct effect {
	bool known;
	uint8_t pops, pops_each; /* pops + a * pops_each */
	uint8_t pushes;
	bool pushes_low; /* and one more if a is odd */
};

struct plain {
	size_t opcode; /* in a row */
	struct effect effect;
};

#define PLAIN(name, pops, each, pushes, low)                                   \
	{                                                                      \
		offsetof(struct pyver, op_##name),                             \
		{                                                              \
			true, pops, each, pushes, low                          \
		}                                                              \
	}

static const struct plain plain[] = {
	PLAIN(BINARY_OP, 2, 0, 1, false),
	PLAIN(BINARY_SLICE, 3, 0, 1, false),
	PLAIN(BINARY_SUBSCR, 2, 0, 1, false),
	PLAIN(BUILD_LIST, 0, 1, 1, false),
	PLAIN(BUILD_MAP, 0, 2, 1, false),
	PLAIN(BUILD_SET, 0, 1, 1, false),
	PLAIN(BUILD_STRING, 0, 1, 1, false),
	PLAIN(BUILD_TUPLE, 0, 1, 1, false),
	/* callable, self or NULL, arguments; names of keywords */
	PLAIN(CALL, 2, 1, 1, false),
	PLAIN(CALL_KW, 3, 1, 1, false),
	PLAIN(COMPARE_OP, 2, 0, 1, false),
	PLAIN(CONTAINS_OP, 2, 0, 1, false),
	PLAIN(CONVERT_VALUE, 1, 0, 1, false),
	PLAIN(FORMAT_SIMPLE, 1, 0, 1, false),
	PLAIN(FORMAT_WITH_SPEC, 2, 0, 1, false),
	PLAIN(GET_ITER, 1, 0, 1, false),
	PLAIN(IS_OP, 2, 0, 1, false),
	PLAIN(KW_NAMES, 0, 0, 0, false),
	PLAIN(LOAD_ATTR, 1, 0, 1, true),
	PLAIN(LOAD_CONST, 0, 0, 1, false),
	PLAIN(LOAD_DEREF, 0, 0, 1, false),
	PLAIN(LOAD_FAST, 0, 0, 1, false),
	PLAIN(LOAD_FAST_BORROW, 0, 0, 1, false),
	PLAIN(LOAD_FAST_BORROW_LOAD_FAST_BORROW, 0, 0, 2, false),
	PLAIN(LOAD_FAST_CHECK, 0, 0, 1, false),
	PLAIN(LOAD_FAST_LOAD_FAST, 0, 0, 2, false),
	PLAIN(LOAD_GLOBAL, 0, 0, 1, true),
	PLAIN(LOAD_SMALL_INT, 0, 0, 1, false),
	PLAIN(MAKE_FUNCTION, 1, 0, 1, false),
	PLAIN(NOP, 0, 0, 0, false),
	PLAIN(POP_TOP, 1, 0, 0, false),
	PLAIN(PUSH_NULL, 0, 0, 1, false),
	PLAIN(RESUME, 0, 0, 0, false),
	PLAIN(SET_FUNCTION_ATTRIBUTE, 2, 0, 1, false),
	PLAIN(STORE_ATTR, 2, 0, 0, false),
	PLAIN(STORE_DEREF, 1, 0, 0, false),
	PLAIN(STORE_FAST, 1, 0, 0, false),
	PLAIN(STORE_FAST_LOAD_FAST, 1, 0, 1, false),
	PLAIN(STORE_FAST_STORE_FAST, 2, 0, 0, false),
	PLAIN(STORE_GLOBAL, 1, 0, 0, false),
	PLAIN(STORE_SUBSCR, 3, 0, 0, false),
	PLAIN(TO_BOOL, 1, 0, 1, false),
	PLAIN(UNARY_INVERT, 1, 0, 1, false),
	PLAIN(UNARY_NEGATIVE, 1, 0, 1, false),
	PLAIN(UNARY_NOT, 1, 0, 1, false),
};

static struct effect effects[256]; /* by opcode */

static uint32_t pops(const struct effect *e, uint32_t argument)
{
	return e->pops + e->pops_each * argument;
}

static uint32_t pushes(const struct effect *e, uint32_t argument)
{
	return e->pushes + (e->pushes_low ? argument & 1 : 0);
}

/* Does the interpreter say the same? */
static bool is_right(int opcode, const struct effect *e)
{
	for (uint32_t i = 0; i < ARGUMENTS_TRIED; i++)
		if (py.PyCompile_OpcodeStackEffect(opcode, (int)i) !=
		    (int)pushes(e, i) - (int)pops(e, i))
			return false;
	return true;
}

void trace_bytecode_begin(void)
{
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		int32_t opcode;

		memcpy(&opcode, (const char *)target.row + plain[i].opcode,
		       sizeof(opcode));
		if (opcode > CACHE && opcode < 256 &&
		    is_right(opcode, &plain[i].effect))
			effects[opcode] = plain[i].effect;
	}
}

/* -- one code object ------------------------------------------------------ */

struct unit {
	uint8_t opcode, argument;
};

struct instruction {
	uint32_t begin, at, next; /* units: with its prefixes, itself, after */
	uint32_t argument;
	uint8_t opcode;
};

/* The one that begins at this unit; false at the end. */
static bool decode(const struct unit *code, uint32_t units, uint32_t begin,
		   struct instruction *in)
{
	uint32_t at = begin, argument = 0;

	while (at < units && code[at].opcode == target.row->op_EXTENDED_ARG)
		argument = argument << 8 | code[at++].argument;
	if (at >= units)
		return false;
	in->begin = begin;
	in->at = at;
	in->opcode = code[at].opcode;
	in->argument = argument << 8 | code[at].argument;
	for (at++; at < units && code[at].opcode == CACHE; at++)
		;
	in->next = at;
	return true;
}

struct walk {
	uint32_t depth; /* of what is known */
	/* 2 u + 2, 2 u + 3: what LOAD_GLOBAL at unit u put there; 0: else */
	uint32_t stack[DEPTH_MOST];
	uint8_t targets[UNITS_MOST]; /* may something jump here? */
};

static void mark(struct walk *w, uint32_t units, uint32_t unit)
{
	if (unit < units)
		w->targets[unit] = 1;
}

/* What is not plain may jump, forth or back. */
static void mark_targets(struct walk *w, const struct unit *code,
			 uint32_t units)
{
	struct instruction in;

	memset(w->targets, 0, units);
	for (uint32_t at = 0; decode(code, units, at, &in); at = in.next) {
		if (effects[in.opcode].known)
			continue;
		mark(w, units, in.next + in.argument);
		mark(w, units, in.next - in.argument);
	}
}

static bool is_target(const struct walk *w, const struct instruction *in)
{
	for (uint32_t i = in->begin; i <= in->at; i++)
		if (w->targets[i])
			return true;
	return false;
}

/* Is what is called here a global name's value? Loaded at *unit, then. */
static bool calls_global(const struct walk *w, const struct instruction *in,
			 uint32_t *unit)
{
	uint32_t popped = pops(&effects[in->opcode], in->argument);
	const uint32_t *at;

	if ((in->opcode != target.row->op_CALL &&
	     in->opcode != target.row->op_CALL_KW) ||
	    popped > w->depth)
		return false;
	at = &w->stack[w->depth - popped];
	if (at[0] < 2 || at[0] & 1 || at[1] != at[0] + 1)
		return false;
	*unit = at[0] / 2 - 1;
	return true;
}

static void step(struct walk *w, const struct instruction *in)
{
	const struct effect *e = &effects[in->opcode];
	uint32_t popped = pops(e, in->argument);
	uint32_t pushed = pushes(e, in->argument);
	/* with a NULL beside it: it is going to be called */
	uint32_t mark = in->opcode == target.row->op_LOAD_GLOBAL && pushed == 2
				? in->begin * 2 + 2
				: 0;

	w->depth = popped < w->depth ? w->depth - popped : 0;
	if (w->depth + pushed > DEPTH_MOST)
		w->depth = 0;
	for (uint32_t i = 0; i < pushed; i++)
		w->stack[w->depth++] = mark ? mark + i : 0;
}

size_t trace_bytecode_calls(const uint8_t *bytecode, size_t bytes,
			    struct trace_call *calls, size_t room)
{
	static struct walk w; /* one at a time, with the GIL */
	const struct unit *code = (const struct unit *)bytecode;
	uint32_t units = (uint32_t)(bytes / UNIT);
	struct instruction in, load;
	size_t count = 0;

	if (bytes > TRACE_BYTECODE_MOST)
		return 0;
	mark_targets(&w, code, units);
	w.depth = 0;
	for (uint32_t at = 0; decode(code, units, at, &in); at = in.next) {
		const struct effect *e = &effects[in.opcode];
		uint32_t unit;

		if (!e->known || is_target(&w, &in))
			w.depth = 0;
		if (!e->known)
			continue;
		if (calls_global(&w, &in, &unit) && count < room &&
		    decode(code, units, unit, &load))
			calls[count++] =
				(struct trace_call){ unit * UNIT, in.at * UNIT,
						     in.next * UNIT,
						     load.argument >> 1 };
		step(&w, &in);
	}
	return count;
}
