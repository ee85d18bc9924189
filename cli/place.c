/* SPDX-License-Identifier: MIT */
/* Names of sources; see place.h. */
#include "place.h"

#include <string.h>

bool place_is_path(const char *name)
{
	size_t length = strlen(name);

	return length && strcmp(name, PP_C_FILE) != 0 &&
	       !(length > 2 && name[0] == '<' && name[length - 1] == '>');
}

bool place_path(const struct profile *p, const char *file, size_t i,
		struct text *path)
{
	const char *cwd;

	if (i >= p->process_count || !place_is_path(file))
		return false;
	text_clear(path);
	if (file[0] == '/') {
		text_adds(path, file);
		return i == 0;
	}
	cwd = p->processes[i].infos[PP_INFO_cwd].bytes;
	text_addf(path, "%s/%s", cwd ? cwd : ".", file);
	return true;
}

/* Take the last part off, or nothing if there is none. */
static void drop_part(struct text *t, size_t start)
{
	while (t->length > start && t->at[t->length - 1] != '/')
		t->length--;
	if (t->length > start)
		t->length--;
	if (t->at)
		t->at[t->length] = '\0';
}

void place_add_relative(const char *file, struct text *to)
{
	size_t start = to->length, length;

	if (!place_is_path(file)) {
		text_adds(to, file);
		return;
	}
	for (; *file; file += length) {
		file += strspn(file, "/");
		length = strcspn(file, "/");
		if (length == 0 || (length == 1 && file[0] == '.'))
			continue;
		if (length == 2 && strncmp(file, "..", 2) == 0) {
			drop_part(to, start);
			continue;
		}
		if (to->length > start)
			text_addc(to, '/');
		text_add(to, file, length);
	}
}
