/* SPDX-License-Identifier: MIT */
/*
 * load.c on logs cut at every byte and with every bit flipped: what can be read
 * is read, and nothing else happens.
 */
#define _GNU_SOURCE /* memfd_create */
#include "load.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

#define CHUNKS	  3
#define PER_CHUNK 3
#define LOG_BYTES (PP_HEADER_BYTES + CHUNKS * PP_PAGE)
#define SAMPLES	  (CHUNKS * PER_CHUNK)

static uint8_t bytes[LOG_BYTES];
static size_t sample_ends[SAMPLES]; /* offsets behind the samples' records */
static size_t used_ends[CHUNKS];

static size_t put(size_t at, const void *from, size_t size)
{
	memcpy(bytes + at, from, size);
	return at + size;
}

/* Records of one thread's segment, and definitions of what it uses. */
static size_t put_records(size_t at, uint8_t seq)
{
	static const uint8_t file[] = {
		PP_STRING, 6, 1, 1, 'a', '.', 'p', 'y'
	};
	static const uint8_t name[] = { PP_STRING, 3, 2, 1, 'f' };
	static const uint8_t code[] = { PP_CODE, 5, 1, 2, 0, 1, 9 };
	static const uint8_t sample[] = { PP_SAMPLE, 5, 0, 100, 0, 1, 3 };
	uint8_t owner[] = { PP_OWNER, 4, 0, seq, 0, 0 };
	size_t i;

	at = put(at, owner, sizeof(owner));
	at = put(at, file, sizeof(file));
	at = put(at, name, sizeof(name));
	at = put(at, code, sizeof(code));
	for (i = 0; i < PER_CHUNK; i++) {
		at = put(at, sample, sizeof(sample));
		sample_ends[seq * PER_CHUNK + i] = at;
	}
	return at;
}

static void make_log(void)
{
	struct pp_header h = {
		.magic = PP_MAGIC,
		.order = PP_ORDER,
		.major = PP_MAJOR,
		.header_bytes = PP_HEADER_BYTES,
		.unit_ns = 1,
	};
	struct pp_chunk c = { PP_CHUNK_MAGIC, PP_PAGE, 0, 0 };
	size_t start, end;
	uint8_t i;

	memset(bytes, 0, sizeof(bytes));
	put(0, &h, sizeof(h));
	for (i = 0; i < CHUNKS; i++) {
		start = PP_HEADER_BYTES + (size_t)i * PP_PAGE;
		end = put_records(start + sizeof(c), i);
		used_ends[i] = end;
		c.used = (uint32_t)(end - start);
		put(start, &c, sizeof(c));
	}
}

static int damages;

static void count_damage(const char *path, const struct damage *damage)
{
	(void)path;
	(void)damage;
	damages++;
}

/* Samples in the first `size` bytes of the log; -1 if it is refused. */
static int load_samples(size_t size)
{
	int fd = memfd_create("log", 0), samples = -1;
	struct profile p;
	struct err err;

	ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
	damages = 0;
	profile_init(&p);
	if (load_fd(&p, fd, "log", &(struct load_options){ 0 }, count_damage,
		    &err) == 0)
		samples = (int)p.processes[0].sampled.samples;
	profile_done(&p);
	return samples;
}

START_TEST(load_reads_the_whole_log)
{
	make_log();
	ck_assert_int_eq(load_samples(LOG_BYTES), SAMPLES);
	ck_assert_int_eq(damages, 0);
	ck_assert_int_eq(load_samples(used_ends[CHUNKS - 1]), SAMPLES);
	ck_assert_int_eq(damages, 0);
}
END_TEST

START_TEST(load_reads_what_a_cut_leaves)
{
	int expected, got;
	size_t size, i;

	make_log();
	for (size = 0; size < sizeof(struct pp_header); size++)
		ck_assert_int_eq(load_samples(size), -1);
	for (size = PP_HEADER_BYTES; size <= LOG_BYTES; size++) {
		/* in the unused rest of a chunk all cuts are alike */
		if (size % PP_PAGE > used_ends[0] % PP_PAGE + 1)
			continue;
		expected = 0;
		for (i = 0; i < SAMPLES; i++)
			expected += sample_ends[i] <= size;
		got = load_samples(size);
		ck_assert_msg(got == expected || (got == -1 && !expected),
			      "%d of %d samples in %zu bytes", got, expected,
			      size);
	}
}
END_TEST

START_TEST(load_loses_no_chunk_but_the_one_with_a_flipped_bit)
{
	size_t at = PP_HEADER_BYTES + PP_PAGE, i;
	int bit, got;

	make_log();
	for (i = at; i < used_ends[1]; i++) {
		for (bit = 0; bit < 8; bit++) {
			bytes[i] ^= (uint8_t)(1 << bit);
			got = load_samples(LOG_BYTES);
			bytes[i] ^= (uint8_t)(1 << bit);
			ck_assert_msg(got >= SAMPLES - PER_CHUNK,
				      "%d samples with bit %d of byte %zu", got,
				      bit, i - at);
		}
	}
}
END_TEST

START_TEST(load_survives_flipped_bits_of_the_header)
{
	size_t i;
	int bit;

	make_log();
	for (i = 0; i < sizeof(struct pp_header); i++) {
		for (bit = 0; bit < 8; bit++) {
			bytes[i] ^= (uint8_t)(1 << bit);
			ck_assert_int_le(load_samples(LOG_BYTES), SAMPLES);
			bytes[i] ^= (uint8_t)(1 << bit);
		}
	}
}
END_TEST

UNIT_MAIN(load, load_reads_the_whole_log, load_reads_what_a_cut_leaves,
	  load_loses_no_chunk_but_the_one_with_a_flipped_bit,
	  load_survives_flipped_bits_of_the_header)
