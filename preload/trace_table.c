/* SPDX-License-Identifier: MIT */
/*
 * Tables of deterministic profiling. See trace_table.h. What grows is never
 * moved in the log: edges and lines go on in another table, and our index,
 * which is moved, points to them.
 */
#include "trace_table.h"

#include <string.h>
#include <sys/mman.h>

#include "safe/codes.h"
#include "safe/guard.h"
#include "safe/mask.h"
#include "safe/record.h"
#include "safe/state.h"
#include "safe/sys.h"
#include "safe/target.h"
#include "trace.h"
#include "trace_clock.h"
#include "trace_event.h"
#include "trace_names.h"
#include "trace_sites.h"

#define BLOCK_BYTES	  (64u << 10)
#define SLOTS_FIRST	  64u /* a page */
#define FUNCTIONS_FIRST	  128u
#define OPEN_FIRST_BYTES  4096u
/* The first tables of a thread, and what those that follow grow to. */
#define TABLE_FIRST_BYTES 4096u
#define TABLE_MOST_BYTES  (256u << 10)
/* PyCodeObject.co_flags: CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR. */
#define CODE_IS_RESUMED	  (0x20u | 0x80u | 0x200u)
/* A function's lines that are found by place; others are in a list. */
#define LINES_MOST	  (1u << 20)

/* Memory of ours, and tables of the log, each in a list. */
struct trace_block {
	struct trace_block *next;
	size_t bytes;
};

struct trace_chunk {
	struct trace_chunk *next;
	struct chunk chunk;
};

/* A line of a function that its array has no room for. */
struct trace_odd_line {
	struct trace_odd_line *next;
	struct pp_line *at;
	uint32_t line;
};

/* -- memory -------------------------------------------------------------- */

static void *map(size_t bytes)
{
	void *at = sys_mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at)
		sys_call(SYS_madvise, at, bytes, MADV_WIPEONFORK, 0);
	return at;
}

/* Zeros that live as long as the trace, at a multiple of 64. */
static void *map_block(struct trace *t, size_t bytes)
{
	struct trace_block *b = map(bytes + 64);

	if (!b)
		return NULL;
	b->bytes = bytes + 64;
	b->next = t->blocks;
	t->blocks = b;
	return (uint8_t *)b + 64;
}

/* The same for something small. */
static void *allocate(struct trace *t, size_t bytes)
{
	uint8_t *at = t->arena;

	bytes = (bytes + 15) & ~(size_t)15;
	if (bytes > BLOCK_BYTES / 4)
		return map_block(t, bytes);
	if (!at || (size_t)(t->arena_end - at) < bytes) {
		at = map_block(t, BLOCK_BYTES);
		if (!at)
			return NULL;
		t->arena_end = at + BLOCK_BYTES;
	}
	t->arena = at + bytes;
	return at;
}

/* What is a table but for a log. */
static uint8_t *new_private_table(uint32_t bytes, struct chunk *c)
{
	c->base = map(bytes);
	c->size = c->used = bytes;
	return c->base ? c->base + PP_TABLE_ALIGN : NULL;
}

/* A table of the log; the thread's sampling signal is blocked. */
static uint8_t *new_table(struct trace *t, enum pp_record type, uint32_t bytes,
			  struct chunk *c)
{
	if (!t->thread)
		return new_private_table(bytes, c);
	t->thread->maps = 1;
	return chunk_table(t->thread, type, t->edge_count, bytes, c);
}

/* One that stays until the thread ends; returns its first struct. */
static void *keep_table(struct trace *t, enum pp_record type, uint32_t *bytes,
			void *limit)
{
	struct trace_chunk *kept = allocate(t, sizeof(*kept));
	uint8_t *at = kept ? new_table(t, type, *bytes, &kept->chunk) : NULL;

	if (!at)
		return NULL;
	chunk_table_begin(&kept->chunk);
	*(uint8_t **)limit = kept->chunk.base + kept->chunk.used;
	kept->next = t->chunks;
	t->chunks = kept;
	if (*bytes < TABLE_MOST_BYTES)
		*bytes *= 4;
	return at;
}

/* -- functions ----------------------------------------------------------- */

struct trace_function *trace_table_function(const struct trace *t, uint32_t id)
{
	struct trace_function *f = t->functions[id & t->function_mask];

	while (f && f->id != id)
		f = f->next;
	return f;
}

