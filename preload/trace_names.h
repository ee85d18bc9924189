/* SPDX-License-Identifier: MIT */
/*
 * The names of C functions, which are cProfile's, and their ids in the log.
 */
#ifndef TRACE_NAMES_H
#define TRACE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "safe/thread.h"

/* The PyMethodDef of a C function, or of a method of a C type; 0 if neither. */
uintptr_t trace_names_method(void *callable);

/* Is it such a method, which needs an object to be called with? */
bool trace_names_is_descriptor(const void *callable);

/*
 * The id of the C function that callable is, known by its PyMethodDef. Needs
 * the GIL, no exception in flight, the sampling signal blocked. 0: no room.
 */
uint32_t trace_names_id(struct thread *t, uintptr_t method, void *callable);

#endif
