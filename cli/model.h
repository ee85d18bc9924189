/* SPDX-License-Identifier: MIT */
/*
 * The profile in memory, made of one log or of several: functions, the tree
 * of call stacks, counted calls and lines, threads and processes. No I/O, and
 * nothing of the log's coding; load.c fills it, sums.c, traced.c and view.c
 * read it.
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

#include "pyprof/compiler.h"
#include "pyprof/format.h"
#include "gil.h"
#include "util/arena.h"
#include "util/table.h"

/*
 * What samples come to. Their weight is measured: of a log of mode cpu it is
 * CPU time, of mode wall all time of the threads.
 */
struct cost {
	uint64_t samples;
	uint64_t ns;
	uint64_t off_ns; /* part of ns: not on a processor */
};

/*
 * A function as its source has it. Processes that ran the same file share it,
 * and so do code objects that were made of it more than once.
 */
struct function {
	const char *name;   /* qualified, from 3.11 on; "<native>" of a mark */
	const char *simple; /* co_name, which is never qualified */
	const char *file;   /* NULL: a mark, which stands for no code */
	uint32_t line;	    /* where it begins; 0 of a mark, of a C function */
	uint32_t print;	    /* tells functions apart that agree in the rest */
};

/*
 * Whether it is a C function, of file PP_C_FILE and line 0, whose name is the
 * one that cProfile gives it: "<built-in method time.sleep>".
 */
bool function_is_c(const struct function *f) PP_MUST_CHECK;

/* No function: the caller of a thread's first one, or untraced code. */
#define FUNCTION_NONE UINT32_MAX

/*
 * Calls of one function by another in one thread, counted and not sampled;
 * struct pp_edge says what is what. Times are raw, that is as measured, with
 * pyprof's own part beside them. Calls that had not returned are closed at the
 * log's end, so they are in all of this; `open` says how many they are.
 */
struct traced_call {
	uint32_t thread;
	uint32_t caller; /* function, or FUNCTION_NONE */
	uint32_t line;	 /* the caller's, of the call; 0: not traced */
	uint32_t callee;
	uint64_t calls, recursive, recursive_edge, open;
	uint64_t self_ns, self_own_ns;
	uint64_t total_ns, own_ns;
	uint64_t rest_ns, rest_own_ns;
};

/* A line that was run in one thread, counted; see struct pp_line. */
struct traced_line {
	uint32_t thread;
	uint32_t function;
	uint32_t line;
	uint64_t hits, entries;
	uint64_t self_ns, own_ns; /* raw, and our part of it */
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

/* A frame of a stack that is not in the tree. */
struct frame {
	uint32_t function, line;
};

/* A child process, and the stack of the thread that made it. */
struct fork {
	uint32_t process; /* the parent */
	uint32_t pid;	  /* the child's */
	uint64_t time_ns;
	size_t first_frame, frame_count; /* in `frames`, root side first */
};

struct thread {
	uint32_t process;
	uint64_t number; /* in its log */
	uint64_t tid;
	unsigned kind;	  /* enum pp_thread_kind */
	bool known;	  /* a THREAD record was read */
	const char *name; /* NULL if it has none */
	uint64_t first_cpu_ns, last_cpu_ns;
	uint64_t end_ns;	    /* when it ended; 0 if nobody said */
	uint64_t first_ns, last_ns; /* when it was seen */
	/* CPU time in its segments, and its clock at the end of the last. */
	uint64_t account_ns, account_end_ns;
	bool traced;   /* the log has tables of its calls */
	bool wall;     /* its log is of mode wall */
	bool left_out; /* not asked for, or pyprof's own: not to be shown */
	/* Of a thread that is left out these are 0. */
	struct cost sampled;  /* what is in the profile */
	struct cost dropped;  /* samples that were not asked for, or too old */
	struct cost gil;      /* part of sampled: holding the GIL */
	struct cost gil_wait; /* and wanting it */
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
	struct cost sampled, dropped, gil_wait; /* of its threads */
	struct cost ringed; /* part of dropped: by the log itself, a ring */
	struct cost lost[PP_LOSS_MAX];
	uint64_t last_ns; /* the latest time that a record has */
	uint64_t skipped; /* records of unknown type */
	uint64_t damages; /* parts that could not be read */
	uint64_t missing; /* samples that the log was cut off before, */
	uint64_t cut_at;  /* at this offset, if there are any */
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
	struct traced_call *traced_calls;
	size_t traced_call_count, traced_call_room;
	struct traced_line *traced_lines;
	size_t traced_line_count, traced_line_room;
	struct process *processes;
	size_t process_count, process_room;
	struct gil gil;

