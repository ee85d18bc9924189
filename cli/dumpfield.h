/* SPDX-License-Identifier: MIT */
/* Fields of a line of --dump, each behind a space. */
#ifndef DUMPFIELD_H
#define DUMPFIELD_H

#include <stdint.h>
#include <stdio.h>

#include "reader.h"

/* "name=number" */
void dumpfield_number(FILE *out, const char *name, uint64_t number);

/*
 * "code:line" for so many pairs or up to the record's end; lines count from
 * their code's first one.
 */
void dumpfield_pairs(FILE *out, struct cursor *c, uint64_t most);

#endif
