/* SPDX-License-Identifier: MIT */
/* One function a type of CPython's Python/marshal.c; see marshal.h. */
#include "util/marshal.h"

#include <string.h>

#include "util/text.h"

#define DIGIT_BITS 15

/* `count` bytes of a number, the least first. */
static void put_bytes(FILE *out, uint64_t value, unsigned count)
{
	for (; count > 0; count--, value >>= 8)
		fputc((int)(value & 0xff), out);
}

void marshal_begin_dict(FILE *out)
{
	fputc('{', out);
}

void marshal_end_dict(FILE *out)
{
	fputc('0', out);
}

void marshal_tuple(FILE *out, uint32_t count)
{
	fputc('(', out);
	put_bytes(out, count, 4);
}

void marshal_int(FILE *out, uint64_t value)
{
	uint64_t rest = value;
	unsigned digits = 0;

	if (value <= INT32_MAX) {
		fputc('i', out);
		put_bytes(out, value, 4);
		return;
	}
	for (; rest; rest >>= DIGIT_BITS)
		digits++;
	fputc('l', out);
	put_bytes(out, digits, 4);
	for (; digits > 0; digits--, value >>= DIGIT_BITS)
		put_bytes(out, value & ((1u << DIGIT_BITS) - 1), 2);
}

void marshal_float(FILE *out, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	fputc('g', out);
	put_bytes(out, bits, 8);
}

void marshal_str(FILE *out, const char *s)
{
	size_t left = strlen(s), n;
	struct text t = { 0 };

	for (; left > 0; s += n, left -= n) {
		n = utf8_length(s, left);
		if (n)
			text_add(&t, s, n);
		else
			text_add_char(&t, 0xdc00 | (unsigned char)*s);
		n = n ? n : 1;
	}
	fputc('u', out);
	put_bytes(out, t.length, 4);
	fwrite(text_get(&t), 1, t.length, out);
	text_done(&t);
}