/* Twice the buckets; if there is no memory for them, as before. */
static void grow_functions(struct trace *t)
{
	uint32_t size = 2 * (t->function_mask + 1);
	struct trace_function **old = t->functions, *f, *next;
	struct trace_function **buckets =
		map_block(t, size * sizeof(struct trace_function *));

	if (!buckets)
		return;
	for (uint32_t i = 0; i <= t->function_mask; i++) {
		for (f = old[i]; f; f = next) {
			next = f->next;
			f->next = buckets[f->id & (size - 1)];
			buckets[f->id & (size - 1)] = f;
		}
	}
	t->functions = buckets;
	t->function_mask = size - 1;
}

/* Is it of a file that the user leaves out? */
static bool is_excluded(uintptr_t code)
{
	struct codes_facts c;
	char name[4096];
	uint32_t length;

	if (!trace_has_filters || !codes_read(code, &c) || c.file.kind != 1)
		return false;
	length = c.file.length < sizeof(name) ? c.file.length
					      : sizeof(name) - 1;
	memcpy(name, c.file.at, length);
	name[length] = '\0';
	return !trace_wants_file(name);
}

/*
 * What a call costs. A generator or coroutine is not called but resumed; for a
 * method of a C type CPython makes an object before it tells of it, to 3.11.
 */
static enum pp_cost cost_of(uintptr_t code, const void *callable)
{
	unsigned faults = 0;

	if (callable)
		return trace_names_is_method(callable) ? PP_COST_method_inside
						       : PP_COST_c_inside;
	return guard_u32(code + (unsigned)target.row->co_flags, &faults) &
			       CODE_IS_RESUMED
		       ? PP_COST_resume_inside
		       : PP_COST_python_inside;
}

static struct trace_function *obtain_function(struct trace *t, uint32_t id,
					      uintptr_t address,
					      const void *callable)
{
	struct trace_function *f = trace_table_function(t, id);
	struct codes_span table;
	enum pp_cost cost;

	if (!f) {
		f = allocate(t, sizeof(*f));
		if (!f)
			return NULL;
		f->id = id;
		f->next = t->functions[id & t->function_mask];
		t->functions[id & t->function_mask] = f;
		f->word = id;
		cost = cost_of(address, callable);
		f->inside = trace_costs[cost];
		f->outside = trace_costs[cost + 1];
		f->entry_offset = UINT32_MAX;
		f->site_wait = TRACE_SITES_FIRST;
		if (!callable) {
			f->excluded = is_excluded(address);
			(void)!codes_read_lines(address, &table,
						&f->firstlineno);
		}
		if (++t->function_count > t->function_mask)
			grow_functions(t);
	}
	if (!callable && !f->scope.globals)
		f->scope = trace_sites_scope(address);
	f->address = address;
	return f;
}

/* -- edges --------------------------------------------------------------- */

static struct pp_edge *new_shown(struct trace *t)
{
	if (!t->edge_next || t->edge_next + 1 > t->edge_limit) {
		struct pp_edge *at =
			keep_table(t, PP_EDGES, &t->edge_bytes, &t->edge_limit);

		if (!at)
			return NULL;
		t->edge_next = at;
	}
	return t->edge_next;
}

/* The first edge between two functions; this one, if there is none yet. */
static struct trace_edge *find_pair(struct trace_edge *edge)
{
	struct trace_edge *other = edge->next;

	while (other && other->caller != edge->caller)
		other = other->next;
	return other ? other->pair : edge;
}

static struct trace_edge *new_edge(struct trace *t,
				   const struct trace_function *caller,
				   struct trace_function *callee, uint32_t line)
{
	struct trace_edge *edge = allocate(t, sizeof(*edge));
	struct pp_edge *shown = edge ? new_shown(t) : NULL;

	if (!shown)
		return NULL;
	t->edge_next++;
	*edge = (struct trace_edge){
		.shown = shown,
		.callee = callee,
		.caller = caller,
		.next = callee->edges,
		.number = t->edge_count,
		.line = line,
	};
	edge->pair = find_pair(edge);
	t->edge_count++;
	callee->edges = edge;
	shown->caller = caller->id;
	shown->line = line;
	/* the edge is part of the log from here on */
	__atomic_store_n(&shown->callee, callee->id, __ATOMIC_RELEASE);
	return edge;
}

/* The edge of a call that has come from, or gone to, another address before. */
static struct trace_edge *find_edge(const struct trace_function *caller,
				    const struct trace_function *callee,
				    uint32_t line)
{
	struct trace_edge *edge = callee->edges;

	while (edge && (edge->caller != caller || edge->line != line))
		edge = edge->next;
	return edge;
}

