/* SPDX-License-Identifier: MIT */
/*
 * The interpreter in this process. See interp.h, and doc/design.md on taking
 * control.
 */
#include "interp.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"
#include "proof.h"
#include "pyapi.h"
#include "safe/codes.h"
#include "safe/state.h"
#include "safe/target.h"
#include "text.h"

#define SEARCH_MOST 16384 /* rt_search is at most this */

static struct {
	bool watching;
	void (*on_ready)(void);
	uintptr_t *hook_head; /* the word of _PyRuntime that lists our hook */
	void (*code_dealloc)(void *code);
	void (*died)(void *code);
} g;

/* -- which one ----------------------------------------------------------- */

/* "3.11.2 (main, ...)": its minor version, or -1; sets target.python. */
static int parse_version(const char *version)
{
	char *end;
	unsigned long major = strtoul(version, &end, 10), minor, micro = 0;

	if (major != 3 || *end != '.')
		return -1;
	minor = strtoul(end + 1, &end, 10);
	if (*end == '.')
		micro = strtoul(end + 1, &end, 10);
	target.python = (uint32_t)(major << 24 | minor << 16 | micro << 8);
	/* a letter after the number is a release before the release */
	if (*end == ' ' || *end == '+')
		target.python |= 0xf0;
	return (int)minor;
}

static int refuse(const char *why)
{
	struct text version;
	const char *v = py.Py_GetVersion();

	text_init(&version);
	text_add(&version, "CPython ");
	text_add_n(&version, v, strcspn(v, " "));
	text_add(&version, ": ");
	msg_line(version.at, why, "; the program runs unprofiled");
	return -1;
}

static int refuse_without(const char *name)
{
	struct text why;

	text_init(&why);
	text_add(&why, "it shows no ");
	text_add(&why, name);
	return refuse(why.at);
}

struct text_search {
	uintptr_t address, begin, end;
};

/* dl_iterate_phdr: the executable segment that holds an address. */
static int find_text(struct dl_phdr_info *info, size_t size, void *search)
{
	struct text_search *s = search;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t begin = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) ||
		    s->address - begin >= p->p_memsz)
			continue;
		s->begin = begin;
		s->end = begin + p->p_memsz;
		return 1;
	}
	return 0;
}

static void fill_target(void)
{
	struct text_search s = { (uintptr_t)py._PyEval_EvalFrameDefault, 0, 0 };

	dl_iterate_phdr(find_text, &s);
	target.eval = (uintptr_t)py._PyEval_EvalFrameDefault;
	target.text[0] = s.begin;
	target.text[1] = s.end;
	target.thread_state = py.PyGILState_GetThisThreadState;
	target.runtime = (uintptr_t)py._PyRuntime;
	target.code_type = (uintptr_t)py.PyCode_Type;
	target.long_type = (uintptr_t)py.PyLong_Type;
	target.float_type = (uintptr_t)py.PyFloat_Type;
	target.unicode_type = (uintptr_t)py.PyUnicode_Type;
	target.gen_types[0] = (uintptr_t)py.PyGen_Type;
	target.gen_types[1] = (uintptr_t)py.PyCoro_Type;
	target.gen_types[2] = (uintptr_t)py.PyAsyncGen_Type;
}

/* -- being called -------------------------------------------------------- */

/*
 * An audit hook costs the program time at every event, and CPython has no call
 * to remove one. Its list is a word of _PyRuntime: found by looking which word
 * changed when ours was added. If it is exactly one, the hook is unlinked by
 * hand later; else it stays, and returns at once.
 */
static int add_hook(int (*hook)(const char *, void *, void *))
{
	static uint8_t before[SEARCH_MOST];
	uintptr_t *words = py._PyRuntime;
	size_t n = (size_t)target.row->rt_search / sizeof(*words);
	size_t changed = 0;

	memcpy(before, words, n * sizeof(*words));
	if (py.PySys_AddAuditHook(hook, NULL) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (words[i] == ((uintptr_t *)(void *)before)[i])
			continue;
		changed++;
		g.hook_head = &words[i];
	}
	if (changed != 1)
		g.hook_head = NULL;
	return 0;
}

/* Take our node out; it is { next, function, data }, and is leaked. */
static void remove_hook(int (*hook)(const char *, void *, void *))
{
	uintptr_t *node;

	if (!g.hook_head)
		return;
	node = (uintptr_t *)*g.hook_head;
	if (node && node[1] == (uintptr_t)hook)
		*g.hook_head = node[0];
	g.hook_head = NULL;
}

bool interp_is_idle_and_ready(void)
{
	return g.watching && py.Py_IsInitialized() &&
	       py.PyGILState_GetThisThreadState() && !py.PyEval_GetFrame();
}

/*
 * The interpreter begins to run a script, a command, a module, standard input
 * or its prompt; or, embedded, a string. Everything is imported, the user's
 * code has not begun, the main thread has the GIL.
 */
