/* SPDX-License-Identifier: MIT */
/* The threads in the text report; used by fmt_text.c. */
#ifndef THREADTEXT_H
#define THREADTEXT_H

#include <stdio.h>

#include "view.h"

/*
 * A line for each thread that has the most CPU time, with a title above and a
 * line of how many more there are below: CPU and wall time of its life, and of
 * its samples those in which it held the GIL and wanted it, in percent of their
 * time, "-" where the log does not know. The title says so if samples are of a
 * part of that life only. Nothing if nothing was sampled.
 */
void threadtext_put(const struct view *v, FILE *out);

/* The end of such a line: its name, its number, and of several its process. */
void threadtext_put_name(const struct view *v, FILE *out,
			 const struct thread *t);

#endif
