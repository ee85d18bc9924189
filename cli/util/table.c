/* SPDX-License-Identifier: MIT */
/* Open addressing with linear probing, at most half full. */
#include "util/table.h"

#include <stdlib.h>

#include "util/die.h"

#define TABLE_ROOM_FIRST 64u

void table_done(struct table *t)
{
	free(t->slots);
	*t = (struct table){ 0 };
}

static void table_put(struct table *t, struct table_slot slot)
{
	size_t at = slot.hash & (t->room - 1);

	while (t->slots[at].index != TABLE_NONE)
		at = (at + 1) & (t->room - 1);
	t->slots[at] = slot;
}

static void table_grow(struct table *t)
{
	struct table old = *t;
	size_t i;

	t->room = old.room ? old.room * 2 : TABLE_ROOM_FIRST;
	t->slots = must_realloc(NULL, t->room, sizeof(*t->slots));
	for (i = 0; i < t->room; i++)
		t->slots[i].index = TABLE_NONE;
	for (i = 0; i < old.room; i++)
		if (old.slots[i].index != TABLE_NONE)
			table_put(t, old.slots[i]);
	free(old.slots);
}

static uint32_t fold(uint64_t hash)
{
	return (uint32_t)(hash ^ (hash >> 32));
}

uint32_t table_find(const struct table *t, uint64_t hash, table_equal *equal,
		    const void *owner, const void *key)
{
	uint32_t folded = fold(hash);
	const struct table_slot *slot;
	size_t at;

	if (!t->room)
		return TABLE_NONE;
	for (at = folded & (t->room - 1);; at = (at + 1) & (t->room - 1)) {
		slot = &t->slots[at];
		if (slot->index == TABLE_NONE)
			return TABLE_NONE;
		if (slot->hash == folded && equal(owner, slot->index, key))
			return slot->index;
	}
}

void table_add(struct table *t, uint64_t hash, uint32_t index)
{
	if (t->count * 2 >= t->room)
		table_grow(t);
	table_put(t, (struct table_slot){ fold(hash), index });
	t->count++;
}

uint64_t hash_number(uint64_t number)
{
	number ^= number >> 31;
	number *= 0x9e3779b97f4a7c15u;
	return number ^ (number >> 29);
}

uint64_t hash_join(uint64_t hash, uint64_t number)
{
	return hash_number((hash ^ number) * 0xbf58476d1ce4e5b9u + number);
}

uint64_t hash_bytes(const void *bytes, size_t size)
{
	const unsigned char *p = bytes;
	uint64_t hash = 0xcbf29ce484222325u;

	while (size--)
		hash = (hash ^ *p++) * 0x100000001b3u;
	return hash_number(hash);
}
