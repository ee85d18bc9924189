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
#define PP_MINOR	0	       /* an older reader reads on */
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
 *            else, as two lambdas on one line, differ in it.
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
	X(9, INFO, 1)

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
	X(9, note)	 /* a line for the reader: what was not possible */

enum pp_info {
#define X(number, name) PP_INFO_##name = number,
	PP_INFOS(X)
#undef X
};

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

enum pp_thread_kind {
	PP_THREAD_MAIN = 0,    /* the thread that started Python */
	PP_THREAD_CREATED = 1, /* by pthread_create, seen from its birth */
	PP_THREAD_FOUND = 2,   /* first seen by a sample */
};

enum pp_mode { PP_MODE_CPU = 1, PP_MODE_NONE = 2 };

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
 * that they hold after SIGKILL. entries = samples + all losses + throttled; for
 * the timer engines expirations = entries + overruns; for the ticker sent +
 * lent = entries + merged, so merged is derived. To add one: a line at the end.
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
	X(lent)		  /* entries by a timer in the ticker's place */

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
};

struct pp_chunk {
	uint32_t magic; /* PP_CHUNK_MAGIC; written after size */
	uint32_t size;	/* bytes, this header included; multiple of PP_PAGE */
	uint32_t used;	/* bytes that hold whole records, header included */
	uint32_t reserved;
};

_Static_assert(sizeof(struct pp_header) <= PP_HEADER_BYTES, "header too big");
_Static_assert(sizeof(struct pp_chunk) == 16, "chunk header has holes");
_Static_assert(PP_COUNTER_END <= PP_COUNTER_MAX, "too many counters");

#endif
