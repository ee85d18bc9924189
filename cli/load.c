/* SPDX-License-Identifier: MIT */
/*
 * Plays the records of one log into a profile; see load.h. The hot path is
 * play_sample() with push(), which finds nearly every frame in a small memo.
 */
#include "load.h"

#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "util/text.h"

#define MEMO_ENTRIES   32768u
#define TIME_UNITS_MAX (UINT64_C(1) << 50) /* more is no time but damage */

/* A frame pushed before: where it was found in the context tree. */
struct memo {
	uint32_t parent, code, line;
	uint32_t node; /* 0: nothing here yet */
};

/* A frame of the stack: its node, and what the log says of it. */
struct level {
	uint32_t node, code;
};

/* What the records that follow an OWNER build on. */
struct segment {
	bool open; /* an OWNER was read in this chunk */
	uint32_t thread;
	uint64_t time, cpu;  /* of the last record, in the log's unit */
	uint8_t state;	     /* of the last sample */
	uint32_t base;	     /* the node below which stacks begin */
	bool truncated;	     /* they begin below <truncated> there */
	struct level *stack; /* root side first */
	size_t depth, room;
};

struct loader {
	struct profile *profile;
	struct reader reader;
	struct codes codes;
	unsigned split;
	uint32_t process;
	struct table thread_table; /* by thread number, this log's only */
	struct segment segment;
	uint32_t native, truncated; /* marks */
	struct memo *memo;
};

static struct process *process_of(const struct loader *l)
{
	return &l->profile->processes[l->process];
}

static uint64_t to_ns(const struct loader *l, uint64_t units)
{
	return units * l->reader.header.unit_ns;
}

/*
 * Threads.
 */

static bool thread_has_number(const void *owner, uint32_t index,
			      const void *key)
{
	const struct profile *p = owner;

	return p->threads[index].number == *(const uint64_t *)key;
}

/* The thread of this number, which is added if nothing was known of it. */
static uint32_t obtain_thread(struct loader *l, uint64_t number)
{
	uint64_t hash = hash_number(number);
	struct thread *t;
	uint32_t found;

	found = table_find(&l->thread_table, hash, thread_has_number,
			   l->profile, &number);
	if (found != TABLE_NONE)
		return found;
	t = profile_add_thread(l->profile);
	t->process = l->process;
	t->number = number;
	t->first_cpu_ns = UINT64_MAX;
	found = (uint32_t)(t - l->profile->threads);
	table_add(&l->thread_table, hash, found);
	return found;
}

/* The thread was seen with its CPU clock at this, at this time. */
static void saw_thread(struct loader *l, uint32_t thread, uint64_t time,
		       uint64_t cpu)
{
	struct thread *t = &l->profile->threads[thread];
	struct process *process = process_of(l);
	uint64_t cpu_ns = to_ns(l, cpu), time_ns = to_ns(l, time);

	if (!t->known && cpu_ns < t->first_cpu_ns)
		t->first_cpu_ns = cpu_ns;
	if (cpu_ns > t->last_cpu_ns)
		t->last_cpu_ns = cpu_ns;
	if (time_ns > process->last_ns)
		process->last_ns = time_ns;
}

static int define_thread(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	uint64_t number = cursor_number(&c), tid = cursor_number(&c);
	uint64_t kind = cursor_number(&c), time = cursor_number(&c);
	uint64_t cpu = cursor_number(&c);
	uint32_t thread;
	struct thread *t;

	if (c.bad || (time | cpu) > TIME_UNITS_MAX)
		return -1;
	thread = obtain_thread(l, number);
	saw_thread(l, thread, time, cpu);
	t = &l->profile->threads[thread];
	t->tid = tid;
	t->kind = (unsigned)kind;
	t->known = true;
	t->first_cpu_ns = to_ns(l, cpu);
	return 0;
}

static int end_thread(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	uint64_t number = cursor_number(&c), time = cursor_number(&c);
	uint64_t cpu = cursor_number(&c);

	if (c.bad || (time | cpu) > TIME_UNITS_MAX)
		return -1;
	saw_thread(l, obtain_thread(l, number), time, cpu);
	return 0;
}

static int name_thread(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	uint64_t number = cursor_number(&c);
	struct text name = { 0 };
	uint32_t thread;

	if (c.bad)
		return -1;
	thread = obtain_thread(l, number);
	text_add_python(&name, 0, c.at, cursor_left(&c));
	l->profile->threads[thread].name =
		profile_string(l->profile, text_get(&name), name.length);
	text_done(&name);
	return 0;
}

/*
 * Facts.
 */

