/* SPDX-License-Identifier: MIT */
/*
 * reader.c where golden logs cannot go: files that change while they are read,
 * records larger than the window, numbers at the edge.
 */
#define _GNU_SOURCE /* memfd_create */
#include "reader.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

#define CHUNK_BYTES (1024u * 1024)

/* A log of one chunk under construction. */
struct log {
	uint8_t header[PP_HEADER_BYTES];
	uint8_t chunk[CHUNK_BYTES];
	uint32_t used;
};

static struct log *log_new(void)
{
	struct log *log = calloc(1, sizeof(*log));
	struct pp_header h = {
		.magic = PP_MAGIC,
		.order = PP_ORDER,
		.major = PP_MAJOR,
		.header_bytes = PP_HEADER_BYTES,
		.unit_ns = PP_UNIT_NS,
	};

	ck_assert_ptr_nonnull(log);
	memcpy(log->header, &h, sizeof(h));
	log->used = sizeof(struct pp_chunk);
	return log;
}

static void put_number(struct log *log, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		log->chunk[log->used++] = (uint8_t)(number | 0x80);
	log->chunk[log->used++] = (uint8_t)number;
}

/* A record whose body is `size` bytes of 7. */
static void put_record(struct log *log, uint8_t type, uint32_t size)
{
	log->chunk[log->used++] = type;
	put_number(log, size);
	memset(log->chunk + log->used, 7, size);
	log->used += size;
}

/* Write all of it that a file has once the chunk is begun. */
static void log_write(struct log *log, int fd)
{
	struct pp_chunk c = { PP_CHUNK_MAGIC, CHUNK_BYTES, log->used, 0 };

	memcpy(log->chunk, &c, sizeof(c));
	ck_assert_int_eq(pwrite(fd, log->header, sizeof(log->header), 0),
			 sizeof(log->header));
	ck_assert_int_eq(pwrite(fd, log->chunk, CHUNK_BYTES, PP_HEADER_BYTES),
			 CHUNK_BYTES);
}

static int log_file(struct log *log)
{
	int fd = memfd_create("log", 0);

	ck_assert_int_ge(fd, 0);
	log_write(log, fd);
	return fd;
}

static void open_reader(struct reader *r, int fd)
{
	struct err err;

	ck_assert_msg(reader_open_fd(r, fd, &err) == 0, "%s", err.text);
}

/* How many records there are, and how many damaged parts. */
static void count(struct reader *r, int *records, int *damages)
{
	struct record rec;
	int got;

	*records = *damages = 0;
	while ((got = reader_next(r, &rec)))
		++*(got > 0 ? records : damages);
}

static struct cursor cursor_of(const uint8_t *bytes, size_t size)
{
	return (struct cursor){ bytes, bytes + size, false };
}

START_TEST(cursor_reads_numbers_of_all_lengths)
{
	static const uint8_t one[] = { 0x7f }, two[] = { 0x80, 0x01 };
	static const uint8_t most[] = { 0xff, 0xff, 0xff, 0xff, 0xff,
					0xff, 0xff, 0xff, 0xff, 0x01 };
	struct cursor c = cursor_of(one, sizeof(one));

	ck_assert_uint_eq(cursor_number(&c), 0x7f);
	c = cursor_of(two, sizeof(two));
	ck_assert_uint_eq(cursor_number(&c), 128);
	c = cursor_of(most, sizeof(most));
	ck_assert_uint_eq(cursor_number(&c), UINT64_MAX);
	ck_assert(!c.bad);
	ck_assert_uint_eq(cursor_left(&c), 0);
}
END_TEST

START_TEST(cursor_refuses_number_past_end)
{
	static const uint8_t cut[] = { 0x80 };
	static const uint8_t endless[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
					   0x80, 0x80, 0x80, 0x80, 0x00 };
	struct cursor c = cursor_of(cut, sizeof(cut));

	ck_assert_uint_eq(cursor_number(&c), 0);
	ck_assert(c.bad);
	c = cursor_of(endless, sizeof(endless));
	cursor_number(&c);
	ck_assert(c.bad);
	c = cursor_of(cut, 0);
	cursor_number(&c);
	ck_assert(c.bad);
}
END_TEST

START_TEST(cursor_reads_signed_numbers)
{
	static const uint8_t bytes[] = { 0, 1, 2, 3 };
	struct cursor c = cursor_of(bytes, sizeof(bytes));

	ck_assert_int_eq((int64_t)cursor_signed(&c), 0);
	ck_assert_int_eq((int64_t)cursor_signed(&c), -1);
	ck_assert_int_eq((int64_t)cursor_signed(&c), 1);
	ck_assert_int_eq((int64_t)cursor_signed(&c), -2);
}
END_TEST

