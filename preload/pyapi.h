/* SPDX-License-Identifier: MIT */
/*
 * The functions and objects of CPython's public API that pyprof uses, found by
 * name at run time: nothing is linked with a libpython. Objects are void *.
 * Valid once pyapi_find() has returned 0.
 */
#ifndef PYAPI_H
#define PYAPI_H

#include <stdint.h>
#include <string.h>

#include "pyprof/compiler.h"

/* To add one: X(name, result, arguments). All are required. */
#define PYAPI_FUNCTIONS(X)                                                     \
	X(Py_GetVersion, const char *, (void))                                 \
	X(Py_IsInitialized, int, (void))                                       \
	X(PySys_AddAuditHook, int,                                             \
	  (int (*)(const char *, void *, void *), void *))                     \
	X(PySys_GetObject, void *, (const char *))                             \
	X(PyGILState_GetThisThreadState, void *, (void))                       \
	X(PyEval_GetFrame, void *, (void))                                     \
	X(PyEval_GetBuiltins, void *, (void))                                  \
	X(PyEval_EvalCode, void *, (void *, void *, void *))                   \
	X(PyEval_SaveThread, void *, (void))                                   \
	X(PyEval_RestoreThread, void, (void *))                                \
	X(Py_CompileString, void *, (const char *, const char *, int))         \
	X(PyDict_New, void *, (void))                                          \
	X(PyDict_GetItem, void *, (void *, void *))                            \
	X(PyDict_GetItemString, void *, (void *, const char *))                \
	X(PyDict_Clear, void, (void *))                                        \
	X(PyDict_SetItemString, int, (void *, const char *, void *))           \
	X(PyCFunction_NewEx, void *, (void *, void *, void *))                 \
	X(PyObject_GetAttrString, void *, (void *, const char *))              \
	X(PyObject_GenericGetAttr, void *, (void *, void *))                   \
	X(PyMethod_Function, void *, (void *))                                 \
	X(PyMethod_Self, void *, (void *))                                     \
	X(PyLong_AsLong, long, (void *))                                       \
	X(PyLong_FromUnsignedLong, void *, (unsigned long))                    \
	X(PyList_Size, intptr_t, (void *))                                     \
	X(PyList_GetItem, void *, (void *, intptr_t))                          \
	X(PyBytes_Size, intptr_t, (void *))                                    \
	X(PyUnicode_AsUTF8, const char *, (void *))                            \
	X(PyUnicode_AsEncodedString, void *,                                   \
	  (void *, const char *, const char *))                                \
	X(PyBytes_AsString, char *, (void *))                                  \
	X(PyErr_SetString, void, (void *, const char *))                       \
	X(PyErr_Occurred, void *, (void))                                      \
	X(PyErr_Clear, void, (void))                                           \
	X(PyErr_Fetch, void, (void **, void **, void **))                      \
	X(PyErr_Restore, void, (void *, void *, void *))                       \
	X(PyObject_Repr, void *, (void *))                                     \
	X(PyObject_CallMethod, void *,                                         \
	  (void *, const char *, const char *, ...))                           \
	X(_PyObject_New, void *, (void *))                                     \
	X(PyType_IsSubtype, int, (void *, void *))                             \
	X(_PyType_Lookup, void *, (void *, void *))                            \
	X(PyType_FromSpec, void *, (void *))                                   \
	X(PyUnicode_FromString, void *, (const char *))                        \
	X(PyEval_SetProfile, void,                                             \
	  (int (*)(void *, void *, int, void *), void *))                      \
	X(PyEval_SetTrace, void,                                               \
	  (int (*)(void *, void *, int, void *), void *))                      \
	X(PyInterpreterState_ThreadHead, void *, (void *))                     \
	X(PyThreadState_Next, void *, (void *))                                \
	X(PyVectorcall_Call, void *, (void *, void *, void *))                 \
	X(PyThreadState_Get, void *, (void))                                   \
	X(PyObject_Hash, intptr_t, (void *))                                   \
	X(PyImport_GetModuleDict, void *, (void))                              \
	X(PyUnicode_CompareWithASCIIString, int, (void *, const char *))       \
	X(Py_AddPendingCall, int, (int (*)(void *), void *))                   \
	X(Py_IncRef, void, (void *))                                           \
	X(Py_DecRef, void, (void *))

#define PYAPI_OBJECTS(X)                                                       \
	X(PyCode_Type)                                                         \
	X(PyGen_Type)                                                          \
	X(PyCoro_Type)                                                         \
	X(PyAsyncGen_Type)                                                     \
	X(PyLong_Type)                                                         \
	X(PyFloat_Type)                                                        \
	X(PyUnicode_Type)                                                      \
	X(PyCFunction_Type)                                                    \
	X(PyMethod_Type)                                                       \
	X(PyDict_Type)                                                         \
	X(PyModule_Type)                                                       \
	X(PyMethodDescr_Type)                                                  \
	X(PyClassMethodDescr_Type)                                             \
	X(PyExc_RuntimeError)                                                  \
	X(_Py_NoneStruct)                                                      \
	X(_PyRuntime)                                                          \
	X(_PyEval_EvalFrameDefault)

/* Not there in all versions: NULL then. */
#define PYAPI_OPTIONAL(X) X(PyCMethod_Type) /* 3.9+ */

/* Functions likewise. */
#define PYAPI_LATER(X)                                                         \
	X(PyCode_GetCode, void *, (void *)) /* 3.11+ */                        \
	X(PyDict_AddWatcher, int,                                              \
	  (int (*)(int, void *, void *, void *))) /* 3.12+ */                  \
	X(PyDict_Watch, int, (int, void *))	  /* 3.12+ */                  \
	X(PyCompile_OpcodeStackEffect, int, (int, int))

/* Py_file_input, of Py_CompileString(). */
#define PYAPI_FILE_INPUT 257

/* PyMethodDef, and two of its flags: part of the stable ABI. */
struct pyapi_method {
	const char *name;
	void *(*function)(void *self, void *argument);
	int flags;
	const char *doc;
};

#define PYAPI_METH_NOARGS 4
#define PYAPI_METH_O	  8

/* A member of an object that is a pointer. */
static inline void *pyapi_member(const void *object, int32_t offset)
{
	void *p;

	memcpy(&p, (const char *)object + offset, sizeof(p));
	return p;
}

struct pyapi {
#define X(name, result, arguments) result(*name) arguments;
	PYAPI_FUNCTIONS(X)
	PYAPI_LATER(X)
#undef X
#define X(name) void *name;
	PYAPI_OBJECTS(X)
	PYAPI_OPTIONAL(X)
#undef X
};

extern struct pyapi py;

/*
 * Look everything up in an object opened by dlopen(), or RTLD_DEFAULT.
 * Returns NULL, or the first name that is missing.
 */
const char *pyapi_find(void *handle) PP_MUST_CHECK;

#endif
