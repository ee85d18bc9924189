/* SPDX-License-Identifier: MIT */
/* The table made of formats.def. */
#define _GNU_SOURCE /* FNM_EXTMATCH */
#include "formats.h"

#include <fnmatch.h>
#include <string.h>

const struct format formats[] = {
#define FORMAT(name, destination, pattern, help)                               \
	{ #name, destination, pattern, help, fmt_##name },
#include "formats.def"
#undef FORMAT
};

const size_t format_count = ARRAY_LEN(formats);

const struct format *format_find(const char *name)
{
	size_t i;

	for (i = 0; i < format_count; i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

const struct format *format_of_file(const char *path)
{
	const char *base = strrchr(path, '/');
	size_t i;

	base = base ? base + 1 : path;
	for (i = 0; i < format_count; i++)
		if (formats[i].pattern &&
		    fnmatch(formats[i].pattern, base, FNM_EXTMATCH) == 0)
			return &formats[i];
	return NULL;
}
