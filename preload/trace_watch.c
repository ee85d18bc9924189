/* SPDX-License-Identifier: MIT */
/*
 * Watched dictionaries. See trace_watch.h.
 */
#include "trace_watch.h"

#include <stdlib.h>

#include "pyapi.h"
#include "safe/target.h"
#include "trace_names.h"
#include "trace_table.h"

#define BUCKETS	     1024u
#define WATCHES_MOST 4096u
#define NAMES_FIRST  16u

/* Include/cpython/dictobject.h, from 3.12 on. */
enum change {
	CHANGE_ADDED,
	CHANGE_MODIFIED,
	CHANGE_DELETED,
	CHANGE_CLONED,
	CHANGE_CLEARED,
	CHANGE_DEALLOCATED,
};

static struct {
	void (*on_break)(void), (*on_import)(void);
	int watcher;	     /* -1: none yet */
	const void *modules; /* sys.modules, if one is waited for: */
	const char *module;
	struct trace_watch *watches[BUCKETS];
	size_t count;
} g;

static struct trace_watch **place_of(const void *dict)
{
	struct trace_watch **place =
		&g.watches[trace_table_hash(dict, 0, 0) % BUCKETS];

	while (*place && (*place)->dict != dict)
		place = &(*place)->next;
	return place;
}

static void free_watch(struct trace_watch *w)
{
	g.count--;
	free(w->hashes);
	free(w);
}

void trace_watch_leave(struct trace_watch *w)
{
	if (!--w->users && !w->dict)
		free_watch(w);
}

/* Its address may be that of another dictionary soon. */
static void bury(struct trace_watch **place)
{
	struct trace_watch *w = *place;

	*place = w->next;
	w->dict = NULL;
	if (!w->users)
		free_watch(w);
}

bool trace_watch_may_be_c(const void *object)
{
	return trace_names_method(object) ||
	       trace_names_type(object) == py.PyMethod_Type;
}

/* Where a hash is, or is to be. */
static intptr_t *hash_place(intptr_t *hashes, uint32_t mask, intptr_t hash)
{
	size_t i = (size_t)hash;

	while (hashes[i & mask] && hashes[i & mask] != hash)
		i++;
	return &hashes[i & mask];
}

/* Is a str relied on? Others of its hash are taken for it. */
static bool relies_on(const struct trace_watch *w, void *name)
{
	return *hash_place(w->hashes, w->mask, py.PyObject_Hash(name)) != 0;
}

/* A key of another type may be equal to any. */
static bool is_relied_on(const struct trace_watch *w, void *key)
{
	return trace_names_type(key) != py.PyUnicode_Type || relies_on(w, key);
}

static bool breaks(const struct trace_watch *w, int change, void *key,
		   const void *value)
{
	switch (change) {
	case CHANGE_ADDED: /* before, builtins had it */
	case CHANGE_MODIFIED:
		return is_relied_on(w, key) && trace_watch_may_be_c(value);
	case CHANGE_DELETED: /* and builtins may have one of the name */
		return is_relied_on(w, key);
	case CHANGE_DEALLOCATED:
		return w->users != 0;
	default:
		return true;
	}
}

static void see_module(void *name)
{
	if (trace_names_type(name) == py.PyUnicode_Type &&
	    py.PyUnicode_CompareWithASCIIString(name, g.module) == 0)
		g.on_import();
}

/* PyDict_WatchCallback: before the change. */
static int on_change(int change, void *dict, void *key, void *value)
{
	struct trace_watch **place = place_of(dict), *w = *place;

	if (dict == g.modules && change == CHANGE_ADDED)
		see_module(key);
	if (!w)
		return 0;
	/* with users there is code that may get other globals */
	if (!w->broken && breaks(w, change, key, value)) {
		w->broken = true;
		g.on_break();
	}
	if (change == CHANGE_DEALLOCATED)
		bury(place);
	return 0;
}

/*
 * Is it told of all changes? A dictionary of an object whose values are the
 * object's is not, when those are stored into (seen with CPython 3.13.0).
 */
static bool may_be_watched(const void *dict)
{
	return trace_names_type(dict) == py.PyDict_Type &&
	       !pyapi_member(dict, target.row->dict_values);
}

static int watch(void *dict)
{
	if (g.watcher < 0)
		g.watcher = py.PyDict_AddWatcher(on_change);
	if (g.watcher >= 0 && py.PyDict_Watch(g.watcher, dict) == 0)
		return 0;
	py.PyErr_Clear();
	return -1;
}

int trace_watch_module(const char *name, void (*on_import)(void))
{
	void *modules = py.PyImport_GetModuleDict();

	if (!modules || py.PyDict_GetItemString(modules, name) ||
	    watch(modules) < 0)
		return -1;
	g.modules = modules;
	g.module = name;
	g.on_import = on_import;
	return 0;
}

static struct trace_watch *new_watch(void *dict)
{
	struct trace_watch *w;

	if (g.count == WATCHES_MOST || !may_be_watched(dict))
		return NULL;
	w = calloc(1, sizeof(*w));
	if (w)
		w->hashes = calloc(NAMES_FIRST, sizeof(*w->hashes));
	if (!w || !w->hashes || watch(dict) < 0) {
		if (w)
			free(w->hashes);
		free(w);
		return NULL;
	}
	w->dict = dict;
	w->mask = NAMES_FIRST - 1;
	*place_of(dict) = w; /* the end of its bucket */
	g.count++;
	return w;
}

static int grow_names(struct trace_watch *w)
{
	uint32_t mask = 2 * w->mask + 1;
	intptr_t *hashes = calloc((size_t)mask + 1, sizeof(*hashes));

	if (!hashes)
		return -1;
	for (uint32_t i = 0; i <= w->mask; i++)
		if (w->hashes[i])
			*hash_place(hashes, mask, w->hashes[i]) = w->hashes[i];
	free(w->hashes);
	w->hashes = hashes;
	w->mask = mask;
	return 0;
}

int trace_watch_rely(struct trace_watch *w, void *name)
{
	intptr_t hash = py.PyObject_Hash(name);
	intptr_t *place;

	if (!hash || (2 * w->used > w->mask && grow_names(w) < 0))
		return -1;
	place = hash_place(w->hashes, w->mask, hash);
	w->used += !*place;
	*place = hash;
	return 0;
}

struct trace_watch *trace_watch_obtain(void *dict)
{
	struct trace_watch *w = *place_of(dict);

	if (!w)
		w = new_watch(dict);
	return w && !w->broken ? w : NULL;
}

int trace_watch_begin(void (*on_break)(void))
{
	g.watcher = -1;
	g.on_break = on_break;
	return py.PyDict_AddWatcher && py.PyDict_Watch ? 0 : -1;
}
