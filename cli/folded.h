/* SPDX-License-Identifier: MIT */
/*
 * The tree of stacks as a viewer is to see it: frames are named by the text
 * that stands for them, at the granularity that was asked for, and those of
 * files that are left out are taken away. Frames of equal text are one.
 */
#ifndef FOLDED_H
#define FOLDED_H

#include "view.h"

/*
 * Build the tree as a profile of its own, in which each function is a mark
 * whose name is the frame's text. profile_done() frees it.
 */
void folded_init(struct profile *folded, const struct view *v);

/*
 * Call visit() for each node with samples of its own, sorted by the texts of
 * its path, which is joined by ';'.
 */
typedef void folded_visit(const char *path, const struct cost *self,
			  void *context);
void folded_walk(const struct profile *folded, folded_visit *visit,
		 void *context);

#endif
