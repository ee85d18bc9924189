/* SPDX-License-Identifier: MIT */
/*
 * The log's descriptor. It lies among the host's, who may close it (all that
 * it did not open, when it becomes a daemon) and open a file of its own under
 * our number: so whoever wants it asks here each time. Not wiped in a forked
 * child, which must close what it inherited.
 */
#ifndef SAFE_LOGFILE_H
#define SAFE_LOGFILE_H

#include <sys/stat.h>

/*
 * This is it: its number, what fstat() says of it, and its absolute path,
 * which is borrowed for good. Not in a handler.
 */
void logfile_set(int fd, const struct stat *st, const char *path);

/*
 * Its number, or -1 if it cannot be had: opened again by its path if the
 * number is no longer our file. Handler, any thread.
 */
int logfile_fd(void);

/*
 * The same for the ticker, whose file table is its own: the number that it
 * inherited, or the log opened there. Keeps what the host's threads know.
 */
int logfile_fd_apart(void);

/* Close it, in a child that writes another log or none. */
void logfile_close(void);

/* Move a descriptor out of the way of the host's own. Handler, any thread. */
int logfile_move_high(int fd);

#endif
