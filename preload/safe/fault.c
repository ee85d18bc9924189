/* SPDX-License-Identifier: MIT */
/*
 * SIGSEGV and SIGBUS. Three kinds: a guarded load (goes on at its fixup), a
 * store of ours into a log that somebody truncated or whose device is full
 * (gets memory to write into, and the log ends), and the host's own, which
 * must end as without us: same handler, status, core and si_addr.
 */
#define _GNU_SOURCE
#include "safe/signals.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "safe/chunk.h"
#include "safe/guard.h"
#include "safe/mask.h"
#include "safe/state.h"
#include "safe/sys.h"

/*
 * The host's action for each of our signals, twice: a writer fills the one
 * that is not current and then makes it so, and a handler in between reads the
 * old one.
 */
static struct {
	struct sigaction action[2];
	_Atomic int current;
} hosts[3];

static int host_index(int number)
{
	return number == SIGSEGV ? 0 : number == SIGBUS ? 1 : 2;
}

bool signals_is_fault(int number)
{
	return number == SIGSEGV || number == SIGBUS;
}

void signals_set_host(int number, const struct sigaction *action)
{
	int i = host_index(number);
	int next =
		!atomic_load_explicit(&hosts[i].current, memory_order_acquire);

	hosts[i].action[next] = *action;
	/* publishes the action to handlers */
	atomic_store_explicit(&hosts[i].current, next, memory_order_release);
}

void signals_get_host(int number, struct sigaction *action)
{
	int i = host_index(number);

	*action = hosts[i].action[atomic_load_explicit(&hosts[i].current,
						       memory_order_acquire)];
}

/* The kernel's default, for good; no restorer is needed for that. */
static void set_default(int number)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		uint64_t mask;
	} action = { SIG_DFL, 0, NULL, 0 };

	sys_call(SYS_rt_sigaction, number, &action, NULL, MASK_BYTES);
}

void signals_send_again(int number, siginfo_t *info)
{
	if (info->si_code == SI_TKILL)
		sys_call(SYS_rt_tgsigqueueinfo, sys_getpid(), sys_gettid(),
			 number, info);
	else if (sys_call(SYS_rt_sigqueueinfo, sys_getpid(), number, info, 0))
		/* only the main thread may say whom it was from */
		sys_call(SYS_kill, sys_getpid(), number, 0, 0);
}

/*
 * The default action. A fault comes again by itself when the instruction is
 * run again; a signal that somebody sent must be sent again.
 */
static void serve_default(int number, siginfo_t *info)
{
	set_default(number);
	if (info->si_code <= 0 || !signals_is_fault(number))
		signals_send_again(number, info);
}

/* The mask that the host's handler would run with, and its reset. */
static void prepare_host(int number, const ucontext_t *context,
			 const struct sigaction *action)
{
	sigset_t mask = context->uc_sigmask;
	struct sigaction once = { .sa_handler = SIG_DFL };

	for (int i = 1; i < NSIG; i++)
		if (sigismember(&action->sa_mask, i) == 1)
			sigaddset(&mask, i);
	if (!(action->sa_flags & SA_NODEFER))
		sigaddset(&mask, number);
	if (action->sa_flags & (int)SA_RESETHAND)
		signals_set_host(number, &once);
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, MASK_BYTES);
}

signals_handler *signals_serve_host(int number, siginfo_t *info, void *context)
{
	struct sigaction action;

	signals_get_host(number, &action);
	if (action.sa_handler == SIG_IGN) {
		/* the kernel does not let a fault be ignored */
		if (signals_is_fault(number) && info->si_code > 0)
			serve_default(number, info);
		return NULL;
	}
	if (action.sa_handler == SIG_DFL) {
		serve_default(number, info);
		return NULL;
	}
	prepare_host(number, context, &action);
	/* the two members are one; a plain handler ignores the rest */
	return action.sa_sigaction;
}

static bool mend_load(ucontext_t *context)
{
	greg_t *pc = &context->uc_mcontext.gregs[REG_RIP];

	if (*pc != (greg_t)guard_instruction)
		return false;
	*pc = (greg_t)guard_fixup;
	return true;
}

/*
 * Put private memory where the log has gone, so that the store succeeds. Only
 * code of ours has addresses there.
 */
static bool mend_store(uintptr_t address)
{
	uintptr_t page = address & ~(uintptr_t)(PP_PAGE - 1);

	if (!state || !state->header || !chunk_is_log(address))
		return false;
	chunk_stop_growth(PP_ENDED_FAILED);
	return sys_mmap((void *)page, PP_PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != NULL;
}

void signals_on_fault(int number, siginfo_t *info, void *context)
{
	signals_handler *host;

	if (info->si_code > 0 &&
	    (mend_load(context) || mend_store((uintptr_t)info->si_addr)))
		return;
	host = signals_serve_host(number, info, context);
	/* a jump, so that the host's stack traces do not show us */
	if (host)
		host(number, info, context);
}
