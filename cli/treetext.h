/* SPDX-License-Identifier: MIT */
/* The tree of processes in the text report; used by fmt_text.c. */
#ifndef TREETEXT_H
#define TREETEXT_H

#include <stdio.h>

#include "view.h"

/*
 * A line for each process, below the one that made it: when it began since its
 * session did, how long it ran, CPU time, samples, number, the program if it is
 * another than the parent's, and the line that forked it. Nothing if there is
 * one process only.
 */
void treetext_put(const struct view *v, FILE *out);

#endif
