/* SPDX-License-Identifier: MIT */
/*
 * The log: all that libpyprof.so and pyprof-report share. doc/format.md is the
 * specification; this header is the same said in C. Freestanding.
 *
 * A log is a header of PP_HEADER_BYTES, then chunks. A chunk begins at a
 * multiple of PP_PAGE with struct pp_chunk and holds whole records up to
 * `used`; each chunk is written by one thread at a time. A record is
 *
 *	type (1 byte)  length of body (varint)  body
 *
 * Numbers in a body are varints (LEB128, unsigned, at most 10 bytes) unless
 * the record's comment says otherwise; `bytes` is the rest of the body. A body
 * may be longer than what is described here: later minor versions append.
 * Fixed fields (header, chunk) are in the writer's byte order, which the
 * header's `order` shows; pyprof writes little-endian.
 *
 * Times are in units of header.unit_ns nanoseconds: `time` is CLOCK_MONOTONIC,
 * `cpu` the thread's own CPU clock. dt and dcpu count from the previous OWNER,
 * SAMPLE or LOST record of the same segment. A zigzag varint is the unsigned
 * number 2n for n >= 0 and -2n - 1 for n < 0.
 */
#ifndef PYPROF_FORMAT_H
#define PYPROF_FORMAT_H

#include <stdint.h>

#define PP_MAGIC	"\x89PYPROF\n" /* 8 bytes, no NUL */
#define PP_MAJOR	1	       /* an older reader must refuse */
#define PP_MINOR	2	       /* an older reader reads on */
#define PP_ORDER	0x01020304u
#define PP_PAGE		4096u
#define PP_HEADER_BYTES 4096u
#define PP_UNIT_NS	1024u
#define PP_CHUNK_MAGIC	0x6b685070u /* "pPhk" */
#define PP_VARINT_MAX	10

