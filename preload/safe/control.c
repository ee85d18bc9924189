/* SPDX-License-Identifier: MIT */
/*
 * Switching and answering. See control.h, and struct pp_control in format.h.
 */
#define _GNU_SOURCE
#include "safe/control.h"

#include <errno.h>
#include <ucontext.h>

#include "safe/chunk.h"
#include "safe/clock.h"
#include "safe/engine.h"
#include "safe/mask.h"
#include "safe/record.h"
#include "safe/sample.h"
#include "safe/signals.h"
#include "safe/state.h"
#include "safe/target.h"
#include "safe/walk.h"

/*
 * Values of the sampling signal: somebody outside has written a request; a
 * thread shall write its stack.
 */
static char request_cookie, dump_cookie;

static struct pp_control *page(void)
{
	return (struct pp_control *)(void *)((uint8_t *)state->header +
					     PP_CONTROL_AT);
}

/* Whether samples are wanted now, and the instant at which that ends. */
static enum pp_recording look(uint64_t now_ns, uint64_t *change_ns)
{
	uint64_t begin_ns =
		atomic_load_explicit(&state->begin_ns, memory_order_relaxed);
	uint64_t end_ns =
		atomic_load_explicit(&state->end_ns, memory_order_relaxed);

	*change_ns = UINT64_MAX;
	if (begin_ns == CONTROL_OFF)
		return PP_RECORDING_OFF;
	if (now_ns >= end_ns)
		return PP_RECORDING_OVER;
	*change_ns = now_ns < begin_ns ? begin_ns : end_ns;
	return now_ns < begin_ns ? PP_RECORDING_LATER : PP_RECORDING_ON;
}

static void say_recording(void)
{
	uint64_t now_ns = clock_now(), change_ns, ms = 0;
	enum pp_recording recording = look(now_ns, &change_ns);

	if (change_ns != UINT64_MAX)
		ms = (change_ns - now_ns) / 1000000 + 1;
	/* these publish nothing: numbers for who looks */
	__atomic_store_n(&page()->change_ms,
			 ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&page()->recording, recording, __ATOMIC_RELAXED);
}

void control_begin(uint64_t begin_ns, uint64_t end_ns)
{
	atomic_store(&state->begin_ns, begin_ns);
	atomic_store(&state->end_ns, end_ns);
	atomic_store(&state->control_served, 0);
	say_recording();
	__atomic_store_n(&page()->cookie, (uint64_t)(uintptr_t)&request_cookie,
			 __ATOMIC_RELEASE);
}

/* -- on and off ---------------------------------------------------------- */

bool control_is_resting(uint64_t now_ns)
{
	return atomic_load_explicit(&state->begin_ns, memory_order_relaxed) ==
		       CONTROL_OFF ||
	       now_ns >= atomic_load_explicit(&state->end_ns,
					      memory_order_relaxed);
}

void control_rest(struct thread *t)
{
	timer_rest(t);
	/*
	 * Whoever switches on stores begin_ns and then wakes the timers; here
	 * it is the other way round, so that one of the two sees the other.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	if (!control_is_resting(clock_now()))
		timer_wake(t);
}

/* From here on a thread's account goes on, when it is sampled next. */
static void note_clocks(struct thread *t)
{
	int tid = atomic_load_explicit(&t->tid, memory_order_relaxed);

	atomic_store_explicit(&t->resumed_cpu_ns,
			      clock_read(clock_of_thread(tid)),
			      memory_order_relaxed);
	/* publishes the clock above to the thread */
	atomic_store_explicit(&t->resumed_ns, clock_now(),
			      memory_order_release);
}

static void switch_on(void)
{
	uint64_t duration_ns = target.settings.duration_ns;
	uint64_t now_ns = clock_now();

	thread_for_each(note_clocks);
	atomic_store(&state->end_ns,
		     duration_ns ? now_ns + duration_ns : UINT64_MAX);
	/* from here on samples are wanted; see control_rest() */
	atomic_store(&state->begin_ns, now_ns);
	thread_for_each(timer_wake);
	ticker_wake();
}

void control_switch(bool on)
{
	if (!on) {
		atomic_store(&state->begin_ns, CONTROL_OFF);
		/* not over, but off: the end of a duration has not come */
		atomic_store(&state->end_ns, UINT64_MAX);
	} else if (!state_is_wanted(clock_now())) {
		switch_on();
	}
	say_recording();
}

void control_on_toggle(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)number;
	(void)info;
	(void)context;
	if (state_is_armed()) {
		/* returning from the handler restores the host's mask */
		mask_unblock(MASK_FAULTS);
		control_switch(control_is_resting(clock_now()));
	}
	errno = saved;
}

/* -- dump ---------------------------------------------------------------- */

/* What a DUMP record says of the calling thread; its frames in t->now. */
struct dump {
	uint64_t numbers[4];
	struct stack stack;
};

static void read_stack(struct thread *t, uintptr_t pc, struct dump *d)
{
	uint8_t bits = walk_state(walk_thread_state(), pc);

	if (sample_look(t, pc, &d->stack) != 0)
		bits |= PP_STATE_TORN;
	if (d->stack.truncated)
		bits |= PP_STATE_TRUNCATED;
	d->numbers[1] =
		(uint64_t)atomic_load_explicit(&t->tid, memory_order_relaxed);
	d->numbers[2] = record_units(clock_now());
	d->numbers[3] = bits;
}

