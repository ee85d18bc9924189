/* SPDX-License-Identifier: MIT */
/* DUMP records and what defines their frames; see stacks.h. */
#include "stacks.h"

#include <stdlib.h>

#include "reader.h"

static void take_frames(struct stacks *s, struct dumped *d, struct cursor *c)
{
	while (c->at < c->end && !c->bad) {
		uint32_t code = cursor_id(c), line = cursor_id(c);

		d->frames = must_grow(d->frames, d->depth, &d->room,
				      sizeof(*d->frames));
		d->frames[d->depth++] = codes_place(&s->codes, code, line);
	}
}

/* The place of a thread's stack; a second one of a thread is in its place. */
static struct dumped *obtain(struct stacks *s, uint64_t tid)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		if (s->threads[i].tid != tid)
			continue;
		s->threads[i].depth = 0;
		return &s->threads[i];
	}
	s->threads =
		must_grow(s->threads, s->count, &s->room, sizeof(*s->threads));
	s->threads[s->count] = (struct dumped){ .tid = tid };
	return &s->threads[s->count++];
}

static int take_dump(struct stacks *s, const struct record *rec,
		     uint32_t serial)
{
	struct cursor c = record_cursor(rec);
	uint64_t number = cursor_number(&c), tid = cursor_number(&c);
	struct dumped *d;

	if (number != serial)
		return 0;
	d = obtain(s, tid);
	cursor_number(&c); /* time */
	d->state = cursor_number(&c);
	take_frames(s, d, &c);
	return c.bad ? -1 : 0;
}

/* One pass over the log: definitions, or (serial not 0) what builds on them. */
static void read_pass(struct stacks *s, struct reader *r, uint32_t serial)
{
	struct record rec;
	int got, result;

	reader_rewind(r, READER_LATEST);
	while ((got = reader_next(r, &rec))) {
		result = 0;
		if (got > 0 && !serial)
			result = codes_define(&s->codes, &rec);
		else if (got > 0 && rec.type == PP_DUMP)
			result = take_dump(s, &rec, serial);
		if (result < 0)
			reader_refuse(r, &rec, "a record makes no sense");
	}
}

static int by_tid(const void *a, const void *b)
{
	uint64_t one = ((const struct dumped *)a)->tid;
	uint64_t other = ((const struct dumped *)b)->tid;

	return (one > other) - (one < other);
}

int stacks_read(struct stacks *s, int fd, uint32_t serial, struct err *err)
{
	struct reader r;

	*s = (struct stacks){ 0 };
	profile_init(&s->profile);
	codes_init(&s->codes, &s->profile);
	if (reader_open_fd(&r, fd, err) < 0)
		return -1;
	read_pass(s, &r, 0);
	read_pass(s, &r, serial);
	reader_close(&r);
	if (s->count)
		qsort(s->threads, s->count, sizeof(*s->threads), by_tid);
	return 0;
}

void stacks_done(struct stacks *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		free(s->threads[i].frames);
	free(s->threads);
	codes_done(&s->codes);
	profile_done(&s->profile);
}

const struct dumped *stacks_of(const struct stacks *s, uint64_t tid)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (s->threads[i].tid == tid)
			return &s->threads[i];
	return NULL;
}
