/* SPDX-License-Identifier: MIT */
/*
 * The order of rows: pstats' sort keys, their unique prefixes and its numbers,
 * and `samples`. Calls are the exact ones if the log has them; else keys that
 * count them sort by the samples in which the function was on the stack.
 */
#ifndef SORT_H
#define SORT_H

#include <stdbool.h>

#include "row.h"
#include "util/die.h"
#include "util/text.h"

#define SORT_KEYS_MAX 8

typedef int sort_compare(const struct row *a, const struct row *b);

struct sort {
	sort_compare *keys[SORT_KEYS_MAX];
	size_t count; /* 0: by self time */
	bool reverse;
};

/*
 * Take in KEY[,KEY...]. Returns 0, or -1 with *err filled, which names the key
 * that is none.
 */
int sort_parse(struct sort *s, const char *keys, struct err *err) PP_MUST_CHECK;

/* The order in pstats' words: "call count, cumulative time". */
void sort_describe(const struct sort *s, struct text *to);

void sort_rows(const struct sort *s, struct row *rows, size_t count);

#endif
