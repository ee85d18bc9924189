/* SPDX-License-Identifier: MIT */
/*
 * Threads of the process: who gets a block, when its account opens and closes.
 * Any thread, not in a handler.
 */
#ifndef THREADS_H
#define THREADS_H

#include <stdbool.h>

#include "pyprof/compiler.h"
#include "safe/thread.h"

/* Once, before anything is armed. Returns -1 if there is no key left. */
int threads_init(void) PP_MUST_CHECK;

/* A block for the calling thread, and for those that lived before us. */
struct thread *threads_adopt_self(enum pp_thread_kind kind) PP_MUST_CHECK;
void threads_adopt_others(void);

/* The calling thread was just created: open its account, by this name. */
void threads_begin(const char *name);

/* Does no other thread live that has a block? */
bool threads_alone(struct thread *self);

/* Wait, for a bounded time, until no other thread is in the handler. */
void threads_wait_idle(struct thread *self);

#endif
