/* SPDX-License-Identifier: MIT */
/*
 * All of the profile as data. doc/json.md describes it, doc/pyprof.schema.json
 * is the same as a JSON Schema. Numbers of functions, calls and so on refer to
 * the order of the lists here.
 */
#include <jansson.h>
#include <stdlib.h>

#include "command.h"
#include "formats.h"
#include "giljson.h"
#include "order.h"
#include "pyprof/version.h"
#include "tree.h"
#include "util/die.h"

/* The version of this format; doc/json.md says when it is raised. */
#define JSON_VERSION 1

struct output {
	const struct view *v;
	struct order order;
	struct rows rows;
	json_int_t *index; /* by function: its place in `functions`, or -1 */
};

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* JSON is UTF-8; what is not is escaped as text_add_printable() does. */
static json_t *string(const char *s)
{
	struct text clean = { 0 };
	json_t *json;

	if (!s)
		return json_null();
	text_add_printable(&clean, s, 0);
	json = json_string(text_get(&clean));
	text_done(&clean);
	return json;
}

static json_t *strings(const struct info *list)
{
	json_t *array = json_array();
	const char *s = NULL;

	while ((s = info_next(list, s)))
		json_array_append_new(array, string(s));
	return array;
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void set_sum(const struct view *v, json_t *object, const struct sum *sum)
{
	set(object, "samples", number(sum->self.samples));
	set(object, "total_samples", number(sum->total.samples));
	set(object, "self_ns", number(sum->self.ns));
	set(object, "total_ns", number(sum->total.ns));
	if (!v->totals.wall)
		return;
	set(object, "self_cpu_ns", number(cost_cpu_ns(&sum->self)));
	set(object, "total_cpu_ns", number(cost_cpu_ns(&sum->total)));
}

/* What stands in place of samples where there are none. */
static void clear_samples(json_t *object)
{
	set(object, "samples", number(0));
	set(object, "total_samples", number(0));
}

static json_t *losses(const uint64_t *lost)
{
	json_t *object = json_object();
	char buffer[16];
	unsigned i;

	for (i = 0; i < PP_LOSS_MAX; i++)
		if (lost[i] || loss_name(i, buffer) != buffer)
			set(object, loss_name(i, buffer), number(lost[i]));
	return object;
}

static json_t *counters(const uint64_t *counts)
{
	static const char *const names[] = {
#define X(name) #name,
		PP_COUNTERS(X)
#undef X
	};
	json_t *object = json_object();
	unsigned i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		set(object, names[i], number(counts[i]));
	return object;
}

/* Of mode wall, and of a part of the samples. */
static void set_parts(json_t *root, const struct totals *t)
{
	set(root, "clock", string(t->wall ? "wall" : "cpu"));
	if (t->wall) {
		set(root, "off_ns", number(t->sampled_off_ns));
		set(root, "gil_wait_ns",
		    t->gil_wait_known ? number(t->gil_wait_ns) : json_null());
		set(root, "unsampled_off_ns", number(t->unsampled_off_ns));
	}
	if (t->ring_ns) {
		set(root, "ring_ns", number(t->ring_ns));
		set(root, "ring_dropped_samples", number(t->ringed.samples));
		set(root, "ring_dropped_ns", number(t->ringed.ns));
	}
	if (t->dropped.samples) {
		set(root, "dropped_samples", number(t->dropped.samples));
		set(root, "dropped_ns", number(t->dropped.ns));
	}
}

static void set_totals(json_t *root, const struct totals *t)
{
	set(root, "samples", number(t->samples));
	set(root, "lost", losses(t->lost));
	set(root, "asked_hz",
	    t->asked_hz ? json_real(t->asked_hz) : json_null());
	set(root, "achieved_hz", json_real(t->achieved_hz));
	set(root, "auto_rate", json_boolean(t->auto_rate));
	set(root, "duration_ns", number(t->duration_ns));
	set(root, "cpu_ns", number(t->cpu_ns));
	set(root, "startup_ns", number(t->startup_ns));
	set(root, "sampled_ns", number(t->sampled_ns));
	set(root, "unsampled_ns", number(t->unsampled_ns));
	set(root, "lost_ns", number(t->lost_ns));
	set(root, "paused_ns", number(t->paused_ns));
	set(root, "own_ns", number(t->own_ns));
	set(root, "counters", counters(t->counters));
	set_parts(root, t);
}

/* A time of tracing. Beside samples there is none. */
static json_t *traced_number(const struct view *v, uint64_t ns)
{
	return v->traced.timed ? number(ns) : json_null();
}

static void set_traced(json_t *object, const struct view *v,
		       const struct traced_ns *self,
		       const struct traced_ns *total)
{
	set(object, "traced_self_ns", traced_number(v, view_ns(v, self)));
	set(object, "raw_self_ns", traced_number(v, self->raw));
	if (!total)
		return;
	set(object, "traced_total_ns", traced_number(v, view_ns(v, total)));
	set(object, "raw_total_ns", traced_number(v, total->raw));
}

static void set_calls(json_t *object, uint64_t calls, uint64_t primitive,
		      uint64_t open)
{
	set(object, "calls", number(calls));
	set(object, "primitive_calls", number(primitive));
	set(object, "open_calls", number(open));
}

/* The costs of the first process that was traced, in ns. */
static json_t *costs(const struct profile *p)
{
	static const char *const names[] = {
#define X(name) #name,
		PP_COSTS(X)
#undef X
	};
	const struct process *process = p->processes;
	json_t *object = json_object();
	double tick_ns = 0;
	unsigned i;

	while (!process->header.trace)
		process++;
	if (process_has_ticks(process))
		tick_ns =
			(double)process_ticks_ns(process, 1000000, 1000) / 1e9;
	for (i = 0; i < ARRAY_LEN(names); i++)
		set(object, names[i],
		    json_real((double)process->header.costs[i] * tick_ns));
	return object;
}

static void set_trace(json_t *root, const struct view *v)
{
	const struct traced *t = &v->traced;
	const char *trace = trace_name(v->trace);

	set(root, "trace", string(trace));
	if (!trace)
		return;
	set(root, "function_calls", number(t->calls));
	set(root, "primitive_calls", number(t->primitive));
	set(root, "open_calls", number(t->open));
	set(root, "is_corrected", json_boolean(!v->options->no_correction));
	set(root, "traced_ns", traced_number(v, view_ns(v, &t->self)));
	set(root, "raw_ns", traced_number(v, t->self.raw));
	set(root, "corrected_ns", traced_number(v, t->self.corrected));
	set(root, "clamped_ns", traced_number(v, t->clamped_ns));
	set(root, "tracing_ns", number(traced_taken(t)));
	set(root, "costs", costs(v->profile));
}

static json_t *function_object(const struct output *o, const struct row *row)
{
	const struct function *f = &o->v->profile->functions[row->function];
	const struct traced_function *traced =
		&o->v->traced.functions[row->function];
	json_t *object = json_object();

	set(object, "name", string(f->name));
	set(object, "file", string(view_file(o->v, row->function)));
	set(object, "line", number(f->line));
	set_sum(o->v, object, &row->sum);
	if (!o->v->sampled)
		clear_samples(object);
	if (o->v->trace) {
		set_calls(object, traced->calls, traced->primitive,
			  traced->open);
		set_traced(object, o->v, &traced->self, &traced->total);
	}
	set(object, "lines", json_array());
	return object;
}

static void add_line(const struct output *o, json_t *functions,
		     uint32_t function, json_t *object)
{
	json_int_t index = o->index[function];

	if (index < 0) {
		json_decref(object);
		return;
	}
	json_array_append_new(
		json_object_get(json_array_get(functions, (size_t)index),
				"lines"),
		object);
}

/* Beside sampled lines they have no time of samples. */
static void fill_traced_lines(const struct output *o, json_t *functions)
{
	const struct traced_line_sum *line = o->v->traced.lines;
	const struct traced_line_sum *end = line + o->v->traced.line_count;
	struct sum sum = { { 0 }, { 0 } };
	json_t *object;

	for (; line < end; line++) {
		if (!o->v->sampled)
			sum.self.ns = sum.total.ns = view_ns(o->v, &line->self);
		object = json_object();
		set(object, "line", number(line->line));
		set_sum(o->v, object, &sum);
		set(object, "hits", number(line->hits));
		set(object, "entries", number(line->entries));
		set_traced(object, o->v, &line->self, NULL);
		add_line(o, functions, line->function, object);
	}
}

static void fill_lines(const struct output *o, json_t *functions)
{
	const struct line_sum *line;
	json_t *object;
	size_t i;

	for (i = 0; i < o->order.line_count; i++) {
		line = &o->v->sums.lines[o->order.lines[i]];
		object = json_object();
		set(object, "line", number(line->line));
		set_sum(o->v, object, &line->sum);
		add_line(o, functions, line->function, object);
	}
}

static json_t *functions(struct output *o)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < o->v->profile->function_count; i++)
		o->index[i] = -1;
	for (i = 0; i < o->rows.count; i++) {
		o->index[o->rows.list[i].function] = (json_int_t)i;
		json_array_append_new(array,
				      function_object(o, &o->rows.list[i]));
	}
	if (o->v->sampled)
		fill_lines(o, array);
	fill_traced_lines(o, array);
	return array;
}

