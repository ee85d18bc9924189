/* SPDX-License-Identifier: MIT */
/*
 * The default report: a summary, a line a fact, each beginning with its
 * word, then the table of functions (or lines).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arctable.h"
#include "command.h"
#include "formats.h"
#include "giltext.h"
#include "screen.h"
#include "threadtext.h"
#include "tracetext.h"
#include "treetext.h"
#include "util/die.h"
#include "util/units.h"

/* A line that begins with `word`; its text is in *t, which is emptied. */
static void put_line(FILE *out, const char *word, struct text *t)
{
	fprintf(out, "%-11s %s\n", word, text_get(t));
	text_clear(t);
}

static void put_command(const struct view *v, FILE *out, struct text *t)
{
	size_t count = v->profile->process_count;
	struct text command = { 0 };

	command_add(&v->profile->processes[0], &command);
	text_add_printable(t, text_get(&command), 0);
	if (count > 1)
		text_addf(t, " (and %zu more)", count - 1);
	put_line(out, "command", t);
	text_done(&command);
}

static void put_recording(const struct view *v, FILE *out, struct text *t)
{
	const struct process *process = &v->profile->processes[0];
	const char *python = process->infos[PP_INFO_python].bytes;

	text_addf(t, "%s", engine_name(process->header.engine));
	put_line(out, "engine", t);
	if (v->totals.wall) {
		text_adds(t, v->totals.mixed
				     ? "wall and cpu, merged; times in the "
				       "table are wall time of the logs of "
				       "mode wall, and CPU time of those of "
				       "mode cpu"
				     : "wall; times in the table are wall "
				       "time");
		put_line(out, "mode", t);
	}
	if (python)
		text_add_printable(t, python, ' ');
	else
		text_addf(t, "%u.%u.%u", process->header.python >> 24,
			  process->header.python >> 16 & 0xff,
			  process->header.python >> 8 & 0xff);
	put_line(out, "python", t);
}

/* What the weights of samples are. */
static const char *time_word(const struct totals *total)
{
	if (total->mixed)
		return "wall time and CPU time";
	return total->wall ? "wall time" : "CPU";
}

static void put_times(const struct view *v, FILE *out, struct text *t)
{
	const struct totals *total = &v->totals;

	text_addf(t, "%.3f s", seconds(total->duration_ns));
	put_line(out, "duration", t);
	text_addf(t, "%.3f s", seconds(total->cpu_ns));
	put_line(out, "CPU", t);
	text_addf(t, "%.3f s of CPU before user code, not in the table",
		  seconds(total->startup_ns));
	put_line(out, "start-up", t);
	if (!v->sampled)
		return;
	text_addf(t, "%.3f s of %s that no sample covers, not in the table",
		  seconds(total->unsampled_ns), time_word(total));
	if (total->wall)
		text_addf(
			t, "; %.3f s of it CPU",
			seconds(total->unsampled_ns - total->unsampled_off_ns));
	put_line(out, "unsampled", t);
	if (!total->paused_ns)
		return;
	text_addf(t, "%.3f s of that while recording was off",
		  seconds(total->paused_ns));
	put_line(out, "paused", t);
}

static void put_rate(const struct view *v, FILE *out, struct text *t)
{
	const struct totals *total = &v->totals;

	if (!total->asked_hz)
		text_adds(t, "none asked");
	else
		text_addf(t, "%.6g Hz asked%s", total->asked_hz,
			  total->auto_rate ? " (auto)" : "");
	text_addf(t, ", %.6g achieved per second of %s", total->achieved_hz,
		  total->wall ? "a thread" : "CPU");
	put_line(out, "rate", t);
}

static void put_lost(const struct view *v, FILE *out, struct text *t)
{
	const struct totals *total = &v->totals;
	const char *separator = " (";
	char buffer[16];
	unsigned i;

	text_addf(t, "%llu", (unsigned long long)total->lost_samples);
	for (i = 0; i < PP_LOSS_MAX; i++) {
		if (!total->lost[i] || i == PP_LOST_paused)
			continue;
		text_addf(t, "%s%s %llu: %s", separator, loss_name(i, buffer),
			  (unsigned long long)total->lost[i], loss_words(i));
		separator = "; ";
	}
	if (total->lost_samples)
		text_addc(t, ')');
	put_line(out, "lost", t);
}

