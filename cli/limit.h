/* SPDX-License-Identifier: MIT */
/*
 * How many rows are shown: pstats' restrictions, applied in the order given. A
 * whole number keeps so many rows from the top, a fraction from 0.0 to 1.0
 * that part of them, anything else is a regular expression (POSIX extended)
 * that FILE:LINE(NAME) must contain.
 */
#ifndef LIMIT_H
#define LIMIT_H

#include <regex.h>

#include "row.h"
#include "util/die.h"
#include "util/text.h"

#define LIMITS_MAX 16

struct limit {
	const char *word; /* the caller's */
	enum { LIMIT_COUNT, LIMIT_FRACTION, LIMIT_REGEX } kind;
	size_t count;
	double fraction;
	regex_t regex;
};

struct limits {
	struct limit list[LIMITS_MAX];
	size_t count;
};

/*
 * Take in one restriction, which must outlive *l. Returns 0, or -1 with *err
 * filled.
 */
int limits_add(struct limits *l, const char *word,
	       struct err *err) PP_MUST_CHECK;
void limits_done(struct limits *l);

/*
 * Cut the sorted rows; returns how many are left, at the front. For each
 * restriction that took some, a line of pstats' is added to *said.
 */
size_t limits_apply(const struct limits *l, struct row *rows, size_t count,
		    struct text *said);

#endif
