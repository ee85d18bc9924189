/* SPDX-License-Identifier: MIT */
/* Finds the coding of a source, decodes it by iconv, splits it; see source.h.
 */
#define _GNU_SOURCE /* memmem */
#include "source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/die.h"

#define SOURCE_BYTES_MAX ((size_t)64 << 20)
#define BOM		 "\xef\xbb\xbf"
#define NS_PER_S	 1000000000

int source_read(const char *path, struct text *to, int64_t *changed_ns)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char buffer[16384];
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -1;
	}
	*changed_ns =
		(int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
	while (to->length < SOURCE_BYTES_MAX &&
	       (n = read(fd, buffer, sizeof(buffer))) > 0)
		text_add(to, buffer, (size_t)n);
	close(fd);
	return 0;
}

/* The end of the line that begins at `p`: its \n or \r, or `end`. */
static const char *line_end(const char *p, const char *end)
{
	while (p < end && *p != '\n' && *p != '\r')
		p++;
	return p;
}

/* Behind the line's end. */
static const char *next_line(const char *p, const char *end)
{
	p = line_end(p, end);
	if (p + 1 < end && p[0] == '\r' && p[1] == '\n')
		return p + 2;
	return p < end ? p + 1 : end;
}

/* What follows `coding:` or `coding=` in a comment line; false if it is none.
 */
static bool find_cookie(const char *p, const char *end, char *coding)
{
	size_t n = 0;

	while (p < end && (*p == ' ' || *p == '\t' || *p == '\f'))
		p++;
	if (p == end || *p != '#')
		return false;
	for (;; p++) {
		p = memmem(p, (size_t)(end - p), "coding", 6);
		if (!p)
			return false;
		p += 6;
		if (p < end && (*p == ':' || *p == '='))
			break;
	}
	for (p++; p < end && (*p == ' ' || *p == '\t'); p++)
		;
	for (; p < end && n < SOURCE_CODING_MAX - 1; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			break;
		coding[n++] = (char)tolower(*p == '_' ? '-' : *p);
	}
	coding[n] = '\0';
	return n > 0;
}

/* Whether the line has nothing but white space or a comment (PEP 263). */
static bool is_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\f'))
		p++;
	return p == end || *p == '#';
}

static void find_coding(const struct text *t, char *coding)
{
	const char *p = t->at, *end = t->at + t->length, *stop;
	int line;

	for (line = 0; line < 2 && p < end; line++) {
		stop = line_end(p, end);
		if (find_cookie(p, stop, coding))
			return;
		if (!is_blank(p, stop))
			break;
		p = next_line(p, end);
	}
	strcpy(coding, "utf-8");
}

/* Python's names that iconv does not have. */
static const char *iconv_name(const char *coding)
{
	static const char *const aliases[][2] = {
		{ "latin-1", "ISO-8859-1" },
		{ "iso-latin-1", "ISO-8859-1" },
		{ "utf-8-sig", "UTF-8" },
		{ "utf8", "UTF-8" },
		{ "iso-8859-1-unix", "ISO-8859-1" },
		{ "latin-1-unix", "ISO-8859-1" },
		{ "utf-8-unix", "UTF-8" },
		{ "mac-roman", "MACINTOSH" },
		{ "ascii", "UTF-8" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(aliases); i++)
		if (strcmp(aliases[i][0], coding) == 0)
			return aliases[i][1];
	return coding;
}

/* Returns how many bytes could not be decoded. */
static size_t decode(iconv_t cd, char *in, size_t in_left, struct text *to)
{
	char buffer[4096], *out;
	size_t out_left, result, undecoded = 0;

	while (in_left) {
		out = buffer;
		out_left = sizeof(buffer);
		result = iconv(cd, &in, &in_left, &out, &out_left);
		text_add(to, buffer, (size_t)(out - buffer));
		if (result != (size_t)-1 || errno == E2BIG)
			continue;
		/* A byte that is no character, or half of one at the end. */
		text_add_char(to, 0xfffd);
		undecoded++;
		in++;
		in_left--;
	}
	out = buffer;
	out_left = sizeof(buffer);
	iconv(cd, NULL, NULL, &out, &out_left);
	text_add(to, buffer, (size_t)(out - buffer));
	return undecoded;
}

/* Make it UTF-8; a coding that nobody knows is taken for UTF-8. */
static void decode_source(struct source *s, struct text *raw)
{
	char *start = raw->at;
	size_t length = raw->length;
	iconv_t cd;

	if (length >= 3 && memcmp(start, BOM, 3) == 0) {
		strcpy(s->coding, "utf-8");
		start += 3;
		length -= 3;
	} else {
		find_coding(raw, s->coding);
	}
	cd = iconv_open("UTF-8", iconv_name(s->coding));
	s->is_known = cd != (iconv_t)-1;
	if (!s->is_known)
		cd = iconv_open("UTF-8", "UTF-8");
	if (cd == (iconv_t)-1)
		return;
	s->undecoded = decode(cd, start, length, &s->bytes);
	iconv_close(cd);
}

static void find_lines(struct source *s)
{
	const char *start = text_get(&s->bytes);
	const char *end = start + s->bytes.length, *p;
	size_t room = 0;

	for (p = start; p < end; p = next_line(p, end)) {
		s->lines =
			must_grow(s->lines, s->count, &room, sizeof(*s->lines));
		s->lines[s->count++] = (size_t)(p - start);
	}
	s->lines = must_grow(s->lines, s->count, &room, sizeof(*s->lines));
	s->lines[s->count] = s->bytes.length;
}

int source_open(struct source *s, const char *path)
{
	struct text raw = { 0 };

	*s = (struct source){ .is_known = true };
	if (source_read(path, &raw, &s->changed_ns) < 0)
		return -1;
	if (raw.length)
		decode_source(s, &raw);
	find_lines(s);
	text_done(&raw);
	return 0;
}

void source_close(struct source *s)
{
	text_done(&s->bytes);
	free(s->lines);
}

void source_line(const struct source *s, size_t number, struct text *text)
{
	const char *start, *end;

	text_clear(text);
	if (!number || number > s->count)
		return;
	start = s->bytes.at + s->lines[number - 1];
	end = s->bytes.at + s->lines[number];
	while (end > start && strchr(" \t\n\v\f\r\x1c\x1d\x1e\x1f", end[-1]))
		end--;
	text_add(text, start, (size_t)(end - start));
}