/* -- slots --------------------------------------------------------------- */

static bool is_slot_of(const struct trace_slot *s,
		       const struct trace_function *caller, uintptr_t address,
		       uint32_t line)
{
	return s->address == address && s->caller == caller && s->line == line;
}

/* The slot of a call, or the free one for it, by linear probing. */
static struct trace_slot *probe(struct trace_slot *slots, uint32_t mask,
				const struct trace_function *caller,
				uintptr_t address, uint32_t line)
{
	uint32_t i = trace_table_hash(caller, address, line);

	while (slots[i & mask].address &&
	       !is_slot_of(&slots[i & mask], caller, address, line))
		i++;
	return &slots[i & mask];
}

static int grow_slots(struct trace *t)
{
	uint32_t mask = 2 * t->slot_mask + 1;
	size_t bytes = ((size_t)mask + 1) * sizeof(*t->slots);
	struct trace_slot *slots = map(bytes);

	if (!slots)
		return -1;
	for (uint32_t i = 0; i <= t->slot_mask; i++) {
		const struct trace_slot *s = &t->slots[i];

		if (s->address)
			*probe(slots, mask, s->caller, s->address, s->line) =
				*s;
	}
	sys_munmap(t->slots, ((size_t)t->slot_mask + 1) * sizeof(*t->slots));
	t->slots = slots;
	t->slot_mask = mask;
	return 0;
}

static uint32_t id_of(struct trace *t, uintptr_t address, void *callable)
{
	/* never freed while it is measured */
	if (!t->thread)
		return (uint32_t)(address >> 4);
	t->thread->maps = 1;
	return callable ? trace_names_id(t->thread, address, callable)
			: codes_id(t->thread, address);
}

/* Fill a slot whose address is new, or of something else than before. */
static int fill(struct trace *t, struct trace_slot *s,
		const struct trace_function *caller, uintptr_t address,
		uint32_t line, void *callable)
{
	uint32_t id = id_of(t, address, callable);
	struct trace_function *callee;
	struct trace_edge *edge;

	if (id == CODES_UNNAMED || id == CODES_SKIP)
		return -1;
	callee = obtain_function(t, id, address, callable);
	if (!callee)
		return -1;
	edge = find_edge(caller, callee, line);
	if (!edge && !callee->excluded) {
		edge = new_edge(t, caller, callee, line);
		if (!edge)
			return -1;
	}
	if (!s->address)
		t->slot_count++;
	*s = (struct trace_slot){
		caller,
		address,
		line,
		id,
		t->thread ? codes_word(address) : &callee->word,
		edge
	};
	return 0;
}

static struct trace_slot *slow_slot(struct trace *t,
				    const struct trace_function *caller,
				    uintptr_t address, uint32_t line,
				    void *callable)
{
	struct trace_slot *s;

	if (2 * t->slot_count > t->slot_mask && grow_slots(t) < 0)
		return NULL;
	s = probe(t->slots, t->slot_mask, caller, address, line);
	if (!s->address && t->thread &&
	    atomic_load_explicit(&state->log_stuck, memory_order_relaxed)) {
		state_count(PP_COUNT_uncounted, 1);
		return NULL;
	}
	if (!s->address || atomic_load(s->word) != s->id) {
		uint64_t mask = mask_quiet(target.settings.signal);
		int ret = fill(t, s, caller, address, line, callable);

		mask_unquiet(target.settings.signal, mask);
		if (ret < 0 && t->thread)
			state_count(PP_COUNT_uncounted, 1);
		if (ret < 0)
			return NULL;
		if (t->thread) {
			trace_clock_renew();
			trace_arm_threads();
		}
	}
	return s;
}

struct trace_edge *trace_table_edge(struct trace *t,
				    const struct trace_function *caller,
				    uintptr_t address, uint32_t line,
				    void *callable)
{
	struct trace_slot *s = slow_slot(t, caller, address, line, callable);

	if (s && s->edge)
		s->edge->callee->address = address;
	return s ? s->edge : NULL;
}

static struct trace_function *define_function(struct trace *t, uintptr_t code)
{
	uint64_t mask = mask_quiet(target.settings.signal);
	uint32_t id = id_of(t, code, NULL);
	struct trace_function *f = NULL;

	if (id != CODES_UNNAMED && id != CODES_SKIP)
		f = obtain_function(t, id, code, NULL);
	mask_unquiet(target.settings.signal, mask);
	return f;
}

