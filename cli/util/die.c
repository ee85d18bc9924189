/* SPDX-License-Identifier: MIT */
/* Messages, errors and memory for the command-line programs; see die.h. */
#include "util/die.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

static const char *program = "pyprof";

int err_set(struct err *e, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	return -1;
}

void say_program(const char *name)
{
	program = name;
}

void say(const char *format, ...)
{
	struct text line = { 0 };
	char *message = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&message, format, args) >= 0)
		text_add_printable(&line, message, 0);
	va_end(args);
	fprintf(stderr, "%s: %s\n", program, text_get(&line));
	text_done(&line);
	free(message);
}

static PP_NORETURN void die_memory(size_t bytes)
{
	fprintf(stderr, "%s: out of memory: no %zu bytes\n", program, bytes);
	exit(EXIT_INPUT);
}

void *must_realloc(void *old, size_t count, size_t bytes)
{
	void *p;

	p = reallocarray(old, count ? count : 1, bytes);
	if (!p)
		die_memory(count * bytes);
	return p;
}

void *must_alloc(size_t bytes)
{
	return must_realloc(NULL, bytes, 1);
}

void *must_zalloc(size_t count, size_t bytes)
{
	void *p = calloc(count ? count : 1, bytes);

	if (!p)
		die_memory(count * bytes);
	return p;
}

char *must_strdup(const char *s)
{
	size_t bytes = strlen(s) + 1;

	return memcpy(must_alloc(bytes), s, bytes);
}

void *must_grow(void *array, size_t count, size_t *capacity, size_t bytes)
{
	if (count < *capacity)
		return array;
	*capacity = *capacity ? *capacity * 2 : 16;
	return must_realloc(array, *capacity, bytes);
}
