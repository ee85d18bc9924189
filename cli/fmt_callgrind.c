/* SPDX-License-Identifier: MIT */
/*
 * Callgrind's profile format, for kcachegrind, qcachegrind, callgrind_annotate
 * and gprof2dot. What those programs stumble over, and this file heeds:
 *
 * - `events:` is the last header line, or callgrind_annotate takes the others
 *   for damage; the first event is what every viewer starts with.
 * - `calls=0` makes callgrind_annotate count the call's cost as the caller's
 *   own. Where calls were not traced, samples stand for them, at least 1.
 * - A call to a function that is running already costs 0 here: the cost is
 *   with the outermost call, or recursive functions come to more than 100 %.
 * - gprof2dot knows functions by name only, so the name has the line in it, and
 *   a number where file, name and line are the same.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "formats.h"
#include "order.h"
#include "place.h"
#include "pyprof/version.h"
#include "util/die.h"

#define UNKNOWN_FILE "???"

/* Names of files or of functions, each of which is written in full once. */
struct names {
	struct profile marks; /* a mark's number is its name's */
	uint32_t *numbers;    /* by function of the profile */
	bool *written;	      /* by number */
};

struct output {
	const struct view *v;
	FILE *out;
	struct order order;
	struct names files, functions;
};

static const struct function *function_of(const struct output *o,
					  uint32_t function)
{
	return &o->v->profile->functions[function];
}

static uint32_t first_line(const struct output *o, uint32_t function)
{
	uint32_t line = function_of(o, function)->line;

	return line ? line : 1;
}

