/* SPDX-License-Identifier: MIT */
/*
 * What the tree of stacks comes to: self and total of each function and of
 * each line, and the calls between them. Computed once, for every format.
 *
 * A total counts a function (line, call) once for a stack, however often it
 * recurs on it, so that no total exceeds that of the profile.
 */
#ifndef SUMS_H
#define SUMS_H

#include "model.h"

struct sum {
	struct cost self;  /* it was on top */
	struct cost total; /* it was on the stack */
};

/* A line of a function that was on a stack. */
struct line_sum {
	uint32_t function;
	uint32_t line;
	struct sum sum;
};

/*
 * Calls from one line to one function. `self` is what happened in the callee
 * itself, `total` also below it.
 * `outermost` leaves out calls below which the callee was already running:
 * these add up, over all callers, to the total of the callee.
 */
struct edge {
	uint32_t caller; /* number of the line_sum */
	uint32_t callee; /* number of the function */
	struct cost self;
	struct cost total;
	struct cost outermost;
};

struct sums {
	struct sum *functions; /* by the profile's numbers */
	struct line_sum *lines;
	size_t line_count, line_room;
	struct table line_table;
	struct edge *edges;
	size_t edge_count, edge_room;
	struct table edge_table;
	struct cost all; /* of the whole profile */
};

void sums_init(struct sums *s, const struct profile *p);

/* The number of this line, of this call, which is added if it is new. */
uint32_t sums_line(struct sums *s, uint32_t function, uint32_t line);
uint32_t sums_edge(struct sums *s, uint32_t caller, uint32_t callee);

void sums_done(struct sums *s);

#endif
