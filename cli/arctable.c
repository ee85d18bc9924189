/* SPDX-License-Identifier: MIT */
/* Text that pstats' users know, to the column; see arctable.h. */
#include "arctable.h"

#include <string.h>

#include "util/units.h"

#define COUNT_WIDTH 7 /* and 2 more from the second line of a function on */

static const char *const headings[] = {
	[ARCS_BY_CALLEE] = "was called by...",
	[ARCS_BY_CALLER] = "called...",
};

static const char *const arrows[] = {
	[ARCS_BY_CALLEE] = "<-",
	[ARCS_BY_CALLER] = "->",
};

/* A function's name as it is shown, in *shown, which it replaces. */
static void show_name(const struct view *v, uint32_t function,
		      struct text *shown)
{
	uint32_t line = v->profile->functions[function].line;

	text_clear(shown);
	view_show_frame(v, shown, function, line);
}

static void put_padded(FILE *out, const char *s, int width)
{
	fprintf(out, "%s%*s", s, width - (int)text_width(s), "");
}

static int widest(const struct view *v, const struct rows *rows)
{
	struct text name = { 0 };
	int width = 0, one;
	size_t i;

	for (i = 0; i < rows->count; i++) {
		show_name(v, rows->list[i].function, &name);
		one = (int)text_width(name.at);
		width = one > width ? one : width;
	}
	text_done(&name);
	return width;
}

/* One call: ncalls, tottime, cumtime, and the other function. */
static void put_call(const struct view *v, FILE *out, const struct arc *arc,
		     uint32_t other, int count_width)
{
	const struct arc_cost *cost = &arc->cost;
	struct text count = { 0 }, name = { 0 };

	text_addf(&count, "%llu", (unsigned long long)cost->count);
	if (cost->count != cost->primitive)
		text_addf(&count, "/%llu", (unsigned long long)cost->primitive);
	show_name(v, other, &name);
	fprintf(out, "%*s %8.3f %8.3f  %s\n", count_width, count.at,
		seconds(cost->self_ns), seconds(cost->total_ns), name.at);
	text_done(&count);
	text_done(&name);
}

static void put_function(const struct view *v, FILE *out, const struct arcs *c,
			 uint32_t function, int width)
{
	struct text name = { 0 };
	const struct arc *arc;
	size_t count, i;

	show_name(v, function, &name);
	put_padded(out, name.at, width);
	fprintf(out, "%s ", arrows[c->by]);
	arc = arcs_of(c, function, &count);
	for (i = 0; i < count; i++, arc++) {
		if (i)
			fprintf(out, "%*s", width + 1, "");
		put_call(v, out, arc,
			 c->by == ARCS_BY_CALLEE ? arc->caller : arc->callee,
			 i ? COUNT_WIDTH + 2 : COUNT_WIDTH);
	}
	if (!count)
		fputc('\n', out);
	text_done(&name);
}

/* What the rows are, as pstats says it. */
static void put_order(const struct view *v, FILE *out, const struct rows *rows)
{
	struct text order = { 0 };

	sort_describe(&v->options->sort, &order);
	fprintf(out, "   Ordered by: %s\n%s\n", text_get(&order),
		text_get(&rows->restrictions));
	text_done(&order);
}

void arctable_put(const struct view *v, FILE *out, enum arcs_by by)
{
	struct arcs arcs;
	struct rows rows;
	size_t i;
	int width;

	arcs_init(&arcs, v, ARCS_NAMED, by);
	rows_init(&rows, v, false);
	if (rows.count) {
		put_order(v, out, &rows);
		width = widest(v, &rows) + 2;
		put_padded(out, "Function ", width);
		fprintf(out, "%s\n", headings[by]);
		if (arcs.count)
			fprintf(out, "%*s    ncalls  tottime  cumtime\n", width,
				"");
		for (i = 0; i < rows.count; i++)
			put_function(v, out, &arcs, rows.list[i].function,
				     width);
	}
	rows_done(&rows);
	arcs_done(&arcs);
}
