/* SPDX-License-Identifier: MIT */
/*
 * Finding the GIL's two condition variables. See gil.h.
 */
#include "gil.h"

#include <pthread.h>
#include <stddef.h>

#include "pyapi.h"
#include "safe/gil.h"

/* The two are this near to each other, with a mutex between them: 88 bytes. */
#define NEAR_BYTES 512

/* What one call of the public API has signalled. */
struct heard {
	const void *condition; /* the first one */
	bool others;	       /* and there were others */
};

struct gil_near gil_near;

static struct {
	_Atomic(const void *) released, taken; /* the pair, once it is found */
	_Atomic(struct heard *) heard; /* where the search listens, or NULL */
	pthread_t listener;
} g;

static void hear(struct heard *heard, const void *condition)
{
	if (!pthread_equal(g.listener, pthread_self()))
		return;
	if (!heard->condition)
		heard->condition = condition;
	heard->others |= heard->condition != condition;
}

enum gil_part gil_part_of(const void *condition)
{
	struct heard *heard =
		atomic_load_explicit(&g.heard, memory_order_acquire);

	if (heard)
		hear(heard, condition);
	if (condition ==
	    atomic_load_explicit(&g.released, memory_order_relaxed))
		return GIL_RELEASED;
	if (condition == atomic_load_explicit(&g.taken, memory_order_relaxed))
		return GIL_TAKEN;
	return GIL_NOT;
}

static void watch(uintptr_t begin, uintptr_t bytes)
{
	/* who reads one of them old asks gil_part_of() in vain, or not yet */
	atomic_store_explicit(&gil_near.begin, begin, memory_order_relaxed);
	atomic_store_explicit(&gil_near.bytes, bytes, memory_order_relaxed);
}

/* Let go of the GIL and take it; what is signalled in each. */
static void hear_both(struct heard *released, struct heard *taken)
{
	void *saved;

	*released = *taken = (struct heard){ NULL, false };
	g.listener = pthread_self();
	watch(0, UINTPTR_MAX);
	atomic_store(&g.heard, released);
	saved = py.PyEval_SaveThread();
	atomic_store(&g.heard, taken);
	py.PyEval_RestoreThread(saved);
	atomic_store(&g.heard, NULL);
	watch(0, 0);
}

static bool is_pair(const struct heard *released, const struct heard *taken)
{
	uintptr_t a = (uintptr_t)released->condition;
	uintptr_t b = (uintptr_t)taken->condition;

	return a && b && !released->others && !taken->others && a < b &&
	       b - a <= NEAR_BYTES;
}

bool gil_find(void)
{
	/* not on the stack: another thread may still hold the address */
	static struct heard first[2], again[2];

	hear_both(&first[0], &first[1]);
	hear_both(&again[0], &again[1]);
	if (!is_pair(&first[0], &first[1]) || !is_pair(&again[0], &again[1]) ||
	    first[0].condition != again[0].condition ||
	    first[1].condition != again[1].condition || gil_init() < 0)
		return false;
	atomic_store(&g.released, first[0].condition);
	atomic_store(&g.taken, first[1].condition);
	watch((uintptr_t)first[0].condition,
	      (uintptr_t)first[1].condition - (uintptr_t)first[0].condition +
		      1);
	return true;
}
