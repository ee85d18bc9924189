/* SPDX-License-Identifier: MIT */
/*
 * Which process made which, of each session. A child is joined to its parent by
 * the parent's FORK record of its number, else by the number that its own log
 * has for the parent; a process number that came again is told by the times.
 */
#ifndef TREE_H
#define TREE_H

#include "model.h"

#define TREE_NONE UINT32_MAX

struct tree_node {
	uint32_t process; /* of the profile; TREE_NONE: it has no log */
	uint32_t pid;
	uint32_t parent; /* its node, or TREE_NONE */
	uint32_t fork;	 /* of the profile, that made it; or TREE_NONE */
	bool exec; /* it is its parent itself, that took another program */
	size_t depth;
};

/*
 * Processes that are known without a log of theirs, as a shell in between, have
 * nodes from process_count of the profile on; the others have the number of
 * their process.
 */
struct tree {
	struct tree_node *nodes;
	size_t count;
	uint32_t *order; /* all of them: parents first, children by start */
};

void tree_init(struct tree *t, const struct profile *p);
void tree_done(struct tree *t);

/* The number of the nearest process above this one with a log; TREE_NONE. */
uint32_t tree_parent(const struct tree *t, uint32_t process) PP_MUST_CHECK;

/*
 * The fork with which its line begins below tree_parent(): its own, or that of
 * a process without a log in between; TREE_NONE if that is not known.
 */
uint32_t tree_fork(const struct tree *t, uint32_t process) PP_MUST_CHECK;

#endif
