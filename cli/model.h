/* SPDX-License-Identifier: MIT */
/*
 * The profile in memory, made of one log or of several: functions, the tree
 * of call stacks, threads and processes. No I/O, and nothing of the log's
 * coding; load.c fills it, sums.c and view.c read it.
 *
 * Elements are named by their number in an array, as the arrays move when
 * they grow. Strings are interned: equal ones are the same pointer. All
 * times are in nanoseconds.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pyprof/format.h"
#include "util/arena.h"
#include "util/table.h"

struct cost {
	uint64_t samples;
	uint64_t ns; /* measured CPU time: the weight of the samples */
};

/*
 * A function as its source has it. Processes that ran the same file share it,
 * and so do code objects that were made of it more than once.
 */
struct function {
	const char *name; /* qualified, from 3.11 on; "<native>" of a mark */
	const char *file; /* NULL: a mark, which stands for no code */
	uint32_t line;	  /* where it begins; 0 of a mark */
	uint32_t print;	  /* tells functions apart that agree in the rest */
};

/*
 * A frame on its stack: `line` of `function`, called by `parent`. A node's
 * number is larger than its parent's. Node MODEL_ROOT is no frame.
 */
struct node {
	uint32_t parent;
	uint32_t function;
	uint32_t line; /* 0 of a mark */
	struct cost self;
};

#define MODEL_ROOT 0u

struct thread {
	uint32_t process;
	uint64_t number; /* in its log */
	uint64_t tid;
	unsigned kind;	  /* enum pp_thread_kind */
	bool known;	  /* a THREAD record was read */
	const char *name; /* NULL if it has none */
	uint64_t first_cpu_ns, last_cpu_ns;
	struct cost sampled;
};

/* A fact from the log: bytes of which lists are joined by NUL. */
struct info {
	const char *bytes; /* NUL-terminated besides; NULL: not in the log */
	size_t size;
};

/*
 * The strings of a list: the first for NULL, then the one behind `previous`;
 * NULL after the last. A list that is empty or not there has none.
 */
const char *info_next(const struct info *info, const char *previous);

#define MODEL_INFOS 16
#define MODEL_NOTES 8

struct process {
	const char *path; /* of the log */
	struct pp_header header;
	struct info infos[MODEL_INFOS]; /* by enum pp_info */
	const char *notes[MODEL_NOTES];
	size_t note_count;
	struct cost sampled;
	struct cost lost[PP_LOSS_MAX];
	uint64_t last_ns; /* the latest time that a record has */
	uint64_t skipped; /* records of unknown type */
	uint64_t damages; /* parts that could not be read */
	bool undefined;	  /* a frame's code was defined nowhere */
};

struct profile {
	struct arena arena;
	const char **strings;
	size_t string_count, string_room;
	struct table string_table;

	struct function *functions;
	size_t function_count, function_room;
	struct table function_table;

	struct node *nodes;
	size_t node_count, node_room;
	struct table node_table;

	struct thread *threads;
	size_t thread_count, thread_room;
	struct process *processes;
	size_t process_count, process_room;
};

void profile_init(struct profile *p);
void profile_done(struct profile *p);

/* The interned copy of `size` bytes, with a NUL after them. */
const char *profile_string(struct profile *p, const char *bytes, size_t size);

/* The number of this function, which is added if it is new. */
uint32_t profile_function(struct profile *p, const struct function *f);

/* The number of the mark of this name, "<native>" for example. */
uint32_t profile_mark(struct profile *p, const char *name);

/* The number of the node below `parent`, which is added if it is new. */
uint32_t profile_child(struct profile *p, uint32_t parent, uint32_t function,
		       uint32_t line);

/* A new thread, a new process: all zeros. */
struct thread *profile_add_thread(struct profile *p);
struct process *profile_add_process(struct profile *p);

static inline void cost_add(struct cost *to, const struct cost *more)
{
	to->samples += more->samples;
	to->ns += more->ns;
}

/* CPU time of a thread that none of its samples covers. */
uint64_t thread_unsampled_ns(const struct thread *t);

#endif
