/* SPDX-License-Identifier: MIT */
/*
 * Which files a report is about, by pprofile's rules: a file is left out if an
 * exclusion matches it and no inclusion does. An inclusion without any
 * exclusion leaves out all the rest.
 *
 * Expressions are POSIX extended ones, searched for anywhere in the path.
 */
#ifndef FILTER_H
#define FILTER_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "model.h"
#include "util/die.h"

struct pattern {
	regex_t regex;
};

struct filter {
	struct pattern *includes, *excludes;
	size_t include_count, include_room;
	size_t exclude_count, exclude_room;
	bool exclude_syspath;
};

/* A filter of all zeros keeps everything. */
void filter_done(struct filter *f);

/* Returns 0, or -1 with *err filled if this is no regular expression. */
int filter_include(struct filter *f, const char *expression,
		   struct err *err) PP_MUST_CHECK;
int filter_exclude(struct filter *f, const char *expression,
		   struct err *err) PP_MUST_CHECK;

/* For each function of the profile, whether it is left out. Free it. */
bool *filter_apply(const struct filter *f,
		   const struct profile *p) PP_MUST_CHECK;

/* Whether this function of the process is one of a library on its sys.path. */
bool filter_is_library(const struct profile *p, uint32_t process,
		       uint32_t function) PP_MUST_CHECK;

#endif
