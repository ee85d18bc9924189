/* SPDX-License-Identifier: MIT */
/* Plays the stacks of a log as far as it takes to know equal ones. */
#include "logstat.h"

#include <stdlib.h>

#include "util/die.h"

#define RECORD_HEAD 2u /* type and a length below 128 */
#define STATE_BYTES 1u
#define INDEX_BYTES 2u

/* A frame: what identifies the stack up to it, and its code. */
struct hashed_frame {
	uint64_t hash, code;
};

/* A thread's cache: hashes of stacks, 0 where there is none. */
struct known_stacks {
	uint64_t thread;
	uint64_t hashes[KNOWN_STACKS];
};

void logstat_done(struct logstat *s)
{
	free(s->stack);
	free(s->threads);
	table_done(&s->thread_table);
}

static bool has_thread(const void *owner, uint32_t index, const void *key)
{
	const struct logstat *s = owner;

	return s->threads[index].thread == *(const uint64_t *)key;
}

static size_t obtain_thread(struct logstat *s, uint64_t thread)
{
	uint64_t hash = hash_number(thread);
	uint32_t found =
		table_find(&s->thread_table, hash, has_thread, s, &thread);

	if (found != TABLE_NONE)
		return found;
	s->threads = must_grow(s->threads, s->thread_count, &s->thread_room,
			       sizeof(*s->threads));
	s->threads[s->thread_count] = (struct known_stacks){ .thread = thread };
	table_add(&s->thread_table, hash, (uint32_t)s->thread_count);
	return s->thread_count++;
}

static void begin_segment(struct logstat *s, const struct record *rec)
{
	struct cursor c = record_cursor(rec);

	s->thread = obtain_thread(s, cursor_number(&c));
	s->depth = 0;
	s->open = true;
}

/* The hash of a stack whose root side has `hash`, never 0. */
static uint64_t push_frame(struct logstat *s, uint64_t code, uint64_t line)
{
	uint64_t hash = s->depth ? s->stack[s->depth - 1].hash : 1;

	hash = hash_join(hash_join(hash, code), line) | 1;
	s->stack = must_grow(s->stack, s->depth, &s->room, sizeof(*s->stack));
	s->stack[s->depth++] = (struct hashed_frame){ hash, code };
	return hash;
}

/* Bring the stack up to date; the hash of all of it. */
static uint64_t play_stack(struct logstat *s, uint64_t lead, struct cursor *c)
{
	uint64_t pop = lead >> PP_LEAD_SHIFT, hash, code;

	if (pop > s->depth || (lead & PP_LEAD_SAME && !pop))
		return 1;
	s->depth -= (size_t)pop;
	hash = s->depth ? s->stack[s->depth - 1].hash : 1;
	if (lead & PP_LEAD_SAME)
		hash = push_frame(s, s->stack[s->depth].code, cursor_number(c));
	while (c->at < c->end) {
		code = cursor_number(c);
		hash = push_frame(s, code, cursor_number(c));
	}
	return hash;
}

static void add_sample(struct logstat *s, const struct record *rec,
		       uint64_t bytes)
{
	struct cursor c = record_cursor(rec);
	uint64_t lead, head_bytes, hash, *known;

	s->samples++;
	s->sample_bytes += bytes;
	s->cached_bytes += bytes;
	if (!s->open)
		return;
	lead = cursor_number(&c);
	cursor_number(&c); /* dcpu */
	cursor_number(&c); /* dt */
	if (lead & PP_LEAD_STATE)
		cursor_byte(&c);
	head_bytes = RECORD_HEAD + rec->size - cursor_left(&c);
	hash = play_stack(s, lead, &c);
	known = &s->threads[s->thread].hashes[hash / 2 % KNOWN_STACKS];
	if (*known == hash && head_bytes + INDEX_BYTES < bytes) {
		s->cached_bytes -= bytes - head_bytes - INDEX_BYTES;
		s->repeated++;
	}
	*known = hash;
}

void logstat_add(struct logstat *s, const struct record *rec, uint64_t bytes)
{
	s->records++;
	s->bytes += bytes;
	if (rec->type == PP_SAMPLE)
		add_sample(s, rec, bytes);
	else if (rec->type == PP_OWNER)
		begin_segment(s, rec);
	else if (rec->type == PP_STRING || rec->type == PP_CODE)
		s->definition_bytes += bytes;
}
