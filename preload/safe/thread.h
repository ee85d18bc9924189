/* SPDX-License-Identifier: MIT */
/*
 * One sampled thread. Its block is mapped once, wiped in a forked child, and
 * handed on to the next thread when this one ends; state->threads holds them
 * all. A block belongs to the thread whose tid it bears; what others may touch
 * is atomic and says so.
 */
#ifndef SAFE_THREAD_H
#define SAFE_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pyprof/compiler.h"
#include "pyprof/format.h"
#include "safe/chunk.h"

/*
 * A frame. The walk fills in the code object and the position: the last
 * instruction begun, in the version's units (bytes to 3.9, 2 bytes since),
 * plus 1; 0 is before the first. sample.c adds the rest.
 */
struct frame {
	uintptr_t code;
	uint32_t position;
	uint32_t id;   /* of the code in the log */
	uint32_t line; /* of the position, as the log has it */
};

/* The clock that samples a thread. */
enum thread_clock {
	THREAD_CLOCK_NONE,
	THREAD_CLOCK_TIMER,  /* has a timer of its own */
	THREAD_CLOCK_TICKER, /* the ticker signals it */
};

/* The share of looks in thread.runs_on that is all of them. */
#define THREAD_RUNS_ON 4096u

struct trace;
struct pp_off;

/* The ticker's account of a thread's time off the processor, see offcpu.c. */
struct off {
	uint64_t number;   /* of the thread that it is of, plus 1 */
	struct pp_off *at; /* its last record; of the segment, or gone */
	uint64_t cpu;	   /* its CPU clock when that was last right */
	uint64_t hash;	   /* of the stack of that */
	uint64_t covered;  /* units of time off that records cover */
	uint32_t segment;  /* of the writer's */
	uint32_t still;	   /* looks, one after another, that found it unmoved */
	uint32_t rest;	   /* ticks until the next look */
	uint32_t unlooked; /* ticks since the last */
	uint8_t state;
};

/* The thread's part of the GIL's ledger, see gil.h. */
struct thread_gil {
	struct pp_gil_thread *row;  /* its account in the log; NULL: none yet */
	struct pp_gil_thread early; /* the account until then */
	uint64_t wants_ns;	    /* it has waited since; 0: does not */
	uint32_t code, line;	    /* and where, as in the log */
};

struct thread {
	/*
	 * The kernel's thread id, 0 while the block is free. Set last when a
	 * thread is opened and cleared first when it ends; the ticker reads it.
	 */
	_Atomic int tid;
	_Atomic int clock;	      /* enum thread_clock */
	_Atomic uint64_t sampled_cpu; /* cpu_ns for the ticker to compare */
	_Atomic int signalled;	      /* ticker: a signal is on its way */
	_Atomic int host_blocks;      /* the host believes our signal blocked */
	_Atomic int really_blocks;    /* and so it is, see serve_other() */
	_Atomic int blocks_faults;    /* the host blocks SIGSEGV or SIGBUS */
	_Atomic int busy;	 /* its log is written; others wait for 0 */
	_Atomic uint32_t dump;	 /* the request its stack is wanted for, or 0 */
	_Atomic int wants_gil;	 /* it waits in the interpreter's lock */
	int timer;		 /* kernel's id; valid for CLOCK_TIMER */
	_Atomic uintptr_t ident; /* its pthread_self(); 0: not known */
	_Atomic uintptr_t tstate; /* PyThreadState of its last sample, or 0 */

	/* When recording was switched on last, and its CPU clock then; or 0. */
	_Atomic uint64_t resumed_ns, resumed_cpu_ns;

	/* From here on the owner's alone. */
	uint32_t number; /* in the log */
	uint32_t kind;	 /* enum pp_thread_kind */
	uint64_t opened_ns;
	uint64_t opened_cpu_ns;
	_Atomic int announced; /* its THREAD record is written, or is being */
	bool on_loan;	       /* sampled by a timer until the ticker is back */
	uint32_t segments;     /* OWNER records written */
	uint64_t time_ns; /* of the last sample, what its record added up */
	uint64_t cpu_ns;
	uint64_t paused_ns; /* when it last ran unrecorded; 0: not since */
	uint64_t paused_cpu_ns;
	uint32_t skip;	      /* ticks to leave out, see handler.c */
	uint64_t deaths_seen; /* state->deaths when `last` was resolved */
	uint32_t maps;	      /* chunks that may still be mapped in this go */
	struct chunk chunk, ahead;
	struct chunk kept; /* of definitions, if samples are not, see ring.h */

