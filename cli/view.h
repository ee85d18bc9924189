/* SPDX-License-Identifier: MIT */
/*
 * What a format walks: the profile, its sums and totals, and rows that are
 * filtered, sorted and cut as the options say.
 *
 * Totals and percentages are always those of the whole profile. Files that are
 * filtered out lose their rows in tables and their frames in stacks, where
 * their cost stays with the nearest frame that is left.
 */
#ifndef VIEW_H
#define VIEW_H

#include "filter.h"
#include "limit.h"
#include "sort.h"
#include "sums.h"
#include "totals.h"
#include "util/text.h"

struct view_options {
	bool by_lines; /* rows and frames are lines, else functions */
	bool strip_dirs;
	bool unit_us; /* collapsed stacks count microseconds, not samples */
	struct filter filter;
	struct sort sort;
	struct limits limits;
};

struct view {
	const struct profile *profile;
	const struct view_options *options;
	struct sums sums;
	struct totals totals;
	bool *left_out; /* by function */
};

/* Rows of the table, sorted and cut. */
struct rows {
	struct row *list;
	size_t count;
};

void view_init(struct view *v, const struct profile *p,
	       const struct view_options *options);
void view_done(struct view *v);

/* A row for each function, or for each line that was run. */
void rows_init(struct rows *rows, const struct view *v, bool by_lines);
void rows_done(struct rows *rows);

/* The file of a function as the options want it shown; NULL of a mark. */
const char *view_file(const struct view *v, uint32_t function);

/* Add a frame as "NAME (FILE:LINE)", or a mark's name alone. */
void view_add_frame(const struct view *v, struct text *to, uint32_t function,
		    uint32_t line);

/* `part` in percent of the profile's CPU time. */
double view_percent(const struct view *v, uint64_t part_ns);

#endif
