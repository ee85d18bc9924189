/* SPDX-License-Identifier: MIT */
/*
 * Deterministic profiling of the process: begun once, with the GIL, when the
 * interpreter is ready; each thread's part begins at its first event.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "pyprof/compiler.h"
#include "pyprof/format.h"
#include "safe/target.h"
#include "safe/thread.h"

/*
 * What is wanted of events; 0: calls are counted. No clock is read beside
 * samples, which have the time: reading it is most of what a call costs.
 */
enum trace_what {
	TRACE_LINES = 1, /* and of lines */
	TRACE_TIMES = 2, /* and how long they take */
};

/* Are lines traced, or calls alone? */
static inline bool trace_has_lines(void)
{
	return target.settings.trace == PP_TRACE_LINES;
}

static inline bool trace_has_times(void)
{
	return target.settings.mode == PP_MODE_NONE;
}

static inline unsigned trace_what(void)
{
	return (trace_has_lines() ? TRACE_LINES : 0u) |
	       (trace_has_times() ? TRACE_TIMES : 0u);
}

/* What an event costs, by enum pp_cost, in ticks; as in the log's header. */
extern uint64_t trace_costs[PP_COST_MAX];

/*
 * Choose the mechanism and measure what it costs, then begin, both in the
 * thread that has the GIL; between them the log is opened. Nothing happens if
 * no tracing was asked for. What cannot be done is said in one line, and the
 * program runs on.
 */
void trace_prepare(void);
void trace_start(void);

/* A forked child has a log of its own: the tables begin anew in it. */
void trace_start_child(void);

/*
 * The calling thread is about to create one, or has found something new: give
 * threads of Python that have no profile function ours. It needs the GIL, and
 * sees itself whether the calling thread has it.
 */
void trace_arm_threads(void);

/* The calling thread has begun to block faults, or does no longer. */
void trace_note_faults(struct thread *t);

/* The code object is about to be freed. Needs the GIL. */
void trace_code_died(void *code);

/* The calling thread ends. */
void trace_thread_end(struct thread *t);

/* Shall this file's functions be traced? */
bool trace_wants_file(const char *name);

#endif
