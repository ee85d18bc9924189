/* SPDX-License-Identifier: MIT */
/*
 * Which part of the logs is wanted: --state, --thread, --process, --from and
 * --to. arguments.c fills it, load.c asks it while it reads, so that nothing
 * else is ever in the profile.
 */
#ifndef KEEP_H
#define KEEP_H

#include <regex.h>

#include "model.h"
#include "util/die.h"
#include "util/text.h"

struct keep_thread;
struct keep_session;

/* One of all zeros keeps everything. */
struct keep {
	const char *state; /* as it was said, or NULL */
	uint8_t bits;	   /* PP_STATE_ bits that a sample must have */
	bool on_only;	   /* on the processor only */
	struct keep_thread *threads; /* any of them */
	size_t thread_count, thread_room;
	uint32_t *pids; /* any of them */
	size_t pid_count, pid_room;
	bool has_from, has_to;
	uint64_t from_ns, to_ns; /* since the session began */
	struct keep_session *sessions;
	size_t session_count, session_room;
};

void keep_done(struct keep *k);

/*
 * Take in a value of one of the options; threads and processes add up. Returns
 * 0, or -1 with *err filled.
 */
int keep_state(struct keep *k, const char *name, struct err *err) PP_MUST_CHECK;
int keep_thread(struct keep *k, const char *expression,
		struct err *err) PP_MUST_CHECK;
int keep_process(struct keep *k, const char *pid,
		 struct err *err) PP_MUST_CHECK;
int keep_from(struct keep *k, const char *seconds,
	      struct err *err) PP_MUST_CHECK;
int keep_to(struct keep *k, const char *seconds, struct err *err) PP_MUST_CHECK;

/* Whether samples are told from each other, and not only threads. */
bool keep_chooses(const struct keep *k) PP_MUST_CHECK;

/*
 * Whether a log with this header can be asked: returns 0, or -1 with *err
 * filled if it does not know of that state, or has no samples.
 */
int keep_check(const struct keep *k, const struct pp_header *h,
	       struct err *err) PP_MUST_CHECK;

bool keep_has_process(const struct keep *k, uint32_t pid) PP_MUST_CHECK;

/*
 * Whether the thread is wanted: an expression is found in its name, and "main"
 * is one of the main thread, or is its number as the kernel has it.
 */
bool keep_has_thread(const struct keep *k,
		     const struct thread *t) PP_MUST_CHECK;

/*
 * --from and --to count from the start of a session's first process: show it
 * the headers of all logs, then ask when that was.
 */
void keep_see(struct keep *k, const struct pp_header *h);
uint64_t keep_origin_ns(const struct keep *k,
			const struct pp_header *h) PP_MUST_CHECK;

/* The options, as they would be typed; nothing if all is kept. */
void keep_describe(const struct keep *k, struct text *to);

#endif
