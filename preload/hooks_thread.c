/* SPDX-License-Identifier: MIT */
/*
 * pthread_create: every thread of the process opens its account at birth.
 */
#include <errno.h>
#include <stdlib.h>

#include "pyprof/compiler.h"
#include "real.h"
#include "safe/state.h"
#include "threads.h"
#include "trace.h"

/* What the new thread shall really run; freed by it. */
struct birth {
	void *(*function)(void *);
	void *argument;
	bool host_blocks; /* a mask is inherited, also the one we pretend */
};

static void *run(void *birth)
{
	struct birth b = *(struct birth *)birth;
	struct thread *t;

	free(birth);
	threads_begin();
	t = thread_self();
	if (t)
		atomic_store(&t->host_blocks, b.host_blocks);
	return b.function(b.argument);
}

PP_EXPORT int pthread_create(pthread_t *id, const pthread_attr_t *attributes,
			     void *(*function)(void *), void *argument)
{
	const struct real *libc = real();
	struct birth *b = state_is_armed() ? malloc(sizeof(*b)) : NULL;
	struct thread *creator;
	int ret;

	if (!b)
		return libc->pthread_create(id, attributes, function, argument);
	trace_arm_threads();
	creator = thread_self();
	*b = (struct birth){ function, argument,
			     creator && atomic_load(&creator->host_blocks) };
	ret = libc->pthread_create(id, attributes, run, b);
	if (ret != 0)
		free(b);
	return ret;
}