static void put_share(const struct view *v, FILE *out, const char *word,
		      uint64_t ns, const char *what)
{
	fprintf(out, "%-11s %.3f s %s, %.2f %% of the table\n", word,
		seconds(ns), what, view_percent(v, ns));
}

/* What threads did: these three are all of the table. */
static void put_wall(const struct view *v, FILE *out, struct text *t)
{
	const struct totals *total = &v->totals;
	uint64_t blocked_ns = total->sampled_off_ns - total->gil_wait_ns;

	put_share(v, out, "running", total->sampled_ns - total->sampled_off_ns,
		  "on a processor");
	if (total->gil_wait_known) {
		put_share(v, out, "GIL wait", total->gil_wait_ns,
			  "waiting for the GIL");
	} else {
		text_adds(t, "not known here, it is part of blocked");
		put_line(out, "GIL wait", t);
	}
	put_share(v, out, "blocked", blocked_ns, "off the processor otherwise");
}

/* What --state and its kin made of the samples there are. */
static void put_kept(const struct view *v, FILE *out, struct text *t)
{
	const struct totals *total = &v->totals;
	unsigned long long all = total->samples + total->dropped.samples;
	struct text options = { 0 };

	keep_describe(&v->options->keep, &options);
	if (options.length) {
		text_addf(t, "these of %llu for %.3f s:", all,
			  seconds(total->sampled_ns + total->dropped.ns));
		text_add_printable(t, options.at, ' ');
		put_line(out, "kept", t);
	}
	text_done(&options);
}

/* A log that keeps its last seconds only. */
static void put_ring(const struct view *v, FILE *out, struct text *t)
{
	const struct totals *total = &v->totals;

	if (!total->ring_ns)
		return;
	text_addf(t,
		  "the last %.3f s; %llu earlier samples for %.3f s were "
		  "dropped, as --ring says",
		  seconds(total->ring_ns),
		  (unsigned long long)total->ringed.samples,
		  seconds(total->ringed.ns));
	put_line(out, "ring", t);
}

static void put_samples(const struct view *v, FILE *out, struct text *t)
{
	const struct totals *total = &v->totals;

	if (v->sampled)
		text_addf(t, "%llu for %.3f s of %s, 100 %% of the table",
			  (unsigned long long)total->samples,
			  seconds(total->sampled_ns), time_word(total));
	else
		text_adds(t, "0, none wanted");
	put_line(out, "samples", t);
	put_ring(v, out, t);
	put_kept(v, out, t);
	if (total->wall)
		put_wall(v, out, t);
	put_lost(v, out, t);
}

static void put_degraded(const struct view *v, FILE *out, struct text *t)
{
	const uint64_t *counters = v->totals.counters;

	text_addf(t,
		  "%llu stacks truncated, %llu frames unnamed, %llu overruns, "
		  "%llu throttled",
		  (unsigned long long)counters[PP_COUNT_truncated],
		  (unsigned long long)counters[PP_COUNT_unnamed],
		  (unsigned long long)counters[PP_COUNT_overruns],
		  (unsigned long long)counters[PP_COUNT_throttled]);
	put_line(out, "degraded", t);
}

static void put_own_cost(const struct view *v, FILE *out, struct text *t)
{
	const struct totals *total = &v->totals;
	const uint64_t *counters = total->counters;
	uint64_t used_ns = total->sampled_ns + total->unsampled_ns +
			   total->dropped.ns - total->sampled_off_ns -
			   total->unsampled_off_ns - total->dropped.off_ns;
	double share = 0;

	if (used_ns)
		share = 100.0 * (double)counters[PP_COUNT_handler_ns] /
			(double)used_ns;
	text_addf(t,
		  "%.2f %% in the handler (%.3f s, longest %.1f us), "
		  "%.3f s in own threads",
		  share, seconds(counters[PP_COUNT_handler_ns]),
		  (double)counters[PP_COUNT_handler_max_ns] / 1e3,
		  seconds(total->own_ns));
	put_line(out, "own cost", t);
}

/* What the end of a log means for its reader, or NULL if all is well. */
static const char *ended_words(unsigned ended)
{
	switch (ended) {
	case PP_ENDED_NOT:
		return "still running, or killed";
	case PP_ENDED_SIZE:
		return "its log reached --max-size; the rest was not recorded";
	case PP_ENDED_FAILED:
		return "its log could not grow; the rest was not recorded";
	default:
		return NULL;
	}
}

