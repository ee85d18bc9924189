/* SPDX-License-Identifier: MIT */
/*
 * What counted calls come to: those of each function, those of one function by
 * another, and lines, over all threads. The twin of sums.c for logs of
 * deterministic profiling. Computed once, for every format.
 *
 * Each time is there twice: raw, as it was measured, and corrected, without
 * what pyprof itself took. doc/format.md has the formula; a time that would be
 * less than 0 is 0. Both kinds add up, to the nanosecond:
 *
 *	self of edges to a function	= self of the function
 *	outermost of edges to it	= total of the function
 *	self of all functions		= traced.self
 *	self of its lines		<= self of the function
 *
 * where the rest of the last is time that no line was counted for.
 */
#ifndef TRACED_H
#define TRACED_H

#include "model.h"

struct traced_ns {
	uint64_t raw, corrected;
};

struct traced_function {
	uint64_t calls, primitive;
	uint64_t open; /* calls that had not returned */
	struct traced_ns self;
	struct traced_ns total; /* its outermost calls: cProfile's cumtime */
};

/*
 * Calls of one function by another. `outermost` are calls during which the
 * callee was not running yet; `total` leaves out only those during which it was
 * by this same edge: it is what cProfile calls the cumtime of the edge, and
 * never more than the callee's own.
 */
struct traced_edge {
	uint32_t caller; /* function, or FUNCTION_NONE */
	uint32_t line;	 /* of the call; 0 if not known, and in `edges` */
	uint32_t callee;
	uint64_t calls, primitive, open;
	struct traced_ns self; /* of the callee */
	struct traced_ns outermost;
	uint64_t outermost_calls;
	struct traced_ns total;
};

struct traced_line_sum {
	uint32_t function;
	uint32_t line;
	uint64_t hits, entries;
	struct traced_ns self;
};

struct traced {
	struct traced_function *functions; /* by the profile's numbers */
	struct traced_edge *edges;	   /* by caller, callee */
	size_t edge_count;
	struct traced_edge *line_edges; /* by caller, line, callee */
	size_t line_edge_count;
	struct traced_line_sum *lines; /* by function, line */
	size_t line_count;
	uint64_t calls, primitive, open; /* of all functions */
	struct traced_ns self;
	bool timed; /* some process was not sampled besides: it has times */
	/*
	 * What corrections would have taken from functions below 0:
	 * self.corrected = self.raw - all that pyprof took + clamped_ns.
	 */
	uint64_t clamped_ns;
};

/* What pyprof took for all events: by counts and what each costs. */
uint64_t traced_taken(const struct traced *t);

/* All zeros and empty for a profile that was not traced. */
void traced_init(struct traced *t, const struct profile *p);
void traced_done(struct traced *t);

#endif
