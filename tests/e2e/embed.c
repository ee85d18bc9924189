/* SPDX-License-Identifier: MIT */
/*
 * A program that embeds Python, for embed.py. Compiled three ways: linked
 * against libpython; with -DBY_DLSYM, which looks up each function in the
 * library named by $LIBPYTHON ($SCOPE local or global); with -DPLUGIN, as a
 * library linked against libpython that a host without it loads.
 *
 * No header of Python's is needed: what is used is declared here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct status {
	int type;
	const char *function, *message;
	int exitcode;
};

/* CPython 3.12's PyInterpreterConfig */
struct interpreter_config {
	int use_main_obmalloc, allow_fork, allow_exec, allow_threads,
		allow_daemon_threads, check_multi_interp_extensions, gil;
};

#define FUNCTIONS(X)                                                           \
	X(void, Py_Initialize, (void))                                         \
	X(void, Py_InitializeEx, (int))                                        \
	X(int, Py_FinalizeEx, (void))                                          \
	X(int, PyRun_SimpleString, (const char *))                             \
	X(struct status, Py_InitializeFromConfig, (const void *))              \
	X(void, PyConfig_InitPythonConfig, (void *))                           \
	X(void, PyConfig_Clear, (void *))                                      \
	X(void *, Py_NewInterpreter, (void))                                   \
	X(struct status, Py_NewInterpreterFromConfig,                          \
	  (void **, const struct interpreter_config *))                        \
	X(void, Py_EndInterpreter, (void *))                                   \
	X(void *, PyThreadState_Get, (void))                                   \
	X(void *, PyThreadState_Swap, (void *))                                \
	X(void *, PyEval_SaveThread, (void))                                   \
	X(void, PyEval_RestoreThread, (void *))                                \
	X(int, PyGILState_Ensure, (void))                                      \
	X(void, PyGILState_Release, (int))                                     \
	X(int, Py_BytesMain, (int, char **))

#ifdef BY_DLSYM
#define X(result, name, arguments) static result(*name) arguments;
FUNCTIONS(X)
#undef X

static void load(void)
{
	const char *scope = getenv("SCOPE");
	int local = scope && strcmp(scope, "local") == 0;
	void *h = dlopen(getenv("LIBPYTHON"),
			 RTLD_NOW | (local ? RTLD_LOCAL : RTLD_GLOBAL));

	if (!h) {
		fprintf(stderr, "%s\n", dlerror());
		exit(99);
	}
#define X(result, name, arguments) name = (result(*) arguments)dlsym(h, #name);
	FUNCTIONS(X)
#undef X
}
#else
#define X(result, name, arguments)                                             \
	extern result name arguments __attribute__((weak));
FUNCTIONS(X)
#undef X

static void load(void)
{
}
#endif

#define BURN                                                                   \
	"import sys, time\n"                                                   \
	"def burn(n):\n"                                                       \
	"    end = time.thread_time() + n\n"                                   \
	"    while time.thread_time() < end: pass\n"                           \
	"def %s(n): burn(n)\n"                                                 \
	"%s(%g)\n"

/* Define a function of this name and burn CPU seconds in it, times $SCALE. */
static void burn(const char *name, double seconds)
{
	char code[1024];

	snprintf(code, sizeof(code), BURN, name, name,
		 seconds * atof(getenv("SCALE")));
	if (PyRun_SimpleString(code) != 0)
		exit(98);
}

static void simple(void)
{
	Py_Initialize();
	burn("burn_one", 0.2);
	printf("finalize %d\n", Py_FinalizeEx());
}

static void initialize_ex(void)
{
	Py_InitializeEx(0);
	burn("burn_one", 0.2);
	printf("finalize %d\n", Py_FinalizeEx());
}

static void config(void)
{
	static char buffer[8192] __attribute__((aligned(16)));
	struct status status;

	PyConfig_InitPythonConfig(buffer);
	status = Py_InitializeFromConfig(buffer);
	printf("status %d\n", status.type);
	PyConfig_Clear(buffer);
	burn("burn_one", 0.2);
	printf("finalize %d\n", Py_FinalizeEx());
}

static void twice(void)
{
	Py_Initialize();
	burn("burn_one", 0.1);
	printf("finalize %d\n", Py_FinalizeEx());
	Py_Initialize();
	burn("burn_two", 0.2);
	printf("finalize %d\n", Py_FinalizeEx());
}

