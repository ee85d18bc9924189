/* SPDX-License-Identifier: MIT */
/* Logs count nanoseconds, people read seconds. */
#ifndef UTIL_UNITS_H
#define UTIL_UNITS_H

#include <stdint.h>

#define NS_PER_S  1e9
#define NS_PER_MS 1e6

static inline double seconds(uint64_t ns)
{
	return (double)ns / NS_PER_S;
}

#endif
