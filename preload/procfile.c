/* SPDX-License-Identifier: MIT */
/* See procfile.h. */
#include "procfile.h"

#include <fcntl.h>
#include <unistd.h>

#include "text.h"

bool procfile_read(const char *folder, int number, const char *name, char *to,
		   size_t size)
{
	struct text path;
	ssize_t n;
	int fd;

	text_init(&path);
	text_add(&path, folder);
	text_add_number(&path, (uint64_t)number);
	text_add(&path, "/");
	text_add(&path, name);
	fd = open(path.at, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, to, size - 1);
	if (fd >= 0)
		close(fd);
	to[n > 0 ? n : 0] = '\0';
	return n > 0;
}