static json_t *call_object(const struct output *o, uint32_t caller,
			   uint32_t line, uint32_t callee,
			   const struct cost *cost)
{
	json_t *object = json_object();

	set(object, "caller", json_integer(o->index[caller]));
	set(object, "line", number(line));
	set(object, "callee", json_integer(o->index[callee]));
	set(object, "samples", number(cost->samples));
	set(object, "ns", number(cost->ns));
	return object;
}

/* Beside sampled calls they have no time of samples. */
static void add_traced_calls(const struct output *o, json_t *array)
{
	const struct traced_edge *e = o->v->traced.line_edges;
	const struct traced_edge *end = e + o->v->traced.line_edge_count;
	struct cost cost = { 0 };
	json_t *object;

	for (; e < end; e++) {
		if (e->caller == FUNCTION_NONE || o->index[e->caller] < 0 ||
		    o->index[e->callee] < 0)
			continue;
		if (!o->v->sampled)
			cost.ns = view_ns(o->v, &e->total);
		object = call_object(o, e->caller, e->line, e->callee, &cost);
		set_calls(object, e->calls, e->primitive, e->open);
		set_traced(object, o->v, &e->self, &e->total);
		json_array_append_new(array, object);
	}
}

/* Only calls of which both ends are in `functions`. */
static json_t *calls(const struct output *o)
{
	const struct sums *s = &o->v->sums;
	const struct line_sum *from;
	json_t *array = json_array();
	const struct edge *edge;
	size_t i;

	for (i = 0; o->v->sampled && i < o->order.edge_count; i++) {
		edge = &s->edges[o->order.edges[i]];
		from = &s->lines[edge->caller];
		if (o->index[from->function] < 0 || o->index[edge->callee] < 0)
			continue;
		json_array_append_new(array,
				      call_object(o, from->function, from->line,
						  edge->callee, &edge->total));
	}
	add_traced_calls(o, array);
	return array;
}

