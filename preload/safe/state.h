/* SPDX-License-Identifier: MIT */
/*
 * All that belongs to one process and changes while it runs. It lies in pages
 * that the kernel wipes in every forked child (MADV_WIPEONFORK), so a child
 * that nobody told us of finds `armed` 0 and cannot write into its parent's
 * log. Who writes what is said at each member; all of it may be read anywhere.
 */
#ifndef SAFE_STATE_H
#define SAFE_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pyprof/compiler.h"
#include "pyprof/format.h"
#include "safe/idtable.h"
#include "safe/sys.h"

#define STATE_THREADS 8192 /* alive at once */
#define STATE_SPARES  256  /* chunks that dead threads left */
#define STATE_MAPPED  (8 * STATE_THREADS + STATE_SPARES)
#define STATE_RING    16384 /* chunks of the last seconds, see ring.h */
#define STATE_CODES   (1u << 17)
#define STATE_STRINGS (1u << 16)

struct thread;

/*
 * A chunk with room that a dead thread left. Its size stands here too, since
 * somebody may write over the log.
 */
struct spare {
	_Atomic uint64_t chunk; /* see slot.h */
	uint32_t size, used;
};

/* A chunk that waits until it is old. */
struct ring_slot {
	_Atomic uint64_t chunk; /* see slot.h */
	uint64_t last_ns;	/* nothing in it is newer */
	uint32_t size;
};

struct state {
	/*
	 * 1 while handlers may record: set last at start and cleared first at
	 * the end, so that all below is complete for who reads 1.
	 */
	_Atomic uint32_t armed;
	_Atomic uint32_t pid; /* whose state this is */

	/* The log; header is written by log.c and never changes. */
	struct pp_header *header;
	_Atomic uint64_t log_end;   /* where the next chunk goes */
	_Atomic uint32_t log_stuck; /* enum pp_ended that stopped its growth */
	struct spare spares[STATE_SPARES];
	struct spare kept_spares[STATE_SPARES]; /* of definitions' */
	struct ring_slot ring[STATE_RING];
	_Atomic uint32_t ring_slots; /* ever used */

	/*
	 * Where chunks are mapped, see chunk.c; 0 is a free entry. A fault
	 * there is a store of ours into a log that has gone.
	 */
	_Atomic uint64_t mapped[STATE_MAPPED];
	_Atomic uint32_t mapped_slots; /* entries ever used */

	/* Recording is wanted from begin to end, CLOCK_MONOTONIC. */
	_Atomic uint64_t begin_ns, end_ns;
	_Atomic uint32_t control_served; /* number of the last request */

	/*
	 * The ticker's account; handlers copy it into the header, since a
	 * fault in the ticker could not be mended.
	 */
	_Atomic uint64_t ticker_sent, ticker_cpu_ns;
	uint64_t ticker_past_ns;   /* CPU time of those that ended */
	_Atomic int ticker_wanted; /* threads on loan may start it */
	struct thread *lender;	   /* who lent them, and when: by its CPU */
	uint64_t lent_cpu_ns;	   /* clock and by CLOCK_MONOTONIC */
	uint64_t lent_ns;
	_Atomic int ticker_phase;     /* see ticker.c */
	_Atomic uint32_t ticker_stop; /* the word it sleeps on */
	int ticker_tid;		      /* set and cleared by the kernel */
	void *ticker_stack;
	_Atomic(struct thread *) off_writer; /* see offcpu.c; NULL: none */

	/* Threads: a slot is NULL or a block that stays for the next thread. */
	_Atomic(struct thread *) threads[STATE_THREADS];
	_Atomic uint32_t thread_slots;	/* slots ever used */
	_Atomic uint32_t thread_number; /* log numbers given */

	/* Names of things, from the address or hash to the id in this log. */
	_Atomic uint32_t code_number, string_number;
	_Atomic uint64_t deaths; /* code objects that died, see codes.h */
	_Atomic uint32_t marks;	 /* names of tasks that were given ids */

	/* To 3.13, see asyncio.c: the dictionary, and what it was found by */
	_Atomic uintptr_t current_tasks;
	_Atomic uint64_t modules_seen;
	_Atomic uintptr_t cleanup_code; /* 3.13+: _Py_InitCleanup, once seen */
	struct idtable_entry codes[STATE_CODES];
	struct idtable_entry strings[STATE_STRINGS];
};

/* The one state; NULL before state_init(). Its address never changes. */
extern struct state *state;

/* Map it. Returns 0, or -1 if there is no memory. Not in a handler. */
int state_init(void) PP_MUST_CHECK;

/* Is this process allowed to record now? Any context, also before init. */
static inline int state_is_armed(void)
{
	return state &&
	       atomic_load_explicit(&state->armed, memory_order_acquire);
}

/*
 * Is this a child of vfork(), which runs in its parent's memory? It must leave
 * the state alone. A system call; for wrappers, not for handlers.
 */
static inline int state_is_borrowed(void)
{
	uint32_t pid =
		state ? atomic_load_explicit(&state->pid, memory_order_relaxed)
		      : 0;

	return pid != 0 && pid != (uint32_t)sys_getpid();
}

/* Is recording wanted at this instant? Any context. */
static inline bool state_is_wanted(uint64_t now_ns)
{
	return now_ns >= atomic_load_explicit(&state->begin_ns,
					      memory_order_relaxed) &&
	       now_ns < atomic_load_explicit(&state->end_ns,
					     memory_order_relaxed);
}

/* Add to a counter of the header. Any context while there is a log. */
static inline void state_count(enum pp_counter which, uint64_t n)
{
	/* publishes nothing; readers want the number alone */
	__atomic_fetch_add(&state->header->counters[which], n,
			   __ATOMIC_RELAXED);
}

/* The same for a sample that is lost; its record, if any, is somebody else's.
 */
static inline void state_count_lost(enum pp_loss reason)
{
	__atomic_fetch_add(&state->header->lost[reason], 1, __ATOMIC_RELAXED);
}

#endif
