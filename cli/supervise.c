/* SPDX-License-Identifier: MIT */
/* A parent that stays out of the way; see supervise.h. */
#include "supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch.h"

/* What somebody may send us and mean the command; for SIGCONT see let_go_on().
 */
static const int passed_on[] = { SIGTERM, SIGHUP,  SIGUSR1, SIGUSR2,
				 SIGINT,  SIGQUIT, SIGALRM, SIGWINCH };

/* What the terminal tells all of the job: the command stops, then so do we. */
static const int job_control[] = { SIGTSTP, SIGTTIN, SIGTTOU };

/* How long, and how often, the command may be told after us that it goes on. */
#define MOMENT_NS 1000000
#define MOMENTS	  20

static struct {
	volatile pid_t child;
} g;

/* The terminal's signals have reached the command already. */
static void pass_on(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (info->si_code <= 0)
		kill(g.child, number);
	errno = saved;
}

static void install_handlers(void)
{
	struct sigaction action = { 0 }, old;
	size_t i;

	sigemptyset(&action.sa_mask);
	action.sa_sigaction = pass_on;
	action.sa_flags = SA_SIGINFO | SA_RESTART;
	for (i = 0; i < ARRAY_LEN(passed_on); i++)
		if (sigaction(passed_on[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(passed_on[i], &action, NULL);
	action.sa_handler = SIG_IGN;
	action.sa_flags = 0;
	for (i = 0; i < ARRAY_LEN(job_control); i++)
		sigaction(job_control[i], &action, NULL);
}

/* Is the command no longer stopped? */
static bool goes_on(pid_t child)
{
	siginfo_t info = { 0 };

	waitid(P_PID, (id_t)child, &info,
	       WEXITED | WCONTINUED | WNOHANG | WNOWAIT);
	return info.si_pid == child;
}

/*
 * Somebody let us go on: mostly a shell, that tells all of the job. The command
 * is told by us only if it was not told with us, so that it has one signal.
 */
static void let_go_on(pid_t child)
{
	const struct timespec moment = { .tv_nsec = MOMENT_NS };
	int i;

	for (i = 0; i < MOMENTS && !goes_on(child); i++)
		nanosleep(&moment, NULL);
	if (i == MOMENTS)
		kill(child, SIGCONT);
}

/* Wait for the end of the command; where it stops, stop as well. */
static int await(pid_t child, struct err *err)
{
	int status;

	for (;;) {
		if (waitpid(child, &status, WUNTRACED) < 0) {
			if (errno == EINTR)
				continue;
			err_set(err, "wait: %s", strerror(errno));
			return -1;
		}
		if (!WIFSTOPPED(status))
			return status;
		raise(SIGSTOP);
		let_go_on(child);
	}
}

int supervise_command(const uint64_t session[2], char **command, int *status,
		      struct err *err)
{
	sigset_t all, old;
	int ended;

	/* No signal may come between the fork and the handlers' knowing it. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	g.child = fork();
	if (g.child == 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		_exit(launch_exec(session, command));
	}
	if (g.child > 0)
		install_handlers();
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (g.child < 0)
		return err_set(err, "fork: %s", strerror(errno));
	ended = await(g.child, err);
	if (ended < 0)
		return -1;
	*status = ended;
	return 0;
}

void supervise_end(int status)
{
	sigset_t one;

	if (WIFSIGNALED(status)) {
		prctl(PR_SET_DUMPABLE, 0);
		signal(WTERMSIG(status), SIG_DFL);
		sigemptyset(&one);
		sigaddset(&one, WTERMSIG(status));
		sigprocmask(SIG_UNBLOCK, &one, NULL);
		raise(WTERMSIG(status));
	}
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_WRAPPER);
}
