/* SPDX-License-Identifier: MIT */
/*
 * Chunks that wait until they are old. See ring.h.
 */
#include "safe/ring.h"

#include "safe/clock.h"
#include "safe/slot.h"

/* No slot beyond this one has ever been used. */
static void note_used(uint32_t slots)
{
	uint32_t used =
		atomic_load_explicit(&state->ring_slots, memory_order_relaxed);

	while (used < slots &&
	       !atomic_compare_exchange_weak_explicit(
		       &state->ring_slots, &used, slots, memory_order_relaxed,
		       memory_order_relaxed))
		;
}

bool ring_put(const struct chunk *c)
{
	for (uint32_t i = 0; i < STATE_RING; i++) {
		struct ring_slot *slot = &state->ring[i];

		if (atomic_load_explicit(&slot->chunk, memory_order_relaxed) ||
		    !slot_claim(&slot->chunk, 0))
			continue;
		slot->size = c->size;
		slot->last_ns = clock_read(CLOCK_MONOTONIC);
		note_used(i + 1);
		slot_release(&slot->chunk, (uint64_t)c->base);
		return true;
	}
	return false;
}

/* It begins anew: what was in it is no part of the log any more. */
static void empty(struct chunk *c, uint64_t at, uint32_t size)
{
	struct pp_chunk *head = (struct pp_chunk *)at;

	*c = (struct chunk){ (uint8_t *)head, size, sizeof(*head) };
	__atomic_store_n(&head->used, sizeof(*head), __ATOMIC_RELEASE);
}

bool ring_take(struct chunk *c, uint32_t size)
{
	uint32_t n =
		atomic_load_explicit(&state->ring_slots, memory_order_relaxed);
	uint64_t now_ns = clock_read(CLOCK_MONOTONIC);

	for (uint32_t i = 0; i < n; i++) {
		struct ring_slot *slot = &state->ring[i];
		uint64_t at = atomic_load_explicit(&slot->chunk,
						   memory_order_relaxed);

		if (at <= SLOT_CLAIMED || !slot_claim(&slot->chunk, at))
			continue;
		if (slot->size == size &&
		    now_ns - slot->last_ns > target.settings.ring_ns) {
			empty(c, at, size);
			slot_release(&slot->chunk, 0);
			return true;
		}
		slot_release(&slot->chunk, at);
	}
	return false;
}
