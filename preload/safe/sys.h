/* SPDX-License-Identifier: MIT */
/*
 * System calls without libc: they touch neither errno nor any other thread
 * local variable, so that they may run in a handler and in the ticker, which
 * has no thread local storage of its own. Each returns what the kernel
 * returned: -errno on failure. x86-64.
 */
#ifndef SAFE_SYS_H
#define SAFE_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

static inline long sys_call6(long n, long a, long b, long c, long d, long e,
			     long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define sys_call(n, a, b, c, d)                                                \
	sys_call6((n), (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

static inline int sys_gettid(void)
{
	return (int)sys_call(SYS_gettid, 0, 0, 0, 0);
}

static inline int sys_getpid(void)
{
	return (int)sys_call(SYS_getpid, 0, 0, 0, 0);
}

/* The kernel's answer for an address: an error is one of the last page. */
static inline int sys_is_error(long ret)
{
	return (unsigned long)ret >= (unsigned long)-4095;
}

/* Map memory; NULL on failure. fd -1 with MAP_ANONYMOUS. */
void *sys_mmap(void *at, size_t bytes, int prot, int flags, int fd,
	       uint64_t offset);
void sys_munmap(void *at, size_t bytes);

#endif
