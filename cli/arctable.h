/* SPDX-License-Identifier: MIT */
/*
 * The tables of --callers and --callees, as pstats' print_callers() and
 * print_callees() lay them out. The options sort and cut the functions that
 * are listed, not those beside them.
 */
#ifndef ARCTABLE_H
#define ARCTABLE_H

#include <stdio.h>

#include "arcs.h"

void arctable_put(const struct view *v, FILE *out, enum arcs_by by);

#endif
