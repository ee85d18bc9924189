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
 * From here on only this process says its lines, and those that it makes are
 * silent. Until then, and with 0, all do.
 */
void msg_speaker(pid_t pid);

/*
 * Write "pyprof: a b c", the strings that are not NULL, as one line. Nothing
 * is written if stderr was closed at start or is another file now, or by a
 * process that is to be silent.
 */
void msg_line(const char *a, const char *b, const char *c);

/* Was stderr a terminal at start, and is it still that? */
int msg_is_terminal(void);

#endif
