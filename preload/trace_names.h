/* SPDX-License-Identifier: MIT */
/*
 * C functions: which objects are some, their names, which are cProfile's, and
 * their ids in the log.
 */
#ifndef TRACE_NAMES_H
#define TRACE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "pyapi.h"
#include "safe/thread.h"

/* What tells them from others; here so that every call may ask. */
struct trace_names_kinds {
	const void *function, *method, *descriptor; /* types; method or NULL */
	/* offsets, as in the row */
	int32_t ob_type, fn_ml, descr_type, descr_method;
};

extern struct trace_names_kinds trace_names_kinds;

/* Once, before the others. */
void trace_names_begin(void);

static inline const void *trace_names_type(const void *object)
{
	return pyapi_member(object, trace_names_kinds.ob_type);
}

/* Is it a method of a C type, which needs an object to be called with? */
static inline bool trace_names_is_descriptor(const void *callable)
{
	return trace_names_type(callable) == trace_names_kinds.descriptor;
}

/* Is it a C function, by itself or bound to an object? */
static inline bool trace_names_is_function(const void *callable)
{
	const void *type = trace_names_type(callable);

	return type == trace_names_kinds.function ||
	       type == trace_names_kinds.method;
}

/* The PyMethodDef of either of the two; 0 of anything else. */
static inline uintptr_t trace_names_method(const void *callable)
{
	const struct trace_names_kinds *k = &trace_names_kinds;

	if (trace_names_is_function(callable))
		return (uintptr_t)pyapi_member(callable, k->fn_ml);
	if (trace_names_is_descriptor(callable))
		return (uintptr_t)pyapi_member(callable, k->descr_method);
	return 0;
}

/* Would a descriptor take this object, or refuse it? */
static inline bool trace_names_takes(const void *descriptor, void *object)
{
	void *type = pyapi_member(object, trace_names_kinds.ob_type);
	void *wanted = pyapi_member(descriptor, trace_names_kinds.descr_type);

	return PP_LIKELY(type == wanted) || py.PyType_IsSubtype(type, wanted);
}

/* Is a C function a method of an object, and not a function of a module? */
bool trace_names_is_method(const void *callable);

/*
 * The id of the C function that callable is, known by its PyMethodDef. Needs
 * the GIL, no exception in flight, the sampling signal blocked. 0: no room.
 */
uint32_t trace_names_id(struct thread *t, uintptr_t method, void *callable);

#endif
