/* SPDX-License-Identifier: MIT */
/*
 * Lines and calls in the order of the sources, for the formats that go
 * through files from top to bottom.
 */
#ifndef ORDER_H
#define ORDER_H

#include "view.h"

struct order {
	uint32_t *lines; /* of sums.lines, as enum order_by says */
	size_t line_count;
	uint32_t *edges;      /* of sums.edges: by caller, dearest first */
	uint32_t *first_edge; /* by line_sum: index of its first one in edges */
	size_t edge_count;
};

/* What lines are sorted by. */
enum order_by {
	ORDER_FUNCTIONS, /* file, function, line */
	ORDER_FILES,	 /* file, line, function */
};

void order_init(struct order *o, const struct view *v, enum order_by by);
void order_done(struct order *o);

#endif
