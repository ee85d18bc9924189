/* SPDX-License-Identifier: MIT */
/* The options of pyprof-report and what each does; see arguments.h. */
#include "arguments.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "util/usage.h"
#include "zipfile.h"

/*
 * The options, formats' own flags apart. To add one: a line X(NAME, letter,
 * flag, argument, help) here, a case in take_option() and a line in
 * doc/pyprof-report.1.
 */
/* clang-format off */
#define REPORT_OPTIONS(X)                                                      \
X(OUTPUT, 'o', "output", "FILE",                                               \
  "write there, - is stdout; its suffix may choose the format")                \
X(FORMAT, 'f', "format", "NAME", "the same as --NAME; see --formats")          \
X(FORMATS, 0, "formats", 0, "list the formats")                                \
X(SORT, 0, "sort", "KEY[,KEY...]",                                             \
  "calls ncalls pcalls tottime time cumtime cumulative filename "              \
  "module line name nfl stdname samples")                                      \
X(REVERSE, 0, "reverse", 0, "the other way round")                             \
X(LIMIT, 'n', "limit", "R",                                                    \
  "rows: a count, a fraction 0.0-1.0 or a regular expression; repeat")         \
X(LINES, 0, "lines", 0, "a row or frame for each line that was run")           \
X(FUNCTIONS, 0, "functions", 0, "for each function; the default")              \
X(INCLUDE, 0, "include", "RE", "files to keep; alone, leaves out the rest")    \
X(EXCLUDE, 0, "exclude", "RE", "files to leave out, but for --include")        \
X(EXCLUDE_SYSPATH, 0, "exclude-syspath", 0,                                    \
  "leave out what the program imported from sys.path")                         \
X(STATE, 0, "state", "NAME",                                                   \
  "only samples in it: cpu wall gil gil-wait gc native exception")             \
X(THREAD, 0, "thread", "RE", "only threads of this name or number; repeat")    \
X(PROCESS, 0, "process", "PID", "only logs of this process; repeat")           \
X(FROM, 0, "from", "S", "only from this second of the session on")             \
X(TO, 0, "to", "S", "only up to this second")                                  \
X(NO_GC, 0, "no-gc", 0, "no <GC> frames: its time is that of the line")        \
X(BY_THREAD, 0, "by-thread", 0, "threads as root frames")                      \
X(BY_PROCESS, 0, "by-process", 0, "processes as root frames")                  \
X(CALLERS, 0, "callers", 0, "text: who called each function, as pstats has it")\
X(CALLEES, 0, "callees", 0, "text: whom each function called")                 \
X(STRIP_DIRS, 0, "strip-dirs", 0, "file names without their folders")          \
X(NO_CORRECTION, 0, "no-correction", 0,                                       \
  "traced times as measured, with what pyprof took of them")                   \
X(UNIT, 0, "unit", "us|samples", "what --collapsed counts")                    \
X(ZIPFILE, 0, "zipfile", "FILE",                                               \
  "zip the sources, as a callgrind file with relative paths wants them")       \
X(HELP, 'h', "help", 0, "this")                                                \
X(VERSION, 0, "version", 0, "the version")
/* clang-format on */

/* What getopt_long() returns: an option's number, or FORMAT_FLAG and up. */
enum {
	OPTION_FIRST = USAGE_LONG,
#define X(name, letter, flag, argument, help) OPTION_##name,
	REPORT_OPTIONS(X)
#undef X
		FORMAT_FLAG,
};

