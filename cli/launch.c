/* SPDX-License-Identifier: MIT */
/* The environment of a profiled command; see launch.h. */
#include "launch.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define LIBRARY "libpyprof.so"

/* ld.so takes both, and has no way to quote them. */
#define PRELOAD_SEPARATORS " :"

/* The folder that this program lies in. */
static int own_folder(struct text *folder, struct err *err)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path));

	if (length <= 0 || length == sizeof(path))
		return err_set(err, "/proc/self/exe: %s", strerror(errno));
	while (length > 1 && path[length - 1] != '/')
		length--;
	text_add(folder, path, (size_t)length);
	return 0;
}

int launch_find(const char *file, const char *other, struct text *path,
		struct err *err)
{
	struct text folder = { 0 };
	int result = own_folder(&folder, err);

	if (result == 0) {
		text_addf(path, "%s%s", folder.at, file);
		if (access(path->at, R_OK) < 0) {
			text_clear(path);
			text_addf(path, "%s%s/%s", folder.at, other, file);
		}
		if (access(path->at, R_OK) < 0)
			result = err_set(err,
					 "no %s beside this program and "
					 "none in %s%s",
					 file, folder.at, other);
	}
	text_done(&folder);
	return result;
}

/* Whether a list for ld.so names our library, be it another copy of it. */
static bool has_library(const char *list)
{
	const size_t name = strlen(LIBRARY);
	const char *word, *end;

	for (word = list; *word; word = end + (*end != '\0')) {
		end = word + strcspn(word, PRELOAD_SEPARATORS);
		if ((size_t)(end - word) >= name &&
		    strncmp(end - name, LIBRARY, name) == 0 &&
		    (end - name == word || end[-(ptrdiff_t)name - 1] == '/'))
			return true;
	}
	return false;
}

int launch_preload(struct err *err)
{
	const char *old = getenv("LD_PRELOAD");
	struct text path = { 0 }, list = { 0 };
	int result;

	if (old && has_library(old))
		return 0;
	result = launch_find(LIBRARY, "../lib", &path, err);
	if (result == 0 && strpbrk(path.at, PRELOAD_SEPARATORS))
		result = err_set(err,
				 "%s: a path with a blank or a colon "
				 "cannot be preloaded",
				 path.at);
	if (result == 0) {
		if (old && *old)
			text_addf(&list, "%s:", old);
		text_adds(&list, path.at);
		if (setenv("LD_PRELOAD", list.at, 1) < 0)
			result = err_set(err, "%s", strerror(errno));
	}
	text_done(&path);
	text_done(&list);
	return result;
}

int launch_session(uint64_t session[2], struct err *err)
{
	const size_t bytes = 2 * sizeof(*session);

	if (getrandom(session, bytes, 0) != (ssize_t)bytes)
		return err_set(err, "no random number: %s", strerror(errno));
	return 0;
}

/* The session as libpyprof.so reads it: id, first process, `w`, directory. */
static int set_session(const uint64_t session[2])
{
	char directory[PATH_MAX];
	struct text value = { 0 };
	int result;

	if (!getcwd(directory, sizeof(directory)))
		return -1;
	text_addf(&value, "%016llx%016llx:%ld:w:%s",
		  (unsigned long long)session[0],
		  (unsigned long long)session[1], (long)getpid(), directory);
	result = setenv("PYPROF_SESSION", value.at, 1);
	text_done(&value);
	return result;
}

int launch_exec(const uint64_t session[2], char **command)
{
	int error;

	if (set_session(session) < 0) {
		say("current directory: %s", strerror(errno));
		return EXIT_WRAPPER;
	}
	execvp(command[0], command);
	error = errno;
	say("%s: %s", command[0], strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
}
