/* SPDX-License-Identifier: MIT */
/* safe/chunk.c: how the log grows, who has which part of it, where it stops. */
#include "safe/chunk.h"

#include <sys/resource.h>
#include <signal.h>

#include "safe/record.h"
#include "unit_log.h"

static struct thread *begin(void)
{
	log_set_up();
	return log_thread(42);
}

/* Write a record of so many bytes; false if there was no room. */
static bool write_bytes(struct thread *t, uint32_t bytes)
{
	uint8_t *p = chunk_reserve(t, bytes);

	if (!p)
		return false;
	memset(p, 0, bytes);
	p[0] = PP_INFO;
	/* a length of three bytes, whatever it is */
	p[1] = (uint8_t)((bytes - 4) | 0x80);
	p[2] = (uint8_t)((bytes - 4) >> 7 | 0x80);
	p[3] = (uint8_t)((bytes - 4) >> 14 & 0x7f);
	chunk_commit(t, bytes);
	return true;
}

/* Fill the chunk so that less than this is left. */
static void fill(struct thread *t, uint32_t left)
{
	ck_assert(write_bytes(t, 8));
	while (chunk_room(t) >= left + 1000)
		ck_assert(write_bytes(t, 1000));
	if (chunk_room(t) > left)
		ck_assert(write_bytes(t, chunk_room(t) - left + 4));
}

static void expect_owner(const struct chunk *c, int number, uint64_t thread,
			 uint64_t seq)
{
	struct log_record r = log_record(c, number);

	ck_assert_int_eq(r.type, PP_OWNER);
	log_assert_number(r.body, thread);
	log_assert_number(r.body, seq);
}

/* Go on in a new chunk, which must be refused, for a reason. */
static void expect_stop(struct thread *t, uint32_t reason)
{
	ck_assert(!write_bytes(t, 8));
	ck_assert_uint_eq(atomic_load(&state->log_stuck), reason);
	ck_assert_ptr_null(t->chunk.base);
}

/* -- chunks ---------------------------------------------------------------- */

START_TEST(chunk_first_is_small)
{
	struct thread *t = begin();

	ck_assert_uint_eq(chunk_room(t), 0);
	ck_assert(write_bytes(t, 8));
	ck_assert_uint_eq(t->chunk.size, CHUNK_FIRST_BYTES);
	ck_assert_int_eq(log_size(), PP_HEADER_BYTES + CHUNK_FIRST_BYTES);
}
END_TEST

START_TEST(chunk_lies_in_the_file_as_the_format_says)
{
	struct thread *t = begin();
	struct pp_chunk head;

	ck_assert(write_bytes(t, 8));
	ck_assert_int_eq(
		pread(logfile_fd(), &head, sizeof(head), PP_HEADER_BYTES),
		sizeof(head));
	ck_assert_uint_eq(head.magic, PP_CHUNK_MAGIC);
	ck_assert_uint_eq(head.size, CHUNK_FIRST_BYTES);
	ck_assert_uint_eq(head.used, t->chunk.used);
}
END_TEST

START_TEST(chunk_begins_with_its_owner)
{
	struct thread *t = begin();
	struct log_record r;

	ck_assert(write_bytes(t, 8));
	r = log_record(&t->chunk, 0);
	ck_assert_int_eq(r.type, PP_OWNER);
	log_assert_number(r.body, t->number);
	log_assert_number(r.body, 0);
	log_assert_number(r.body, 7);
	log_assert_number(r.body, 3);
	ck_assert_int_eq(log_record(&t->chunk, 1).type, PP_INFO);
}
END_TEST

START_TEST(chunk_shows_a_record_when_it_is_committed)
{
	struct thread *t = begin();

	ck_assert(write_bytes(t, 8));
	memset(chunk_reserve(t, 8), 0x55, 8);
	ck_assert_int_eq(log_record(&t->chunk, 2).type, 0);
	ck_assert(write_bytes(t, 8));
	ck_assert_int_eq(log_record(&t->chunk, 2).type, PP_INFO);
}
END_TEST

START_TEST(chunk_second_is_large_and_has_an_owner)
{
	struct thread *t = begin();

	fill(t, 8);
	t->maps = 1;
	ck_assert(write_bytes(t, 100));
	ck_assert_uint_eq(t->chunk.size, CHUNK_BYTES);
	expect_owner(&t->chunk, 0, t->number, 1);
	ck_assert_uint_eq(log_record(&t->chunk, 1).length, 96);
}
END_TEST

START_TEST(chunk_new_one_begins_without_a_last_stack)
{
	struct thread *t = begin();

	t->depth = 5;
	t->last_state = PP_STATE_GIL;
	ck_assert(write_bytes(t, 8));
	ck_assert_uint_eq(t->depth, 0);
	ck_assert_uint_eq(t->last_state, 0);
}
END_TEST

