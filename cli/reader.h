/* SPDX-License-Identifier: MIT */
/*
 * From the bytes of a log to its records. Trusts nothing: a log may be
 * damaged, cut off, still growing, or be cut while it is read. It is read by
 * pread() through a window, so that memory does not grow with the log (but for
 * 32 bytes a chunk) and no fault can come of a file that shrinks.
 *
 * The reader knows where records begin and end; what they mean is load.c's.
 */
#ifndef READER_H
#define READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pyprof/compiler.h"
#include "pyprof/format.h"
#include "util/die.h"

/* A record, as long as the reader stands on it. */
struct record {
	unsigned type; /* enum pp_record, or a type of a later minor version */
	const uint8_t *body;
	size_t size;
	uint64_t offset;      /* of its first byte in the file */
	uint64_t body_offset; /* of its body's */
};

/* A part of the log that could not be read. */
struct damage {
	uint64_t offset;
	uint64_t bytes; /* what was lost */
	const char *why;
};

/* A chunk, or (why set) a part of the file that is none. */
struct chunk_ref {
	uint64_t offset;
	uint32_t size;
	uint32_t used;
	const char *why;
};

/* How far the chunks of a growing log are read. */
enum reader_limit {
	READER_OPENED, /* as far as they reached at reader_open() */
	READER_LATEST, /* as far as they reach now */
};

struct reader {
	int fd;
	struct pp_header header; /* checked: this log can be read */
	uint64_t size;		 /* of the file at reader_open() */
	struct damage damage;	 /* valid after reader_next() gave -1 */
	uint64_t skipped;	 /* records of unknown type, this pass */
	uint64_t records;	 /* records of known type, this pass */
	size_t chunk;		 /* number of this one's chunk, from 1 */

	/* Private. */
	struct chunk_ref *chunks;
	size_t chunk_count, chunk_room;
	enum reader_limit limit;
	uint64_t at;	 /* offset of the next record */
	uint64_t end;	 /* where this chunk's records end, it says */
	uint8_t *window; /* a copy of the file from window_at on */
	size_t window_room;
	size_t window_fill;
	uint64_t window_at;
};

/*
 * Open a file that may be a log, and be it a FIFO, without waiting.
 *
 * Returns the descriptor, or -1 with *err filled; *err does not name the path,
 * here and below.
 */
int reader_open_file(const char *path, struct err *err) PP_MUST_CHECK;

/*
 * Check a log's header and find its chunks. The descriptor is the reader's
 * from here on, also on failure.
 *
 * Returns 0, or -1 with *err filled when this is no log that can be read.
 */
int reader_open_fd(struct reader *r, int fd, struct err *err) PP_MUST_CHECK;

void reader_close(struct reader *r);

/* Begin again at the first record. */
void reader_rewind(struct reader *r, enum reader_limit limit);

/*
 * Take the next record of the log.
 *
 * Returns 1 with *rec filled, 0 at the end, -1 with r->damage filled where a
 * part of the log cannot be read; the next call goes on behind that part.
 * rec->body lives until the next call. Records of a type that this build does
 * not know are passed over, and counted in r->skipped.
 */
int reader_next(struct reader *r, struct record *rec) PP_MUST_CHECK;

/*
 * The caller found that `rec`, the last record taken, makes no sense: fill
 * r->damage for it and leave out the rest of its chunk, now and whenever the
 * log is read again.
 */
void reader_refuse(struct reader *r, const struct record *rec, const char *why);

/*
 * The numbers of a record's body, one after the other. What runs over the end
 * of the body, or is longer than 64 bits, is 0 and sets `bad`.
 */
struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct cursor record_cursor(const struct record *rec)
{
	return (struct cursor){ rec->body, rec->body + rec->size, false };
}

/* Numbers of two bytes and more, and the end of the body. */
uint64_t cursor_long_number(struct cursor *c);

static inline uint64_t cursor_number(struct cursor *c)
{
	if (PP_LIKELY(c->at < c->end && *c->at < 0x80))
		return *c->at++;
	return cursor_long_number(c);
}

/* A number that must fit 32 bits, as ids do. */
static inline uint32_t cursor_id(struct cursor *c)
{
	uint64_t number = cursor_number(c);

	c->bad |= number > UINT32_MAX;
	return (uint32_t)number;
}

/* A zigzag number, as what it adds modulo 2^64. */
static inline uint64_t cursor_signed(struct cursor *c)
{
	uint64_t number = cursor_number(c);

	return number >> 1 ^ -(number & 1);
}

/* One byte as it is. */
static inline uint8_t cursor_byte(struct cursor *c)
{
	c->bad |= c->at == c->end;
	return c->bad ? 0 : *c->at++;
}

/*
 * Go on to structs that lie where the file has a multiple of `align` bytes:
 * PP_TABLE_ALIGN of a table, PP_OFF_ALIGN of an OFF.
 */
void cursor_align(struct cursor *c, const struct record *rec, size_t align);

/* The struct of an OFF, and go on behind it; all zeros if it is not there. */
struct pp_off cursor_off(struct cursor *c, const struct record *rec);

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

#endif
