/* SPDX-License-Identifier: MIT */
/*
 * Small records of numbers and bytes. Samples are written by sample.c itself.
 */
#include "safe/record.h"

#include <string.h>

#include "safe/chunk.h"
#include "safe/ring.h"

/*
 * With --ring, what later samples build on must outlive those it was written
 * with.
 */
static bool is_kept(enum pp_record type)
{
	return ring_is_on() && type != PP_SAMPLE && type != PP_LOST;
}

uint32_t frames_bytes(const struct frame *frames, uint32_t depth)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < depth; i++)
		n += varint_bytes(frames[i].id) + varint_bytes(frames[i].line);
	return n;
}

uint8_t *put_frames(uint8_t *p, const struct frame *frames, uint32_t depth)
{
	for (uint32_t i = depth; i > 0; i--) {
		p = put_varint(p, frames[i - 1].id);
		p = put_varint(p, frames[i - 1].line);
	}
	return p;
}

int record_write(struct thread *t, enum pp_record type, const uint64_t *numbers,
		 uint32_t count, const void *bytes, uint32_t length)
{
	uint32_t body = length;
	uint32_t whole;
	uint8_t *p;

	for (uint32_t i = 0; i < count; i++)
		body += varint_bytes(numbers[i]);
	whole = 1 + varint_bytes(body) + body;
	p = is_kept(type) ? chunk_reserve_kept(t, whole)
			  : chunk_reserve(t, whole);
	if (!p)
		return -1;
	*p++ = (uint8_t)type;
	p = put_varint(p, body);
	for (uint32_t i = 0; i < count; i++)
		p = put_varint(p, numbers[i]);
	if (length)
		memcpy(p, bytes, length);
	if (is_kept(type))
		chunk_commit_kept(t, whole);
	else
		chunk_commit(t, whole);
	return 0;
}

int record_announce(struct thread *into, struct thread *t)
{
	uint64_t numbers[5];
	int no = 0;

	/* the ticker or the thread itself, whoever comes first */
	if (atomic_load_explicit(&t->announced, memory_order_relaxed) ||
	    !atomic_compare_exchange_strong_explicit(&t->announced, &no, 1,
						     memory_order_relaxed,
						     memory_order_relaxed))
		return 0;
	numbers[0] = t->number;
	numbers[1] = 0;
	if (t->kind != PP_THREAD_OWN)
		numbers[1] = (uint64_t)atomic_load_explicit(
			&t->tid, memory_order_relaxed);
	numbers[2] = t->kind;
	numbers[3] = record_units(t->opened_ns);
	numbers[4] = record_units(t->opened_cpu_ns);
	if (record_write(into, PP_THREAD, numbers, 5, NULL, 0) < 0) {
		atomic_store_explicit(&t->announced, 0, memory_order_relaxed);
		return -1;
	}
	return 0;
}

int record_thread_end(struct thread *into, uint32_t number, uint64_t time_ns,
		      uint64_t cpu_ns)
{
	uint64_t numbers[3] = { number, record_units(time_ns),
				record_units(cpu_ns) };

	return record_write(into, PP_THREAD_END, numbers, 3, NULL, 0);
}
