/* SPDX-License-Identifier: MIT */
/* The traced part of the text report; see tracetext.h. */
#include "tracetext.h"

#include "command.h"
#include "util/units.h"

#define PYTHON_3_12 0x030c0000u

/*
 * The summary.
 */

static bool any_has_builtins(const struct view *v)
{
	const struct profile *p = v->profile;
	size_t i;

	for (i = 0; i < p->process_count; i++)
		if (p->processes[i].header.trace &&
		    p->processes[i].header.builtins)
			return true;
	return false;
}

static void put_calls(const struct view *v, FILE *out)
{
	const struct traced *t = &v->traced;

	fprintf(out, "%-11s %s of Python functions, C functions %s; %s\n",
		"trace", trace_name(v->trace),
		any_has_builtins(v) ? "too" : "not traced",
		v->sampled ? "times are of samples" : "wall time");
	fprintf(out, "%-11s %llu, %llu primitive; ", "calls",
		(unsigned long long)t->calls, (unsigned long long)t->primitive);
	fprintf(out, "%llu calls had not returned, %llu uncounted\n",
		(unsigned long long)t->open,
		(unsigned long long)v->totals.counters[PP_COUNT_uncounted]);
}

/* Raw, corrected, and by which numbers: raw - taken + clamped = corrected. */
static void put_correction(const struct view *v, FILE *out)
{
	const struct traced *t = &v->traced;
	bool raw = v->options->no_correction;

	fprintf(out, "%-11s %.6f s as measured%s\n", "raw",
		seconds(t->self.raw), raw ? ", in the table" : "");
	fprintf(out, "%-11s %.6f s without what tracing took%s\n", "corrected",
		seconds(t->self.corrected), raw ? "" : ", in the table");
	fprintf(out,
		"%-11s %.6f s that corrections would have taken below zero\n",
		"clamped", seconds(t->clamped_ns));
}

/* Samples take it for the program's. */
static void put_taken(const struct view *v, FILE *out)
{
	fprintf(out, "%-11s about %.3f s of the program's time\n", "tracing",
		seconds(traced_taken(&v->traced)));
}

/* Before 3.12 a thread is traced only if it was begun, or found, by Python. */
static bool is_untraced(const struct view *v, const struct thread *t)
{
	const struct pp_header *h = &v->profile->processes[t->process].header;

	return h->trace && !t->left_out && h->python < PYTHON_3_12 &&
	       !t->traced && t->last_cpu_ns > t->first_cpu_ns;
}

static void put_untraced(const struct view *v, FILE *out)
{
	const struct thread *t;
	struct text name = { 0 };
	size_t i;

	for (i = 0; i < v->profile->thread_count; i++) {
		t = &v->profile->threads[i];
		if (!is_untraced(v, t))
			continue;
		text_clear(&name);
		if (t->name)
			text_add_printable(&name, t->name, ' ');
		fprintf(out, "%-11s thread %s%s%llu, %.3f s of CPU\n",
			"untraced", text_get(&name), t->name ? ", " : "",
			(unsigned long long)t->tid,
			seconds(t->last_cpu_ns - t->first_cpu_ns));
	}
	text_done(&name);
}

void tracetext_summary(const struct view *v, FILE *out)
{
	put_calls(v, out);
	if (v->sampled)
		put_taken(v, out);
	else
		put_correction(v, out);
	put_untraced(v, out);
}

/*
 * The table.
 */

/* A quotient in a column of pstats', or blanks where there is none. */
static void put_share(FILE *out, uint64_t ns, uint64_t count)
{
	if (count)
		fprintf(out, " %8.3f", seconds(ns) / (double)count);
	else
		fprintf(out, " %8s", "");
}

static void add_calls(struct text *to, const struct row *row)
{
	text_clear(to);
	text_addf(to, "%llu", (unsigned long long)row->calls);
	if (row->primitive != row->calls)
		text_addf(to, "/%llu", (unsigned long long)row->primitive);
}

static void put_numbers(const struct view *v, FILE *out, const struct row *row,
			bool by_lines, struct text *t)
{
	add_calls(t, row);
	if (v->sampled) {
		fprintf(out, "%13s %16.3f %16.3f", t->at,
			seconds(row->sum.self.ns), seconds(row->sum.total.ns));
		return;
	}
	fprintf(out, "%9s %8.3f", t->at, seconds(row->sum.self.ns));
	put_share(out, row->sum.self.ns, row->calls);
	if (by_lines)
		return;
	fprintf(out, " %8.3f", seconds(row->sum.total.ns));
	put_share(out, row->sum.total.ns, row->primitive);
}

static void put_row(const struct view *v, FILE *out, const struct row *row,
		    bool by_lines)
{
	struct text name = { 0 };

	put_numbers(v, out, row, by_lines, &name);
	text_clear(&name);
	view_show_frame(v, &name, row->function, row->line);
	fprintf(out, " %s\n", text_get(&name));
	text_done(&name);
}

static void put_totals(const struct view *v, FILE *out)
{
	const struct traced *t = &v->traced;

	fprintf(out, "%8s %llu function calls", "",
		(unsigned long long)t->calls);
	if (t->primitive != t->calls)
		fprintf(out, " (%llu primitive calls)",
			(unsigned long long)t->primitive);
	fprintf(out, " in %.3f seconds\n\n",
		seconds(v->sampled ? v->totals.sampled_ns
				   : view_ns(v, &t->self)));
}

static void put_order(const struct view *v, FILE *out, const struct rows *rows)
{
	struct text words = { 0 };

	sort_describe(&v->options->sort, &words);
	fprintf(out, "   Ordered by: %s\n%s\n", words.at,
		text_get(&rows->restrictions));
	text_done(&words);
}

static void put_title(const struct view *v, FILE *out, bool by_lines)
{
	if (v->sampled)
		fprintf(out, "%13s %16s %16s", "ncalls(exact)",
			"tottime(sampled)", "cumtime(sampled)");
	else if (by_lines)
		fprintf(out, "%9s %8s %8s", "hits", "tottime", "percall");
	else
		fprintf(out, "%9s %8s %8s %8s %8s", "ncalls", "tottime",
			"percall", "cumtime", "percall");
	fputs(" NAME (PATH:LINE)\n", out);
}

void tracetext_table(const struct view *v, FILE *out)
{
	struct rows rows;
	size_t shown, i;

	rows_init(&rows, v, v->options->by_lines);
	shown = rows_shown(&rows, v);
	put_totals(v, out);
	put_order(v, out, &rows);
	put_title(v, out, rows.by_lines);
	for (i = 0; i < shown; i++)
		put_row(v, out, &rows.list[i], rows.by_lines);
	if (shown < rows.count)
		fprintf(out, "%45s ... %zu more; try -n 1.0\n", "",
			rows.count - shown);
	rows_done(&rows);
}
