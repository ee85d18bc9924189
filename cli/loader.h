/* SPDX-License-Identifier: MIT */
/*
 * A log on its way into a profile: what load.c, define.c and play.c share, and
 * nobody else sees.
 */
#ifndef LOADER_H
#define LOADER_H

#include "codes.h"
#include "load.h"
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

/* The stack of a thread's last OFF. */
struct off_stack {
	uint64_t segment; /* struct segment's number; 0: none yet */
	uint32_t node;
	bool cut; /* it hangs below <truncated> */
};

/* How many of a cost there are by whether the GIL is held, or wanted. */
#define LOADER_GIL_STATES (PP_STATE_GIL | PP_STATE_GIL_WAIT)

/* What the records that follow an OWNER build on. */
struct segment {
	bool open;	 /* an OWNER was read in this chunk */
	bool own;	 /* of pyprof's own thread, which has no samples */
	uint64_t number; /* of this log's segments, from 1 */
	uint32_t thread;
	uint64_t time, cpu; /* of the last record, in the log's unit */
	uint64_t begin_cpu; /* of its OWNER */
	uint8_t state;	    /* of the last sample */
	/* What is in the profile so far, by LOADER_GIL_STATES, and is not. */
	struct cost sampled[LOADER_GIL_STATES + 1];
	struct cost dropped;
	bool left_out;	     /* its thread is */
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
	struct load_options options;
	uint32_t process;
	uint32_t first_thread; /* of this log, in the profile; */
	/* and in its ledger of the GIL */
	size_t first_account, first_wait, first_stacks;
	bool named;	    /* all that is known of threads is known */
	bool chooses;	    /* not all samples of a thread are wanted */
	uint64_t from, to;  /* those from here to there, in the log's unit */
	bool ring;	    /* the log keeps its last seconds only, */
	uint64_t ring_from; /* from here on; */
	struct cost ringed; /* what it has dropped, */
	uint64_t samples;   /* of these and those that are there */
	uint8_t gc;	    /* state bits that make a <GC> frame */
	struct table thread_table; /* by thread number, this log's only */
	struct segment segment;
	uint32_t native, truncated; /* marks */
	uint32_t collector;	    /* one more, if had_gc */
	bool had_gc;
	struct off_stack *offs; /* by thread, from first_thread on */
	size_t off_count;
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

/* The same where nothing is said of its CPU clock. */
void loader_saw_at(struct loader *l, uint32_t thread, uint64_t time);

/* All definitions are read: say which threads are left out. */
void loader_choose_threads(struct loader *l);

/*
 * Take in a record: definitions (define.c), or what builds on them (play.c).
 * Each passes over the other's. Return -1 if it makes no sense.
 */
int loader_define(struct loader *l, const struct record *rec) PP_MUST_CHECK;
int loader_play(struct loader *l, const struct record *rec) PP_MUST_CHECK;

/* The same for those in play_off.c. */
int loader_play_off(struct loader *l, const struct record *rec) PP_MUST_CHECK;
int loader_play_fork(struct loader *l, const struct record *rec) PP_MUST_CHECK;

/* The node that a thread's stacks begin at, below the roots asked for. */
uint32_t loader_base(struct loader *l, uint32_t thread);

/* The same, where the root side of the stack may have been cut. */
uint32_t loader_root(struct loader *l, uint32_t base, bool cut);

/* The node of a frame, as SAMPLE has it, that `parent` called. */
uint32_t loader_child(struct loader *l, uint32_t parent, uint32_t code,
		      uint32_t line);

/*
 * The node to which a sample in that state counts: while the collector runs, it
 * does so on behalf of the line on which it was triggered.
 */
uint32_t loader_leaf(struct loader *l, uint32_t leaf, uint8_t state);

/* The chunk is over, and with it the segment. */
void loader_end_segment(struct loader *l);

#endif
