/* SPDX-License-Identifier: MIT */
/*
 * A string that grows, and the conversions that names need on their way from
 * a log to a reader's screen.
 *
 * Inside the programs a name is bytes: UTF-8, but for bytes that the profiled
 * program itself could not decode (PEP 383), which stand as they are, so that
 * a path can be opened again.
 */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "pyprof/compiler.h"

struct text {
	char *at; /* NUL-terminated once anything was added, else NULL */
	size_t length;
	size_t room;
};

/* A text of all zeros is empty and ready. */
void text_done(struct text *t);

/* Make it empty and keep its memory. */
void text_clear(struct text *t);

/* The string; "" if nothing was added. Lives until the next change. */
const char *text_get(const struct text *t);

void text_add(struct text *t, const void *bytes, size_t count);
void text_addc(struct text *t, char c);
void text_adds(struct text *t, const char *s);
void text_addf(struct text *t, const char *format, ...) PP_PRINTF(2, 3);

/* One character as UTF-8. */
void text_add_char(struct text *t, uint32_t c);

/*
 * CPython's own string storage: `count` bytes, `kind` bytes a character (1, 2,
 * 4; 0 is UTF-8 already). Low surrogates U+DC80..U+DCFF become the byte they
 * stand for; other surrogates, NUL and what is no character become U+FFFD. A
 * half character at the end is dropped.
 */
void text_add_python(struct text *t, unsigned kind, const uint8_t *bytes,
		     size_t count);

/*
 * For people and for JSON: bytes that are not UTF-8 become \xNN, as Python's
 * "backslashreplace" writes them. Control characters become \xNN as well,
 * unless `control` is another character to put in their place.
 */
void text_add_printable(struct text *t, const char *s, char control);

/* A word as a shell would need it quoted to read it back. */
void text_add_quoted(struct text *t, const char *word);

/* Of a text that is printable, in characters. */
size_t text_width(const char *s);

/*
 * Length in bytes of the UTF-8 character at s of which `left` bytes are there,
 * 0 if it is none.
 */
size_t utf8_length(const char *s, size_t left);

#endif
