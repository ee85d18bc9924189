/* SPDX-License-Identifier: MIT */
/* Finding logs in a folder, for pyprof-report without a LOG. */
#ifndef NEWEST_H
#define NEWEST_H

#include <stddef.h>
#include <stdint.h>

#include "pyprof/compiler.h"

/* Names of files, oldest log first. */
struct log_list {
	char **paths;
	size_t count;
};

void log_list_done(struct log_list *l);

/* The logs of the newest session in the current directory. */
void logs_of_newest_session(struct log_list *l);

/* The logs of this session in all folders of this pattern of glob(3)'s. */
void logs_of_session(struct log_list *l, const char *folders,
		     const uint64_t session[2]);

#endif
