/* SPDX-License-Identifier: MIT */
/* Plays the stacks of a log as far as it takes to know equal ones. */
#include "logstat.h"

#include <stdlib.h>

#define RECORD_HEAD  2u /* type and a length below 128 */
#define STATE_BYTES  1u
#define INDEX_BYTES  2u

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
	uint32_t found = table_find(&s->thread_table, hash, has_thread, s,
				    &thread);

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

/* Bring the stack up to date; the hash of all of it, never 0. */
static uint64_t play_stack(struct logstat *s, struct cursor *c)
{
	uint64_t pop = cursor_number(c), hash;

	s->depth -= pop < s->depth ? (size_t)pop : s->depth;
	hash = s->depth ? s->stack[s->depth - 1] : 1;
	while (c->at < c->end) {
		hash = hash_join(hash, cursor_number(c));
		hash = hash_join(hash, cursor_number(c)) | 1;
		s->stack = must_grow(s->stack, s->depth, &s->room,
				     sizeof(*s->stack));
		s->stack[s->depth++] = hash;
	}
	return hash;
}

static void add_sample(struct logstat *s, const struct record *rec,
		       uint64_t bytes)
{
	struct cursor c = record_cursor(rec);
	const uint8_t *clocks = ++c.at;
	uint64_t clock_bytes, hash, *known;

	s->samples++;
	s->sample_bytes += bytes;
	s->cached_bytes += bytes;
	if (!s->open)
		return;
	cursor_number(&c);
	cursor_number(&c);
	clock_bytes = (uint64_t)(c.at - clocks);
	hash = play_stack(s, &c);
	known = &s->threads[s->thread].hashes[hash / 2 % KNOWN_STACKS];
	if (*known == hash) {
		s->repeated++;
		s->cached_bytes -= bytes;
		s->cached_bytes += RECORD_HEAD + STATE_BYTES + clock_bytes +
				   INDEX_BYTES;
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
	else if (rec->type == PP_STRING || rec->type == PP_CODE ||
		 rec->type == PP_LINES)
		s->definition_bytes += bytes;
}
