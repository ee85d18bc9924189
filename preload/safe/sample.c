/* SPDX-License-Identifier: MIT */
/*
 * From frames to a SAMPLE record: what differs from the thread's last stack.
 * See format.h for the record and sample.h for the contract.
 */
#include "safe/sample.h"

#include "safe/codes.h"
#include "safe/record.h"
#include "safe/state.h"
#include "safe/target.h"
#include "safe/walk.h"

/* Count a loss whose record, if any, is written elsewhere. */
static void count_lost(enum pp_loss reason)
{
	__atomic_fetch_add(&state->header->lost[reason], 1, __ATOMIC_RELAXED);
}

/* A LOST record up to these clocks; the account stays open if it fails. */
static void write_lost(struct thread *t, enum pp_loss reason, uint64_t now_ns,
		       uint64_t cpu_ns)
{
	uint64_t numbers[3] = {
		reason,
		record_units(now_ns) - record_units(t->time_ns),
		record_units(cpu_ns) - record_units(t->cpu_ns),
	};

	if (record_announce(t, t) < 0 ||
	    record_write(t, PP_LOST, numbers, 3, NULL, 0) < 0)
		return;
	t->time_ns = now_ns;
	t->cpu_ns = cpu_ns;
}

/* What ran while recording was off gets one record, when it is on again. */
static void close_pause(struct thread *t)
{
	if (!t->paused_ns)
		return;
	write_lost(t, PP_LOST_paused, t->paused_ns, t->paused_cpu_ns);
	t->paused_ns = 0;
}

static bool is_wanted(uint64_t now_ns)
{
	return now_ns >= atomic_load_explicit(&state->begin_ns,
					      memory_order_relaxed) &&
	       now_ns < atomic_load_explicit(&state->end_ns,
					     memory_order_relaxed);
}

/* The frame at a place of the new stack, counted from the root. */
static struct frame *frame_at(struct thread *t, const struct stack *s,
			      uint32_t i)
{
	return &t->now[s->depth - 1 - i];
}

/*
 * Give every frame its id: that of the last stack where nothing has changed,
 * else the table's. Frames that are no function are dropped. Returns how many
 * frames from the root are as they were, as far as addresses tell.
 */
static uint32_t name_frames(struct thread *t, struct stack *s)
{
	/* pairs with codes_died(): addresses of before may be reused */
	uint64_t deaths =
		atomic_load_explicit(&state->deaths, memory_order_acquire);
	bool trusted = deaths == t->deaths_seen;
	uint32_t common = 0, kept = 0;

	t->deaths_seen = deaths;
	while (trusted && common < s->depth && common < t->depth) {
		struct frame *f = frame_at(t, s, common);

		if (f->code != t->last[common].code ||
		    f->position != t->last[common].position)
			break;
		f->id = t->last[common++].id;
	}
	for (uint32_t i = common; i < s->depth; i++) {
		struct frame *f = frame_at(t, s, i);

		f->id = i < t->depth && trusted && f->code == t->last[i].code
				? t->last[i].id
				: codes_id(t, f->code);
	}
	/* leaf first, so the survivors move towards the leaf */
	for (uint32_t i = 0; i < s->depth; i++)
		if (t->now[i].id != CODES_SKIP)
			t->now[kept++] = t->now[i];
	if (kept < s->depth)
		common = 0;
	s->depth = kept;
	return common;
}

/* How many frames from the root the last stack and the new one share. */
static uint32_t common_frames(struct thread *t, const struct stack *s)
{
	uint32_t i;

	for (i = 0; i < s->depth && i < t->depth; i++) {
		struct frame *f = frame_at(t, s, i);

		if (f->id != t->last[i].id ||
		    f->position != t->last[i].position)
			break;
	}
	return i;
}

/* The numbers of a SAMPLE record, before it is written. */
struct sample {
	uint8_t state;
	uint64_t dt, dcpu;
	uint32_t common;
};

