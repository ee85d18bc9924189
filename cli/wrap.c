/* SPDX-License-Identifier: MIT */
/*
 * pyprof-wrap: runs a command with the profiler in it. Its options become
 * environment variables, which are what counts; then it is the command. Only
 * --report makes it stay, as the parent.
 *
 * Exit status: the command's own; 2 usage, 125 own failure, 126 the command
 * cannot be executed, 127 it was not found.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "launch.h"
#include "newest.h"
#include "pyprof/options.h"
#include "pyprof/settings.h"
#include "pyprof/version.h"
#include "supervise.h"
#include "util/text.h"
#include "util/usage.h"

/* What getopt_long() returns: the options of recording, then our own. */
enum {
	OPTION_FIRST = USAGE_LONG,
#define X(name, letter, flag, argument, variable, value, deflt, help)          \
	OPTION_##name,
	PP_OPTIONS(X)
#undef X
		OPTION_REPORT,
	OPTION_CTL,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct recording {
	const char *flag, *argument, *variable, *value, *deflt, *help;
	int letter;
} recording[] = {
#define X(name, letter, flag, argument, variable, value, deflt, help)          \
	{ flag, argument, variable, value, deflt, help, letter },
	PP_OPTIONS(X)
#undef X
};

/* What --report takes. The formats themselves are in the other program. */
static const char *const report_formats[] = {
#define FORMAT(name, destination, pattern, help) #name,
#include "formats.def"
#undef FORMAT
};

struct request {
	const char *given[ARRAY_LEN(recording)]; /* as the user wrote it */
	bool report;
	const char *format; /* of the report; NULL: its default */
	const char *ctl;    /* process to speak to, as given; or NULL */
	char **command;
};

static void help(void)
{
	struct text t = { 0 };
	size_t i;

	puts("usage: pyprof-wrap [OPTION]... [--] COMMAND [ARG]...\n"
	     "       pyprof-wrap --ctl PID start|stop|status|dump\n"
	     "Run a command, and profile every Python in it.\n");
	for (i = 0; i < ARRAY_LEN(recording); i++) {
		text_clear(&t);
		if (recording[i].letter)
			text_addf(&t, "-%c, ", recording[i].letter);
		text_addf(&t, "--%s", recording[i].flag);
		if (recording[i].argument)
			text_addf(&t, " %s", recording[i].argument);
		printf("  %-28s %s", t.at, recording[i].help);
		if (recording[i].deflt)
			printf(" (%s)", recording[i].deflt);
		putchar('\n');
	}
	printf("  %-28s %s\n  %-28s %s\n  %-28s %s\n  %-28s %s\n",
	       "--report[=FORMAT]",
	       "run pyprof-report on the logs when the command has ended",
	       "--ctl PID VERB",
	       "speak to a running profiled process: " CTL_VERBS, "-h, --help",
	       "this", "--version", "the version");
	text_done(&t);
}

/* The tables that getopt_long() wants. */
struct getopt_tables {
	struct option longs[ARRAY_LEN(recording) + 5];
	char shorts[2 * ARRAY_LEN(recording) + 4];
};

static void make_tables(struct getopt_tables *t)
{
	struct option *to = t->longs;
	char *letters = t->shorts;
	size_t i;

	memset(t, 0, sizeof(*t));
	*letters++ = '+'; /* the first word that is no option ends them */
	*letters++ = ':'; /* a missing argument is told from a wrong option */
	*letters++ = 'h';
	for (i = 0; i < ARRAY_LEN(recording); i++) {
		*to++ = (struct option){ recording[i].flag,
					 recording[i].argument != NULL, NULL,
					 OPTION_FIRST + 1 + (int)i };
		if (!recording[i].letter)
			continue;
		*letters++ = (char)recording[i].letter;
		if (recording[i].argument)
			*letters++ = ':';
	}
	*to++ = (struct option){ "report", 2, NULL, OPTION_REPORT };
	*to++ = (struct option){ "ctl", 1, NULL, OPTION_CTL };
	*to++ = (struct option){ "help", 0, NULL, OPTION_HELP };
	*to++ = (struct option){ "version", 0, NULL, OPTION_VERSION };
}

/* Another expression beside the one that was given before. */
static int add_expression(size_t i, const char *value)
{
	struct text both = { 0 };
	int result;

	text_addf(&both, "(%s)|(%s)", getenv(recording[i].variable), value);
	result = setenv(recording[i].variable, both.at, 1);
	text_done(&both);
	return result;
}

/*
 * Put an option of recording into the environment. Rate and interval say the
 * same, so that the one given here ends what the environment has of the other.
 */
static int take_recording(struct request *r, int option, const char *value,
			  struct err *err)
{
	size_t i = (size_t)(option - OPTION_FIRST - 1);
	bool again = r->given[i] != NULL;
	bool is_regex = option == OPTION_INCLUDE || option == OPTION_EXCLUDE;
	const char *wrong;
	int result;

	if (recording[i].argument && !*value)
		return err_set(err, "--%s=: no value", recording[i].flag);
	/* each by itself: two that are none may make one together */
	wrong = is_regex ? settings_expression(value) : NULL;
	if (wrong)
		return err_set(err, "--%s=%s: %s", recording[i].flag, value,
			       wrong);
	r->given[i] = recording[i].argument ? value : "";
	if (option == OPTION_RATE)
		unsetenv("PYPROF_INTERVAL");
	else if (option == OPTION_INTERVAL)
		unsetenv("PYPROF_RATE");
	if (!recording[i].argument)
		value = recording[i].value;
	if (again && is_regex)
		result = add_expression(i, value);
	else
		result = setenv(recording[i].variable, value, 1);
	if (result < 0)
		return err_set(err, "%s", strerror(errno));
	return 0;
}

static int take_report(struct request *r, const char *format, struct err *err)
{
	size_t i;

	r->report = true;
	r->format = format;
	for (i = 0; format && i < ARRAY_LEN(report_formats); i++)
		if (strcmp(format, report_formats[i]) == 0)
			return 0;
	if (!format)
		return 0;
	return err_set(err,
		       "--report=%s: unknown format; try pyprof-report "
		       "--formats",
		       format);
}

static int option_of_letter(int letter)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(recording); i++)
		if (recording[i].letter == letter)
			return OPTION_FIRST + 1 + (int)i;
	return letter;
}

