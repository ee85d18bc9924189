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

/*
 * The set of signals that a host really waits for, perhaps made in *ours. One
 * that has our signal among others is "all"; one that has nothing else means
 * it, and gets it, as does a thread for which one of the host's is pending.
 */
const sigset_t *handlers_waited_for(const sigset_t *set, sigset_t *ours);

/*
 * Is one of the host's own pending for the calling thread, which believes our
 * signal blocked?
 */
bool handlers_owe_one(void);

/*
 * Around a call that starts a program: what a program inherits is as the host
 * believes it, the calling thread's mask (unless the child gets another) and
 * the sampling signal if it is to be ignored. Any thread, also one without us.
 */
struct revealed {
	int number; /* 0: nothing was to be done */
	bool blocked, ignored;
};
void handlers_reveal(struct revealed *r, bool mask, bool ignored);
void handlers_conceal(const struct revealed *r);

/*
 * The process is about to become another program and has no log: a child, also
 * of vfork(). What the host ignores is ignored by that program.
 */
void handlers_exec_child(void);

/* An action that was read from the kernel, as the host has it. */
void handlers_as_host(int number, struct sigaction *action);

/* Is the handler of this signal ours now? */
bool handlers_has_sampling(int number);
bool handlers_has_fault(int number);

/* Is an action a function, neither the default nor to be ignored? */
bool handlers_is_handler(const struct sigaction *action);

#endif
