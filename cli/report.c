/* SPDX-License-Identifier: MIT */
/*
 * pyprof-report: reads logs and writes one format. stdout carries data only,
 * words go to stderr. Exit status: 0 fine, 1 a log could not be read or the
 * output not written, 2 usage.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "load.h"
#include "newest.h"
#include "pyprof/version.h"
#include "zipfile.h"

static void tell_damage(const char *path, const struct damage *damage)
{
	say("%s: damaged at offset %llu: %s; %llu bytes lost", path,
	    (unsigned long long)damage->offset, damage->why,
	    (unsigned long long)damage->bytes);
}

/* What a log had that the reader should know of. */
static void tell_shortcomings(const struct process *p)
{
	if (p->skipped)
		say("%s: %llu records of an unknown type passed over; "
		    "try a newer pyprof-report",
		    p->path, (unsigned long long)p->skipped);
	if (p->missing)
		say("%s: cut off at offset %llu: %llu of the %llu samples that "
		    "it counts are not there",
		    p->path, (unsigned long long)p->cut_at,
		    (unsigned long long)p->missing,
		    (unsigned long long)p->header.counters[PP_COUNT_samples]);
	if (p->undefined)
		say("%s: some samples name code that is defined nowhere; "
		    "shown as <code?>",
		    p->path);
}

/* When sessions began, for --from and --to; logs that cannot be read wait. */
static void find_sessions(struct arguments *a)
{
	struct reader r;
	struct err err;
	size_t i;
	int fd;

	if (!a->view.keep.has_from && !a->view.keep.has_to)
		return;
	for (i = 0; i < a->log_count; i++) {
		fd = reader_open_file(a->logs[i], &err);
		if (fd < 0 || reader_open_fd(&r, fd, &err) < 0)
			continue;
		keep_see(&a->view.keep, &r.header);
		reader_close(&r);
	}
}

/* Load one log, if it can be read and is wanted. Returns an exit status. */
static int load_one(struct profile *p, const struct arguments *a,
		    const char *path)
{
	struct err err;
	int result = load_log(p, path, &a->load, tell_damage, &err);

	if (result == 0)
		tell_shortcomings(&p->processes[p->process_count - 1]);
	if (result >= 0)
		return EXIT_FINE;
	say("%s: %s", path, err.text);
	return result == LOAD_REFUSED ? EXIT_USAGE : EXIT_INPUT;
}

/* Load every log that can be read. Returns an exit status. */
static int load_all(struct profile *p, struct arguments *a)
{
	int status = EXIT_FINE, one;
	size_t i;

	find_sessions(a);
	for (i = 0; i < a->log_count; i++) {
		one = load_one(p, a, a->logs[i]);
		status = one ? one : status;
	}
	if (!p->process_count && status == EXIT_FINE) {
		say("--process: none of the logs is of that process");
		status = EXIT_USAGE;
	}
	return status;
}

/* Say so if --thread left nothing. */
static void tell_threads(const struct profile *p, const struct arguments *a)
{
	size_t i;

	for (i = 0; i < p->thread_count; i++)
		if (!p->threads[i].left_out)
			return;
	if (a->view.keep.thread_count)
		say("--thread: no thread has such a name or number");
}

/* Where the output goes: "-" or a path. */
static void find_destination(const struct arguments *a, const struct profile *p,
			     struct text *to)
{
	const char *pattern = a->output ? a->output : a->format->destination;
	const char *pid;

	pid = a->output ? NULL : strstr(pattern, "%p");
	if (!pid) {
		text_adds(to, pattern);
		return;
	}
	text_add(to, pattern, (size_t)(pid - pattern));
	text_addf(to, "%u", p->processes[0].header.pid);
	text_adds(to, pid + strlen("%p"));
}

/* Whether the output would overwrite one of the logs. */
static bool is_log(const char *path, const struct arguments *a)
{
	struct stat out, in;
	size_t i;

	if (stat(path, &out) < 0 || !S_ISREG(out.st_mode))
		return false;
	for (i = 0; i < a->log_count; i++)
		if (stat(a->logs[i], &in) == 0 && in.st_dev == out.st_dev &&
		    in.st_ino == out.st_ino)
			return true;
	return false;
}