static uint32_t body_bytes(struct thread *t, const struct stack *s,
			   const struct sample *m)
{
	uint32_t n = 1 + varint_bytes(m->dt) + varint_bytes(m->dcpu) +
		     varint_bytes(t->depth - m->common);

	for (uint32_t i = m->common; i < s->depth; i++) {
		struct frame *f = frame_at(t, s, i);

		n += varint_bytes(f->id) + varint_bytes(f->position);
	}
	return n;
}

/* Write the record and make the new stack the last one. */
static void put_sample(struct thread *t, const struct stack *s,
		       const struct sample *m, uint8_t *p, uint32_t body)
{
	uint8_t *start = p;

	*p++ = PP_SAMPLE;
	p = put_varint(p, body);
	*p++ = m->state;
	p = put_varint(p, m->dt);
	p = put_varint(p, m->dcpu);
	p = put_varint(p, t->depth - m->common);
	for (uint32_t i = m->common; i < s->depth; i++) {
		struct frame *f = frame_at(t, s, i);

		p = put_varint(p, f->id);
		p = put_varint(p, f->position);
		if (f->id == CODES_UNNAMED)
			state_count(PP_COUNT_unnamed, 1);
		t->last[i] = *f;
	}
	t->depth = s->depth;
	chunk_commit(t, (uint32_t)(p - start));
}

static int write_sample(struct thread *t, const struct stack *s,
			struct sample *m)
{
	uint32_t segments = t->segments;
	uint32_t body = body_bytes(t, s, m);
	uint8_t *p = chunk_reserve(t, RECORD_HEAD + body);

	if (p && t->segments != segments) {
		/* a new segment begins without a last stack */
		m->common = 0;
		body = body_bytes(t, s, m);
		p = chunk_reserve(t, RECORD_HEAD + body);
	}
	if (!p)
		return -1;
	put_sample(t, s, m, p, body);
	return 0;
}

static void record_stack(struct thread *t, struct stack *s, uint8_t bits,
			 uint64_t now_ns, uint64_t cpu_ns)
{
	struct sample m = {
		.state = s->truncated ? bits | PP_STATE_TRUNCATED : bits,
		.dt = record_units(now_ns) - record_units(t->time_ns),
		.dcpu = record_units(cpu_ns) - record_units(t->cpu_ns),
	};
	uint32_t segments = t->segments;

	m.common = name_frames(t, s);
	if (t->segments != segments || m.common == 0)
		m.common = common_frames(t, s);
	if (write_sample(t, s, &m) < 0) {
		count_lost(PP_LOST_space);
		return;
	}
	t->time_ns = now_ns;
	t->cpu_ns = cpu_ns;
	state_count(PP_COUNT_samples, 1);
	if (s->truncated)
		state_count(PP_COUNT_truncated, 1);
}

void sample_take(struct thread *t, uint64_t now_ns, uint64_t cpu_ns,
		 uintptr_t pc)
{
	struct stack s = { .frames = t->now,
			   .capacity = target.settings.max_depth };
	uintptr_t ts;
	int lost = 0;

	t->maps = 1;
	if (!is_wanted(now_ns)) {
		t->paused_ns = now_ns;
		t->paused_cpu_ns = cpu_ns;
		count_lost(PP_LOST_paused);
		return;
	}
	close_pause(t);
	if (record_announce(t, t) < 0) {
		count_lost(PP_LOST_space);
		return;
	}
	ts = walk_thread_state();
	if (ts)
		lost = walk(ts, &s);
	if (s.faults + s.mended)
		state_count(PP_COUNT_faults, s.faults + s.mended);
	if (lost) {
		enum pp_loss reason = (enum pp_loss)(-1 - lost);

		count_lost(reason);
		write_lost(t, reason, now_ns, cpu_ns);
		return;
	}
	record_stack(t, &s, walk_state(ts, pc), now_ns, cpu_ns);
	chunk_look_ahead(t);
}

void sample_close(struct thread *t, uint64_t now_ns, uint64_t cpu_ns)
{
	t->maps = 1;
	if (!is_wanted(now_ns)) {
		t->paused_ns = now_ns;
		t->paused_cpu_ns = cpu_ns;
	}
	close_pause(t);
	if (record_announce(t, t) == 0)
		(void)!record_thread_end(t, t->number, now_ns, cpu_ns);
}
