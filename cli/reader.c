/* SPDX-License-Identifier: MIT */
/*
 * Finds the chunks of a log when it is opened, then walks their records.
 * doc/format.md says what is a chunk, what is damage and what is lost by it.
 */
#define _GNU_SOURCE /* SEEK_DATA */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_BYTES	 ((size_t)256 << 10)
#define RECORD_HEAD_MAX	 (1 + PP_VARINT_MAX)
#define RECORD_BYTES_MAX ((size_t)16 << 20)

static const uint8_t record_least[] = {
#define X(number, name, least) [number] = (least),
	PP_RECORDS(X)
#undef X
};

uint64_t cursor_long_number(struct cursor *c)
{
	uint64_t number = 0;
	unsigned shift;

	for (shift = 0; shift < 64 && c->at < c->end; shift += 7) {
		number |= (uint64_t)(*c->at & 0x7f) << shift;
		if (*c->at++ < 0x80)
			return number;
	}
	c->bad = true;
	c->at = c->end;
	return 0;
}

void cursor_align(struct cursor *c, const struct record *rec, size_t align)
{
	uint64_t at = rec->body_offset + (uint64_t)(c->at - rec->body);
	size_t gap = (size_t)(-at % align);

	c->bad |= gap > cursor_left(c);
	c->at = c->bad ? c->end : c->at + gap;
}

struct pp_off cursor_off(struct cursor *c, const struct record *rec)
{
	struct pp_off off = { 0 };

	cursor_align(c, rec, PP_OFF_ALIGN);
	c->bad |= cursor_left(c) < sizeof(off);
	if (c->bad)
		return off;
	memcpy(&off, c->at, sizeof(off));
	c->at += sizeof(off);
	return off;
}

