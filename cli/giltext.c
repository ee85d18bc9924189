/* SPDX-License-Identifier: MIT */
/* See giltext.h. */
#include "giltext.h"

#include <stdlib.h>

#include "threadtext.h"
#include "util/die.h"
#include "util/units.h"

#define THREADS_SHOWN 10
#define WAITS_SHOWN   10

static int by_wait(const void *left, const void *right)
{
	const struct gil_account *a = left, *b = right;

	if (a->waited_ns != b->waited_ns)
		return a->waited_ns < b->waited_ns ? 1 : -1;
	return a->thread < b->thread ? -1 : a->thread > b->thread;
}

/* The threads that are to be shown, who waited most first; free it. */
static struct gil_account *sorted(const struct profile *p, size_t *count)
{
	const struct gil *g = &p->gil;
	struct gil_account *list = must_zalloc(g->account_count, sizeof(*list));
	size_t i;

	*count = 0;
	for (i = 0; i < g->account_count; i++)
		if (!p->threads[g->accounts[i].thread].left_out)
			list[(*count)++] = g->accounts[i];
	if (*count)
		qsort(list, *count, sizeof(*list), by_wait);
	return list;
}

/* A ledger is a sum, which cannot be cut in time. */
static const char *which_part(const struct view *v)
{
	return view_is_part(v) ? " (of the whole run)" : "";
}

static void put_time(FILE *out, uint64_t ns, uint64_t all_ns)
{
	fprintf(out, "%9.3f", seconds(ns));
	if (all_ns)
		fprintf(out, " %6.2f", 100.0 * (double)ns / (double)all_ns);
	else
		fprintf(out, " %6s", "-");
}

static void put_thread(const struct view *v, FILE *out,
		       const struct gil_account *a)
{
	uint64_t counted_ns = gil_counted_ns(v->profile, a);

	put_time(out, gil_held_ns(v->profile, a), counted_ns);
	fputc(' ', out);
	put_time(out, a->waited_ns, counted_ns);
	fprintf(out, " %9llu %9llu", (unsigned long long)a->takes,
		(unsigned long long)a->waits);
	threadtext_put_name(v, out, &v->profile->threads[a->thread]);
}

static void put_threads(const struct view *v, FILE *out)
{
	size_t count, i;
	struct gil_account *list = sorted(v->profile, &count);

	if (count)
		fprintf(out, "\n%9s %6s %9s %6s %9s %9s  %s%s\n", "GIL held",
			"%", "waited", "%", "taken", "contended", "thread",
			which_part(v));
	for (i = 0; i < count && i < THREADS_SHOWN; i++)
		put_thread(v, out, &list[i]);
	if (count > THREADS_SHOWN)
		fprintf(out, "%57s ... %zu more; see --json\n", "",
			count - THREADS_SHOWN);
	free(list);
}

static void put_place(const struct view *v, FILE *out, struct gil_place place)
{
	struct text name = { 0 };

	if (place.function == FUNCTION_NONE)
		text_adds(&name, "<no Python code>");
	else
		view_show_frame(v, &name, place.function, place.line);
	fputs(text_get(&name), out);
	text_done(&name);
}

static void put_stack(const struct view *v, FILE *out, const char *word,
		      const struct gil_place *places, uint32_t depth)
{
	uint32_t i;

	fprintf(out, "%31s%s\n", "", word);
	for (i = depth; i > 0; i--) {
		fprintf(out, "%33s", "");
		put_place(v, out, places[i - 1]);
		fputc('\n', out);
	}
}

static void put_stacks(const struct view *v, FILE *out,
		       const struct gil_wait *wait)
{
	const struct gil *g = &v->profile->gil;
	const struct gil_stacks *s = gil_find_stacks(g, wait);
	const struct gil_place *places;

	if (!s)
		return;
	places = g->places + s->first;
	fprintf(out, "%31s%.3f ms of it at once, by\n", "",
		(double)s->waited_ns / NS_PER_MS);
	put_stack(v, out, "who waited", places, s->waiter_depth);
	put_stack(v, out, "who let go", places + s->waiter_depth,
		  s->holder_depth);
}

static void put_wait(const struct view *v, FILE *out,
		     const struct gil_wait *wait)
{
	fprintf(out, "%9.3f %9llu %9.3f  ", seconds(wait->total_ns),
		(unsigned long long)wait->turns,
		(double)wait->longest_ns / NS_PER_MS);
	put_place(v, out, wait->waiter);
	fputs(" behind ", out);
	put_place(v, out, wait->holder);
	fputc('\n', out);
}

static void put_waits(const struct view *v, FILE *out)
{
	size_t count, i;
	struct gil_wait *list = gil_sorted(&v->profile->gil, &count);

	if (count)
		fprintf(out, "\n%9s %9s %9s  %s%s\n", "waited s", "turns",
			"longest ms", "for the GIL, on which line",
			which_part(v));
	for (i = 0; i < count && i < WAITS_SHOWN; i++) {
		put_wait(v, out, &list[i]);
		if (i == 0)
			put_stacks(v, out, &list[i]);
	}
	if (count > WAITS_SHOWN)
		fprintf(out, "%29s  ... %zu more; see --json\n", "",
			count - WAITS_SHOWN);
	if (v->profile->gil.waits_untold)
		fputs("\nwho waited for the GIL on which line: not known of "
		      "single threads; try without --thread\n",
		      out);
	free(list);
}

void giltext_put(const struct view *v, FILE *out)
{
	put_threads(v, out);
	put_waits(v, out);
}
