/* SPDX-License-Identifier: MIT */
/*
 * Loads that may fault. A frame is read while the interpreter is in the middle
 * of changing it, so an address found there may be garbage. guard_load() makes
 * the load at one known instruction; a fault there, and nowhere else, is
 * mended by fault.c. Handler, any thread.
 */
#ifndef SAFE_GUARD_H
#define SAFE_GUARD_H

#include <stdint.h>

struct guarded {
	uint64_t value; /* 0 after a fault */
	uint64_t fault; /* 0, or 1 if the address could not be read */
};

/* Load the 8 bytes at an address, which must be a multiple of 8. */
struct guarded guard_load(uintptr_t at);

/* Where guard_load() may fault, and where it goes on then. */
extern const char guard_instruction[], guard_fixup[];

/*
 * A series of loads with one check at the end: value() of a failed load is 0
 * and *faults counts it.
 */
static inline uint64_t guard_u64(uintptr_t at, unsigned *faults)
{
	struct guarded g = guard_load(at);

	*faults += (unsigned)g.fault;
	return g.value;
}

/* A member of a struct of the interpreter's, at its offset there. */
static inline uint64_t guard_at(uintptr_t base, int32_t offset,
				unsigned *faults)
{
	return guard_u64(base + (uintptr_t)(intptr_t)offset, faults);
}

static inline uint32_t guard_u32(uintptr_t at, unsigned *faults)
{
	uint64_t word = guard_u64(at & ~(uintptr_t)7, faults);

	return (uint32_t)(word >> (8 * (at & 7)));
}

static inline uint8_t guard_u8(uintptr_t at, unsigned *faults)
{
	return (uint8_t)guard_u32(at, faults);
}

#endif