	/* Left by its child of vfork() until it goes on, see children.h. */
	int made_pid; /* 0: none */
	uint64_t made_ns;

	struct thread_gil gil;
	char name[64]; /* as its THREAD_NAME says, "": none */

	/* Its deterministic profile, see trace_table.h; NULL: none yet. */
	struct trace *trace;

	/* The ticker's own. */
	uint64_t seen_cpu;
	uint32_t runs_on;   /* share of looks between which it did not wait */
	bool stands;	    /* its clock stood still at the last look */
	uint64_t looked_ns; /* when that was */
	uint64_t signalled_ns;
	int stat_fd;  /* in the ticker's file table, -1: none */
	int stat_tid; /* whom stat_fd shows */
	struct off off;

	/* Of the block that the ticker writes OFF records with, see offcpu.c.
	 */
	int log_fd;	    /* the log in the ticker's file table */
	int watch_tid;	    /* whose stack it reads; 0: its own */
	uint64_t watch_cpu; /* that one's CPU clock before it began to */

	uint32_t depth;	    /* of last */
	uint32_t capacity;  /* of both arrays */
	struct frame *last; /* the stack of the last sample, root first */
	struct frame *now;  /* scratch of the walk, leaf first */
	uint8_t last_state; /* of the last sample's record */
	struct lines_entry *lines; /* see lines.h */
};

/*
 * The calling thread's block; NULL if it has none, is ending, or lives in a
 * child that nobody told us of. Any context.
 */
struct thread *thread_self(void);

/* Make it the calling thread's block, or take that away with NULL. */
void thread_set_self(struct thread *t);

/*
 * The same; a thread that nobody announced gets one, its account beginning
 * now. NULL if there is none to be had. The sampling signal is blocked.
 */
struct thread *thread_self_or_found(uint64_t now_ns);

/* The same outside the handler, for a thread that may block signals. */
struct thread *thread_obtain(void);

/*
 * A block for a thread that begins its account at these clocks. Sets all but
 * tid, which publishes it: see thread_publish(). NULL if there are too many
 * threads or no memory. Handler, any thread.
 */
struct thread *thread_open(enum pp_thread_kind kind, uint64_t now_ns,
			   uint64_t cpu_ns) PP_MUST_CHECK;

/* From now on the block is this thread's, and the ticker sees it. */
void thread_publish(struct thread *t, int tid);

/* Give a block back. The signal must be blocked or the thread must be gone. */
void thread_release(struct thread *t);

/*
 * Between these the calling thread writes the log of t, its own block or the
 * ticker's writing one: the sampling handler stays away from it, and whoever
 * closes the log waits. False, and nothing to leave: nothing is recorded, or
 * no longer. Handler, any thread: a tick that comes in between is counted as
 * throttled.
 */
bool thread_enter(struct thread *t) PP_MUST_CHECK;
void thread_leave(struct thread *t);

/*
 * Around what stores into the log, which may have gone, outside the handler:
 * let the faults through if the calling thread's host may have blocked them.
 * The result is for mask_close_faults().
 */
uint64_t thread_open_faults(void);

/* The block that bears a thread id, or NULL. Handler, any thread. */
struct thread *thread_find(int tid);

/*
 * Has the thread whose stack this one reads, if it is another's, not run since
 * it began to? A system call then.
 */
bool thread_watched_stands_still(const struct thread *t);

/* Number of blocks to look at, and one of them (NULL: none there). */
uint32_t thread_slots(void);
struct thread *thread_at(uint32_t slot);

/* Call a function for every thread that lives. Handler, any thread. */
void thread_for_each(void (*function)(struct thread *t));

#endif
