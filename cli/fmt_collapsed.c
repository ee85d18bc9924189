/* SPDX-License-Identifier: MIT */
/*
 * Folded stacks: "frame;frame;frame COUNT", one stack a line, for
 * flamegraph.pl, speedscope and kin. Counts are whole numbers, of samples or
 * of microseconds.
 */
#include "folded.h"
#include "formats.h"
#include "util/die.h"

#define NS_PER_US 1000u

struct output {
	FILE *out;
	bool unit_us;
	uint64_t ns, us; /* so far, so that rounding never adds up */
};

static void put_stack(const char *path, const struct cost *self, void *context)
{
	struct output *o = context;
	uint64_t count = self->samples;

	if (o->unit_us) {
		o->ns += self->ns;
		count = o->ns / NS_PER_US - o->us;
		o->us += count;
	}
	if (count)
		fprintf(o->out, "%s %llu\n", path, (unsigned long long)count);
}

void fmt_collapsed(const struct view *v, FILE *out)
{
	struct output o = { .out = out, .unit_us = v->options->unit_us };
	struct profile folded;

	if (v->trace != PP_TRACE_NONE && !v->sampled)
		say("folded stacks are of samples, and the log has none: record"
		    " it with --mode cpu beside --trace");
	folded_init(&folded, v);
	folded_walk(&folded, put_stack, &o);
	profile_done(&folded);
}