/*
 * Records. To add one: a line here (next free number, name, least body bytes),
 * its body described below and in doc/format.md, PP_MINOR one higher, a case
 * in cli/define.c or cli/play.c and a golden log that has it.
 *
 * OWNER      thread seq time cpu: what follows in this chunk, up to its end or
 *            the next OWNER, is segment number `seq` (from 0) of log thread
 *            number `thread`. Segments of a thread are put in order by seq. The
 *            stack that samples build on is empty here. time and cpu are
 *            absolute.
 * THREAD     thread tid kind time cpu: a thread is seen first; its CPU is
 *            accounted from cpu on. kind is an enum pp_thread_kind.
 * THREAD_END thread time cpu: it ended, or profiling did; absolute values.
 *            Whoever notices writes it, so it may stand in any chunk.
 * THREAD_NAME thread bytes: its name, UTF-8.
 * STRING     id kind bytes: kind 1, 2 or 4 is CPython's bytes per character
 *            (Latin-1, UCS-2, UCS-4; may hold lone surrogates), 0 is UTF-8.
 * CODE       id name qualname file firstlineno print: a code object. name,
 *            qualname and file are STRING ids (qualname 0 before 3.11). print
 *            is the same for the same source: two functions that agree in all
 *            else, as two lambdas on one line, differ in it. file 0 is that of
 *            a mark, "<task worker-1>", which stands for no code.
 * SAMPLE     lead dcpu dt, then what lead says, then (code line) pairs to the
 *            end: take the previous stack of this segment, remove lead >> 2
 *            frames on the leaf side, append the pairs, root side first. With
 *            bit 0 of lead a state byte follows, else the state is that of the
 *            previous sample (0 at the segment's begin). With bit 1 a line
 *            follows: the first frame appended is of the same code as the
 *            frame that was removed last, the one nearest to the root, and
 *            has this line; the pairs come after it. dt is a zigzag varint, to
 *            be added to dcpu. A line is counted from the code's firstlineno,
 *            modulo 2^32. code 0 is a frame whose code could not be named. The
 *            stack may be empty: the thread was in no Python code. The weight
 *            is dcpu.
 * LOST       reason dt dcpu: CPU time that no sample covers, for a reason of
 *            PP_LOSSES.
 * INFO       key bytes: a fact about the process, PP_INFOS.
 *
 * The next three are tables of deterministic profiling: written once with room
 * to spare, and then changed in place while the program runs, by the thread
 * whose segment they are in. Their structs lie at the first multiple of
 * PP_TABLE_ALIGN bytes of the file behind the record's numbers, and reach to
 * the end of the body. Times in them are in ticks, see header.tick_ticks.
 *
 * EDGES      first structs: calls of one function by another, struct pp_edge,
 *            up to the first whose callee is 0. `first` is the number of the
 *            first one among this thread's edges, which are numbered from 0.
 * LINES      structs: lines that were run, struct pp_line, up to the first
 *            whose code is 0.
 * OPEN       structs: struct pp_open, then the calls that have not returned,
 *            struct pp_open_call, open.depth of them, outermost first. Of
 *            several in a thread the one of the last segment counts.
 *
 * OFF        thread time gap state: from `time` on that thread was not on a
 *            processor, and its stack stood still. Written, in wall mode, by
 *            pyprof's own thread, in a segment of that. struct pp_off lies at
 *            the first multiple of PP_OFF_ALIGN bytes of the file behind the
 *            numbers and is changed in place; after it (code line) pairs to the
 *            end, root side first: the whole stack. With PP_STATE_AGAIN in
 *            state there are none: it is the stack of the thread's last OFF in
 *            this segment. The weight is gap + (until - time); gap is the time
 *            off the processor, since the thread's last OFF ended or its
 *            account began, that none covers.
 * FORK       pid time: the thread of this segment made this child process at
 *            `time`, absolute; then (code line) pairs, the whole stack.
 * DUMP       serial tid time state: the stack of this segment's thread when it
 *            was asked for it, by request `serial` of struct pp_control; no
 *            sample. Then (code line) pairs, the whole stack; none if it could
 *            not be read at that instant, with PP_STATE_TORN in state.
 *
 * The GIL's ledger, in tables like those of deterministic profiling, but of the
 * whole process: any thread changes them while it has the GIL's own lock. Times
 * in them are nanoseconds.
 *
 * GIL_THREADS structs: struct pp_gil_thread, one a thread, up to the first
 *            whose used is 0.
 * GIL_WAITS  structs: struct pp_gil_wait, up to the first whose turns is 0.
 * GIL_STACKS wait waiter, then `waiter` (code line) pairs, the stack of a
 *            thread that waited for the GIL, root side first, and to the end
 *            those of the thread behind whose turn it waited `wait`, as that
 *            thread let go of it. The leaves name the row of GIL_WAITS. Written
 *            for long waits: of several for a row the last is the longest.
 */
#define PP_RECORDS(X)                                                          \
	X(1, OWNER, 4)                                                         \
	X(2, THREAD, 5)                                                        \
	X(3, THREAD_END, 3)                                                    \
	X(4, THREAD_NAME, 1)                                                   \
	X(5, STRING, 2)                                                        \
	X(6, CODE, 5)                                                          \
	X(7, SAMPLE, 3)                                                        \
	X(8, LOST, 3)                                                          \
	X(9, INFO, 1)                                                          \
	X(10, EDGES, 1)                                                        \
	X(11, LINES, 0)                                                        \
	X(12, OPEN, 0)                                                         \
	X(13, OFF, 4)                                                          \
	X(14, FORK, 2)                                                         \
	X(15, DUMP, 4)                                                         \
	X(16, GIL_THREADS, 0)                                                  \
	X(17, GIL_WAITS, 0)                                                    \
	X(18, GIL_STACKS, 2)

enum pp_record {
#define X(number, name, least) PP_##name = number,
	PP_RECORDS(X)
#undef X
};

/*
 * Why a sample was lost. To add one: a line here (next free number, name,
 * words for the report); doc/format.md; no new minor version is needed.
 */
