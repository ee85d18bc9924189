/* SPDX-License-Identifier: MIT */
/* One comparison a key, and the table of their names; see sort.h. */
#define _GNU_SOURCE /* qsort_r */
#include "sort.h"

#include <stdlib.h>
#include <string.h>

/* Numbers go down, words go up. */
static int down(uint64_t a, uint64_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int by_calls(const struct row *a, const struct row *b)
{
	return down(a->calls, b->calls);
}

static int by_primitive(const struct row *a, const struct row *b)
{
	return down(a->primitive, b->primitive);
}

static int by_samples(const struct row *a, const struct row *b)
{
	return down(a->sum.self.samples, b->sum.self.samples);
}

static int by_self(const struct row *a, const struct row *b)
{
	return down(a->sum.self.ns, b->sum.self.ns);
}

static int by_total(const struct row *a, const struct row *b)
{
	return down(a->sum.total.ns, b->sum.total.ns);
}

static int by_file(const struct row *a, const struct row *b)
{
	return strcmp(a->file, b->file);
}

static int by_line(const struct row *a, const struct row *b)
{
	return down(b->line, a->line);
}

static int by_name(const struct row *a, const struct row *b)
{
	return strcmp(a->name, b->name);
}

static int by_name_file_line(const struct row *a, const struct row *b)
{
	int order = by_name(a, b);

	if (!order)
		order = by_file(a, b);
	return order ? order : by_line(a, b);
}

/* As text, so that line 20 comes before line 3: that is what pstats does. */
static int by_standard_name(const struct row *a, const struct row *b)
{
	struct text left = { 0 }, right = { 0 };
	int order;

	text_addf(&left, "%s:%u(%s)", a->file, a->line, a->name);
	text_addf(&right, "%s:%u(%s)", b->file, b->line, b->name);
	order = strcmp(left.at, right.at);
	text_done(&left);
	text_done(&right);
	return order;
}

/* To add one: a line here, and in doc/pyprof-report.1. */
static const struct {
	const char *name;
	sort_compare *compare;
} keys[] = {
	{ "calls", by_calls },
	{ "ncalls", by_calls },
	{ "pcalls", by_primitive },
	{ "time", by_self },
	{ "tottime", by_self },
	{ "cumulative", by_total },
	{ "cumtime", by_total },
	{ "file", by_file },
	{ "filename", by_file },
	{ "module", by_file },
	{ "line", by_line },
	{ "name", by_name },
	{ "nfl", by_name_file_line },
	{ "stdname", by_standard_name },
	{ "-1", by_standard_name },
	{ "0", by_calls },
	{ "1", by_self },
	{ "2", by_total },
	{ "samples", by_samples },
};

/* No key of pstats': what begins one of pstats' and this is that one. */
static bool is_ours(sort_compare *compare)
{
	return compare == by_samples;
}

/* What pstats calls an order. */
static const struct {
	sort_compare *compare;
	const char *words;
} orders[] = {
	{ by_calls, "call count" },
	{ by_primitive, "primitive call count" },
	{ by_samples, "samples" },
	{ by_self, "internal time" },
	{ by_total, "cumulative time" },
	{ by_file, "file name" },
	{ by_line, "line number" },
	{ by_name, "function name" },
	{ by_name_file_line, "name/file/line" },
	{ by_standard_name, "standard name" },
};

static const char *order_words(sort_compare *compare)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(orders); i++)
		if (orders[i].compare == compare)
			return orders[i].words;
	return "?";
}

void sort_describe(const struct sort *s, struct text *to)
{
	size_t i;

	if (!s->count)
		text_adds(to, order_words(by_self));
	for (i = 0; i < s->count; i++)
		text_addf(to, "%s%s", i ? ", " : "", order_words(s->keys[i]));
}

/* The key that the first `length` bytes of `word` name, or begin alone. */
static int find_key(const char *word, size_t length, sort_compare **found,
		    struct err *err)
{
	sort_compare *match = NULL;
	size_t i;

	for (i = 0; i < ARRAY_LEN(keys); i++) {
		if (!length || strncmp(keys[i].name, word, length) != 0)
			continue;
		if (match && keys[i].name[length] && is_ours(keys[i].compare))
			continue;
		if (match && match != keys[i].compare &&
		    keys[i].name[length] != '\0')
			return err_set(err, "ambiguous sort key '%.*s'",
				       (int)length, word);
		match = keys[i].compare;
		if (keys[i].name[length] == '\0')
			break;
	}
	if (!match)
		return err_set(err, "unknown sort key '%.*s'", (int)length,
			       word);
	*found = match;
	return 0;
}

int sort_parse(struct sort *s, const char *words, struct err *err)
{
	size_t length;

	for (;; words += length + 1) {
		length = strcspn(words, ",");
		if (s->count == SORT_KEYS_MAX)
			return err_set(err, "more than %d sort keys",
				       SORT_KEYS_MAX);
		if (find_key(words, length, &s->keys[s->count], err) < 0)
			return -1;
		s->count++;
		if (!words[length])
			return 0;
	}
}

static int compare_rows(const void *left, const void *right, void *context)
{
	static sort_compare *const rest[] = { by_self, by_total, by_file,
					      by_line, by_name };
	const struct row *a = left, *b = right;
	const struct sort *s = context;
	int order = 0;
	size_t i;

	for (i = 0; i < s->count && !order; i++)
		order = s->keys[i](a, b);
	for (i = 0; i < ARRAY_LEN(rest) && !order; i++)
		order = rest[i](a, b);
	if (!order)
		order = down(b->function, a->function);
	return s->reverse ? -order : order;
}

void sort_rows(const struct sort *s, struct row *rows, size_t count)
{
	struct sort copy = *s;

	if (count)
		qsort_r(rows, count, sizeof(*rows), compare_rows, &copy);
}
