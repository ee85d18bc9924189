/* SPDX-License-Identifier: MIT */
/*
 * The log's descriptor. See logfile.h.
 */
#include "safe/logfile.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "safe/sys.h"

/* Few programs count on a number like this. */
#define FD_WANTED 1000

static struct {
	_Atomic int fd;
	dev_t device;
	ino_t inode;
	const char *path;
} g = { .fd = -1 };

void logfile_set(int fd, const struct stat *st, const char *path)
{
	g.device = st->st_dev;
	g.inode = st->st_ino;
	g.path = path;
	atomic_store(&g.fd, fd);
}

static bool is_ours(int fd)
{
	struct stat st;

	return fd >= 0 && sys_call(SYS_fstat, fd, &st, 0, 0) == 0 &&
	       st.st_dev == g.device && st.st_ino == g.inode;
}

int logfile_move_high(int fd)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	long least = FD_WANTED, high;

	sys_call(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
	if (limit.rlim_cur <= FD_WANTED)
		least = limit.rlim_cur > 16 ? (long)limit.rlim_cur - 8 : 3;
	high = sys_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, least, 0);
	if (high < 0)
		return fd;
	sys_call(SYS_close, fd, 0, 0, 0);
	return (int)high;
}

static int open_path(void)
{
	return g.path ? (int)sys_call(SYS_openat, AT_FDCWD, g.path,
				      O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0)
		      : -1;
}

/* Open it again in place of a number that is not ours any more. */
static int reopen(int old)
{
	int fd = open_path();

	if (fd < 0)
		return -1;
	/* another thread may have been faster */
	if (is_ours(fd)) {
		fd = logfile_move_high(fd);
		if (atomic_compare_exchange_strong(&g.fd, &old, fd))
			return fd;
	}
	sys_call(SYS_close, fd, 0, 0, 0);
	return is_ours(old) ? old : -1;
}

int logfile_fd_apart(void)
{
	int fd = atomic_load(&g.fd);

	if (is_ours(fd))
		return fd;
	fd = open_path();
	if (fd >= 0 && !is_ours(fd)) {
		sys_call(SYS_close, fd, 0, 0, 0);
		fd = -1;
	}
	return fd;
}

int logfile_fd(void)
{
	int fd = atomic_load(&g.fd);

	return is_ours(fd) ? fd : reopen(fd);
}

void logfile_close(void)
{
	int fd = atomic_load(&g.fd);

	if (is_ours(fd))
		sys_call(SYS_close, fd, 0, 0, 0);
	atomic_store(&g.fd, -1);
}
