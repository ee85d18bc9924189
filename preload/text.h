/* SPDX-License-Identifier: MIT */
/*
 * Text in a fixed buffer, for messages and paths; what does not fit is cut,
 * and `cut` says so. Always ends in NUL. Any thread; allocates nothing.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char at[4096];
	size_t length;
	bool cut;
};

void text_init(struct text *t);
void text_add(struct text *t, const char *s);
void text_add_n(struct text *t, const char *s, size_t n);
void text_add_number(struct text *t, uint64_t n);
void text_add_hex(struct text *t, uint64_t n, int digits);

#endif
