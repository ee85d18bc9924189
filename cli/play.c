/* SPDX-License-Identifier: MIT */
/*
 * Plays samples: follows each segment's stack through the context tree. The
 * hot path is play_sample() with loader_child(), which finds nearly every frame
 * in a small memo.
 */
#include "gilload.h"
#include "loader.h"

#include "util/die.h"
#include "util/text.h"

uint32_t loader_base(struct loader *l, uint32_t thread)
{
	const struct thread *t = &l->profile->threads[thread];
	uint32_t node = MODEL_ROOT;
	struct text name = { 0 };

	if (l->options.split & LOAD_BY_PROCESS) {
		text_addf(&name, "process %u", l->reader.header.pid);
		node = profile_child(l->profile, node,
				     profile_mark(l->profile, name.at), 0);
	}
	if (l->options.split & LOAD_BY_THREAD) {
		text_clear(&name);
		if (thread_name(t))
			text_addf(&name, "thread %s", thread_name(t));
		else
			text_addf(&name, "thread %llu",
				  (unsigned long long)t->tid);
		node = profile_child(l->profile, node,
				     profile_mark(l->profile, name.at), 0);
	}
	text_done(&name);
	return node;
}

static int begin_segment(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	struct segment *s = &l->segment;
	uint64_t number = cursor_number(&c);

	cursor_number(&c); /* seq: no need for it, see load.h */
	s->time = cursor_number(&c);
	s->cpu = cursor_number(&c);
	if (c.bad || (s->time | s->cpu) > LOADER_UNITS_MAX)
		return -1;
	s->thread = loader_thread(l, number);
	s->begin_cpu = s->cpu;
	s->number++;
	s->own = thread_is_own(&l->profile->threads[s->thread]);
	s->left_out = l->profile->threads[s->thread].left_out;
	s->base = loader_base(l, s->thread);
	s->truncated = false;
	s->state = 0;
	s->depth = 0;
	s->open = true;
	loader_saw(l, s->thread, s->time, s->cpu);
	return 0;
}

uint32_t loader_root(struct loader *l, uint32_t base, bool cut)
{
	return cut ? profile_child(l->profile, base, l->truncated, 0) : base;
}

static uint32_t stack_root(struct loader *l)
{
	const struct segment *s = &l->segment;

	return loader_root(l, s->base, s->truncated);
}

/* The stack was cut and no longer is, or the reverse: hang it elsewhere. */
static void move_stack(struct loader *l, bool truncated)
{
	struct segment *s = &l->segment;
	struct node frame;
	uint32_t parent;
	size_t i;

	s->truncated = truncated;
	parent = stack_root(l);
	for (i = 0; i < s->depth; i++) {
		frame = l->profile->nodes[s->stack[i].node];
		parent = profile_child(l->profile, parent, frame.function,
				       frame.line);
		s->stack[i].node = parent;
	}
}

uint32_t loader_child(struct loader *l, uint32_t parent, uint32_t code,
		      uint32_t line)
{
	uint64_t hash = hash_join((uint64_t)parent << 32 | code, line);
	struct memo *m = &l->memo[hash % LOADER_MEMO_ENTRIES];
	struct place place;

	if (PP_LIKELY(m->parent == parent && m->code == code &&
		      m->line == line && m->node))
		return m->node;
	place = codes_place(&l->codes, code, line);
	*m = (struct memo){ parent, code, line, 0 };
	m->node = profile_child(l->profile, parent, place.function, place.line);
	return m->node;
}

/* The node at the leaf, or that below which the first frame comes. */
static uint32_t stack_top(struct loader *l)
{
	const struct segment *s = &l->segment;

	return s->depth ? s->stack[s->depth - 1].node : stack_root(l);
}

static void push_frame(struct loader *l, uint32_t code, uint32_t line)
{
	struct segment *s = &l->segment;
	uint32_t node = loader_child(l, stack_top(l), code, line);

	s->stack = must_grow(s->stack, s->depth, &s->room, sizeof(*s->stack));
	s->stack[s->depth++] = (struct level){ node, code };
}

/* Time and CPU time advance; -1 if not by what a clock can. */
static int advance(struct loader *l, uint64_t dt, uint64_t dcpu)
{
	struct segment *s = &l->segment;

	s->time += dt;
	s->cpu += dcpu;
	return s->open && dcpu <= LOADER_UNITS_MAX &&
			       s->time <= LOADER_UNITS_MAX
		       ? 0
		       : -1;
}

/*
 * Bring the stack up to date: remove frames on the leaf side, then append one
 * of the code that was removed last (if the record says so), then the others.
 */
