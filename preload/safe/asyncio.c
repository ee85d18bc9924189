/* SPDX-License-Identifier: MIT */
/*
 * Reading asyncio's objects; see asyncio.h. The layouts are those of the row
 * of pyver.h. Another thread may change what is read here while it is read, so
 * nothing is believed but what tasks.c then finds in the thread's own stack.
 */
#include "safe/asyncio.h"

#include <stddef.h>
#include <string.h>

#include "safe/codes.h"
#include "safe/guard.h"
#include "safe/state.h"
#include "safe/target.h"

#define ENTRIES_MOST   (1u << 16) /* of a dictionary, to look through */
#define CALLBACKS_MOST 64	  /* of a future */
#define SET_MOST       1024	  /* places of a set */
#define CELLS_MOST     16	  /* of a function */

/* Which attribute of a TaskGroup _parent_task is, in order of __init__(). */
#define GROUP_PARENT 4

/* A word of an object; 0 if it cannot be read or the version has none. */
static uintptr_t word(uintptr_t object, int32_t offset)
{
	unsigned faults = 0;

	if (!object || (object & 7) || offset == PYVER_NONE)
		return 0;
	return guard_u64(object + (uintptr_t)offset, &faults);
}

static uint8_t byte(uintptr_t object, int32_t offset)
{
	unsigned faults = 0;

	return guard_u8(object + (uintptr_t)offset, &faults);
}

uintptr_t asyncio_type(uintptr_t object)
{
	return word(object, target.row->ob_type);
}

/* -- dictionaries -------------------------------------------------------- */

struct entries {
	uintptr_t at;
	uint32_t count; /* used and deleted ones */
	uint32_t bytes; /* of one: [hash,] key, value */
};

static uint64_t index_bytes(uintptr_t keys)
{
	const struct pyver *v = target.row;
	uint64_t size;

	if (v->dk_size == PYVER_NONE)
		return UINT64_C(1) << (byte(keys, v->dk_log2_bytes) & 63);
	size = word(keys, v->dk_size);
	return size <= 0xff ? size : size <= 0xffff ? 2 * size : 4 * size;
}

static struct entries entries_of(uintptr_t dict)
{
	const struct pyver *v = target.row;
	uintptr_t keys = word(dict, v->dict_keys);
	uint64_t count = word(keys, v->dk_nentries);
	struct entries e = { 0 };

	if (!keys || count > ENTRIES_MOST)
		return e;
	e.count = (uint32_t)count;
	e.at = keys + (uintptr_t)v->dk_indices + index_bytes(keys);
	e.bytes = v->dk_kind != PYVER_NONE && byte(keys, v->dk_kind) ? 16 : 24;
	return e;
}

static uintptr_t entry_value(const struct entries *e, uint32_t i)
{
	return word(e->at + (uintptr_t)(i + 1) * e->bytes, -8);
}

static bool is_str(uintptr_t object, const char *text)
{
	struct codes_span s;
	size_t length = strlen(text);

	return word(object, target.row->uni_length) == length &&
	       codes_read_str(object, &s) && s.kind == 1 &&
	       memcmp(s.at, text, length) == 0;
}

static uintptr_t dict_find(uintptr_t dict, const char *key)
{
	struct entries e = entries_of(dict);

	for (uint32_t i = 0; i < e.count; i++)
		if (is_str(word(e.at + (uintptr_t)(i + 1) * e.bytes, -16), key))
			return entry_value(&e, i);
	return 0;
}

/* -- who runs ------------------------------------------------------------ */

/*
 * To 3.13: _asyncio._current_tasks, {loop: task}, of the interpreter of this
 * thread state. Looked for again when modules were imported since.
 */
