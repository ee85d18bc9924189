/* SPDX-License-Identifier: MIT */
/* See usage.h. */
#include "util/usage.h"

#include <getopt.h>

int usage_error(int got, char *const *argv, struct err *err)
{
	const char *word = argv[optind - 1];

	if (got == ':')
		return err_set(err, "option '%s' needs a value", word);
	/* getopt_long() says the letter, or of a word the number if it knows */
	if (optopt && optopt < USAGE_LONG)
		return err_set(err, "unknown option '-%c'; try --help", optopt);
	if (optopt)
		return err_set(err, "option '%s' takes no value", word);
	return err_set(err, "unknown option '%s'; try --help", word);
}
