/* SPDX-License-Identifier: MIT */
/*
 * One line on stderr. A program may have closed stderr and opened a file of
 * its own as number 2: nothing of ours goes there.
 */
#include "msg.h"

#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

static struct {
	int known;
	dev_t device;
	ino_t inode;
	pid_t first; /* see msg_line_first() */
} g;

void msg_init(void)
{
	struct stat st;

	g.known = fstat(STDERR_FILENO, &st) == 0;
	if (g.known) {
		g.device = st.st_dev;
		g.inode = st.st_ino;
	}
}

void msg_first(pid_t pid)
{
	g.first = pid;
}

static int is_still_stderr(void)
{
	struct stat st;

	return g.known && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == g.device && st.st_ino == g.inode;
}

int msg_is_terminal(void)
{
	return is_still_stderr() && isatty(STDERR_FILENO);
}

void msg_line(const char *a, const char *b, const char *c)
{
	struct text line;

	if (!is_still_stderr())
		return;
	text_init(&line);
	text_add(&line, "pyprof: ");
	text_add(&line, a);
	if (b)
		text_add(&line, b);
	if (c)
		text_add(&line, c);
	text_add(&line, "\n");
	/* it cannot be said if it cannot be written */
	if (write(STDERR_FILENO, line.at, line.length) < 0)
		return;
}

void msg_line_first(const char *a, const char *b, const char *c)
{
	if (!g.first || g.first == getpid())
		msg_line(a, b, c);
}
