/* SPDX-License-Identifier: MIT */
/* A row of the function table, which is sorted, cut and printed. */
#ifndef ROW_H
#define ROW_H

#include "sums.h"

struct row {
	uint32_t function;
	uint32_t line; /* the function's first, or the one that was run */
	const char *name;
	const char *file; /* as shown; "" of a mark */
	struct sum sum;	  /* times as in struct rows */
	uint64_t calls;	  /* exact ones; in sampled logs the samples with it */
	uint64_t primitive;
};

#endif
