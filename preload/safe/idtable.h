/* SPDX-License-Identifier: MIT */
/*
 * A table from a key (an address, a hash) to the id of its definition in the
 * log: open addressing, fixed size, no locks, memory that starts as zeros. A
 * key is claimed first and its id published when the definition is complete
 * in the log, so whoever reads an id may use it. Handler, any thread.
 */
#ifndef SAFE_IDTABLE_H
#define SAFE_IDTABLE_H

#include <stdatomic.h>
#include <stdint.h>

#define IDTABLE_FREED 1 /* a key that died; its entry may be claimed again */

struct idtable_entry {
	_Atomic uint64_t key; /* 0: never used; IDTABLE_FREED */
	_Atomic uint32_t id;  /* 0: not published */
	uint32_t unused;
};

/*
 * Find a key. Returns its entry or NULL. size is a power of two. The key is
 * neither 0 nor IDTABLE_FREED.
 */
struct idtable_entry *idtable_find(struct idtable_entry *table, uint32_t size,
				   uint64_t key);

/*
 * Claim an entry for a key that was not found. Returns NULL if the table is
 * full around it: the definition then stands unpublished, and the key will be
 * defined again next time.
 */
struct idtable_entry *idtable_claim(struct idtable_entry *table, uint32_t size,
				    uint64_t key);

/* Publish the id of a claimed entry: from now on others use it. */
void idtable_publish(struct idtable_entry *entry, uint32_t id);

/*
 * The published id of a key; or 0, and the caller is to define it: *claimed is
 * the entry for that, NULL if there is none or another thread is at it, whose
 * twin the definition then is. idtable_settle() follows, with the id, or 0 if
 * the definition failed.
 */
uint32_t idtable_id(struct idtable_entry *table, uint32_t size, uint64_t key,
		    struct idtable_entry **claimed);
void idtable_settle(struct idtable_entry *table, uint32_t size, uint64_t key,
		    struct idtable_entry *claimed, uint32_t id);

/* Forget a key, with its entries. Returns how many there were. */
int idtable_forget(struct idtable_entry *table, uint32_t size, uint64_t key);

#endif
