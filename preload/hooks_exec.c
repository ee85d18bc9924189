/* SPDX-License-Identifier: MIT */
/*
 * exec: the program of the process is replaced. Any thread, also in a child of
 * vfork(), which runs in its parent's memory: so everything is on the stack,
 * and nothing of the parent's is changed.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "children.h"
#include "entry.h"
#include "handlers.h"
#include "keepenv.h"
#include "pyprof/compiler.h"
#include "real.h"

extern char **environ;

/* Before every exec; true if a log of this process was ended by it. */
static bool begin_exec(void)
{
	bool began = entry_exec_begin();

	if (!began) {
		children_made_by_vfork();
		handlers_exec_child();
	}
	return began;
}

/* What a call of the family was given; those without one have no use for it. */
struct call {
	const char *path;
	char *const *argv, *const *envp;
	int fd, flags;
};

/* Make the call with the environment that the child shall have. */
static int run(int (*function)(const struct call *c, char *const envp[]),
	       const struct call *c)
{
	size_t bytes = keepenv_bytes(c->envp);
	void *room = bytes ? alloca(bytes) : NULL;
	bool began = begin_exec();
	int ret = function(c, keepenv_fill(room, c->envp)), saved = errno;

	/* one that returned has failed: go on */
	if (began)
		entry_exec_failed();
	errno = saved;
	return ret;
}

static int run_execve(const struct call *c, char *const envp[])
{
	return real()->execve(c->path, c->argv, envp);
}

PP_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	return run(run_execve, &(struct call){ path, argv, envp, 0, 0 });
}

static int run_execvpe(const struct call *c, char *const envp[])
{
	return real()->execvpe(c->path, c->argv, envp);
}

PP_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return run(run_execvpe, &(struct call){ file, argv, envp, 0, 0 });
}

static int run_fexecve(const struct call *c, char *const envp[])
{
	return real()->fexecve(c->fd, c->argv, envp);
}

PP_EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	return run(run_fexecve, &(struct call){ NULL, argv, envp, fd, 0 });
}

static int run_execveat(const struct call *c, char *const envp[])
{
	return real()->execveat(c->fd, c->path, c->argv, envp, c->flags);
}

PP_EXPORT int execveat(int fd, const char *path, char *const argv[],
		       char *const envp[], int flags)
{
	if (!real()->execveat) {
		errno = ENOSYS;
		return -1;
	}
	return run(run_execveat, &(struct call){ path, argv, envp, fd, flags });
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
