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

/* How long the first look at the rate takes: one part in ten thousand. */
#define FIRST_LOOK_NS 500000u

bool trace_clock_is_counter;

void trace_clock_choose(void)
{
	char name[16] = { 0 };
	int fd = open(SOURCE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	trace_clock_is_counter = read(fd, name, sizeof(name) - 1) > 0 &&
				 strncmp(name, "tsc", 3) == 0;
	close(fd);
}

static void put(int which)
{
	struct pp_header *h = state->header;

	h->tick_ns_at[which] = clock_now();
	h->tick_ticks[which] = trace_clock_now();
}

void trace_clock_renew(void)
{
	put(1);
}

void trace_clock_begin(void)
{
	uint64_t until = clock_now() + FIRST_LOOK_NS;

	put(0);
	while (trace_clock_is_counter && clock_now() < until)
		;
	put(1);
	/* two clocks that are one: any second instant will do */
	if (!trace_clock_is_counter)
		state->header->tick_ticks[1] = state->header->tick_ns_at[1] =
			state->header->tick_ns_at[0] + 1;
	if (!trace_clock_is_counter)
		state->header->tick_ticks[0] = state->header->tick_ns_at[0];
}
