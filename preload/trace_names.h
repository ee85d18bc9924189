/* SPDX-License-Identifier: MIT */
/*
 * C functions: which objects are some, their names, which are cProfile's, and
 * their ids in the log.
 */
#ifndef TRACE_NAMES_H
#define TRACE_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "safe/thread.h"

/* What tells them from others; here so that every call may ask. */
struct trace_names_kinds {
	const void *function, *method, *descriptor; /* types; method or NULL */
	int32_t ob_type, fn_ml, descr_method;	    /* offsets, as in the row */
};

extern struct trace_names_kinds trace_names_kinds;

/* Once, before the others. */
void trace_names_begin(void);

static inline void *trace_names_member(const void *object, int32_t offset)
{
	void *p;

	memcpy(&p, (const char *)object + offset, sizeof(p));
	return p;
}

static inline const void *trace_names_type(const void *object)
{
	return trace_names_member(object, trace_names_kinds.ob_type);
}

/* Is it a method of a C type, which needs an object to be called with? */
static inline bool trace_names_is_descriptor(const void *callable)
{
	return trace_names_type(callable) == trace_names_kinds.descriptor;
}

/* The PyMethodDef of a C function, or of a method of a C type; 0 if neither. */
static inline uintptr_t trace_names_method(const void *callable)
{
	const struct trace_names_kinds *k = &trace_names_kinds;
	const void *type = trace_names_type(callable);

	if (type == k->function || type == k->method)
		return (uintptr_t)trace_names_member(callable, k->fn_ml);
	if (type == k->descriptor)
		return (uintptr_t)trace_names_member(callable, k->descr_method);
	return 0;
}

/*
 * The id of the C function that callable is, known by its PyMethodDef. Needs
 * the GIL, no exception in flight, the sampling signal blocked. 0: no room.
 */
uint32_t trace_names_id(struct thread *t, uintptr_t method, void *callable);

#endif
