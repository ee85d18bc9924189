/* SPDX-License-Identifier: MIT */
/*
 * Runs a command without its output and prints what it used: seconds of CPU in
 * user mode, and KiB of memory at most. A program of its own, because a child
 * begins with its parent's peak of memory, and this parent is small.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage usage;
	int status, null = open("/dev/null", O_WRONLY);
	pid_t child = argc > 1 && null >= 0 ? fork() : -1;

	if (child == 0) {
		dup2(null, STDOUT_FILENO);
		execv(argv[1], argv + 1);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) < 0)
		return 125;
	printf("%ld.%06ld %ld\n", (long)usage.ru_utime.tv_sec,
	       (long)usage.ru_utime.tv_usec, usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
