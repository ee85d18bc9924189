/* SPDX-License-Identifier: MIT */
/*
 * The calling thread's signal mask, by system call, as the kernel's 64-bit
 * set: our wrappers of sigprocmask have no part in it. Any context.
 */
#ifndef SAFE_MASK_H
#define SAFE_MASK_H

#include <signal.h>
#include <stdint.h>

#include "safe/sys.h"

#define MASK_BYTES 8
#define MASK_ALL   (~UINT64_C(0))

/* A blocked fault kills, whatever handler it has. */
#define MASK_FAULTS (mask_of(SIGSEGV) | mask_of(SIGBUS))

static inline uint64_t mask_of(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

/* Block these too; returns the mask of before, for mask_set(). */
static inline uint64_t mask_block(uint64_t signals)
{
	uint64_t before = 0;

	sys_call(SYS_rt_sigprocmask, SIG_BLOCK, &signals, &before, MASK_BYTES);
	return before;
}

static inline void mask_set(uint64_t signals)
{
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, &signals, NULL, MASK_BYTES);
}

static inline void mask_unblock(uint64_t signals)
{
	sys_call(SYS_rt_sigprocmask, SIG_UNBLOCK, &signals, NULL, MASK_BYTES);
}

/*
 * Let faults through, which a host may have blocked; returns those that it had,
 * to be blocked again by mask_close_faults().
 */
static inline uint64_t mask_open_faults(void)
{
	uint64_t before = mask_block(0);

	if (before & MASK_FAULTS)
		mask_unblock(MASK_FAULTS);
	return before & MASK_FAULTS;
}

static inline void mask_close_faults(uint64_t blocked)
{
	if (blocked)
		mask_block(blocked);
}

/*
 * For code of ours that is no handler and touches the log: block the sampling
 * signal, and let the faults through that it may raise and mend, which a host
 * may have blocked. Returns the mask of before, for mask_unquiet().
 */
static inline uint64_t mask_quiet(int signal)
{
	uint64_t before = mask_block(mask_of(signal));

	mask_unblock(MASK_FAULTS);
	return before;
}

/* These three as they were; the host may have changed others meanwhile. */
static inline void mask_unquiet(int signal, uint64_t before)
{
	uint64_t ours = mask_of(signal) | MASK_FAULTS;

	mask_block(before & ours);
	mask_unblock(~before & ours);
}

#endif
