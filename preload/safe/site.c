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
	/* the child counts also where the stack cannot be read */
	(void)!sample_look(t, 0, &s);
	body = varint_bytes(numbers[0]) + varint_bytes(numbers[1]) +
	       frames_bytes(t->now, s.depth);
	start = p = chunk_reserve(t, RECORD_HEAD + body);
	if (!p)
		return -1;
	*p++ = PP_FORK;
	p = put_varint(p, body);
	p = put_varint(p, numbers[0]);
	p = put_varint(p, numbers[1]);
	p = put_frames(p, t->now, s.depth);
	chunk_commit(t, (uint32_t)(p - start));
	chunk_look_ahead(t);
	return 0;
}
