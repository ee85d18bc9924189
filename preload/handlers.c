/* SPDX-License-Identifier: MIT */
/*
 * Our three signal handlers in the host's process. See handlers.h.
 */
#include "handlers.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control.h"
#include "engine.h"
#include "msg.h"
#include "procfile.h"
#include "real.h"
#include "safe/clock.h"
#include "safe/control.h"
#include "safe/mask.h"
#include "safe/signals.h"
#include "safe/state.h"
#include "safe/target.h"
#include "safe/thread.h"

/*
 * For so long a thread is waited for that has one of our signals coming, as it
 * may want a processor; so many looks, of 100 us, show that it blocks it.
 */
#define SETTLE_NS     2000000000u
#define BLOCKED_LOOKS 200

static const int faults[] = { SIGSEGV, SIGBUS };

static struct {
	bool installed;
} g;

/* Every signal but those that an instruction of ours may raise. */
static void fill_mask(sigset_t *mask)
{
	static const int open[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE,
				    SIGTRAP, SIGSYS, SIGABRT };

	sigfillset(mask);
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		sigdelset(mask, open[i]);
}

static bool install_sampling(int number)
{
	struct sigaction ours = { .sa_sigaction = signals_on_sample,
				  .sa_flags = SA_SIGINFO | SA_RESTART |
					      SA_ONSTACK };

	fill_mask(&ours.sa_mask);
	return real()->sigaction(number, &ours, NULL) == 0;
}

static bool install_fault(int number)
{
	struct sigaction ours = { .sa_sigaction = signals_on_fault,
				  .sa_flags = SA_SIGINFO | SA_ONSTACK |
					      SA_NODEFER },
			 host;

	if (real()->sigaction(number, NULL, &host) < 0)
		return false;
	signals_set_host(number, &host);
	return real()->sigaction(number, &ours, NULL) == 0;
}

