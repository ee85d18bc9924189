/* SPDX-License-Identifier: MIT */
/*
 * What threads are called: THREAD_NAME records, written as soon as a name is
 * known, so that they outlive a kill. No Python code runs for it.
 *
 * A thread of Python's gets the name of its threading.Thread when it is made;
 * one that it takes later is seen when it makes a thread itself and, from
 * Python 3.14 on, at once, cut to the 15 bytes that the system is told. Others
 * have what pthread_setname_np() gives them.
 */
#ifndef THREAD_NAMES_H
#define THREAD_NAMES_H

#include <pthread.h>
#include <stdbool.h>

#include "safe/thread.h"

#define THREAD_NAMES_BYTES 64 /* longer names are cut */

/*
 * A thread is about to be made that begins with this argument: if that is how
 * CPython begins a threading.Thread, put its name into `name`. If the calling
 * thread has the GIL, its own name is looked at, too.
 */
void thread_names_of_start(const void *argument, char name[THREAD_NAMES_BYTES]);

/* Write the name of a thread, "": none, if it is new. Any thread. */
void thread_names_set(struct thread *t, const char *name);

/* The same for what the system calls a thread. */
void thread_names_set_by_system(pthread_t id, const char *name);

/* And for one that we found: what /proc says, if the process is not so called.
 */
void thread_names_find(struct thread *t, int tid);

#endif
