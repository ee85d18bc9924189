/* SPDX-License-Identifier: MIT */
/* Sorts threads and prints the first ones; see threadtext.h. */
#define _GNU_SOURCE /* qsort_r */
#include "threadtext.h"

#include <stdlib.h>

#include "util/die.h"
#include "util/units.h"

#define THREADS_SHOWN 10

static int down(uint64_t a, uint64_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int compare(const void *left, const void *right, void *context)
{
	const struct thread *threads = context;
	uint32_t first = *(const uint32_t *)left;
	uint32_t second = *(const uint32_t *)right;
	const struct thread *a = &threads[first], *b = &threads[second];
	int order = down(thread_cpu_ns(a), thread_cpu_ns(b));

	if (!order)
		order = down(a->sampled.ns, b->sampled.ns);
	if (!order)
		order = down(thread_wall_ns(a), thread_wall_ns(b));
	return order ? order : down(second, first);
}

/* The threads that are to be shown, as indices; free it. */
static uint32_t *sorted(const struct profile *p, size_t *count)
{
	uint32_t *list = must_zalloc(p->thread_count, sizeof(*list)), i;

	*count = 0;
	for (i = 0; i < p->thread_count; i++)
		if (!p->threads[i].left_out)
			list[(*count)++] = i;
	if (*count)
		qsort_r(list, *count, sizeof(*list), compare, p->threads);
	return list;
}

static void put_share(FILE *out, const struct thread *t,
		      const struct cost *part, bool known)
{
	if (!known || !t->sampled.ns)
		fprintf(out, " %6s", "-");
	else
		fprintf(out, " %6.2f",
			100.0 * (double)part->ns / (double)t->sampled.ns);
}

void threadtext_put_name(const struct view *v, FILE *out,
			 const struct thread *t)
{
	const char *name = thread_name(t);
	struct text clean = { 0 };

	if (name)
		text_add_printable(&clean, name, ' ');
	fprintf(out, "  %s", name ? text_get(&clean) : "thread");
	if (t->known)
		fprintf(out, " %llu", (unsigned long long)t->tid);
	else
		fprintf(out, " number %llu", (unsigned long long)t->number);
	if (v->profile->process_count > 1)
		fprintf(out, " of process %u",
			v->profile->processes[t->process].header.pid);
	fputc('\n', out);
	text_done(&clean);
}

static void put_thread(const struct view *v, FILE *out, const struct thread *t)
{
	uint32_t known = v->profile->processes[t->process].header.state_known;

	fprintf(out, "%9.3f %9.3f", seconds(thread_cpu_ns(t)),
		seconds(thread_wall_ns(t)));
	put_share(out, t, &t->gil, known & PP_STATE_GIL);
	put_share(out, t, &t->gil_wait, known & PP_STATE_GIL_WAIT);
	fprintf(out, " %8llu", (unsigned long long)t->sampled.samples);
	threadtext_put_name(v, out, t);
}

void threadtext_put(const struct view *v, FILE *out)
{
	uint32_t *list;
	size_t count, i;

	if (!v->sampled)
		return;
	list = sorted(v->profile, &count);
	if (count)
		fprintf(out, "\n%9s %9s %6s %6s %8s  %s%s\n", "CPU", "wall",
			"GIL %", "wait %", "samples", "thread",
			view_is_part(v) ? " (CPU, wall: of the whole run)"
					: "");
	for (i = 0; i < count && i < THREADS_SHOWN; i++)
		put_thread(v, out, &v->profile->threads[list[i]]);
	if (count > THREADS_SHOWN)
		fprintf(out, "%45s ... %zu more; see --json\n", "",
			count - THREADS_SHOWN);
	free(list);
}
