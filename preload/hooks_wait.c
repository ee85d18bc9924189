/* SPDX-License-Identifier: MIT */
/*
 * Waiting with another signal mask, and for signals through a descriptor. Our
 * signal is taken out of both, as it is of every mask; what the host believes
 * of it during the wait is what it said for the wait.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/signalfd.h>

#include "handlers.h"
#include "pyprof/compiler.h"
#include "real.h"
#include "safe/mask.h"
#include "safe/state.h"
#include "safe/target.h"
#include "safe/thread.h"

/* A wait with a mask of its own. */
struct waiting {
	struct thread *t; /* NULL: as if we were not here */
	int number;	  /* our signal */
	int before;	  /* what the host believed */
	sigset_t mask;
};

/* Begin a wait; returns the mask to wait with. */
static const sigset_t *begin_wait(struct waiting *w, const sigset_t *mask)
{
	int named;

	w->t = mask && state_is_armed() ? thread_self() : NULL;
	w->number = target.settings.signal;
	if (!w->t || !handlers_has_sampling(w->number) || state_is_borrowed()) {
		w->t = NULL;
		return mask;
	}
	named = sigismember(mask, w->number) == 1;
	w->mask = *mask;
	sigdelset(&w->mask, w->number);
	w->before = atomic_load(&w->t->host_blocks);
	atomic_store(&w->t->host_blocks, named);
	return &w->mask;
}

/* The wait is over; errno stays. */
static void end_wait(const struct waiting *w)
{
	/* sampling may have moved to another signal meanwhile */
	if (!w->t || w->number != target.settings.signal)
		return;
	/* one that came from elsewhere, and that the wait kept off, comes now
	 */
	if (atomic_load(&w->t->host_blocks) && !w->before)
		mask_unblock(mask_of(w->number));
	atomic_store(&w->t->host_blocks, w->before);
}

PP_EXPORT int ppoll(struct pollfd *files, nfds_t n,
		    const struct timespec *timeout, const sigset_t *mask)
{
	struct waiting w;
	const sigset_t *ours = begin_wait(&w, mask);
	int ret = real()->ppoll(files, n, timeout, ours);

	end_wait(&w);
	return ret;
}

/* ppoll() in programs compiled with _FORTIFY_SOURCE; no header of ours has it.
 */
int __ppoll_chk(struct pollfd *files, nfds_t n, const struct timespec *timeout,
		const sigset_t *mask, size_t bytes);
PP_EXPORT int __ppoll_chk(struct pollfd *files, nfds_t n,
			  const struct timespec *timeout, const sigset_t *mask,
			  size_t bytes)
{
	struct waiting w;
	const sigset_t *ours = begin_wait(&w, mask);
	int ret = real()->__ppoll_chk(files, n, timeout, ours, bytes);

	end_wait(&w);
	return ret;
}

PP_EXPORT int pselect(int n, fd_set *readable, fd_set *writable,
		      fd_set *exceptional, const struct timespec *timeout,
		      const sigset_t *mask)
{
	struct waiting w;
	const sigset_t *ours = begin_wait(&w, mask);
	int ret = real()->pselect(n, readable, writable, exceptional, timeout,
				  ours);

	end_wait(&w);
	return ret;
}

PP_EXPORT int epoll_pwait(int fd, struct epoll_event *events, int n,
			  int timeout, const sigset_t *mask)
{
	struct waiting w;
	const sigset_t *ours = begin_wait(&w, mask);
	int ret = real()->epoll_pwait(fd, events, n, timeout, ours);

	end_wait(&w);
	return ret;
}

PP_EXPORT int epoll_pwait2(int fd, struct epoll_event *events, int n,
			   const struct timespec *timeout, const sigset_t *mask)
{
	struct waiting w;
	const sigset_t *ours;
	int ret;

	if (!real()->epoll_pwait2) {
		errno = ENOSYS;
		return -1;
	}
	ours = begin_wait(&w, mask);
	ret = real()->epoll_pwait2(fd, events, n, timeout, ours);
	end_wait(&w);
	return ret;
}

PP_EXPORT int sigsuspend(const sigset_t *mask)
{
	struct waiting w;
	const sigset_t *ours = begin_wait(&w, mask);
	int ret = real()->sigsuspend(ours);

	end_wait(&w);
	return ret;
}

PP_EXPORT int signalfd(int fd, const sigset_t *set, int flags)
{
	sigset_t ours;

	return real()->signalfd(fd, handlers_waited_for(set, &ours), flags);
}
