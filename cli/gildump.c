/* SPDX-License-Identifier: MIT */
/* See gildump.h. */
#include "gildump.h"

#include <string.h>

#include "dumpfield.h"

static void put_threads(FILE *out, struct cursor *c)
{
	struct pp_gil_thread row;

	for (; cursor_left(c) >= sizeof(row); c->at += sizeof(row)) {
		memcpy(&row, c->at, sizeof(row));
		if (!row.used)
			break;
		fprintf(out, "\n  thread=%u", row.thread);
		dumpfield_number(out, "takes", row.takes);
		dumpfield_number(out, "held", row.held);
		dumpfield_number(out, "since", row.since);
		dumpfield_number(out, "waits", row.waits);
		dumpfield_number(out, "waited", row.waited);
		dumpfield_number(out, "yielded", row.yielded);
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
		dumpfield_number(out, "turns", row.turns);
		dumpfield_number(out, "total", row.total);
		dumpfield_number(out, "longest", row.longest);
		dumpfield_number(out, "longest_at", row.longest_at);
		dumpfield_number(out, "waiter_thread", row.waiter_thread);
		dumpfield_number(out, "holder_thread", row.holder_thread);
	}
}

static void put_stacks(FILE *out, struct cursor *c)
{
	uint64_t count;

	dumpfield_number(out, "wait", cursor_number(c));
	count = cursor_number(c);
	dumpfield_pairs(out, c, count);
	fputs(" behind", out);
	dumpfield_pairs(out, c, UINT64_MAX);
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
