/* SPDX-License-Identifier: MIT */
/*
 * Options and session. The session travels as
 *
 *	PYPROF_SESSION=32 hex digits:pid of the first process:w or -:directory
 *
 * where w says that pyprof-wrap began it.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "msg.h"
#include "safe/target.h"
#include "text.h"

#define VARIABLE "PYPROF_SESSION"
#define RECORDER "PYPROF_RECORDER"

static struct {
	unsigned long first_pid;
	bool wrapped;
	struct text directory;
} g;

static const char *get(const char *name)
{
	return getenv(name);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Take a session from its text; false if it is not one. */
static bool parse_session(const char *s)
{
	uint64_t id[2] = { 0, 0 };
	char *end;

	for (int i = 0; i < 32; i++) {
		int digit = hex_digit(s[i]);

		if (digit < 0)
			return false;
		id[i / 16] = id[i / 16] << 4 | (uint64_t)digit;
	}
	if (s[32] != ':')
		return false;
	g.first_pid = strtoul(s + 33, &end, 10);
	if (end[0] != ':' || !end[1] || end[2] != ':' || end[3] != '/')
		return false;
	g.wrapped = end[1] == 'w';
	text_init(&g.directory);
	text_add(&g.directory, end + 3);
	memcpy(target.session, id, sizeof(id));
	return true;
}

static void begin_session(void)
{
	char directory[4096];
	uint64_t id[2];
	struct text s;

	if (getrandom(id, sizeof(id), GRND_NONBLOCK) != (ssize_t)sizeof(id)) {
		id[0] = (uint64_t)getpid();
		id[1] = (uint64_t)(uintptr_t)&s;
	}
	if (!getcwd(directory, sizeof(directory)) || directory[0] != '/')
		strcpy(directory, "/");
	text_init(&s);
	text_add_hex(&s, id[0], 16);
	text_add_hex(&s, id[1], 16);
	text_add(&s, ":");
	text_add_number(&s, (uint64_t)getpid());
	text_add(&s, ":-:");
	text_add(&s, directory);
	(void)parse_session(s.at);
	/* without it, children begin sessions of their own */
	(void)setenv(VARIABLE, s.at, 1);
}

/*
 * With --no-children, is there a process of this session that records and is
 * not this one? The first that would notes itself in the environment, for
 * those that it execs, as "session:pid".
 */
static bool is_unwanted_child(void)
{
	const char *noted = getenv(RECORDER);
	struct text self;

	if (target.settings.children)
		return false;
	text_init(&self);
	text_add_hex(&self, target.session[0], 16);
	if (noted && strncmp(noted, self.at, self.length) == 0)
		return strtoul(noted + self.length + 1, NULL, 10) !=
		       (unsigned long)getpid();
	text_add(&self, ":");
	text_add_number(&self, (uint64_t)getpid());
	(void)setenv(RECORDER, self.at, 1);
	return false;
}

int config_init(void)
{
	struct settings_error err;
	const char *session = getenv(VARIABLE);
	int saved = errno;

	if (settings_parse(&target.settings, get, &err) < 0) {
		struct text why;

		text_init(&why);
		text_add(&why, err.why);
		text_add(&why, "; the program runs unprofiled");
		text_add(&g.directory, err.variable);
		text_add(&g.directory, "=");
		text_add(&g.directory, err.value);
		msg_line(g.directory.at, ": ", why.at);
		return -1;
	}
	if (!session || !parse_session(session))
		begin_session();
	target.settings.start &= !is_unwanted_child();
	errno = saved;
	return 0;
}

bool config_is_first(void)
{
	return g.first_pid == (unsigned long)getpid();
}

bool config_is_wrapped(void)
{
	return g.wrapped;
}

const char *config_directory(void)
{
	return g.directory.at;
}
