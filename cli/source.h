/* SPDX-License-Identifier: MIT */
/*
 * The lines of a Python source, as UTF-8, however it is coded: PEP 263
 * cookies, a byte order mark, or UTF-8. What cannot be decoded is U+FFFD. Lines
 * end as Python's do, in \n, \r\n or \r.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/text.h"

#define SOURCE_CODING_MAX 40

struct source {
	struct text bytes;
	size_t *lines; /* where each line begins in bytes, and the end */
	size_t count;
	int64_t changed_ns; /* when the file was last written, wall clock */
	char coding[SOURCE_CODING_MAX]; /* as the source names it */
	bool is_known;			/* the coding; else UTF-8 was tried */
	size_t undecoded;		/* bytes that became U+FFFD */
};

/* Add the bytes of a source as they lie; -1 if it is not there or no file. */
int source_read(const char *path, struct text *to,
		int64_t *changed_ns) PP_MUST_CHECK;

/* Read a source; -1 if it is not there or no regular file. */
int source_open(struct source *s, const char *path) PP_MUST_CHECK;
void source_close(struct source *s);

/*
 * Line `number`, from 1, without white space at its end, which makes *text
 * that line. Beyond the end it is empty.
 */
void source_line(const struct source *s, size_t number, struct text *text);

#endif
