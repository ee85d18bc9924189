/* SPDX-License-Identifier: MIT */
/*
 * The one line that pyprof may say in a stranger's process, on stderr. Not in
 * a handler.
 */
#ifndef MSG_H
#define MSG_H

#include <sys/types.h>

/* Remember what file stderr is, before the program can change it. */
void msg_init(void);

/*
 * Write "pyprof: a b c", the strings that are not NULL, as one line. Nothing
 * is written if stderr was closed at start or is another file now.
 */
void msg_line(const char *a, const char *b, const char *c);

/*
 * The same for what each process that this one makes would say again: only the
 * process that was named does, or all if that is 0.
 */
void msg_line_first(const char *a, const char *b, const char *c);
void msg_first(pid_t pid);

/* Was stderr a terminal at start, and is it still that? */
int msg_is_terminal(void);

#endif
