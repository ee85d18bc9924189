/* SPDX-License-Identifier: MIT */
/*
 * pthread_create: every thread of the process opens its account at birth.
 * pthread_setname_np: what it is called.
 */
#include <errno.h>
#include <stdlib.h>

#include "pyprof/compiler.h"
#include "real.h"
#include "safe/gil.h"
#include "safe/state.h"
#include "thread_names.h"
#include "threads.h"
#include "trace.h"

/* What the new thread shall really run; freed by it. */
struct birth {
	void *(*function)(void *);
	void *argument;
	bool host_blocks; /* a mask is inherited, also the one we pretend */
	bool blocks_faults;
	char name[THREAD_NAMES_BYTES];
};

static void *run(void *birth)
{
	struct birth b = *(struct birth *)birth;
	struct thread *t;

	free(birth);
	threads_begin(b.name);
	t = thread_self();
	if (t) {
		atomic_store(&t->host_blocks, b.host_blocks);
		atomic_store(&t->blocks_faults, b.blocks_faults);
	}
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
	b->function = function;
	b->argument = argument;
	b->host_blocks = creator && atomic_load(&creator->host_blocks);
	b->blocks_faults = creator && atomic_load(&creator->blocks_faults);
	thread_names_of_start(argument, b->name);
	gil_count_from_here();
	ret = libc->pthread_create(id, attributes, run, b);
	if (ret != 0)
		free(b);
	return ret;
}

PP_EXPORT int pthread_setname_np(pthread_t id, const char *name)
{
	int ret = real()->pthread_setname_np(id, name);

	if (ret == 0)
		thread_names_set_by_system(id, name);
	return ret;
}
