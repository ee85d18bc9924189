/* SPDX-License-Identifier: MIT */
/* The GIL's ledger in the text report; used by fmt_text.c. */
#ifndef GILTEXT_H
#define GILTEXT_H

#include <stdio.h>

#include "view.h"

/*
 * Who held the GIL and who waited for it, in percent of the time for which that
 * was counted, see gil_counted_ns(), or "-" if it is not known; then who waited
 * how long behind which line, with the stacks of the first of these. Nothing if
 * nobody waited. Both are of the threads that are shown; where that cannot be,
 * or is of more of the run than the samples, a line or the title says so.
 */
void giltext_put(const struct view *v, FILE *out);

#endif
