/* SPDX-License-Identifier: MIT */
/* Prints what tree.h has put together; see treetext.h. */
#include "treetext.h"

#include <string.h>

#include "command.h"
#include "tree.h"
#include "util/units.h"

#define PROCESSES_SHOWN 30
#define DEPTH_SHOWN	20

struct output {
	const struct view *v;
	FILE *out;
	struct tree tree;
	struct text raw, clean; /* for one thing at a time */
};

static void put_clean(struct output *o)
{
	text_clear(&o->clean);
	text_add_printable(&o->clean, text_get(&o->raw), ' ');
	fputs(text_get(&o->clean), o->out);
	text_clear(&o->raw);
}

static void put_numbers(const struct output *o, uint32_t i)
{
	const struct profile *p = o->v->profile;
	const struct process *process = &p->processes[i];
	uint64_t start_ns = process->header.start_ns;

	fprintf(o->out, "%9.3f %9.3f %9.3f %8llu  ",
		seconds(start_ns - totals_session_start_ns(p, i)),
		seconds(process_end_ns(process) - start_ns),
		seconds(totals_cpu_ns(p, i)),
		(unsigned long long)process->sampled.samples);
}

/* Whether it runs what its parent does, as after a fork. */
static bool same_program(const struct profile *p, uint32_t i, uint32_t parent)
{
	const struct info *a, *b;

	if (parent == TREE_NONE)
		return false;
	a = &p->processes[i].infos[PP_INFO_argv];
	b = &p->processes[parent].infos[PP_INFO_argv];
	return a->size == b->size &&
	       (!a->size || memcmp(a->bytes, b->bytes, a->size) == 0);
}

static void put_frame(struct output *o, const char *word,
		      const struct frame *frame)
{
	fputs(word, o->out);
	view_add_frame(o->v, &o->raw, frame->function, frame->line);
	put_clean(o);
}

/*
 * The line that forked, and if that is one of a library, also the one of the
 * program that called it.
 */
static void put_fork(struct output *o, const struct fork *fork)
{
	const struct profile *p = o->v->profile;
	const struct frame *frames = &p->frames[fork->first_frame];
	size_t i = fork->frame_count;

	if (!i)
		return;
	put_frame(o, ", forked at ", &frames[--i]);
	if (!filter_is_library(p, fork->process, frames[i].function))
		return;
	while (i-- > 0)
		if (!filter_is_library(p, fork->process, frames[i].function)) {
			put_frame(o, " for ", &frames[i]);
			return;
		}
}

static void put_node(struct output *o, uint32_t i)
{
	const struct profile *p = o->v->profile;
	const struct tree_node *node = &o->tree.nodes[i];
	size_t depth = node->depth < DEPTH_SHOWN ? node->depth : DEPTH_SHOWN;

	if (node->process != TREE_NONE)
		put_numbers(o, node->process);
	else
		fprintf(o->out, "%9s %9s %9s %8s  ", "-", "-", "-", "-");
	if (depth)
		fprintf(o->out, "%*s+- ", (int)(3 * (depth - 1)), "");
	fprintf(o->out, "%u", node->pid);
	if (node->process == TREE_NONE) {
		fputs(" (has no log)", o->out);
	} else if (!same_program(p, node->process, tree_parent(&o->tree, i))) {
		fputs(node->exec ? " exec " : " ", o->out);
		command_add(&p->processes[node->process], &o->raw);
		put_clean(o);
	}
	if (node->fork != TREE_NONE)
		put_fork(o, &p->forks[node->fork]);
	fputc('\n', o->out);
}

void treetext_put(const struct view *v, FILE *out)
{
	struct output o = { .v = v, .out = out };
	size_t i;

	if (v->profile->process_count < 2)
		return;
	tree_init(&o.tree, v->profile);
	fprintf(out, "\n%9s %9s %9s %8s  %s\n", "start", "duration", "CPU",
		"samples", "process");
	for (i = 0; i < o.tree.count && i < PROCESSES_SHOWN; i++)
		put_node(&o, o.tree.order[i]);
	if (i < o.tree.count)
		fprintf(out, "%38s ... %zu more; see --json\n", "",
			o.tree.count - i);
	tree_done(&o.tree);
	text_done(&o.raw);
	text_done(&o.clean);
}
