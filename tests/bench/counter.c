/* SPDX-License-Identifier: MIT */
/*
 * Prints what a reading of the processor's counter takes here, in nanoseconds:
 * the least of some loops. It differs by three between processors, tracing and
 * cProfile both read a clock twice a call, and so their ratio depends on it.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define LOOPS	 50
#define READINGS 20000

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int main(void)
{
	int64_t least = INT64_MAX;
	volatile uint64_t last;
	int i, j;

	for (i = 0; i < LOOPS; i++) {
		int64_t begin = now_ns();

		for (j = 0; j < READINGS; j++)
			last = __rdtsc();
		begin = now_ns() - begin;
		if (begin < least)
			least = begin;
	}
	(void)last;
	printf("%.1f\n", (double)least / READINGS);
	return 0;
}
