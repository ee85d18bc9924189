/* SPDX-License-Identifier: MIT */
/* Messages, errors and memory for the command-line programs; see die.h. */
#include "util/die.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	va_list args;

	va_start(args, format);
	flockfile(stderr);
	fprintf(stderr, "%s: ", program);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	funlockfile(stderr);
	va_end(args);
}

static PP_NORETURN void die_memory(size_t bytes)
{
	say("out of memory: no %zu bytes", bytes);
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
