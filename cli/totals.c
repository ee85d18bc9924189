/* SPDX-License-Identifier: MIT */
/* Sums over processes and threads; see totals.h. */
#include "totals.h"

#include <stdio.h>
#include <string.h>

#include "pyprof/compiler.h"
#include "util/units.h"

static const char *const names[] = {
#define X(number, name, words) [number] = #name,
	PP_LOSSES(X)
#undef X
};

static const char *const explanations[] = {
#define X(number, name, words) [number] = words,
	PP_LOSSES(X)
#undef X
};

const char *loss_name(unsigned reason, char buffer[16])
{
	if (reason < ARRAY_LEN(names))
		return names[reason];
	snprintf(buffer, 16, "reason-%u", reason % 1000);
	return buffer;
}

const char *loss_words(unsigned reason)
{
	return reason < ARRAY_LEN(explanations) ? explanations[reason]
						: "a newer pyprof knows why";
}

/*
 * Wall time of the session that process i belongs to, said once, by the first
 * of its processes: the others give 0.
 */
static uint64_t session_ns(const struct profile *p, size_t i)
{
	const struct process *first = &p->processes[i], *other;
	uint64_t start_ns = first->header.start_ns;
	uint64_t end_ns = process_end_ns(first);
	size_t k;

	for (k = 0; k < p->process_count; k++) {
		other = &p->processes[k];
		if (!process_same_session(first, other))
			continue;
		if (k < i)
			return 0;
		if (other->header.start_ns < start_ns)
			start_ns = other->header.start_ns;
		if (process_end_ns(other) > end_ns)
			end_ns = process_end_ns(other);
	}
	return end_ns - start_ns;
}

static void add_losses(struct totals *t, const struct process *p)
{
	uint64_t count;
	unsigned i;

	for (i = 0; i < PP_LOSS_MAX; i++) {
		/* The header counts also what left no record. */
		count = p->header.lost[i];
		if (p->lost[i].samples > count)
			count = p->lost[i].samples;
		t->lost[i] += count;
		if (i == PP_LOST_paused)
			t->paused_ns += p->lost[i].ns;
		else
			t->lost_samples += count;
		t->lost_ns += p->lost[i].ns;
	}
}

static void add_counters(struct totals *t, const struct pp_header *h)
{
	unsigned i;

	for (i = 0; i < PP_COUNTER_MAX; i++) {
		if (i != PP_COUNT_handler_max_ns)
			t->counters[i] += h->counters[i];
		else if (h->counters[i] > t->counters[i])
			t->counters[i] = h->counters[i];
	}
}

/* What its threads used since profiling began, as far as they tell. */
static uint64_t threads_cpu_ns(const struct profile *p, size_t process)
{
	const struct thread *t = p->threads;
	uint64_t all_ns = 0;
	size_t left;

	for (left = p->thread_count; left > 0; left--, t++)
		if (t->process == process && !thread_is_own(t))
			all_ns += cost_cpu_ns(&t->sampled) +
				  cost_cpu_ns(&t->dropped) +
				  thread_unsampled_cpu_ns(t);
	return all_ns;
}

static void add_unsampled(struct totals *t, const struct profile *p)
{
	const struct thread *thread = p->threads;
	size_t left;

	for (left = p->thread_count; left > 0; left--, thread++) {
		if (thread->left_out)
			continue;
		t->unsampled_ns += thread_unsampled_ns(thread);
		t->unsampled_off_ns += thread_unsampled_off_ns(thread);
	}
}

/*
 * The CPU clock of a process goes on when it execs: what of a log's clock is
 * its predecessor's, and counted there.
 */
static uint64_t before_exec_ns(const struct profile *p, size_t i)
{
	const struct pp_header *h = &p->processes[i].header;
	uint64_t before_ns = 0;
	size_t j;

	for (j = 0; j < p->process_count; j++) {
		const struct pp_header *o = &p->processes[j].header;

		if (o->pid == h->pid && o->ended == PP_ENDED_EXEC &&
		    memcmp(o->session, h->session, sizeof(h->session)) == 0 &&
		    o->end_cpu_ns <= h->start_cpu_ns &&
		    o->end_cpu_ns > before_ns)
			before_ns = o->end_cpu_ns;
	}
	return before_ns;
}