/* Returns 0, 1 if there is nothing more to do, or -1 with *err filled. */
static int parse_options(struct request *r, int argc, char **argv,
			 struct err *err)
{
	struct getopt_tables tables;
	int got, failed = 0;

	make_tables(&tables);
	opterr = 0;
	while (!failed && (got = getopt_long(argc, argv, tables.shorts,
					     tables.longs, NULL)) != -1) {
		got = option_of_letter(got);
		if (got == 'h' || got == OPTION_HELP) {
			help();
			return 1;
		} else if (got == OPTION_VERSION) {
			puts("pyprof-wrap " PYPROF_VERSION);
			return 1;
		} else if (got == '?' || got == ':') {
			failed = usage_error(got, argv, err);
		} else if (got == OPTION_REPORT) {
			failed = take_report(r, optarg, err);
		} else if (got == OPTION_CTL) {
			r->ctl = optarg;
		} else {
			failed = take_recording(r, got, optarg, err);
		}
	}
	r->command = argv + optind;
	if (!failed && !r->command[0] && !r->ctl)
		failed = err_set(err, "no command; try --help");
	return failed;
}

static const char *get_variable(const char *name)
{
	return getenv(name);
}

/* Refuse a bad value before anything runs, be it the environment's. */
static int check_settings(const struct request *r, struct settings *s,
			  struct err *err)
{
	struct settings_error bad;
	size_t i;

	if (settings_parse(s, get_variable, &bad) == 0)
		return 0;
	for (i = 0; i < ARRAY_LEN(recording); i++)
		if (r->given[i] && strcmp(recording[i].flag, bad.flag) == 0)
			return err_set(err, "--%s=%s: %s", bad.flag, bad.value,
				       bad.why);
	return err_set(err, "%s=%s: %s", bad.variable, bad.value, bad.why);
}

/*
 * The folders that logs are written to, as glob(3) wants them: what stands for
 * something of each process could be any.
 */
static void log_folders(const char *pattern, struct text *folders)
{
	const char *slash = strrchr(pattern, '/'), *p;

	if (!slash)
		text_addc(folders, '.');
	else if (slash == pattern)
		text_addc(folders, '/');
	for (p = pattern; slash && p < slash; p++) {
		if (*p == '%' && p[1] == '%')
			text_addc(folders, *++p);
		else if (*p == '%' && ++p <= slash)
			text_addc(folders, '*');
		else if (strchr("*?[\\", *p))
			text_addf(folders, "\\%c", *p);
		else
			text_addc(folders, *p);
	}
}

static void exec_report(const struct request *r, const struct log_list *logs)
{
	char **words = must_zalloc(logs->count + 5, sizeof(*words));
	struct text program = { 0 };
	struct err err;
	size_t count = 0, i;

	if (launch_find("pyprof-report", ".", &program, &err) < 0) {
		text_clear(&program);
		text_adds(&program, "pyprof-report");
	}
	words[count++] = program.at;
	if (r->format) {
		words[count++] = must_strdup("-f");
		words[count++] = must_strdup(r->format);
	}
	words[count++] = must_strdup("--");
	for (i = 0; i < logs->count; i++)
		words[count++] = logs->paths[i];
	execvp(words[0], words);
	say("%s: %s", words[0], strerror(errno));
	_exit(EXIT_WRAPPER);
}

/* Report the logs of the session. What goes wrong is said, no more. */
static void report(const struct request *r, const struct settings *s,
		   const uint64_t session[2])
{
	struct text folders = { 0 };
	struct log_list logs;
	pid_t child;

	log_folders(s->output, &folders);
	logs_of_session(&logs, folders.at, session);
	if (!logs.count) {
		say("no log was written");
	} else {
		fflush(stdout);
		child = fork();
		if (child == 0)
			exec_report(r, &logs);
		while (child > 0 && waitpid(child, NULL, 0) < 0 &&
		       errno == EINTR)
			;
	}
	log_list_done(&logs);
	text_done(&folders);
}

/* Run the command and report; ends as the command did. */
static int run_and_report(const struct request *r, const struct settings *s,
			  const uint64_t session[2])
{
	struct err err;
	int status;

	if (supervise_command(session, r->command, &status, &err) < 0) {
		say("%s", err.text);
		return EXIT_WRAPPER;
	}
	report(r, s, session);
	supervise_end(status);
}

int main(int argc, char **argv)
{
	struct request r = { 0 };
	struct settings settings;
	uint64_t session[2];
	struct err err;
	int parsed;

	say_program("pyprof-wrap");
	parsed = parse_options(&r, argc, argv, &err);
	if (parsed > 0)
		return EXIT_FINE;
	if (parsed < 0 || check_settings(&r, &settings, &err) < 0) {
		say("%s", err.text);
		return EXIT_USAGE;
	}
	if (r.ctl)
		return ctl_run(r.ctl, r.command);
	if (launch_preload(&err) < 0 || launch_session(session, &err) < 0) {
		say("%s", err.text);
		return EXIT_WRAPPER;
	}
	if (r.report)
		return run_and_report(&r, &settings, session);
	return launch_exec(session, r.command);
}
