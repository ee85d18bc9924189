/* SPDX-License-Identifier: MIT */
/*
 * The summary of a profile: what all its processes come to. The CPU time of a
 * process is
 *
 *	start-up + sampled + unsampled + own
 *
 * start-up: before profiling began, interpreter and user code's imports by
 * `site`. sampled: the weights of the samples, the 100 % of every table.
 * unsampled: what threads used that no sample covers, be it before a thread's
 * first sample, after its last, or where samples were lost. own: pyprof's own
 * threads.
 *
 * In mode wall sampled and unsampled have the time off the processor too, which
 * is the part of them called off.
 */
#ifndef TOTALS_H
#define TOTALS_H

#include "model.h"

struct totals {
	uint64_t duration_ns; /* wall time */
	uint64_t cpu_ns;
	uint64_t startup_ns;
	uint64_t unsampled_ns, unsampled_off_ns;
	uint64_t own_ns;
	uint64_t samples;
	uint64_t sampled_ns, sampled_off_ns;
	uint64_t gil_wait_ns;  /* part of that: wanting the GIL */
	struct cost dropped;   /* samples that were not asked for, or too old */
	struct cost ringed;    /* part of them: by logs that are rings, */
	uint64_t ring_ns;      /* the longest of which keeps this; 0: none */
	uint64_t lost_samples; /* but for those not wanted: paused */
	uint64_t lost[PP_LOSS_MAX];
	uint64_t lost_ns;   /* part of unsampled_ns */
	uint64_t paused_ns; /* part of lost_ns: recording was off */
	uint64_t counters[PP_COUNTER_MAX];
	double asked_hz;     /* the highest, if processes differ; 0: none */
	double achieved_hz;  /* samples a second of their time; 0: no time */
	bool wall;	     /* that of any of the processes is wall time */
	bool mixed;	     /* and that of others CPU time */
	bool gil_wait_known; /* in any of the former */
	bool auto_rate;
};

void totals_init(struct totals *t, const struct profile *p);

/*
 * CPU time of process number i. What its clock has of another program's, which
 * had the process before, is not part of it.
 */
uint64_t totals_cpu_ns(const struct profile *p, size_t i) PP_MUST_CHECK;

/* When the first process of the session of process i began. */
uint64_t totals_session_start_ns(const struct profile *p,
				 size_t i) PP_MUST_CHECK;

/* Word and explanation of a loss reason; "reason-N" if it is not known. */
const char *loss_name(unsigned reason, char buffer[16]);
const char *loss_words(unsigned reason);

#endif