/* What is known of its CPU time without the clock at its end. */
static uint64_t known_cpu_ns(const struct profile *p, size_t i)
{
	const struct pp_header *h = &p->processes[i].header;

	return h->start_cpu_ns + threads_cpu_ns(p, i) +
	       h->counters[PP_COUNT_own_cpu_ns];
}

uint64_t totals_cpu_ns(const struct profile *p, size_t i)
{
	const struct pp_header *h = &p->processes[i].header;
	uint64_t cpu_ns = h->end_cpu_ns, before_ns = before_exec_ns(p, i);

	if (!h->ended || !cpu_ns)
		cpu_ns = known_cpu_ns(p, i);
	return cpu_ns > before_ns ? cpu_ns - before_ns : 0;
}

uint64_t totals_session_start_ns(const struct profile *p, size_t i)
{
	uint64_t start_ns = p->processes[i].header.start_ns;
	size_t k;

	for (k = 0; k < p->process_count; k++)
		if (process_same_session(&p->processes[i], &p->processes[k]) &&
		    p->processes[k].header.start_ns < start_ns)
			start_ns = p->processes[k].header.start_ns;
	return start_ns;
}

static void add_modes(struct totals *t, const struct profile *p)
{
	const struct pp_header *h;
	bool cpu = false;
	size_t i;

	for (i = 0; i < p->process_count; i++) {
		h = &p->processes[i].header;
		cpu |= h->mode == PP_MODE_CPU;
		if (h->mode != PP_MODE_WALL)
			continue;
		t->wall = true;
		t->gil_wait_known |= (h->state_known & PP_STATE_GIL_WAIT) != 0;
	}
	t->mixed = t->wall && cpu;
}

/*
 * A log that stopped growing has no end of its threads: what they used after
 * their last record is what the clock of the process says more.
 */
static uint64_t unrecorded_ns(const struct profile *p, size_t i)
{
	const struct pp_header *h = &p->processes[i].header;
	uint64_t known_ns;
	size_t k;

	if (h->ended != PP_ENDED_SIZE && h->ended != PP_ENDED_FAILED)
		return 0;
	/* whose it is cannot be known */
	for (k = 0; k < p->thread_count; k++)
		if (p->threads[k].process == i && p->threads[k].left_out)
			return 0;
	known_ns = known_cpu_ns(p, i);
	return h->end_cpu_ns > known_ns ? h->end_cpu_ns - known_ns : 0;
}

static void add_process(struct totals *t, const struct profile *p, size_t i)
{
	const struct process *process = &p->processes[i];
	const struct pp_header *h = &process->header;
	double asked_hz = h->period_ns ? NS_PER_S / (double)h->period_ns : 0;

	t->cpu_ns += totals_cpu_ns(p, i);
	t->duration_ns += session_ns(p, i);
	t->startup_ns += h->start_cpu_ns - before_exec_ns(p, i);
	t->own_ns += h->counters[PP_COUNT_own_cpu_ns];
	t->unsampled_ns += unrecorded_ns(p, i);
	t->samples += process->sampled.samples;
	t->sampled_ns += process->sampled.ns;
	t->sampled_off_ns += process->sampled.off_ns;
	t->gil_wait_ns += process->gil_wait.off_ns;
	cost_add(&t->dropped, &process->dropped);
	cost_add(&t->ringed, &process->ringed);
	if (h->ring_ns > t->ring_ns)
		t->ring_ns = h->ring_ns;
	if (h->engine && asked_hz > t->asked_hz)
		t->asked_hz = asked_hz;
	t->auto_rate |= h->engine && h->auto_rate;
	add_losses(t, process);
	add_counters(t, h);
}

void totals_init(struct totals *t, const struct profile *p)
{
	double used_s;
	size_t i;

	*t = (struct totals){ 0 };
	for (i = 0; i < p->process_count; i++)
		add_process(t, p, i);
	add_unsampled(t, p);
	add_modes(t, p);
	used_s = (double)(t->sampled_ns + t->dropped.ns + t->unsampled_ns -
			  t->paused_ns) /
		 NS_PER_S;
	if (used_s > 0)
		t->achieved_hz =
			(double)(t->samples + t->dropped.samples) / used_s;
}
