/* SPDX-License-Identifier: MIT */
/*
 * Traced calls and lines in the shape of sums.h, for formats that show a
 * profile of either kind: lines, and calls from lines. In place of samples
 * stand counts: of lines how often they were run, of functions and calls the
 * calls.
 *
 * The sums are made to fit, as callgrind's are: the self of a function is on
 * its lines, and where lines were not traced, or do not have all of it, on the
 * function's first one.
 */
#ifndef COUNTED_H
#define COUNTED_H

#include <stdbool.h>

#include "sums.h"
#include "traced.h"

/* To be done by sums_done(). `raw` takes times as they were measured. */
void counted_init(struct sums *s, const struct profile *p,
		  const struct traced *t, bool raw);

#endif
