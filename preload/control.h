/* SPDX-License-Identifier: MIT */
/*
 * The toggle signal: its handler in the host's process. Nothing here is
 * chained: a host that handles that signal itself, or ignores it, has it to
 * itself for good, which is said once. Any thread, not in a handler.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <signal.h>
#include <stdbool.h>

/*
 * Put the handler in place, if one was asked for and the signal is free, and
 * was so whenever we looked.
 */
void control_install(void);

/* Take it out. */
void control_remove(void);

/* Is it in place for this signal? */
bool control_has(int number);

/*
 * sigaction() of the host for a signal that control_has(). One that handles or
 * ignores it takes it from us; until then it sees the default there.
 */
int control_host_action(int number, const struct sigaction *action,
			struct sigaction *old);

#endif