#define PP_LOSSES(X)                                                           \
	X(0, torn, "the stack changed shape under the walk")                   \
	X(1, type, "a frame without a code object")                            \
	X(2, fault, "a frame lay in unreadable memory")                        \
	X(3, space, "no room in the log")                                      \
	X(4, nothread, "too many threads at once")                             \
	X(5, paused, "recording was switched off")

enum pp_loss {
#define X(number, name, words) PP_LOST_##name = number,
	PP_LOSSES(X)
#undef X
};

#define PP_LOSS_MAX 16

/*
 * Facts about the process. To add one: a line here (next free number, name)
 * and doc/format.md. Lists are joined by NUL, without one at the end.
 */
#define PP_INFOS(X)                                                            \
	X(1, argv)	 /* list, from /proc/self/cmdline */                   \
	X(2, cwd)	 /* where the process was when profiling began */      \
	X(3, executable) /* /proc/self/exe */                                  \
	X(4, sys_path)	 /* list */                                            \
	X(5, sys_prefix) /* list: prefix, exec_prefix and their base_ twins */ \
	X(6, python)	 /* sys.version */                                     \
	X(7, kernel)	 /* uname: sysname release machine */                  \
	X(8, host)	 /* uname: nodename */                                 \
	X(9, note)	 /* a line for the reader: what was not possible */    \
	X(10, ancestors) /* list: who is above the parent, nearest first */

enum pp_info {
#define X(number, name) PP_INFO_##name = number,
	PP_INFOS(X)
#undef X
};

#define PP_TABLE_ALIGN 64u
#define PP_OFF_ALIGN   8u

/*
 * A C function is a CODE of the file PP_C_FILE and line 0, whose name is the
 * one that cProfile gives it: "<built-in method time.sleep>".
 */
#define PP_C_FILE "~"

/*
 * Calls of one function by another, in one thread. `line` is the caller's line
 * of the call, from its firstlineno, modulo 2^32, when lines are traced; else
 * 0. The caller 0 is none: the thread's first function, or a call by code that
 * is not traced.
 *
 * total is the time of those calls during which the callee was not running
 * already further out in this thread; rest that of those during which it was,
 * but not called by this caller. So the totals of all edges to a function add
 * up to the function's, as cProfile counts it, and total + rest is the edge's.
 * self is time in the callee but not in its callees. All are as measured;
 * self_own, own and rest_own are pyprof's part of them, see PP_COSTS. An open
 * call is in calls, and in self up to open.last, but not in the rest; one that
 * a forked child took over is not in calls, its parent's log has it.
 */
struct pp_edge {
	uint32_t callee; /* code; written when the rest of its name is */
	uint32_t caller; /* code, or 0 */
	uint32_t line;
	uint32_t open;	/* calls that have not returned */
	uint64_t calls; /* all that were begun */
	uint64_t self, self_own;
	uint64_t total, own;
	uint64_t recursive;	 /* calls while the callee was running */
	uint64_t recursive_edge; /* calls while it was, by this caller */
	uint64_t rest, rest_own;
};

/*
 * A line of a function that was run in one thread; `line` as in CODE's samples.
 * self is time on it but not in traced callees, own pyprof's part of that.
 */
struct pp_line {
	uint32_t code;
	uint32_t line;
	uint64_t hits;	  /* it was begun */
	uint64_t entries; /* the function was entered, or resumed, on it */
	uint64_t self, own;
};

/* The calls of a thread that have not returned. */
struct pp_open {
	uint64_t last; /* when the last event came */
	uint64_t own;  /* what pyprof took of this thread's time so far */
	uint32_t depth;
	uint32_t reserved;
	uint64_t writer[5]; /* the writer's own */
};

struct pp_open_call {
	uint64_t begun; /* when */
	uint64_t own;	/* open.own at that time */
	uint32_t edge;	/* its number */
	uint32_t line;	/* that it is on, as in struct pp_line; or 0 */
	uint64_t writer[2];
};

/*
 * What one event costs pyprof, in ticks, measured when tracing began. A call
 * costs `inside` of the callee's time and `outside` of its caller's. To add
 * one: a line at the end.
 */
