/* SPDX-License-Identifier: MIT */
/* Reads the headers of a folder's files; what is no log is passed over. */
#include "newest.h"

#include <dirent.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader.h"
#include "util/die.h"
#include "util/text.h"

struct candidate {
	char *path;
	uint64_t session[2];
	uint64_t start_ns; /* wall clock */
};

struct candidates {
	struct candidate *list;
	size_t count, room;
};

static int take_header(const char *path, struct candidate *found)
{
	struct pp_header h;
	struct err err;
	struct stat st;
	ssize_t got;
	int fd = reader_open_file(path, &err);

	if (fd < 0)
		return -1;
	got = fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
		      ? pread(fd, &h, sizeof(h), 0)
		      : -1;
	close(fd);
	if (got != sizeof(h) || memcmp(h.magic, PP_MAGIC, sizeof(h.magic)) != 0)
		return -1;
	found->path = must_strdup(path);
	memcpy(found->session, h.session, sizeof(h.session));
	found->start_ns = h.start_real_ns;
	return 0;
}

static int by_start(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return strcmp(a->path, b->path);
}

static void find_logs(struct candidates *c, const char *folder)
{
	DIR *dir = opendir(folder);
	struct candidate found;
	struct text path = { 0 };
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		text_clear(&path);
		if (strcmp(folder, ".") != 0)
			text_addf(&path, "%s/", folder);
		text_adds(&path, entry->d_name);
		if (take_header(path.at, &found) < 0)
			continue;
		c->list = must_grow(c->list, c->count, &c->room,
				    sizeof(*c->list));
		c->list[c->count++] = found;
	}
	if (dir)
		closedir(dir);
	if (c->count)
		qsort(c->list, c->count, sizeof(*c->list), by_start);
	text_done(&path);
}

/* Move those of the session to *l and drop the rest. */
static void keep_session(struct candidates *c, const uint64_t session[2],
			 struct log_list *l)
{
	struct candidate *candidate;
	size_t i;

	l->count = 0;
	l->paths = must_zalloc(c->count, sizeof(*l->paths));
	for (i = 0; i < c->count; i++) {
		candidate = &c->list[i];
		if (candidate->session[0] == session[0] &&
		    candidate->session[1] == session[1])
			l->paths[l->count++] = candidate->path;
		else
			free(candidate->path);
	}
	free(c->list);
}

void logs_of_newest_session(struct log_list *l)
{
	struct candidates c = { 0 };
	uint64_t session[2] = { 0, 0 };

	find_logs(&c, ".");
	if (c.count)
		memcpy(session, c.list[c.count - 1].session, sizeof(session));
	keep_session(&c, session, l);
}

void logs_of_session(struct log_list *l, const char *folders,
		     const uint64_t session[2])
{
	struct candidates c = { 0 };
	glob_t found = { 0 };
	size_t i;

	if (glob(folders, GLOB_ONLYDIR, NULL, &found) == 0)
		for (i = 0; i < found.gl_pathc; i++)
			find_logs(&c, found.gl_pathv[i]);
	globfree(&found);
	keep_session(&c, session, l);
}

void log_list_done(struct log_list *l)
{
	while (l->count > 0)
		free(l->paths[--l->count]);
	free(l->paths);
}
