/* SPDX-License-Identifier: MIT */
/*
 * Recording switched on and off while the program runs, and requests from
 * outside: struct pp_control, a part of the log's header page, which whoever
 * may write the log may write, too. What is read there is checked.
 *
 * Off is state->begin_ns == CONTROL_OFF: nothing is written then, and the
 * clocks rest. A thread's timer is stopped by its first sample that finds
 * recording off; the ticker looks at nobody. Switching on wakes them, and
 * notes each thread's clocks, from which its account goes on.
 */
#ifndef SAFE_CONTROL_H
#define SAFE_CONTROL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "safe/thread.h"

#define CONTROL_OFF UINT64_MAX

/* How long the ticker rests at a time while recording is off. */
#define CONTROL_REST_NS 100000000u

/*
 * The log of this process is new, and recording is wanted from begin to end:
 * say so in its page, and listen. Not in a handler.
 */
void control_begin(uint64_t begin_ns, uint64_t end_ns);

/*
 * Switch recording on or off, while the process is armed. On is at once, for
 * the duration that was asked for; off is until it is switched on. Handler,
 * any thread.
 */
void control_switch(bool on);

/* Does nothing want samples, now and until recording is switched on? */
bool control_is_resting(uint64_t now_ns);

/* The sample of a resting process: its clock need not come again. */
void control_rest(struct thread *t);

/* Is a sampling signal a request, or what one makes us send? */
bool control_sent(const siginfo_t *info);

/*
 * The sampling signal, not from one of our clocks. Is it a request? It has
 * been served then.
 */
bool control_take(const siginfo_t *info, const void *context);

/*
 * The thread whose log was written just now has not answered a request for its
 * stack: it is sent one more signal. Any context of that thread.
 */
void control_ask_again(struct thread *t);

/* The handler of the toggle signal. */
void control_on_toggle(int number, siginfo_t *info, void *context);

#endif
