/* SPDX-License-Identifier: MIT */
/*
 * The end of a process or of its program, and the calls that a process with a
 * second thread may not make, or should not: a ticker that kept root's
 * identity after setuid() would be a hole, and unshare() refuses.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine.h"
#include "entry.h"
#include "pyprof/compiler.h"
#include "pyprof/format.h"
#include "real.h"
#include "safe/state.h"

extern char **environ;

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

/* -- exec ---------------------------------------------------------------- */

/* An exec that returned has failed: go on. */
static int came_back(bool began, int ret)
{
	int saved = errno;

	if (began)
		entry_exec_failed();
	errno = saved;
	return ret;
}

PP_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	bool began = entry_exec_begin();

	return came_back(began, real()->execve(path, argv, envp));
}

PP_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	bool began = entry_exec_begin();

	return came_back(began, real()->execvpe(file, argv, envp));
}

PP_EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	bool began = entry_exec_begin();

	return came_back(began, real()->fexecve(fd, argv, envp));
}

PP_EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

PP_EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

/* How many arguments up to the NULL, which is counted. */
static size_t count_arguments(va_list arguments)
{
	size_t n = 1;

	while (va_arg(arguments, char *))
		n++;
	return n;
}

/* The array of an execl call; on the stack, since the caller may be a vfork. */
#define ARGUMENTS_MOST 1024

static int fill_argv(char **argv, const char *first, va_list arguments)
{
	va_list copy;
	size_t n;

	va_copy(copy, arguments);
	n = count_arguments(copy);
	va_end(copy);
	if (n + 1 > ARGUMENTS_MOST) {
		errno = E2BIG;
		return -1;
	}
	argv[0] = (char *)(uintptr_t)first;
	for (size_t i = 0; i < n; i++)
		argv[i + 1] = va_arg(arguments, char *);
	return 0;
}

PP_EXPORT int execl(const char *path, const char *first, ...)
{
	char *argv[ARGUMENTS_MOST];
	va_list arguments;
	int ret;

	va_start(arguments, first);
	ret = fill_argv(argv, first, arguments);
	va_end(arguments);
	return ret < 0 ? ret : execve(path, argv, environ);
}

PP_EXPORT int execlp(const char *file, const char *first, ...)
{
	char *argv[ARGUMENTS_MOST];
	va_list arguments;
	int ret;

	va_start(arguments, first);
	ret = fill_argv(argv, first, arguments);
	va_end(arguments);
	return ret < 0 ? ret : execvpe(file, argv, environ);
}

PP_EXPORT int execle(const char *path, const char *first, ...)
{
	char *argv[ARGUMENTS_MOST];
	char **envp = NULL;
	va_list arguments;
	int ret;

	va_start(arguments, first);
	ret = fill_argv(argv, first, arguments);
	if (ret == 0)
		envp = va_arg(arguments, char **);
	va_end(arguments);
	return ret < 0 ? ret : execve(path, argv, envp);
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
