/* SPDX-License-Identifier: MIT */
/*
 * The clock of deterministic profiling, in ticks: the processor's counter where
 * the kernel itself trusts it (9 ns a reading), else CLOCK_MONOTONIC (22 ns).
 * Any thread.
 */
#ifndef TRACE_CLOCK_H
#define TRACE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <x86intrin.h>

#include "pyprof/compiler.h"
#include "safe/clock.h"

extern bool trace_clock_is_counter;

/* Choose it. Once. */
void trace_clock_choose(void);

/* Where the counter is the clock. */
static inline uint64_t trace_clock_counter(void)
{
	return __rdtsc();
}

static inline uint64_t trace_clock_now(void)
{
	return PP_LIKELY(trace_clock_is_counter) ? trace_clock_counter()
						 : clock_now();
}

/* Write both clocks into the log's header: what is first, or the latest. */
void trace_clock_begin(void);
void trace_clock_renew(void);

#endif
