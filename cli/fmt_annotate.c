/* SPDX-License-Identifier: MIT */
/*
 * Every involved file, line by line, in pprofile's layout. Hits are samples,
 * Time is the measured CPU time on the line itself (wall time, if the log is of
 * mode wall); "(call)" rows show what happened below the line and are not part
 * of its Time. What a mark has below a line, as <GC>, is the line's. Total
 * duration is the time that samples cover, as in every other format.
 *
 * Of a log that was traced and not sampled, it is as with pprofile itself: Hits
 * are how often the line was run, and its function entered on it, Time and
 * Total duration are wall time, and a C function's time is that of the line
 * which calls it, as it has no source. Where only calls were traced, a function
 * is its first line.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "formats.h"
#include "order.h"
#include "place.h"
#include "source.h"
#include "util/die.h"
#include "util/units.h"

/*
 * Lines without hits behind the end of the source, which a file that cannot
 * be read has none of, are printed up to here.
 */
#define EMPTY_LINES_MAX 100000u

/* A file: what stands together in order.lines. */
struct file {
	const char *name; /* as the log has it */
	size_t first, count;
	struct cost self;
};

struct output {
	const struct view *v;
	FILE *out;
	struct order order; /* by file, then line */
	uint64_t duration_ns;
	struct text text; /* for one thing at a time */
};

static const struct line_sum *line_at(const struct output *o, size_t i)
{
	return &o->v->sums.lines[o->order.lines[i]];
}

static bool is_c(const struct output *o, uint32_t function)
{
	return function_is_c(&o->v->profile->functions[function]);
}

/* The calls from a line: the first of order.edges, and the end. */
static size_t calls_of(const struct output *o, uint32_t line, size_t *end)
{
	const struct edge *edges = o->v->sums.edges;
	size_t first = o->order.first_edge[line], i = first;

	while (i < o->order.edge_count &&
	       edges[o->order.edges[i]].caller == line)
		i++;
	*end = i;
	return first;
}

static const struct edge *edge_at(const struct output *o, size_t i)
{
	return &o->v->sums.edges[o->order.edges[i]];
}

static bool is_mark(const struct output *o, uint32_t function)
{
	return !o->v->profile->functions[function].file;
}

/* What the line costs, with the C functions that it calls, and marks. */
static struct cost cost_at(const struct output *o, size_t i)
{
	struct cost cost = line_at(o, i)->sum.self;
	size_t k, end;

	for (k = calls_of(o, o->order.lines[i], &end); k < end; k++)
		if (is_mark(o, edge_at(o, k)->callee))
			cost_add(&cost, &edge_at(o, k)->self);
		else if (is_c(o, edge_at(o, k)->callee))
			cost.ns += edge_at(o, k)->self.ns;
	return cost;
}

static double percent(const struct output *o, uint64_t ns)
{
	return 100.0 * (double)ns / (double)o->duration_ns;
}

/* The columns of a row behind its first one. */
static void put_columns(struct output *o, const struct cost *cost)
{
	double per_hit = 0;

	if (cost->samples)
		per_hit = seconds(cost->ns) / (double)cost->samples;
	fprintf(o->out, "|%10llu|%13g|%13g|%6.2f%%|",
		(unsigned long long)cost->samples, seconds(cost->ns), per_hit,
		percent(o, cost->ns));
}

static void put_source_line(struct output *o, const struct source *source,
			    size_t number)
{
	struct text line = { 0 };

	source_line(source, number, &line);
	fprintf(o->out, "%s\n", text_get(&line));
	text_done(&line);
}

/* FILE:LINE NAME, all on one line of the output. */
static void put_callee(struct output *o, uint32_t callee)
{
	const struct function *f = &o->v->profile->functions[callee];
	const char *file = view_file(o->v, callee);
	struct text raw = { 0 };

	text_addf(&raw, "# %s:%u %s", file ? file : "???", f->line, f->simple);
	text_clear(&o->text);
	text_add_printable(&o->text, raw.at, 0);
	fprintf(o->out, "%s\n", o->text.at);
	text_done(&raw);
}

/* Add up what the line calls, by callee, in functions that share the line. */
static void put_calls(struct output *o, size_t first, size_t count)
{
	const struct edge *edge;
	size_t i, k, end;

	for (i = first; i < first + count; i++)
		for (k = calls_of(o, o->order.lines[i], &end); k < end; k++) {
			edge = edge_at(o, k);
			if (is_c(o, edge->callee) || is_mark(o, edge->callee))
				continue;
			fprintf(o->out, "(call)");
			put_columns(o, &edge->total);
			put_callee(o, edge->callee);
		}
}

/* How many entries of order.lines from `first` on are of the same line. */
static size_t same_line(const struct output *o, size_t first, size_t end)
{
	size_t i = first;

	while (i < end && line_at(o, i)->line == line_at(o, first)->line)
		i++;
	return i - first;
}

static void put_rows(struct output *o, const struct file *file,
		     const struct source *source)
{
	size_t at = file->first, end = file->first + file->count, count, i;
	uint32_t number = 1, last = line_at(o, end - 1)->line;
	struct cost self, one;

	for (; number <= last || number <= source->count; number++) {
		if (number > source->count && number > EMPTY_LINES_MAX)
			number = line_at(o, at)->line;
		self = (struct cost){ 0 };
		count = 0;
		if (at < end && line_at(o, at)->line == number)
			count = same_line(o, at, end);
		for (i = at; i < at + count; i++) {
			one = cost_at(o, i);
			cost_add(&self, &one);
		}
		fprintf(o->out, "%6u", number);
		put_columns(o, &self);
		put_source_line(o, source, number);
		put_calls(o, at, count);
		at += count;
	}
}