/*
 * Write and close. Returns an exit status. That nobody wants to read on (as in
 * a pipe to `head`) is fine.
 */
static int write_to(const struct arguments *a, const struct view *v, FILE *out,
		    const char *name)
{
	bool failed;

	errno = 0;
	a->format->write(v, out);
	failed = ferror(out) != 0;
	failed |= fclose(out) != 0;
	if (!failed || errno == EPIPE)
		return EXIT_FINE;
	say("%s: %s", name, errno ? strerror(errno) : "cannot be written");
	return EXIT_INPUT;
}

/* The zip of the sources, if one is wanted. Returns an exit status. */
static int write_zip(const struct arguments *a, const struct profile *p)
{
	struct err err;

	if (!a->zipfile)
		return EXIT_FINE;
	if (is_log(a->zipfile, a))
		say("%s: is a log; try another name", a->zipfile);
	else if (zipfile_write(a->zipfile, p, &err) < 0)
		say("%s", err.text);
	else
		return EXIT_FINE;
	return EXIT_INPUT;
}

static int write_report(const struct arguments *a, const struct view *v)
{
	struct text path = { 0 };
	int status = EXIT_INPUT;
	FILE *out;

	find_destination(a, v->profile, &path);
	if (strcmp(path.at, "-") == 0) {
		status = write_to(a, v, stdout, "stdout");
	} else if (is_log(path.at, a)) {
		say("%s: is a log; try another name", path.at);
	} else {
		out = fopen(path.at, "we");
		if (!out)
			say("%s: %s", path.at, strerror(errno));
		else
			status = write_to(a, v, out, path.at);
		if (out && status == EXIT_FINE && !a->output)
			say("wrote %s", path.at);
	}
	text_done(&path);
	return status;
}

static int report(struct arguments *a)
{
	struct profile profile;
	struct view view;
	int status, written;

	profile_init(&profile);
	status = load_all(&profile, a);
	if (profile.process_count) {
		tell_threads(&profile, a);
		view_init(&view, &profile, &a->view);
		written = write_report(a, &view);
		status = written ? written : status;
		written = write_zip(a, &profile);
		status = written ? written : status;
		view_done(&view);
	}
	profile_done(&profile);
	return status;
}

/* No LOG was named: the newest session here. */
static int report_newest(struct arguments *a)
{
	struct text names = { 0 };
	struct log_list logs;
	int status;
	size_t i;

	logs_of_newest_session(&logs);
	if (!logs.count) {
		say("no log in the current directory; try pyprof-report LOG");
		log_list_done(&logs);
		return EXIT_INPUT;
	}
	for (i = 0; i < logs.count; i++)
		text_addf(&names, " %s", logs.paths[i]);
	say("reading%s", names.at);
	a->logs = logs.paths;
	a->log_count = logs.count;
	status = report(a);
	text_done(&names);
	log_list_done(&logs);
	return status;
}

static int print_formats(void)
{
	size_t i;

	for (i = 0; i < format_count; i++)
		puts(formats[i].name);
	return EXIT_FINE;
}

static int act(struct arguments *a)
{
	switch (a->action) {
	case ACTION_HELP:
		arguments_help(stdout);
		return EXIT_FINE;
	case ACTION_VERSION:
		puts("pyprof-report " PYPROF_VERSION);
		return EXIT_FINE;
	case ACTION_FORMATS:
		return print_formats();
	case ACTION_REPORT:
		break;
	}
	return a->log_count ? report(a) : report_newest(a);
}

int main(int argc, char **argv)
{
	struct arguments a;
	struct err err;
	int status;

	say_program("pyprof-report");
	signal(SIGPIPE, SIG_IGN); /* write_to() sees it as EPIPE */
	if (arguments_parse(&a, argc, argv, &err) < 0) {
		say("%s", err.text);
		status = EXIT_USAGE;
	} else {
		status = act(&a);
	}
	arguments_done(&a);
	return status;
}