static const char *ended_name(unsigned ended)
{
	static const char *const names[] = {
		[PP_ENDED_NOT] = "not",		  [PP_ENDED_EXIT] = "exit",
		[PP_ENDED_UEXIT] = "_exit",	  [PP_ENDED_EXEC] = "exec",
		[PP_ENDED_DURATION] = "duration", [PP_ENDED_SIZE] = "size",
		[PP_ENDED_FAILED] = "failed",
	};

	return ended < ARRAY_LEN(names) ? names[ended] : "?";
}

/* The stack that made a process, root side first; null if it is not known. */
static json_t *fork_stack(const struct view *v, uint32_t fork)
{
	const struct profile *p = v->profile;
	const struct frame *frame;
	json_t *array, *object;
	size_t i;

	if (fork == TREE_NONE)
		return json_null();
	array = json_array();
	for (i = 0; i < p->forks[fork].frame_count; i++) {
		frame = &p->frames[p->forks[fork].first_frame + i];
		object = json_object();
		set(object, "name", string(p->functions[frame->function].name));
		set(object, "file", string(view_file(v, frame->function)));
		set(object, "line", number(frame->line));
		json_array_append_new(array, object);
	}
	return array;
}

static void set_family(json_t *object, const struct view *v,
		       const struct tree *tree, uint32_t i)
{
	const struct profile *profile = v->profile;
	const struct process *p = &profile->processes[i];
	const struct tree_node *node = &tree->nodes[i];
	uint32_t parent = tree_parent(tree, i);
	uint64_t start_ns = p->header.start_ns;

	set(object, "parent",
	    parent == TREE_NONE ? json_null() : number(parent));
	set(object, "exec", json_boolean(node->exec));
	set(object, "forked_at", fork_stack(v, tree_fork(tree, i)));
	set(object, "start_ns",
	    number(start_ns - totals_session_start_ns(profile, i)));
	set(object, "duration_ns", number(process_end_ns(p) - start_ns));
	set(object, "cpu_ns", number(totals_cpu_ns(profile, i)));
}

