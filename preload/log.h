/* SPDX-License-Identifier: MIT */
/*
 * The log of this process: its file, its header, its beginning and its end.
 * Not in a handler. Chunks are safe/chunk.c's.
 */
#ifndef LOG_H
#define LOG_H

#include <stdint.h>

#include "pyprof/compiler.h"
#include "safe/thread.h"

/* What only the interpreter can tell; NUL-joined lists, see PP_INFOS. */
struct log_facts {
	char program[256]; /* %n */
	char *sys_path, *sys_prefix, *python;
	uint32_t sys_path_bytes, sys_prefix_bytes, python_bytes;
};

/*
 * Create the log and map its header, filled but for the clocks of the start.
 * Returns 0, or -1 after a line on stderr.
 */
int log_open(const struct log_facts *facts) PP_MUST_CHECK;

/* Set the clocks of the start: from here on CPU time is accounted. */
void log_begin(void);

/* Write the facts about the process into a thread's log. */
void log_write_facts(struct thread *t, const struct log_facts *facts);

/*
 * Write who is above the parent, of a process that was not forked by one with a
 * log: a shell in between has none, and the two can be joined all the same.
 */
void log_write_ancestors(struct thread *t);

/* Write a line for whoever reads the report; signal blocked. */
void log_note(struct thread *t, const char *note);

/*
 * Write the end of every thread that lives, and the header's end, into the
 * log of the calling thread, whose sampling signal is blocked. May be said
 * again later: the last word counts.
 */
void log_end(struct thread *self, uint32_t ended);

/* Cut the file to its used size. Nobody may write any more. */
void log_cut(void);

/* The path of the log, for messages. */
const char *log_path(void);

#endif
