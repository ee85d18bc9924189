/* SPDX-License-Identifier: MIT */
/* preload/safe/ring.c: chunks that wait until they are old. */
#include "safe/ring.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "unit.h"

#define RING_NS 20000000u

static uint8_t pages[4][PP_PAGE] __attribute__((aligned(PP_PAGE)));

/* A full chunk in one of the pages; a state with an empty ring. */
static struct chunk full(size_t i)
{
	struct pp_chunk *head = (struct pp_chunk *)(void *)pages[i];

	*head = (struct pp_chunk){ PP_CHUNK_MAGIC, PP_PAGE, PP_PAGE, 0 };
	return (struct chunk){ pages[i], PP_PAGE, PP_PAGE };
}

static void begin(void)
{
	static struct state one;

	memset(&one, 0, sizeof(one));
	state = &one;
	target.settings.ring_ns = RING_NS;
}

static void grow_old(void)
{
	struct timespec t = { 0, 2 * (long)RING_NS };

	nanosleep(&t, NULL);
}

START_TEST(ring_keeps_what_is_young)
{
	struct chunk c = full(0), got;

	begin();
	ck_assert(ring_put(&c));
	target.settings.ring_ns = UINT64_C(3600000000000);
	ck_assert(!ring_take(&got, PP_PAGE));
	ck_assert_uint_eq(((struct pp_chunk *)(void *)c.base)->used, PP_PAGE);
}
END_TEST

START_TEST(ring_gives_an_old_chunk_once_and_emptied)
{
	struct chunk c = full(0), got;

	begin();
	ck_assert(ring_put(&c));
	grow_old();
	ck_assert(ring_take(&got, PP_PAGE));
	ck_assert_ptr_eq(got.base, pages[0]);
	ck_assert_uint_eq(got.size, PP_PAGE);
	ck_assert_uint_eq(got.used, sizeof(struct pp_chunk));
	ck_assert_uint_eq(((struct pp_chunk *)(void *)got.base)->used,
			  sizeof(struct pp_chunk));
	ck_assert(!ring_take(&got, PP_PAGE));
}
END_TEST

START_TEST(ring_gives_no_chunk_of_another_size)
{
	struct chunk c = full(0), got;

	begin();
	ck_assert(ring_put(&c));
	grow_old();
	ck_assert(!ring_take(&got, 2 * PP_PAGE));
	ck_assert(ring_take(&got, PP_PAGE));
}
END_TEST

START_TEST(ring_trusts_no_size_in_the_file)
{
	struct chunk c = full(0), got;

	begin();
	ck_assert(ring_put(&c));
	((struct pp_chunk *)(void *)c.base)->size = 0x7fffffff;
	grow_old();
	ck_assert(ring_take(&got, PP_PAGE));
	ck_assert_uint_eq(got.size, PP_PAGE);
}
END_TEST

START_TEST(ring_refuses_when_it_is_full)
{
	struct chunk c = full(0);
	size_t i;

	begin();
	for (i = 0; i < STATE_RING; i++)
		atomic_store(&state->ring[i].chunk, 1);
	ck_assert(!ring_put(&c));
	atomic_store(&state->ring[STATE_RING - 1].chunk, 0);
	ck_assert(ring_put(&c));
}
END_TEST

static _Atomic int held[4];

/* Take and put back; nobody else may have the same one meanwhile. */
static void *turn_over(void *unused)
{
	struct chunk c;

	for (int i = 0; i < 20000; i++) {
		if (!ring_take(&c, PP_PAGE))
			continue;
		int which = (int)((c.base - pages[0]) / PP_PAGE);

		ck_assert_int_eq(atomic_fetch_add(&held[which], 1), 0);
		atomic_fetch_sub(&held[which], 1);
		ck_assert(ring_put(&c));
	}
	return unused;
}

START_TEST(ring_gives_a_chunk_to_one_of_two)
{
	pthread_t threads[2];
	size_t i;

	begin();
	for (i = 0; i < 4; i++) {
		struct chunk c = full(i);

		ck_assert(ring_put(&c));
	}
	target.settings.ring_ns = 1;
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, turn_over, NULL), 0);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	target.settings.ring_ns = 0;
	for (i = 0; i < 4; i++) {
		struct chunk c;

		ck_assert_msg(ring_take(&c, PP_PAGE), "chunk %zu is gone", i);
	}
}
END_TEST

UNIT_MAIN(ring, ring_keeps_what_is_young,
	  ring_gives_an_old_chunk_once_and_emptied,
	  ring_gives_no_chunk_of_another_size, ring_trusts_no_size_in_the_file,
	  ring_refuses_when_it_is_full, ring_gives_a_chunk_to_one_of_two)
