/* SPDX-License-Identifier: MIT */
/* The GIL's ledger as --dump shows it; see format.h. */
#ifndef GILDUMP_H
#define GILDUMP_H

#include <stdio.h>

#include "reader.h"

/*
 * The rest of a GIL_THREADS, GIL_WAITS or GIL_STACKS record, whose numbers have
 * been read up to the cursor. A row a line.
 */
void gildump_put(FILE *out, const struct record *rec, struct cursor *c);

#endif