static int change_stack(struct loader *l, uint64_t lead, struct cursor *c)
{
	struct segment *s = &l->segment;
	uint64_t pop = lead >> PP_LEAD_SHIFT;
	uint32_t code, line;
	bool same_code = lead & PP_LEAD_SAME;

	line = same_code ? cursor_id(c) : 0;
	if (c->bad || pop > s->depth || (same_code && !pop))
		return -1;
	s->depth -= (size_t)pop;
	code = same_code ? s->stack[s->depth].code : 0;
	if (PP_UNLIKELY(s->truncated != !!(s->state & PP_STATE_TRUNCATED)))
		move_stack(l, !s->truncated);
	if (same_code)
		push_frame(l, code, line);
	while (c->at < c->end) {
		code = cursor_id(c);
		line = cursor_id(c);
		if (c->bad)
			return -1;
		push_frame(l, code, line);
	}
	return 0;
}

uint32_t loader_leaf(struct loader *l, uint32_t leaf, uint8_t state)
{
	if (PP_LIKELY(!(state & l->gc)))
		return leaf;
	if (!l->had_gc)
		l->collector = profile_mark(l->profile, "<GC>");
	l->had_gc = true;
	return profile_child(l->profile, leaf, l->collector, 0);
}

/* Whether --state and its kin want a sample on the processor. */
static bool is_wanted(const struct loader *l, uint64_t time, uint8_t state)
{
	uint8_t bits = l->options.keep->bits;

	return (state & bits) == bits && time >= l->from && time < l->to;
}

static int play_sample(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	struct segment *s = &l->segment;
	uint64_t lead = cursor_number(&c), dcpu = cursor_number(&c);
	uint64_t dt = dcpu + cursor_signed(&c);
	struct cost cost = { .samples = 1, .ns = loader_ns(l, dcpu) };
	uint32_t leaf;

	if (lead & PP_LEAD_STATE)
		s->state = cursor_byte(&c);
	if (c.bad || s->own || advance(l, dt, dcpu) < 0 ||
	    change_stack(l, lead, &c) < 0)
		return -1;
	l->samples++;
	if (PP_UNLIKELY(s->left_out))
		return 0;
	if (PP_UNLIKELY(l->ring && s->time < l->ring_from)) {
		cost_add(&s->dropped, &cost);
		cost_add(&l->ringed, &cost);
		return 0;
	}
	if (PP_UNLIKELY(l->chooses && !is_wanted(l, s->time, s->state))) {
		cost_add(&s->dropped, &cost);
		return 0;
	}
	leaf = s->depth
		       ? stack_top(l)
		       : profile_child(l->profile, stack_root(l), l->native, 0);
	leaf = loader_leaf(l, leaf, s->state);
	cost_add(&l->profile->nodes[leaf].self, &cost);
	cost_add(&s->sampled[s->state & LOADER_GIL_STATES], &cost);
	return 0;
}

static int play_lost(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	uint64_t reason = cursor_number(&c), dt = cursor_number(&c);
	uint64_t dcpu = cursor_number(&c);
	struct cost cost = { .samples = 1, .ns = loader_ns(l, dcpu) };

	if (c.bad || advance(l, dt, dcpu) < 0)
		return -1;
	if (reason >= PP_LOSS_MAX)
		reason = PP_LOSS_MAX - 1;
	cost_add(&loader_process(l)->lost[reason], &cost);
	return 0;
}

/* What the segment has of the profile goes to its thread. */
static void settle_segment(struct segment *s, struct thread *t)
{
	unsigned state;

	for (state = 0; state <= LOADER_GIL_STATES; state++) {
		cost_add(&t->sampled, &s->sampled[state]);
		if (state & PP_STATE_GIL_WAIT)
			cost_add(&t->gil_wait, &s->sampled[state]);
		else if (state & PP_STATE_GIL)
			cost_add(&t->gil, &s->sampled[state]);
		s->sampled[state] = (struct cost){ 0 };
	}
	cost_add(&t->dropped, &s->dropped);
	s->dropped = (struct cost){ 0 };
}

/* Of a ring, what is not in a segment was dropped. */
static void account_segment(const struct loader *l, struct thread *t)
{
	const struct segment *s = &l->segment;
	uint64_t end_ns = loader_ns(l, s->cpu);

	t->account_ns += end_ns - loader_ns(l, s->begin_cpu);
	if (end_ns > t->account_end_ns)
		t->account_end_ns = end_ns;
}

/* The segment ends here; what its clocks say last is known of its thread. */
void loader_end_segment(struct loader *l)
{
	struct segment *s = &l->segment;

	if (!s->open)
		return;
	loader_saw(l, s->thread, s->time, s->cpu);
	account_segment(l, &l->profile->threads[s->thread]);
	settle_segment(s, &l->profile->threads[s->thread]);
	s->open = false;
}

int loader_play(struct loader *l, const struct record *rec)
{
	switch (rec->type) {
	case PP_SAMPLE:
		return play_sample(l, rec);
	case PP_LOST:
		return play_lost(l, rec);
	case PP_OFF:
		return loader_play_off(l, rec);
	case PP_FORK:
		return loader_play_fork(l, rec);
	case PP_GIL_THREADS:
	case PP_GIL_WAITS:
	case PP_GIL_STACKS:
		return gilload_take(l, rec);
	case PP_OWNER:
		loader_end_segment(l);
		return begin_segment(l, rec);
	default:
		return 0;
	}
}