START_TEST(chunk_is_used_to_its_last_byte)
{
	struct thread *t = begin();

	fill(t, 8);
	t->maps = 0;
	ck_assert(write_bytes(t, chunk_room(t)));
	ck_assert_uint_eq(chunk_room(t), 0);
	ck_assert(!write_bytes(t, 4));
}
END_TEST

START_TEST(chunk_of_a_large_first_record_is_large)
{
	struct thread *t = begin();

	ck_assert(write_bytes(t, CHUNK_FIRST_BYTES));
	ck_assert_uint_eq(t->chunk.size, CHUNK_BYTES);
}
END_TEST

START_TEST(chunk_refuses_what_no_chunk_can_hold)
{
	struct thread *t = begin();

	ck_assert_ptr_null(chunk_reserve(t, CHUNK_BYTES));
	ck_assert_ptr_null(chunk_reserve(t, UINT32_MAX));
	ck_assert_uint_eq(t->maps, 1);
	ck_assert_uint_eq(atomic_load(&state->log_stuck), 0);
}
END_TEST

START_TEST(chunk_holds_its_own_addresses)
{
	struct thread *t = begin();
	uintptr_t base;

	ck_assert(write_bytes(t, 8));
	base = (uintptr_t)t->chunk.base;
	ck_assert(chunk_is_log(base));
	ck_assert(chunk_is_log(base + t->chunk.size - 1));
	ck_assert(!chunk_is_log(base - 1) || base - 1 == 0);
	ck_assert(!chunk_is_log(base + t->chunk.size) ||
		  base + t->chunk.size == (uintptr_t)state->header);
	ck_assert(chunk_is_log((uintptr_t)state->header));
	ck_assert(!chunk_is_log((uintptr_t)t));
	ck_assert(!chunk_is_log(0));
}
END_TEST

/* -- the chunk ahead ------------------------------------------------------- */

START_TEST(chunk_ahead_is_not_mapped_before_the_half)
{
	struct thread *t = begin();

	ck_assert(write_bytes(t, 8));
	t->maps = 1;
	chunk_look_ahead(t);
	ck_assert_ptr_null(t->ahead.base);
	ck_assert_uint_eq(t->maps, 1);
}
END_TEST

START_TEST(chunk_ahead_is_mapped_from_the_half_on)
{
	struct thread *t = begin();

	ck_assert(write_bytes(t, CHUNK_FIRST_BYTES / 2 - 50));
	t->maps = 1;
	ck_assert(write_bytes(t, 100));
	chunk_look_ahead(t);
	ck_assert_ptr_nonnull(t->ahead.base);
	ck_assert_uint_eq(t->ahead.size, CHUNK_BYTES);
	ck_assert_uint_eq(t->maps, 0);
	ck_assert(chunk_is_log((uintptr_t)t->ahead.base));
}
END_TEST

START_TEST(chunk_ahead_is_mapped_once)
{
	struct thread *t = begin();
	off_t size;

	fill(t, 100);
	t->maps = 2;
	chunk_look_ahead(t);
	size = log_size();
	chunk_look_ahead(t);
	ck_assert_int_eq(log_size(), size);
	ck_assert_uint_eq(t->maps, 1);
}
END_TEST

START_TEST(chunk_ahead_is_the_next_one)
{
	struct thread *t = begin();
	uint8_t *ahead;

	fill(t, 8);
	t->maps = 1;
	chunk_look_ahead(t);
	ahead = t->ahead.base;
	ck_assert(write_bytes(t, 100));
	ck_assert_ptr_eq(t->chunk.base, ahead);
	ck_assert_ptr_null(t->ahead.base);
	expect_owner(&t->chunk, 0, t->number, 1);
}
END_TEST

/* -- the budget ------------------------------------------------------------ */

START_TEST(chunk_is_not_mapped_beyond_the_budget)
{
	struct thread *t = begin();
	off_t size;

	fill(t, 8);
	size = log_size();
	t->maps = 0;
	ck_assert(!write_bytes(t, 100));
	ck_assert_int_eq(log_size(), size);
	ck_assert_uint_eq(atomic_load(&state->log_stuck), 0);
	t->maps = 1;
	ck_assert(write_bytes(t, 100));
}
END_TEST

/* -- what threads leave ---------------------------------------------------- */

