/* SPDX-License-Identifier: MIT */
/*
 * The toggle signal of a process. See control.h; what its handler does is
 * safe/control.c's.
 */
#include "control.h"

#include <string.h>

#include "msg.h"
#include "real.h"
#include "safe/control.h"
#include "safe/target.h"

static struct {
	bool installed;
	bool taken; /* by the host, which has it for good */
} g;

/* A failed exec installs again, and must not say it again. */
static void leave_to_host(void)
{
	if (g.taken)
		return;
	g.taken = true;
	msg_line_first("the program uses the signal of --toggle-signal itself",
		       "; it switches nothing", NULL);
}

void control_install(void)
{
	struct sigaction ours = { .sa_sigaction = control_on_toggle,
				  .sa_flags = SA_SIGINFO | SA_RESTART |
					      SA_ONSTACK },
			 host;
	int number = target.settings.toggle;

	if (!number || g.taken || real()->sigaction(number, NULL, &host) < 0)
		return;
	if (host.sa_handler != SIG_DFL) {
		leave_to_host();
		return;
	}
	sigfillset(&ours.sa_mask);
	/* those that an instruction of ours may raise */
	sigdelset(&ours.sa_mask, SIGSEGV);
	sigdelset(&ours.sa_mask, SIGBUS);
	g.installed = real()->sigaction(number, &ours, NULL) == 0;
}

void control_remove(void)
{
	struct sigaction none = { .sa_handler = SIG_DFL };

	if (g.installed)
		real()->sigaction(target.settings.toggle, &none, NULL);
	g.installed = false;
}

bool control_has(int number)
{
	return g.installed && number == target.settings.toggle;
}

int control_host_action(int number, const struct sigaction *action,
			struct sigaction *old)
{
	int ret = 0;

	if (action && action->sa_handler != SIG_DFL) {
		ret = real()->sigaction(number, action, NULL);
		if (ret == 0) {
			g.installed = false;
			leave_to_host();
		}
	}
	if (ret == 0 && old)
		memset(old, 0, sizeof(*old));
	return ret;
}
