/* SPDX-License-Identifier: MIT */
/* What a header counts, as people are told it: at exit and by --ctl status. */
#ifndef PYPROF_COUNTS_H
#define PYPROF_COUNTS_H

#include "pyprof/format.h"

/* Of threads that ran, and in wall mode of those that waited. */
static inline uint64_t pp_samples(const struct pp_header *h)
{
	return h->counters[PP_COUNT_samples] + h->counters[PP_COUNT_looks];
}

/* Without those that nobody wanted. */
static inline uint64_t pp_lost(const struct pp_header *h)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < PP_LOSS_MAX; i++)
		if (i != PP_LOST_paused)
			lost += h->lost[i];
	return lost;
}

#endif