#define PP_COSTS(X)                                                            \
	X(python_inside)                                                       \
	X(python_outside)                                                      \
	X(c_inside)                                                            \
	X(c_outside)                                                           \
	X(line)                                                                \
	X(resume_inside)                                                       \
	X(resume_outside)                                                      \
	X(other)                                                               \
	X(call)                                                                \
	X(method_inside)                                                       \
	X(method_outside)

enum pp_cost {
#define X(name) PP_COST_##name,
	PP_COSTS(X)
#undef X
		PP_COST_END
};

#define PP_COST_MAX 16

/* Bits of a sample's lead; what is above them is the frames removed. */
#define PP_LEAD_STATE 1u /* a state byte follows */
#define PP_LEAD_SAME  2u /* a line follows: of the frame removed last */
#define PP_LEAD_SHIFT 2

/* The state byte of a sample; header.state_known says which bits are true. */
#define PP_STATE_GIL	   0x01 /* holds the GIL */
#define PP_STATE_GIL_WAIT  0x02 /* wants it */
#define PP_STATE_GC	   0x04 /* the garbage collector runs */
#define PP_STATE_NATIVE	   0x08 /* the leaf is outside the interpreter's text */
#define PP_STATE_EXCEPTION 0x10 /* an exception is in flight */
#define PP_STATE_TRUNCATED 0x20 /* frames on the root side were cut */
#define PP_STATE_TORN	   0x40 /* of DUMP only: no stack could be read */
#define PP_STATE_AGAIN	   0x80 /* of OFF only: the same stack as before */

enum pp_thread_kind {
	PP_THREAD_MAIN = 0,    /* the thread that started Python */
	PP_THREAD_CREATED = 1, /* by pthread_create, seen from its birth */
	PP_THREAD_FOUND = 2,   /* first seen by a sample */
	PP_THREAD_OWN = 3,     /* pyprof's own, which writes OFF */
};

enum pp_mode { PP_MODE_CPU = 1, PP_MODE_NONE = 2, PP_MODE_WALL = 3 };

/* The part of an OFF record that grows while the thread stays off. */
struct pp_off {
	uint64_t until; /* when it was last seen so; not before `time` */
	uint64_t looks; /* how often it was: the number of samples */
};

/* A thread's account of the GIL, since the process had a second thread. */
struct pp_gil_thread {
	uint32_t thread;  /* number in the log */
	uint32_t used;	  /* 1; 0: the table ends here */
	uint64_t takes;	  /* how often it took it */
	uint64_t held;	  /* how long it has held it, less an open turn */
	uint64_t since;	  /* when it took it, if it has it now; else 0 */
	uint64_t waits;	  /* how many of takes it had to wait for */
	uint64_t waited;  /* how long, less an open wait */
	uint64_t yielded; /* and how long for another to take what it let go */
	uint64_t unused;
};

/*
 * Waiting on one line while a thread had the GIL that let go of it on another
 * line; code 0 is no Python code. Lines as in SAMPLE. A wait is parted among
 * the turns that others had meanwhile, so the totals add up to what was waited.
 */
struct pp_gil_wait {
	uint32_t waiter, waiter_line;
	uint32_t holder, holder_line;
	uint64_t turns;		/* that were waited for */
	uint64_t total;		/* how long, together */
	uint64_t longest;	/* and for one of them */
	uint64_t longest_at;	/* when that one ended: CLOCK_MONOTONIC */
	uint32_t waiter_thread; /* who waited then */
	uint32_t holder_thread; /* for whom */
	uint64_t unused;
};

/* What is traced; calls of C functions too if header.builtins is 1. */
enum pp_trace { PP_TRACE_NONE = 0, PP_TRACE_CALLS = 1, PP_TRACE_LINES = 2 };

enum pp_engine {
	PP_ENGINE_NONE = 0,
	PP_ENGINE_TIMER = 1,  /* a CPU timer for each thread */
	PP_ENGINE_TICKER = 2, /* our own thread signals running threads */
	PP_ENGINE_ITIMER = 3, /* setitimer(ITIMER_PROF) */
};

