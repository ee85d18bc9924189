/* SPDX-License-Identifier: MIT */
/* Arrays, and a hash index over each that is searched; see model.h. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "util/die.h"

/* A year, and what sums of which do not overflow. */
#define NS_MAX (UINT64_C(1) << 55)

void profile_init(struct profile *p)
{
	*p = (struct profile){ 0 };
	p->nodes = must_grow(NULL, 0, &p->node_room, sizeof(*p->nodes));
	p->nodes[p->node_count++] = (struct node){ 0 };
}

void profile_done(struct profile *p)
{
	arena_done(&p->arena);
	table_done(&p->string_table);
	table_done(&p->function_table);
	table_done(&p->node_table);
	free(p->strings);
	free(p->functions);
	free(p->nodes);
	free(p->threads);
	free(p->traced_calls);
	free(p->traced_lines);
	free(p->processes);
	gil_done(&p->gil);
	free(p->forks);
	free(p->frames);
}

static bool string_equal(const void *owner, uint32_t index, const void *key)
{
	const struct profile *p = owner;

	return strcmp(p->strings[index], key) == 0;
}

const char *profile_string(struct profile *p, const char *bytes, size_t size)
{
	char *copy = arena_copy(&p->arena, bytes, size);
	uint64_t hash = hash_bytes(copy, strlen(copy));
	uint32_t found;

	found = table_find(&p->string_table, hash, string_equal, p, copy);
	if (found != TABLE_NONE)
		return p->strings[found];
	p->strings = must_grow(p->strings, p->string_count, &p->string_room,
			       sizeof(*p->strings));
	p->strings[p->string_count] = copy;
	table_add(&p->string_table, hash, (uint32_t)p->string_count++);
	return copy;
}

static bool function_equal(const void *owner, uint32_t index, const void *key)
{
	const struct profile *p = owner;
	const struct function *a = &p->functions[index], *b = key;

	return a->name == b->name && a->file == b->file && a->line == b->line &&
	       a->print == b->print;
}

uint32_t profile_function(struct profile *p, const struct function *f)
{
	uint64_t hash = hash_number((uintptr_t)f->name);
	uint32_t found;

	hash = hash_join(hash_join(hash, (uintptr_t)f->file), f->line);
	hash = hash_join(hash, f->print);
	found = table_find(&p->function_table, hash, function_equal, p, f);
	if (found != TABLE_NONE)
		return found;
	p->functions = must_grow(p->functions, p->function_count,
				 &p->function_room, sizeof(*p->functions));
	p->functions[p->function_count] = *f;
	table_add(&p->function_table, hash, (uint32_t)p->function_count);
	return (uint32_t)p->function_count++;
}

uint32_t profile_mark(struct profile *p, const char *name)
{
	struct function f = { .name = profile_string(p, name, strlen(name)) };

	f.simple = f.name;
	return profile_function(p, &f);
}

static bool node_equal(const void *owner, uint32_t index, const void *key)
{
	const struct profile *p = owner;
	const struct node *a = &p->nodes[index], *b = key;

	return a->parent == b->parent && a->function == b->function &&
	       a->line == b->line;
}

uint32_t profile_child(struct profile *p, uint32_t parent, uint32_t function,
		       uint32_t line)
{
	struct node node = {
		.parent = parent,
		.function = function,
		.line = line,
	};
	uint64_t hash = hash_join((uint64_t)parent << 32 | function, line);
	uint32_t found;

	found = table_find(&p->node_table, hash, node_equal, p, &node);
	if (found != TABLE_NONE)
		return found;
	p->nodes = must_grow(p->nodes, p->node_count, &p->node_room,
			     sizeof(*p->nodes));
	p->nodes[p->node_count] = node;
	table_add(&p->node_table, hash, (uint32_t)p->node_count);
	return (uint32_t)p->node_count++;
}