static uintptr_t current_tasks(uintptr_t ts)
{
	const struct pyver *v = target.row;
	uintptr_t modules = word(word(ts, v->ts_interp), v->in_modules);
	uint64_t seen = modules + entries_of(modules).count;
	uintptr_t module;

	/* publishes nothing: what is found at that address is doubted anyway */
	if (atomic_load_explicit(&state->modules_seen, memory_order_relaxed) !=
	    seen) {
		module = dict_find(modules, "_asyncio");
		atomic_store_explicit(&state->current_tasks,
				      dict_find(word(module, v->module_dict),
						"_current_tasks"),
				      memory_order_relaxed);
		atomic_store_explicit(&state->modules_seen, seen,
				      memory_order_relaxed);
	}
	return atomic_load_explicit(&state->current_tasks,
				    memory_order_relaxed);
}

uint32_t asyncio_running(uintptr_t ts, uintptr_t *tasks, uint32_t most)
{
	uint32_t n = 0;
	struct entries e;

	if (target.row->ts_running_task != PYVER_NONE) {
		tasks[0] = word(ts, target.row->ts_running_task);
		return tasks[0] != 0;
	}
	e = entries_of(current_tasks(ts));
	for (uint32_t i = 0; i < e.count && n < most; i++) {
		tasks[n] = entry_value(&e, i);
		if (tasks[n])
			n++;
	}
	return n;
}

uintptr_t asyncio_coroutine(uintptr_t task)
{
	return word(task, target.row->task_coro);
}

uintptr_t asyncio_name(uintptr_t task)
{
	return word(task, target.row->task_name);
}

/* -- who awaits ---------------------------------------------------------- */

bool asyncio_is_task(uintptr_t future, uintptr_t type)
{
	if (target.row->fut_is_task != PYVER_NONE)
		return byte(future, target.row->fut_is_task) & 1;
	return asyncio_type(future) == type;
}

/* The first member of a set; deleted ones have the hash -1. */
static uintptr_t set_first(uintptr_t set)
{
	uint64_t mask = word(set, target.row->set_mask);
	uintptr_t table = word(set, target.row->set_table);

	for (uint64_t i = 0; i <= mask && i < SET_MOST; i++) {
		uintptr_t key = word(table + 16 * i, 0);

		if (key && word(table + 16 * i, 8) != UINT64_MAX)
			return key;
	}
	return 0;
}

/* Is this C string, which may lie anywhere, that text? */
static bool is_text(uintptr_t at, const char *text)
{
	int32_t i = 0;

	do {
		if (!at || byte(at, i) != (uint8_t)text[i])
			return false;
	} while (text[i++]);
	return true;
}

/* The task whose method task_wakeup() this is. */
static uintptr_t woken(uintptr_t callback, uintptr_t type)
{
	const struct pyver *v = target.row;
	uintptr_t task = 0;

	if (v->wakeup_task != PYVER_NONE)
		task = word(callback, v->wakeup_task);
	else if (is_text(word(word(callback, v->fn_ml), v->ml_name),
			 "task_wakeup"))
		task = word(callback, v->fn_self);
	return task && asyncio_type(task) == type ? task : 0;
}

/*
 * The future that a function has in its closure: by such functions gather(),
 * wait() and shield() hand on to the one that they are awaited by.
 */
static uintptr_t closed_over(uintptr_t function, uintptr_t task_type)
{
	const struct pyver *v = target.row;
	uintptr_t future_type = word(task_type, v->tp_base);
	uintptr_t cells = word(function, v->func_closure);
	uint64_t n = word(cells, v->ob_size);

	for (uint64_t i = 0; i < n && i < CELLS_MOST; i++) {
		uintptr_t cell = word(cells + 8 * i, v->tuple_items);
		uintptr_t object = word(cell, v->cell_ref);
		uintptr_t type = asyncio_type(object);

		if (!type || type == task_type)
			continue;
		if (type == future_type ||
		    word(type, v->tp_base) == future_type)
			return object;
	}
	return 0;
}

/* The task in which a TaskGroup was entered. */
static uintptr_t group_parent(uintptr_t group, uintptr_t type)
{
	const struct pyver *v = target.row;
	uintptr_t values = 0, task;

	if (v->obj_values != PYVER_NONE)
		/* 3.12 has one less, to tell it from a dictionary */
		values = (word(group, v->obj_values) + 1) & ~(uintptr_t)1;
	else if (byte(group, v->obj_valid))
		values = group + (uintptr_t)v->obj_inline;
	task = word(values, 8 * GROUP_PARENT);
	return task && asyncio_type(task) == type ? task : 0;
}

