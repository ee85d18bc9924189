/* SPDX-License-Identifier: MIT */
/*
 * A running process that is profiled, seen from outside: its log, found by
 * /proc/PID/maps, and the requests that it takes in there (struct pp_control
 * in format.h). Nothing of what the log says is trusted.
 */
#ifndef RUNNING_H
#define RUNNING_H

#include <stdint.h>
#include <sys/types.h>

#include "pyprof/compiler.h"
#include "pyprof/format.h"
#include "util/die.h"
#include "util/text.h"

struct running {
	pid_t pid;
	int pidfd; /* -1: this kernel has none */
	int fd;	   /* of its log */
	struct text path;
	const struct pp_header *header; /* mapped, changes while one looks */
	struct pp_control *control;
	uint32_t serial; /* of the last request */
};

/*
 * Find the log of a process and take the right to ask. Returns 0, or -1 with
 * *err filled; running_close() is due in both cases.
 */
int running_open(struct running *r, pid_t pid, struct err *err) PP_MUST_CHECK;
void running_close(struct running *r);

/*
 * Ask, and wait for the answer for a bounded time. Returns 0 when it was done,
 * or -1 with *err filled.
 */
int running_ask(struct running *r, enum pp_control_verb verb,
		struct err *err) PP_MUST_CHECK;

/*
 * After PP_CONTROL_DUMP: wait, for a bounded time, until all threads that were
 * asked have written their stacks.
 */
void running_wait_dumped(const struct running *r);

/* A file of /proc/PID, NUL-terminated; an empty text if there is none. */
void running_proc(const struct running *r, const char *name, struct text *to);

#endif