static void add_note(struct process *process, const char *note)
{
	if (process->note_count < MODEL_NOTES)
		process->notes[process->note_count++] = note;
}

static int take_info(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	uint64_t key = cursor_number(&c);
	struct process *process = process_of(l);
	struct info info = { NULL, cursor_left(&c) };

	if (c.bad)
		return -1;
	if (key >= MODEL_INFOS)
		return 0;
	info.bytes = arena_copy(&l->profile->arena, c.at, info.size);
	if (key == PP_INFO_note)
		add_note(process, info.bytes);
	else
		process->infos[key] = info;
	return 0;
}

/*
 * Samples.
 */

/* The node that a thread's stacks begin at, below the roots asked for. */
static uint32_t base_node(struct loader *l, uint32_t thread)
{
	const struct thread *t = &l->profile->threads[thread];
	uint32_t node = MODEL_ROOT;
	struct text name = { 0 };

	if (l->split & LOAD_BY_PROCESS) {
		text_addf(&name, "process %u", l->reader.header.pid);
		node = profile_child(l->profile, node,
				     profile_mark(l->profile, name.at), 0);
	}
	if (l->split & LOAD_BY_THREAD) {
		text_clear(&name);
		if (t->name)
			text_addf(&name, "thread %s", t->name);
		else if (t->known && t->kind == PP_THREAD_MAIN)
			text_adds(&name, "thread main");
		else
			text_addf(&name, "thread %llu",
				  (unsigned long long)t->tid);
		node = profile_child(l->profile, node,
				     profile_mark(l->profile, name.at), 0);
	}
	text_done(&name);
	return node;
}

static int begin_segment(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	struct segment *s = &l->segment;
	uint64_t number = cursor_number(&c);

	cursor_number(&c); /* seq: no need for it, see load.h */
	s->time = cursor_number(&c);
	s->cpu = cursor_number(&c);
	if (c.bad || (s->time | s->cpu) > TIME_UNITS_MAX)
		return -1;
	s->thread = obtain_thread(l, number);
	s->base = base_node(l, s->thread);
	s->truncated = false;
	s->state = 0;
	s->depth = 0;
	s->open = true;
	saw_thread(l, s->thread, s->time, s->cpu);
	return 0;
}

static uint32_t stack_root(struct loader *l)
{
	const struct segment *s = &l->segment;

	if (!s->truncated)
		return s->base;
	return profile_child(l->profile, s->base, l->truncated, 0);
}

/* The stack was cut and no longer is, or the reverse: hang it elsewhere. */
static void move_stack(struct loader *l, bool truncated)
{
	struct segment *s = &l->segment;
	struct node frame;
	uint32_t parent;
	size_t i;

	s->truncated = truncated;
	parent = stack_root(l);
	for (i = 0; i < s->depth; i++) {
		frame = l->profile->nodes[s->stack[i].node];
		parent = profile_child(l->profile, parent, frame.function,
				       frame.line);
		s->stack[i].node = parent;
	}
}

/* The node of a frame that `parent` called. */
static uint32_t find_child(struct loader *l, uint32_t parent, uint32_t code,
			   uint32_t line)
{
	uint64_t hash = hash_join((uint64_t)parent << 32 | code, line);
	struct memo *m = &l->memo[hash % MEMO_ENTRIES];
	struct place place;

	if (PP_LIKELY(m->parent == parent && m->code == code &&
		      m->line == line && m->node))
		return m->node;
	place = codes_place(&l->codes, code, line);
	*m = (struct memo){ parent, code, line, 0 };
	m->node = profile_child(l->profile, parent, place.function, place.line);
	return m->node;
}

/* The node at the leaf, or that below which the first frame comes. */
static uint32_t stack_top(struct loader *l)
{
	const struct segment *s = &l->segment;

	return s->depth ? s->stack[s->depth - 1].node : stack_root(l);
}

static void push_frame(struct loader *l, uint32_t code, uint32_t line)
{
	struct segment *s = &l->segment;
	uint32_t node = find_child(l, stack_top(l), code, line);

	s->stack = must_grow(s->stack, s->depth, &s->room, sizeof(*s->stack));
	s->stack[s->depth++] = (struct level){ node, code };
}

/* Time and CPU time advance; -1 if not by what a clock can. */
static int advance(struct loader *l, uint64_t dt, uint64_t dcpu)
{
	struct segment *s = &l->segment;

	s->time += dt;
	s->cpu += dcpu;
	return s->open && dcpu <= TIME_UNITS_MAX && s->time <= TIME_UNITS_MAX
		       ? 0
		       : -1;
}

/*
 * Bring the stack up to date: remove frames on the leaf side, then append one
 * of the code that was removed last (if the record says so), then the others.
 */
