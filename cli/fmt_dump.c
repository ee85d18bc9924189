/* SPDX-License-Identifier: MIT */
/*
 * The records of each log, one a line, as "OFFSET TYPE field=value...", then
 * what the log spends its bytes on. It reads the logs a second time, so a
 * growing log may have more here than in the profile.
 */
#include <string.h>

#include "command.h"
#include "dumpfield.h"
#include "formats.h"
#include "gildump.h"
#include "logstat.h"
#include "reader.h"

static const char *const record_names[] = {
#define X(number, name, least) [number] = #name,
	PP_RECORDS(X)
#undef X
};

/* Names of a record's numbers, in order, and whether a text follows them. */
static const struct shape {
	const char *numbers[8];
	bool text;
} shapes[] = {
	[PP_OWNER] = { { "thread", "seq", "time", "cpu" }, false },
	[PP_THREAD] = { { "thread", "tid", "kind", "time", "cpu" }, false },
	[PP_THREAD_END] = { { "thread", "time", "cpu" }, false },
	[PP_THREAD_NAME] = { { "thread" }, true },
	[PP_STRING] = { { "id", "kind" }, true },
	[PP_CODE] = { { "id", "name", "qualname", "file", "firstlineno",
			"print" },
		      false },
	[PP_LOST] = { { "reason", "dt", "dcpu" }, false },
	[PP_INFO] = { { "key" }, true },
	[PP_EDGES] = { { "first" }, false },
	[PP_LINES] = { { NULL }, false },
	[PP_OPEN] = { { NULL }, false },
	[PP_OFF] = { { "thread", "time", "gap", "state" }, false },
	[PP_FORK] = { { "pid", "time" }, false },
	[PP_DUMP] = { { "serial", "tid", "time", "state" }, false },
	[PP_GIL_THREADS] = { { NULL }, false },
	[PP_GIL_WAITS] = { { NULL }, false },
	[PP_GIL_STACKS] = { { NULL }, false },
};

/* Place of a CODE's last number, which need not be there. */
#define CODE_PRINT 5

_Static_assert(ARRAY_LEN(shapes) == ARRAY_LEN(record_names),
	       "a record has no shape");

/* `kind` is that of a STRING; 0 is UTF-8. */
static void put_text(FILE *out, const struct cursor *c, uint64_t kind)
{
	struct text raw = { 0 }, shown = { 0 };
	size_t i;

	/* The NULs of a list; text_add_python() takes them for damage. */
	for (i = 0; kind == 0 && i < cursor_left(c); i++)
		text_addc(&raw, c->at[i] ? (char)c->at[i] : '\n');
	if (kind)
		text_add_python(&raw, kind <= 4 ? (unsigned)kind : 1, c->at,
				cursor_left(c));
	text_add_printable(&shown, text_get(&raw), 0);
	fprintf(out, " \"%s\"", text_get(&shown));
	text_done(&raw);
	text_done(&shown);
}

/* As in the log, but for dt. */
static void put_sample(FILE *out, struct cursor *c)
{
	uint64_t lead = cursor_number(c), dcpu = cursor_number(c);

	dumpfield_number(out, "pop", lead >> PP_LEAD_SHIFT);
	dumpfield_number(out, "dcpu", dcpu);
	dumpfield_number(out, "dt", dcpu + cursor_signed(c));
	if (lead & PP_LEAD_STATE)
		fprintf(out, " state=%#x", cursor_byte(c));
	if (lead & PP_LEAD_SAME)
		fprintf(out, " =:%d", (int)cursor_id(c));
	dumpfield_pairs(out, c, UINT64_MAX);
}

static void put_off(FILE *out, const struct record *rec, struct cursor *c)
{
	struct pp_off off = cursor_off(c, rec);

	dumpfield_number(out, "until", off.until);
	dumpfield_number(out, "looks", off.looks);
	dumpfield_pairs(out, c, UINT64_MAX);
}

