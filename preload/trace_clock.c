/* SPDX-License-Identifier: MIT */
/*
 * The tick counter and its rate. See trace_clock.h.
 */
#include "trace_clock.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "safe/state.h"

#define SOURCE                                                                 \
	"/sys/devices/system/clocksource/clocksource0/current_clocksource"

bool trace_clock_is_counter;

/* An instant by both clocks. */
struct instant {
	uint64_t ns, ticks;
};

/* When the clock was chosen: before events were measured, milliseconds ago. */
static struct instant first;

static struct instant read_both(void)
{
	struct instant i = { .ns = clock_now() };

	i.ticks = trace_clock_is_counter ? trace_clock_now() : i.ns;
	return i;
}

static bool kernel_trusts_counter(void)
{
	char name[16] = { 0 };
	int fd = open(SOURCE, O_RDONLY | O_CLOEXEC);
	bool trusts;

	if (fd < 0)
		return false;
	trusts = read(fd, name, sizeof(name) - 1) > 0 &&
		 strncmp(name, "tsc", 3) == 0;
	close(fd);
	return trusts;
}

void trace_clock_choose(void)
{
	trace_clock_is_counter = kernel_trusts_counter();
	first = read_both();
}

static void put(int which, struct instant i)
{
	state->header->tick_ns_at[which] = i.ns;
	state->header->tick_ticks[which] = i.ticks;
}

void trace_clock_renew(void)
{
	put(1, read_both());
}

void trace_clock_begin(void)
{
	put(0, first);
	trace_clock_renew();
}
