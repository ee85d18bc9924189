/* SPDX-License-Identifier: MIT */
/*
 * The sampling signal. Runs in the interrupted thread, on its stack or its
 * alternate one, between any two of its instructions, with every signal but
 * the faults blocked. Leaves errno as it was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ucontext.h>

#include "safe/clock.h"
#include "safe/control.h"
#include "safe/engine.h"
#include "safe/mask.h"
#include "safe/sample.h"
#include "safe/signals.h"
#include "safe/state.h"
#include "safe/target.h"
#include "safe/thread.h"

char signals_cookie, signals_block_cookie;

/* A handler that took longer in wall time is asked for its CPU time. */
#define LONG_NS 20000u

/* The most ticks that one slow run leaves out. */
#define SKIP_MOST 1000u

long signals_send(int tid, int number, void *value)
{
	siginfo_t info;

	/* no library call: the ticker comes this way */
	for (size_t i = 0; i < sizeof(info); i++)
		((volatile char *)&info)[i] = 0;
	info.si_signo = number;
	info.si_code = SI_QUEUE;
	info.si_pid = sys_getpid();
	info.si_value.sival_ptr = value;
	return sys_call(SYS_rt_tgsigqueueinfo, info.si_pid, tid, number, &info);
}

/* Was it sent by one of our clocks? */
static bool is_ours(const siginfo_t *info)
{
	switch (info->si_code) {
	case SI_TIMER:
	case SI_QUEUE:
		return info->si_value.sival_ptr == &signals_cookie;
	case SI_KERNEL: /* setitimer */
		return target.engine == PP_ENGINE_ITIMER;
	case SI_USER: /* the kernel had no memory for the rest */
		return info->si_pid == 0;
	default:
		return false;
	}
}

static void keep_max(enum pp_counter which, uint64_t value)
{
	uint64_t *at = &state->header->counters[which];
	uint64_t seen = __atomic_load_n(at, __ATOMIC_RELAXED);

	while (value > seen &&
	       !__atomic_compare_exchange_n(at, &seen, value, true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/*
 * Account for the handler's own time. One that takes a quarter of the period
 * leaves out the next ticks, so that the program always gets on: at 20 kHz a
 * deep recursion would else spend its life in here.
 */
static void account(struct thread *t, uint64_t begin_ns, uint64_t cpu_ns)
{
	uint64_t spent = clock_now() - begin_ns;

	if (spent > LONG_NS) /* or was another thread given the processor? */
		spent = clock_read(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
	state_count(PP_COUNT_handler_ns, spent);
	keep_max(PP_COUNT_handler_max_ns, spent);
	if (spent > target.period_ns / 4) {
		uint64_t skip = spent * 4 / target.period_ns;

		t->skip = skip < SKIP_MOST ? (uint32_t)skip : SKIP_MOST;
	}
}

static void count_ticker(void)
{
	struct pp_header *h = state->header;

	h->counters[PP_COUNT_sent] =
		atomic_load_explicit(&state->ticker_sent, memory_order_relaxed);
	h->counters[PP_COUNT_own_cpu_ns] = atomic_load_explicit(
		&state->ticker_cpu_ns, memory_order_relaxed);
}

/* Is it a timer's that stands in for the ticker? */
static bool is_lent(const siginfo_t *info)
{
	return info->si_code == SI_TIMER && target.engine == PP_ENGINE_TICKER;
}

static void run(struct thread *t, uint64_t now_ns, const siginfo_t *info,
		const ucontext_t *context)
{
	uint64_t cpu_ns;

	state_count(PP_COUNT_entries, 1);
	count_ticker();
	if (info->si_code == SI_TIMER && info->si_overrun > 0)
		state_count(PP_COUNT_overruns, (uint64_t)info->si_overrun);
	if (is_lent(info))
		state_count(PP_COUNT_lent, 1);
	atomic_store_explicit(&t->signalled, 0, memory_order_relaxed);
	if (t->skip) {
		t->skip--;
		state_count(PP_COUNT_throttled, 1);
		return;
	}
	cpu_ns = clock_read(CLOCK_THREAD_CPUTIME_ID);
	sample_take(t, now_ns, cpu_ns,
		    (uintptr_t)context->uc_mcontext.gregs[REG_RIP]);
	/* tells the ticker from where to count */
	atomic_store_explicit(&t->sampled_cpu, cpu_ns, memory_order_relaxed);
	account(t, now_ns, cpu_ns);
}

/*
 * What a sample raises and mends must come through, also in a thread whose
 * host has blocked it; returning from the handler restores the host's mask.
 */
static void let_faults_through(const ucontext_t *context)
{
	if (sigismember(&context->uc_sigmask, SIGSEGV) == 1 ||
	    sigismember(&context->uc_sigmask, SIGBUS) == 1)
		mask_unblock(MASK_FAULTS);
}

static void sample(const siginfo_t *info, const ucontext_t *context)
{
	uint64_t now_ns = clock_now();
	struct thread *t = thread_self_or_found(now_ns);

	if (!t) {
		state_count(PP_COUNT_entries, 1);
		state_count_lost(PP_LOST_nothread);
		return;
	}
	/* setitimer's signal comes to any thread */
	if (target.settings.main_thread_only && t->kind != PP_THREAD_MAIN)
		return;
	/* it came between two instructions of ours that write the same log */
	if (atomic_load_explicit(&t->busy, memory_order_relaxed)) {
		state_count(PP_COUNT_entries, 1);
		if (is_lent(info))
			state_count(PP_COUNT_lent, 1);
		state_count(PP_COUNT_throttled, 1);
		atomic_store_explicit(&t->signalled, 0, memory_order_relaxed);
		return;
	}
	if (!thread_enter(t))
		return;
	run(t, now_ns, info, context);
	engine_in_handler(t, now_ns);
	thread_leave(t);
}

/*
 * Somebody else sent the sampling signal. If the host believes it blocked, it
 * must stay pending: block it for good in this thread, which is then sampled
 * no more until the host unblocks it.
 */
static void serve_other(int number, siginfo_t *info, ucontext_t *context)
{
	struct thread *t = thread_self();
	signals_handler *host;

	if (t && info->si_code == SI_QUEUE &&
	    info->si_value.sival_ptr == &signals_block_cookie) {
		sigaddset(&context->uc_sigmask, number);
		/* tells handlers_move(), which waits for it */
		atomic_store_explicit(&t->host_blocks, 0, memory_order_release);
		return;
	}
	if (t && atomic_load_explicit(&t->host_blocks, memory_order_relaxed)) {
		sigaddset(&context->uc_sigmask, number);
		atomic_store_explicit(&t->really_blocks, 1,
				      memory_order_relaxed);
		signals_send_again(number, info);
		return;
	}
	host = signals_serve_host(number, info, context);
	if (host)
		host(number, info, context);
}

void signals_on_sample(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	if (control_take(info, context))
		;
	else if (!is_ours(info))
		serve_other(number, info, context);
	else if (state_is_armed()) {
		let_faults_through(context);
		sample(info, context);
	}
	errno = saved;
}
