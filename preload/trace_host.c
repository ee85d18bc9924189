/* SPDX-License-Identifier: MIT */
/*
 * sys.setprofile() and sys.settrace() are entries of a table of sys, whose
 * functions are replaced by ours, which call the real ones. See trace_host.h.
 */
#include "trace_host.h"

#include <string.h>

#include "pyapi.h"
#include "safe/target.h"
#include "trace_names.h"

struct watch {
	struct pyapi_method *method; /* NULL: not watched */
	void *(*real)(void *self, void *argument);
	void (*after)(void);
};

static struct {
	struct watch profile, trace;
} g;

/* The calling thread is in one of the two. */
static __thread bool inside;

bool trace_host_is_inside(void)
{
	return inside;
}

trace_host_function **trace_host_slot(void *state_of_thread, bool lines)
{
	int32_t offset = lines ? target.row->ts_tracefunc
			       : target.row->ts_profilefunc;

	return (trace_host_function **)(void *)((char *)state_of_thread +
						offset);
}

bool trace_host_is_return(int what, void *argument)
{
	return what == EVENT_C_RETURN && g.profile.method &&
	       trace_names_method(argument) == (uintptr_t)g.profile.method;
}

static void *call(const struct watch *w, void *self, void *argument)
{
	void *result;

	inside = true;
	result = w->real(self, argument);
	inside = false;
	if (result)
		w->after();
	return result;
}

static void *set_profile(void *self, void *argument)
{
	return call(&g.profile, self, argument);
}

static void *set_trace(void *self, void *argument)
{
	return call(&g.trace, self, argument);
}

void trace_host_watch(const char *name, void (*after)(void))
{
	bool is_profile = strcmp(name, "setprofile") == 0;
	struct watch *w = is_profile ? &g.profile : &g.trace;
	void *function = py.PySys_GetObject(name);
	struct pyapi_method *method = NULL;

	if (function)
		method = (struct pyapi_method *)trace_names_method(function);
	if (w->method || !method || method->flags != PYAPI_METH_O)
		return;
	*w = (struct watch){ method, method->function, after };
	method->function = is_profile ? set_profile : set_trace;
}
