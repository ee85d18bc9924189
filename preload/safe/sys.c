/* SPDX-License-Identifier: MIT */
/*
 * The two system calls that need more than a line. Any context.
 */
#include "safe/sys.h"

void *sys_mmap(void *at, size_t bytes, int prot, int flags, int fd,
	       uint64_t offset)
{
	long ret = sys_call6(SYS_mmap, (long)at, (long)bytes, prot, flags, fd,
			     (long)offset);

	return sys_is_error(ret) ? NULL : (void *)ret;
}

void sys_munmap(void *at, size_t bytes)
{
	sys_call(SYS_munmap, at, bytes, 0, 0);
}
