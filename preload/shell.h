/* SPDX-License-Identifier: MIT */
/*
 * system() by way of posix_spawn(), which libc's goes past: so the log says who
 * made the shell, and --keep-env puts back what an environment lacks. Any
 * thread, not in a handler.
 */
#ifndef SHELL_H
#define SHELL_H

/*
 * Run a command by the shell and wait for it, as POSIX has system(): SIGINT and
 * SIGQUIT are ignored meanwhile, SIGCHLD is blocked; a thread that is cancelled
 * kills it. Returns what waitpid() told, -1 with errno if it did not, and
 * 127 << 8 with errno if the shell could not be started.
 */
int shell_run(const char *command, char *const envp[]);

#endif