/* The number of a text in which nothing breaks the line. */
static uint32_t obtain_name(struct names *names, const char *name)
{
	struct text clean = { 0 };
	uint32_t number;
	char *p;

	while (*name == ' ')
		name++;
	text_adds(&clean, *name ? name : UNKNOWN_FILE);
	for (p = clean.at; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	number = profile_mark(&names->marks, clean.at);
	text_done(&clean);
	return number;
}

static void name_file(struct output *o, uint32_t function)
{
	const char *file = view_file(o->v, function);
	struct text relative = { 0 };

	if (file && o->v->options->relative_paths) {
		place_add_relative(function_of(o, function)->file, &relative);
		file = text_get(&relative);
	}
	o->files.numbers[function] =
		obtain_name(&o->files, file ? file : UNKNOWN_FILE);
	text_done(&relative);
}

/*
 * NAME:LINE, or a mark's name alone, and _1, _2 ... behind it where an earlier
 * function of this file has that already; `taken` has the names of all files.
 */
static void name_function(struct output *o, uint32_t function,
			  struct profile *taken)
{
	struct text name = { 0 }, key = { 0 };
	unsigned homonyms = 0;
	size_t before, length;

	if (function_is_c(function_of(o, function)))
		view_add_frame(o->v, &name, function, 0);
	else if (!function_of(o, function)->file)
		text_adds(&name, function_of(o, function)->name);
	else
		text_addf(&name, "%s:%u", function_of(o, function)->name,
			  first_line(o, function));
	length = name.length;
	do {
		name.length = length;
		if (homonyms)
			text_addf(&name, "_%u", homonyms);
		homonyms++;
		text_clear(&key);
		text_addf(&key, "%u %s", o->files.numbers[function], name.at);
		before = taken->function_count;
		profile_mark(taken, key.at);
	} while (taken->function_count == before);
	o->functions.numbers[function] = obtain_name(&o->functions, name.at);
	text_done(&name);
	text_done(&key);
}

static void names_init(struct names *names, size_t function_count)
{
	profile_init(&names->marks);
	names->numbers = must_zalloc(function_count, sizeof(*names->numbers));
	/* There cannot be more names than functions. */
	names->written = must_zalloc(function_count, sizeof(*names->written));
}

static void names_done(struct names *names)
{
	profile_done(&names->marks);
	free(names->numbers);
	free(names->written);
}

static void name_all(struct output *o)
{
	size_t count = o->v->profile->function_count;
	struct profile taken;
	uint32_t i;

	profile_init(&taken);
	names_init(&o->files, count);
	names_init(&o->functions, count);
	for (i = 0; i < count; i++) {
		name_file(o, i);
		name_function(o, i, &taken);
	}
	profile_done(&taken);
}

/* KEY=(ID) NAME the first time, KEY=(ID) after that. */
static void put_name(struct output *o, const char *key, struct names *names,
		     uint32_t function)
{
	uint32_t number = names->numbers[function];

	fprintf(o->out, "%s=(%u)", key, number + 1);
	if (!names->written[number])
		fprintf(o->out, " %s", names->marks.functions[number].name);
	fputc('\n', o->out);
	names->written[number] = true;
}

static void put_cost(struct output *o, uint32_t line, const struct cost *cost)
{
	fprintf(o->out, "%u %llu %llu\n", line ? line : 1,
		(unsigned long long)cost->ns,
		(unsigned long long)cost->samples);
}

static void put_call(struct output *o, const struct line_sum *from,
		     const struct edge *edge)
{
	uint64_t calls = edge->total.samples ? edge->total.samples : 1;

	if (o->files.numbers[edge->callee] != o->files.numbers[from->function])
		put_name(o, "cfi", &o->files, edge->callee);
	put_name(o, "cfn", &o->functions, edge->callee);
	fprintf(o->out, "calls=%llu %u\n", (unsigned long long)calls,
		first_line(o, edge->callee));
	put_cost(o, from->line, &edge->outermost);
}

/*
 * What a line costs itself. The calls of a function are on its first line: the
 * counts of the other lines are of no calls.
 */
static void put_self(struct output *o, const struct line_sum *line)
{
	struct cost cost = line->sum.self;

	if (!o->v->sampled) {
		cost.samples = 0;
		if (line->line == function_of(o, line->function)->line)
			cost.samples =
				o->v->traced.functions[line->function].calls;
	}
	if (cost.samples || cost.ns)
		put_cost(o, line->line, &cost);
}

static void put_line(struct output *o, uint32_t number)
{
	const struct line_sum *line = &o->v->sums.lines[number];
	const struct edge *edge;
	size_t i;

	put_self(o, line);
	for (i = o->order.first_edge[number]; i < o->order.edge_count; i++) {
		edge = &o->v->sums.edges[o->order.edges[i]];
		if (edge->caller != number)
			break;
		put_call(o, line, edge);
	}
}

static void put_functions(struct output *o)
{
	uint32_t last = UINT32_MAX, function;
	size_t i;

	for (i = 0; i < o->order.line_count; i++) {
		function = o->v->sums.lines[o->order.lines[i]].function;
		if (o->v->left_out[function])
			continue;
		if (function != last) {
			fputc('\n', o->out);
			put_name(o, "fl", &o->files, function);
			put_name(o, "fn", &o->functions, function);
		}
		last = function;
		put_line(o, o->order.lines[i]);
	}
}

static void put_sampled_events(struct output *o)
{
	const char *time = o->v->totals.wall ? "wall" : "CPU";

	if (o->v->totals.mixed)
		time = "wall and CPU";
	fprintf(o->out, "desc: Trigger: %g samples a second of %s time\n",
		o->v->totals.achieved_hz, time);
	fprintf(o->out,
		"positions: line\nevent: ns : Nanoseconds of %s time\n"
		"event: samples : Samples\nevents: ns samples\n",
		time);
	fprintf(o->out, "summary: %llu %llu\n",
		(unsigned long long)o->v->totals.sampled_ns,
		(unsigned long long)o->v->totals.samples);
}

static void put_traced_events(struct output *o)
{
	fprintf(o->out,
		"desc: Trigger: every call\npositions: line\n"
		"event: ns : Nanoseconds of wall time\n"
		"event: calls : Calls\nevents: ns calls\n"
		"summary: %llu %llu\n",
		(unsigned long long)view_ns(o->v, &o->v->traced.self),
		(unsigned long long)o->v->traced.calls);
}

static void put_header(struct output *o)
{
	const struct process *process = &o->v->profile->processes[0];
	struct text command = { 0 }, clean = { 0 };

	command_add(process, &command);
	text_add_printable(&clean, text_get(&command), ' ');
	fprintf(o->out,
		"# callgrind format\nversion: 1\ncreator: pyprof-report %s\n"
		"pid: %u\ncmd: %s\npart: 1\n",
		PYPROF_VERSION, process->header.pid, text_get(&clean));
	if (o->v->sampled)
		put_sampled_events(o);
	else
		put_traced_events(o);
	text_done(&command);
	text_done(&clean);
}

void fmt_callgrind(const struct view *v, FILE *out)
{
	struct output o = { .v = v, .out = out };

	order_init(&o.order, v, ORDER_FUNCTIONS);
	name_all(&o);
	put_header(&o);
	put_functions(&o);
	order_done(&o.order);
	names_done(&o.files);
	names_done(&o.functions);
}