static int on_audit(const char *event, void *arguments, void *data)
{
	(void)arguments;
	(void)data;
	if (!g.watching)
		return 0;
	if (strncmp(event, "cpython.run_", 12) != 0 &&
	    (strcmp(event, "exec") != 0 || !interp_is_idle_and_ready()))
		return 0;
	remove_hook(on_audit);
	g.on_ready();
	return 0;
}

int interp_watch(void *handle, void (*on_ready)(void))
{
	const char *missing;
	int minor;

	if (g.watching)
		return 0;
	missing = pyapi_find(handle);
	if (!py.Py_GetVersion)
		return -1;
	minor = parse_version(py.Py_GetVersion());
	target.row = minor < 0 ? NULL : pyver_find(minor);
	if (!target.row)
		return refuse("this version is not known");
	if (missing)
		return refuse_without(missing);
	if (strstr(py.Py_GetVersion(), "free-threading"))
		return refuse("free-threaded builds are not known");
	fill_target();
	if (!py.Py_IsInitialized() && add_hook(on_audit) < 0)
		return refuse("no audit hook can be added");
	g.on_ready = on_ready;
	g.watching = true;
	return 0;
}

/* -- when it runs -------------------------------------------------------- */

/* A str as bytes of the file system's encoding; NULL if it is none. */
static void *encode(void *string)
{
	void *bytes = string ? py.PyUnicode_AsEncodedString(string, "utf-8",
							    "surrogateescape")
			     : NULL;

	if (!bytes)
		py.PyErr_Clear();
	return bytes;
}

/* Add a str and a NUL to a list in allocated memory. */
static void add_to_list(char **list, uint32_t *length, void *string)
{
	void *bytes = encode(string);
	const char *s = bytes ? py.PyBytes_AsString(bytes) : NULL;
	uint32_t n = s ? (uint32_t)strlen(s) + 1 : 0;
	char *longer = n ? realloc(*list, *length + n) : NULL;

	if (longer) {
		memcpy(longer + *length, s, n);
		*list = longer;
		*length += n;
	}
	if (bytes)
		py.Py_DecRef(bytes);
}

static void gather_path(struct log_facts *facts)
{
	void *path = py.PySys_GetObject("path");
	intptr_t n = path ? py.PyList_Size(path) : -1;

	if (n < 0)
		py.PyErr_Clear();
	for (intptr_t i = 0; i < n; i++)
		add_to_list(&facts->sys_path, &facts->sys_path_bytes,
			    py.PyList_GetItem(path, i));
}

static void gather_prefixes(struct log_facts *facts)
{
	static const char *const names[] = { "prefix", "exec_prefix",
					     "base_prefix",
					     "base_exec_prefix" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		add_to_list(&facts->sys_prefix, &facts->sys_prefix_bytes,
			    py.PySys_GetObject(names[i]));
}

/* The script's name without its folders; "python" if there is no script. */
static void gather_program(struct log_facts *facts)
{
	void *argv = py.PySys_GetObject("argv");
	void *first = argv && py.PyList_Size(argv) > 0
			      ? py.PyList_GetItem(argv, 0)
			      : NULL;
	void *bytes = encode(first);
	const char *name = bytes ? py.PyBytes_AsString(bytes) : NULL;
	const char *slash = name ? strrchr(name, '/') : NULL;

	py.PyErr_Clear();
	if (slash)
		name = slash + 1;
	if (!name || !*name || *name == '-')
		name = "python";
	strncpy(facts->program, name, sizeof(facts->program) - 1);
	if (bytes)
		py.Py_DecRef(bytes);
}

/* A debug or free-threaded build has a letter in sys.abiflags. */
static bool is_odd_build(void)
{
	void *flags = py.PySys_GetObject("abiflags");
	const char *letters = flags ? py.PyUnicode_AsUTF8(flags) : NULL;

	if (!letters)
		py.PyErr_Clear();
	return letters && *letters;
}

int interp_prove(struct log_facts *facts)
{
	const char *wrong;
	struct text why;

	if (is_odd_build())
		return refuse("debug and free-threaded builds are not known");
	wrong = proof_run();
	if (wrong) {
		text_init(&why);
		text_add(&why, "its frames are not as expected (");
		text_add(&why, wrong);
		text_add(&why, ")");
		return refuse(why.at);
	}
	gather_program(facts);
	gather_path(facts);
	gather_prefixes(facts);
	add_to_list(&facts->python, &facts->python_bytes,
		    py.PySys_GetObject("version"));
	return 0;
}

/* -- deaths -------------------------------------------------------------- */

static void on_code_death(void *code)
{
	if (state_is_armed())
		codes_died((uintptr_t)code);
	g.died(code);
	g.code_dealloc(code);
}

void interp_hook_deaths(void (*died)(void *code))
{
	void **slot =
		(void **)((char *)py.PyCode_Type + target.row->tp_dealloc);

	if (g.code_dealloc)
		return;
	g.died = died;
	g.code_dealloc = (void (*)(void *)) * slot;
	*slot = (void *)on_code_death;
}
