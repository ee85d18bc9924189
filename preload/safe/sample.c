/* SPDX-License-Identifier: MIT */
/*
 * From frames to a SAMPLE record: what differs from the thread's last stack.
 * See format.h for the record and sample.h for the contract.
 */
#include "safe/sample.h"

#include "safe/codes.h"
#include "safe/control.h"
#include "safe/lines.h"
#include "safe/record.h"
#include "safe/ring.h"
#include "safe/state.h"
#include "safe/target.h"
#include "safe/tasks.h"
#include "safe/walk.h"

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

/* A pause reaches to where recording was switched on, if that is known. */
static void extend_pause(struct thread *t)
{
	/* pairs with who switched on: the clock is of that instant */
	uint64_t ns =
		atomic_load_explicit(&t->resumed_ns, memory_order_acquire);
	uint64_t cpu_ns =
		atomic_load_explicit(&t->resumed_cpu_ns, memory_order_relaxed);

	if (ns > t->time_ns && ns > t->paused_ns && cpu_ns >= t->cpu_ns) {
		t->paused_ns = ns;
		t->paused_cpu_ns = cpu_ns;
	}
}

/* What ran while recording was off gets one record, when it is on again. */
static void close_pause(struct thread *t)
{
	extend_pause(t);
	if (!t->paused_ns)
		return;
	write_lost(t, PP_LOST_paused, t->paused_ns, t->paused_cpu_ns);
	t->paused_ns = 0;
}

/* The frame at a place of the new stack, counted from the root. */
static struct frame *frame_at(struct thread *t, const struct stack *s,
			      uint32_t i)
{
	return &t->now[s->depth - 1 - i];
}

void sample_name_frames(struct thread *t, struct stack *s)
{
	/* pairs with codes_died(): addresses of before may be reused */
	uint64_t deaths =
		atomic_load_explicit(&state->deaths, memory_order_acquire);
	bool trusted = deaths == t->deaths_seen;
	uint32_t kept = 0;

	t->deaths_seen = deaths;
	for (uint32_t i = 0; i < s->depth; i++) {
		struct frame *f = frame_at(t, s, i), *l = &t->last[i];
		/* a definition may begin a segment, which empties the last */
		bool same;

		if (f->code == CODES_MARK)
			continue;
		same = trusted && i < t->depth && f->code == l->code &&
		       l->id != CODES_UNNAMED;

		f->id = same ? l->id : codes_id(t, f->code);
		if (same && f->position == l->position)
			f->line = l->line;
		else if (f->id == CODES_UNNAMED || f->id == CODES_SKIP)
			f->line = 0;
		else
			f->line =
				lines_at(t->lines, f->code, f->id, f->position);
	}
	/* leaf first, so the survivors move towards the leaf */
	for (uint32_t i = 0; i < s->depth; i++)
		if (t->now[i].id != CODES_SKIP)
			t->now[kept++] = t->now[i];
	s->depth = kept;
}

int sample_look(struct thread *t, uintptr_t pc, struct stack *s)
{
	uint64_t deaths = t->deaths_seen;
	uintptr_t ts = walk_thread_state();
	int lost = ts ? walk(ts, pc, s) : 0;

	if (lost)
		s->depth = 0;
	sample_name_frames(t, s);
	/* the last stack has not been looked through */
	t->deaths_seen = deaths;
	return lost;
}

/* How many frames from the root the last stack and the new one share. */
static uint32_t common_frames(struct thread *t, const struct stack *s)
{
	uint32_t i;

	for (i = 0; i < s->depth && i < t->depth; i++) {
		struct frame *f = frame_at(t, s, i);

		if (f->id != t->last[i].id || f->line != t->last[i].line)
			break;
	}
	return i;
}

/* The numbers of a SAMPLE record, before it is written. */
struct sample {
	uint8_t state;
	uint64_t dcpu, dt; /* dt as a zigzag number, beyond dcpu */
	uint64_t lead;
	uint32_t common; /* frames kept */
	uint32_t pairs;	 /* place of the first frame written as a pair */
};

