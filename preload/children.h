/* SPDX-License-Identifier: MIT */
/*
 * The children that this process makes, as its log tells of them: which thread
 * made which, and where. A thread of the host's, not in a handler, which has
 * the sampling signal as the host has it.
 */
#ifndef CHILDREN_H
#define CHILDREN_H

#include <stdint.h>
#include <sys/types.h>

/* The instant at which a child is about to be made; 0 if nothing is logged. */
uint64_t children_time(void);

/*
 * The calling thread has made a child, at an instant of children_time(), and
 * still is where it did. A pid that is none (-1, 0) is passed over.
 */
void children_made(pid_t pid, uint64_t time_ns);

/*
 * The calling process was made by vfork() and is about to become another
 * program. Its parent's thread, whose memory this is, is told; it writes the
 * record in children_look(), once it goes on, if it does so before it has left
 * the place.
 */
void children_made_by_vfork(void);
void children_look(void);

#endif
