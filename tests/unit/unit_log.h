/* SPDX-License-Identifier: MIT */
/*
 * For tests of what writes into the log: an empty log in a file without a name,
 * begun as log.c does it, and a look at what is in its records.
 */
#ifndef UNIT_LOG_H
#define UNIT_LOG_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pyprof/format.h"
#include "safe/chunk.h"
#include "safe/logfile.h"
#include "safe/state.h"
#include "safe/target.h"
#include "safe/thread.h"
#include "unit.h"

static inline void log_set_up(void)
{
	FILE *file = tmpfile();
	struct stat st;
	int fd;

	ck_assert_ptr_nonnull(file);
	fd = dup(fileno(file));
	fclose(file);
	ck_assert_int_eq(state_init(), 0);
	ck_assert_int_eq(posix_fallocate(fd, 0, PP_HEADER_BYTES), 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	state->header = mmap(NULL, PP_HEADER_BYTES, PROT_READ | PROT_WRITE,
			     MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(state->header, MAP_FAILED);
	logfile_set(fd, &st, NULL);
	atomic_store(&state->log_end, PP_HEADER_BYTES);
	target.settings.max_depth = 64;
}

/* A thread of that log, with CPU and wall clocks to be told from others. */
static inline struct thread *log_thread(int tid)
{
	struct thread *t =
		thread_open(PP_THREAD_CREATED, 7 * PP_UNIT_NS, 3 * PP_UNIT_NS);

	ck_assert_ptr_nonnull(t);
	thread_publish(t, tid);
	t->maps = 1;
	return t;
}

static inline off_t log_size(void)
{
	struct stat st;

	ck_assert_int_eq(fstat(logfile_fd(), &st), 0);
	return st.st_size;
}

/* One record: number i from 0 of a chunk, as the log has it by now. */
struct log_record {
	int type; /* 0: there is none */
	uint32_t length;
	const uint8_t *body;
};

static inline uint64_t log_number(const uint8_t **p)
{
	uint64_t value = 0;
	int shift = 0;

	do
		value |= (uint64_t)(**p & 0x7f) << shift, shift += 7;
	while (*(*p)++ & 0x80);
	return value;
}

static inline struct log_record log_record(const struct chunk *c, int i)
{
	const struct pp_chunk *head = (const void *)c->base;
	const uint8_t *p = c->base + sizeof(*head);
	struct log_record r = { 0, 0, NULL };

	for (; i >= 0; i--) {
		if (p == c->base + head->used)
			return (struct log_record){ 0, 0, NULL };
		r.type = *p++;
		r.length = (uint32_t)log_number(&p);
		r.body = p;
		p += r.length;
		ck_assert_int_le(p - c->base, head->used);
	}
	return r;
}

/* The next number of a record's body. */
#define log_assert_number(body, expected)                                      \
	ck_assert_uint_eq(log_number(&(body)), (expected))

#endif
