/* SPDX-License-Identifier: MIT */
/*
 * What --keep-env puts back. See keepenv.h. The kept strings are copies: a
 * program that clears its environment may also overwrite it.
 */
#include "keepenv.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pyprof/compiler.h"

#define PRELOAD	   "LD_PRELOAD="
#define OURS	   "PYPROF_"
#define KEPT_MOST  64
#define KEPT_BYTES (16u << 10)

/* An environment larger than this is left alone: it must fit on the stack. */
#define LIST_MOST 8192

extern char **environ;

static struct {
	char store[KEPT_BYTES];
	size_t used;
	const char *kept[KEPT_MOST]; /* NAME=VALUE, LD_PRELOAD's first */
	size_t count;		     /* set last */
	const char *library;	     /* as the loader knows us */
} g;

static bool begins(const char *s, const char *start)
{
	return strncmp(s, start, strlen(start)) == 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Is the library among those that LD_PRELOAD has? Spaces separate, too. */
static bool has_library(const char *list)
{
	const char *name = base_name(g.library);
	size_t length = strlen(name);

	for (const char *p = strstr(list, name); p; p = strstr(p + 1, name))
		if ((p == list || strchr("/: ", p[-1])) &&
		    (!p[length] || strchr(": ", p[length])))
			return true;
	return false;
}

static void keep(const char *a, const char *b)
{
	size_t i = strlen(a), n = strlen(b) + 1;

	if (g.count >= KEPT_MOST || g.used + i + n > sizeof(g.store))
		return;
	g.kept[g.count++] = memcpy(g.store + g.used, a, i);
	memcpy(g.store + g.used + i, b, n);
	g.used += i + n;
}

void keepenv_init(void)
{
	const char *wanted = getenv("PYPROF_KEEP_ENV");
	const char *preload = getenv("LD_PRELOAD");
	Dl_info self;

	if (!wanted || strcmp(wanted, "1") != 0 ||
	    !dladdr((void *)(uintptr_t)keepenv_init, &self) || !self.dli_fname)
		return;
	g.library = self.dli_fname;
	g.used = g.count = 0;
	keep(PRELOAD, preload && has_library(preload) ? preload : g.library);
	for (char **e = environ; e && *e; e++)
		if (begins(*e, OURS))
			keep("", *e);
}

/* The entry of the same name, or NULL. */
static char *const *find(char *const envp[], const char *entry)
{
	size_t length = (size_t)(strchr(entry, '=') - entry) + 1;

	for (; envp && *envp; envp++)
		if (strncmp(*envp, entry, length) == 0)
			return envp;
	return NULL;
}

/* Does the environment lack a kept entry? Of LD_PRELOAD: us. */
static bool lacks(char *const envp[], size_t i)
{
	char *const *there = find(envp, g.kept[i]);

	if (!there)
		return true;
	return i == 0 && !has_library(*there + strlen(PRELOAD));
}

static size_t count_entries(char *const envp[])
{
	size_t n = 0;

	while (envp && envp[n])
		n++;
	return n;
}

/* Bytes of LD_PRELOAD, ours behind what the program wants there; 0: none. */
static size_t joined_bytes(char *const envp[])
{
	char *const *there = g.count ? find(envp, PRELOAD) : NULL;

	return there ? strlen(*there) + strlen(g.library) + 2 : 0;
}

size_t keepenv_bytes(char *const envp[])
{
	size_t entries = count_entries(envp), missing = 0;

	for (size_t i = 0; i < g.count; i++)
		missing += lacks(envp, i);
	if (!missing || entries + missing >= LIST_MOST)
		return 0;
	return (entries + missing + 1) * sizeof(char *) + joined_bytes(envp);
}

/* "LD_PRELOAD=THEIRS:OURS" */
static char *join(char *to, const char *theirs)
{
	char *end = stpcpy(to, theirs);

	if (end[-1] != '=')
		end = stpcpy(end, ":");
	stpcpy(end, g.library);
	return to;
}

char *const *keepenv_fill(void *room, char *const envp[])
{
	char **list = room;
	size_t n = count_entries(envp), given = n;

	if (!room)
		return envp;
	if (n)
		memcpy(list, envp, n * sizeof(*list));
	for (size_t i = 0; i < g.count; i++)
		if (!find(envp, g.kept[i]))
			list[n++] = (char *)(uintptr_t)g.kept[i];
	list[n] = NULL;
	for (size_t i = 0; i < given; i++)
		if (begins(list[i], PRELOAD) &&
		    !has_library(list[i] + strlen(PRELOAD))) {
			list[i] = join((char *)(list + n + 1), list[i]);
			break;
		}
	return list;
}
