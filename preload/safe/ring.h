/* SPDX-License-Identifier: MIT */
/*
 * --ring: the log keeps the last seconds only. Chunks that threads have filled
 * stay mapped and wait here until all that is in them is older than that; then
 * they are begun anew in place of new ones. So the file is a ring of no more
 * chunks than those seconds need, and reads as the last seconds at any instant.
 * Definitions (see record.c) are in chunks of their own, which never come here.
 * Handler, any thread, the ticker.
 */
#ifndef SAFE_RING_H
#define SAFE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "safe/chunk.h"
#include "safe/state.h"
#include "safe/target.h"

static inline bool ring_is_on(void)
{
	return target.settings.ring_ns != 0;
}

/* The newest sample is of this instant: a reader counts back from there. */
static inline void ring_note(uint64_t now_ns)
{
	/* publishes nothing; threads may put it back a little */
	if (ring_is_on())
		__atomic_store_n(&state->header->ring_now_ns, now_ns,
				 __ATOMIC_RELAXED);
}

/* Put a chunk away that nobody writes to. False: there is no room for it. */
bool ring_put(const struct chunk *c);

/* Take one of this size that is old enough, emptied. False: none. */
bool ring_take(struct chunk *c, uint32_t size) PP_MUST_CHECK;

#endif