bool trace_table_excludes(struct trace *t, uintptr_t code)
{
	uint32_t id =
		atomic_load_explicit(codes_word(code), memory_order_relaxed);
	struct trace_function *f = trace_table_function(t, id);

	if (!f)
		f = define_function(t, code);
	return f && f->excluded;
}

/* -- open calls ---------------------------------------------------------- */

static size_t calls_bytes(const struct trace *t)
{
	return (size_t)(t->limit - t->calls) * sizeof(*t->calls);
}

/* Ours of a new table that has room for so many in the log. */
static int new_calls(struct trace *t, struct pp_open_call *shown, size_t room)
{
	size_t depth = t->calls ? (size_t)(t->top - t->calls) : 0;
	struct trace_open *calls = map((1 + room) * sizeof(*calls));

	if (!calls)
		return -1;
	if (t->calls) {
		memcpy(calls, t->calls, (1 + depth) * sizeof(*calls));
		sys_munmap(t->calls, calls_bytes(t));
	} else {
		calls[0] = (struct trace_open){ &t->root_call, &t->root_edge,
						NULL };
	}
	for (size_t i = 0; i < room; i++)
		calls[1 + i].shown = &shown[i];
	t->calls = calls;
	t->top = calls + depth;
	t->limit = calls + 1 + room;
	return 0;
}

/* A table of open calls; those of the one before go on in it. */
static int new_open(struct trace *t, uint32_t bytes)
{
	struct chunk c, old = t->open_chunk;
	struct pp_open *open =
		(struct pp_open *)(void *)new_table(t, PP_OPEN, bytes, &c);
	struct pp_open_call *shown = (struct pp_open_call *)(void *)(open + 1);
	size_t used = sizeof(*open);

	if (!open)
		return -1;
	if (t->open) {
		used += (size_t)(t->top - t->calls) * sizeof(*shown);
		memcpy(open, t->open, used);
	}
	if (new_calls(t, shown,
		      (size_t)(c.base + c.used - (uint8_t *)shown) /
			      sizeof(*shown)) < 0) {
		chunk_table_leave(&c);
		return -1;
	}
	chunk_table_begin(&c);
	t->open = open;
	t->open_chunk = c;
	chunk_table_leave(&old);
	return 0;
}

int trace_table_grow_open(struct trace *t)
{
	uint64_t mask = mask_quiet(target.settings.signal);
	uint32_t bytes = 2 * t->open_chunk.size;
	int ret = bytes <= CHUNK_TABLE_MOST ? new_open(t, bytes) : -1;

	mask_unquiet(target.settings.signal, mask);
	if (ret < 0)
		state_count(PP_COUNT_uncounted, 1);
	return ret;
}

/* -- lines --------------------------------------------------------------- */

static struct pp_line *new_line(struct trace *t)
{
	if (!t->line_next || t->line_next + 1 > t->line_limit) {
		struct pp_line *at =
			keep_table(t, PP_LINES, &t->line_bytes, &t->line_limit);

		if (!at)
			return NULL;
		t->line_next = at;
	}
	return t->line_next++;
}

/* Room for a function's line, by its place, which is less than LINES_MOST. */
static int grow_lines(struct trace *t, struct trace_function *f, uint32_t place)
{
	uint32_t room = f->line_room ? f->line_room : 16;
	struct pp_line **lines;

	while (room <= place)
		room *= 2;
	lines = allocate(t, room * sizeof(struct pp_line *));
	if (!lines)
		return -1;
	if (f->line_room)
		memcpy(lines, f->lines,
		       f->line_room * sizeof(struct pp_line *));
	f->lines = lines;
	f->line_room = room;
	return 0;
}

/*
 * Where a line of the function is kept: in the array by line, or, if it is far
 * before the first or behind it, in the list. NULL: no memory.
 */
static struct pp_line **line_place(struct trace *t, struct trace_function *f,
				   uint32_t line)
{
	struct trace_odd_line *odd = f->odd_lines;

	if (line + 1 < LINES_MOST) {
		if (line + 1 >= f->line_room && grow_lines(t, f, line + 1) < 0)
			return NULL;
		return &f->lines[line + 1];
	}
	while (odd && odd->line != line)
		odd = odd->next;
	if (odd)
		return &odd->at;
	odd = allocate(t, sizeof(*odd));
	if (!odd)
		return NULL;
	odd->line = line;
	odd->next = f->odd_lines;
	f->odd_lines = odd;
	return &odd->at;
}

