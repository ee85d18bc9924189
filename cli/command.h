/* SPDX-License-Identifier: MIT */
/* Words for what a process was: its command line, its sampling engine. */
#ifndef COMMAND_H
#define COMMAND_H

#include "model.h"
#include "util/text.h"

/* The command line, quoted as for a shell; "?" if the log has none. */
void command_add(const struct process *p, struct text *to);

/* As --engine and --mode name it; "?" for a number of a newer pyprof. */
const char *engine_name(unsigned engine);
const char *mode_name(unsigned mode);

/* As --trace names it; NULL for none. */
const char *trace_name(unsigned trace);

#endif
