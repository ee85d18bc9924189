/* SPDX-License-Identifier: MIT */
/* What the text report says of counted calls; used by fmt_text.c. */
#ifndef TRACETEXT_H
#define TRACETEXT_H

#include <stdio.h>

#include "view.h"

/* Lines of the summary: what was traced, the calls, their time. */
void tracetext_summary(const struct view *v, FILE *out);

/*
 * The table in pstats' layout: its line of totals, the order, restrictions and
 * rows. If there are samples too, headings say which column is of what.
 */
void tracetext_table(const struct view *v, FILE *out);

#endif
