/* SPDX-License-Identifier: MIT */
/*
 * pyprof-report's command line, parsed. Options may stand before, between and
 * behind the logs.
 */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdio.h>

#include "formats.h"
#include "load.h"

/* What there is to do. */
enum action { ACTION_REPORT, ACTION_HELP, ACTION_VERSION, ACTION_FORMATS };

struct arguments {
	enum action action;
	const struct format *format;
	const char *output;	  /* NULL: the format's own destination */
	const char *zipfile;	  /* of the sources, or NULL */
	struct load_options load; /* its `keep` is view.keep */
	struct view_options view;
	char **logs;
	size_t log_count;
};

/*
 * Parse the command line, which is put in another order and must outlive *a.
 *
 * Returns 0, or -1 with *err filled for a usage error; arguments_done() is due
 * in both cases.
 */
int arguments_parse(struct arguments *a, int argc, char **argv,
		    struct err *err) PP_MUST_CHECK;
void arguments_done(struct arguments *a);

/* What --help prints. */
void arguments_help(FILE *out);

#endif
