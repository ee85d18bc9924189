/* SPDX-License-Identifier: MIT */
/* A system() of our own, by way of posix_spawn(). See shell.h. */
#include "shell.h"

#include <errno.h>
#include <paths.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>

#include "real.h"

static struct {
	pthread_mutex_t lock; /* of all below */
	unsigned waiting;     /* threads that wait for a shell */
	/* the host's, while there are such */
	struct sigaction interrupt, quit;
} g = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Past our wrapper: also the toggle signal is only put aside. */
static void begin_ignoring(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	pthread_mutex_lock(&g.lock);
	if (g.waiting++ == 0) {
		real()->sigaction(SIGINT, &ignore, &g.interrupt);
		real()->sigaction(SIGQUIT, &ignore, &g.quit);
	}
	pthread_mutex_unlock(&g.lock);
}

static void end_ignoring(void)
{
	pthread_mutex_lock(&g.lock);
	if (--g.waiting == 0) {
		real()->sigaction(SIGINT, &g.interrupt, NULL);
		real()->sigaction(SIGQUIT, &g.quit, NULL);
	}
	pthread_mutex_unlock(&g.lock);
}

/* The shell has the mask of before, and what the host did not ignore. */
static int start(pid_t *pid, const char *command, char *const envp[],
		 const sigset_t *mask)
{
	/* posix_spawn() does not write there */
	char *argv[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
			 (char *)(uintptr_t)command, NULL };
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int error;

	sigemptyset(&defaults);
	if (g.interrupt.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGINT);
	if (g.quit.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGQUIT);
	error = posix_spawnattr_init(&attributes);
	if (error)
		return error;
	posix_spawnattr_setsigmask(&attributes, mask);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	/* our wrapper, which puts back what is missing */
	error = posix_spawn(pid, _PATH_BSHELL, NULL, &attributes, argv, envp);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static int wait_for(pid_t pid)
{
	int status;
	pid_t ended;

	do
		ended = waitpid(pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	return ended == pid ? status : -1;
}

/* The waiting thread is cancelled. */
static void abandon(void *argument)
{
	const pid_t *pid = argument;

	kill(*pid, SIGKILL);
	wait_for(*pid);
	end_ignoring();
}

/* The one point at which system() may be cancelled. */
static int wait_or_end(pid_t pid, int cancel)
{
	int status;

	pthread_cleanup_push(abandon, &pid);
	pthread_setcancelstate(cancel, NULL);
	status = wait_for(pid);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cleanup_pop(0);
	return status;
}

int shell_run(const char *command, char *const envp[])
{
	int cancel, error, status = W_EXITCODE(127, 0), saved = errno;
	sigset_t child, before;
	pid_t pid;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	begin_ignoring();
	/* by our wrapper: the mask that the host believes */
	pthread_sigmask(SIG_BLOCK, &child, &before);
	error = start(&pid, command, envp, &before);
	if (error == 0) {
		status = wait_or_end(pid, cancel);
		error = status == -1 ? errno : saved;
	}
	end_ignoring();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_setcancelstate(cancel, NULL);
	errno = error;
	return status;
}
