/* SPDX-License-Identifier: MIT */
/*
 * What a log spends its bytes on, and what it would spend if the writer had a
 * small cache of known stacks for each thread: direct-mapped, KNOWN_STACKS
 * entries, where a sample of a known stack costs its head, state, dt and dcpu
 * and an index of two bytes.
 */
#ifndef LOGSTAT_H
#define LOGSTAT_H

#include "reader.h"
#include "util/table.h"

#define KNOWN_STACKS 1024u

struct known_stacks;
struct hashed_frame;

struct logstat {
	uint64_t records, bytes;
	uint64_t samples, sample_bytes, definition_bytes;
	uint64_t repeated;     /* samples that are smaller with the cache */
	uint64_t cached_bytes; /* of the samples, with the cache */

	/* Private: the stack of the segment, as hashes of its prefixes. */
	struct hashed_frame *stack;
	size_t depth, room;
	struct known_stacks *threads;
	size_t thread_count, thread_room;
	struct table thread_table;
	size_t thread; /* of the segment */
	bool open;
};

/* A logstat of all zeros is empty and ready. */
void logstat_done(struct logstat *s);

/* Count in a record; `bytes` is all that it takes in the file. */
void logstat_add(struct logstat *s, const struct record *rec, uint64_t bytes);

#endif
