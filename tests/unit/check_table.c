/* SPDX-License-Identifier: MIT */
/* table.c and arena.c: many elements, colliding hashes, large pieces. */
#include "util/table.h"

#include <string.h>

#include "unit.h"
#include "util/arena.h"

static bool equal(const void *owner, uint32_t index, const void *key)
{
	(void)owner;
	return index == *(const uint32_t *)key;
}

START_TEST(table_finds_what_was_put_in)
{
	struct table t = { 0 };
	uint32_t i;

	for (i = 0; i < 100000; i++) {
		ck_assert_uint_eq(
			table_find(&t, hash_number(i), equal, NULL, &i),
			TABLE_NONE);
		table_add(&t, hash_number(i), i);
	}
	for (i = 0; i < 100000; i++)
		ck_assert_uint_eq(
			table_find(&t, hash_number(i), equal, NULL, &i), i);
	table_done(&t);
}
END_TEST

START_TEST(table_tells_equal_hashes_apart)
{
	struct table t = { 0 };
	uint32_t i;

	for (i = 0; i < 100; i++)
		table_add(&t, 42, i);
	for (i = 0; i < 100; i++)
		ck_assert_uint_eq(table_find(&t, 42, equal, NULL, &i), i);
	table_done(&t);
}
END_TEST

START_TEST(arena_keeps_what_it_gave)
{
	struct arena a = { 0 };
	char *small = arena_copy(&a, "abc", 3), *large;

	large = arena_alloc(&a, 1000000);
	memset(large, 'x', 1000000);
	ck_assert_ptr_nonnull(arena_alloc(&a, 0));
	ck_assert_str_eq(small, "abc");
	ck_assert_str_eq(arena_copy(&a, "", 0), "");
	arena_done(&a);
}
END_TEST

UNIT_MAIN(table, table_finds_what_was_put_in, table_tells_equal_hashes_apart,
	  arena_keeps_what_it_gave)