static json_t *process_object(const struct process *p)
{
	const struct pp_header *h = &p->header;
	json_t *object = json_object();
	char session[33];

	snprintf(session, sizeof(session), "%016llx%016llx",
		 (unsigned long long)h->session[0],
		 (unsigned long long)h->session[1]);
	set(object, "log", string(p->path));
	set(object, "session", string(session));
	set(object, "pid", number(h->pid));
	set(object, "ppid", number(h->ppid));
	set(object, "command", strings(&p->infos[PP_INFO_argv]));
	set(object, "cwd", string(p->infos[PP_INFO_cwd].bytes));
	set(object, "executable", string(p->infos[PP_INFO_executable].bytes));
	set(object, "python", string(p->infos[PP_INFO_python].bytes));
	set(object, "host", string(p->infos[PP_INFO_host].bytes));
	set(object, "kernel", string(p->infos[PP_INFO_kernel].bytes));
	set(object, "mode", string(mode_name(h->mode)));
	set(object, "engine", string(engine_name(h->engine)));
	set(object, "start_real_ns", number(h->start_real_ns));
	set(object, "ended", string(ended_name(h->ended)));
	set(object, "samples", number(p->sampled.samples));
	set(object, "sampled_ns", number(p->sampled.ns));
	set(object, "damages", number(p->damages));
	return object;
}

static json_t *processes(const struct view *v)
{
	const struct profile *p = v->profile;
	json_t *array = json_array(), *object;
	struct tree tree;
	uint32_t i;

	tree_init(&tree, p);
	for (i = 0; i < p->process_count; i++) {
		object = process_object(&p->processes[i]);
		set_family(object, v, &tree, i);
		json_array_append_new(array, object);
	}
	tree_done(&tree);
	return array;
}

static const char *kind_name(unsigned kind)
{
	static const char *const names[] = {
		[PP_THREAD_MAIN] = "main",
		[PP_THREAD_CREATED] = "created",
		[PP_THREAD_FOUND] = "found",
	};

	return kind < ARRAY_LEN(names) ? names[kind] : "?";
}

/* Part of a thread's samples in that state; null if the log does not say. */
static json_t *state_ns(const struct process *p, uint32_t bit,
			const struct cost *part)
{
	return p->header.state_known & bit ? number(part->ns) : json_null();
}

static void set_thread_times(json_t *object, const struct process *p,
			     const struct thread *t)
{
	set(object, "unsampled_ns", number(thread_unsampled_ns(t)));
	set(object, "cpu_ns", number(thread_cpu_ns(t)));
	set(object, "wall_ns", number(thread_wall_ns(t)));
	set(object, "gil_ns", state_ns(p, PP_STATE_GIL, &t->gil));
	set(object, "gil_wait_ns",
	    state_ns(p, PP_STATE_GIL_WAIT, &t->gil_wait));
	if (!t->wall)
		return;
	set(object, "sampled_cpu_ns", number(cost_cpu_ns(&t->sampled)));
	set(object, "unsampled_off_ns", number(thread_unsampled_off_ns(t)));
}

static json_t *threads(const struct profile *p)
{
	json_t *array = json_array(), *object;
	const struct thread *t;
	size_t i;

	for (i = 0; i < p->thread_count; i++) {
		t = &p->threads[i];
		if (t->left_out)
			continue;
		object = json_object();
		set(object, "process", number(t->process));
		set(object, "tid", number(t->tid));
		set(object, "name", string(t->name));
		set(object, "kind",
		    string(t->known ? kind_name(t->kind) : "?"));
		set(object, "samples", number(t->sampled.samples));
		set(object, "sampled_ns", number(t->sampled.ns));
		set_thread_times(object, &p->processes[t->process], t);
		json_array_append_new(array, object);
	}
	return array;
}

void fmt_json(const struct view *v, FILE *out)
{
	struct output o = { .v = v };
	json_t *root = json_object();

	o.index = must_zalloc(v->profile->function_count, sizeof(*o.index));
	order_init(&o.order, v, ORDER_FUNCTIONS);
	rows_init(&o.rows, v, false);
	set(root, "format", string("pyprof"));
	set(root, "version", number(JSON_VERSION));
	set(root, "creator", string("pyprof-report " PYPROF_VERSION));
	set_totals(root, &v->totals);
	set_trace(root, v);
	set(root, "functions", functions(&o));
	set(root, "calls", calls(&o));
	set(root, "processes", processes(v));
	set(root, "threads", threads(v->profile));
	if (giljson_wanted(v))
		set(root, "gil", giljson_make(v));
	if (json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0)
		fputc('\n', out);
	json_decref(root);
	rows_done(&o.rows);
	order_done(&o.order);
	free(o.index);
}
