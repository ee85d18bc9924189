/* SPDX-License-Identifier: MIT */
/* See gilload.h. Nothing in a table is trusted that is not checked here. */
#include "gilload.h"

#include <string.h>

#include "loader.h"

/* Times, sums of them and counts are less than these; more is damage. */
#define NS_MAX	  (UINT64_C(1) << 62)
#define COUNT_MAX (UINT64_C(1) << 56)

static struct gil_place place_of(struct loader *l, uint32_t code, uint32_t line)
{
	struct place place;

	if (!code)
		return (struct gil_place){ FUNCTION_NONE, 0 };
	place = codes_place(&l->codes, code, line);
	return (struct gil_place){ place.function, place.line };
}

static int take_threads(struct loader *l, struct cursor *c)
{
	struct pp_gil_thread row;

	for (; cursor_left(c) >= sizeof(row); c->at += sizeof(row)) {
		struct gil_account a;

		memcpy(&row, c->at, sizeof(row));
		if (!row.used)
			break;
		if ((row.takes | row.waits) >= COUNT_MAX ||
		    (row.held | row.waited | row.yielded | row.since) >= NS_MAX)
			return -1;
		a = (struct gil_account){
			.thread = loader_thread(l, row.thread),
			.takes = row.takes,
			.waits = row.waits,
			.held_ns = row.held,
			.waited_ns = row.waited,
			.yielded_ns = row.yielded,
			.since_ns = row.since,
		};
		gil_add_account(&l->profile->gil, &a);
	}
	return 0;
}

static int take_waits(struct loader *l, struct cursor *c)
{
	struct pp_gil_wait row;

	for (; cursor_left(c) >= sizeof(row); c->at += sizeof(row)) {
		struct gil_wait w;

		memcpy(&row, c->at, sizeof(row));
		if (!row.turns)
			break;
		if (row.turns >= COUNT_MAX ||
		    (row.total | row.longest) >= NS_MAX)
			return -1;
		w = (struct gil_wait){
			.waiter = place_of(l, row.waiter, row.waiter_line),
			.holder = place_of(l, row.holder, row.holder_line),
			.turns = row.turns,
			.total_ns = row.total,
			.longest_ns = row.longest,
			.waiter_thread = loader_thread(l, row.waiter_thread),
			.holder_thread = loader_thread(l, row.holder_thread),
		};
		gil_add_wait(&l->profile->gil, &w);
	}
	return 0;
}

static int take_stacks(struct loader *l, struct cursor *c)
{
	struct gil *g = &l->profile->gil;
	uint64_t waited = cursor_number(c), depth = cursor_number(c);
	uint32_t count = 0, code, line;
	struct gil_stacks *s;

	if (c->bad || waited >= NS_MAX)
		return -1;
	s = gil_add_stacks(g);
	while (c->at < c->end) {
		code = cursor_id(c);
		line = cursor_id(c);
		if (c->bad)
			return -1;
		gil_add_place(g, place_of(l, code, line));
		count++;
	}
	if (depth > count)
		return -1;
	s->waited_ns = waited;
	s->waiter_depth = (uint32_t)depth;
	s->holder_depth = count - (uint32_t)depth;
	return 0;
}

void gilload_close(struct loader *l)
{
	struct gil *g = &l->profile->gil;
	bool left_out = false, kept = false;
	size_t i;

	for (i = l->first_account; i < g->account_count; i++) {
		if (!g->accounts[i].waits)
			continue;
		if (l->profile->threads[g->accounts[i].thread].left_out)
			left_out = true;
		else
			kept = true;
	}
	if (!left_out)
		return;
	g->wait_count = l->first_wait;
	g->stacks_count = l->first_stacks;
	g->waits_untold |= kept;
}

int gilload_take(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);

	if (rec->type == PP_GIL_STACKS)
		return take_stacks(l, &c);
	cursor_align(&c, rec, PP_TABLE_ALIGN);
	if (c.bad)
		return -1;
	return rec->type == PP_GIL_THREADS ? take_threads(l, &c)
					   : take_waits(l, &c);
}
