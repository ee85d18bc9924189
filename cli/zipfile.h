/* SPDX-License-Identifier: MIT */
/*
 * A zip of the sources that a profile is about, whatever the filters leave
 * out, for those who read a callgrind file on another machine: members are
 * named as a callgrind file with relative paths names them. zipfile.c, or
 * zipfile_none.c where there is no libzip.
 */
#ifndef ZIPFILE_H
#define ZIPFILE_H

#include "model.h"
#include "util/die.h"

/* Whether zips can be written; else -1 with *err filled. */
int zipfile_check(struct err *err) PP_MUST_CHECK;

/*
 * Write or replace the zip at `path`. Sources that cannot be read are left
 * out; -1 with *err filled if none is left, or the zip cannot be written.
 */
int zipfile_write(const char *path, const struct profile *p,
		  struct err *err) PP_MUST_CHECK;

#endif