static void write_dump(struct thread *t, const struct dump *d)
{
	uint32_t body = frames_bytes(t->now, d->stack.depth);
	uint8_t *start, *p;

	for (size_t i = 0; i < ARRAY_LEN(d->numbers); i++)
		body += varint_bytes(d->numbers[i]);
	start = p = chunk_reserve(t, RECORD_HEAD + body);
	if (!p)
		return;
	*p++ = PP_DUMP;
	p = put_varint(p, body);
	for (size_t i = 0; i < ARRAY_LEN(d->numbers); i++)
		p = put_varint(p, d->numbers[i]);
	p = put_frames(p, t->now, d->stack.depth);
	chunk_commit(t, (uint32_t)(p - start));
	chunk_look_ahead(t);
	/* tells who asked that the record is there, unless another does now */
	if (d->numbers[0] ==
	    atomic_load_explicit(&state->control_served, memory_order_relaxed))
		__atomic_fetch_add(&page()->dumped, 1, __ATOMIC_RELEASE);
}

/* Write the thread's stack, if it is still wanted. */
static void dump_self(struct thread *t, uintptr_t pc)
{
	struct dump d = {
		.numbers = { atomic_exchange_explicit(&t->dump, 0,
						      memory_order_relaxed) },
		.stack = { .frames = t->now,
			   .capacity = target.settings.max_depth },
	};

	if (!d.numbers[0])
		return;
	t->maps = 1;
	if (record_announce(t, t) < 0)
		return;
	read_stack(t, pc, &d);
	write_dump(t, &d);
}

/*
 * A thread's stack is wanted: the signal that says so does nothing where a tick
 * is pending, or where it comes between two instructions that write the log.
 * Both end in thread_leave(), which asks again.
 */
static bool ask_for_dump(struct thread *t, uint32_t request)
{
	int tid = atomic_load_explicit(&t->tid, memory_order_acquire);

	if (tid <= 0 || t->kind == PP_THREAD_OWN)
		return false;
	atomic_store_explicit(&t->dump, request, memory_order_relaxed);
	if (signals_send(tid, target.settings.signal, &dump_cookie) == 0)
		return true;
	atomic_store_explicit(&t->dump, 0, memory_order_relaxed);
	return false;
}

void control_ask_again(struct thread *t)
{
	int number = target.settings.signal;
	uint64_t mask = mask_quiet(number);

	/*
	 * Whoever takes our handler away waits until this is sent, and throws
	 * away what is pending then: later it would do what the host has set.
	 */
	atomic_store_explicit(&t->busy, 1, memory_order_seq_cst);
	if (atomic_load_explicit(&state->armed, memory_order_seq_cst) &&
	    !atomic_load_explicit(&t->really_blocks, memory_order_relaxed))
		signals_send(
			atomic_load_explicit(&t->tid, memory_order_relaxed),
			number, &dump_cookie);
	atomic_store_explicit(&t->busy, 0, memory_order_release);
	mask_unquiet(number, mask);
}

bool control_sent(const siginfo_t *info)
{
	const void *cookie = info->si_value.sival_ptr;

	return info->si_code == SI_QUEUE &&
	       (cookie == &request_cookie || cookie == &dump_cookie);
}

/* Ask every thread; the calling one is asked when it leaves the handler. */
static void ask_for_dumps(void)
{
	uint32_t n = thread_slots(), asked = 0;
	uint32_t request = atomic_load_explicit(&state->control_served,
						memory_order_relaxed);

	__atomic_store_n(&page()->dumped, 0, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < n; i++) {
		struct thread *t = thread_at(i);

		if (t && ask_for_dump(t, request))
			asked++;
	}
	__atomic_store_n(&page()->asked, asked, __ATOMIC_RELAXED);
}

/* -- requests ------------------------------------------------------------ */

static enum pp_control_answer obey(uint32_t verb)
{
	switch (verb) {
	case PP_CONTROL_STATUS:
		say_recording();
		return PP_CONTROL_DONE;
	case PP_CONTROL_START:
	case PP_CONTROL_STOP:
		if (target.engine == PP_ENGINE_NONE)
			return PP_CONTROL_NO_CLOCK;
		control_switch(verb == PP_CONTROL_START);
		return PP_CONTROL_DONE;
	case PP_CONTROL_DUMP:
		ask_for_dumps();
		return PP_CONTROL_DONE;
	default:
		return PP_CONTROL_UNKNOWN;
	}
}

static void serve(void)
{
	struct pp_control *p = page();
	/* pairs with who asks: the verb is written first */
	uint32_t request = __atomic_load_n(&p->request, __ATOMIC_ACQUIRE);
	uint32_t served = atomic_load_explicit(&state->control_served,
					       memory_order_relaxed);

	/* one of several threads that were signalled serves it */
	if (request == served ||
	    !atomic_compare_exchange_strong_explicit(
		    &state->control_served, &served, request,
		    memory_order_relaxed, memory_order_relaxed))
		return;
	p->answer = obey(__atomic_load_n(&p->verb, __ATOMIC_RELAXED));
	/* publishes the answer and what belongs to it */
	__atomic_store_n(&p->answered, request, __ATOMIC_RELEASE);
}

static void take(const void *cookie, const ucontext_t *context)
{
	struct thread *t = thread_self_or_found(clock_now());

	if (!t)
		return;
	/* it came between two instructions of ours that write the same log */
	if (atomic_load_explicit(&t->busy, memory_order_relaxed)) {
		if (cookie == &request_cookie)
			serve();
		return;
	}
	if (!thread_enter(t))
		return;
	if (cookie == &request_cookie)
		serve();
	else
		dump_self(t, (uintptr_t)context->uc_mcontext.gregs[REG_RIP]);
	thread_leave(t);
}

bool control_take(const siginfo_t *info, const void *context)
{
	if (!control_sent(info))
		return false;
	if (state_is_armed()) {
		mask_unblock(MASK_FAULTS);
		take(info->si_value.sival_ptr, context);
	}
	return true;
}
