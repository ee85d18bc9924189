/* SPDX-License-Identifier: MIT */
/*
 * Finding the real functions behind our wrappers. Any context once resolved.
 */
#include "real.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>

static struct {
	struct real functions;
	atomic_bool resolved;
} g;

void real_resolve(void)
{
	/* two threads that come at once write the same values */
#define X(name, result, arguments)                                             \
	g.functions.name = (result(*) arguments)dlsym(RTLD_NEXT, #name);
	REAL_FUNCTIONS(X)
#undef X
	atomic_store(&g.resolved, true);
}

const struct real *real(void)
{
	if (!atomic_load(&g.resolved))
		real_resolve();
	return &g.functions;
}
