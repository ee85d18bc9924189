/* SPDX-License-Identifier: MIT */
/* See dumpfield.h. */
#include "dumpfield.h"

void dumpfield_number(FILE *out, const char *name, uint64_t number)
{
	fprintf(out, " %s=%llu", name, (unsigned long long)number);
}

void dumpfield_pairs(FILE *out, struct cursor *c, uint64_t most)
{
	uint64_t i, code;

	for (i = 0; i < most && c->at < c->end; i++) {
		code = cursor_number(c);
		fprintf(out, " %llu:%d", (unsigned long long)code,
			(int)cursor_id(c));
	}
}
