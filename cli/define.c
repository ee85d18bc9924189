/* SPDX-License-Identifier: MIT */
/* The definitions of a log: threads, facts about the process, codes. */
#include "loader.h"

#include "util/text.h"

static bool thread_has_number(const void *owner, uint32_t index,
			      const void *key)
{
	const struct profile *p = owner;

	return p->threads[index].number == *(const uint64_t *)key;
}

static void choose_thread(const struct loader *l, struct thread *t)
{
	t->left_out = thread_is_own(t) ||
		      (l->options.keep && !keep_has_thread(l->options.keep, t));
}

void loader_choose_threads(struct loader *l)
{
	struct profile *p = l->profile;
	size_t i;

	for (i = l->first_thread; i < p->thread_count; i++)
		choose_thread(l, &p->threads[i]);
	l->named = true;
}

uint32_t loader_thread(struct loader *l, uint64_t number)
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
	t->first_cpu_ns = t->first_ns = UINT64_MAX;
	t->wall = l->reader.header.mode == PP_MODE_WALL;
	if (l->named)
		choose_thread(l, t);
	found = (uint32_t)(t - l->profile->threads);
	table_add(&l->thread_table, hash, found);
	return found;
}

void loader_saw_at(struct loader *l, uint32_t thread, uint64_t time)
{
	struct thread *t = &l->profile->threads[thread];
	struct process *process = loader_process(l);
	uint64_t time_ns = loader_ns(l, time);

	if (!t->known && time_ns < t->first_ns)
		t->first_ns = time_ns;
	if (time_ns > t->last_ns)
		t->last_ns = time_ns;
	if (time_ns > process->last_ns)
		process->last_ns = time_ns;
}

void loader_saw(struct loader *l, uint32_t thread, uint64_t time, uint64_t cpu)
{
	struct thread *t = &l->profile->threads[thread];
	uint64_t cpu_ns = loader_ns(l, cpu);

	if (!t->known && cpu_ns < t->first_cpu_ns)
		t->first_cpu_ns = cpu_ns;
	if (cpu_ns > t->last_cpu_ns)
		t->last_cpu_ns = cpu_ns;
	loader_saw_at(l, thread, time);
}

static int define_thread(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	uint64_t number = cursor_number(&c), tid = cursor_number(&c);
	uint64_t kind = cursor_number(&c), time = cursor_number(&c);
	uint64_t cpu = cursor_number(&c);
	uint32_t thread;
	struct thread *t;

	if (c.bad || (time | cpu) > LOADER_UNITS_MAX)
		return -1;
	thread = loader_thread(l, number);
	loader_saw(l, thread, time, cpu);
	t = &l->profile->threads[thread];
	t->tid = tid;
	t->kind = (unsigned)kind;
	t->known = true;
	t->first_cpu_ns = loader_ns(l, cpu);
	t->first_ns = loader_ns(l, time);
	return 0;
}

static int end_thread(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	uint64_t number = cursor_number(&c), time = cursor_number(&c);
	uint64_t cpu = cursor_number(&c);
	struct thread *t;
	uint32_t thread;

	if (c.bad || (time | cpu) > LOADER_UNITS_MAX)
		return -1;
	thread = loader_thread(l, number);
	loader_saw(l, thread, time, cpu);
	/* of an exec that failed there is one, too: the latest counts */
	t = &l->profile->threads[thread];
	if (loader_ns(l, time) > t->end_ns)
		t->end_ns = loader_ns(l, time);
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
	thread = loader_thread(l, number);
	text_add_python(&name, 0, c.at, cursor_left(&c));
	l->profile->threads[thread].name =
		profile_string(l->profile, text_get(&name), name.length);
	text_done(&name);
	return 0;
}

static void add_note(struct process *process, const char *note)
{
	if (process->note_count < MODEL_NOTES)
		process->notes[process->note_count++] = note;
}

static int take_info(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	uint64_t key = cursor_number(&c);
	struct process *process = loader_process(l);
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

int loader_define(struct loader *l, const struct record *rec)
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
