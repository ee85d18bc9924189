/* SPDX-License-Identifier: MIT */
/*
 * The tables of deterministic profiling, EDGES, LINES and OPEN, on their way
 * into a profile. They change while the log is read, if its process still runs,
 * so load.c takes them before the definitions of what they name, and
 * tables_close() comes when all else is known.
 */
#ifndef TABLES_H
#define TABLES_H

#include <stdbool.h>

#include "model.h"
#include "reader.h"

struct loader;
struct span;
struct thread_line;
struct thread_open;

/* Tables as the log has them. One of all zeros is empty and ready. */
struct tables {
	bool owned; /* an OWNER was read in this chunk */
	uint32_t thread;
	uint64_t seq;

	struct pp_edge *edges;
	size_t edge_count, edge_room;
	struct span *spans; /* whose edges these are */
	size_t span_count, span_room;
	struct thread_line *lines;
	size_t line_count, line_room;
	struct thread_open *opens; /* one for each thread that has one */
	size_t open_count, open_room;
	uint64_t bad_offset; /* of a record that tables_close() did not like */
};

void tables_done(struct tables *t);

/*
 * Take in a record; others than the tables and OWNER are passed over. Returns
 * -1 if it makes no sense.
 */
int tables_take(struct loader *l, const struct record *rec) PP_MUST_CHECK;

/* The chunk is over, and with it the segment. */
void tables_end_segment(struct tables *t);

/*
 * All records are read: close the calls that have not returned where the log
 * ends, and put everything into the profile. Returns -1 if an open call is of
 * an edge that is not there; bad_offset is then where.
 */
int tables_close(struct loader *l) PP_MUST_CHECK;

#endif
