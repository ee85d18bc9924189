/* SPDX-License-Identifier: MIT */
/*
 * Programs started in a child in one call. libc blocks all signals while it
 * makes the child, which has its parent's memory as long as it needs it, and
 * takes the handlers away. What is left to do: the child inherits what the
 * host believes, and the log says who made it. Any thread.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>

#include "children.h"
#include "handlers.h"
#include "keepenv.h"
#include "pyprof/compiler.h"
#include "real.h"
#include "shell.h"

extern char **environ;

typedef int spawn_function(pid_t *pid, const char *path,
			   const posix_spawn_file_actions_t *actions,
			   const posix_spawnattr_t *attributes,
			   char *const argv[], char *const envp[]);

/* Is the child's mask given, not inherited? */
static bool has_mask(const posix_spawnattr_t *attributes)
{
	short flags = 0;

	return attributes &&
	       posix_spawnattr_getflags(attributes, &flags) == 0 &&
	       (flags & POSIX_SPAWN_SETSIGMASK);
}

static int start(spawn_function *libc, pid_t *pid, const char *path,
		 const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attributes, char *const argv[],
		 char *const envp[])
{
	size_t bytes = keepenv_bytes(envp);
	void *room = bytes ? alloca(bytes) : NULL;
	uint64_t time_ns = children_time();
	struct revealed host;
	pid_t made = 0;
	int ret;

	handlers_reveal(&host, !has_mask(attributes), true);
	ret = libc(&made, path, actions, attributes, argv,
		   keepenv_fill(room, envp));
	handlers_conceal(&host);
	if (ret != 0)
		return ret;
	children_made(made, time_ns);
	if (pid)
		*pid = made;
	return 0;
}

PP_EXPORT int posix_spawn(pid_t *pid, const char *path,
			  const posix_spawn_file_actions_t *actions,
			  const posix_spawnattr_t *attributes,
			  char *const argv[], char *const envp[])
{
	return start(real()->posix_spawn, pid, path, actions, attributes, argv,
		     envp);
}

PP_EXPORT int posix_spawnp(pid_t *pid, const char *file,
			   const posix_spawn_file_actions_t *actions,
			   const posix_spawnattr_t *attributes,
			   char *const argv[], char *const envp[])
{
	return start(real()->posix_spawnp, pid, file, actions, attributes, argv,
		     envp);
}

/* libc's own two start a shell by calls that go past the wrappers above. */
PP_EXPORT int system(const char *command)
{
	struct revealed host;
	int ret;

	if (command && (children_time() || keepenv_bytes(environ)))
		return shell_run(command, environ);
	/* which waits for the shell: our handler stays */
	handlers_reveal(&host, true, false);
	ret = real()->system(command);
	handlers_conceal(&host);
	return ret;
}

PP_EXPORT FILE *popen(const char *command, const char *type)
{
	struct revealed host;
	FILE *ret;

	handlers_reveal(&host, true, true);
	ret = real()->popen(command, type);
	handlers_conceal(&host);
	return ret;
}
