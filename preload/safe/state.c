/* SPDX-License-Identifier: MIT */
/*
 * The process's state and what is known of its interpreter. See state.h and
 * target.h.
 */
#include "safe/state.h"

#include <sys/mman.h>

#include "safe/sys.h"
#include "safe/target.h"

struct state *state;
struct target target;

int state_init(void)
{
	struct state *s;

	if (state)
		return 0;
	s = sys_mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!s)
		return -1;
	if (sys_call(SYS_madvise, s, sizeof(*s), MADV_WIPEONFORK, 0) < 0) {
		sys_munmap(s, sizeof(*s));
		return -1;
	}
	state = s;
	return 0;
}
