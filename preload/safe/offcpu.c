/* SPDX-License-Identifier: MIT */
/*
 * OFF records. A thread that always waits in the same place has one, whose
 * numbers grow in place; what it runs in between is not part of them. A stack
 * counts only if the thread's CPU clock shows the same before it is read and
 * after all that is taken from it, names included, has been written: else it
 * is thrown away, and the time goes to the next that is found.
 */
#include "safe/offcpu.h"

#include "safe/chunk.h"
#include "safe/clock.h"
#include "safe/guard.h"
#include "safe/lines.h"
#include "safe/logfile.h"
#include "safe/record.h"
#include "safe/sample.h"
#include "safe/state.h"
#include "safe/target.h"
#include "safe/tasks.h"
#include "safe/walk.h"

/* Thread states to look through. */
#define STATES_MOST 16384

/*
 * A thread that has stood still for so many looks is left alone for one tick
 * before the next, for two after twice as many, and so on: most threads of a
 * server wait, and each look costs half a microsecond.
 */
#define STILL_LOOKS 10
#define REST_MOST   3

/* The most that the numbers of a record take, with its head. */
#define OFF_NUMBERS_MOST (RECORD_HEAD + 4 * PP_VARINT_MAX)

static struct thread *writer(void)
{
	return atomic_load_explicit(&state->off_writer, memory_order_acquire);
}

int offcpu_open(void)
{
	struct thread *w = writer();

	if (w)
		return 0;
	/* it stays claimed and is never published: nobody samples it */
	w = thread_open(PP_THREAD_OWN, clock_now(), 0);
	if (!w)
		return -1;
	atomic_store_explicit(&state->off_writer, w, memory_order_release);
	return 0;
}

int offcpu_begin(void)
{
	struct thread *w = writer();

	w->log_fd = logfile_fd_apart();
	return w->log_fd;
}

bool offcpu_enter(void)
{
	struct thread *w = writer();

	return w && thread_enter(w);
}

void offcpu_leave(void)
{
	struct thread *w = writer();

	w->maps = 1;
	chunk_look_ahead(w);
	thread_leave(w);
}

/* -- whose stack --------------------------------------------------------- */

/* Is it one of the interpreter's thread states, and this thread's? */
static bool is_state_of(uintptr_t ts, uintptr_t ident)
{
	const struct pyver *v = target.row;
	unsigned faults = 0;
	uintptr_t next, previous, interpreter;

	if (!ts || guard_at(ts, v->ts_thread_id, &faults) != ident || faults)
		return false;
	next = guard_at(ts, v->ts_next, &faults);
	previous = guard_at(ts, v->ts_prev, &faults);
	interpreter = guard_at(ts, v->ts_interp, &faults);
	if (next && guard_at(next, v->ts_prev, &faults) != ts)
		return false;
	if (previous)
		return guard_at(previous, v->ts_next, &faults) == ts && !faults;
	return guard_at(interpreter, v->in_threads, &faults) == ts && !faults;
}

/* The list has it in the main interpreter; others' are known by a sample. */
static uintptr_t search_state(uintptr_t ident)
{
	const struct pyver *v = target.row;
	unsigned faults = 0;
	uintptr_t ts = guard_at(target.interpreter, v->in_threads, &faults);

	for (int i = 0; ts && !faults && i < STATES_MOST; i++) {
		if (guard_at(ts, v->ts_thread_id, &faults) == ident)
			return faults ? 0 : ts;
		ts = guard_at(ts, v->ts_next, &faults);
	}
	return 0;
}

bool offcpu_finds(uintptr_t ts, uintptr_t ident)
{
	return is_state_of(ts, ident) && search_state(ident) == ts;
}

static uintptr_t find_state(struct thread *t)
{
	uintptr_t ts = atomic_load_explicit(&t->tstate, memory_order_relaxed);
	uintptr_t ident = atomic_load_explicit(&t->ident, memory_order_relaxed);

	if (!ident)
		return 0;
	if (is_state_of(ts, ident))
		return ts;
	return search_state(ident);
}

/* -- its stack ----------------------------------------------------------- */

