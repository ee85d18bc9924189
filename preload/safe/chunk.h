/* SPDX-License-Identifier: MIT */
/*
 * Chunks of the log: mapping them, writing records into them. A chunk is in
 * one thread's hands at a time. What is between the end of `used` and the end
 * of the chunk is nobody's yet: a record becomes part of the log when
 * chunk_commit() stores the new length, all at once. Handler, or any thread
 * with the sampling signal blocked.
 */
#ifndef SAFE_CHUNK_H
#define SAFE_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pyprof/compiler.h"
#include "pyprof/format.h"

struct thread;
struct pp_chunk;

#define CHUNK_FIRST_BYTES (16u << 10)
#define CHUNK_BYTES	  (256u << 10)
#define CHUNK_TABLE_MOST  (8u << 20) /* of chunk_table() */

/* A mapped chunk; base NULL: none. */
struct chunk {
	uint8_t *base; /* struct pp_chunk lies there */
	uint32_t size;
	uint32_t used;
};

/*
 * Room for a record of so many bytes, at the end of the thread's chunk. Goes
 * on to the chunk ahead, or to a first one, and writes its OWNER record, where
 * that is needed. NULL if there is no room: nothing has changed then.
 */
uint8_t *chunk_reserve(struct thread *t, uint32_t bytes) PP_MUST_CHECK;

/* The record that was written there is part of the log from now on. */
void chunk_commit(struct thread *t, uint32_t bytes);

/*
 * The same two for a record that is to outlive the samples, see ring.h: it goes
 * into a chunk of the thread's that holds nothing else. Does not count t->maps.
 */
uint8_t *chunk_reserve_kept(struct thread *t, uint32_t bytes) PP_MUST_CHECK;
void chunk_commit_kept(struct thread *t, uint32_t bytes);

/* How many bytes chunk_reserve() would find without another chunk. */
uint32_t chunk_room(const struct thread *t);

/*
 * Map the next chunk if half of this one is used. Like chunk_reserve(), it
 * counts t->maps down, which bounds what one run of the handler maps.
 */
void chunk_look_ahead(struct thread *t);

/*
 * Map a chunk of `size` bytes (whole pages) that is one table of the log, of
 * the thread's: EDGES, LINES or OPEN. Returns where its structs begin, zeros
 * up to the end of the chunk; NULL if there is no room. It is no part of the
 * log before chunk_table_begin(), and stays mapped until chunk_table_leave().
 * Counts t->maps down. number is that of the first edge. The sampling signal
 * must be blocked.
 */
uint8_t *chunk_table(struct thread *t, enum pp_record type, uint32_t number,
		     uint32_t size, struct chunk *c) PP_MUST_CHECK;
void chunk_table_begin(struct chunk *c);
void chunk_table_leave(struct chunk *c);

/* The thread ends: leave what is left to the next one. */
void chunk_leave(struct thread *t);

/* Does an address lie in a mapping of the log, a chunk's or the header's? */
bool chunk_is_log(uintptr_t address);

/* Stop the log's growth for a reason, enum pp_ended; the first one counts. */
void chunk_stop_growth(uint32_t reason);

#endif
