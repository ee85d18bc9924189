/* SPDX-License-Identifier: MIT */
/* Values of options, and the questions to them; see keep.h. */
#include "keep.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Ten years: what is more is no time since a session began. */
#include "util/units.h"

#define SECONDS_MAX 3e8

struct keep_thread {
	const char *expression;
	regex_t regex;
};

struct keep_session {
	uint64_t session[2];
	uint64_t start_ns;
};

/* To add one: a line here, and in doc/pyprof-report.1. */
static const struct {
	const char *name;
	uint8_t bits;
	bool on_only;
	const char *words; /* of a log that does not know */
} states[] = {
	{ "cpu", 0, true, "" },
	{ "wall", 0, false, "" },
	{ "gil", PP_STATE_GIL, false, "who held the GIL" },
	{ "gil-wait", PP_STATE_GIL_WAIT, false, "who waited for the GIL" },
	{ "gc", PP_STATE_GC, false, "when garbage was collected" },
	{ "native", PP_STATE_NATIVE, false, "what was native code" },
	{ "exception", PP_STATE_EXCEPTION, false,
	  "when an exception was in flight" },
};

void keep_done(struct keep *k)
{
	while (k->thread_count > 0)
		regfree(&k->threads[--k->thread_count].regex);
	free(k->threads);
	free(k->pids);
	free(k->sessions);
}

int keep_state(struct keep *k, const char *name, struct err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(states); i++) {
		if (strcmp(states[i].name, name) != 0)
			continue;
		k->state = states[i].name;
		k->bits = states[i].bits;
		k->on_only = states[i].on_only;
		return 0;
	}
	return err_set(err,
		       "unknown state '%s'; try cpu, wall, gil, gil-wait, gc, "
		       "native or exception",
		       name);
}

int keep_thread(struct keep *k, const char *expression, struct err *err)
{
	struct keep_thread *t;
	int failed;

	k->threads = must_grow(k->threads, k->thread_count, &k->thread_room,
			       sizeof(*k->threads));
	t = &k->threads[k->thread_count];
	t->expression = expression;
	failed = regcomp(&t->regex, expression, REG_EXTENDED | REG_NOSUB);
	if (failed) {
		regerror(failed, &t->regex, err->text, sizeof(err->text));
		return -1;
	}
	k->thread_count++;
	return 0;
}

int keep_process(struct keep *k, const char *pid, struct err *err)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(pid, &end, 10);
	if (*pid < '0' || *pid > '9' || *end || errno || number > UINT32_MAX)
		return err_set(err, "no process number; try 4711");
	k->pids = must_grow(k->pids, k->pid_count, &k->pid_room,
			    sizeof(*k->pids));
	k->pids[k->pid_count++] = (uint32_t)number;
	return 0;
}

static int parse_seconds(const char *word, uint64_t *ns, struct err *err)
{
	char *end;
	double seconds = strtod(word, &end);

	if (end == word || *end || !isfinite(seconds) || seconds < 0 ||
	    seconds > SECONDS_MAX)
		return err_set(err, "no time in seconds; try 1.5");
	*ns = (uint64_t)(seconds * NS_PER_S);
	return 0;
}

static int check_order(const struct keep *k, struct err *err)
{
	if (k->has_from && k->has_to && k->from_ns >= k->to_ns)
		return err_set(err, "--from is not before --to");
	return 0;
}

int keep_from(struct keep *k, const char *seconds, struct err *err)
{
	if (parse_seconds(seconds, &k->from_ns, err) < 0)
		return -1;
	k->has_from = true;
	return check_order(k, err);
}

int keep_to(struct keep *k, const char *seconds, struct err *err)
{
	if (parse_seconds(seconds, &k->to_ns, err) < 0)
		return -1;
	k->has_to = true;
	return check_order(k, err);
}

bool keep_chooses(const struct keep *k)
{
	return k->bits || k->on_only || k->has_from || k->has_to;
}

int keep_check(const struct keep *k, const struct pp_header *h, struct err *err)
{
	size_t i;

	if (!k->state && !keep_chooses(k))
		return 0;
	if (h->mode == PP_MODE_NONE)
		return err_set(err,
			       "--state, --from and --to choose samples, but "
			       "this log has none");
	for (i = 0; i < ARRAY_LEN(states); i++)
		if (k->state == states[i].name &&
		    (h->state_known & k->bits) != k->bits)
			return err_set(err,
				       "--state %s: this log does not say %s",
				       k->state, states[i].words);
	return 0;
}

bool keep_has_process(const struct keep *k, uint32_t pid)
{
	size_t i;

	for (i = 0; i < k->pid_count; i++)
		if (k->pids[i] == pid)
			return true;
	return !k->pid_count;
}

static bool is_found(const struct keep_thread *one, const char *name)
{
	return name && regexec(&one->regex, name, 0, NULL, 0) == 0;
}

bool keep_has_thread(const struct keep *k, const struct thread *t)
{
	bool is_main = t->known && t->kind == PP_THREAD_MAIN;
	const struct keep_thread *one;
	bool found = !k->thread_count;
	struct text tid = { 0 };
	size_t i;

	text_addf(&tid, "%llu", (unsigned long long)t->tid);
	for (i = 0; i < k->thread_count && !found; i++) {
		one = &k->threads[i];
		found = (t->known && strcmp(one->expression, tid.at) == 0) ||
			is_found(one, t->name) ||
			is_found(one, is_main ? "main" : NULL);
	}
	text_done(&tid);
	return found;
}

static struct keep_session *find_session(const struct keep *k,
					 const struct pp_header *h)
{
	size_t i;

	for (i = 0; i < k->session_count; i++)
		if (memcmp(k->sessions[i].session, h->session,
			   sizeof(h->session)) == 0)
			return &k->sessions[i];
	return NULL;
}

void keep_see(struct keep *k, const struct pp_header *h)
{
	struct keep_session *s = find_session(k, h);

	if (!s) {
		k->sessions = must_grow(k->sessions, k->session_count,
					&k->session_room, sizeof(*k->sessions));
		s = &k->sessions[k->session_count++];
		memcpy(s->session, h->session, sizeof(s->session));
		s->start_ns = h->start_ns;
	}
	if (h->start_ns < s->start_ns)
		s->start_ns = h->start_ns;
}

uint64_t keep_origin_ns(const struct keep *k, const struct pp_header *h)
{
	const struct keep_session *s = find_session(k, h);

	return s ? s->start_ns : h->start_ns;
}

void keep_describe(const struct keep *k, struct text *to)
{
	size_t i;

	if (k->state)
		text_addf(to, " --state %s", k->state);
	for (i = 0; i < k->thread_count; i++) {
		text_adds(to, " --thread ");
		text_add_quoted(to, k->threads[i].expression);
	}
	for (i = 0; i < k->pid_count; i++)
		text_addf(to, " --process %u", k->pids[i]);
	if (k->has_from)
		text_addf(to, " --from %g", seconds(k->from_ns));
	if (k->has_to)
		text_addf(to, " --to %g", seconds(k->to_ns));
}
