/* SPDX-License-Identifier: MIT */
/*
 * The rows of offsets, as one table, and the search in it. Constant data:
 * safe in every context, the signal handler too.
 */
#include "pyver/pyver.h"

#include <stddef.h>

#include "pyprof/compiler.h"

static const struct pyver rows[] = {
#include "pyver/rows.def"
};

const struct pyver *pyver_find(int minor)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].minor == minor)
			return &rows[i];
	}
	return NULL;
}
