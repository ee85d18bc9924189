/* SPDX-License-Identifier: MIT */
/*
 * The end of a process, and the calls that a process with a second thread may
 * not make, or should not: a ticker that kept root's identity after setuid()
 * would be a hole, and unshare() refuses. Programs that are executed are
 * hooks_exec.c's, children hooks_fork.c's and hooks_spawn.c's.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine.h"
#include "entry.h"
#include "pyprof/compiler.h"
#include "pyprof/format.h"
#include "real.h"
#include "safe/state.h"

/* -- exit ---------------------------------------------------------------- */

PP_EXPORT PP_NORETURN void _exit(int status)
{
	entry_stop(PP_ENDED_UEXIT);
	real()->_exit(status);
	__builtin_unreachable();
}

PP_EXPORT PP_NORETURN void _Exit(int status)
{
	_exit(status);
}

/* -- a single thread, please --------------------------------------------- */

static const struct real *alone(void)
{
	if (state_is_armed() && !state_is_borrowed())
		engine_lend();
	return real();
}

PP_EXPORT int setuid(uid_t uid)
{
	return alone()->setuid(uid);
}

PP_EXPORT int setgid(gid_t gid)
{
	return alone()->setgid(gid);
}

PP_EXPORT int seteuid(uid_t uid)
{
	return alone()->seteuid(uid);
}

PP_EXPORT int setegid(gid_t gid)
{
	return alone()->setegid(gid);
}

PP_EXPORT int setreuid(uid_t real, uid_t effective)
{
	return alone()->setreuid(real, effective);
}

PP_EXPORT int setregid(gid_t real, gid_t effective)
{
	return alone()->setregid(real, effective);
}

PP_EXPORT int setresuid(uid_t real, uid_t effective, uid_t saved)
{
	return alone()->setresuid(real, effective, saved);
}

PP_EXPORT int setresgid(gid_t real, gid_t effective, gid_t saved)
{
	return alone()->setresgid(real, effective, saved);
}

PP_EXPORT int setgroups(size_t n, const gid_t *groups)
{
	return alone()->setgroups(n, groups);
}

PP_EXPORT int unshare(int flags)
{
	return alone()->unshare(flags);
}

PP_EXPORT int setns(int fd, int type)
{
	return alone()->setns(fd, type);
}
