/* SPDX-License-Identifier: MIT */
/* What stands for zipfile.c in a build without libzip. */
#include "zipfile.h"

int zipfile_check(struct err *err)
{
	return err_set(err, "--zipfile: built without libzip; try "
			    "apt-get install libzip-dev and build again");
}

int zipfile_write(const char *path, const struct profile *p, struct err *err)
{
	(void)path;
	(void)p;
	return zipfile_check(err);
}