static void put_notes(const struct process *p, FILE *out, struct text *t)
{
	const char *ended = ended_words(p->header.ended);
	size_t i;

	if (ended) {
		text_addf(t, "process %u: %s", p->header.pid, ended);
		put_line(out, "note", t);
	}
	for (i = 0; i < p->note_count; i++) {
		text_add_printable(t, p->notes[i], ' ');
		put_line(out, "note", t);
	}
}

static void put_threads(const struct view *v, FILE *out, struct text *t)
{
	size_t count = 0, i;

	for (i = 0; i < v->profile->thread_count; i++)
		count += !v->profile->threads[i].left_out;
	text_addf(t, "%zu in %zu process%s", count, v->profile->process_count,
		  v->profile->process_count == 1 ? "" : "es");
	put_line(out, "threads", t);
	for (i = 0; i < v->profile->process_count; i++)
		put_notes(&v->profile->processes[i], out, t);
}

static void put_summary(const struct view *v, FILE *out)
{
	struct text t = { 0 };

	put_command(v, out, &t);
	put_recording(v, out, &t);
	put_times(v, out, &t);
	put_samples(v, out, &t);
	if (v->sampled) {
		put_degraded(v, out, &t);
		put_rate(v, out, &t);
	}
	put_own_cost(v, out, &t);
	if (v->trace)
		tracetext_summary(v, out);
	put_threads(v, out, &t);
	text_done(&t);
}

static void put_cost(const struct view *v, FILE *out, const struct cost *cost)
{
	fprintf(out, "%8llu %9.3f %6.2f ", (unsigned long long)cost->samples,
		seconds(cost->ns), view_percent(v, cost->ns));
	if (v->totals.wall)
		fprintf(out, "%9.3f ", seconds(cost_cpu_ns(cost)));
}

static void put_title(const struct view *v, FILE *out)
{
	const char *what = v->options->by_lines ? "line" : "function";

	if (v->totals.wall) {
		fprintf(out, "%35s %35s\n",
			"------------ self ----------------",
			"------------ total ---------------");
		fprintf(out, "%8s %9s %6s %9s %8s %9s %6s %9s  %s\n", "samples",
			"wall", "%", "CPU", "samples", "wall", "%", "CPU",
			what);
		return;
	}
	fprintf(out, "%25s %25s\n", "------- self ----------",
		"------- total ---------");
	fprintf(out, "%8s %9s %6s %8s %9s %6s  %s\n", "samples", "seconds", "%",
		"samples", "seconds", "%", what);
}

static void put_row(const struct view *v, FILE *out, const struct row *row,
		    struct text *name)
{
	put_cost(v, out, &row->sum.self);
	put_cost(v, out, &row->sum.total);
	text_clear(name);
	view_show_frame(v, name, row->function, row->line);
	fprintf(out, " %s\n", text_get(name));
}

static void put_table(const struct view *v, FILE *out)
{
	struct text name = { 0 };
	struct rows rows;
	size_t shown, i;

	rows_init(&rows, v, v->options->by_lines);
	shown = rows_shown(&rows, v);
	put_title(v, out);
	for (i = 0; i < shown; i++)
		put_row(v, out, &rows.list[i], &name);
	if (shown < rows.count)
		fprintf(out, "%*s ... %zu more; try -n 1.0\n",
			v->totals.wall ? 72 : 52, "", rows.count - shown);
	text_done(&name);
	rows_done(&rows);
}

static void put_all(const struct view *v, FILE *out)
{
	put_summary(v, out);
	treetext_put(v, out);
	threadtext_put(v, out);
	fputc('\n', out);
	if (v->options->callers)
		arctable_put(v, out, ARCS_BY_CALLEE);
	if (v->options->callers && v->options->callees)
		fputc('\n', out);
	if (v->options->callees)
		arctable_put(v, out, ARCS_BY_CALLER);
	if (v->options->callers || v->options->callees)
		return;
	if (v->trace)
		tracetext_table(v, out);
	else
		put_table(v, out);
	giltext_put(v, out);
}

void fmt_text(const struct view *v, FILE *out)
{
	unsigned columns = screen_columns(out);
	FILE *memory = NULL;
	size_t length;
	char *text;

	if (columns)
		memory = open_memstream(&text, &length);
	put_all(v, memory ? memory : out);
	if (!memory)
		return;
	if (fclose(memory) == 0)
		screen_fit(text, columns, out);
	else
		say("text: %s", strerror(errno));
	free(text);
}
