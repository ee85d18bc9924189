/* SPDX-License-Identifier: MIT */
/*
 * A hash index: from a key that the caller holds to the number of the
 * caller's array element that has this key. The table knows hashes and numbers
 * only; keys are compared by the caller's function.
 */
#ifndef UTIL_TABLE_H
#define UTIL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pyprof/compiler.h"

#define TABLE_NONE UINT32_MAX

struct table_slot {
	uint32_t hash;
	uint32_t index; /* TABLE_NONE: free */
};

struct table {
	struct table_slot *slots;
	size_t room; /* a power of two, or 0 */
	size_t count;
};

/* Whether element `index` of `owner` has the key. */
typedef bool table_equal(const void *owner, uint32_t index, const void *key);

/* A table of all zeros is empty and ready. */
void table_done(struct table *t);

/* The number put in under this key, or TABLE_NONE. */
uint32_t table_find(const struct table *t, uint64_t hash, table_equal *equal,
		    const void *owner, const void *key) PP_MUST_CHECK;

/* Put `index` in; the key must not be there yet. */
void table_add(struct table *t, uint64_t hash, uint32_t index);

/* Hashes: of bytes, of one number, and of a number joined to a hash. */
uint64_t hash_bytes(const void *bytes, size_t size);
uint64_t hash_number(uint64_t number);
uint64_t hash_join(uint64_t hash, uint64_t number);

#endif