/* Open it where a process that may have run it would have found it. */
static int open_source(const struct output *o, const char *name,
		       struct source *source)
{
	struct text path = { 0 };
	int result = -1;
	size_t i;

	for (i = 0; result < 0 && place_path(o->v->profile, name, i, &path);
	     i++)
		result = source_open(source, path.at);
	text_done(&path);
	return result;
}

/* When the first of the processes began to be profiled. */
static uint64_t start_real_ns(const struct profile *p)
{
	uint64_t start_ns = UINT64_MAX;
	size_t i;

	for (i = 0; i < p->process_count; i++)
		if (p->processes[i].header.start_real_ns < start_ns)
			start_ns = p->processes[i].header.start_real_ns;
	return start_ns;
}

/* What makes the lines' text doubtful; false if nothing does. */
static bool find_doubt(const struct output *o, const struct file *file,
		       const struct source *source, struct text *doubt)
{
	uint64_t start_ns = start_real_ns(o->v->profile);
	uint32_t last = line_at(o, file->first + file->count - 1)->line;

	if (last > source->count)
		text_addf(doubt,
			  "ends before line %u, which was run; not the source"
			  " that was profiled",
			  last);
	else if (start_ns && source->changed_ns > 0 &&
		 (uint64_t)source->changed_ns > start_ns)
		text_adds(doubt, "changed since it was profiled; its lines may"
				 " have moved");
	else if (!source->is_known)
		text_addf(doubt,
			  "its coding, %s, is not known here; read as"
			  " utf-8",
			  source->coding);
	else if (source->undecoded)
		text_addf(doubt,
			  "not all of it is %s; what is not stands as"
			  " U+FFFD",
			  source->coding);
	return doubt->length > 0;
}

/* At most one thing a file, on stderr and in a comment. */
static void tell_doubt(const struct output *o, const struct file *file,
		       const struct source *source)
{
	struct text doubt = { 0 };

	if (find_doubt(o, file, source, &doubt)) {
		say("%s: %s", file->name, text_get(&doubt));
		fprintf(o->out, "# %s\n", text_get(&doubt));
	}
	text_done(&doubt);
}

static void put_file(struct output *o, const struct file *file)
{
	struct source source = { 0 };
	const char *name = view_file(o->v, line_at(o, file->first)->function);

	text_clear(&o->text);
	text_add_printable(&o->text, name, 0);
	fprintf(o->out, "File: %s\nFile duration: %gs (%.2f%%)\n", o->text.at,
		seconds(file->self.ns), percent(o, file->self.ns));
	if (!place_is_path(file->name))
		;
	else if (open_source(o, file->name, &source) == 0)
		tell_doubt(o, file, &source);
	else
		say("%s: no such source; its lines stand without text",
		    file->name);
	fputs("Line #|      Hits|         Time| Time per hit|      %|"
	      "Source code\n"
	      "------+----------+-------------+-------------+-------+"
	      "-----------\n",
	      o->out);
	put_rows(o, file, &source);
	source_close(&source);
}

/* Dearest first, as pprofile has it: by time, then by hits. */
static int compare_files(const void *left, const void *right)
{
	const struct file *a = left, *b = right;

	if (a->self.ns != b->self.ns)
		return a->self.ns > b->self.ns ? -1 : 1;
	if (a->self.samples != b->self.samples)
		return a->self.samples > b->self.samples ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* The files that the options leave, in the order of the output. */
static struct file *find_files(const struct output *o, size_t *count)
{
	struct file *files = NULL;
	const struct line_sum *line;
	struct cost cost;
	const char *name;
	size_t room = 0, i;

	*count = 0;
	for (i = 0; i < o->order.line_count; i++) {
		line = line_at(o, i);
		name = o->v->profile->functions[line->function].file;
		if (!name || o->v->left_out[line->function] ||
		    is_c(o, line->function))
			continue;
		if (!*count || files[*count - 1].name != name) {
			files = must_grow(files, *count, &room, sizeof(*files));
			files[(*count)++] =
				(struct file){ .name = name, .first = i };
		}
		files[*count - 1].count++;
		cost = cost_at(o, i);
		cost_add(&files[*count - 1].self, &cost);
	}
	if (*count)
		qsort(files, *count, sizeof(*files), compare_files);
	return files;
}

void fmt_annotate(const struct view *v, FILE *out)
{
	struct output o = { .v = v, .out = out };
	struct text command = { 0 };
	struct file *files;
	size_t count, i;

	o.duration_ns = v->sampled ? v->totals.sampled_ns
				   : v->totals.duration_ns;
	command_add(&v->profile->processes[0], &command);
	text_add_printable(&o.text, text_get(&command), ' ');
	fprintf(out, "Command line: %s\nTotal duration: %gs\n", o.text.at,
		seconds(o.duration_ns));
	text_done(&command);
	if (o.duration_ns) {
		order_init(&o.order, v, ORDER_FILES);
		files = find_files(&o, &count);
		for (i = 0; i < count; i++)
			put_file(&o, &files[i]);
		free(files);
		order_done(&o.order);
	}
	text_done(&o.text);
}
