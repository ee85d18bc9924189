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
#include "keep.h"
#include "limit.h"
#include "sort.h"
#include "sums.h"
#include "totals.h"
#include "traced.h"
#include "util/text.h"

struct view_options {
	bool by_lines; /* rows and frames are lines, else functions */
	bool strip_dirs;
	bool callers, callees; /* text: who called whom */
	bool relative_paths;   /* callgrind: as --zipfile has them */
	bool no_correction;    /* traced times as measured */
	bool unit_us; /* collapsed stacks count microseconds, not samples */
	struct filter filter;
	struct keep keep; /* what was loaded, see load.h */
	struct sort sort;
	struct limits limits;
};

struct view {
	const struct profile *profile;
	const struct view_options *options;
	enum pp_trace trace;  /* what was traced, in any of the logs */
	bool sampled;	      /* any of the logs was, so its CPU times count */
	struct sums sums;     /* counted ones if nothing was sampled */
	struct traced traced; /* empty if nothing was traced */
	struct totals totals;
	bool *left_out; /* by function */
};

/*
 * Rows of the table, sorted and cut. Their times are the sampled ones, or if
 * nothing was sampled those traced, as the options want them.
 */
struct rows {
	struct row *list;
	size_t count;
	bool by_lines;
	struct text restrictions; /* a line of pstats' for each that cut */
};

void view_init(struct view *v, const struct profile *p,
	       const struct view_options *options);
void view_done(struct view *v);

/*
 * A row for each function, or for each line that was run if the logs know of
 * lines; the calls of a line are how often it was run.
 */
void rows_init(struct rows *rows, const struct view *v, bool by_lines);
void rows_done(struct rows *rows);

/* How many of them a text shows: the first screen, unless limits were asked. */
size_t rows_shown(const struct rows *rows, const struct view *v);

/* The file of a function as the options want it shown; NULL of a mark. */
const char *view_file(const struct view *v, uint32_t function);

/*
 * Add a frame as "NAME (FILE:LINE)", or a mark's name alone. C functions stand
 * as pstats writes them: "{built-in method time.sleep}".
 */
void view_add_frame(const struct view *v, struct text *to, uint32_t function,
		    uint32_t line);

/* The same as people and JSON are shown it, see text_add_printable(). */
void view_show_frame(const struct view *v, struct text *to, uint32_t function,
		     uint32_t line);

/* The time that the options want: raw, or corrected for pyprof's part of it. */
uint64_t view_ns(const struct view *v, const struct traced_ns *ns);

/*
 * Whether samples are of a part of the run, as --from or a ring has it: what is
 * no sample is of the whole run still.
 */
bool view_is_part(const struct view *v);

/* `part` in percent of the time of all samples. */
double view_percent(const struct view *v, uint64_t part_ns);

#endif