struct thread *profile_add_thread(struct profile *p)
{
	p->threads = must_grow(p->threads, p->thread_count, &p->thread_room,
			       sizeof(*p->threads));
	p->threads[p->thread_count] = (struct thread){ 0 };
	return &p->threads[p->thread_count++];
}

struct process *profile_add_process(struct profile *p)
{
	p->processes = must_grow(p->processes, p->process_count,
				 &p->process_room, sizeof(*p->processes));
	p->processes[p->process_count] = (struct process){ 0 };
	return &p->processes[p->process_count++];
}

struct fork *profile_add_fork(struct profile *p, uint32_t process)
{
	p->forks = must_grow(p->forks, p->fork_count, &p->fork_room,
			     sizeof(*p->forks));
	p->forks[p->fork_count] = (struct fork){
		.process = process,
		.first_frame = p->frame_count,
	};
	return &p->forks[p->fork_count++];
}

void profile_add_fork_frame(struct profile *p, struct frame frame)
{
	p->frames = must_grow(p->frames, p->frame_count, &p->frame_room,
			      sizeof(*p->frames));
	p->frames[p->frame_count++] = frame;
	p->forks[p->fork_count - 1].frame_count++;
}

struct traced_call *profile_add_traced_call(struct profile *p)
{
	p->traced_calls = must_grow(p->traced_calls, p->traced_call_count,
				    &p->traced_call_room,
				    sizeof(*p->traced_calls));
	p->traced_calls[p->traced_call_count] = (struct traced_call){ 0 };
	return &p->traced_calls[p->traced_call_count++];
}

struct traced_line *profile_add_traced_line(struct profile *p)
{
	p->traced_lines = must_grow(p->traced_lines, p->traced_line_count,
				    &p->traced_line_room,
				    sizeof(*p->traced_lines));
	p->traced_lines[p->traced_line_count] = (struct traced_line){ 0 };
	return &p->traced_lines[p->traced_line_count++];
}

bool function_is_c(const struct function *f)
{
	return f->file && !f->line && strcmp(f->file, PP_C_FILE) == 0;
}

enum pp_trace profile_trace(const struct profile *p)
{
	uint32_t most = PP_TRACE_NONE;
	size_t i;

	for (i = 0; i < p->process_count; i++)
		if (p->processes[i].header.trace > most)
			most = p->processes[i].header.trace;
	return most < PP_TRACE_LINES ? most : PP_TRACE_LINES;
}

bool profile_is_sampled(const struct profile *p)
{
	size_t i;

	for (i = 0; i < p->process_count; i++)
		if (p->processes[i].header.mode != PP_MODE_NONE)
			return true;
	return false;
}

bool profile_is_wall(const struct profile *p)
{
	size_t i;

	for (i = 0; i < p->process_count; i++)
		if (p->processes[i].header.mode == PP_MODE_WALL)
			return true;
	return false;
}

bool process_same_session(const struct process *a, const struct process *b)
{
	return a->header.session[0] == b->header.session[0] &&
	       a->header.session[1] == b->header.session[1];
}

uint64_t process_end_ns(const struct process *p)
{
	const struct pp_header *h = &p->header;
	uint64_t end_ns = h->ended ? h->end_ns : p->last_ns;

	return end_ns > h->start_ns ? end_ns : h->start_ns;
}

bool process_has_ticks(const struct process *process)
{
	const struct pp_header *h = &process->header;

	return h->tick_ticks[1] > h->tick_ticks[0] &&
	       h->tick_ns_at[1] > h->tick_ns_at[0];
}

bool process_is_timed(const struct process *process)
{
	return process->header.trace && process->header.mode == PP_MODE_NONE;
}

uint64_t process_ticks_ns(const struct process *process, uint64_t count,
			  uint64_t ticks)
{
	const struct pp_header *h = &process->header;
	unsigned __int128 all = (unsigned __int128)count * ticks;

	if (!process_has_ticks(process))
		return 0;
	if (all > UINT64_MAX)
		all = UINT64_MAX;
	all = all * (h->tick_ns_at[1] - h->tick_ns_at[0]) /
	      (h->tick_ticks[1] - h->tick_ticks[0]);
	return all < NS_MAX ? (uint64_t)all : NS_MAX;
}

