/* SPDX-License-Identifier: MIT */
/* What formats have in common; see view.h. */
#include "view.h"

#include <stdlib.h>
#include <string.h>

#include "util/die.h"

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
	const char *file = view_file(v, function);

	text_adds(to, v->profile->functions[function].name);
	if (file)
		text_addf(to, " (%s:%u)", file, line);
}

double view_percent(const struct view *v, uint64_t part_ns)
{
	if (!v->totals.sampled_ns)
		return 0;
	return 100.0 * (double)part_ns / (double)v->totals.sampled_ns;
}

static void add_row(struct rows *rows, const struct view *v, uint32_t function,
		    uint32_t line, const struct sum *sum)
{
	const char *file = view_file(v, function);

	if (!sum->total.samples || v->left_out[function])
		return;
	rows->list[rows->count++] = (struct row){
		.function = function,
		.line = line,
		.name = v->profile->functions[function].name,
		.file = file ? file : "",
		.sum = *sum,
	};
}

static void add_lines(struct rows *rows, const struct view *v)
{
	const struct line_sum *l = v->sums.lines;
	size_t left = v->sums.line_count;

	rows->list = must_zalloc(left, sizeof(*rows->list));
	for (; left > 0; left--, l++)
		add_row(rows, v, l->function, l->line, &l->sum);
}

static void add_functions(struct rows *rows, const struct view *v)
{
	const struct profile *p = v->profile;
	uint32_t i;

	rows->list = must_zalloc(p->function_count, sizeof(*rows->list));
	for (i = 0; i < p->function_count; i++)
		add_row(rows, v, i, p->functions[i].line,
			&v->sums.functions[i]);
}

void rows_init(struct rows *rows, const struct view *v, bool by_lines)
{
	rows->count = 0;
	if (by_lines)
		add_lines(rows, v);
	else
		add_functions(rows, v);
	sort_rows(&v->options->sort, rows->list, rows->count);
	rows->count =
		limits_apply(&v->options->limits, rows->list, rows->count);
}

void rows_done(struct rows *rows)
{
	free(rows->list);
}

void view_init(struct view *v, const struct profile *p,
	       const struct view_options *options)
{
	*v = (struct view){ .profile = p, .options = options };
	sums_init(&v->sums, p);
	totals_init(&v->totals, p);
	v->left_out = filter_apply(&options->filter, p);
}

void view_done(struct view *v)
{
	sums_done(&v->sums);
	free(v->left_out);
}
