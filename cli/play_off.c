/* SPDX-License-Identifier: MIT */
/*
 * Plays records that bring a stack whole: OFF, of another thread than the one
 * whose segment it is in, and FORK. Called by loader_play(); see loader.h.
 */
#include <string.h>

#include "loader.h"
#include "util/die.h"

/* Part of an OFF: `whole` is its time, `kept` what is wanted of that. */
static uint64_t scale_looks(uint64_t looks, uint64_t kept, uint64_t whole)
{
	unsigned __int128 scaled;

	if (kept >= whole)
		return looks;
	scaled = (unsigned __int128)looks * kept / whole;
	return scaled ? (uint64_t)scaled : 1;
}

/*
 * What of an OFF is wanted. The gap, of which is not known when it was, counts
 * as at the record's `time`.
 */
static struct cost off_wanted(const struct loader *l, uint64_t time,
			      uint64_t gap, const struct pp_off *off,
			      uint8_t state)
{
	uint64_t whole = gap + (off->until - time), kept = whole;
	uint64_t from = time > l->from ? time : l->from;
	uint64_t to = off->until < l->to ? off->until : l->to;
	bool begins = time >= l->from && time < l->to;

	if (l->chooses) {
		kept = (begins ? gap : 0) + (to > from ? to - from : 0);
		if (l->options.keep->on_only ||
		    (state & l->options.keep->bits) != l->options.keep->bits ||
		    (!kept && !begins))
			return (struct cost){ 0 };
	}
	return (struct cost){
		.samples =
			scale_looks(off->looks ? off->looks : 1, kept, whole),
		.ns = loader_ns(l, kept),
		.off_ns = loader_ns(l, kept),
	};
}

static struct off_stack *obtain_off(struct loader *l, uint32_t thread)
{
	size_t index = thread - l->first_thread, count = l->off_count;

	if (index >= count) {
		l->off_count = 2 * index + 16;
		l->offs = must_realloc(l->offs, l->off_count, sizeof(*l->offs));
		memset(l->offs + count, 0,
		       (l->off_count - count) * sizeof(*l->offs));
	}
	return &l->offs[index];
}

/* The stack of an OFF, new or the same again: -1 if there is none. */
static int read_off_stack(struct loader *l, uint32_t thread, uint64_t state,
			  struct cursor *c, uint32_t *leaf)
{
	struct off_stack *off = obtain_off(l, thread);
	uint32_t code, line;

	if (state & PP_STATE_AGAIN) {
		*leaf = off->node;
		return off->segment == l->segment.number ? 0 : -1;
	}
	off->segment = 0;
	*leaf = loader_root(l, loader_base(l, thread),
			    state & PP_STATE_TRUNCATED);
	if (c->at == c->end)
		*leaf = profile_child(l->profile, *leaf, l->native, 0);
	while (c->at < c->end) {
		code = cursor_id(c);
		line = cursor_id(c);
		if (c->bad)
			return -1;
		*leaf = loader_child(l, *leaf, code, line);
	}
	off->segment = l->segment.number;
	off->node = *leaf;
	return 0;
}

/* Time of a thread off the processor goes into the profile. */
static void add_off(struct loader *l, struct thread *t, uint32_t leaf,
		    uint8_t state, const struct cost *kept,
		    const struct cost *all)
{
	cost_add(&l->profile->nodes[leaf].self, kept);
	cost_add(&t->sampled, kept);
	if (state & PP_STATE_GIL_WAIT)
		cost_add(&t->gil_wait, kept);
	else if (state & PP_STATE_GIL)
		cost_add(&t->gil, kept);
	t->dropped.samples += all->samples - kept->samples;
	t->dropped.ns += all->ns - kept->ns;
	t->dropped.off_ns += all->off_ns - kept->off_ns;
}

static bool off_makes_sense(const struct loader *l, uint64_t time, uint64_t gap,
			    const struct pp_off *off)
{
	return l->segment.open && l->reader.header.mode == PP_MODE_WALL &&
	       gap <= time && time <= off->until &&
	       (off->until | off->looks) <= LOADER_UNITS_MAX;
}

int loader_play_off(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	uint64_t number = cursor_number(&c), time = cursor_number(&c);
	uint64_t gap = cursor_number(&c), state = cursor_number(&c), weight;
	struct pp_off off = cursor_off(&c, rec);
	struct cost kept, all = { .samples = off.looks ? off.looks : 1 };
	uint32_t thread, leaf;
	struct thread *t;

	if (c.bad || !off_makes_sense(l, time, gap, &off))
		return -1;
	thread = loader_thread(l, number);
	if (read_off_stack(l, thread, state, &c, &leaf) < 0 ||
	    thread_is_own(&l->profile->threads[thread]))
		return -1;
	loader_saw_at(l, thread, time - gap);
	loader_saw_at(l, thread, off.until);
	t = &l->profile->threads[thread];
	if (t->left_out)
		return 0;
	weight = gap + (off.until - time);
	all.ns = all.off_ns = loader_ns(l, weight);
	kept = off_wanted(l, time, gap, &off, (uint8_t)state);
	if (kept.samples)
		leaf = loader_leaf(l, leaf, (uint8_t)state);
	add_off(l, t, leaf, (uint8_t)state, &kept, &all);
	return 0;
}

static void drop_fork(struct profile *p)
{
	p->frame_count = p->forks[--p->fork_count].first_frame;
}

int loader_play_fork(struct loader *l, const struct record *rec)
{
	struct cursor c = record_cursor(rec);
	uint64_t pid = cursor_number(&c), time = cursor_number(&c);
	struct place place;
	struct fork *fork;
	uint32_t code, line;

	if (c.bad || !l->segment.open || pid > UINT32_MAX ||
	    time > LOADER_UNITS_MAX)
		return -1;
	fork = profile_add_fork(l->profile, l->process);
	fork->pid = (uint32_t)pid;
	fork->time_ns = loader_ns(l, time);
	while (c.at < c.end) {
		code = cursor_id(&c);
		line = cursor_id(&c);
		if (c.bad) {
			drop_fork(l->profile);
			return -1;
		}
		place = codes_place(&l->codes, code, line);
		profile_add_fork_frame(
			l->profile,
			(struct frame){ place.function, place.line });
	}
	return 0;
}
