/* SPDX-License-Identifier: MIT */
/*
 * Functions of sys and of its modules are entries of a table, where they are
 * replaced by ours, which call the real ones. See trace_host.h.
 */
#include "trace_host.h"

#include "pyapi.h"
#include "safe/target.h"
#include "trace_names.h"

struct watch {
	struct pyapi_method *method; /* NULL: not watched */
	void *(*real)(void *self, void *argument);
	void (*after)(void);
};

static struct watch watches[WATCHES];

/* The calling thread is in one of them. */
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
	uintptr_t method = (uintptr_t)watches[WATCH_SETPROFILE].method;

	return what == EVENT_C_RETURN && method &&
	       trace_names_method(argument) == method;
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
	return call(&watches[WATCH_SETPROFILE], self, argument);
}

static void *set_trace(void *self, void *argument)
{
	return call(&watches[WATCH_SETTRACE], self, argument);
}

static void *free_tool(void *self, void *argument)
{
	return call(&watches[WATCH_FREE_TOOL], self, argument);
}

void trace_host_watch(enum trace_host_watched which, const void *function,
		      void (*after)(void))
{
	static void *(*const ours[WATCHES])(void *self, void *argument) = {
		set_profile, set_trace, free_tool
	};
	struct watch *w = &watches[which];
	struct pyapi_method *method = NULL;

	if (function)
		method = (struct pyapi_method *)trace_names_method(function);
	if (w->method || !method || method->flags != PYAPI_METH_O)
		return;
	*w = (struct watch){ method, method->function, after };
	method->function = ours[which];
}