START_TEST(chunk_that_is_left_goes_to_the_next_thread)
{
	struct thread *t = begin(), *next = log_thread(43);
	struct chunk left;

	ck_assert(write_bytes(t, 8));
	left = t->chunk;
	chunk_leave(t);
	ck_assert_ptr_null(t->chunk.base);
	next->maps = 0;
	ck_assert(write_bytes(next, 8));
	ck_assert_ptr_eq(next->chunk.base, left.base);
	expect_owner(&next->chunk, 0, t->number, 0);
	expect_owner(&next->chunk, 2, next->number, 0);
	ck_assert_uint_gt(next->chunk.used, left.used);
}
END_TEST

START_TEST(chunk_ahead_is_left_too)
{
	struct thread *t = begin(), *next = log_thread(43);
	off_t size;

	fill(t, 100);
	t->maps = 1;
	chunk_look_ahead(t);
	chunk_leave(t);
	size = log_size();
	next->maps = 0;
	ck_assert(write_bytes(next, 8));
	ck_assert_int_eq(log_size(), size);
	ck_assert_uint_eq(next->chunk.size, CHUNK_BYTES);
}
END_TEST

START_TEST(chunk_that_is_nearly_full_is_not_left)
{
	struct thread *t = begin(), *next = log_thread(43);

	fill(t, PP_PAGE / 4);
	chunk_leave(t);
	next->maps = 0;
	ck_assert(!write_bytes(next, 8));
}
END_TEST

START_TEST(chunk_that_is_left_must_have_room)
{
	struct thread *t = begin(), *next = log_thread(43);

	fill(t, PP_PAGE / 2);
	chunk_leave(t);
	ck_assert(write_bytes(next, PP_PAGE));
	expect_owner(&next->chunk, 0, next->number, 0);
}
END_TEST

START_TEST(chunk_that_is_left_is_as_large_as_it_was)
{
	struct thread *t = begin(), *next = log_thread(43);
	struct pp_chunk *head;

	fill(t, CHUNK_FIRST_BYTES / 2);
	head = (struct pp_chunk *)(void *)t->chunk.base;
	chunk_leave(t);
	/* somebody writes over the log */
	head->size = UINT32_MAX;
	head->used = 0;
	next->maps = 0;
	ck_assert(write_bytes(next, 8));
	ck_assert_uint_eq(next->chunk.size, CHUNK_FIRST_BYTES);
	ck_assert_uint_ge(next->chunk.used, CHUNK_FIRST_BYTES / 2);
}
END_TEST

START_TEST(chunk_of_many_short_threads_is_one)
{
	off_t size;
	int i;

	log_set_up();
	for (i = 0; i < 200; i++) {
		struct thread *t = log_thread(100 + i);

		ck_assert(write_bytes(t, 32));
		chunk_leave(t);
		thread_release(t);
	}
	size = PP_HEADER_BYTES + CHUNK_FIRST_BYTES;
	ck_assert_int_eq(log_size(), size);
	ck_assert_uint_eq(thread_slots(), 1);
}
END_TEST

START_TEST(chunk_of_more_threads_than_spares_are_unmapped)
{
	static struct thread *threads[STATE_SPARES + 10];
	size_t i;

	log_set_up();
	for (i = 0; i < ARRAY_LEN(threads); i++) {
		threads[i] = log_thread(100 + (int)i);
		ck_assert(write_bytes(threads[i], 8));
	}
	for (i = 0; i < ARRAY_LEN(threads); i++)
		chunk_leave(threads[i]);
	for (i = 0; i < STATE_SPARES; i++)
		ck_assert_uint_ne(atomic_load(&state->spares[i].chunk), 0);
}
END_TEST

/* -- where it stops -------------------------------------------------------- */

START_TEST(chunk_stops_at_max_size)
{
	struct thread *t = begin();

	target.settings.max_size = PP_HEADER_BYTES + CHUNK_FIRST_BYTES - 1;
	expect_stop(t, PP_ENDED_SIZE);
	ck_assert_int_eq(log_size(), PP_HEADER_BYTES);
}
END_TEST

START_TEST(chunk_goes_up_to_max_size)
{
	struct thread *t = begin();

	target.settings.max_size = PP_HEADER_BYTES + CHUNK_FIRST_BYTES;
	ck_assert(write_bytes(t, 8));
}
END_TEST

/* Near its end a log grows by small chunks, and by none in advance. */
START_TEST(chunk_comes_near_max_size)
{
	uint64_t most = PP_HEADER_BYTES + 4 * CHUNK_FIRST_BYTES + PP_PAGE;
	struct thread *t = begin();
	uint32_t written = 0;

	target.settings.max_size = most;
	while (written < 4 * (CHUNK_FIRST_BYTES - PP_PAGE)) {
		ck_assert(write_bytes(t, PP_PAGE / 2));
		written += PP_PAGE / 2;
		t->maps = 1;
		chunk_look_ahead(t);
		ck_assert_uint_eq(atomic_load(&state->log_stuck), 0);
	}
	ck_assert_int_eq(log_size(), (off_t)(most - PP_PAGE));
	while (write_bytes(t, PP_PAGE / 2))
		t->maps = 1;
	ck_assert_uint_eq(atomic_load(&state->log_stuck), PP_ENDED_SIZE);
}
END_TEST

