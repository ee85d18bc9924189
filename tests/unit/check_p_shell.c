/* SPDX-License-Identifier: MIT */
/* preload/shell.c: system() of our own. */
#include "shell.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static char *no_environment[] = { NULL };

static int run(const char *command)
{
	return shell_run(command, no_environment);
}

static bool is_ignored(int number)
{
	struct sigaction action;

	ck_assert_int_eq(sigaction(number, NULL, &action), 0);
	return action.sa_handler == SIG_IGN;
}

START_TEST(shell_tells_how_it_ended)
{
	errno = 77;
	ck_assert_int_eq(run(":"), 0);
	ck_assert_int_eq(WEXITSTATUS(run("exit 3")), 3);
	ck_assert_int_eq(WTERMSIG(run("kill -9 $$")), SIGKILL);
	ck_assert_int_eq(errno, 77);
	ck_assert(!is_ignored(SIGINT));
}
END_TEST

static void *run_long(void *command)
{
	run(command);
	return NULL;
}

START_TEST(shell_ends_with_a_thread_that_is_cancelled)
{
	char command[80], said[20] = "";
	pthread_t thread;
	int ends[2], pid;
	void *result;

	ck_assert_int_eq(pipe(ends), 0);
	snprintf(command, sizeof(command), "echo $$ >&%d; exec sleep 100",
		 ends[1]);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_long, command), 0);
	ck_assert_int_gt(read(ends[0], said, sizeof(said) - 1), 0);
	ck_assert_int_eq(sscanf(said, "%d", &pid), 1);
	ck_assert_int_eq(kill(pid, 0), 0);
	ck_assert(is_ignored(SIGINT));
	ck_assert_int_eq(pthread_cancel(thread), 0);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_ptr_eq(result, PTHREAD_CANCELED);
	ck_assert_int_eq(kill(pid, 0), -1);
	ck_assert_int_eq(errno, ESRCH);
	ck_assert(!is_ignored(SIGINT));
}
END_TEST

UNIT_MAIN(shell, shell_tells_how_it_ended,
	  shell_ends_with_a_thread_that_is_cancelled)