bool handlers_is_handler(const struct sigaction *action)
{
	return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* A real-time signal that nobody handles, or 0. */
static int free_signal(void)
{
	struct sigaction action;

	for (int number = SIGRTMAX - 1; number >= SIGRTMIN; number--)
		if (number != target.settings.toggle &&
		    real()->sigaction(number, NULL, &action) == 0 &&
		    action.sa_handler == SIG_DFL)
			return number;
	return 0;
}

int handlers_install(void)
{
	struct sigaction host;
	int number = target.settings.signal;

	if (real()->sigaction(number, NULL, &host) == 0 &&
	    handlers_is_handler(&host)) {
		/* taken before we came: ours is another */
		number = free_signal();
		memset(&host, 0, sizeof(host));
	}
	signals_set_host(number, &host);
	target.settings.signal = number;
	engine_suit_signal();
	if (!number || !install_sampling(number)) {
		msg_line("no signal is free", "; the program runs unprofiled",
			 NULL);
		return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (!install_fault(faults[i]))
			return -1;
	control_install();
	g.installed = true;
	return 0;
}

void handlers_remove(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, host;
	int number = target.settings.signal;

	control_remove();
	/* ignoring it throws away what is pending */
	real()->sigaction(number, &ignore, NULL);
	signals_get_host(number, &host);
	real()->sigaction(number, &host, NULL);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		signals_get_host(faults[i], &host);
		real()->sigaction(faults[i], &host, NULL);
	}
	g.installed = false;
}

bool handlers_has_sampling(int number)
{
	return g.installed && number == target.settings.signal;
}

bool handlers_has_fault(int number)
{
	return g.installed && signals_is_fault(number);
}

static bool is_ours(const struct sigaction *action)
{
	return action->sa_flags & SA_SIGINFO &&
	       (action->sa_sigaction == signals_on_sample ||
		action->sa_sigaction == signals_on_fault);
}

void handlers_as_host(int number, struct sigaction *action)
{
	if (is_ours(action))
		signals_get_host(number, action);
}

/* Ignore one in the kernel if the host does and we have a handler there. */
static bool ignore_as_host(int number)
{
	struct sigaction now;

	if (real()->sigaction(number, NULL, &now) < 0 || !is_ours(&now))
		return false;
	signals_get_host(number, &now);
	return now.sa_handler == SIG_IGN &&
	       real()->sigaction(number, &now, NULL) == 0;
}

void handlers_exec_child(void)
{
	if (!g.installed)
		return;
	ignore_as_host(target.settings.signal);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		ignore_as_host(faults[i]);
}

void handlers_reveal(struct revealed *r, bool mask, bool ignored)
{
	struct thread *t = state_is_armed() ? thread_self() : NULL;
	int number = target.settings.signal;

	*r = (struct revealed){ 0 };
	if (!handlers_has_sampling(number) || state_is_borrowed())
		return;
	r->number = number;
	r->ignored = ignored && ignore_as_host(number);
	if (mask && t && atomic_load(&t->host_blocks))
		r->blocked = !(mask_block(mask_of(number)) & mask_of(number));
}

void handlers_conceal(const struct revealed *r)
{
	if (r->ignored && handlers_has_sampling(r->number))
		(void)!install_sampling(r->number);
	if (r->blocked)
		mask_unblock(mask_of(r->number));
}

/* What /proc says of a thread and a signal; neither, if it says nothing. */
struct seen {
	bool blocked, pending;
};

static bool is_in(const char *status, const char *name, int number)
{
	const char *at = strstr(status, name);

	return at && strtoull(at + strlen(name), NULL, 16) & mask_of(number);
}

static struct seen see(int tid, int number)
{
	char status[4096];

	(void)procfile_read(PROCFILE_TASKS, tid, "status", status,
			    sizeof(status));
	return (struct seen){ is_in(status, "SigBlk:\t", number),
			      is_in(status, "SigPnd:\t", number) };
}

/*
 * A thread that blocks the signal has one pending: may that be ours? The ticker
 * notes what it sends, and no timer is quicker than half a tick of the
 * kernel's.
 */
static bool may_be_ours(const struct thread *t, int tid)
{
	uint64_t cpu = clock_read(clock_of_thread(tid));

	return atomic_load(&t->signalled) ||
	       cpu >= atomic_load(&t->sampled_cpu) + target.tick_ns / 2;
}

/*
 * No clock sends the signal any more: wait until none is on its way to a
 * thread, and if its host believes it blocked, have it blocked there. It is
 * told to, once, when none is pending: of these there is one at a time, and the
 * word would be lost. Returns whether one of ours may be left there.
 */
static bool settle(struct thread *t, int tid, int number)
{
	const struct timespec little = { 0, 100000 };
	uint64_t until_ns = clock_now() + SETTLE_NS;
	bool told = false;
	int looks = 0;

	while (clock_now() < until_ns) {
		bool pretends = atomic_load(&t->host_blocks) &&
				!atomic_load(&t->really_blocks);
		struct seen s = see(tid, number);

		if (!pretends && !s.pending)
			return false;
		/* longer than a handler takes: it is blocked for good */
		if (s.blocked && s.pending && ++looks > BLOCKED_LOOKS)
			return told || may_be_ours(t, tid);
		if (pretends && !told && !s.pending) {
			if (signals_send(tid, number, &signals_block_cookie))
				return false; /* it is no more */
			told = true;
		}
		sys_call(SYS_nanosleep, &little, NULL, 0, 0);
	}
	return true;
}

/*
 * The same for all threads. Returns whether what is pending must be thrown
 * away: some of it may be ours; or nothing of it can be the host's.
 */
static bool settle_all(int number)
{
	uint32_t n = state_is_armed() ? thread_slots() : 0;
	bool ours = false, blocked = false;

	for (uint32_t i = 0; i < n; i++) {
		struct thread *t = thread_at(i);
		int tid = t ? atomic_load(&t->tid) : 0;

		if (tid <= 0)
			continue;
		blocked |= atomic_load(&t->host_blocks) != 0;
		if (t != thread_self())
			ours |= settle(t, tid, number);
		else if (atomic_load(&t->host_blocks))
			mask_block(mask_of(number));
		/* of the signal that sampling moves to, neither is so */
		atomic_store(&t->host_blocks, 0);
		atomic_store(&t->really_blocks, 0);
	}
	return ours || !blocked;
}

/* How many signals of the host's own are put back; more are not kept. */
#define KEPT_MOST 16

static bool is_from_us(const siginfo_t *info)
{
	if (info->si_code == SI_KERNEL)
		return target.engine == PP_ENGINE_ITIMER;
	return control_sent(info) ||
	       ((info->si_code == SI_TIMER || info->si_code == SI_QUEUE) &&
		(info->si_value.sival_ptr == &signals_cookie ||
		 info->si_value.sival_ptr == &signals_block_cookie));
}

/* What others sent of a signal and is pending, which it then is no more. */
static size_t take_pending(int number, siginfo_t kept[KEPT_MOST])
{
	struct timespec none = { 0, 0 };
	siginfo_t info;
	size_t n = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	while (n < KEPT_MOST &&
	       real()->sigtimedwait(&set, &info, &none) == number)
		if (!is_from_us(&info))
			kept[n++] = info;
	return n;
}

/*
 * The signal is the host's from here on, as it set it. One of ours that is left
 * somewhere would be a signal from nowhere to the host, which kills: then all
 * queues are emptied, but for what can be kept.
 */
static void give_back(int number, bool empty_queues)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, host;
	siginfo_t kept[KEPT_MOST];
	size_t n = take_pending(number, kept);

	signals_get_host(number, &host);
	if (empty_queues)
		real()->sigaction(number, &ignore, NULL);
	real()->sigaction(number, &host, NULL);
	for (size_t i = 0; i < n; i++)
		signals_send_again(number, &kept[i]);
}

void handlers_move(void)
{
	struct sigaction none = { .sa_handler = SIG_DFL };
	int old = target.settings.signal, number = free_signal();
	bool armed = state_is_armed();

	if (armed)
		engine_stop();
	give_back(old, settle_all(old));
	if (!number || !install_sampling(number)) {
		msg_line("the program takes the sampling signal and no other "
			 "is free; sampling has ended",
			 NULL, NULL);
		g.installed = false;
		return;
	}
	signals_set_host(number, &none);
	target.settings.signal = number;
	engine_suit_signal();
	if (armed) {
		state->header->signal = (uint32_t)number;
		state->header->engine = (uint32_t)target.engine;
		engine_start();
	}
}

static bool is_empty(const sigset_t *set)
{
	for (int i = 1; i < NSIG; i++)
		if (sigismember(set, i) == 1)
			return false;
	return true;
}

bool handlers_owe_one(void)
{
	const struct thread *t = state_is_armed() ? thread_self() : NULL;

	return t && atomic_load(&t->really_blocks);
}

const sigset_t *handlers_waited_for(const sigset_t *set, sigset_t *ours)
{
	int number = target.settings.signal;

	if (!handlers_has_sampling(number) || sigismember(set, number) != 1 ||
	    state_is_borrowed())
		return set;
	*ours = *set;
	sigdelset(ours, number);
	if (!is_empty(ours) && !handlers_owe_one())
		return ours;
	handlers_move();
	return set;
}
