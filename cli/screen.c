/* SPDX-License-Identifier: MIT */
/* Makes lines fit; see screen.h. */
#include "screen.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "util/text.h"

#define LEFT_OUT     "..."
#define CUT	     ">"
#define WORD_COLUMNS 12 /* what a line of the summary begins with */

unsigned screen_columns(FILE *out)
{
	struct winsize size;
	int fd = fileno(out);

	if (fd < 0 || ioctl(fd, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

/* The text below its word, broken at blanks. */
static void put_folded(const char *line, unsigned columns, FILE *out)
{
	size_t left = columns - WORD_COLUMNS, length;
	const char *word = line + WORD_COLUMNS;
	struct text one = { 0 };
	size_t used = 0, width;

	fprintf(out, "%.*s", WORD_COLUMNS, line);
	for (; *word; word += length + (word[length] == ' ')) {
		length = strcspn(word, " ");
		text_clear(&one);
		text_add(&one, word, length);
		width = text_width(text_get(&one));
		if (used && used + 1 + width > left) {
			fprintf(out, "\n%*s", WORD_COLUMNS, "");
			used = 0;
		} else if (used) {
			fputc(' ', out);
			used++;
		}
		fputs(text_get(&one), out);
		used += width;
	}
	fputc('\n', out);
	text_done(&one);
}

/* The ":LINE)" that ends the path at `path`, or NULL. */
static const char *path_end(const char *path)
{
	const char *end, *digit;

	for (end = strchr(path, ')'); end; end = strchr(end + 1, ')')) {
		for (digit = end; digit > path && isdigit(digit[-1]);)
			digit--;
		if (digit < end && digit > path && digit[-1] == ':')
			return digit - 1;
	}
	return NULL;
}

/* The slash before what is left of a path without its first folder, or NULL. */
static char *next_slash(char *path, const char *end)
{
	size_t taken = 1;
	char *slash;

	if (strncmp(path, LEFT_OUT "/", strlen(LEFT_OUT "/")) == 0)
		taken = strlen(LEFT_OUT "/");
	slash = strchr(path + taken, '/');
	return slash && slash < end ? slash : NULL;
}

/* The longest path that has a folder to lose, or NULL. */
static char *longest_path(char *line)
{
	char *path, *longest = NULL;
	const char *end;
	ptrdiff_t length = 0;

	for (path = strstr(line, " ("); path; path = strstr(path, " (")) {
		path += 2;
		end = path_end(path);
		if (end && end - path > length && next_slash(path, end)) {
			longest = path;
			length = end - path;
		}
	}
	return longest;
}

/* In place: what is left out is at least as long as what stands for it. */
static bool shorten(char *line)
{
	char *path = longest_path(line), *slash;
	size_t dots = strlen(LEFT_OUT);

	if (!path)
		return false;
	slash = next_slash(path, path_end(path));
	while (slash && (size_t)(slash - path) < dots)
		slash = next_slash(slash, path_end(path));
	if (!slash)
		return false;
	memset(path, LEFT_OUT[0], dots);
	memmove(path + dots, slash, strlen(slash) + 1);
	return true;
}

/* Where a character begins that there is no room for but to mark the cut. */
static size_t cut_at(const char *line, unsigned columns)
{
	unsigned width = 0;
	size_t i;

	for (i = 0; line[i]; i++) {
		width += (line[i] & 0xc0) != 0x80;
		if (width == columns)
			break;
	}
	return i;
}

static void put_line(char *line, bool summary, unsigned columns, FILE *out)
{
	if (summary && columns > 2 * WORD_COLUMNS &&
	    strlen(line) > WORD_COLUMNS && text_width(line) > columns) {
		put_folded(line, columns, out);
		return;
	}
	while (text_width(line) > columns && shorten(line))
		;
	if (text_width(line) > columns)
		fprintf(out, "%.*s" CUT "\n", (int)cut_at(line, columns), line);
	else
		fprintf(out, "%s\n", line);
}

void screen_fit(const char *text, unsigned columns, FILE *out)
{
	struct text line = { 0 };
	bool summary = true;
	size_t length;

	for (; *text; text += length + (text[length] == '\n')) {
		length = strcspn(text, "\n");
		text_clear(&line);
		text_add(&line, text, length);
		text_addc(&line, '\0');
		summary &= length != 0;
		put_line(line.at, summary, columns, out);
	}
	text_done(&line);
}
