/* SPDX-License-Identifier: MIT */
/*
 * Definitions of code objects. What is read here is held alive by the frame,
 * but the frame itself may have been garbage: every object is read by guarded
 * loads before its bytes are copied.
 */
#include "safe/codes.h"

#include <string.h>

#include "safe/guard.h"
#include "safe/record.h"
#include "safe/state.h"
#include "safe/target.h"

/* Longer names are cut. */
#define NAME_MOST 4096u

/* In place of a string's kind, so that a code's hash is no string's. */
#define CODES_KIND 8u

/* Bytes that a fingerprint looks at, and its bits. */
#define PRINT_MOST 4096u
#define PRINT_BITS 21

/* Items of a tuple that it looks at. */
#define TUPLE_MOST 64

/* Can both ends of a span be read? */
static bool readable(const struct codes_span *s)
{
	unsigned faults = 0;
	uintptr_t at = (uintptr_t)s->at;

	if (s->length) {
		guard_u8(at, &faults);
		guard_u8(at + s->length - 1, &faults);
	}
	return faults == 0;
}

/* The characters of a str, in the compact form that all names have. */
bool codes_read_str(uintptr_t object, struct codes_span *out)
{
	const struct pyver *v = target.row;
	unsigned faults = 0;
	uint32_t state_word;
	uint64_t length;

	if (!object)
		return false;
	state_word = guard_u32(object + (unsigned)v->uni_state, &faults);
	length = guard_u64(object + (unsigned)v->uni_length, &faults);
	out->kind = (state_word >> v->uni_kind_shift) &
		    (uint32_t)v->uni_kind_mask;
	if (faults || !(state_word & (uint32_t)v->uni_compact_mask) ||
	    (out->kind != 1 && out->kind != 2 && out->kind != 4))
		return false;
	if (length > NAME_MOST)
		length = NAME_MOST;
	out->length = (uint32_t)length * out->kind;
	out->at = (const uint8_t *)object +
		  (state_word & (uint32_t)v->uni_ascii_mask
			   ? v->uni_ascii_size
			   : v->uni_compact_size);
	return readable(out);
}

static bool read_bytes(uintptr_t object, struct codes_span *out)
{
	const struct pyver *v = target.row;
	unsigned faults = 0;
	uint64_t length;

	if (!object)
		return false;
	length = guard_u64(object + (unsigned)v->ob_size, &faults);
	if (faults || length > UINT32_MAX)
		return false;
	out->kind = 0;
	out->length = (uint32_t)length;
	out->at = (const uint8_t *)object + v->bytes_sval;
	return readable(out);
}

/* FNV-1a, 64 bits, over kind and characters; never a key the table reserves. */
static uint64_t hash_of(const struct codes_span *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ s->kind;

	for (uint32_t i = 0; i < s->length; i++)
		h = (h ^ s->at[i]) * UINT64_C(0x100000001b3);
	return h > IDTABLE_FREED ? h : h + 2;
}

/*
 * Publish an id. What was read of another thread's stack may have changed
 * while it was read: if that thread has run, it counts for nothing.
 */
static void settle(const struct thread *t, struct idtable_entry *table,
		   uint32_t size, uint64_t key, struct idtable_entry *claimed,
		   uint32_t id)
{
	if (id && !thread_watched_stands_still(t))
		id = 0;
	idtable_settle(table, size, key, claimed, id);
}

/* The id of a string, defined if it is new. 0 if there is no room. */
static uint32_t string_id(struct thread *t, const struct codes_span *s)
{
	uint64_t key = hash_of(s), numbers[2];
	struct idtable_entry *claimed;
	uint32_t id = idtable_id(state->strings, STATE_STRINGS, key, &claimed);

	if (id)
		return id;
	id = 1 + atomic_fetch_add_explicit(&state->string_number, 1,
					   memory_order_relaxed);
	numbers[0] = id;
	numbers[1] = s->kind;
	if (record_write(t, PP_STRING, numbers, 2, s->at, s->length) < 0)
		id = 0;
	settle(t, state->strings, STATE_STRINGS, key, claimed, id);
	return id;
}

bool codes_read_lines(uintptr_t code, struct codes_span *lines,
		      uint32_t *firstlineno)
{
	const struct pyver *v = target.row;
	unsigned faults = 0;
	uintptr_t table = guard_u64(code + (unsigned)v->co_linetable, &faults);

	*firstlineno = guard_u32(code + (unsigned)v->co_firstlineno, &faults);
	return !faults && read_bytes(table, lines);
}

