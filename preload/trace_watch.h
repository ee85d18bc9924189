/* SPDX-License-Identifier: MIT */
/*
 * Dictionaries of which some names are relied on not to become C functions:
 * globals and builtins of frames, see trace_sites.h. A watcher (from CPython
 * 3.12 on) tells of each change before it is made. All in a thread that has the
 * GIL, outside of handlers.
 */
#ifndef TRACE_WATCH_H
#define TRACE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "pyprof/compiler.h"

struct trace_watch {
	struct trace_watch *next; /* in the same bucket */
	void *dict;		  /* NULL: has died */
	uint32_t users; /* who have to do with it, see trace_watch_leave() */
	bool broken;	/* what was relied on is no more, or soon */
	uint32_t used, mask; /* of the names: */
	intptr_t *hashes;    /* their hashes, open addressing; 0: free */
};

/*
 * Once; on_break() is called before what was relied on is no more. Returns -1
 * if this version has no watchers.
 */
int trace_watch_begin(void (*on_break)(void)) PP_MUST_CHECK;

/*
 * Call a function before the module of this name is there. Returns -1 if it is
 * there already, or that cannot be.
 */
int trace_watch_module(const char *name, void (*on_import)(void)) PP_MUST_CHECK;

/* Is it a C function, or something that CALL may show as one? */
bool trace_watch_may_be_c(const void *object);

/*
 * Watch a dictionary, if it is not yet. NULL: it is not to be relied on, since
 * not all changes of it are told, or it is broken, or there are too many.
 */
struct trace_watch *trace_watch_obtain(void *dict);

/*
 * From now on a name, a str, is relied on not to become a C function, and not
 * to go if it is there. Returns -1 if it cannot be.
 */
int trace_watch_rely(struct trace_watch *w, void *name) PP_MUST_CHECK;

/* One user less. It is freed once there is none, and the dictionary died. */
void trace_watch_leave(struct trace_watch *w);

#endif
