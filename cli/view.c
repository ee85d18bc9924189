/* SPDX-License-Identifier: MIT */
/* What formats have in common; see view.h. */
#include "view.h"

#include <stdlib.h>
#include <string.h>

#include "counted.h"
#include "util/die.h"

#define ROWS_SHOWN 30 /* a screen of a table */

const char *view_file(const struct view *v, uint32_t function)
{
	const char *file = v->profile->functions[function].file, *base;

	if (!file || !v->options->strip_dirs)
		return file;
	base = strrchr(file, '/');
	return base ? base + 1 : file;
}

void view_add_frame(const struct view *v, struct text *to, uint32_t function,
		    uint32_t line)
{
	const struct function *f = &v->profile->functions[function];
	const char *file = view_file(v, function);
	size_t length = strlen(f->name);

	if (function_is_c(f) && length > 1 && f->name[0] == '<' &&
	    f->name[length - 1] == '>') {
		text_addc(to, '{');
		text_add(to, f->name + 1, length - 2);
		text_addc(to, '}');
		return;
	}
	text_adds(to, f->name);
	if (file && !function_is_c(f))
		text_addf(to, " (%s:%u)", file, line);
}

void view_show_frame(const struct view *v, struct text *to, uint32_t function,
		     uint32_t line)
{
	struct text raw = { 0 };

	view_add_frame(v, &raw, function, line);
	text_add_printable(to, text_get(&raw), 0);
	text_done(&raw);
}

uint64_t view_ns(const struct view *v, const struct traced_ns *ns)
{
	return v->options->no_correction ? ns->raw : ns->corrected;
}

double view_percent(const struct view *v, uint64_t part_ns)
{
	if (!v->totals.sampled_ns)
		return 0;
	return 100.0 * (double)part_ns / (double)v->totals.sampled_ns;
}

/* What was called in the parent of a forked child has time without calls. */
static bool is_empty(const struct row *row)
{
	return !row->sum.total.samples && !row->calls && !row->sum.total.ns;
}

static void add_row(struct rows *rows, const struct view *v,
		    const struct row *row)
{
	const char *file = view_file(v, row->function);
	struct row *to = &rows->list[rows->count];

	if (is_empty(row) || v->left_out[row->function])
		return;
	*to = *row;
	to->name = v->profile->functions[row->function].name;
	to->file = file ? file : "";
	if (v->trace == PP_TRACE_NONE)
		to->calls = to->primitive = row->sum.total.samples;
	rows->count++;
}

static void add_sampled_lines(struct rows *rows, const struct view *v)
{
	const struct line_sum *l = v->sums.lines;
	size_t left = v->sums.line_count;

	rows->list = must_zalloc(left, sizeof(*rows->list));
	for (; left > 0; left--, l++)
		add_row(rows, v,
			&(struct row){ .function = l->function,
				       .line = l->line,
				       .sum = l->sum });
}

static void add_traced_lines(struct rows *rows, const struct view *v)
{
	const struct traced_line_sum *l = v->traced.lines;
	size_t left = v->traced.line_count;
	struct row row = { 0 };

	rows->list = must_zalloc(left, sizeof(*rows->list));
	for (; left > 0; left--, l++) {
		row.function = l->function;
		row.line = l->line;
		row.calls = row.primitive = l->hits + l->entries;
		row.sum.self.ns = row.sum.total.ns = view_ns(v, &l->self);
		add_row(rows, v, &row);
	}
}

static void add_functions(struct rows *rows, const struct view *v)
{
	const struct profile *p = v->profile;
	struct row row;
	uint32_t i;

	rows->list = must_zalloc(p->function_count, sizeof(*rows->list));
	for (i = 0; i < p->function_count; i++) {
		row = (struct row){
			.function = i,
			.line = p->functions[i].line,
			.sum = v->sums.functions[i],
			.calls = v->traced.functions[i].calls,
			.primitive = v->traced.functions[i].primitive,
		};
		add_row(rows, v, &row);
	}
}

void rows_init(struct rows *rows, const struct view *v, bool by_lines)
{
	*rows = (struct rows){ 0 };
	rows->by_lines = by_lines && (v->sampled || v->trace != PP_TRACE_CALLS);
	if (!rows->by_lines)
		add_functions(rows, v);
	else if (v->sampled)
		add_sampled_lines(rows, v);
	else
		add_traced_lines(rows, v);
	sort_rows(&v->options->sort, rows->list, rows->count);
	rows->count = limits_apply(&v->options->limits, rows->list, rows->count,
				   &rows->restrictions);
}

size_t rows_shown(const struct rows *rows, const struct view *v)
{
	return v->options->limits.count || rows->count < ROWS_SHOWN
		       ? rows->count
		       : ROWS_SHOWN;
}

void rows_done(struct rows *rows)
{
	free(rows->list);
	text_done(&rows->restrictions);
}

void view_init(struct view *v, const struct profile *p,
	       const struct view_options *options)
{
	*v = (struct view){ .profile = p, .options = options };
	v->trace = profile_trace(p);
	v->sampled = v->trace == PP_TRACE_NONE || profile_is_sampled(p);
	traced_init(&v->traced, p);
	if (v->sampled)
		sums_init(&v->sums, p);
	else
		counted_init(&v->sums, p, &v->traced, options->no_correction);
	totals_init(&v->totals, p);
	v->left_out = filter_apply(&options->filter, p);
}

void view_done(struct view *v)
{
	sums_done(&v->sums);
	traced_done(&v->traced);
	free(v->left_out);
}

bool view_is_part(const struct view *v)
{
	return keep_chooses(&v->options->keep) || v->totals.ring_ns;
}