/* What of a table is in use; the log's own numbers, times in ticks. */
static void put_edges(FILE *out, struct cursor *c)
{
	struct pp_edge e;

	for (; cursor_left(c) >= sizeof(e); c->at += sizeof(e)) {
		memcpy(&e, c->at, sizeof(e));
		if (!e.callee)
			break;
		fprintf(out, "\n  %u->%u line=%d", e.caller, e.callee,
			(int)e.line);
		dumpfield_number(out, "calls", e.calls);
		dumpfield_number(out, "recursive", e.recursive);
		dumpfield_number(out, "recursive_edge", e.recursive_edge);
		dumpfield_number(out, "open", e.open);
		dumpfield_number(out, "self", e.self);
		dumpfield_number(out, "self_own", e.self_own);
		dumpfield_number(out, "total", e.total);
		dumpfield_number(out, "own", e.own);
		dumpfield_number(out, "rest", e.rest);
		dumpfield_number(out, "rest_own", e.rest_own);
	}
}

static void put_lines(FILE *out, struct cursor *c)
{
	struct pp_line line;

	for (; cursor_left(c) >= sizeof(line); c->at += sizeof(line)) {
		memcpy(&line, c->at, sizeof(line));
		if (!line.code)
			break;
		fprintf(out, "\n  %u:%d", line.code, (int)line.line);
		dumpfield_number(out, "hits", line.hits);
		dumpfield_number(out, "entries", line.entries);
		dumpfield_number(out, "self", line.self);
		dumpfield_number(out, "own", line.own);
	}
}

static void put_open(FILE *out, struct cursor *c)
{
	struct pp_open_call call;
	struct pp_open open;
	uint32_t i;

	c->bad |= cursor_left(c) < sizeof(open);
	if (c->bad)
		return;
	memcpy(&open, c->at, sizeof(open));
	c->at += sizeof(open);
	dumpfield_number(out, "last", open.last);
	dumpfield_number(out, "own", open.own);
	dumpfield_number(out, "depth", open.depth);
	for (i = 0; i < open.depth && cursor_left(c) >= sizeof(call); i++) {
		memcpy(&call, c->at, sizeof(call));
		c->at += sizeof(call);
		fprintf(out, "\n  edge=%u line=%d", call.edge, (int)call.line);
		dumpfield_number(out, "begun", call.begun);
		dumpfield_number(out, "own", call.own);
	}
	c->bad |= i < open.depth;
}

static void put_table(FILE *out, const struct record *rec, struct cursor *c)
{
	cursor_align(c, rec, PP_TABLE_ALIGN);
	if (rec->type == PP_EDGES)
		put_edges(out, c);
	else if (rec->type == PP_LINES)
		put_lines(out, c);
	else if (rec->type == PP_OPEN)
		put_open(out, c);
}

static void put_fields(FILE *out, const struct record *rec, struct cursor *c)
{
	const struct shape *shape = &shapes[rec->type];
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(shape->numbers) && shape->numbers[i]; i++) {
		/* a log of before had no prints */
		if (rec->type == PP_CODE && i == CODE_PRINT && !cursor_left(c))
			break;
		number = cursor_number(c);
		dumpfield_number(out, shape->numbers[i], number);
	}
	if (shape->text)
		put_text(out, c, rec->type == PP_STRING ? number : 0);
	if (rec->type >= PP_EDGES && rec->type <= PP_OPEN)
		put_table(out, rec, c);
	else if (rec->type == PP_OFF)
		put_off(out, rec, c);
	else if (rec->type == PP_FORK || rec->type == PP_DUMP)
		dumpfield_pairs(out, c, UINT64_MAX);
	else if (rec->type >= PP_GIL_THREADS && rec->type <= PP_GIL_STACKS)
		gildump_put(out, rec, c);
}

static void put_record(FILE *out, const struct record *rec)
{
	struct cursor c = record_cursor(rec);

	fprintf(out, "%#llx %s", (unsigned long long)rec->offset,
		record_names[rec->type]);
	if (rec->type == PP_SAMPLE)
		put_sample(out, &c);
	else
		put_fields(out, rec, &c);
	fputs(c.bad ? " damaged\n" : "\n", out);
}

static void put_trace(FILE *out, const struct pp_header *h)
{
	static const char *const costs[] = {
#define X(name) #name,
		PP_COSTS(X)
#undef X
	};
	unsigned i;

	if (!h->trace)
		return;
	fprintf(out, "trace what=%s builtins=%u", trace_name(h->trace),
		h->builtins);
	fprintf(out, " tick_ticks=%llu,%llu tick_ns_at=%llu,%llu",
		(unsigned long long)h->tick_ticks[0],
		(unsigned long long)h->tick_ticks[1],
		(unsigned long long)h->tick_ns_at[0],
		(unsigned long long)h->tick_ns_at[1]);
	fputs("\ncosts", out);
	for (i = 0; i < ARRAY_LEN(costs); i++)
		dumpfield_number(out, costs[i], h->costs[i]);
	fputc('\n', out);
}

