/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of a process or thread: PROCFILE_TASKS TID "/" NAME and
 * the like. Any thread, not the handler; errno may change.
 */
#ifndef PROCFILE_H
#define PROCFILE_H

#include <stdbool.h>
#include <stddef.h>

#define PROCFILE_TASKS	   "/proc/self/task/" /* threads of this process */
#define PROCFILE_PROCESSES "/proc/"

/*
 * The begin of such a file, as a string of less than `size` bytes. False if
 * there is nothing to read, and then it is empty.
 */
bool procfile_read(const char *folder, int number, const char *name, char *to,
		   size_t size);

#endif
