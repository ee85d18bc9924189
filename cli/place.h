/* SPDX-License-Identifier: MIT */
/*
 * Where sources are: here, and in an archive that can be unpacked anywhere.
 */
#ifndef PLACE_H
#define PLACE_H

#include "model.h"
#include "util/text.h"

/*
 * Whether a code object's file may be one: "<string>", "<frozen
 * importlib._bootstrap>" and "~" are names of none.
 */
bool place_is_path(const char *name);

/*
 * The path at which process number `i` may have found this file: *path becomes
 * it. False if there are no more places, or if the name is none of a file, as
 * "<string>".
 */
bool place_path(const struct profile *p, const char *file, size_t i,
		struct text *path);

/*
 * Add the file's name made relative, and such that it does not lead out of the
 * folder where it is unpacked: without what is no part of the way (".", "//",
 * "a/.."), and without a root or ".." in front.
 */
void place_add_relative(const char *file, struct text *to);

#endif
