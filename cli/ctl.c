/* SPDX-License-Identifier: MIT */
/* Words to and from a running process; see ctl.h. */
#include "ctl.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "launch.h"
#include "pyprof/counts.h"
#include "running.h"
#include "stacks.h"
#include "util/die.h"
#include "util/text.h"
#include "util/units.h"

/* "on" or "off", and what makes it so or will change it: the end of a line. */
static void put_recording(const struct running *r)
{
	enum pp_recording recording = r->control->recording;
	double change_s = r->control->change_ms / 1e3;

	printf("%s", recording == PP_RECORDING_ON ? "on" : "off");
	if (recording == PP_RECORDING_OVER)
		printf(", its duration is over");
	else if (recording == PP_RECORDING_LATER)
		printf(", begins in %.1f s", change_s);
	else if (recording == PP_RECORDING_ON && change_s > 0)
		printf(", ends in %.1f s", change_s);
	putchar('\n');
}

/* -- start, stop, status ------------------------------------------------- */

static int switch_recording(struct running *r, enum pp_control_verb verb,
			    struct err *err)
{
	if (running_ask(r, verb, err) < 0)
		return -1;
	printf("process %d: recording is ", (int)r->pid);
	put_recording(r);
	return 0;
}

static int start(struct running *r, struct err *err)
{
	return switch_recording(r, PP_CONTROL_START, err);
}

static int stop(struct running *r, struct err *err)
{
	return switch_recording(r, PP_CONTROL_STOP, err);
}

/* The command line of the process, as a shell would take it. */
static void add_command(const struct running *r, struct text *to)
{
	struct text raw = { 0 };
	const char *word;

	running_proc(r, "cmdline", &raw);
	for (word = text_get(&raw); raw.at && word < raw.at + raw.length;
	     word += strlen(word) + 1) {
		if (word != raw.at)
			text_addc(to, ' ');
		text_add_quoted(to, word);
	}
	text_done(&raw);
}

static void put_process(const struct running *r)
{
	struct text command = { 0 }, shown = { 0 };

	add_command(r, &command);
	text_add_printable(&shown, text_get(&command), ' ');
	printf("process     %d: %s\n", (int)r->pid, text_get(&shown));
	text_done(&command);
	text_done(&shown);
}

static void put_counts(const struct pp_header *h)
{
	printf("samples     %llu, %llu lost\n",
	       (unsigned long long)pp_samples(h),
	       (unsigned long long)pp_lost(h));
	printf("threads     %llu seen\n",
	       (unsigned long long)h->counters[PP_COUNT_threads]);
}

static int status(struct running *r, struct err *err)
{
	const struct pp_header *h = r->header;
	struct stat st;

	if (running_ask(r, PP_CONTROL_STATUS, err) < 0)
		return -1;
	put_process(r);
	printf("recording   ");
	put_recording(r);
	printf("mode        %s, engine %s, signal %u", mode_name(h->mode),
	       engine_name(h->engine), h->signal);
	if (h->engine && h->period_ns)
		printf(", %.6g Hz%s", NS_PER_S / (double)h->period_ns,
		       h->auto_rate ? " (auto)" : "");
	if (h->trace)
		printf(", traces %s", trace_name(h->trace));
	putchar('\n');
	put_counts(h);
	if (fstat(r->fd, &st) == 0)
		printf("log         %s, %lld bytes\n", text_get(&r->path),
		       (long long)st.st_size);
	return 0;
}

/* -- dump ---------------------------------------------------------------- */

/* What /proc tells of a thread. */
struct task {
	uint64_t tid;
	char state;
	char name[32];
};

struct tasks {
	struct task *at;
	size_t count, room;
};

/* "TID (NAME) STATE ...", where a name may hold anything. */
static void read_task(const struct running *r, struct task *t)
{
	struct text stat = { 0 };
	const char *text, *open, *close;
	char name[64];

	snprintf(name, sizeof(name), "task/%llu/stat",
		 (unsigned long long)t->tid);
	running_proc(r, name, &stat);
	text = text_get(&stat);
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (open && close && close[1] && open < close) {
		snprintf(t->name, sizeof(t->name), "%.*s",
			 (int)(close - open - 1), open + 1);
		t->state = close[2];
	}
	text_done(&stat);
}

static int by_tid(const void *a, const void *b)
{
	uint64_t one = ((const struct task *)a)->tid;
	uint64_t other = ((const struct task *)b)->tid;

	return (one > other) - (one < other);
}

