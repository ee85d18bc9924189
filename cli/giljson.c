/* SPDX-License-Identifier: MIT */
/* See giljson.h. */
#include "giljson.h"

#include <stdlib.h>

bool giljson_wanted(const struct view *v)
{
	return v->profile->gil.account_count || v->profile->gil.wait_count;
}

static void set_number(json_t *object, const char *key, uint64_t n)
{
	json_object_set_new(object, key, json_integer((json_int_t)n));
}

static json_t *threads(const struct view *v)
{
	const struct gil *g = &v->profile->gil;
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < g->account_count; i++) {
		const struct gil_account *a = &g->accounts[i];
		json_t *object;

		if (v->profile->threads[a->thread].left_out)
			continue;
		object = json_object();
		set_number(object, "process",
			   v->profile->threads[a->thread].process);
		set_number(object, "tid", v->profile->threads[a->thread].tid);
		set_number(object, "held_ns", gil_held_ns(v->profile, a));
		set_number(object, "waited_ns", a->waited_ns);
		set_number(object, "yielded_ns", a->yielded_ns);
		set_number(object, "takes", a->takes);
		set_number(object, "waits", a->waits);
		json_array_append_new(array, object);
	}
	return array;
}

/* A frame as all text has it; null: no Python code. */
static json_t *frame(const struct view *v, struct gil_place place)
{
	struct text name = { 0 };
	json_t *json;

	if (place.function == FUNCTION_NONE)
		return json_null();
	view_show_frame(v, &name, place.function, place.line);
	json = json_string(text_get(&name));
	text_done(&name);
	return json;
}

static json_t *stack(const struct view *v, const struct gil_place *places,
		     uint32_t depth)
{
	json_t *array = json_array();
	uint32_t i;

	for (i = 0; i < depth; i++)
		json_array_append_new(array, frame(v, places[i]));
	return array;
}

static void set_stacks(json_t *object, const struct view *v,
		       const struct gil_wait *wait)
{
	const struct gil *g = &v->profile->gil;
	const struct gil_stacks *s = gil_find_stacks(g, wait);

	if (!s)
		return;
	json_object_set_new(object, "waiter_stack",
			    stack(v, g->places + s->first, s->waiter_depth));
	json_object_set_new(object, "holder_stack",
			    stack(v, g->places + s->first + s->waiter_depth,
				  s->holder_depth));
}

static json_t *waits(const struct view *v)
{
	size_t count, i;
	struct gil_wait *list = gil_sorted(&v->profile->gil, &count);
	json_t *array = json_array();

	for (i = 0; i < count; i++) {
		const struct gil_wait *w = &list[i];
		json_t *object = json_object();

		json_object_set_new(object, "waiter", frame(v, w->waiter));
		json_object_set_new(object, "holder", frame(v, w->holder));
		set_number(object, "turns", w->turns);
		set_number(object, "total_ns", w->total_ns);
		set_number(object, "longest_ns", w->longest_ns);
		set_stacks(object, v, w);
		json_array_append_new(array, object);
	}
	free(list);
	return array;
}

json_t *giljson_make(const struct view *v)
{
	json_t *object = json_object();

	json_object_set_new(object, "threads", threads(v));
	json_object_set_new(object, "waits",
			    v->profile->gil.waits_untold ? json_null()
							 : waits(v));
	return object;
}