/* header.ended: how the log came to its end; 0 if nobody said. */
enum pp_ended {
	PP_ENDED_NOT = 0,      /* still running, or killed */
	PP_ENDED_EXIT = 1,     /* normal exit */
	PP_ENDED_UEXIT = 2,    /* _exit */
	PP_ENDED_EXEC = 3,     /* another program took the process */
	PP_ENDED_DURATION = 4, /* --duration was over; the program ran on */
	PP_ENDED_SIZE = 5,     /* --max-size was reached; likewise */
	PP_ENDED_FAILED = 6,   /* the log could not grow; likewise */
};

/*
 * Counters in the header, 64 bits each, added to while the program runs, so
 * that they hold after SIGKILL. entries = samples + all losses - lost_looks +
 * throttled; for the timer engines expirations = entries + overruns; for the
 * ticker sent + lent = entries + merged, so merged is derived. To add one: a
 * line at the end.
 */
#define PP_COUNTERS(X)                                                         \
	X(entries)	  /* times the handler ran for a clock of ours */      \
	X(samples)	  /* SAMPLE records written */                         \
	X(overruns)	  /* expirations that shared a signal with another */  \
	X(sent)		  /* signals that the ticker sent */                   \
	X(throttled)	  /* ticks left out because the handler took long */   \
	X(truncated)	  /* samples cut at max_depth */                       \
	X(unnamed)	  /* frames whose code could not be named */           \
	X(faults)	  /* guarded loads that failed */                      \
	X(handler_ns)	  /* wall time in the handler, all threads */          \
	X(handler_max_ns) /* its longest run */                                \
	X(own_cpu_ns)	  /* CPU time of pyprof's own threads */               \
	X(threads)	  /* threads seen */                                   \
	X(codes)	  /* code objects defined */                           \
	X(lent)		  /* entries by a timer in the ticker's place */       \
	X(uncounted)	  /* calls for which the log had no room */            \
	X(looks)	  /* samples of threads off a processor, in OFF */     \
	X(lost_looks)	  /* losses that are no entries: OFF had no room */

enum pp_counter {
#define X(name) PP_COUNT_##name,
	PP_COUNTERS(X)
#undef X
		PP_COUNTER_END
};

#define PP_COUNTER_MAX 32

struct pp_header {
	char magic[8];
	uint32_t order;	       /* PP_ORDER as the writer's CPU stores it */
	uint16_t major, minor; /* of the format */
	uint32_t header_bytes; /* where the first chunk begins */
	uint32_t unit_ns;
	uint64_t session[2]; /* the same for all processes of a run */
	uint32_t pid, ppid;
	uint32_t python; /* PY_VERSION_HEX, 0x030e0af0 for 3.14.10 */
	uint32_t mode;	 /* enum pp_mode */
	uint32_t engine; /* enum pp_engine */
	uint32_t signal; /* number of the sampling signal */
	uint32_t max_depth;
	uint32_t state_known;	/* PP_STATE_ bits that can be trusted */
	uint64_t tick_ns;	/* the kernel's tick */
	uint64_t period_ns;	/* asked; with auto_rate the tick */
	uint32_t auto_rate;	/* 1: no rate was asked for */
	uint32_t ended;		/* enum pp_ended */
	uint64_t start_real_ns; /* CLOCK_REALTIME when profiling began */
	uint64_t start_ns;	/* CLOCK_MONOTONIC, the same instant */
	uint64_t start_cpu_ns;	/* process CPU clock, the same instant */
	uint64_t end_ns;	/* the end; valid if ended is not 0 */
	uint64_t end_cpu_ns;
	uint64_t counters[PP_COUNTER_MAX];
	uint64_t lost[PP_LOSS_MAX]; /* by enum pp_loss */

	/* Of minor version 1; 0 before. */
	uint32_t trace;	   /* enum pp_trace */
	uint32_t builtins; /* 1: C functions are traced too */
	/*
	 * Two instants, by the tick counter and by CLOCK_MONOTONIC: a tick is
	 * (tick_ns_at[1] - tick_ns_at[0]) / (tick_ticks[1] - tick_ticks[0]) ns.
	 * The second is renewed now and then while the program runs.
	 */
	uint64_t tick_ticks[2];
	uint64_t tick_ns_at[2];
	uint64_t costs[PP_COST_MAX]; /* by enum pp_cost */

