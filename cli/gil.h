/* SPDX-License-Identifier: MIT */
/*
 * The GIL's ledger in memory, part of struct profile: who held it, who waited
 * for it, behind which line. gilload.c fills it. Times in nanoseconds.
 */
#ifndef GIL_H
#define GIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line of a function; of no Python code, function is FUNCTION_NONE. */
struct gil_place {
	uint32_t function, line;
};

/* What struct pp_gil_thread says of a thread, open turns not yet added. */
struct gil_account {
	uint32_t thread;
	uint64_t takes, waits;
	uint64_t held_ns, waited_ns, yielded_ns;
	uint64_t since_ns; /* its open turn's begin; 0: has not got it */
};

struct gil_wait {
	struct gil_place waiter, holder;
	uint64_t turns, total_ns, longest_ns;
	uint32_t waiter_thread, holder_thread; /* of the longest */
};

/* The stacks of a long wait, in places: the waiter's, then the holder's. */
struct gil_stacks {
	uint64_t waited_ns;
	size_t first; /* in places */
	uint32_t waiter_depth, holder_depth;
};

struct gil {
	struct gil_account *accounts;
	size_t account_count, account_room;
	struct gil_wait *waits;
	size_t wait_count, wait_room;
	struct gil_stacks *stacks;
	size_t stacks_count, stacks_room;
	struct gil_place *places;
	size_t place_count, place_room;
	bool waits_untold; /* threads that are shown waited, but not in waits */
};

void gil_done(struct gil *g);

void gil_add_account(struct gil *g, const struct gil_account *account);
void gil_add_wait(struct gil *g, const struct gil_wait *wait);
struct gil_stacks *gil_add_stacks(struct gil *g);
void gil_add_place(struct gil *g, struct gil_place place);

/*
 * Rows of the same two places made one, most time first. Returns an array to
 * be freed, and how many there are.
 */
struct gil_wait *gil_sorted(const struct gil *g, size_t *count);

/* The longest wait of a row whose stacks are known, or NULL. */
const struct gil_stacks *gil_find_stacks(const struct gil *g,
					 const struct gil_wait *wait);

#endif
