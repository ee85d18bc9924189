/* SPDX-License-Identifier: MIT */
/*
 * A log on its way into a profile: what load.c, define.c and play.c share, and
 * nobody else sees.
 */
#ifndef LOADER_H
#define LOADER_H

#include "codes.h"
#include "model.h"
#include "reader.h"
#include "tables.h"

#define LOADER_MEMO_ENTRIES 65536u

/* Clocks advance by fewer units than this; more is no time but damage. */
#define LOADER_UNITS_MAX (UINT64_C(1) << 50)

/* A frame pushed before: where it was found in the context tree. */
struct memo {
	uint32_t parent, code, line;
	uint32_t node; /* 0: nothing here yet */
};

/* A frame of the stack: its node, and what the log says of it. */
struct level {
	uint32_t node, code;
};

/* What the records that follow an OWNER build on. */
struct segment {
	bool open; /* an OWNER was read in this chunk */
	uint32_t thread;
	uint64_t time, cpu;  /* of the last record, in the log's unit */
	uint8_t state;	     /* of the last sample */
	struct cost sampled; /* so far */
	uint32_t base;	     /* the node below which stacks begin */
	bool truncated;	     /* they begin below <truncated> there */
	struct level *stack; /* root side first */
	size_t depth, room;
};

struct loader {
	struct profile *profile;
	struct reader reader;
	struct codes codes;
	struct tables tables;
	unsigned split;
	uint32_t process;
	struct table thread_table; /* by thread number, this log's only */
	struct segment segment;
	uint32_t native, truncated; /* marks */
	struct memo *memo;
};

static inline struct process *loader_process(const struct loader *l)
{
	return &l->profile->processes[l->process];
}

static inline uint64_t loader_ns(const struct loader *l, uint64_t units)
{
	return units * l->reader.header.unit_ns;
}

/*
 * The thread of this number in the log, as its number in the profile; it is
 * added if nothing was known of it.
 */
uint32_t loader_thread(struct loader *l, uint64_t number);

/* The thread was seen with its CPU clock at this, at this time; in units. */
void loader_saw(struct loader *l, uint32_t thread, uint64_t time, uint64_t cpu);

/*
 * Take in a record: definitions (define.c), or what builds on them (play.c).
 * Each passes over the other's. Return -1 if it makes no sense.
 */
int loader_define(struct loader *l, const struct record *rec) PP_MUST_CHECK;
int loader_play(struct loader *l, const struct record *rec) PP_MUST_CHECK;

/* The chunk is over, and with it the segment. */
void loader_end_segment(struct loader *l);

#endif
