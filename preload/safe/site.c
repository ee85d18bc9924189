/* SPDX-License-Identifier: MIT */
/*
 * The FORK record, see site.h and format.h.
 */
#include "safe/site.h"

#include "safe/chunk.h"
#include "safe/record.h"
#include "safe/sample.h"
#include "safe/target.h"
#include "safe/walk.h"

/* The frames of the calling thread, named; none if they cannot be read. */
static void find_frames(struct thread *t, struct stack *s)
{
	uint64_t deaths = t->deaths_seen;
	uintptr_t ts = walk_thread_state();

	if (!ts || walk(ts, 0, s) != 0)
		s->depth = 0;
	sample_name_frames(t, s);
	/* the last stack stays, and has not been looked through */
	t->deaths_seen = deaths;
}

static uint32_t body_bytes(struct thread *t, const struct stack *s,
			   const uint64_t numbers[2])
{
	uint32_t n = varint_bytes(numbers[0]) + varint_bytes(numbers[1]);

	for (uint32_t i = 0; i < s->depth; i++)
		n += varint_bytes(t->now[i].id) + varint_bytes(t->now[i].line);
	return n;
}

int site_write(struct thread *t, int pid, uint64_t time_ns)
{
	struct stack s = { .frames = t->now,
			   .capacity = target.settings.max_depth };
	uint64_t numbers[2] = { (uint64_t)pid, record_units(time_ns) };
	uint32_t body;
	uint8_t *p, *start;

	t->maps = 1;
	if (record_announce(t, t) < 0)
		return -1;
	find_frames(t, &s);
	body = body_bytes(t, &s, numbers);
	start = p = chunk_reserve(t, RECORD_HEAD + body);
	if (!p)
		return -1;
	*p++ = PP_FORK;
	p = put_varint(p, body);
	p = put_varint(p, numbers[0]);
	p = put_varint(p, numbers[1]);
	for (uint32_t i = s.depth; i > 0; i--) {
		p = put_varint(p, t->now[i - 1].id);
		p = put_varint(p, t->now[i - 1].line);
	}
	chunk_commit(t, (uint32_t)(p - start));
	chunk_look_ahead(t);
	return 0;
}
