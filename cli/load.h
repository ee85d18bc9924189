/* SPDX-License-Identifier: MIT */
/*
 * From the records of a log to the profile in memory: the only place that knows
 * both. A log is read twice, first its definitions, which may stand anywhere,
 * then its samples. Segments stand on their own (each begins with an empty
 * stack and absolute clocks), so they are played in the order of the file.
 *
 * Memory grows with distinct stacks, threads and code objects, not with
 * samples.
 */
#ifndef LOAD_H
#define LOAD_H

#include "keep.h"
#include "model.h"
#include "reader.h"

/* What becomes a root frame of every stack. */
enum load_split {
	LOAD_MERGED = 0,
	LOAD_BY_PROCESS = 1,
	LOAD_BY_THREAD = 2, /* may be joined to LOAD_BY_PROCESS */
};

/* All zeros: everything, merged. What `keep` points to is borrowed. */
struct load_options {
	unsigned split; /* enum load_split */
	bool no_gc;	/* no <GC> frames */
	const struct keep *keep;
};

/* Other results than 0 and -1. */
enum {
	LOAD_REFUSED = -2, /* the log cannot be asked for what to keep */
	LOAD_LEFT_OUT = 1, /* its process is not to be kept */
};

/* Told of each part of a log that could not be read. */
typedef void load_damaged(const char *path, const struct damage *damage);

/*
 * Add a log to the profile. Calls damaged() for what is lost.
 *
 * Returns 0, or -1 with *err filled (it does not name the path) when nothing
 * of the log can be read, or one of the results above, LOAD_REFUSED with *err
 * filled. The profile is then as before.
 */
int load_log(struct profile *p, const char *path,
	     const struct load_options *options, load_damaged *damaged,
	     struct err *err) PP_MUST_CHECK;

/* The same for an open file, which is closed in any case. */
int load_fd(struct profile *p, int fd, const char *path,
	    const struct load_options *options, load_damaged *damaged,
	    struct err *err) PP_MUST_CHECK;

#endif
