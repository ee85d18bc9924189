/* SPDX-License-Identifier: MIT */
/*
 * Our three signal handlers: put in place, taken out, moved to another signal
 * when the host wants the sampling signal for itself. What the host has there
 * is kept, see safe/signals.h. Any thread, not in a handler.
 */
#ifndef HANDLERS_H
#define HANDLERS_H

#include <signal.h>
#include <stdbool.h>

#include "pyprof/compiler.h"

/*
 * Install them. A host that has a handler for the sampling signal keeps it and
 * another signal is used. Returns -1 after one line if none is free.
 */
int handlers_install(void) PP_MUST_CHECK;

/* Give the host's back, and throw away what is pending of ours. */
void handlers_remove(void);

/* Leave the sampling signal to the host and sample with another. */
void handlers_move(void);

/* Is the handler of this signal ours now? */
bool handlers_has_sampling(int number);
bool handlers_has_fault(int number);

/* Is an action a function, neither the default nor to be ignored? */
bool handlers_is_handler(const struct sigaction *action);

#endif
