/* SPDX-License-Identifier: MIT */
/* See gil.h. */
#include "gil.h"

#include <stdlib.h>
#include <string.h>

#include "util/die.h"

void gil_done(struct gil *g)
{
	free(g->accounts);
	free(g->waits);
	free(g->stacks);
	free(g->places);
}

void gil_add_account(struct gil *g, const struct gil_account *account)
{
	g->accounts = must_grow(g->accounts, g->account_count, &g->account_room,
				sizeof(*g->accounts));
	g->accounts[g->account_count++] = *account;
}

void gil_add_wait(struct gil *g, const struct gil_wait *wait)
{
	g->waits = must_grow(g->waits, g->wait_count, &g->wait_room,
			     sizeof(*g->waits));
	g->waits[g->wait_count++] = *wait;
}

struct gil_stacks *gil_add_stacks(struct gil *g)
{
	g->stacks = must_grow(g->stacks, g->stacks_count, &g->stacks_room,
			      sizeof(*g->stacks));
	g->stacks[g->stacks_count] =
		(struct gil_stacks){ .first = g->place_count };
	return &g->stacks[g->stacks_count++];
}

void gil_add_place(struct gil *g, struct gil_place place)
{
	g->places = must_grow(g->places, g->place_count, &g->place_room,
			      sizeof(*g->places));
	g->places[g->place_count++] = place;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_places(const struct gil_wait *a, const struct gil_wait *b)
{
	int order = compare_numbers(a->waiter.function, b->waiter.function);

	if (!order)
		order = compare_numbers(a->waiter.line, b->waiter.line);
	if (!order)
		order = compare_numbers(a->holder.function, b->holder.function);
	if (!order)
		order = compare_numbers(a->holder.line, b->holder.line);
	return order;
}

static int by_places(const void *a, const void *b)
{
	return compare_places(a, b);
}

static int by_time(const void *left, const void *right)
{
	const struct gil_wait *a = left, *b = right;
	int order = compare_numbers(b->total_ns, a->total_ns);

	return order ? order : compare_places(a, b);
}

static void merge(struct gil_wait *into, const struct gil_wait *more)
{
	into->turns += more->turns;
	into->total_ns += more->total_ns;
	if (more->longest_ns <= into->longest_ns)
		return;
	into->longest_ns = more->longest_ns;
	into->waiter_thread = more->waiter_thread;
	into->holder_thread = more->holder_thread;
}

struct gil_wait *gil_sorted(const struct gil *g, size_t *count)
{
	struct gil_wait *list = must_zalloc(g->wait_count, sizeof(*list));
	size_t kept = 0, i;

	*count = 0;
	if (!g->wait_count)
		return list;
	memcpy(list, g->waits, g->wait_count * sizeof(*list));
	qsort(list, g->wait_count, sizeof(*list), by_places);
	for (i = 1; i < g->wait_count; i++) {
		if (compare_places(&list[kept], &list[i]) == 0)
			merge(&list[kept], &list[i]);
		else
			list[++kept] = list[i];
	}
	*count = kept + 1;
	qsort(list, *count, sizeof(*list), by_time);
	return list;
}

static bool ends_at(const struct gil_place *stack, uint32_t depth,
		    struct gil_place leaf)
{
	return depth && stack[depth - 1].function == leaf.function &&
	       stack[depth - 1].line == leaf.line;
}

const struct gil_stacks *gil_find_stacks(const struct gil *g,
					 const struct gil_wait *wait)
{
	const struct gil_stacks *best = NULL, *s;
	const struct gil_place *places;
	size_t i;

	for (i = 0; i < g->stacks_count; i++) {
		s = &g->stacks[i];
		places = g->places + s->first;
		if (ends_at(places, s->waiter_depth, wait->waiter) &&
		    ends_at(places + s->waiter_depth, s->holder_depth,
			    wait->holder) &&
		    (!best || s->waited_ns > best->waited_ns))
			best = s;
	}
	return best;
}
