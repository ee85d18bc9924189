/* SPDX-License-Identifier: MIT */
/*
 * What one thread's deterministic profile is made of: its tables in the log,
 * which format.h describes and which are changed in place, and an index of
 * ours to find the right struct for an event. A thread's own, used while it
 * has the GIL; the memory is wiped in a forked child.
 */
#ifndef TRACE_TABLE_H
#define TRACE_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pyprof/compiler.h"
#include "pyprof/format.h"
#include "safe/chunk.h"
#include "safe/thread.h"

struct trace_function;
struct trace_odd_line;

/* An edge of the log, and whom it leads to. */
struct trace_edge {
	struct pp_edge *shown; /* in the log */
	struct trace_function *callee;
	const struct trace_function *caller;
	struct trace_edge *next; /* to the same callee */
	struct trace_edge *pair; /* the first of this caller, on any line */
	uint32_t pair_open;	 /* in that one: their calls that are open */
	uint32_t number, line;	 /* as in the log */
};

/* A jump that stays on its line: its place in the code, and that line. */
struct trace_jump {
	uint32_t from; /* never 0: no code begins with one */
	uint32_t line; /* as in the log */
};

#define TRACE_JUMPS 4u /* by place: loops within a loop on one line */

/* Two dictionaries: what a global name of a frame stands for. */
struct trace_scope {
	void *globals, *builtins;
};

struct trace_function {
	uint32_t id;   /* of the code in the log; 0: the root of all */
	bool excluded; /* by --include and --exclude */
	uint64_t inside, outside; /* what a call costs, see PP_COSTS */
	uint32_t open;		  /* calls of it that have not returned */
	uint32_t firstlineno;
	uintptr_t address;		  /* where it was seen last */
	struct pp_line **lines;		  /* by line in the log, plus 1 */
	struct trace_odd_line *odd_lines; /* others */
	uint32_t line_room;
	_Atomic uint32_t word; /* its id, for slots of a trace without a log */
	uint32_t entry_offset; /* the last instruction that was entered, and */
	uint32_t entry_line;   /* its line in the log */
	struct trace_jump jumps[TRACE_JUMPS]; /* those that were met last */
	struct trace_scope scope;	/* that its frames have; NULL: any */
	uint32_t site_wait, site_tries; /* see trace_sites.h */
	struct trace_edge *edges;	/* to it */
	struct trace_function *next;	/* in the same bucket */
};

/*
 * From a call as it is seen to its edge. `word` is where the callee's id stands
 * as long as the address is still its, see codes_word().
 */
struct trace_slot {
	const struct trace_function *caller;
	uintptr_t address;
	uint32_t line;
	uint32_t id;
	const _Atomic uint32_t *word;
	struct trace_edge *edge;
};

/*
 * A call that is open. No pointer of ours is in the log, which somebody may
 * empty: what is read from there is then 0, and counts nothing any more.
 */
struct trace_open {
	struct pp_open_call *shown; /* in the log */
	struct trace_edge *edge;
	struct pp_line *at; /* the line it is on; NULL: none */
};

/*
 * top is the call that runs now. The first of `calls` is none: its edge leads
 * to the root.
 */
struct trace {
	bool live;	 /* false once a forked child has it, or it has ended */
	bool quick;	 /* see trace_is_quick() */
	bool has_window; /* not all events are wanted, see trace_event.h */
	uint32_t slot_mask;
	struct trace_slot *slots;
	struct pp_open *open;
	struct trace_open *top, *calls, *limit;

	uint32_t slot_count;
	struct thread *thread; /* NULL: there is no log */
	struct trace *next;    /* of trace_table_all() */
	struct trace *ended;   /* the one that ended before */
	/* To 3.11: the program's own profile or trace function, or NULL. */
	int (*host)(void *object, void *frame, int what, void *argument);

	struct trace_function **functions; /* buckets by id */
	uint32_t function_count, function_mask;
	struct pp_edge *edge_next, *edge_limit;
	uint32_t edge_count;
	struct pp_line *line_next, *line_limit;
	uint32_t edge_bytes, line_bytes; /* of the next table */
	uint8_t *arena, *arena_end;
	struct trace_block *blocks; /* all memory, to be given back */
	struct trace_chunk *chunks; /* all tables */
	struct chunk open_chunk;
	struct trace_edge root_edge;
	struct trace_function root;
	struct pp_edge root_shown;
	struct pp_open_call root_call;
};

/*
 * The trace of a thread that has none, or of nobody, without a log (t is NULL):
 * to measure what events cost. NULL without memory or room.
 */
struct trace *trace_table_new(struct thread *t);

/*
 * May its events be quick, see trace_event.h? If there is no window, the
 * counter is the clock or none is read, and the thread lets faults through: a
 * store of ours into a log that somebody has truncated raises one.
 */
bool trace_is_quick(const struct trace *t);

/*
 * A trace that is in no list, of no log or not begun: give back what is not the
 * log's.
 */
void trace_table_free(struct trace *t);

/*
 * All traces of threads; also of some that have ended, which are not live. With
 * the GIL only.
 */
struct trace *trace_table_all(void);

/* Add one to them. With the GIL. */
void trace_table_add(struct trace *t);

/* Its thread has ended: it will be freed. Without the GIL. */
void trace_table_end(struct trace *t);

/* A forked child has none of them. */
void trace_table_forget_all(void);

/* Its function of an id in the log, or NULL. */
struct trace_function *trace_table_function(const struct trace *t, uint32_t id);

/*
 * The edge of a call of the code object at this address, or of a C function
 * (`callable` is not NULL, and the address its PyMethodDef's), which is made if
 * there was none or the address was of something else. NULL if the callee is
 * excluded, or there is no room, which is counted. Slow.
 */
struct trace_edge *trace_table_edge(struct trace *t,
				    const struct trace_function *caller,
				    uintptr_t address, uint32_t line,
				    void *callable);

/* Room for one more open call. Returns -1 if there is none. */
int trace_table_grow_open(struct trace *t) PP_MUST_CHECK;

/* The line of the function, which is added if it is new; NULL: no room. */
struct pp_line *trace_table_line(struct trace *t, struct trace_function *f,
				 uint32_t line);

/* Is a code object excluded that no slot was asked for? */
bool trace_table_excludes(struct trace *t, uintptr_t code);

static inline uint32_t trace_table_hash(const void *caller, uintptr_t address,
					uint32_t line)
{
	uint64_t key = (uintptr_t)caller + 2 * address + ((uint64_t)line << 24);

	return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

#endif