/*
 * Read and name the frames. Less than 0: no whole stack now. The thread may be
 * between any two instructions, as it may wait for a processor: the strictest
 * rules hold.
 */
static int read_stack(struct thread *w, uintptr_t ts, struct stack *s)
{
	if (ts && tasks_walk(w, ts, target.eval, s) != 0)
		return -1;
	sample_name_frames(w, s);
	return 0;
}

static uint64_t hash_stack(const struct stack *s)
{
	uint64_t hash = s->depth;

	for (uint32_t i = 0; i < s->depth; i++)
		hash = (hash ^
			((uint64_t)s->frames[i].id << 32 | s->frames[i].line)) *
		       UINT64_C(0x9e3779b97f4a7c15);
	return hash;
}

/* -- the record ---------------------------------------------------------- */

/* Time off the processor since the account was opened. */
static uint64_t off_units(const struct thread *t, uint64_t now_ns,
			  uint64_t cpu_ns)
{
	uint64_t time = record_units(now_ns) - record_units(t->opened_ns);
	uint64_t cpu = record_units(cpu_ns) - record_units(t->opened_cpu_ns);

	return time > cpu && time < UINT64_MAX / 2 ? time - cpu : 0;
}

/* The account of another thread in this block, or of none so far. */
static void check_account(struct thread *t)
{
	if (t->off.number == t->number + 1)
		return;
	t->off = (struct off){ .number = t->number + 1 };
}

/* Bytes from the record's begin to its struct, for a head of so many. */
static uint32_t struct_place(const uint8_t *p, uint32_t head, uint32_t numbers)
{
	uintptr_t at = (uintptr_t)p + head + numbers;

	return (uint32_t)(((at + PP_OFF_ALIGN - 1) & ~(PP_OFF_ALIGN - 1ul)) -
			  (uintptr_t)p);
}