/* A chunk that another thread left and that is too small is gone for good. */
START_TEST(chunk_ahead_is_none_that_was_unmapped)
{
	struct thread *t = begin(), *left = log_thread(43);

	fill(t, PP_PAGE);
	fill(left, PP_PAGE);
	chunk_leave(left);
	target.settings.max_size = atomic_load(&state->log_end);
	t->maps = 1;
	chunk_look_ahead(t);
	ck_assert_ptr_null(t->ahead.base);
}
END_TEST

START_TEST(chunk_stops_at_the_file_size_limit_without_a_signal)
{
	struct rlimit limit = { PP_HEADER_BYTES + 1, PP_HEADER_BYTES + 1 };
	struct thread *t = begin();

	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	expect_stop(t, PP_ENDED_FAILED);
}
END_TEST

START_TEST(chunk_stops_when_the_descriptor_is_closed)
{
	struct thread *t = begin();

	close(logfile_fd());
	expect_stop(t, PP_ENDED_FAILED);
}
END_TEST

START_TEST(chunk_leaves_another_file_under_our_number_alone)
{
	struct thread *t = begin();
	FILE *other = tmpfile();
	int fd = logfile_fd();
	struct stat st;

	ck_assert_ptr_nonnull(other);
	ck_assert_int_eq(dup2(fileno(other), fd), fd);
	expect_stop(t, PP_ENDED_FAILED);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
}
END_TEST

START_TEST(chunk_goes_on_in_what_there_is_after_a_stop)
{
	struct thread *t = begin();

	ck_assert(write_bytes(t, 8));
	chunk_stop_growth(PP_ENDED_FAILED);
	ck_assert(write_bytes(t, 8));
	t->maps = 1;
	chunk_look_ahead(t);
	ck_assert_ptr_null(t->ahead.base);
}
END_TEST

START_TEST(chunk_keeps_the_first_reason_of_a_stop)
{
	begin();
	chunk_stop_growth(PP_ENDED_SIZE);
	chunk_stop_growth(PP_ENDED_FAILED);
	ck_assert_uint_eq(atomic_load(&state->log_stuck), PP_ENDED_SIZE);
}
END_TEST

START_TEST(chunk_growth_leaves_the_signal_mask)
{
	sigset_t before, after;
	struct thread *t = begin();

	sigprocmask(SIG_BLOCK, NULL, &before);
	ck_assert(write_bytes(t, 8));
	sigprocmask(SIG_BLOCK, NULL, &after);
	ck_assert_int_eq(sigismember(&before, SIGXFSZ),
			 sigismember(&after, SIGXFSZ));
}
END_TEST

UNIT_MAIN(chunk, chunk_first_is_small,
	  chunk_lies_in_the_file_as_the_format_says,
	  chunk_begins_with_its_owner,
	  chunk_shows_a_record_when_it_is_committed,
	  chunk_second_is_large_and_has_an_owner,
	  chunk_new_one_begins_without_a_last_stack,
	  chunk_is_used_to_its_last_byte,
	  chunk_of_a_large_first_record_is_large,
	  chunk_refuses_what_no_chunk_can_hold, chunk_holds_its_own_addresses,
	  chunk_ahead_is_not_mapped_before_the_half,
	  chunk_ahead_is_mapped_from_the_half_on, chunk_ahead_is_mapped_once,
	  chunk_ahead_is_the_next_one, chunk_is_not_mapped_beyond_the_budget,
	  chunk_that_is_left_goes_to_the_next_thread, chunk_ahead_is_left_too,
	  chunk_that_is_nearly_full_is_not_left,
	  chunk_that_is_left_must_have_room,
	  chunk_that_is_left_is_as_large_as_it_was,
	  chunk_of_many_short_threads_is_one,
	  chunk_of_more_threads_than_spares_are_unmapped,
	  chunk_stops_at_max_size, chunk_goes_up_to_max_size,
	  chunk_comes_near_max_size, chunk_ahead_is_none_that_was_unmapped,
	  chunk_stops_at_the_file_size_limit_without_a_signal,
	  chunk_stops_when_the_descriptor_is_closed,
	  chunk_leaves_another_file_under_our_number_alone,
	  chunk_goes_on_in_what_there_is_after_a_stop,
	  chunk_keeps_the_first_reason_of_a_stop,
	  chunk_growth_leaves_the_signal_mask)
