/* SPDX-License-Identifier: MIT */
/*
 * The signals that pyprof handles in a stranger's process: the sampling signal
 * and the two faults. What the host itself wants of the faults is kept here
 * and served. Any context.
 */
#ifndef SAFE_SIGNALS_H
#define SAFE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

#include "pyprof/compiler.h"

/*
 * Values of signals of ours: one that a clock sent; and one that tells a
 * thread to block the sampling signal for good, because the host believes it
 * blocked and sampling moves to another.
 */
extern char signals_cookie, signals_block_cookie;

/* Send the sampling signal to a thread of this process, with a value. */
long signals_send(int tid, int number, void *value);

/* Handlers, to be installed with SA_SIGINFO. */
void signals_on_sample(int number, siginfo_t *info, void *context);
void signals_on_fault(int number, siginfo_t *info, void *context);

/* SIGSEGV or SIGBUS? */
bool signals_is_fault(int number);

/*
 * What the host wants done on a fault, or on the sampling signal when it is
 * not from us; set before our handler is installed.
 */
void signals_set_host(int number, const struct sigaction *action);
void signals_get_host(int number, struct sigaction *action);

typedef void signals_handler(int number, siginfo_t *info, void *context);

/*
 * Let a signal that was none of ours do to the host what it would have done
 * without us, with the same siginfo. Returns the host's handler, which must be
 * called now, with the same arguments; or NULL: the interrupted code then goes
 * on, or dies as it would have.
 */
signals_handler *signals_serve_host(int number, siginfo_t *info,
				    void *context) PP_MUST_CHECK;

/*
 * Send a signal once more, as it came: to the calling thread if it was sent to
 * a thread, else to the process. Of a standard signal that is pending for a
 * thread there is no second one: it could be lost there behind a tick of ours.
 */
void signals_send_again(int number, siginfo_t *info);

#endif
