/* SPDX-License-Identifier: MIT */
/*
 * What the program itself does with the hooks that we use.
 */
#ifndef TRACE_HOST_H
#define TRACE_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* As CPython's Py_tracefunc. */
typedef int trace_host_function(void *object, void *frame, int what,
				void *argument);

/* Include/cpython/pystate.h, all versions. */
enum trace_host_event {
	EVENT_CALL,
	EVENT_EXCEPTION,
	EVENT_LINE,
	EVENT_RETURN,
	EVENT_C_CALL,
	EVENT_C_EXCEPTION,
	EVENT_C_RETURN,
};

/* Where a thread state has its profile function, or its trace function. */
trace_host_function **trace_host_slot(void *state_of_thread, bool lines);

/* What the program may call that concerns us. */
enum trace_host_watched {
	WATCH_SETPROFILE, /* sys.setprofile() */
	WATCH_SETTRACE,	  /* sys.settrace() */
	WATCH_FREE_TOOL,  /* sys.monitoring.free_tool_id() */
	WATCHES,
};

/*
 * Stand behind one of them, which is this object, from now on: call after()
 * each time when it has done its work, with the GIL, in the thread that called
 * it.
 */
void trace_host_watch(enum trace_host_watched which, const void *function,
		      void (*after)(void));

/* Is the calling thread in one of them just now? */
bool trace_host_is_inside(void);

/* Is this event the return of a sys.setprofile() that we stood behind? */
bool trace_host_is_return(int what, void *argument);

#endif
