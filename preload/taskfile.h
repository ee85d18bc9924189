/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of a thread of this process: /proc/self/task/TID/NAME.
 * Any thread, not the handler; errno may change.
 */
#ifndef TASKFILE_H
#define TASKFILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The begin of such a file, as a string of less than `size` bytes. False if
 * there is nothing to read, and then it is empty.
 */
bool taskfile_read(int tid, const char *name, char *to, size_t size);

#endif
