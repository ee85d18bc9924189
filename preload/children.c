/* SPDX-License-Identifier: MIT */
/*
 * Which children this process makes. See children.h.
 *
 * A child of vfork() must not write: its files may be closed and its faults
 * set to the default already. So it leaves a note in its parent's thread, and
 * what makes children that way (CPython's subprocess, libuv) sets its signal
 * mask back just behind vfork(), which is where the note is found.
 */
#include "children.h"

#include "safe/clock.h"
#include "safe/mask.h"
#include "safe/site.h"
#include "safe/state.h"
#include "safe/sys.h"
#include "safe/target.h"
#include "safe/thread.h"

static void write_site(struct thread *t, pid_t pid, uint64_t time_ns)
{
	uint64_t mask = mask_quiet(target.settings.signal);

	if (thread_enter(t)) {
		/* a log without room for this has its samples still */
		(void)!site_write(t, pid, time_ns);
		thread_leave(t);
	}
	mask_unquiet(target.settings.signal, mask);
}

uint64_t children_time(void)
{
	return state_is_armed() && !state_is_borrowed() ? clock_now() : 0;
}

void children_made(pid_t pid, uint64_t time_ns)
{
	struct thread *t = thread_self();

	if (pid > 0 && time_ns && t && state_is_armed())
		write_site(t, pid, time_ns);
}

void children_made_by_vfork(void)
{
	struct thread *t = thread_self();

	if (!t || !state_is_borrowed())
		return;
	t->made_ns = clock_now();
	t->made_pid = sys_getpid();
}

void children_look(void)
{
	struct thread *t = thread_self();
	int pid = t ? t->made_pid : 0;

	if (!pid || state_is_borrowed())
		return;
	t->made_pid = 0;
	if (state_is_armed())
		write_site(t, pid, t->made_ns);
}
