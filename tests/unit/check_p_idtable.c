/* SPDX-License-Identifier: MIT */
/* safe/idtable.c: keys that collide, die, come again, and find no room. */
#include "safe/idtable.h"

#include <pthread.h>

#include "unit.h"

#define PROBES 64 /* as in idtable.c */
#define SIZE   1024u
#define KEY    UINT64_C(0x7f0000001000)

static struct idtable_entry table[SIZE], large[1u << 17];

/* The entry that a key would get in an empty table. */
static size_t home(uint64_t key)
{
	static struct idtable_entry empty[SIZE];
	struct idtable_entry *entry = idtable_claim(empty, SIZE, key);
	size_t at = (size_t)(entry - empty);

	*entry = (struct idtable_entry){ 0 };
	return at;
}

/* The next key after this one, an address like it, with the same home. */
static uint64_t colliding(uint64_t key)
{
	size_t wanted = home(key);

	do
		key += 16;
	while (home(key) != wanted);
	return key;
}

static void put(uint64_t key, uint32_t id)
{
	struct idtable_entry *entry = idtable_claim(table, SIZE, key);

	ck_assert_ptr_nonnull(entry);
	idtable_publish(entry, id);
}

static uint32_t get(uint64_t key)
{
	struct idtable_entry *entry = idtable_find(table, SIZE, key);

	return entry ? atomic_load(&entry->id) : 0;
}

START_TEST(idtable_is_empty_at_first)
{
	ck_assert_ptr_null(idtable_find(table, SIZE, KEY));
}
END_TEST

START_TEST(idtable_finds_what_was_published)
{
	put(KEY, 7);
	ck_assert_uint_eq(get(KEY), 7);
}
END_TEST

START_TEST(idtable_shows_a_claimed_key_without_id)
{
	ck_assert_ptr_nonnull(idtable_claim(table, SIZE, KEY));
	ck_assert_ptr_nonnull(idtable_find(table, SIZE, KEY));
	ck_assert_uint_eq(get(KEY), 0);
}
END_TEST

START_TEST(idtable_tells_colliding_keys_apart)
{
	uint64_t key = KEY;
	uint32_t i;

	for (i = 1; i <= PROBES; i++, key = colliding(key))
		put(key, i);
	for (i = 1, key = KEY; i <= PROBES; i++, key = colliding(key))
		ck_assert_uint_eq(get(key), i);
}
END_TEST

START_TEST(idtable_refuses_a_key_with_no_room_around_it)
{
	uint64_t key = KEY;
	int i;

	for (i = 0; i < PROBES; i++, key = colliding(key))
		put(key, 1);
	ck_assert_ptr_null(idtable_claim(table, SIZE, key));
	ck_assert_ptr_null(idtable_find(table, SIZE, key));
}
END_TEST

START_TEST(idtable_takes_other_keys_beside_a_full_place)
{
	uint64_t key = KEY, other = KEY + 16;
	int i;

	for (i = 0; i < PROBES; i++, key = colliding(key))
		put(key, 1);
	/* one that begins behind all of them */
	while ((home(other) - home(KEY)) % SIZE < PROBES)
		other += 16;
	put(other, 9);
	ck_assert_uint_eq(get(other), 9);
}
END_TEST

START_TEST(idtable_goes_on_at_the_table_s_begin)
{
	uint64_t last = KEY, next;

	while (home(last) != SIZE - 1)
		last += 16;
	next = colliding(last);
	put(last, 1);
	put(next, 2);
	ck_assert_uint_eq(atomic_load(&table[0].key), next);
	ck_assert_uint_eq(get(next), 2);
}
END_TEST

START_TEST(idtable_ends_its_search_in_a_full_table)
{
	static struct idtable_entry small[4];
	uint64_t i;

	for (i = 0; i < 4; i++)
		ck_assert_ptr_nonnull(idtable_claim(small, 4, KEY + i));
	ck_assert_ptr_null(idtable_claim(small, 4, KEY + i));
	ck_assert_ptr_null(idtable_find(small, 4, KEY + i));
	ck_assert_int_eq(idtable_forget(small, 4, KEY + i), 0);
}
END_TEST

