/* SPDX-License-Identifier: MIT */
/* The two passes over a log; see load.h. */
#include "load.h"

#include <stdlib.h>
#include <string.h>

#include "gilload.h"
#include "loader.h"
#include "util/die.h"

/*
 * Definitions are read as far as the log reaches now, samples only as far as
 * it reached when it was opened: so a growing log has no sample whose
 * definitions came too late for us. What this pass cannot read, read_samples()
 * comes to as well, and tells of it.
 */
static void read_definitions(struct loader *l)
{
	struct record rec;
	int got;

	reader_rewind(&l->reader, READER_LATEST);
	while ((got = reader_next(&l->reader, &rec)))
		if (got > 0 && loader_define(l, &rec) < 0)
			reader_refuse(&l->reader, &rec,
				      "a definition makes no sense");
}

/*
 * Tables are read before the definitions, as a growing log's name ever more.
 * What this pass cannot read, read_samples() tells of.
 */
static void read_tables(struct loader *l)
{
	size_t chunk = 0;
	struct record rec;
	int got;

	reader_rewind(&l->reader, READER_OPENED);
	while ((got = reader_next(&l->reader, &rec))) {
		if (l->reader.chunk != chunk)
			tables_end_segment(&l->tables);
		chunk = l->reader.chunk;
		if (got > 0 && tables_take(l, &rec) < 0)
			reader_refuse(&l->reader, &rec,
				      "a table makes no sense");
	}
}

/*
 * A log that was cut between two chunks looks whole, but for what its header
 * counts. A ring drops samples, and a process that was killed may have counted
 * one more.
 */
static void note_missing(struct process *process, uint64_t size,
			 uint64_t samples)
{
	const struct pp_header *h = &process->header;
	uint64_t counted = h->counters[PP_COUNT_samples];

	if (!h->ended || h->ring_ns || process->damages || counted <= samples)
		return;
	process->missing = counted - samples;
	process->cut_at = size;
	process->damages++;
}

static void read_samples(struct loader *l, load_damaged *damaged)
{
	struct process *process = loader_process(l);
	struct reader *r = &l->reader;
	uint64_t samples = 0;
	struct record rec;
	size_t chunk = 0;
	int got;

	reader_rewind(r, READER_OPENED);
	while ((got = reader_next(r, &rec))) {
		if (r->chunk != chunk)
			loader_end_segment(l);
		chunk = r->chunk;
		if (got > 0 && loader_play(l, &rec) < 0) {
			reader_refuse(r, &rec, "a sample makes no sense");
			got = -1;
		}
		if (got < 0) {
			process->damages++;
			damaged(process->path, &r->damage);
		}
		samples += got > 0 && rec.type == PP_SAMPLE;
	}
	loader_end_segment(l);
	note_missing(process, r->size, samples);
}

/*
 * That an open call is of no known edge is damage, but in a growing log, where
 * the edge may be newer than what was read of it.
 */
static void close_tables(struct loader *l, load_damaged *damaged)
{
	struct process *process = loader_process(l);
	struct damage damage = { 0, 0, "an open call is of an unknown edge" };

	if (tables_close(l) == 0 || !process->header.ended)
		return;
	damage.offset = l->tables.bad_offset;
	process->damages++;
	damaged(process->path, &damage);
}

/* Which times are wanted, by this log's clock. */
static void choose_times(struct loader *l)
{
	const struct keep *k = l->options.keep;
	const struct pp_header *h = &l->reader.header;
	uint64_t origin_ns;

	l->to = UINT64_MAX;
	if (!k)
		return;
	origin_ns = keep_origin_ns(k, h);
	if (k->has_from)
		l->from = (origin_ns + k->from_ns) / h->unit_ns;
	if (k->has_to)
		l->to = (origin_ns + k->to_ns) / h->unit_ns;
	l->chooses = keep_chooses(k);
}

/* Samples that a ring holds but should have dropped are left out. */
static void choose_ring(struct loader *l)
{
	const struct pp_header *h = &l->reader.header;
	uint64_t from_ns = 0;

	l->ring = h->ring_ns != 0;
	if (!l->ring)
		return;
	if (h->ring_now_ns > h->ring_ns)
		from_ns = h->ring_now_ns - h->ring_ns;
	l->ring_from = from_ns / h->unit_ns;
}