bool codes_read(uintptr_t code, struct codes_facts *c)
{
	const struct pyver *v = target.row;
	unsigned faults = 0;
	uintptr_t name = guard_u64(code + (unsigned)v->co_name, &faults);
	uintptr_t file = guard_u64(code + (unsigned)v->co_filename, &faults);
	uintptr_t qualname = 0;

	if (v->co_qualname != PYVER_NONE)
		qualname = guard_u64(code + (unsigned)v->co_qualname, &faults);
	c->has_qualname = qualname && codes_read_str(qualname, &c->qualname);
	return !faults && codes_read_str(name, &c->name) &&
	       codes_read_str(file, &c->file) &&
	       codes_read_lines(code, &c->lines, &c->firstlineno);
}

static bool is_word(const struct codes_span *s, const char *word)
{
	return s->kind == 1 && s->length == strlen(word) &&
	       memcmp(s->at, word, s->length) == 0;
}

/*
 * 3.13 on: _Py_InitCleanup, whose frame stands under every specialised call of
 * an __init__. It is no function of anybody's, and it never dies.
 */
static bool is_init_cleanup(const struct codes_facts *c)
{
	return c->firstlineno == 0 && is_word(&c->file, "__init__") &&
	       is_word(&c->name, "__init__");
}

static uint64_t hash_join(uint64_t a, uint64_t b)
{
	return a * 31 + b;
}

/* The first bytes of what may be long. */
static uint64_t hash_begin(struct codes_span span)
{
	span.length = span.length < PRINT_MOST ? span.length : PRINT_MOST;
	return hash_of(&span);
}

/*
 * The value of a constant: a number's first digits or a float's bits, eight
 * bytes and four behind the object's head; a string. Others are alike.
 */
static uint64_t hash_constant(uintptr_t object, unsigned *faults)
{
	uintptr_t type =
		guard_u64(object + (unsigned)target.row->ob_type, faults);
	uintptr_t value = object + (unsigned)target.row->ob_size;
	struct codes_span span;

	if (type == target.unicode_type && codes_read_str(object, &span))
		return hash_begin(span);
	if (type == target.float_type)
		return guard_u64(value, faults);
	if (type == target.long_type)
		return hash_join(guard_u64(value, faults),
				 guard_u32(value + 8, faults));
	return 0;
}

/* A code object's tuple: constants, or names. */
static uint64_t hash_tuple(uintptr_t code, int32_t member)
{
	const struct pyver *v = target.row;
	unsigned faults = 0;
	uintptr_t tuple = guard_u64(code + (unsigned)member, &faults);
	uint64_t n = guard_u64(tuple + (unsigned)v->ob_size, &faults);
	uint64_t hash = n;

	for (uint64_t i = 0; i < n && i < TUPLE_MOST && !faults; i++) {
		uintptr_t item = guard_u64(
			tuple + (unsigned)v->tuple_items + 8 * i, &faults);

		hash = hash_join(hash, hash_constant(item, &faults));
	}
	return faults ? 0 : hash;
}

/*
 * A fingerprint of what tells functions apart that agree in name, file and
 * line: the line table, which from 3.11 on has columns; the code, to 3.10; the
 * constants and the names, since two lambdas may differ in nothing else. The
 * log has its high bits, as there only such functions are compared.
 */
static uint64_t print_of(uintptr_t code, const struct codes_facts *c)
{
	const struct pyver *v = target.row;
	uint64_t hash = hash_begin(c->lines);
	struct codes_span span;
	unsigned faults = 0;

	if (v->co_code != PYVER_NONE &&
	    read_bytes(guard_u64(code + (unsigned)v->co_code, &faults), &span))
		hash = hash_join(hash, hash_begin(span));
	hash = hash_join(hash, hash_tuple(code, v->co_consts));
	hash = hash_join(hash, hash_tuple(code, v->co_names));
	hash = hash_join(hash, hash_tuple(code, v->co_variables));
	/* every bit of it in the high ones */
	return hash * UINT64_C(0x9e3779b97f4a7c15);
}

/* Write a CODE record: numbers[1] to [5] are set. Returns the id or 0. */
static uint32_t write_code(struct thread *t, uint64_t *numbers)
{
	uint32_t id = 1 + atomic_fetch_add_explicit(&state->code_number, 1,
						    memory_order_relaxed);

	numbers[0] = id;
	if (record_write(t, PP_CODE, numbers, 6, NULL, 0) < 0)
		return 0;
	state_count(PP_COUNT_codes, 1);
	return id;
}

/*
 * Write a CODE record: numbers[1] to [5] are set, the last to a fingerprint.
 * One that says the same as an earlier one has that one's id: a program that
 * evaluates an expression again and again has one function of it. Returns the
 * id or 0.
 */