START_TEST(idtable_forgets)
{
	put(KEY, 7);
	ck_assert_int_eq(idtable_forget(table, SIZE, KEY), 1);
	ck_assert_ptr_null(idtable_find(table, SIZE, KEY));
	ck_assert_int_eq(idtable_forget(table, SIZE, KEY), 0);
}
END_TEST

START_TEST(idtable_finds_what_lies_behind_a_forgotten_key)
{
	uint64_t next = colliding(KEY);

	put(KEY, 1);
	put(next, 2);
	idtable_forget(table, SIZE, KEY);
	ck_assert_uint_eq(get(next), 2);
}
END_TEST

START_TEST(idtable_uses_a_freed_entry_again_without_its_id)
{
	uint64_t next = colliding(KEY);
	struct idtable_entry *entry;

	put(KEY, 1);
	idtable_forget(table, SIZE, KEY);
	entry = idtable_claim(table, SIZE, next);
	ck_assert_ptr_eq(entry, &table[home(KEY)]);
	ck_assert_uint_eq(atomic_load(&entry->id), 0);
}
END_TEST

START_TEST(idtable_stays_usable_when_keys_come_and_go)
{
	uint64_t key;

	for (key = KEY; key < KEY + 16 * 10000; key += 16) {
		put(key, 1);
		ck_assert_int_eq(idtable_forget(table, SIZE, key), 1);
	}
	put(KEY, 2);
	ck_assert_uint_eq(get(KEY), 2);
}
END_TEST

START_TEST(idtable_forgets_both_of_two_entries)
{
	put(KEY, 1);
	put(KEY, 2);
	ck_assert_int_eq(idtable_forget(table, SIZE, KEY), 2);
	ck_assert_ptr_null(idtable_find(table, SIZE, KEY));
}
END_TEST

START_TEST(idtable_keeps_many_keys)
{
	uint32_t n = ARRAY_LEN(large), i;

	for (i = 0; i < n / 2; i++) {
		struct idtable_entry *entry =
			idtable_claim(large, n, KEY + UINT64_C(176) * i);

		ck_assert_ptr_nonnull(entry);
		idtable_publish(entry, i + 1);
	}
	for (i = 0; i < n / 2; i++) {
		struct idtable_entry *entry =
			idtable_find(large, n, KEY + UINT64_C(176) * i);

		ck_assert_ptr_nonnull(entry);
		ck_assert_uint_eq(atomic_load(&entry->id), i + 1);
	}
}
END_TEST

#define EACH 20000u

/* Define keys as codes_id() does; the id says who and which. */
static void *define_all(void *who)
{
	uint32_t first = *(uint32_t *)who, i;

	for (i = 1; i < EACH; i++) {
		struct idtable_entry *entry =
			idtable_find(large, ARRAY_LEN(large), KEY + 16 * i);

		if (entry)
			continue;
		entry = idtable_claim(large, ARRAY_LEN(large), KEY + 16 * i);
		idtable_publish(entry, first + i);
	}
	return NULL;
}

START_TEST(idtable_has_true_ids_with_two_writers)
{
	uint32_t who[2] = { 0, EACH }, i;
	pthread_t threads[2];

	for (i = 0; i < 2; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, define_all, &who[i]),
			0);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (i = 1; i < EACH; i++) {
		struct idtable_entry *entry =
			idtable_find(large, ARRAY_LEN(large), KEY + 16 * i);

		ck_assert_ptr_nonnull(entry);
		ck_assert_uint_eq(atomic_load(&entry->id) % EACH, i);
	}
}
END_TEST

UNIT_MAIN(idtable, idtable_is_empty_at_first, idtable_finds_what_was_published,
	  idtable_shows_a_claimed_key_without_id,
	  idtable_tells_colliding_keys_apart,
	  idtable_refuses_a_key_with_no_room_around_it,
	  idtable_takes_other_keys_beside_a_full_place,
	  idtable_goes_on_at_the_table_s_begin,
	  idtable_ends_its_search_in_a_full_table, idtable_forgets,
	  idtable_finds_what_lies_behind_a_forgotten_key,
	  idtable_uses_a_freed_entry_again_without_its_id,
	  idtable_stays_usable_when_keys_come_and_go,
	  idtable_forgets_both_of_two_entries, idtable_keeps_many_keys,
	  idtable_has_true_ids_with_two_writers)