static void loader_init(struct loader *l, struct profile *p, const char *path)
{
	struct process *process = profile_add_process(p);

	l->profile = p;
	l->first_thread = (uint32_t)p->thread_count;
	l->first_account = p->gil.account_count;
	l->first_wait = p->gil.wait_count;
	l->first_stacks = p->gil.stacks_count;
	l->process = (uint32_t)(process - p->processes);
	process->path = profile_string(p, path, strlen(path));
	process->header = l->reader.header;
	codes_init(&l->codes, p);
	l->native = profile_mark(p, "<native>");
	l->truncated = profile_mark(p, "<truncated>");
	if (!l->options.no_gc)
		l->gc = process->header.state_known & PP_STATE_GC;
	choose_times(l);
	choose_ring(l);
	if (process_is_timed(process) && !process_has_ticks(process))
		process->notes[process->note_count++] =
			"how long a tick is was not recorded; "
			"traced times are 0";
	l->memo = must_zalloc(LOADER_MEMO_ENTRIES, sizeof(*l->memo));
}

static void loader_done(struct loader *l)
{
	reader_close(&l->reader);
	codes_done(&l->codes);
	tables_done(&l->tables);
	table_done(&l->thread_table);
	free(l->segment.stack);
	free(l->offs);
	free(l->memo);
}

/*
 * What the ring has dropped of a thread: CPU time between its segments. One of
 * which nothing is left was all dropped.
 */
static void add_ringed(struct loader *l, struct thread *t)
{
	uint64_t end_ns = t->account_end_ns ? t->account_end_ns
					    : t->last_cpu_ns;
	uint64_t known_ns = t->first_cpu_ns + t->account_ns;
	struct cost gap = { 0 };

	if (end_ns > known_ns)
		gap.ns = end_ns - known_ns;
	cost_add(&t->dropped, &gap);
	cost_add(&l->ringed, &gap);
}

/* Samples in segments that are missing have been counted, at least. */
static void sum_up_ring(struct loader *l, struct process *process)
{
	uint64_t counted = process->header.counters[PP_COUNT_samples];
	struct cost gone = { 0 };

	if (counted > l->samples)
		gone.samples = counted - l->samples;
	cost_add(&process->dropped, &gone);
	process->ringed = l->ringed;
	cost_add(&process->ringed, &gone);
}

/* What is known of the process once its records are read. */
static void sum_up(struct loader *l)
{
	struct process *process = loader_process(l);
	struct thread *t;
	size_t i;

	for (i = l->first_thread; i < l->profile->thread_count; i++) {
		t = &l->profile->threads[i];
		if (t->first_cpu_ns > t->last_cpu_ns)
			t->first_cpu_ns = t->last_cpu_ns;
		if (t->first_ns > t->last_ns)
			t->first_ns = t->last_ns;
		/* it went on: what it wanted to exec was not to be had */
		if (t->end_ns < t->last_ns)
			t->end_ns = 0;
		if (l->ring)
			add_ringed(l, t);
		cost_add(&process->sampled, &t->sampled);
		cost_add(&process->dropped, &t->dropped);
		cost_add(&process->gil_wait, &t->gil_wait);
	}
	if (l->ring)
		sum_up_ring(l, process);
	process->skipped = l->reader.skipped;
	process->undefined = l->codes.undefined;
}

/* Whether the options want this log: 0, or what load_fd() returns. */
static int check_wanted(const struct loader *l, struct err *err)
{
	const struct keep *k = l->options.keep;
	const struct pp_header *h = &l->reader.header;

	if (!k)
		return 0;
	if (!keep_has_process(k, h->pid))
		return LOAD_LEFT_OUT;
	return keep_check(k, h, err) < 0 ? LOAD_REFUSED : 0;
}

int load_fd(struct profile *p, int fd, const char *path,
	    const struct load_options *options, load_damaged *damaged,
	    struct err *err)
{
	struct loader l = { .options = *options };
	int result;

	if (reader_open_fd(&l.reader, fd, err) < 0)
		return -1;
	result = check_wanted(&l, err);
	if (result) {
		reader_close(&l.reader);
		return result;
	}
	loader_init(&l, p, path);
	if (l.reader.header.trace)
		read_tables(&l);
	read_definitions(&l);
	loader_choose_threads(&l);
	read_samples(&l, damaged);
	close_tables(&l, damaged);
	gilload_close(&l);
	sum_up(&l);
	if (loader_process(&l)->damages && !l.reader.records) {
		p->process_count--;
		result = err_set(err, "nothing in it can be read");
	}
	loader_done(&l);
	return result;
}

int load_log(struct profile *p, const char *path,
	     const struct load_options *options, load_damaged *damaged,
	     struct err *err)
{
	int fd = reader_open_file(path, err);

	return fd < 0 ? -1 : load_fd(p, fd, path, options, damaged, err);
}
