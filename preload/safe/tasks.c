/* SPDX-License-Identifier: MIT */
/* Tasks in stacks; see tasks.h. */
#include "safe/tasks.h"

#include <string.h>

#include "safe/asyncio.h"
#include "safe/codes.h"
#include "safe/guard.h"
#include "safe/target.h"

#define TASKS_MOST 16	/* running, of several loops */
#define CHAIN_MOST 64	/* futures, from the running task to the outermost */
#define NAME_CHARS 100	/* longer names are cut */
#define NAMES_MOST 4096 /* in a log: further ones are plain <task> */

/* -- names --------------------------------------------------------------- */

/* Characters of one width: 1, 2 or 4 bytes, as in a STRING. */
struct name {
	uint32_t kind;
	uint32_t length; /* bytes */
	uint32_t room[NAME_CHARS + 8];
};

static void add_char(struct name *n, uint32_t c)
{
	uint8_t *to = (uint8_t *)n->room + n->length;

	if (n->length + n->kind > sizeof(n->room))
		return;
	/* least byte first, as the log has it */
	for (uint32_t i = 0; i < n->kind; i++)
		*to++ = (uint8_t)(c >> 8 * i);
	n->length += n->kind;
}

static void add_text(struct name *n, const char *text)
{
	while (*text)
		add_char(n, (uint8_t)*text++);
}

static void add_span(struct name *n, struct codes_span *s)
{
	if (s->length > NAME_CHARS * s->kind)
		s->length = NAME_CHARS * s->kind;
	memcpy((uint8_t *)n->room + n->length, s->at, s->length);
	n->length += s->length;
}

/* From 3.12 on asyncio keeps the number alone of a name that it makes up. */
static bool add_number(struct name *n, uintptr_t object)
{
	const struct pyver *v = target.row;
	char digits[21] = { 0 };
	size_t i = sizeof(digits) - 1;
	unsigned faults = 0;
	uint64_t tag, number;

	if (v->long_digit == PYVER_NONE ||
	    asyncio_type(object) != target.long_type)
		return false;
	tag = guard_u64(object + (unsigned)v->ob_size, &faults) >> 3;
	number = guard_u32(object + (unsigned)v->long_digit, &faults);
	if (tag > 1)
		number |= (uint64_t)guard_u32(
				  object + (unsigned)v->long_digit + 4, &faults)
			  << 30;
	do {
		digits[--i] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	add_text(n, "Task-");
	add_text(n, digits + i);
	return faults == 0;
}

static void name_of(uintptr_t task, struct name *n)
{
	uintptr_t object = asyncio_name(task);
	struct codes_span s;

	n->kind = 1;
	n->length = 0;
	if (asyncio_type(object) == target.unicode_type &&
	    codes_read_str(object, &s)) {
		n->kind = s.kind;
		add_text(n, "<task ");
		add_span(n, &s);
		add_char(n, '>');
		return;
	}
	add_text(n, "<task ");
	if (!add_number(n, object))
		add_char(n, '?');
	add_char(n, '>');
}

/* The id of a task's mark: one each name, while there are not too many. */
static uint32_t mark_of(struct thread *t, uintptr_t task)
{
	static const struct codes_span other = { (const uint8_t *)"<task>", 6,
						 1 };
	struct name n;
	struct codes_span s;

	name_of(task, &n);
	s = (struct codes_span){ (const uint8_t *)n.room, n.length, n.kind };
	return codes_id_of_mark(t, &s, &other, NAMES_MOST);
}

/* -- frames -------------------------------------------------------------- */

static bool add_mark(struct thread *t, struct stack *s, uintptr_t task)
{
	if (s->depth == s->capacity)
		return false;
	s->frames[s->depth++] = (struct frame){
		.code = CODES_MARK,
		.id = mark_of(t, task),
	};
	return true;
}

static void reverse(struct frame *frames, uint32_t n)
{
	for (uint32_t i = 0; i < n / 2; i++) {
		struct frame f = frames[i];

		frames[i] = frames[n - 1 - i];
		frames[n - 1 - i] = f;
	}
}

/* Where a task that awaits stands, and its mark: leaf first, as the rest. */
static bool add_awaiting(struct thread *t, struct stack *s, uintptr_t task)
{
	uint32_t first = s->depth;
	uintptr_t generator = asyncio_coroutine(task), frame;

	if (!asyncio_is_suspended(generator))
		return false;
	for (; generator; generator = asyncio_awaited(generator)) {
		frame = asyncio_frame(generator);
		if (!frame || walk_add(frame, s) <= 0)
			return false;
	}
	reverse(s->frames + first, s->depth - first);
	return add_mark(t, s, task);
}

/* The tasks that await the running one, behind the root. */
static bool add_awaiters(struct thread *t, struct stack *s, uintptr_t task)
{
	uintptr_t type = asyncio_type(task), future = task;

	for (int i = 0; i < CHAIN_MOST; i++) {
		future = asyncio_awaiter(future, type);
		if (!future || future == task)
			return true;
		if (asyncio_is_task(future, type) &&
		    !add_awaiting(t, s, future))
			return false;
	}
	return true;
}

/* Bring what was added behind the root to its place above `base` frames. */
static void move_up(struct stack *s, uint32_t base, uint32_t walked)
{
	reverse(s->frames + base, walked - base);
	reverse(s->frames + walked, s->depth - walked);
	reverse(s->frames + base, s->depth - base);
}

int tasks_walk(struct thread *t, uintptr_t ts, uintptr_t pc, struct stack *s)
{
	uintptr_t tasks[TASKS_MOST], frames[TASKS_MOST];
	uint32_t walked;
	int lost;

	if (!target.settings.tasks)
		return walk(ts, pc, s);
	s->watch = frames;
	s->watch_count = asyncio_running(ts, tasks, TASKS_MOST);
	for (uint32_t i = 0; i < s->watch_count; i++)
		frames[i] = asyncio_frame(asyncio_coroutine(tasks[i]));
	lost = walk(ts, pc, s);
	walked = s->depth;
	if (lost || s->truncated || s->seen >= s->watch_count)
		return lost;
	if (!add_mark(t, s, tasks[s->seen]))
		return 0;
	if (!add_awaiters(t, s, tasks[s->seen])) {
		/* who awaits is told whole or not at all */
		s->depth = walked + 1;
		s->truncated = false;
		s->mended += s->faults;
		s->faults = 0;
	}
	move_up(s, s->seen_at + 1, walked);
	return 0;
}
