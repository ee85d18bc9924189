/* SPDX-License-Identifier: MIT */
/* See gildump.h. */
#include "gildump.h"

#include <string.h>

static void put_number(FILE *out, const char *name, uint64_t number)
{
	fprintf(out, " %s=%llu", name, (unsigned long long)number);
}

static void put_threads(FILE *out, struct cursor *c)
{
	struct pp_gil_thread row;

	for (; cursor_left(c) >= sizeof(row); c->at += sizeof(row)) {
		memcpy(&row, c->at, sizeof(row));
		if (!row.used)
			break;
		fprintf(out, "\n  thread=%u", row.thread);
		put_number(out, "takes", row.takes);
		put_number(out, "held", row.held);
		put_number(out, "since", row.since);
		put_number(out, "waits", row.waits);
		put_number(out, "waited", row.waited);
		put_number(out, "yielded", row.yielded);
	}
}

static void put_waits(FILE *out, struct cursor *c)
{
	struct pp_gil_wait row;

	for (; cursor_left(c) >= sizeof(row); c->at += sizeof(row)) {
		memcpy(&row, c->at, sizeof(row));
		if (!row.turns)
			break;
		fprintf(out, "\n  %u:%d behind %u:%d", row.waiter,
			(int)row.waiter_line, row.holder, (int)row.holder_line);
		put_number(out, "turns", row.turns);
		put_number(out, "total", row.total);
		put_number(out, "longest", row.longest);
		put_number(out, "longest_at", row.longest_at);
		put_number(out, "waiter_thread", row.waiter_thread);
		put_number(out, "holder_thread", row.holder_thread);
	}
}

/* As many pairs as are said, or up to the end. */
static void put_stack(FILE *out, struct cursor *c, uint64_t count)
{
	uint64_t i, code;

	for (i = 0; i < count && c->at < c->end; i++) {
		code = cursor_number(c);
		fprintf(out, " %llu:%d", (unsigned long long)code,
			(int)cursor_id(c));
	}
}

static void put_stacks(FILE *out, struct cursor *c)
{
	uint64_t count;

	put_number(out, "wait", cursor_number(c));
	count = cursor_number(c);
	put_stack(out, c, count);
	fputs(" behind", out);
	put_stack(out, c, UINT64_MAX);
}

void gildump_put(FILE *out, const struct record *rec, struct cursor *c)
{
	if (rec->type == PP_GIL_STACKS) {
		put_stacks(out, c);
		return;
	}
	cursor_align(c, rec, PP_TABLE_ALIGN);
	if (rec->type == PP_GIL_THREADS)
		put_threads(out, c);
	else
		put_waits(out, c);
}
