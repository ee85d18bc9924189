/* SPDX-License-Identifier: MIT */
/* The records of the GIL's ledger on their way into a profile. */
#ifndef GILLOAD_H
#define GILLOAD_H

#include "pyprof/compiler.h"

struct loader;
struct record;

/*
 * Take in a GIL_THREADS, GIL_WAITS or GIL_STACKS record; the definitions have
 * been read. Returns -1 if it makes no sense.
 */
int gilload_take(struct loader *l, const struct record *rec) PP_MUST_CHECK;

/*
 * The log is read. A row of GIL_WAITS is of all threads that waited there, so
 * if one that waited is left out, so are the log's waits.
 */
void gilload_close(struct loader *l);

#endif
