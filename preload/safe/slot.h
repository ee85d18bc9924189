/* SPDX-License-Identifier: MIT */
/*
 * A word that holds a chunk's address, 0 while it is free, or SLOT_CLAIMED
 * while somebody changes what belongs to it. Handler, any thread.
 */
#ifndef SAFE_SLOT_H
#define SAFE_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SLOT_CLAIMED 1u

/* Take hold of a slot that holds this now; false if another was faster. */
static inline bool slot_claim(_Atomic uint64_t *slot, uint64_t expected)
{
	/* takes over what slot_release() published */
	return atomic_compare_exchange_strong_explicit(
		slot, &expected, SLOT_CLAIMED, memory_order_acquire,
		memory_order_relaxed);
}

static inline void slot_release(_Atomic uint64_t *slot, uint64_t chunk)
{
	/* publishes what belongs to it to slot_claim() */
	atomic_store_explicit(slot, chunk, memory_order_release);
}

#endif
