/* SPDX-License-Identifier: MIT */
/*
 * Linear probing over at most PROBES entries, so that every call is bounded.
 * Two threads that claim the same key at once get two entries; both ids are
 * true, and idtable_forget() takes both.
 */
#include "safe/idtable.h"

#include <stddef.h>

#define PROBES 64

static uint32_t start(uint64_t key)
{
	return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static uint64_t key_of(struct idtable_entry *entry)
{
	/* pairs with the claim: an id is read after its key */
	return atomic_load_explicit(&entry->key, memory_order_acquire);
}

struct idtable_entry *idtable_find(struct idtable_entry *table, uint32_t size,
				   uint64_t key)
{
	uint32_t at = start(key);

	for (int i = 0; i < PROBES; i++, at++) {
		struct idtable_entry *entry = &table[at & (size - 1)];
		uint64_t seen = key_of(entry);

		if (seen == key)
			return entry;
		if (seen == 0)
			return NULL;
	}
	return NULL;
}

struct idtable_entry *idtable_claim(struct idtable_entry *table, uint32_t size,
				    uint64_t key)
{
	uint32_t at = start(key);

	for (int i = 0; i < PROBES; i++, at++) {
		struct idtable_entry *entry = &table[at & (size - 1)];
		uint64_t seen = key_of(entry);

		if (seen != 0 && seen != IDTABLE_FREED)
			continue;
		/* a freed entry's id is already 0: see idtable_forget() */
		if (atomic_compare_exchange_strong_explicit(
			    &entry->key, &seen, key, memory_order_acq_rel,
			    memory_order_relaxed))
			return entry;
	}
	return NULL;
}

void idtable_publish(struct idtable_entry *entry, uint32_t id)
{
	/* publishes the definition, which its writer released before */
	atomic_store_explicit(&entry->id, id, memory_order_release);
}

int idtable_forget(struct idtable_entry *table, uint32_t size, uint64_t key)
{
	uint32_t at = start(key);
	int found = 0;

	for (int i = 0; i < PROBES; i++, at++) {
		struct idtable_entry *entry = &table[at & (size - 1)];
		uint64_t seen = key_of(entry);

		if (seen == 0)
			break;
		if (seen != key)
			continue;
		/* the id goes first, so that a new claim starts without one */
		atomic_store_explicit(&entry->id, 0, memory_order_release);
		atomic_store_explicit(&entry->key, IDTABLE_FREED,
				      memory_order_release);
		found++;
	}
	return found;
}

uint32_t idtable_id(struct idtable_entry *table, uint32_t size, uint64_t key,
		    struct idtable_entry **claimed)
{
	struct idtable_entry *entry = idtable_find(table, size, key);

	*claimed = NULL;
	if (!entry) {
		*claimed = idtable_claim(table, size, key);
		return 0;
	}
	/* pairs with idtable_publish(): the definition is in the log */
	return atomic_load_explicit(&entry->id, memory_order_acquire);
}

void idtable_settle(struct idtable_entry *table, uint32_t size, uint64_t key,
		    struct idtable_entry *claimed, uint32_t id)
{
	if (claimed && id)
		idtable_publish(claimed, id);
	else if (claimed)
		idtable_forget(table, size, key);
}
