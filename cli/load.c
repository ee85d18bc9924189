/* SPDX-License-Identifier: MIT */
/* The two passes over a log; see load.h. */
#include "load.h"

#include <stdlib.h>
#include <string.h>

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

static void read_samples(struct loader *l, load_damaged *damaged)
{
	struct process *process = loader_process(l);
	struct reader *r = &l->reader;
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
	}
	loader_end_segment(l);
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

static void loader_init(struct loader *l, struct profile *p, const char *path)
{
	struct process *process = profile_add_process(p);

	l->profile = p;
	l->process = (uint32_t)(process - p->processes);
	process->path = profile_string(p, path, strlen(path));
	process->header = l->reader.header;
	codes_init(&l->codes, p);
	l->native = profile_mark(p, "<native>");
	l->truncated = profile_mark(p, "<truncated>");
	if (process->header.trace && !process_has_ticks(process))
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
	free(l->memo);
}

/* What is known of the process once its records are read. */
static void sum_up(struct loader *l, size_t first_thread)
{
	struct process *process = loader_process(l);
	struct thread *t;
	size_t i;

	for (i = first_thread; i < l->profile->thread_count; i++) {
		t = &l->profile->threads[i];
		if (t->first_cpu_ns > t->last_cpu_ns)
			t->first_cpu_ns = t->last_cpu_ns;
		cost_add(&process->sampled, &t->sampled);
	}
	process->skipped = l->reader.skipped;
	process->undefined = l->codes.undefined;
}

int load_fd(struct profile *p, int fd, const char *path, unsigned split,
	    load_damaged *damaged, struct err *err)
{
	struct loader l = { .split = split };
	size_t first_thread = p->thread_count;
	int result = 0;

	if (reader_open_fd(&l.reader, fd, err) < 0)
		return -1;
	loader_init(&l, p, path);
	if (l.reader.header.trace)
		read_tables(&l);
	read_definitions(&l);
	read_samples(&l, damaged);
	close_tables(&l, damaged);
	sum_up(&l, first_thread);
	if (loader_process(&l)->damages && !l.reader.records) {
		p->process_count--;
		result = err_set(err, "nothing in it can be read");
	}
	loader_done(&l);
	return result;
}

int load_log(struct profile *p, const char *path, unsigned split,
	     load_damaged *damaged, struct err *err)
{
	int fd = reader_open_file(path, err);

	return fd < 0 ? -1 : load_fd(p, fd, path, split, damaged, err);
}
