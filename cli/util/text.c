/* SPDX-License-Identifier: MIT */
/* Growing strings and names' encodings; see text.h. */
#include "util/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/die.h"

#define REPLACEMENT 0xfffdu

void text_done(struct text *t)
{
	free(t->at);
	*t = (struct text){ 0 };
}

void text_clear(struct text *t)
{
	t->length = 0;
	if (t->at)
		t->at[0] = '\0';
}

const char *text_get(const struct text *t)
{
	return t->at ? t->at : "";
}

/* Room for `count` more bytes and a NUL. */
static void text_reserve(struct text *t, size_t count)
{
	if (t->length + count < t->room)
		return;
	t->room = (t->length + count + 1) * 2;
	t->at = must_realloc(t->at, t->room, 1);
}

void text_add(struct text *t, const void *bytes, size_t count)
{
	text_reserve(t, count);
	if (count)
		memcpy(t->at + t->length, bytes, count);
	t->length += count;
	t->at[t->length] = '\0';
}

void text_addc(struct text *t, char c)
{
	text_add(t, &c, 1);
}

void text_adds(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void text_addf(struct text *t, const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (count < 0)
		return;
	text_reserve(t, (size_t)count);
	va_start(args, format);
	vsnprintf(t->at + t->length, (size_t)count + 1, format, args);
	va_end(args);
	t->length += (size_t)count;
}

void text_add_char(struct text *t, uint32_t c)
{
	char b[4];
	size_t n = 0;

	if (c < 0x80) {
		b[n++] = (char)c;
	} else if (c < 0x800) {
		b[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		b[n++] = (char)(0xe0 | c >> 12);
		b[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		b[n++] = (char)(0xf0 | c >> 18);
		b[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		b[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		b[n++] = (char)(0x80 | (c & 0x3f));
	text_add(t, b, n);
}

static void text_add_python_char(struct text *t, uint32_t c)
{
	if (c >= 0xdc80 && c <= 0xdcff)
		text_addc(t, (char)(c - 0xdc00));
	else if (!c || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		text_add_char(t, REPLACEMENT);
	else
		text_add_char(t, c);
}

static void text_add_utf8(struct text *t, const uint8_t *bytes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (bytes[i])
			text_addc(t, (char)bytes[i]);
		else
			text_add_char(t, REPLACEMENT);
	}
}

void text_add_python(struct text *t, unsigned kind, const uint8_t *bytes,
		     size_t count)
{
	size_t i, k;
	uint32_t c;

	if (!kind) {
		text_add_utf8(t, bytes, count);
		return;
	}
	for (i = 0; i + kind <= count; i += kind) {
		for (c = 0, k = kind; k > 0; k--)
			c = c << 8 | bytes[i + k - 1];
		text_add_python_char(t, c);
	}
}

/* Least value of a character of 2, 3, 4 bytes: shorter ones are malformed. */
static const uint32_t utf8_least[] = { 0, 0, 0x80, 0x800, 0x10000 };

size_t utf8_length(const char *s, size_t left)
{
	unsigned char first = (unsigned char)s[0];
	size_t length, i;
	uint32_t c;

	if (!left)
		return 0;
	if (first < 0x80)
		return 1;
	length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc2 || first > 0xf4 || length > left)
		return 0;
	c = first & (0x7fu >> length);
	for (i = 1; i < length; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (c < utf8_least[length] || c > 0x10ffff ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return length;
}

void text_add_printable(struct text *t, const char *s, char control)
{
	size_t left = strlen(s), length;
	unsigned char c;

	for (; left; s += length, left -= length) {
		c = (unsigned char)*s;
		length = utf8_length(s, left);
		if (length && c >= 0x20 && c != 0x7f) {
			text_add(t, s, length);
			continue;
		}
		if (length && control)
			text_addc(t, control);
		else
			text_addf(t, "\\x%02x", c);
		length = 1;
	}
}

void text_add_quoted(struct text *t, const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789@%+=:,./-_";

	if (*word && word[strspn(word, plain)] == '\0') {
		text_adds(t, word);
		return;
	}
	text_addc(t, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			text_adds(t, "'\"'\"'");
		else
			text_addc(t, *word);
	}
	text_addc(t, '\'');
}

size_t text_width(const char *s)
{
	size_t width = 0;

	for (; *s; s++)
		width += (*s & 0xc0) != 0x80;
	return width;
}
