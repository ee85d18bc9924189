/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer over all that reads a log: reader, load, sums, view, and the
 * formats that walk most of a profile. A log is read through a file descriptor,
 * so each input goes through a file in memory.
 */
#define _GNU_SOURCE /* memfd_create */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats.h"
#include "load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void pass_over(const char *path, const struct damage *damage)
{
	(void)path;
	(void)damage;
}

/* A descriptor of a file with this content. */
static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("log", 0);

	if (fd >= 0 && write(fd, data, size) != (ssize_t)size) {
		close(fd);
		return -1;
	}
	return fd;
}

static void report(const struct profile *profile, bool by_lines, FILE *out)
{
	static const char *const names[] = { "text", "callgrind", "collapsed",
					     "json", "pstats" };
	struct view_options options = { .by_lines = by_lines };
	struct view view;
	size_t i;

	view_init(&view, profile, &options);
	for (i = 0; i < ARRAY_LEN(names); i++)
		format_find(names[i])->write(&view, out);
	view_done(&view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned bits = size ? data[size - 1] : 0;
	struct keep keep = { .on_only = bits & 8, .has_to = bits & 16 };
	struct load_options options = { bits & 3, bits & 4, &keep };
	static FILE *out;
	struct profile profile;
	struct err err;
	int fd;

	if (!out)
		out = fopen("/dev/null", "w");
	fd = file_of(data, size);
	if (fd < 0 || !out)
		return 0;
	profile_init(&profile);
	if (load_fd(&profile, fd, "log", &options, pass_over, &err) == 0)
		report(&profile, size % 2, out);
	profile_done(&profile);
	return 0;
}