static struct pp_line *add_line(struct trace *t, struct trace_function *f,
				uint32_t line)
{
	struct pp_line **place = line_place(t, f, line), *l;

	if (!place || *place)
		return place ? *place : NULL;
	l = new_line(t);
	if (!l)
		return NULL;
	l->line = line;
	/* the line is part of the log from here on */
	__atomic_store_n(&l->code, f->id, __ATOMIC_RELEASE);
	*place = l;
	return l;
}

struct pp_line *trace_table_line(struct trace *t, struct trace_function *f,
				 uint32_t line)
{
	uint64_t mask;
	struct pp_line *l;

	if (line + 1 < f->line_room && f->lines[line + 1])
		return f->lines[line + 1];
	mask = mask_quiet(target.settings.signal);
	l = add_line(t, f, line);
	mask_unquiet(target.settings.signal, mask);
	if (!l)
		state_count(PP_COUNT_uncounted, 1);
	return l;
}

/* -- the whole ----------------------------------------------------------- */

static int fill_new(struct trace *t)
{
	t->slots = map(SLOTS_FIRST * sizeof(*t->slots));
	t->functions =
		map_block(t, FUNCTIONS_FIRST * sizeof(struct trace_function *));
	t->slot_mask = SLOTS_FIRST - 1;
	t->function_mask = FUNCTIONS_FIRST - 1;
	t->edge_bytes = t->line_bytes = TABLE_FIRST_BYTES;
	t->root_edge.shown = &t->root_shown;
	t->root_edge.callee = &t->root;
	if (!t->slots || !t->functions || new_open(t, OPEN_FIRST_BYTES) < 0)
		return -1;
	return 0;
}

bool trace_is_quick(const struct trace *t)
{
	return !t->has_window &&
	       (trace_clock_is_counter || !trace_has_times()) &&
	       !(t->thread && atomic_load(&t->thread->blocks_faults));
}

struct trace *trace_table_new(struct thread *thread)
{
	struct trace *t = map(sizeof(*t));
	uint64_t mask;
	int ret;

	if (!t)
		return NULL;
	t->thread = thread;
	mask = mask_quiet(target.settings.signal);
	ret = fill_new(t);
	if (thread && ret == 0) {
		thread->maps = 1;
		ret = record_announce(thread, thread);
	}
	mask_unquiet(target.settings.signal, mask);
	if (ret < 0) {
		trace_table_free(t);
		return NULL;
	}
	t->has_window = trace_window.span != UINT64_MAX;
	t->live = true;
	t->quick = trace_is_quick(t);
	return t;
}

/* The log's tables are as they are to stay. */
static void leave_tables(struct trace *t)
{
	t->live = t->quick = false;
	for (struct trace_chunk *c = t->chunks; c; c = c->next)
		chunk_table_leave(&c->chunk);
	chunk_table_leave(&t->open_chunk);
}

/* What is ours. */
static void free_memory(struct trace *t)
{
	struct trace_block *b, *next;

	if (t->slots)
		sys_munmap(t->slots,
			   ((size_t)t->slot_mask + 1) * sizeof(*t->slots));
	if (t->calls)
		sys_munmap(t->calls, calls_bytes(t));
	for (b = t->blocks; b; b = next) {
		next = b->next;
		sys_munmap(b, b->bytes);
	}
	sys_munmap(t, sizeof(*t));
}

void trace_table_free(struct trace *t)
{
	leave_tables(t);
	free_memory(t);
}

/* -- those of all threads ------------------------------------------------- */

static struct trace *all;
static struct trace *_Atomic ended; /* of all, linked by that */

struct trace *trace_table_all(void)
{
	return all;
}

/* Others may look at a trace while its thread ends, but not now. */
static void free_ended(void)
{
	struct trace *t = atomic_exchange(&ended, NULL), *next;

	for (; t; t = next) {
		struct trace **place = &all;

		next = t->ended;
		while (*place != t)
			place = &(*place)->next;
		*place = t->next;
		free_memory(t);
	}
}

void trace_table_add(struct trace *t)
{
	free_ended();
	t->next = all;
	all = t;
}

void trace_table_end(struct trace *t)
{
	leave_tables(t);
	t->ended = atomic_load(&ended);
	while (!atomic_compare_exchange_weak(&ended, &t->ended, t))
		;
}

void trace_table_forget_all(void)
{
	all = NULL;
	atomic_store(&ended, NULL);
}