START_TEST(reader_reads_records_larger_than_its_window)
{
	struct log *log = log_new();
	struct record rec;
	struct reader r;

	put_record(log, PP_STRING, 10);
	put_record(log, PP_STRING, 700000);
	put_record(log, PP_STRING, 11);
	open_reader(&r, log_file(log));
	ck_assert_int_eq(reader_next(&r, &rec), 1);
	ck_assert_int_eq(reader_next(&r, &rec), 1);
	ck_assert_uint_eq(rec.size, 700000);
	ck_assert_uint_eq(rec.body[699999], 7);
	ck_assert_int_eq(reader_next(&r, &rec), 1);
	ck_assert_uint_eq(rec.size, 11);
	ck_assert_int_eq(reader_next(&r, &rec), 0);
	reader_close(&r);
	free(log);
}
END_TEST

START_TEST(reader_passes_over_unknown_types)
{
	struct log *log = log_new();
	int records, damages;
	struct reader r;

	put_record(log, 200, 5);
	put_record(log, PP_STRING, 5);
	put_record(log, 255, 0);
	open_reader(&r, log_file(log));
	count(&r, &records, &damages);
	ck_assert_int_eq(records, 1);
	ck_assert_int_eq(damages, 0);
	ck_assert_uint_eq(r.skipped, 2);
	reader_close(&r);
	free(log);
}
END_TEST

START_TEST(reader_sees_growth_only_when_asked)
{
	struct log *log = log_new();
	int fd, records, damages;
	struct reader r;

	put_record(log, PP_STRING, 5);
	fd = log_file(log);
	open_reader(&r, fd);
	put_record(log, PP_STRING, 5);
	log_write(log, fd);
	count(&r, &records, &damages);
	ck_assert_int_eq(records, 1);
	reader_rewind(&r, READER_LATEST);
	count(&r, &records, &damages);
	ck_assert_int_eq(records, 2);
	ck_assert_int_eq(damages, 0);
	reader_close(&r);
	free(log);
}
END_TEST

START_TEST(reader_survives_file_that_is_cut_under_it)
{
	struct log *log = log_new();
	int fd, records, damages;
	struct reader r;

	put_record(log, PP_STRING, 5);
	put_record(log, PP_STRING, 300000);
	put_record(log, PP_STRING, 300000);
	fd = log_file(log);
	open_reader(&r, fd);
	ck_assert_int_eq(ftruncate(fd, PP_HEADER_BYTES + 400000), 0);
	count(&r, &records, &damages);
	ck_assert_int_eq(records, 2);
	ck_assert_int_eq(damages, 1);
	ck_assert_str_eq(r.damage.why, "the file ends here");
	reader_close(&r);
	free(log);
}
END_TEST

START_TEST(reader_leaves_out_what_was_refused_in_each_pass)
{
	struct log *log = log_new();
	int records, damages;
	struct record rec;
	struct reader r;

	put_record(log, PP_STRING, 5);
	put_record(log, PP_STRING, 6);
	put_record(log, PP_STRING, 7);
	open_reader(&r, log_file(log));
	ck_assert_int_eq(reader_next(&r, &rec), 1);
	ck_assert_int_eq(reader_next(&r, &rec), 1);
	reader_refuse(&r, &rec, "test");
	ck_assert_uint_eq(r.damage.bytes, 8 + 9);
	ck_assert_int_eq(reader_next(&r, &rec), 0);
	reader_rewind(&r, READER_OPENED);
	count(&r, &records, &damages);
	ck_assert_int_eq(records, 1);
	ck_assert_int_eq(damages, 1);
	ck_assert_str_eq(r.damage.why, "test");
	reader_close(&r);
	free(log);
}
END_TEST

START_TEST(reader_refuses_what_is_no_file)
{
	struct reader r;
	struct err err;
	int fd = reader_open_file("/", &err);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(reader_open_fd(&r, fd, &err), -1);
	ck_assert_str_eq(err.text, "a directory, not a log");
	fd = reader_open_file("/dev/null", &err);
	ck_assert_int_eq(reader_open_fd(&r, fd, &err), -1);
	ck_assert_str_eq(err.text, "not a regular file");
	ck_assert_int_eq(reader_open_file("/no/such/log", &err), -1);
	ck_assert_str_eq(err.text, "No such file or directory");
}
END_TEST

UNIT_MAIN(reader, cursor_reads_numbers_of_all_lengths,
	  cursor_refuses_number_past_end, cursor_reads_signed_numbers,
	  reader_reads_records_larger_than_its_window,
	  reader_passes_over_unknown_types, reader_sees_growth_only_when_asked,
	  reader_survives_file_that_is_cut_under_it,
	  reader_leaves_out_what_was_refused_in_each_pass,
	  reader_refuses_what_is_no_file)