/* Two sub-interpreters that take turns with the main one. */
static void subs(void)
{
	void *main_state, *one, *two;

	Py_Initialize();
	main_state = PyThreadState_Get();
	burn("burn_main", 0.02);
	one = Py_NewInterpreter();
	two = Py_NewInterpreter();
	for (int i = 0; i < 10; i++) {
		PyThreadState_Swap(one);
		burn("burn_one", 0.02);
		PyThreadState_Swap(two);
		burn("burn_two", 0.04);
		PyThreadState_Swap(main_state);
		burn("burn_main", 0.02);
	}
	PyThreadState_Swap(one);
	Py_EndInterpreter(one);
	PyThreadState_Swap(two);
	Py_EndInterpreter(two);
	PyThreadState_Swap(main_state);
	printf("finalize %d\n", Py_FinalizeEx());
}

/* An interpreter that its own GIL lets run beside the others, in a thread. */
static void *own_gil(void *name)
{
	struct interpreter_config c = { 0, 0, 0, 1, 0, 1, 2 };
	void *state = NULL;
	struct status status = Py_NewInterpreterFromConfig(&state, &c);

	if (status.type || !state)
		exit(97);
	for (int i = 0; i < 5; i++)
		burn(name, strcmp(name, "burn_one") == 0 ? 0.04 : 0.08);
	Py_EndInterpreter(state);
	return NULL;
}

static void own_gils(void)
{
	static char names[2][16] = { "burn_one", "burn_two" };
	pthread_t threads[2];
	void *main_state;

	Py_Initialize();
	burn("burn_main", 0.2);
	main_state = PyEval_SaveThread();
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, own_gil, names[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	PyEval_RestoreThread(main_state);
	printf("finalize %d\n", Py_FinalizeEx());
}

static void *with_gilstate(void *name)
{
	int gil = PyGILState_Ensure();

	burn(name, 0.1);
	PyGILState_Release(gil);
	return NULL;
}

/* Threads that C made, before and after Python was there. */
static void threads(void)
{
	static char names[2][16] = { "burn_one", "burn_two" };
	pthread_t ids[2];
	void *state;

	Py_Initialize();
	burn("burn_main", 0.1);
	state = PyEval_SaveThread();
	for (int i = 0; i < 2; i++)
		pthread_create(&ids[i], NULL, with_gilstate, names[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(ids[i], NULL);
	PyEval_RestoreThread(state);
	printf("finalize %d\n", Py_FinalizeEx());
}

static void *run_simple(void *unused)
{
	(void)unused;
	simple();
	return NULL;
}

/* Python's main thread need not be the program's. */
static void in_thread(void)
{
	pthread_t id;

	pthread_create(&id, NULL, run_simple, NULL);
	pthread_join(id, NULL);
}

static void no_finalize(void)
{
	Py_Initialize();
	burn("burn_one", 0.2);
}

static void bytes_main(void)
{
	char code[1024], program[] = "python", option[] = "-c";
	char *argv[] = { program, option, code, NULL };

	snprintf(code, sizeof(code), BURN, "burn_one", "burn_one",
		 0.2 * atof(getenv("SCALE")));
	printf("main %d\n", Py_BytesMain(3, argv));
}

static void nothing(void)
{
}

static const struct {
	const char *name;
	void (*function)(void);
} modes[] = {
	{ "simple", simple },
	{ "initialize_ex", initialize_ex },
	{ "config", config },
	{ "twice", twice },
	{ "subs", subs },
	{ "own_gils", own_gils },
	{ "threads", threads },
	{ "in_thread", in_thread },
	{ "no_finalize", no_finalize },
	{ "bytes_main", bytes_main },
	{ "nothing", nothing },
};

#ifdef PLUGIN
int plugin_main(const char *mode);
int plugin_main(const char *mode)
#else
static int run_mode(const char *mode)
#endif
{
	load();
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(modes[i].name, mode) != 0)
			continue;
		modes[i].function();
		return 3;
	}
	return 96;
}

#ifndef PLUGIN
int main(int argc, char **argv)
{
	return run_mode(argc > 1 ? argv[1] : "simple");
}
#endif
