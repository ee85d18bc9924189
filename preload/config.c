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

#include "keepenv.h"
#include "msg.h"
#include "safe/target.h"
#include "text.h"

#define VARIABLE "PYPROF_SESSION"
#define RECORDER "PYPROF_RECORDER"
#define BEGAN	 "PYPROF_BEGAN"

static struct {
	unsigned long first_pid;
	bool wrapped;
	bool unwanted; /* a child that shall not record */
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
 * What processes of a session note for those that they exec, in variables that
 * hold "session:number". Returns true, and the number, if one is there.
 */
static bool get_note(const char *variable, unsigned long *number)
{
	const char *noted = getenv(variable);
	struct text session;

	text_init(&session);
	text_add_hex(&session, target.session[0], 16);
	text_add(&session, ":");
	if (!noted || strncmp(noted, session.at, session.length) != 0)
		return false;
	*number = strtoul(noted + session.length, NULL, 10);
	return true;
}

static void set_note(const char *variable, unsigned long number)
{
	struct text note;

	text_init(&note);
	text_add_hex(&note, target.session[0], 16);
	text_add(&note, ":");
	text_add_number(&note, number);
	(void)setenv(variable, note.at, 1);
}

/*
 * The first process with a Python, of those above this one in the session. It
 * notes itself in the environment, for those that it execs.
 */
static pid_t find_recorder(void)
{
	unsigned long recorder;

	if (get_note(RECORDER, &recorder))
		return (pid_t)recorder;
	set_note(RECORDER, (unsigned long)getpid());
	return getpid();
}

int config_init(void)
{
	struct settings_error err;
	const char *session = getenv(VARIABLE);
	int saved = errno;
	pid_t recorder;

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
	recorder = find_recorder();
	g.unwanted = !target.settings.children && recorder != getpid();
	msg_first(target.settings.verbose == 2 ? 0 : recorder);
	/* again, as the session may have begun here */
	if (target.settings.keep_env)
		keepenv_init();
	errno = saved;
	return 0;
}

bool config_is_wanted(void)
{
	return !g.unwanted;
}

uint64_t config_session_began(uint64_t now_ns)
{
	unsigned long began_ns;

	if (get_note(BEGAN, &began_ns) && began_ns <= now_ns)
		return began_ns;
	set_note(BEGAN, (unsigned long)now_ns);
	return now_ns;
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
