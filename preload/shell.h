/* SPDX-License-Identifier: MIT */
/*
 * system() with an environment that --keep-env has put something back into.
 * libc's takes `environ`, which must not be changed while other threads read
 * it. Any thread, not in a handler.
 */
#ifndef SHELL_H
#define SHELL_H

/*
 * Run a command by the shell and wait for it, as POSIX has system(): SIGINT and
 * SIGQUIT are ignored meanwhile, SIGCHLD is blocked. Returns what waitpid()
 * told, -1 with errno if it did not, and 127 << 8 with errno if the shell could
 * not be started. It cannot be cancelled.
 */
int shell_run(const char *command, char *const envp[]);

#endif
