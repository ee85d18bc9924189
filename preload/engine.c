/* SPDX-License-Identifier: MIT */
/*
 * The sampling clock of the process. Three engines: a CPU timer for each
 * thread, which rides on the kernel's tick and is almost free; the ticker, for
 * rates that the tick cannot give; setitimer for what has neither. A thread
 * that gets no timer (EAGAIN: too many signals queued for this user) is the
 * ticker's.
 */
#include "engine.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "safe/clock.h"
#include "safe/engine.h"
#include "safe/mask.h"
#include "safe/state.h"
#include "safe/sys.h"
#include "safe/target.h"

/* The default rate of wall mode: a hundred a second. */
#define WALL_PERIOD_NS 10000000u

void engine_choose(void)
{
	struct timespec tick = { 0, 4000000 };
	uint64_t asked = target.settings.period_ns;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	target.tick_ns = clock_ns_of(tick);
	target.period_ns = asked ? asked : target.tick_ns;
	target.engine = target.settings.engine;
	if (target.settings.mode == PP_MODE_NONE) {
		target.engine = PP_ENGINE_NONE;
	} else if (target.settings.mode == PP_MODE_WALL) {
		/* only the ticker sees who is off the processor */
		target.engine = PP_ENGINE_TICKER;
		if (!asked)
			target.period_ns = WALL_PERIOD_NS;
	} else if (target.engine == PP_ENGINE_NONE) {
		/* the tick is too coarse for more than 0.8 of its own rate */
		bool fine = asked && asked < target.tick_ns * 5 / 4;

		target.engine = fine ? PP_ENGINE_TICKER : PP_ENGINE_TIMER;
	}
}

void engine_suit_signal(void)
{
	if (target.engine == PP_ENGINE_ITIMER &&
	    target.settings.signal != SIGPROF)
		target.engine = PP_ENGINE_TIMER;
}

/*
 * What a timer is asked for. On the tick itself an expiry would now and then
 * fall just behind it and be late by a whole one; half of it never does.
 */
static uint64_t timer_interval(void)
{
	return target.period_ns > target.tick_ns ? target.period_ns
						 : target.tick_ns / 2;
}

static void set_itimer(uint64_t interval_ns)
{
	struct timeval tv = { (time_t)(interval_ns / 1000000000u),
			      (suseconds_t)(interval_ns % 1000000000u / 1000) };
	struct itimerval when = { tv, tv };

	sys_call(SYS_setitimer, ITIMER_PROF, &when, NULL, 0);
}

/* Start the ticker with every signal blocked, so that it inherits that. */
static void start_ticker(void)
{
	uint64_t before;

	if (ticker_prepare() < 0)
		return;
	before = mask_block(MASK_ALL);
	ticker_spawn();
	mask_set(before);
	atomic_store(&state->ticker_wanted, 1);
}

static bool is_main_only(const struct thread *t)
{
	return target.settings.main_thread_only && t->kind != PP_THREAD_MAIN;
}

/* A timer in the ticker's place. */
static void lend(struct thread *t)
{
	if (atomic_load(&t->clock) != THREAD_CLOCK_TICKER)
		return;
	/* a thread without a timer waits for the others' samples */
	t->on_loan = timer_arm(t, timer_interval()) == 0;
}

static void give_to_ticker(struct thread *t)
{
	atomic_store_explicit(&t->clock, THREAD_CLOCK_TICKER,
			      memory_order_release);
	if (!ticker_is_running())
		start_ticker();
	/* no thread to be had: a timer, whose samples will try again */
	if (!ticker_is_running())
		lend(t);
}

void engine_thread_begin(struct thread *t)
{
	if (is_main_only(t))
		return;
	switch (target.engine) {
	case PP_ENGINE_TIMER:
		if (timer_arm(t, timer_interval()) < 0)
			give_to_ticker(t);
		break;
	case PP_ENGINE_TICKER:
		t->on_loan = atomic_load(&state->ticker_wanted) &&
			     !ticker_is_running();
		if (!t->on_loan || timer_arm(t, timer_interval()) < 0)
			give_to_ticker(t);
		break;
	default:
		break;
	}
}

void engine_thread_end(struct thread *t)
{
	timer_disarm(t);
	atomic_store_explicit(&t->clock, THREAD_CLOCK_NONE,
			      memory_order_relaxed);
}

void engine_start(void)
{
	thread_for_each(engine_thread_begin);
	if (target.engine == PP_ENGINE_ITIMER)
		set_itimer(target.period_ns);
}

void engine_stop(void)
{
	atomic_store(&state->ticker_wanted, 0);
	if (target.engine == PP_ENGINE_ITIMER)
		set_itimer(0);
	thread_for_each(engine_thread_end);
	ticker_stop();
}

void engine_lend(void)
{
	engine_lent();
	if (!ticker_is_running())
		return;
	ticker_stop();
	thread_for_each(lend);
}

void engine_lent(void)
{
	state->lent_cpu_ns = clock_read(CLOCK_THREAD_CPUTIME_ID);
	state->lent_ns = clock_now();
	state->lender = thread_self();
}
