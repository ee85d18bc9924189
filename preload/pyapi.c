/* SPDX-License-Identifier: MIT */
/*
 * CPython's public API by name. See pyapi.h.
 */
#include "pyapi.h"

#include <dlfcn.h>
#include <stddef.h>

struct pyapi py;

const char *pyapi_find(void *handle)
{
#define X(name, result, arguments)                                             \
	py.name = (result(*) arguments)dlsym(handle, #name);                   \
	if (!py.name)                                                          \
		return #name;
	PYAPI_FUNCTIONS(X)
#undef X
#define X(name)                                                                \
	py.name = dlsym(handle, #name);                                        \
	if (!py.name)                                                          \
		return #name;
	PYAPI_OBJECTS(X)
#undef X
#define X(name) py.name = dlsym(handle, #name);
	PYAPI_OPTIONAL(X)
#undef X
#define X(name, result, arguments)                                             \
	py.name = (result(*) arguments)dlsym(handle, #name);
	PYAPI_LATER(X)
#undef X
	return NULL;
}
