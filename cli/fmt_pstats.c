/* SPDX-License-Identifier: MIT */
/*
 * Statistics as cProfile saves them, for pstats, its browser, SnakeViz and
 * gprof2dot:
 *
 *	{(file, line, name): (cc, nc, tt, ct, callers)}
 *
 * with callers of {(file, line, name): (nc, cc, tt, ct)}: nc, all calls, and
 * cc, those that are no recursion, have changed places there. Each caller is a
 * function of the outer dictionary too.
 */
#include "arcs.h"
#include "formats.h"
#include "util/marshal.h"
#include "util/units.h"

/* pstats refuses a dictionary with nothing in it. */
static const struct function nothing = { .name = "<no samples>", .file = "~" };

static void put_key(FILE *out, const struct function *f)
{
	marshal_tuple(out, 3);
	marshal_str(out, f->file);
	marshal_int(out, f->line);
	marshal_str(out, f->name);
}

static void put_times(FILE *out, const struct arc_cost *cost)
{
	marshal_float(out, seconds(cost->self_ns));
	marshal_float(out, seconds(cost->total_ns));
}

/* All of a function's value but its callers. */
static void put_function(FILE *out, const struct function *f,
			 const struct arc_cost *cost)
{
	put_key(out, f);
	marshal_tuple(out, 5);
	marshal_int(out, cost->primitive);
	marshal_int(out, cost->count);
	put_times(out, cost);
}

static void put_callers(FILE *out, const struct arcs *c, uint32_t function)
{
	const struct arc *arc;
	size_t count;

	marshal_begin_dict(out);
	for (arc = arcs_of(c, function, &count); count > 0; arc++, count--) {
		put_key(out, &c->names.functions[arc->caller]);
		marshal_tuple(out, 4);
		marshal_int(out, arc->cost.count);
		marshal_int(out, arc->cost.primitive);
		put_times(out, &arc->cost);
	}
	marshal_end_dict(out);
}

static void put_nothing(FILE *out)
{
	put_function(out, &nothing, &(struct arc_cost){ 0 });
	marshal_begin_dict(out);
	marshal_end_dict(out);
}

void fmt_pstats(const struct view *v, FILE *out)
{
	struct arcs c;
	bool any = false;
	uint32_t i;

	arcs_init(&c, v, ARCS_PSTATS, ARCS_BY_CALLEE);
	marshal_begin_dict(out);
	for (i = 0; i < c.names.function_count; i++) {
		if (!arcs_shows(&c, i))
			continue;
		put_function(out, &c.names.functions[i], &c.functions[i]);
		put_callers(out, &c, i);
		any = true;
	}
	if (!any)
		put_nothing(out);
	marshal_end_dict(out);
	arcs_done(&c);
}
