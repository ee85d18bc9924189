/* SPDX-License-Identifier: MIT */
/*
 * The output formats that formats.def lists. A format pulls what it wants
 * from the view and writes it; whether writing worked is seen on the stream.
 */
#ifndef FORMATS_H
#define FORMATS_H

#include <stddef.h>
#include <stdio.h>

#include "view.h"

struct format {
	const char *name;
	const char *destination; /* "-" is stdout; %p becomes the pid */
	const char *pattern;	 /* of file names that choose it, or NULL */
	const char *help;
	void (*write)(const struct view *v, FILE *out);
};

#define FORMAT(name, destination, pattern, help)                               \
	void fmt_##name(const struct view *v, FILE *out);
#include "formats.def"
#undef FORMAT

extern const struct format formats[];
extern const size_t format_count;

/* The format of this name, or NULL. */
const struct format *format_find(const char *name);

/* The format that this file name asks for, or NULL if it asks for none. */
const struct format *format_of_file(const char *path);

#endif
