/* SPDX-License-Identifier: MIT */
/*
 * The stacks that a running process has written into its log on request: its
 * DUMP records, with the names of their frames.
 */
#ifndef STACKS_H
#define STACKS_H

#include "codes.h"
#include "model.h"
#include "util/die.h"

/* A thread's stack, root side first. */
struct dumped {
	uint64_t tid;
	uint64_t state; /* PP_STATE_ bits */
	size_t depth, room;
	struct place *frames; /* in stacks.profile */
};

struct stacks {
	struct dumped *threads; /* in the order of their ids */
	size_t count, room;
	struct profile profile;
	struct codes codes;
};

/*
 * Read those that answer request `serial` from a log, whose descriptor becomes
 * the reader's. Returns 0, or -1 with *err filled; stacks_done() is due then,
 * too.
 */
int stacks_read(struct stacks *s, int fd, uint32_t serial,
		struct err *err) PP_MUST_CHECK;

void stacks_done(struct stacks *s);

/* The stack of this thread, or NULL. */
const struct dumped *stacks_of(const struct stacks *s, uint64_t tid);

#endif