/* To 3.13: who a callback of a future is of. */
static uintptr_t called_back(uintptr_t callback, uintptr_t type)
{
	const struct pyver *v = target.row;
	uintptr_t kind = word(asyncio_type(callback), v->tp_name);
	uintptr_t group;

	if (!callback)
		return 0;
	if (is_text(kind, "function"))
		return closed_over(callback, type);
	if (v->method_self == PYVER_NONE || !is_text(kind, "method"))
		return woken(callback, type);
	group = word(callback, v->method_self);
	return is_text(word(asyncio_type(group), v->tp_name), "TaskGroup")
		       ? group_parent(group, type)
		       : 0;
}

/* The first of them that is one: of one callback, and of a list of tuples. */
static uintptr_t awaiter_by_callbacks(uintptr_t future, uintptr_t type)
{
	const struct pyver *v = target.row;
	uintptr_t task = called_back(word(future, v->fut_callback0), type);
	uintptr_t list = word(future, v->fut_callbacks);
	uintptr_t items = word(list, v->ob_size + 8);
	uint64_t n = word(list, v->ob_size);

	for (uint64_t i = 0; !task && i < n && i < CALLBACKS_MOST; i++)
		task = called_back(word(word(items + 8 * i, 0), v->tuple_items),
				   type);
	return task;
}

uintptr_t asyncio_awaiter(uintptr_t future, uintptr_t type)
{
	const struct pyver *v = target.row;
	uintptr_t by;

	if (v->fut_awaited_by == PYVER_NONE)
		return awaiter_by_callbacks(future, type);
	by = word(future, v->fut_awaited_by);
	return by && (byte(future, v->fut_awaited_set) & 1) ? set_first(by)
							    : by;
}

/* -- coroutines ---------------------------------------------------------- */

static bool is_generator(uintptr_t object)
{
	uintptr_t type = asyncio_type(object);

	return type &&
	       (type == target.gen_types[0] || type == target.gen_types[1] ||
		type == target.gen_types[2]);
}

uintptr_t asyncio_frame(uintptr_t generator)
{
	const struct pyver *v = target.row;

	if (!is_generator(generator))
		return 0;
	return v->gen_frame != PYVER_NONE
		       ? word(generator, v->gen_frame)
		       : generator + (uintptr_t)v->gen_iframe;
}

/* What a suspended frame awaits lies at or near the top of its values. */
static uintptr_t awaited_value(uintptr_t frame)
{
	const struct pyver *v = target.row;
	uintptr_t top;
	int32_t depth;

	if (v->f_top != PYVER_NONE) {
		top = word(frame, v->f_top);
	} else {
		unsigned faults = 0;

		depth = (int32_t)guard_u32(frame + (uintptr_t)v->f_depth,
					   &faults);
		top = v->f_stack != PYVER_NONE
			      ? word(frame, v->f_stack)
			      : frame + (uintptr_t)v->f_localsplus;
		top = depth > 0 && top ? top + 8 * (uintptr_t)depth : 0;
	}
	return top ? word(top - 8 * (uintptr_t)v->f_awaited, 0) & ~(uintptr_t)7
		   : 0;
}

bool asyncio_is_suspended(uintptr_t generator)
{
	const struct pyver *v = target.row;

	return v->gen_state == PYVER_NONE ||
	       byte(generator, v->gen_state) == (uint8_t)v->gen_awaits;
}

uintptr_t asyncio_awaited(uintptr_t generator)
{
	uintptr_t object;

	if (!asyncio_is_suspended(generator))
		return 0;
	object = awaited_value(asyncio_frame(generator));
	if (is_generator(object))
		return object;
	/* asend(), athrow() and __await__() keep theirs as their first member
	 */
	object = word(object, target.row->ob_size);
	return is_generator(object) ? object : 0;
}
