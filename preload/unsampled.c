/* SPDX-License-Identifier: MIT */
/*
 * Who was not sampled because it blocked the signal. See unsampled.h.
 */
#include "unsampled.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "procfile.h"
#include "pyprof/format.h"
#include "safe/mask.h"
#include "safe/target.h"
#include "text.h"

/* So many ticks or periods without a sample are no accident. */
#define LEAST 10

/* What stands behind a name of it, up to the line's end, or NULL. */
static const char *find(const char *text, const char *name, size_t *length)
{
	const char *at = strstr(text, name);

	if (!at)
		return NULL;
	at += strlen(name);
	*length = strcspn(at, "\n");
	return at;
}

static uint64_t blocked_signals(const char *status)
{
	size_t length;
	const char *at = find(status, "\nSigBlk:\t", &length);

	return at ? strtoull(at, NULL, 16) : 0;
}

/* "thread NAME (TID) blocks the sampling signal: 123 ms are not sampled" */
static void write_note(struct thread *into, const struct thread *t,
		       const char *status, uint64_t missing_ns)
{
	size_t length;
	const char *name = find(status, "Name:\t", &length);
	uint64_t tid = (uint64_t)atomic_load(&t->tid);
	struct text note;

	text_init(&note);
	text_add(&note, "thread ");
	if (t->name[0])
		text_add(&note, t->name);
	else if (name)
		text_add_n(&note, name, length);
	text_add(&note, " (");
	text_add_number(&note, tid);
	text_add(&note, ") blocks the sampling signal by itself: ");
	text_add_number(&note, missing_ns / 1000000);
	text_add(&note, " ms of its CPU time are not sampled");
	log_note(into, note.at);
}

void unsampled_note(struct thread *into, struct thread *t, uint64_t cpu_ns,
		    const uint64_t *mask)
{
	uint64_t step = target.period_ns > target.tick_ns ? target.period_ns
							  : target.tick_ns;
	int saved = errno;
	char status[4096];

	if (target.engine == PP_ENGINE_NONE || cpu_ns < t->cpu_ns ||
	    cpu_ns - t->cpu_ns < LEAST * step)
		return;
	if (mask && !(*mask & mask_of(target.settings.signal)))
		return;
	/* as much of it as names and masks are in */
	if (procfile_read(PROCFILE_TASKS, atomic_load(&t->tid), "status",
			  status, sizeof(status)) &&
	    (mask || blocked_signals(status) & mask_of(target.settings.signal)))
		write_note(into, t, status, cpu_ns - t->cpu_ns);
	errno = saved;
}
