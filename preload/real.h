/* SPDX-License-Identifier: MIT */
/*
 * The real functions of libc behind the wrappers of hooks_*.c. Whoever in
 * libpyprof.so needs one of these calls it here: the plain name is the wrapper.
 */
#ifndef REAL_H
#define REAL_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>

#include "pyprof/compiler.h"

struct epoll_event;
struct termios;
struct winsize;

/* To add one: a line here, and its wrapper. */
#define REAL_FUNCTIONS(X)                                                      \
	X(sigaction, int, (int, const struct sigaction *, struct sigaction *)) \
	X(signal, sighandler_t, (int, sighandler_t))                           \
	X(sigprocmask, int, (int, const sigset_t *, sigset_t *))               \
	X(pthread_sigmask, int, (int, const sigset_t *, sigset_t *))           \
	X(sigtimedwait, int,                                                   \
	  (const sigset_t *, siginfo_t *, const struct timespec *))            \
	X(sigsuspend, int, (const sigset_t *))                                 \
	X(signalfd, int, (int, const sigset_t *, int))                         \
	X(ppoll, int,                                                          \
	  (struct pollfd *, nfds_t, const struct timespec *,                   \
	   const sigset_t *))                                                  \
	X(__ppoll_chk, int,                                                    \
	  (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, \
	   size_t))                                                            \
	X(pselect, int,                                                        \
	  (int, fd_set *, fd_set *, fd_set *, const struct timespec *,         \
	   const sigset_t *))                                                  \
	X(epoll_pwait, int,                                                    \
	  (int, struct epoll_event *, int, int, const sigset_t *))             \
	X(epoll_pwait2, int,                                                   \
	  (int, struct epoll_event *, int, const struct timespec *,            \
	   const sigset_t *))                                                  \
	X(setitimer, int,                                                      \
	  (__itimer_which_t, const struct itimerval *, struct itimerval *))    \
	X(getitimer, int, (__itimer_which_t, struct itimerval *))              \
	X(pthread_create, int,                                                 \
	  (pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))    \
	X(pthread_setname_np, int, (pthread_t, const char *))                  \
	X(pthread_condattr_setclock, int, (pthread_condattr_t *, clockid_t))   \
	X(setlocale, char *, (int, const char *))                              \
	X(execve, int, (const char *, char *const *, char *const *))           \
	X(execvpe, int, (const char *, char *const *, char *const *))          \
	X(fexecve, int, (int, char *const *, char *const *))                   \
	X(execveat, int,                                                       \
	  (int, const char *, char *const *, char *const *, int))              \
	X(posix_spawn, int,                                                    \
	  (pid_t *, const char *, const posix_spawn_file_actions_t *,          \
	   const posix_spawnattr_t *, char *const *, char *const *))           \
	X(posix_spawnp, int,                                                   \
	  (pid_t *, const char *, const posix_spawn_file_actions_t *,          \
	   const posix_spawnattr_t *, char *const *, char *const *))           \
	X(system, int, (const char *))                                         \
	X(popen, FILE *, (const char *, const char *))                         \
	X(fork, pid_t, (void))                                                 \
	X(_Fork, pid_t, (void))                                                \
	X(forkpty, pid_t,                                                      \
	  (int *, char *, const struct termios *, const struct winsize *))     \
	X(clone, int, (int (*)(void *), void *, int, void *, ...))             \
	X(_exit, void, (int))                                                  \
	X(setuid, int, (uid_t))                                                \
	X(setgid, int, (gid_t))                                                \
	X(seteuid, int, (uid_t))                                               \
	X(setegid, int, (gid_t))                                               \
	X(setreuid, int, (uid_t, uid_t))                                       \
	X(setregid, int, (gid_t, gid_t))                                       \
	X(setresuid, int, (uid_t, uid_t, uid_t))                               \
	X(setresgid, int, (gid_t, gid_t, gid_t))                               \
	X(setgroups, int, (size_t, const gid_t *))                             \
	X(unshare, int, (int))                                                 \
	X(setns, int, (int, int))

struct real {
#define X(name, result, arguments) result(*name) arguments;
	REAL_FUNCTIONS(X)
#undef X
};

/*
 * The real functions, looked up at the first call. In a process with a Python
 * that is before any of them can be called in a handler.
 */
const struct real *real(void);

/* Look the real functions up now. */
void real_resolve(void);

#endif
