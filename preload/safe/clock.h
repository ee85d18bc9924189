/* SPDX-License-Identifier: MIT */
/*
 * Clocks, all in nanoseconds. Handler, any thread.
 */
#ifndef SAFE_CLOCK_H
#define SAFE_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "safe/sys.h"

static inline uint64_t clock_ns_of(struct timespec ts)
{
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* CLOCK_MONOTONIC by the vDSO; not for the ticker, which has no libc. */
static inline uint64_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return clock_ns_of(ts);
}

/* Any clock by system call; 0 if it cannot be read. */
static inline uint64_t clock_read(clockid_t clock)
{
	struct timespec ts = { 0, 0 };

	sys_call(SYS_clock_gettime, clock, &ts, 0, 0);
	return clock_ns_of(ts);
}

/*
 * The CPU clock of a thread of this process, as the kernel codes it:
 * include/linux/posix-timers_types.h, CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED.
 */
static inline clockid_t clock_of_thread(int tid)
{
	return (clockid_t)((~(unsigned)tid << 3) | 6u);
}

#endif
