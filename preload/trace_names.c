/* SPDX-License-Identifier: MIT */
/*
 * What cProfile calls a C function: "<built-in method time.sleep>" for one of a
 * module, the repr of the descriptor for a method, "<method 'append' of 'list'
 * objects>". Where cProfile would ask an object of Python code for its repr,
 * the name alone is given: that code is not ours to run.
 */
#include "trace_names.h"

#include <stddef.h>
#include <string.h>

#include "pyapi.h"
#include "safe/codes.h"
#include "safe/target.h"
#include "text.h"

struct trace_names_kinds trace_names_kinds;

void trace_names_begin(void)
{
	const struct pyver *v = target.row;

	trace_names_kinds = (struct trace_names_kinds){
		.function = py.PyCFunction_Type,
		.method = py.PyCMethod_Type,
		.descriptor = py.PyMethodDescr_Type,
		.ob_type = v->ob_type,
		.fn_ml = v->fn_ml,
		.descr_type = v->descr_type,
		.descr_method = v->descr_method,
	};
}

bool trace_names_is_method(const void *callable)
{
	const void *self;

	if (trace_names_is_descriptor(callable))
		return true;
	self = pyapi_member(callable, target.row->fn_self);
	return self && trace_names_type(self) != py.PyModule_Type;
}

/* Has it a repr that is C code only? */
static bool has_c_repr(const void *object)
{
	return trace_names_is_descriptor(object) ||
	       trace_names_is_function(object) ||
	       trace_names_type(object) == py.PyClassMethodDescr_Type;
}

static bool add_repr(struct text *name, void *object)
{
	void *repr = py.PyObject_Repr(object);
	const char *utf8 = repr ? py.PyUnicode_AsUTF8(repr) : NULL;

	if (utf8)
		text_add(name, utf8);
	else
		py.PyErr_Clear();
	if (repr)
		py.Py_DecRef(repr);
	return utf8 != NULL;
}

/* What the function's type has under its name, borrowed; or NULL. */
static void *find_in_type(void *self, const char *name)
{
	void *type = pyapi_member(self, target.row->ob_type);
	void *key = py.PyUnicode_FromString(name);
	void *found = key ? py._PyType_Lookup(type, key) : NULL;

	py.PyErr_Clear();
	if (key)
		py.Py_DecRef(key);
	return found;
}

/* The module that a function says to be of; NULL if it says none. */
static const char *module_of(const void *function)
{
	void *module = pyapi_member(function, target.row->fn_module);
	const char *name = module ? py.PyUnicode_AsUTF8(module) : NULL;

	py.PyErr_Clear();
	return name;
}

static void add_method_name(struct text *name, const char *prefix,
			    const char *module, const char *function)
{
	text_add(name, prefix);
	if (module) {
		text_add(name, module);
		text_add(name, ".");
	}
	text_add(name, function);
	text_add(name, ">");
}

static void name_function(struct text *name, void *function)
{
	const void *method = pyapi_member(function, target.row->fn_ml);
	const char *word = pyapi_member(method, target.row->ml_name);
	const char *module = module_of(function);
	void *self = pyapi_member(function, target.row->fn_self);
	void *found = self ? find_in_type(self, word) : NULL;

	if (!self) {
		if (module && strcmp(module, "builtins") == 0)
			module = NULL;
		add_method_name(name, "<", module, word);
		return;
	}
	if (found && has_c_repr(found) && add_repr(name, found))
		return;
	add_method_name(name, "<built-in method ", module, word);
}

uint32_t trace_names_id(struct thread *t, uintptr_t method, void *callable)
{
	struct text name;

	text_init(&name);
	if (trace_names_is_function(callable))
		name_function(&name, callable);
	else if (!add_repr(&name, callable))
		text_add(&name, "<built-in method>");
	return codes_id_of_c(t, method, name.at, (uint32_t)name.length);
}