static int change_stack(struct loader *l, uint64_t lead, struct cursor *c)
{
	struct segment *s = &l->segment;
	uint64_t pop = lead >> LEAD_POP_SHIFT;
	uint32_t code, line;
	bool same_code = lead & LEAD_SAME_CODE;

	line = same_code ? cursor_id(c) : 0;
	if (c->bad || pop > s->depth || (same_code && !pop))
		return -1;
	s->depth -= (size_t)pop;
	code = same_code ? s->stack[s->depth].code : 0;
	if (PP_UNLIKELY(s->truncated != !!(s->state & PP_STATE_TRUNCATED)))
		move_stack(l, !s->truncated);
	if (same_code)
		push_frame(l, code, line);
	while (c->at < c->end) {
		code = cursor_id(c);
		line = cursor_id(c);
		if (c->bad)
			return -1;
		push_frame(l, code, line);
	}
	return 0;
}

static int play_sample(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	struct segment *s = &l->segment;
	uint64_t lead = cursor_number(&c), dcpu = cursor_number(&c);
	uint64_t dt = dcpu + cursor_signed(&c);
	struct cost cost = { 1, to_ns(l, dcpu) };
	uint32_t leaf;

	if (lead & LEAD_STATE)
		s->state = cursor_byte(&c);
	if (c.bad || advance(l, dt, dcpu) < 0 || change_stack(l, lead, &c) < 0)
		return -1;
	leaf = s->depth
		       ? stack_top(l)
		       : profile_child(l->profile, stack_root(l), l->native, 0);
	cost_add(&l->profile->nodes[leaf].self, &cost);
	cost_add(&l->profile->threads[s->thread].sampled, &cost);
	return 0;
}

static int play_lost(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	uint64_t reason = cursor_number(&c), dt = cursor_number(&c);
	uint64_t dcpu = cursor_number(&c);
	struct cost cost = { 1, to_ns(l, dcpu) };

	if (c.bad || advance(l, dt, dcpu) < 0)
		return -1;
	if (reason >= PP_LOSS_MAX)
		reason = PP_LOSS_MAX - 1;
	cost_add(&process_of(l)->lost[reason], &cost);
	return 0;
}

/* The segment ends here; what its clocks say last is known of its thread. */
static void end_segment(struct loader *l)
{
	struct segment *s = &l->segment;

	if (s->open)
		saw_thread(l, s->thread, s->time, s->cpu);
	s->open = false;
}

/*
 * The two passes.
 */

static int define(struct loader *l, const struct record *rec)
{
	switch (rec->type) {
	case PP_THREAD:
		return define_thread(l, rec);
	case PP_THREAD_END:
		return end_thread(l, rec);
	case PP_THREAD_NAME:
		return name_thread(l, rec);
	case PP_INFO:
		return take_info(l, rec);
	default:
		return codes_define(&l->codes, rec);
	}
}

static int play(struct loader *l, const struct record *rec)
{
	switch (rec->type) {
	case PP_SAMPLE:
		return play_sample(l, rec);
	case PP_LOST:
		return play_lost(l, rec);
	case PP_OWNER:
		end_segment(l);
		return begin_segment(l, rec);
	default:
		return 0;
	}
}

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
		if (got > 0 && define(l, &rec) < 0)
			reader_refuse(&l->reader, &rec,
				      "a definition makes no sense");
}

static void read_samples(struct loader *l, load_damaged *damaged)
{
	struct process *process = process_of(l);
	struct reader *r = &l->reader;
	struct record rec;
	size_t chunk = 0;
	int got;

	reader_rewind(r, READER_OPENED);
	while ((got = reader_next(r, &rec))) {
		if (r->chunk != chunk)
			end_segment(l);
		chunk = r->chunk;
		if (got > 0 && play(l, &rec) < 0) {
			reader_refuse(r, &rec, "a sample makes no sense");
			got = -1;
		}
		if (got < 0) {
			process->damages++;
			damaged(process->path, &r->damage);
		}
	}
	end_segment(l);
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
	l->memo = must_zalloc(MEMO_ENTRIES, sizeof(*l->memo));
}

static void loader_done(struct loader *l)
{
	reader_close(&l->reader);
	codes_done(&l->codes);
	table_done(&l->thread_table);
	free(l->segment.stack);
	free(l->memo);
}

/* What is known of the process once its records are read. */
static void sum_up(struct loader *l, size_t first_thread)
{
	struct process *process = process_of(l);
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
	read_definitions(&l);
	read_samples(&l, damaged);
	sum_up(&l, first_thread);
	if (process_of(&l)->damages && !l.reader.records) {
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
