/* SPDX-License-Identifier: MIT */
/*
 * Records under construction: a cursor that writes varints and bytes. The
 * caller has made room for the most that can come. Any context.
 */
#ifndef SAFE_RECORD_H
#define SAFE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "pyprof/format.h"
#include "safe/thread.h"

/* The most bytes that a record's type and length take. */
#define RECORD_HEAD 6

static inline uint8_t *put_varint(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

/* The unsigned number that a zigzag varint is written as. */
static inline uint64_t zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

/* How many bytes put_varint() writes. */
static inline uint32_t varint_bytes(uint64_t v)
{
	uint32_t n = 1;

	for (; v >= 0x80; v >>= 7)
		n++;
	return n;
}

/*
 * Frames as a record has them: (code, line) pairs, the root first. The array
 * is leaf first, as a walk leaves it.
 */
uint32_t frames_bytes(const struct frame *frames, uint32_t depth);
uint8_t *put_frames(uint8_t *p, const struct frame *frames, uint32_t depth);

/* The log's unit of time, rounded down: differences of these add up. */
static inline uint64_t record_units(uint64_t ns)
{
	return ns / PP_UNIT_NS;
}

/*
 * Write one record of numbers, then bytes (may be 0 of them), into the
 * thread's log. Returns 0, or -1 if there is no room.
 */
int record_write(struct thread *t, enum pp_record type, const uint64_t *numbers,
		 uint32_t count, const void *bytes,
		 uint32_t length) PP_MUST_CHECK;

/*
 * The THREAD record of t, once, before its first other record; into its own
 * log or that of whoever closes its account.
 */
int record_announce(struct thread *into, struct thread *t) PP_MUST_CHECK;

/* THREAD_END for a thread, into the log of another or of itself. */
int record_thread_end(struct thread *into, uint32_t number, uint64_t time_ns,
		      uint64_t cpu_ns) PP_MUST_CHECK;

#endif