/* A varint in so many bytes, which are enough. */
static uint8_t *put_varint_in(uint8_t *p, uint64_t v, uint32_t bytes)
{
	for (; bytes > 1; bytes--, v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

/* Write a record that has room at p; its struct is left at *at. */
static uint32_t put_off(uint8_t *p, const uint64_t *numbers,
			const struct stack *s, struct pp_off **at)
{
	uint32_t numbers_bytes = 0, head, place, body;
	uint8_t *begin = p;

	for (int i = 0; i < 4; i++)
		numbers_bytes += varint_bytes(numbers[i]);
	/* how long the length is depends on the gap, which depends on that */
	for (head = 2; head < RECORD_HEAD; head++) {
		place = struct_place(p, head, numbers_bytes);
		body = place - head + (uint32_t)sizeof(**at) +
		       frames_bytes(s->frames, s->depth);
		if (1 + varint_bytes(body) <= head)
			break;
	}
	*at = (struct pp_off *)(void *)(begin + place);
	*p++ = PP_OFF;
	/* with the gap of a longer length a shorter one might do: fill it up */
	p = put_varint_in(p, body, head - 1);
	for (int i = 0; i < 4; i++)
		p = put_varint(p, numbers[i]);
	while (p < begin + place)
		*p++ = 0;
	**at = (struct pp_off){ numbers[1], 1 };
	p += sizeof(**at);
	p = put_frames(p, s->frames, s->depth);
	return (uint32_t)(p - begin);
}

/* The thread ran while it was read: what was kept may be of anything. */
static bool is_torn(struct thread *w)
{
	if (thread_watched_stands_still(w))
		return false;
	for (int i = 0; i < LINES_CACHE; i++)
		w->lines[i].key = 0;
	return true;
}

/*
 * There is no room in the log: what it does until the next look is on no stack.
 * But if this look has mapped all that one look may, the next one has room, and
 * covers this one.
 */
static void lose(const struct thread *w, struct thread *t, uint64_t off)
{
	t->off.at = NULL;
	if (!w->maps &&
	    !atomic_load_explicit(&state->log_stuck, memory_order_relaxed))
		return;
	state_count_lost(PP_LOST_space);
	state_count(PP_COUNT_lost_looks, 1);
	t->off.covered = off;
}

/* A new record: the thread does something that it did not do before. */
static void write_off(struct thread *w, struct thread *t, struct stack *s,
		      uint8_t bits, uint64_t time, uint64_t off)
{
	uint64_t hash = hash_stack(s);
	uint64_t numbers[4] = { t->number, time, off - t->off.covered, bits };
	struct pp_off *at;
	uint32_t length;
	uint8_t *p;

	if (record_announce(w, w) < 0 || record_announce(w, t) < 0) {
		lose(w, t, off);
		return;
	}
	p = chunk_reserve(w, OFF_NUMBERS_MOST + PP_OFF_ALIGN +
				     (uint32_t)sizeof(*at) +
				     frames_bytes(s->frames, s->depth));
	if (!p) {
		lose(w, t, off);
		return;
	}
	if (t->off.hash == hash && t->off.segment == w->segments) {
		s->depth = 0;
		numbers[3] |= PP_STATE_AGAIN;
	}
	length = put_off(p, numbers, s, &at);
	if (is_torn(w))
		return;
	chunk_commit(w, length);
	state_count(PP_COUNT_looks, 1);
	t->off.at = at;
	t->off.hash = hash;
	t->off.state = bits;
	t->off.segment = w->segments;
	t->off.covered = off;
	t->off.cpu = w->watch_cpu;
}

/* The record that there is covers this look too. */
static void extend(const struct thread *w, struct thread *t, uint64_t off)
{
	struct pp_off *at = t->off.at;

	/* both are read by who reads the log while it is written */
	__atomic_store_n(&at->until, at->until + (off - t->off.covered),
			 __ATOMIC_RELAXED);
	/* it stood still at the ticks in between, too */
	__atomic_store_n(&at->looks, at->looks + 1 + t->off.unlooked,
			 __ATOMIC_RELAXED);
	state_count(PP_COUNT_looks, 1 + t->off.unlooked);
	t->off.covered = off;
	t->off.cpu = w->watch_cpu;
}

static void note_stack(struct thread *w, struct thread *t, uint64_t now_ns,
		       uint64_t off)
{
	struct stack s = { .frames = w->now,
			   .capacity = target.settings.max_depth };
	uintptr_t ts = find_state(t);
	uint8_t bits;

	w->maps = 1;
	if (read_stack(w, ts, &s) < 0)
		return;
	bits = walk_state_off(ts, t);
	if (s.truncated)
		bits |= PP_STATE_TRUNCATED;
	if (t->off.at && t->off.segment == w->segments &&
	    t->off.state == bits && t->off.hash == hash_stack(&s)) {
		if (!is_torn(w))
			extend(w, t, off);
		return;
	}
	write_off(w, t, &s, bits, record_units(now_ns), off);
}

bool offcpu_is_due(struct thread *t, uint64_t now_ns, uint64_t cpu_ns)
{
	check_account(t);
	return off_units(t, now_ns, cpu_ns) >=
	       t->off.covered + record_units(target.period_ns / 2);
}

bool offcpu_rests(struct thread *t)
{
	if (t->off.number != t->number + 1 || !t->off.rest)
		return false;
	t->off.rest--;
	t->off.unlooked++;
	return true;
}

void offcpu_note(struct thread *t, int tid, uint64_t now_ns, uint64_t cpu_ns,
		 bool unmoved)
{
	struct thread *w = writer();
	uint64_t off = off_units(t, now_ns, cpu_ns);

	check_account(t);
	if (off < t->off.covered)
		return;
	if (!state_is_wanted(now_ns)) {
		/* what is not recorded is no part of what comes next */
		t->off.covered = off;
		t->off.at = NULL;
		return;
	}
	t->off.still = unmoved ? t->off.still + 1 : 0;
	t->off.rest = t->off.still / STILL_LOOKS;
	if (t->off.rest > REST_MOST)
		t->off.rest = REST_MOST;
	w->watch_tid = tid;
	w->watch_cpu = cpu_ns;
	if (unmoved && t->off.at && t->off.cpu == cpu_ns &&
	    t->off.segment == w->segments)
		extend(w, t, off);
	else
		note_stack(w, t, now_ns, off);
	t->off.unlooked = 0;
}