const char *info_next(const struct info *info, const char *previous)
{
	if (!info->size)
		return NULL;
	if (!previous)
		return info->bytes;
	previous += strlen(previous) + 1;
	return previous <= info->bytes + info->size ? previous : NULL;
}

const char *thread_name(const struct thread *t)
{
	if (t->name)
		return t->name;
	return t->known && t->kind == PP_THREAD_MAIN ? "main" : NULL;
}

bool thread_is_own(const struct thread *t)
{
	return t->known && t->kind == PP_THREAD_OWN;
}

uint64_t thread_wall_ns(const struct thread *t)
{
	uint64_t end_ns = t->end_ns ? t->end_ns : t->last_ns;

	return end_ns > t->first_ns ? end_ns - t->first_ns : 0;
}

uint64_t thread_cpu_ns(const struct thread *t)
{
	return t->last_cpu_ns > t->first_cpu_ns
		       ? t->last_cpu_ns - t->first_cpu_ns
		       : 0;
}

static uint64_t less(uint64_t all, uint64_t part)
{
	return all > part ? all - part : 0;
}

uint64_t thread_unsampled_cpu_ns(const struct thread *t)
{
	return less(thread_cpu_ns(t),
		    cost_cpu_ns(&t->sampled) + cost_cpu_ns(&t->dropped));
}

uint64_t thread_unsampled_off_ns(const struct thread *t)
{
	uint64_t off_ns = less(thread_wall_ns(t), thread_cpu_ns(t));

	return t->wall ? less(off_ns, t->sampled.off_ns + t->dropped.off_ns)
		       : 0;
}

uint64_t thread_unsampled_ns(const struct thread *t)
{
	return thread_unsampled_cpu_ns(t) + thread_unsampled_off_ns(t);
}

/* An end that its turn in the GIL may have, too. */
static uint64_t thread_end_ns(const struct profile *p, const struct thread *t)
{
	return t->end_ns ? t->end_ns
			 : process_end_ns(&p->processes[t->process]);
}

uint64_t gil_held_ns(const struct profile *p, const struct gil_account *a)
{
	uint64_t end_ns = thread_end_ns(p, &p->threads[a->thread]);

	return a->held_ns +
	       (a->since_ns && end_ns > a->since_ns ? end_ns - a->since_ns : 0);
}

/* When the process had a second thread, be it pyprof's own. */
static uint64_t second_thread_ns(const struct profile *p, uint32_t process)
{
	uint64_t first_ns = UINT64_MAX, second_ns = UINT64_MAX, ns;
	size_t i;

	for (i = 0; i < p->thread_count; i++) {
		if (p->threads[i].process != process)
			continue;
		ns = p->threads[i].first_ns;
		if (ns < first_ns) {
			second_ns = first_ns;
			first_ns = ns;
		} else if (ns < second_ns) {
			second_ns = ns;
		}
	}
	return second_ns;
}

uint64_t gil_counted_ns(const struct profile *p, const struct gil_account *a)
{
	const struct thread *t = &p->threads[a->thread];
	const struct process *process = &p->processes[t->process];
	uint64_t begin_ns = second_thread_ns(p, t->process);
	uint64_t end_ns = thread_end_ns(p, t);
	uint64_t known_ns = gil_held_ns(p, a) + a->waited_ns;
	uint64_t ns;

	if (process->header.lost[PP_LOST_paused] ||
	    process->lost[PP_LOST_paused].samples)
		return 0;
	if (t->first_ns > begin_ns)
		begin_ns = t->first_ns;
	ns = end_ns > begin_ns ? end_ns - begin_ns : 0;
	/* who makes the second thread is counted from a little before */
	return ns > known_ns ? ns : known_ns;
}