	struct fork *forks;
	size_t fork_count, fork_room;
	struct frame *frames; /* of the forks */
	size_t frame_count, frame_room;
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

/* A new one of these: all zeros. */
struct thread *profile_add_thread(struct profile *p);
struct process *profile_add_process(struct profile *p);

/*
 * A child of this process, with no frames; those that follow from the root side
 * are added one by one.
 */
struct fork *profile_add_fork(struct profile *p, uint32_t process);
void profile_add_fork_frame(struct profile *p, struct frame frame);

struct traced_call *profile_add_traced_call(struct profile *p);
struct traced_line *profile_add_traced_line(struct profile *p);

/* Whether any of its processes was traced, and what most; or sampled. */
enum pp_trace profile_trace(const struct profile *p) PP_MUST_CHECK;
bool profile_is_sampled(const struct profile *p) PP_MUST_CHECK;

/*
 * The time of `count` times so many ticks, or 0 if the log does not say how
 * long a tick is. What no run of a program can take is cut off.
 */
uint64_t process_ticks_ns(const struct process *process, uint64_t count,
			  uint64_t ticks) PP_MUST_CHECK;

/* Whether the log says how long a tick is. */
bool process_has_ticks(const struct process *process) PP_MUST_CHECK;

/* Whether it was traced with times, which nobody measures beside samples. */
bool process_is_timed(const struct process *process) PP_MUST_CHECK;

static inline void cost_add(struct cost *to, const struct cost *more)
{
	to->samples += more->samples;
	to->ns += more->ns;
	to->off_ns += more->off_ns;
}

static inline uint64_t cost_cpu_ns(const struct cost *cost)
{
	return cost->ns - cost->off_ns;
}

/* Whether any of the processes was sampled in mode wall. */
bool profile_is_wall(const struct profile *p) PP_MUST_CHECK;

/* Both belong to one run of a program and its children. */
bool process_same_session(const struct process *a,
			  const struct process *b) PP_MUST_CHECK;

/* When it ended, or was seen last; not before its start. */
uint64_t process_end_ns(const struct process *p) PP_MUST_CHECK;

/* Its name, or "main"; NULL if it has none. */
const char *thread_name(const struct thread *t) PP_MUST_CHECK;

/* Whether it is none of the program's. */
bool thread_is_own(const struct thread *t) PP_MUST_CHECK;

/*
 * A thread's life, as far as it was seen, and the part of it that its CPU clock
 * has; the rest it was off the processor.
 */
uint64_t thread_wall_ns(const struct thread *t) PP_MUST_CHECK;
uint64_t thread_cpu_ns(const struct thread *t) PP_MUST_CHECK;

/*
 * Time of a thread that none of its samples covers: of its CPU time, and in
 * mode wall of that off the processor.
 */
uint64_t thread_unsampled_cpu_ns(const struct thread *t) PP_MUST_CHECK;
uint64_t thread_unsampled_off_ns(const struct thread *t) PP_MUST_CHECK;
uint64_t thread_unsampled_ns(const struct thread *t) PP_MUST_CHECK;

/* How long a thread held the GIL; a turn that is open ends with its log. */
uint64_t gil_held_ns(const struct profile *p, const struct gil_account *a);

/*
 * How long that was counted: for the thread's life, but since its process had
 * a second thread. 0 if recording was off meanwhile, for nobody knows how long.
 */
uint64_t gil_counted_ns(const struct profile *p, const struct gil_account *a);

#endif
