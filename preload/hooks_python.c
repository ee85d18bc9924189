/* SPDX-License-Identifier: MIT */
/*
 * Interpreters that are started by a program of their own: Py_Initialize and
 * its kin where we stand in front of them, and, for a libpython that dlopen()
 * brought and dlsym() called, two libc functions that CPython calls on the
 * way: pthread_condattr_setclock() while the runtime is set up (a hook added
 * there would be lost), setlocale() a little later.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <locale.h>
#include <stdbool.h>
#include <stddef.h>

#include "entry.h"
#include "interp.h"
#include "pyprof/compiler.h"
#include "real.h"

/* Loaded objects to look through for a libpython. */
#define OBJECTS_MOST 512

/* PyStatus, CPython 3.8 on; returned in memory. */
struct py_status {
	int type;
	const char *function, *message;
	int exitcode;
};

/* A libpython on its way, opened once more. */
static void *late;

/* The object that holds an address, opened once more; NULL if it has none. */
static void *open_holder(const void *address)
{
	Dl_info info;

	if (!dladdr(address, &info) || !info.dli_fname)
		return NULL;
	return dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
}

static bool is_ours(const void *function)
{
	Dl_info theirs, ours;

	return dladdr(function, &theirs) && dladdr((void *)is_ours, &ours) &&
	       theirs.dli_fbase == ours.dli_fbase;
}

/* The function of this name in an object or what it depends on. */
static void *real_in(void *handle, const char *name)
{
	void *function = handle ? dlsym(handle, name) : NULL;

	return function && !is_ours(function) ? function : NULL;
}

/* Names of loaded objects; they stay valid while those are loaded. */
struct objects {
	const char *names[OBJECTS_MOST];
	size_t count;
};

/* dl_iterate_phdr holds the loader's lock, so nothing is opened here. */
static int gather(struct dl_phdr_info *info, size_t size, void *objects)
{
	struct objects *o = objects;

	(void)size;
	if (o->count < OBJECTS_MOST && info->dlpi_name && *info->dlpi_name)
		o->names[o->count++] = info->dlpi_name;
	return 0;
}

/* The function in whatever libpython is loaded, with a scope of its own. */
static void *real_anywhere(const char *name)
{
	struct objects o = { .count = 0 };
	void *function = NULL;

	dl_iterate_phdr(gather, &o);
	for (size_t i = 0; i < o.count && !function; i++) {
		void *handle = dlopen(o.names[i], RTLD_LAZY | RTLD_NOLOAD);

		if (!handle)
			continue;
		if (dlsym(handle, "_PyRuntime"))
			function = real_in(handle, name);
		dlclose(handle);
	}
	return function;
}

/*
 * The real function behind a wrapper of ours: after us in the global scope,
 * or in the scope of the caller, which may be a plug-in with a private one, or
 * in any library: CPython's functions jump to each other through us, and then
 * the caller is somebody who knows nothing of Python.
 */
static void *real_python(const char *name, const void *caller)
{
	void *function = real_in(RTLD_NEXT, name);

	if (!function)
		function = real_in(open_holder(caller), name);
	return function ? function : real_anywhere(name);
}

/* A call of Py_Initialize or its kin has returned to the embedding program. */
static void initialized(void *function)
{
	if (!entry_knows_python())
		entry_found_python(open_holder(function));
	if (interp_is_idle_and_ready())
		entry_start();
}

/* CPython's own main calls these too; it says itself when it is ready. */
static bool is_within_python(const void *caller, void *function)
{
	Dl_info a, b;

	return dladdr(caller, &a) && dladdr(function, &b) &&
	       a.dli_fbase == b.dli_fbase;
}

PP_EXPORT void Py_Initialize(void);
PP_EXPORT void Py_InitializeEx(int handlers);
PP_EXPORT struct py_status Py_InitializeFromConfig(const void *config);

PP_EXPORT void Py_InitializeEx(int handlers)
{
	const void *caller = __builtin_return_address(0);
	void (*theirs)(int) = real_python("Py_InitializeEx", caller);

	if (!theirs)
		return;
	theirs(handlers);
	if (!is_within_python(caller, (void *)theirs))
		initialized((void *)theirs);
}

PP_EXPORT void Py_Initialize(void)
{
	const void *caller = __builtin_return_address(0);
	void (*theirs)(void) = real_python("Py_Initialize", caller);

	if (!theirs)
		return;
	theirs();
	initialized((void *)theirs);
}

PP_EXPORT struct py_status Py_InitializeFromConfig(const void *config)
{
	const void *caller = __builtin_return_address(0);
	struct py_status (*theirs)(const void *) =
		real_python("Py_InitializeFromConfig", caller);
	struct py_status status = { 1, "pyprof", "no real function", 1 };

	if (!theirs)
		return status;
	status = theirs(config);
	if (!is_within_python(caller, (void *)theirs))
		initialized((void *)theirs);
	return status;
}

/* -- the tripwire -------------------------------------------------------- */

PP_EXPORT int pthread_condattr_setclock(pthread_condattr_t *attributes,
					clockid_t clock)
{
	const void *caller = __builtin_return_address(0);

	if (!late && !entry_knows_python()) {
		void *handle = open_holder(caller);

		if (handle && dlsym(handle, "Py_GetVersion"))
			late = handle;
	}
	return real()->pthread_condattr_setclock(attributes, clock);
}

PP_EXPORT char *setlocale(int category, const char *locale)
{
	if (late && !entry_knows_python())
		entry_found_python(late);
	return real()->setlocale(category, locale);
}
