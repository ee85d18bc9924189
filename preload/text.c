/* SPDX-License-Identifier: MIT */
/*
 * Text in a fixed buffer. See text.h.
 */
#include "text.h"

#include <string.h>

void text_init(struct text *t)
{
	t->at[0] = '\0';
	t->length = 0;
	t->cut = false;
}

void text_add_n(struct text *t, const char *s, size_t n)
{
	size_t room = sizeof(t->at) - 1 - t->length;

	if (n > room) {
		n = room;
		t->cut = true;
	}
	memcpy(t->at + t->length, s, n);
	t->length += n;
	t->at[t->length] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_n(t, s, strlen(s));
}

void text_add_number(struct text *t, uint64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	text_add_n(t, digits + i, sizeof(digits) - i);
}

void text_add_hex(struct text *t, uint64_t n, int digits)
{
	for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
		text_add_n(t, &"0123456789abcdef"[n >> shift & 15], 1);
}
