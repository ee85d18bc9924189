/* SPDX-License-Identifier: MIT */
/*
 * Where a child process was made: the FORK record. The calling thread, with
 * the sampling signal blocked.
 */
#ifndef SAFE_SITE_H
#define SAFE_SITE_H

#include <stdint.h>

#include "pyprof/compiler.h"
#include "safe/thread.h"

/*
 * Write that the calling thread, whose block is t, made the child `pid` at
 * `time_ns` on the stack that it is on now. A stack that cannot be read is
 * left out. Returns 0, or -1 if there is no room.
 */
int site_write(struct thread *t, int pid, uint64_t time_ns) PP_MUST_CHECK;

#endif
