/* SPDX-License-Identifier: MIT */
/*
 * Signals as the host sees them. Our handlers stay in place for the two faults
 * and the sampling signal; what the host sets for the faults is kept and
 * served. A host that wants the sampling signal for itself gets it: sampling
 * moves to a free real-time signal. Masks are passed on without our signal and
 * read back with it.
 */
#include <errno.h>
#include <string.h>

#include "children.h"
#include "control.h"
#include "engine.h"
#include "handlers.h"
#include "pyprof/compiler.h"
#include "real.h"
#include "safe/signals.h"
#include "safe/state.h"
#include "safe/target.h"
#include "safe/thread.h"
#include "trace.h"

/* -- sigaction, signal --------------------------------------------------- */

/* The action of a signal of ours, as the host has it. */
static int host_action(int number, const struct sigaction *action,
		       struct sigaction *old)
{
	struct sigaction before;

	signals_get_host(number, &before);
	if (action && handlers_has_sampling(number) &&
	    handlers_is_handler(action)) {
		handlers_move();
		real()->sigaction(number, action, NULL);
	} else if (action) {
		signals_set_host(number, action);
	}
	if (old)
		*old = before;
	return 0;
}

/* Is a signal's action kept by us, and this process the one it is kept for? */
static bool is_kept(int number)
{
	return (handlers_has_sampling(number) || handlers_has_fault(number)) &&
	       !state_is_borrowed();
}

PP_EXPORT int sigaction(int number, const struct sigaction *action,
			struct sigaction *old)
{
	int ret;

	if (is_kept(number))
		return host_action(number, action, old);
	if (control_has(number) && !state_is_borrowed())
		return control_host_action(number, action, old);
	ret = real()->sigaction(number, action, old);
	/* a child that was not told of us */
	if (ret == 0 && old)
		handlers_as_host(number, old);
	return ret;
}

PP_EXPORT sighandler_t signal(int number, sighandler_t handler)
{
	struct sigaction action = { .sa_handler = handler,
				    .sa_flags = SA_RESTART },
			 old;

	sigaddset(&action.sa_mask, number);
	if (is_kept(number))
		host_action(number, &action, &old);
	else if (control_has(number) && !state_is_borrowed())
		control_host_action(number, &action, &old);
	else if (handlers_has_sampling(number) || handlers_has_fault(number))
		/* a child that was not told of us */
		(void)!sigaction(number, &action, &old);
	else
		return real()->signal(number, handler);
	return old.sa_handler;
}

/* -- masks --------------------------------------------------------------- */

typedef int mask_function(int how, const sigset_t *set, sigset_t *old);

/* Whether the thread blocks faults after this change, as far as is seen. */
static void note_faults(struct thread *t, int how, const sigset_t *set)
{
	bool segv = sigismember(set, SIGSEGV) == 1;
	bool bus = sigismember(set, SIGBUS) == 1;

	if (how == SIG_SETMASK || (how == SIG_BLOCK && (segv || bus)))
		atomic_store(&t->blocks_faults, segv || bus);
	else if (how == SIG_UNBLOCK && segv && bus)
		atomic_store(&t->blocks_faults, 0);
	trace_note_faults(t);
}

/* A mask without our signal; what the host believes is kept and shown. */
static int change_mask(mask_function *libc, int how, const sigset_t *set,
		       sigset_t *old)
{
	struct thread *t = state_is_armed() ? thread_self() : NULL;
	int number = target.settings.signal, ret;
	bool before, named;
	sigset_t ours;

	if (t && t->made_pid)
		children_look();
	if (!t || !handlers_has_sampling(number))
		return libc(how, set, old);
	if (set && state_is_borrowed())
		return libc(how, set, old);
	before = atomic_load(&t->host_blocks);
	named = set && sigismember(set, number) == 1;
	if (set) {
		ours = *set;
		if (how != SIG_UNBLOCK)
			sigdelset(&ours, number);
	}
	ret = libc(how, set ? &ours : NULL, old);
	if (ret != 0)
		return ret;
	if (set)
		note_faults(t, how, set);
	if (set && (named || how == SIG_SETMASK))
		atomic_store(&t->host_blocks, named && how != SIG_UNBLOCK);
	/* libc was given a mask without our signal, or told to unblock it */
	if (set && (how == SIG_SETMASK || (named && how == SIG_UNBLOCK)))
		atomic_store(&t->really_blocks, 0);
	if (old && before)
		sigaddset(old, number);
	return ret;
}

PP_EXPORT int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return change_mask(real()->sigprocmask, how, set, old);
}

PP_EXPORT int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	return change_mask(real()->pthread_sigmask, how, set, old);
}

/* -- waiting for signals ------------------------------------------------- */

/* One of the host's own that comes meanwhile ends up pending: wait again. */
static int wait_for(const sigset_t *set, siginfo_t *info,
		    const struct timespec *timeout)
{
	const sigset_t *waited;
	sigset_t ours;
	int number;

	do {
		waited = handlers_waited_for(set, &ours);
		number = real()->sigtimedwait(waited, info, timeout);
	} while (number < 0 && errno == EINTR && waited != set &&
		 handlers_owe_one());
	return number;
}

PP_EXPORT int sigwait(const sigset_t *set, int *number)
{
	int saved = errno, got, ret = 0;

	do
		got = wait_for(set, NULL, NULL);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		ret = errno;
	else
		*number = got;
	errno = saved;
	return ret;
}

PP_EXPORT int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
	return wait_for(set, info, NULL);
}

PP_EXPORT int sigtimedwait(const sigset_t *set, siginfo_t *info,
			   const struct timespec *timeout)
{
	return wait_for(set, info, timeout);
}

/* -- setitimer ----------------------------------------------------------- */

static bool is_our_itimer(__itimer_which_t which)
{
	return which == ITIMER_PROF && state_is_armed() &&
	       target.engine == PP_ENGINE_ITIMER && !state_is_borrowed();
}

PP_EXPORT int setitimer(__itimer_which_t which, const struct itimerval *value,
			struct itimerval *old)
{
	if (is_our_itimer(which)) {
		/* the one clock that a process has only once */
		engine_stop();
		target.engine = PP_ENGINE_TIMER;
		state->header->engine = PP_ENGINE_TIMER;
		engine_start();
	}
	return real()->setitimer(which, value, old);
}

PP_EXPORT int getitimer(__itimer_which_t which, struct itimerval *value)
{
	if (!is_our_itimer(which))
		return real()->getitimer(which, value);
	memset(value, 0, sizeof(*value));
	return 0;
}