static uint32_t define_record(struct thread *t, uint64_t *numbers, bool shared)
{
	struct codes_span all = { (const uint8_t *)&numbers[1],
				  5 * sizeof(*numbers), CODES_KIND };
	struct idtable_entry *claimed = NULL;
	uint64_t key = hash_of(&all);
	uint32_t id = 0;

	if (!numbers[1] || !numbers[3])
		return 0;
	if (shared)
		id = idtable_id(state->strings, STATE_STRINGS, key, &claimed);
	if (id)
		return id;
	numbers[5] >>= 64 - PRINT_BITS;
	id = write_code(t, numbers);
	settle(t, state->strings, STATE_STRINGS, key, claimed, id);
	return id;
}

/* Write the records of a code object. Returns the id or 0. */
static uint32_t define(struct thread *t, uintptr_t code,
		       const struct codes_facts *c)
{
	uint64_t numbers[6] = {
		0,
		string_id(t, &c->name),
		c->has_qualname ? string_id(t, &c->qualname) : 0,
		string_id(t, &c->file),
		c->firstlineno,
		print_of(code, c),
	};

	/* of a longer table the fingerprint does not know all */
	return define_record(t, numbers, c->lines.length <= PRINT_MOST);
}

static uint32_t define_new(struct thread *t, uintptr_t at)
{
	struct codes_facts c;

	if (!codes_read(at, &c))
		return CODES_UNNAMED;
	if (is_init_cleanup(&c)) {
		/* a hint for the walk, no more */
		atomic_store_explicit(&state->cleanup_code, at,
				      memory_order_relaxed);
		return CODES_SKIP;
	}
	return define(t, at, &c);
}

uint32_t codes_id(struct thread *t, uintptr_t code)
{
	struct idtable_entry *claimed;
	uint32_t id = idtable_id(state->codes, STATE_CODES, code, &claimed);

	if (id)
		return id;
	id = define_new(t, code);
	settle(t, state->codes, STATE_CODES, code, claimed, id);
	return id;
}

uint32_t codes_id_of_c(struct thread *t, uintptr_t method, const char *name,
		       uint32_t length)
{
	const struct codes_span file = { (const uint8_t *)PP_C_FILE,
					 sizeof(PP_C_FILE) - 1, 0 };
	const struct codes_span span = { (const uint8_t *)name, length, 0 };
	struct idtable_entry *claimed;
	uint32_t id = idtable_id(state->codes, STATE_CODES, method, &claimed);
	uint64_t numbers[6] = { 0 };

	if (id)
		return id;
	numbers[1] = string_id(t, &span);
	numbers[3] = string_id(t, &file);
	id = define_record(t, numbers, true);
	settle(t, state->codes, STATE_CODES, method, claimed, id);
	return id;
}

/* The id of a mark whose entry has this key. */
static uint32_t mark_id(struct thread *t, const struct codes_span *name,
			uint64_t key)
{
	struct idtable_entry *claimed;
	uint32_t id = idtable_id(state->codes, STATE_CODES, key, &claimed);
	uint64_t numbers[6] = { 0 };

	if (id)
		return id;
	numbers[1] = string_id(t, name);
	if (numbers[1])
		id = write_code(t, numbers);
	settle(t, state->codes, STATE_CODES, key, claimed, id);
	return id;
}

uint32_t codes_id_of_mark(struct thread *t, const struct codes_span *name,
			  const struct codes_span *other, uint32_t most)
{
	/* no address of the host's has this bit */
	uint64_t key = hash_of(name) | CODES_MARK;

	if (idtable_find(state->codes, STATE_CODES, key))
		return mark_id(t, name, key);
	/* counts; who is a little late defines a mark too many */
	if (atomic_fetch_add_explicit(&state->marks, 1, memory_order_relaxed) <
	    most)
		return mark_id(t, name, key);
	atomic_store_explicit(&state->marks, most, memory_order_relaxed);
	return mark_id(t, other, hash_of(other) | CODES_MARK);
}

const _Atomic uint32_t *codes_word(uintptr_t key)
{
	static const _Atomic uint32_t none;
	struct idtable_entry *entry =
		idtable_find(state->codes, STATE_CODES, key);

	return entry ? &entry->id : &none;
}

void codes_died(uintptr_t code)
{
	if (idtable_forget(state->codes, STATE_CODES, code))
		/* tells every thread not to trust its last stack's addresses */
		atomic_fetch_add_explicit(&state->deaths, 1,
					  memory_order_release);
}