static void put_header(FILE *out, const struct pp_header *h)
{
	static const char *const counters[] = {
#define X(name) #name,
		PP_COUNTERS(X)
#undef X
	};
	char buffer[16];
	unsigned i;

	fprintf(out, "header format=%u.%u session=%016llx%016llx pid=%u",
		h->major, h->minor, (unsigned long long)h->session[0],
		(unsigned long long)h->session[1], h->pid);
	fprintf(out, " ppid=%u python=%#x mode=%s engine=%s signal=%u", h->ppid,
		h->python, mode_name(h->mode), engine_name(h->engine),
		h->signal);
	fprintf(out, " unit_ns=%u max_depth=%u state_known=%#x ended=%u",
		h->unit_ns, h->max_depth, h->state_known, h->ended);
	dumpfield_number(out, "tick_ns", h->tick_ns);
	dumpfield_number(out, "period_ns", h->period_ns);
	dumpfield_number(out, "auto_rate", h->auto_rate);
	dumpfield_number(out, "start_real_ns", h->start_real_ns);
	dumpfield_number(out, "start_ns", h->start_ns);
	dumpfield_number(out, "start_cpu_ns", h->start_cpu_ns);
	dumpfield_number(out, "end_ns", h->end_ns);
	dumpfield_number(out, "end_cpu_ns", h->end_cpu_ns);
	fputs("\ncounters", out);
	for (i = 0; i < ARRAY_LEN(counters); i++)
		dumpfield_number(out, counters[i], h->counters[i]);
	fputs("\nlost", out);
	for (i = 0; i < PP_LOSS_MAX; i++)
		if (h->lost[i])
			dumpfield_number(out, loss_name(i, buffer), h->lost[i]);
	fputc('\n', out);
	put_trace(out, h);
}

static double per_sample(const struct logstat *s, uint64_t bytes)
{
	return s->samples ? (double)bytes / (double)s->samples : 0;
}

static void put_statistics(FILE *out, const struct logstat *s)
{
	uint64_t cached = s->bytes - s->sample_bytes + s->cached_bytes;

	fprintf(out, "records %llu in %llu bytes\n",
		(unsigned long long)s->records, (unsigned long long)s->bytes);
	fprintf(out, "samples %llu in %llu bytes, %.2f each\n",
		(unsigned long long)s->samples,
		(unsigned long long)s->sample_bytes,
		per_sample(s, s->sample_bytes));
	fprintf(out, "definitions in %llu bytes, %.2f per sample\n",
		(unsigned long long)s->definition_bytes,
		per_sample(s, s->definition_bytes));
	fprintf(out, "all together %.2f bytes per sample\n",
		per_sample(s, s->bytes));
	fprintf(out,
		"with a cache of %u known stacks a thread: %.2f bytes per "
		"sample, %llu samples repeat one\n",
		KNOWN_STACKS, per_sample(s, cached),
		(unsigned long long)s->repeated);
}

static void dump_records(FILE *out, struct reader *r)
{
	struct logstat stat = { 0 };
	struct record rec;
	int got;

	while ((got = reader_next(r, &rec))) {
		if (got < 0) {
			fprintf(out, "%#llx damage bytes=%llu: %s\n",
				(unsigned long long)r->damage.offset,
				(unsigned long long)r->damage.bytes,
				r->damage.why);
			continue;
		}
		put_record(out, &rec);
		logstat_add(&stat, &rec, r->at - rec.offset);
	}
	if (r->skipped)
		fprintf(out, "skipped %llu records of unknown type\n",
			(unsigned long long)r->skipped);
	put_statistics(out, &stat);
	logstat_done(&stat);
}

void fmt_dump(const struct view *v, FILE *out)
{
	struct reader r;
	struct err err;
	size_t i;
	int fd;

	for (i = 0; i < v->profile->process_count; i++) {
		fd = reader_open_file(v->profile->processes[i].path, &err);
		if (fd < 0 || reader_open_fd(&r, fd, &err) < 0) {
			say("%s: %s", v->profile->processes[i].path, err.text);
			continue;
		}
		fprintf(out, "log %s\n", v->profile->processes[i].path);
		put_header(out, &r.header);
		dump_records(out, &r);
		reader_close(&r);
	}
}