static const struct {
	const char *flag, *argument, *help;
	int number, letter;
} options[] = {
#define X(name, letter, flag, argument, help)                                  \
	{ flag, argument, help, OPTION_##name, letter },
	REPORT_OPTIONS(X)
#undef X
};

#define LONG_OPTIONS_MAX 128

/* The tables that getopt_long() wants, made of ours. */
struct getopt_tables {
	struct option longs[LONG_OPTIONS_MAX];
	char shorts[2 * ARRAY_LEN(options) + 2];
};

static void make_tables(struct getopt_tables *t)
{
	struct option *to = t->longs;
	char *letters = t->shorts;
	size_t i;

	memset(t, 0, sizeof(*t));
	*letters++ = ':'; /* a missing argument is told from a wrong option */
	for (i = 0; i < ARRAY_LEN(options); i++) {
		*to++ = (struct option){ options[i].flag,
					 options[i].argument != NULL, NULL,
					 options[i].number };
		if (!options[i].letter)
			continue;
		*letters++ = (char)options[i].letter;
		if (options[i].argument)
			*letters++ = ':';
	}
	for (i = 0; i < format_count; i++)
		*to++ = (struct option){ formats[i].name, 0, NULL,
					 FORMAT_FLAG + (int)i };
}

static int option_of_letter(int letter)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].letter == letter)
			return options[i].number;
	return letter;
}

static int take_format(struct arguments *a, const char *name, struct err *err)
{
	a->format = format_find(name);
	if (!a->format)
		return err_set(err, "unknown format '%s'; try --formats", name);
	return 0;
}

static int take_unit(struct arguments *a, const char *unit, struct err *err)
{
	a->view.unit_us = strcmp(unit, "us") == 0;
	if (!a->view.unit_us && strcmp(unit, "samples") != 0)
		return err_set(err, "unknown unit '%s'; try us or samples",
			       unit);
	return 0;
}

static int take_zipfile(struct arguments *a, const char *path, struct err *err)
{
	a->zipfile = path;
	a->view.relative_paths = true;
	return zipfile_check(err);
}

/* Name the option and its value before what is wrong with it. */
static int refuse(struct err *err, const char *option, const char *value)
{
	struct err why = *err;

	return err_set(err, "%s '%s': %.400s", option, value, why.text);
}

/* Options that choose which part of the logs is wanted. */
static int take_kept(struct arguments *a, int option, const char *value,
		     struct err *err)
{
	struct keep *keep = &a->view.keep;

	switch (option) {
	case OPTION_STATE:
		return keep_state(keep, value, err);
	case OPTION_THREAD:
		if (keep_thread(keep, value, err) < 0)
			return refuse(err, "--thread", value);
		return 0;
	case OPTION_PROCESS:
		if (keep_process(keep, value, err) < 0)
			return refuse(err, "--process", value);
		return 0;
	case OPTION_FROM:
		if (keep_from(keep, value, err) < 0)
			return refuse(err, "--from", value);
		return 0;
	case OPTION_TO:
		if (keep_to(keep, value, err) < 0)
			return refuse(err, "--to", value);
		return 0;
	default:
		return err_set(err, "option %d is not handled", option);
	}
}

/* Options that have a value; those that may refuse it. */
static int take_valued(struct arguments *a, int option, const char *value,
		       struct err *err)
{
	switch (option) {
	case OPTION_FORMAT:
		return take_format(a, value, err);
	case OPTION_SORT:
		return sort_parse(&a->view.sort, value, err);
	case OPTION_ZIPFILE:
		return take_zipfile(a, value, err);
	case OPTION_UNIT:
		return take_unit(a, value, err);
	case OPTION_LIMIT:
		if (limits_add(&a->view.limits, value, err) < 0)
			return refuse(err, "--limit", value);
		return 0;
	case OPTION_INCLUDE:
		if (filter_include(&a->view.filter, value, err) < 0)
			return refuse(err, "--include", value);
		return 0;
	case OPTION_EXCLUDE:
		if (filter_exclude(&a->view.filter, value, err) < 0)
			return refuse(err, "--exclude", value);
		return 0;
	case OPTION_OUTPUT:
		a->output = value;
		return 0;
	default:
		return take_kept(a, option, value, err);
	}
}