	/* Of minor version 2; 0 before. */
	/*
	 * 0, or the log keeps the samples of so long a time before ring_now_ns,
	 * CLOCK_MONOTONIC of the newest. Older ones that are still there do not
	 * count, and segments are missing.
	 */
	uint64_t ring_ns;
	uint64_t ring_now_ns;
};

/*
 * Control of a running process, at PP_CONTROL_AT of the file. Who may write
 * the log may ask: sets verb, then request to another number than before, and
 * queues header.signal with the value `cookie` to the process, which does it
 * in its handler and answers. Requests of several are put in order by flock().
 * Neither side trusts what the other wrote. A reader of logs passes over it.
 */
struct pp_control {
	/* The process's. */
	uint64_t cookie;    /* 0: it does not listen */
	uint32_t recording; /* enum pp_recording, as of the last answer */
	uint32_t answered;  /* the number of the last request that was served */
	uint32_t answer;    /* enum pp_control_answer, to that one */
	uint32_t asked;	    /* of a dump: threads that were asked */
	uint32_t dumped;    /* and that have written their DUMP records */
	/* Of who asks. */
	uint32_t verb;	  /* enum pp_control_verb */
	uint32_t request; /* its number */
	/* The process's: milliseconds until `recording` changes by itself. */
	uint32_t change_ms; /* 0: it does not */
};

#define PP_CONTROL_AT 3584u

enum pp_recording {
	PP_RECORDING_OFF = 0,
	PP_RECORDING_ON = 1,
	PP_RECORDING_LATER = 2, /* --delay is not over */
	PP_RECORDING_OVER = 3,	/* --duration is */
};

enum pp_control_verb {
	PP_CONTROL_STATUS = 1, /* nothing but to answer */
	PP_CONTROL_START = 2,
	PP_CONTROL_STOP = 3,
	PP_CONTROL_DUMP = 4,
};

enum pp_control_answer {
	PP_CONTROL_DONE = 1,
	PP_CONTROL_UNKNOWN = 2, /* no such verb */
	PP_CONTROL_NO_CLOCK =
		3, /* nothing samples: there is nothing to switch */
};

struct pp_chunk {
	uint32_t magic; /* PP_CHUNK_MAGIC; written after size */
	uint32_t size;	/* bytes, this header included; multiple of PP_PAGE */
	uint32_t used;	/* bytes that hold whole records, header included */
	uint32_t reserved;
};

_Static_assert(sizeof(struct pp_header) <= PP_HEADER_BYTES, "header too big");
_Static_assert(sizeof(struct pp_header) <= PP_CONTROL_AT, "header too big");
_Static_assert(sizeof(struct pp_control) == 40, "pp_control has holes");
_Static_assert(PP_CONTROL_AT + sizeof(struct pp_control) <= PP_HEADER_BYTES,
	       "pp_control does not fit");
_Static_assert(sizeof(struct pp_chunk) == 16, "chunk header has holes");
_Static_assert(PP_COUNTER_END <= PP_COUNTER_MAX, "too many counters");
_Static_assert(PP_COST_END <= PP_COST_MAX, "too many costs");
_Static_assert(sizeof(struct pp_edge) == 88, "struct pp_edge has holes");
_Static_assert(sizeof(struct pp_line) == 40, "struct pp_line has holes");
_Static_assert(sizeof(struct pp_off) == 16, "struct pp_off has holes");
_Static_assert(sizeof(struct pp_gil_thread) == 64, "pp_gil_thread has holes");
_Static_assert(sizeof(struct pp_gil_wait) == 64,
	       "struct pp_gil_wait has holes");
_Static_assert(sizeof(struct pp_open) == 64, "struct pp_open has holes");
_Static_assert(sizeof(struct pp_open_call) == 40, "pp_open_call has holes");

#endif