/* Read up to `bytes` at `offset`; what is not there is short, as at the end. */
static size_t read_at(int fd, void *to, size_t bytes, uint64_t offset)
{
	size_t done = 0;
	ssize_t n;

	while (done < bytes) {
		n = pread(fd, (char *)to + done, bytes - done,
			  (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

/*
 * The header.
 */

static int check_header(const struct pp_header *h, struct err *err)
{
	if (h->order != PP_ORDER)
		return err_set(err,
			       "written in another byte order, 0x%08x instead "
			       "of 0x%08x; try the machine that wrote it",
			       h->order, PP_ORDER);
	if (h->major != PP_MAJOR)
		return err_set(err,
			       "format %u.%u, but this is a reader of format "
			       "%u; try a newer pyprof-report",
			       h->major, h->minor, PP_MAJOR);
	if (h->header_bytes < PP_HEADER_BYTES || h->header_bytes % PP_PAGE)
		return err_set(err, "damaged header: it says to be %u bytes",
			       h->header_bytes);
	if (!h->unit_ns)
		return err_set(err, "damaged header: its time unit is 0");
	return 0;
}

static int read_header(struct reader *r, struct err *err)
{
	struct pp_header *h = &r->header;
	size_t got = read_at(r->fd, h, sizeof(*h), 0);

	if (!got)
		return err_set(err, "empty file");
	if (got < sizeof(h->magic) ||
	    memcmp(h->magic, PP_MAGIC, sizeof(h->magic)) != 0)
		return err_set(err, "not a pyprof log");
	if (got < sizeof(*h) || r->size < PP_HEADER_BYTES)
		return err_set(err,
			       "cut off within its header, after %llu bytes",
			       (unsigned long long)r->size);
	if (h->minor < 1)
		memset(&h->trace, 0,
		       sizeof(*h) - offsetof(struct pp_header, trace));
	return check_header(h, err);
}

/*
 * Finding the chunks.
 */

/* Whether a chunk begins at `offset`; *c is filled as far as it is there. */
static bool chunk_is_at(const struct reader *r, uint64_t offset,
			struct pp_chunk *c)
{
	memset(c, 0, sizeof(*c));
	if (read_at(r->fd, c, sizeof(*c), offset) < sizeof(*c))
		return false;
	return c->magic == PP_CHUNK_MAGIC && c->size >= PP_PAGE &&
	       c->size % PP_PAGE == 0 && c->used >= sizeof(*c) &&
	       c->used <= c->size;
}

static bool page_is_zero(const struct reader *r, uint64_t offset)
{
	static const uint8_t zero[PP_PAGE];
	uint8_t page[PP_PAGE];
	size_t got = read_at(r->fd, page, sizeof(page), offset);

	return memcmp(page, zero, got) == 0;
}

/* The next page at or after `offset` that is no hole of the file. */
static uint64_t skip_hole(const struct reader *r, uint64_t offset)
{
	off_t data = lseek(r->fd, (off_t)offset, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? r->size : offset;
	return (uint64_t)data > offset ? (uint64_t)data / PP_PAGE * PP_PAGE
				       : offset;
}

static void add_chunk(struct reader *r, uint64_t offset,
		      const struct pp_chunk *c, const char *why)
{
	r->chunks = must_grow(r->chunks, r->chunk_count, &r->chunk_room,
			      sizeof(*r->chunks));
	r->chunks[r->chunk_count++] = (struct chunk_ref){
		.offset = offset,
		.size = c->size,
		.used = c->used,
		.why = why,
	};
}

/*
 * Where the chunk at `offset` ends. Within the unused rest of a chunk there
 * cannot be another one; if there is, then the size is damaged.
 */
static uint64_t chunk_end(const struct reader *r, uint64_t offset,
			  const struct pp_chunk *c)
{
	uint64_t end = offset + c->size, used = c->used, at;
	struct pp_chunk other;

	at = offset + (used + PP_PAGE - 1) / PP_PAGE * PP_PAGE;
	for (; at < end && at < r->size; at += PP_PAGE)
		if (chunk_is_at(r, at, &other))
			return at;
	return end;
}

/* The end of what is no chunk and begins at `offset`. */
static uint64_t find_chunk(const struct reader *r, uint64_t offset)
{
	struct pp_chunk c;

	do
		offset = skip_hole(r, offset + PP_PAGE);
	while (offset < r->size && !chunk_is_at(r, offset, &c));
	return offset < r->size ? offset : r->size;
}

static void add_damage(struct reader *r, uint64_t offset, uint64_t end,
		       const char *why)
{
	uint64_t bytes = end - offset;
	struct pp_chunk c = { 0 };

	c.size = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
	add_chunk(r, offset, &c, why);
}

static void index_chunks(struct reader *r)
{
	uint64_t offset = r->header.header_bytes, end;
	struct pp_chunk c;

	for (; offset < r->size; offset = skip_hole(r, end)) {
		if (chunk_is_at(r, offset, &c)) {
			add_chunk(r, offset, &c, NULL);
			end = chunk_end(r, offset, &c);
			if (end < offset + c.size)
				add_damage(r, end, end,
					   "a chunk begins within another");
		} else if (page_is_zero(r, offset)) {
			end = offset + PP_PAGE;
		} else {
			end = find_chunk(r, offset);
			add_damage(r, offset, end,
				   c.magic == PP_CHUNK_MAGIC
					   ? "damaged chunk header"
					   : "no chunk where one should begin");
		}
	}
}

int reader_open_fd(struct reader *r, int fd, struct err *err)
{
	struct stat st;

	*r = (struct reader){ .fd = fd };
	if (fstat(fd, &st) < 0) {
		err_set(err, "%s", strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, S_ISDIR(st.st_mode) ? "a directory, not a log"
						 : "not a regular file");
		goto fail;
	}
	r->size = (uint64_t)st.st_size;
	if (read_header(r, err) < 0)
		goto fail;
	r->window_room = WINDOW_BYTES;
	r->window = must_alloc(r->window_room);
	index_chunks(r);
	reader_rewind(r, READER_OPENED);
	return 0;
fail:
	close(fd);
	return -1;
}

int reader_open_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? err_set(err, "%s", strerror(errno)) : fd;
}

void reader_close(struct reader *r)
{
	close(r->fd);
	free(r->chunks);
	free(r->window);
}

/*
 * Walking the records.
 */

void reader_rewind(struct reader *r, enum reader_limit limit)
{
	r->limit = limit;
	r->chunk = 0;
	r->at = r->end = 0;
	r->skipped = r->records = 0;
	r->window_fill = 0;
}

/*
 * Have at least `need` bytes from r->at on in the window if the file has
 * them. Returns how many are there, which is less than `need` at the end of
 * the chunk or of the file.
 */
static size_t window_fill(struct reader *r, size_t need)
{
	uint64_t skip = r->at - r->window_at;
	uint64_t want = r->end - r->at;

	if (r->at >= r->window_at && skip < r->window_fill &&
	    (r->window_fill - skip >= need || r->window_fill - skip >= want))
		return (size_t)(r->window_fill - skip);
	if (need > want)
		need = (size_t)want;
	if (need > r->window_room) {
		r->window_room = need;
		r->window = must_realloc(r->window, need, 1);
	}
	if (want > r->window_room)
		want = r->window_room;
	r->window_at = r->at;
	r->window_fill = read_at(r->fd, r->window, (size_t)want, r->at);
	return r->window_fill;
}

/* Note that everything from `offset` to the end of this chunk is lost. */
static int lose_rest(struct reader *r, uint64_t offset, const char *why)
{
	r->damage = (struct damage){ offset, r->end - offset, why };
	r->at = r->end;
	return -1;
}

/* Go to the next chunk: 1, at the end 0, where there is none -1. */
static int next_chunk(struct reader *r)
{
	const struct chunk_ref *ref;
	struct pp_chunk c;

	if (r->chunk == r->chunk_count)
		return 0;
	ref = &r->chunks[r->chunk++];
	if (ref->why) {
		r->damage = (struct damage){ ref->offset, ref->size, ref->why };
		return -1;
	}
	r->at = ref->offset + sizeof(c);
	r->end = ref->offset + ref->used;
	if (r->limit == READER_LATEST && chunk_is_at(r, ref->offset, &c) &&
	    c.size == ref->size && c.used > ref->used)
		r->end = ref->offset + c.used;
	return 1;
}

/*
 * Read the record at r->at: 1, or -1 with the rest of the chunk lost. Whatever
 * the reason, the length cannot be trusted, so nothing behind it can.
 */
static int read_record(struct reader *r, struct record *rec)
{
	size_t have = window_fill(r, RECORD_HEAD_MAX);
	const uint8_t *head = r->window + (r->at - r->window_at);
	struct cursor c = { head + 1, head + have, false };
	uint64_t length, whole;

	if (!have)
		return lose_rest(r, r->at, "the file ends here");
	rec->type = *head;
	rec->offset = r->at;
	length = cursor_number(&c);
	whole = (size_t)(c.at - head) + length;
	if (c.bad && have < RECORD_HEAD_MAX && have < r->end - r->at)
		return lose_rest(r, r->at, "the file ends here");
	if (!rec->type)
		return lose_rest(r, r->at, "a record of type 0");
	if (c.bad || length > RECORD_BYTES_MAX || whole > r->end - r->at)
		return lose_rest(r, r->at, "a record runs past its chunk");
	if (rec->type < ARRAY_LEN(record_least) &&
	    length < record_least[rec->type])
		return lose_rest(r, r->at, "a record is too short");
	if (PP_UNLIKELY(whole > have) &&
	    window_fill(r, (size_t)whole) < (size_t)whole)
		return lose_rest(r, r->at, "the file ends here");
	rec->size = (size_t)length;
	rec->body = r->window + (r->at - r->window_at) + (whole - length);
	r->at += whole;
	rec->body_offset = r->at - length;
	return 1;
}

int reader_next(struct reader *r, struct record *rec)
{
	int got;

	for (;;) {
		while (r->at == r->end) {
			got = next_chunk(r);
			if (got <= 0)
				return got;
		}
		got = read_record(r, rec);
		if (got < 0)
			return got;
		if (PP_LIKELY(rec->type < ARRAY_LEN(record_least))) {
			r->records++;
			return 1;
		}
		r->skipped++;
	}
}

void reader_refuse(struct reader *r, const struct record *rec, const char *why)
{
	struct chunk_ref *ref = &r->chunks[r->chunk - 1], lost;
	size_t after = r->chunk_count - r->chunk;

	lose_rest(r, rec->offset, why);
	r->records--;
	if (rec->offset >= ref->offset + ref->used)
		return;
	add_damage(r, rec->offset, ref->offset + ref->used, why);
	ref = &r->chunks[r->chunk - 1];
	ref->used = (uint32_t)(rec->offset - ref->offset);
	lost = r->chunks[r->chunk_count - 1];
	memmove(ref + 2, ref + 1, after * sizeof(*ref));
	ref[1] = lost;
	r->chunk++;
}