/* The threads of the process, as they are now. */
static void list_tasks(const struct running *r, struct tasks *tasks)
{
	struct dirent *entry;
	char path[64];
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)r->pid);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		struct task t = { .tid = strtoull(entry->d_name, NULL, 10) };

		if (!t.tid)
			continue;
		read_task(r, &t);
		tasks->at = must_grow(tasks->at, tasks->count, &tasks->room,
				      sizeof(*tasks->at));
		tasks->at[tasks->count++] = t;
	}
	if (folder)
		closedir(folder);
	if (tasks->count)
		qsort(tasks->at, tasks->count, sizeof(*tasks->at), by_tid);
}

static const char *words_of_state(char letter)
{
	switch (letter) {
	case 'R':
		return "running";
	case 'S':
	case 'D':
		return "blocked";
	case 'T':
	case 't':
		return "stopped";
	default:
		return "ended";
	}
}

/* The frames, the innermost first. */
static void put_frames(const struct stacks *s, const struct dumped *d)
{
	struct text shown = { 0 };

	for (size_t i = d->depth; i > 0; i--) {
		const struct place *p = &d->frames[i - 1];
		const struct function *f = &s->profile.functions[p->function];

		text_clear(&shown);
		text_adds(&shown, "    ");
		text_add_printable(&shown, f->name, ' ');
		if (f->file) {
			text_adds(&shown, " (");
			text_add_printable(&shown, f->file, ' ');
			text_addf(&shown, ":%u)", p->line);
		}
		puts(text_get(&shown));
	}
	if (d->state & PP_STATE_TRUNCATED)
		puts("    <truncated>");
	text_done(&shown);
}

static void put_thread(const struct running *r, const struct stacks *s,
		       const struct task *task)
{
	const struct dumped *d = stacks_of(s, task->tid);
	struct text name = { 0 };

	text_add_printable(&name, task->name, ' ');
	printf("\nthread %llu \"%s\" (%s%s)\n", (unsigned long long)task->tid,
	       text_get(&name), words_of_state(task->state),
	       d && r->header->state_known & d->state & PP_STATE_GIL
		       ? ", holds the GIL"
		       : "");
	text_done(&name);
	if (!d)
		puts("    no answer: it blocks the signal, or is new");
	else if (d->state & PP_STATE_TORN)
		puts("    its stack could not be read at that instant");
	else if (!d->depth)
		puts("    in no Python code");
	else
		put_frames(s, d);
}

/* pyprof's own threads are named so; they have no stack of Python's. */
static bool is_own(const struct stacks *s, const struct task *task)
{
	return strcmp(task->name, "pyprof") == 0 && !stacks_of(s, task->tid);
}

static int dump(struct running *r, struct err *err)
{
	struct tasks tasks = { 0 };
	struct stacks stacks;
	int result = 0;

	/* before they are disturbed */
	list_tasks(r, &tasks);
	if (running_ask(r, PP_CONTROL_DUMP, err) < 0) {
		free(tasks.at);
		return -1;
	}
	running_wait_dumped(r);
	result = stacks_read(&stacks, dup(r->fd), r->serial, err);
	if (result == 0) {
		put_process(r);
		for (size_t i = 0; i < tasks.count; i++)
			if (!is_own(&stacks, &tasks.at[i]))
				put_thread(r, &stacks, &tasks.at[i]);
	}
	stacks_done(&stacks);
	free(tasks.at);
	return result;
}

/* -- all of them --------------------------------------------------------- */

static const struct {
	const char *name;
	int (*run)(struct running *r, struct err *err);
} verbs[] = {
	{ "start", start },
	{ "stop", stop },
	{ "status", status },
	{ "dump", dump },
};

static int parse_pid(const char *text, pid_t *pid)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || *end || number <= 0 || number > INT32_MAX)
		return -1;
	*pid = (pid_t)number;
	return 0;
}

static int run(pid_t pid, int (*verb)(struct running *r, struct err *err))
{
	struct running r;
	struct err err;
	int result = running_open(&r, pid, &err);

	if (result == 0)
		result = verb(&r, &err);
	running_close(&r);
	if (result < 0)
		say("%s", err.text);
	return result < 0 ? EXIT_WRAPPER : EXIT_FINE;
}

int ctl_run(const char *pid_text, char *const *words)
{
	pid_t pid;
	size_t i;

	if (parse_pid(pid_text, &pid) < 0) {
		say("--ctl %s: not the number of a process", pid_text);
		return EXIT_USAGE;
	}
	for (i = 0; i < ARRAY_LEN(verbs); i++)
		if (words[0] && !words[1] &&
		    strcmp(words[0], verbs[i].name) == 0)
			return run(pid, verbs[i].run);
	say("--ctl %s: what shall it do? try " CTL_VERBS, pid_text);
	return EXIT_USAGE;
}
