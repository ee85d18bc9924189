/* SPDX-License-Identifier: MIT */
/*
 * Names of threads. See thread_names.h.
 *
 * CPython makes a thread with an argument that leads to the structure it will
 * begin with, whose first words hold what it shall call: the method
 * Thread._bootstrap, bound to its Thread. No version's layout is known here:
 * the words are looked through, by guarded loads, for a method object, which is
 * then asked what it is. Instances are read past their own attribute hooks.
 */
#include "thread_names.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "procfile.h"
#include "pyapi.h"
#include "safe/guard.h"
#include "safe/mask.h"
#include "safe/record.h"
#include "safe/state.h"
#include "safe/target.h"
#include "safe/walk.h"

#define START_WORDS	 6  /* of the structure: the method is one of them */
#define SYSTEM_BYTES	 15 /* what the kernel keeps of a name */
#define SYSTEM_CUT_BYTES 12 /* the least that is left of a longer one */

/* Has the calling thread the GIL, and no exception in flight? */
static bool may_ask(void)
{
	uintptr_t ts = state_is_armed() ? walk_thread_state() : 0;

	return ts && (walk_state(ts, 0) & PP_STATE_GIL) && !py.PyErr_Occurred();
}

static bool has_type(uintptr_t object, const void *type)
{
	unsigned faults = 0;

	return object && !(object & 7) &&
	       guard_u64(object + (uintptr_t)target.row->ob_type, &faults) ==
		       (uintptr_t)type &&
	       !faults;
}

/* The first method object among the words at an address, or NULL. */
static void *find_method(uintptr_t words)
{
	if (!words || (words & 7))
		return NULL;
	for (unsigned i = 0; i < START_WORDS; i++) {
		unsigned faults = 0;
		uintptr_t object = guard_u64(words + 8 * (uintptr_t)i, &faults);

		if (faults)
			return NULL;
		if (has_type(object, py.PyMethod_Type))
			return (void *)object;
	}
	return NULL;
}

/* Is it the method of this name? */
static bool is_method(void *method, const char *wanted)
{
	/* not by the method's attributes, of which audit hooks are told */
	void *function = py.PyMethod_Function(method);
	void *name = py.PyObject_GetAttrString(function, "__name__");
	const char *utf8 = name ? py.PyUnicode_AsUTF8(name) : NULL;
	bool is = utf8 && strcmp(utf8, wanted) == 0;

	if (name)
		py.Py_DecRef(name);
	return is;
}

static void copy_name(char to[THREAD_NAMES_BYTES], const char *from)
{
	size_t n = strnlen(from, THREAD_NAMES_BYTES);

	if (n == THREAD_NAMES_BYTES)
		for (n--; n > 0 && (from[n] & 0xc0) == 0x80; n--)
			; /* no half character */
	memcpy(to, from, n);
	to[n] = '\0';
}

/*
 * The name of a Thread: _name of the instance, and not where its type has
 * something of that name, whose code would run.
 */
static void read_name(void *self, char to[THREAD_NAMES_BYTES])
{
	void *key = py.PyUnicode_FromString("_name");
	void *type = pyapi_member(self, target.row->ob_type);
	void *name = NULL;
	const char *utf8;

	if (key && !py._PyType_Lookup(type, key))
		name = py.PyObject_GenericGetAttr(self, key);
	utf8 = name && has_type((uintptr_t)name, py.PyUnicode_Type)
		       ? py.PyUnicode_AsUTF8(name)
		       : NULL;
	if (utf8)
		copy_name(to, utf8);
	if (name)
		py.Py_DecRef(name);
	if (key)
		py.Py_DecRef(key);
}

/* The Thread object of the calling thread, borrowed; NULL: none. */
static void *current_thread(void)
{
	void *modules = py.PySys_GetObject("modules");
	void *threading =
		modules ? py.PyDict_GetItemString(modules, "threading") : NULL;
	void *active = threading
			       ? py.PyObject_GetAttrString(threading, "_active")
			       : NULL;
	void *key = active ? py.PyLong_FromUnsignedLong(pthread_self()) : NULL;
	void *thread = key ? py.PyDict_GetItem(active, key) : NULL;

	if (key)
		py.Py_DecRef(key);
	if (active)
		py.Py_DecRef(active);
	return thread;
}

void thread_names_of_start(const void *argument, char name[THREAD_NAMES_BYTES])
{
	uintptr_t at = (uintptr_t)argument;
	struct thread *t = thread_self();
	char own[THREAD_NAMES_BYTES] = "";
	void *method, *self;
	unsigned faults = 0;

	name[0] = '\0';
	if (!at || (at & 7) || !may_ask())
		return;
	/* what begins CPython's threads is given the structure by another */
	method = find_method(guard_u64(at + 8, &faults));
	if (method && is_method(method, "_bootstrap")) {
		read_name(py.PyMethod_Self(method), name);
		self = current_thread();
		if (self)
			read_name(self, own);
	}
	py.PyErr_Clear();
	if (t)
		thread_names_set(t, own);
}

/* -- records ------------------------------------------------------------- */

static int write_name(struct thread *into, struct thread *t, const char *name)
{
	uint64_t number = t->number;

	into->maps = 1;
	if (record_announce(into, into) < 0 || record_announce(into, t) < 0)
		return -1;
	return record_write(into, PP_THREAD_NAME, &number, 1, name,
			    (uint32_t)strlen(name));
}

void thread_names_set(struct thread *t, const char *name)
{
	struct thread *into = thread_self();
	uint64_t mask;
	int busy;

	if (!into || !name[0] || strncmp(t->name, name, sizeof(t->name)) == 0)
		return;
	mask = mask_quiet(target.settings.signal);
	busy = atomic_exchange(&into->busy, 1);
	if (!busy && write_name(into, t, name) == 0)
		copy_name(t->name, name);
	if (!busy)
		atomic_store(&into->busy, 0);
	mask_unquiet(target.settings.signal, mask);
}

/* Is it what the system keeps of the name that the thread has already? */
static bool is_cut(const struct thread *t, const char *name)
{
	size_t n = strlen(name);

	return strncmp(t->name, name, n) == 0 && n >= SYSTEM_CUT_BYTES;
}

static struct thread *thread_of(pthread_t id)
{
	uint32_t n = thread_slots();

	if (pthread_equal(id, pthread_self()))
		return thread_self();
	for (uint32_t i = 0; i < n; i++) {
		struct thread *t = thread_at(i);

		if (t && atomic_load(&t->tid) > 0 &&
		    atomic_load(&t->ident) == (uintptr_t)id)
			return t;
	}
	return NULL;
}

void thread_names_set_by_system(pthread_t id, const char *name)
{
	struct thread *t = state_is_armed() ? thread_of(id) : NULL;

	if (t && t->kind != PP_THREAD_MAIN && !is_cut(t, name))
		thread_names_set(t, name);
}

/* A thread's name by /proc; empty if it cannot be read. */
static void read_comm(int tid, char comm[SYSTEM_BYTES + 2])
{
	(void)!procfile_read(PROCFILE_TASKS, tid, "comm", comm,
			     SYSTEM_BYTES + 2);
	comm[strcspn(comm, "\n")] = '\0';
}

void thread_names_find(struct thread *t, int tid)
{
	char comm[SYSTEM_BYTES + 2], process[SYSTEM_BYTES + 2];

	read_comm(tid, comm);
	read_comm((int)getpid(), process);
	if (strcmp(comm, process) != 0)
		thread_names_set(t, comm);
}
