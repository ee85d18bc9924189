/* SPDX-License-Identifier: MIT */
/*
 * Who called whom, function by function, with pstats' four numbers for each
 * function and for each call of one by another.
 *
 * Calls are exact where they were traced. A sampled profile has none, and
 * samples stand for them: those with the function, or with the call of one by
 * the other, on the stack, counted once however often it recurs there. Times
 * are those of the samples; of the calls if there was no sampling.
 */
#ifndef ARCS_H
#define ARCS_H

#include "view.h"

struct arc_cost {
	uint64_t samples;
	uint64_t count;	    /* all calls; of what was not traced, samples */
	uint64_t primitive; /* those that were no recursion */
	uint64_t self_ns;   /* in the callee itself */
	uint64_t total_ns;  /* and below it */
};

struct arc {
	uint32_t caller, callee;
	struct arc_cost cost;
};

/* What is one function, and how it is named. */
enum arcs_naming {
	ARCS_NAMED,  /* as everywhere: numbers are the profile's */
	ARCS_PSTATS, /* as cProfile does; equal names are one function */
};

/* Whose calls stand together. */
enum arcs_by { ARCS_BY_CALLEE, ARCS_BY_CALLER };

struct arcs {
	enum arcs_by by;
	struct profile names;	    /* nothing but functions */
	uint32_t *number;	    /* of names, by the profile's function */
	struct arc_cost *functions; /* by names */
	struct arc *list;
	size_t count, room;
	uint32_t *first; /* by names: index in list */
};

/* Files that are filtered out have no calls, and nobody calls them. */
void arcs_init(struct arcs *c, const struct view *v, enum arcs_naming naming,
	       enum arcs_by by);
void arcs_done(struct arcs *c);

/*
 * Did the function run? In a forked child one that was called in the parent has
 * time, and no calls.
 */
bool arcs_shows(const struct arcs *c, uint32_t function);

/* The calls to, or by, this function of names, by name of the other. */
const struct arc *arcs_of(const struct arcs *c, uint32_t function,
			  size_t *count);

#endif