/* Choose the shortest form of what has changed. */
static void compare(struct thread *t, const struct stack *s, struct sample *m)
{
	uint32_t common = common_frames(t, s);

	m->common = m->pairs = common;
	m->lead = (uint64_t)(t->depth - common) << PP_LEAD_SHIFT;
	if (m->state != t->last_state)
		m->lead |= PP_LEAD_STATE;
	if (common < t->depth && common < s->depth &&
	    frame_at(t, s, common)->id == t->last[common].id) {
		m->lead |= PP_LEAD_SAME;
		m->pairs++;
	}
}

static uint32_t body_bytes(struct thread *t, const struct stack *s,
			   const struct sample *m)
{
	uint32_t n = varint_bytes(m->lead) + varint_bytes(m->dcpu) +
		     varint_bytes(m->dt);

	if (m->lead & PP_LEAD_STATE)
		n++;
	for (uint32_t i = m->common; i < s->depth; i++) {
		struct frame *f = frame_at(t, s, i);

		n += varint_bytes(f->line);
		if (i >= m->pairs)
			n += varint_bytes(f->id);
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
	p = put_varint(p, m->lead);
	p = put_varint(p, m->dcpu);
	p = put_varint(p, m->dt);
	if (m->lead & PP_LEAD_STATE)
		*p++ = m->state;
	for (uint32_t i = m->common; i < s->depth; i++) {
		struct frame *f = frame_at(t, s, i);

		if (i >= m->pairs)
			p = put_varint(p, f->id);
		p = put_varint(p, f->line);
		if (f->id == CODES_UNNAMED)
			state_count(PP_COUNT_unnamed, 1);
	}
	/* also those kept: their positions may have moved within the line */
	for (uint32_t i = 0; i < s->depth; i++)
		t->last[i] = *frame_at(t, s, i);
	t->depth = s->depth;
	t->last_state = m->state;
	chunk_commit(t, (uint32_t)(p - start));
}

static int write_sample(struct thread *t, const struct stack *s,
			struct sample *m)
{
	uint32_t segments = t->segments;
	uint32_t body;
	uint8_t *p;

	compare(t, s, m);
	body = body_bytes(t, s, m);
	p = chunk_reserve(t, RECORD_HEAD + body);
	if (p && t->segments != segments) {
		/* a new segment begins without a last stack */
		compare(t, s, m);
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
	uint64_t dt = record_units(now_ns) - record_units(t->time_ns);
	uint64_t dcpu = record_units(cpu_ns) - record_units(t->cpu_ns);
	struct sample m = {
		.state = s->truncated ? bits | PP_STATE_TRUNCATED : bits,
		.dcpu = dcpu,
		.dt = zigzag((int64_t)(dt - dcpu)),
	};

	sample_name_frames(t, s);
	if (write_sample(t, s, &m) < 0) {
		state_count_lost(PP_LOST_space);
		return;
	}
	t->time_ns = now_ns;
	t->cpu_ns = cpu_ns;
	state_count(PP_COUNT_samples, 1);
	ring_note(now_ns);
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
	if (!state_is_wanted(now_ns)) {
		t->paused_ns = now_ns;
		t->paused_cpu_ns = cpu_ns;
		state_count_lost(PP_LOST_paused);
		if (control_is_resting(now_ns))
			control_rest(t);
		return;
	}
	close_pause(t);
	if (record_announce(t, t) < 0) {
		state_count_lost(PP_LOST_space);
		return;
	}
	ts = walk_thread_state();
	/* the ticker looks there while this thread is blocked */
	atomic_store_explicit(&t->tstate, ts, memory_order_relaxed);
	if (ts)
		lost = tasks_walk(t, ts, pc, &s);
	if (s.faults + s.mended)
		state_count(PP_COUNT_faults, s.faults + s.mended);
	if (lost) {
		enum pp_loss reason = (enum pp_loss)(-1 - lost);

		state_count_lost(reason);
		write_lost(t, reason, now_ns, cpu_ns);
		return;
	}
	record_stack(t, &s, walk_state(ts, pc), now_ns, cpu_ns);
	chunk_look_ahead(t);
}

void sample_close(struct thread *t, uint64_t now_ns, uint64_t cpu_ns)
{
	t->maps = 1;
	if (!state_is_wanted(now_ns)) {
		t->paused_ns = now_ns;
		t->paused_cpu_ns = cpu_ns;
	}
	close_pause(t);
	if (record_announce(t, t) == 0)
		(void)!record_thread_end(t, t->number, now_ns, cpu_ns);
}