static int take_option(struct arguments *a, int option, const char *value,
		       struct err *err)
{
	switch (option) {
	case OPTION_HELP:
		a->action = ACTION_HELP;
		return 0;
	case OPTION_VERSION:
		a->action = ACTION_VERSION;
		return 0;
	case OPTION_FORMATS:
		a->action = ACTION_FORMATS;
		return 0;
	case OPTION_REVERSE:
		a->view.sort.reverse = true;
		return 0;
	case OPTION_LINES:
	case OPTION_FUNCTIONS:
		a->view.by_lines = option == OPTION_LINES;
		return 0;
	case OPTION_EXCLUDE_SYSPATH:
		a->view.filter.exclude_syspath = true;
		return 0;
	case OPTION_BY_THREAD:
		a->load.split |= LOAD_BY_THREAD;
		return 0;
	case OPTION_BY_PROCESS:
		a->load.split |= LOAD_BY_PROCESS;
		return 0;
	case OPTION_NO_GC:
		a->load.no_gc = true;
		return 0;
	case OPTION_CALLERS:
		a->view.callers = true;
		return 0;
	case OPTION_CALLEES:
		a->view.callees = true;
		return 0;
	case OPTION_NO_CORRECTION:
		a->view.no_correction = true;
		return 0;
	case OPTION_STRIP_DIRS:
		a->view.strip_dirs = true;
		return 0;
	default:
		return take_valued(a, option, value, err);
	}
}

/* Suffixes that promise what this build cannot write. */
static const char *const foreign_suffixes[] = {
	".html", ".speedscope.json", ".pb.gz", ".dot", ".svg", ".png",
};

static bool ends_in(const char *path, const char *suffix)
{
	size_t length = strlen(path), end = strlen(suffix);

	return length > end && strcmp(path + length - end, suffix) == 0;
}

/* No format was named: by the name of the output, else the text report. */
static int choose_format(struct arguments *a, struct err *err)
{
	size_t i;

	if (a->format)
		return 0;
	a->format = a->output ? format_of_file(a->output) : NULL;
	for (i = 0; a->output && i < ARRAY_LEN(foreign_suffixes); i++)
		if (!a->format && ends_in(a->output, foreign_suffixes[i]))
			return err_set(err,
				       "unknown format of '%s'; try --formats",
				       a->output);
	if (!a->format)
		a->format = format_find("text");
	return 0;
}

int arguments_parse(struct arguments *a, int argc, char **argv, struct err *err)
{
	struct getopt_tables tables;
	int got;

	*a = (struct arguments){ 0 };
	a->load.keep = &a->view.keep;
	make_tables(&tables);
	unsetenv("POSIXLY_CORRECT"); /* options may follow the logs */
	opterr = 0;
	while ((got = getopt_long(argc, argv, tables.shorts, tables.longs,
				  NULL)) != -1) {
		if (got == '?' || got == ':')
			return usage_error(got, argv, err);
		if (got >= FORMAT_FLAG)
			a->format = &formats[got - FORMAT_FLAG];
		else if (take_option(a, option_of_letter(got), optarg, err) < 0)
			return -1;
	}
	a->logs = argv + optind;
	a->log_count = (size_t)(argc - optind);
	return choose_format(a, err);
}

void arguments_done(struct arguments *a)
{
	filter_done(&a->view.filter);
	keep_done(&a->view.keep);
	limits_done(&a->view.limits);
}

static void help_line(FILE *out, int letter, const char *flag,
		      const char *argument, const char *help)
{
	struct text t = { 0 };

	if (letter)
		text_addf(&t, "-%c, ", letter);
	text_addf(&t, "--%s", flag);
	if (argument)
		text_addf(&t, " %s", argument);
	fprintf(out, "  %-24s %s\n", t.at, help);
	text_done(&t);
}

void arguments_help(FILE *out)
{
	size_t i;

	fputs("usage: pyprof-report [OPTION]... [LOG]...\n"
	      "Report what the logs of pyprof hold; without LOG, those of the "
	      "newest session\nin the current directory.\n\nformats:\n",
	      out);
	for (i = 0; i < format_count; i++)
		help_line(out, 0, formats[i].name, NULL, formats[i].help);
	fputs("\noptions:\n", out);
	for (i = 0; i < ARRAY_LEN(options); i++)
		help_line(out, options[i].letter, options[i].flag,
			  options[i].argument, options[i].help);
}
