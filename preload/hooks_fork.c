/* SPDX-License-Identifier: MIT */
/*
 * Children that go on with the same program. fork() itself tells us by
 * pthread_atfork(), see entry.c; here the log is told which child was made,
 * which those handlers do not learn. vfork() is not wrapped: its child returns
 * from the wrapper first and would leave the parent a used stack. _Fork() and
 * clone() without shared memory run no such handlers: the signal is blocked
 * here, since a pending one makes the kernel begin again for as long as a big
 * process takes to be copied, and the child, of which libc does not know all,
 * is not recorded until it execs. Any thread.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pty.h>
#include <sched.h>
#include <stdarg.h>
#include <unistd.h>

#include "children.h"
#include "entry.h"
#include "pyprof/compiler.h"
#include "real.h"

PP_EXPORT pid_t fork(void)
{
	uint64_t time_ns = children_time();
	pid_t pid = real()->fork();

	children_made(pid, time_ns);
	return pid;
}

PP_EXPORT pid_t forkpty(int *terminal, char *name,
			const struct termios *settings,
			const struct winsize *size)
{
	uint64_t time_ns = children_time();
	pid_t pid = real()->forkpty(terminal, name, settings, size);

	children_made(pid, time_ns);
	return pid;
}

PP_EXPORT pid_t _Fork(void)
{
	uint64_t time_ns = children_time();
	struct copying copying;
	pid_t pid;

	if (!real()->_Fork) {
		errno = ENOSYS;
		return -1;
	}
	entry_copy_begin(&copying);
	pid = real()->_Fork();
	entry_copy_end(&copying, pid == 0);
	children_made(pid, time_ns);
	return pid;
}

/* What the child of clone() shall really run; it lies on the parent's stack,
 * of which the child has a copy. */
struct birth {
	int (*function)(void *);
	void *argument;
	struct copying copying;
};

static int run(void *birth)
{
	struct birth *b = birth;

	entry_copy_end(&b->copying, true);
	return b->function(b->argument);
}

PP_EXPORT int clone(int (*function)(void *), void *stack, int flags,
		    void *argument, ...)
{
	uint64_t time_ns = children_time();
	struct birth b = { .function = function, .argument = argument };
	void *parent, *tls, *child;
	va_list more;
	int pid;

	/* which of them there are is said by the flags; libc reads all, too */
	va_start(more, argument);
	parent = va_arg(more, void *);
	tls = va_arg(more, void *);
	child = va_arg(more, void *);
	va_end(more);
	if (flags & CLONE_VM || !function || !stack)
		return real()->clone(function, stack, flags, argument, parent,
				     tls, child);
	entry_copy_begin(&b.copying);
	pid = real()->clone(run, stack, flags, &b, parent, tls, child);
	entry_copy_end(&b.copying, false);
	children_made(pid, time_ns);
	return pid;
}
