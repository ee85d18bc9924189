/* SPDX-License-Identifier: MIT */
/* Inclusions, exclusions and the profiled processes' sys.path; see filter.h. */
#include "filter.h"

#include <stdlib.h>
#include <string.h>

static int compile(struct pattern *to, const char *expression, struct err *err)
{
	int failed = regcomp(&to->regex, expression, REG_EXTENDED | REG_NOSUB);

	if (!failed)
		return 0;
	regerror(failed, &to->regex, err->text, sizeof(err->text));
	return -1;
}

static void free_patterns(struct pattern *patterns, size_t count)
{
	while (count > 0)
		regfree(&patterns[--count].regex);
	free(patterns);
}

void filter_done(struct filter *f)
{
	free_patterns(f->includes, f->include_count);
	free_patterns(f->excludes, f->exclude_count);
}

int filter_include(struct filter *f, const char *expression, struct err *err)
{
	f->includes = must_grow(f->includes, f->include_count, &f->include_room,
				sizeof(*f->includes));
	if (compile(&f->includes[f->include_count], expression, err) < 0)
		return -1;
	f->include_count++;
	return 0;
}

int filter_exclude(struct filter *f, const char *expression, struct err *err)
{
	f->excludes = must_grow(f->excludes, f->exclude_count, &f->exclude_room,
				sizeof(*f->excludes));
	if (compile(&f->excludes[f->exclude_count], expression, err) < 0)
		return -1;
	f->exclude_count++;
	return 0;
}

static bool any_matches(const struct pattern *patterns, size_t count,
			const char *file)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (regexec(&patterns[i].regex, file, 0, NULL, 0) == 0)
			return true;
	return false;
}

/* Whether `file` lies in the folder (or the zip archive) `path`. */
static bool is_below(const char *file, const char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	return length && strncmp(file, path, length) == 0 &&
	       (file[length] == '/' || path[length - 1] == '/');
}

/* Whether `path` belongs to the Python installation: below a prefix's lib. */
static bool is_installed(const struct process *process, const char *path)
{
	const struct info *prefixes = &process->infos[PP_INFO_sys_prefix];
	const char *prefix = NULL;
	size_t length;

	while ((prefix = info_next(prefixes, prefix))) {
		length = strlen(prefix);
		if (length && strncmp(path, prefix, length) == 0 &&
		    strncmp(path + length, "/lib", 4) == 0)
			return true;
	}
	return false;
}

/*
 * Whether the file comes from the process's sys.path. Its first entry is the
 * program's own folder, and stays out unless it is part of the installation.
 */
static bool in_syspath(const struct process *process, const char *file)
{
	const struct info *paths = &process->infos[PP_INFO_sys_path];
	const char *path = NULL;

	while ((path = info_next(paths, path))) {
		if (path == paths->bytes && !is_installed(process, path))
			continue;
		if (is_below(file, path))
			return true;
	}
	return false;
}

bool filter_is_library(const struct profile *p, uint32_t process,
		       uint32_t function)
{
	const char *file = p->functions[function].file;

	return file && in_syspath(&p->processes[process], file);
}

static bool in_any_syspath(const struct profile *p, const char *file)
{
	size_t i;

	for (i = 0; i < p->process_count; i++)
		if (in_syspath(&p->processes[i], file))
			return true;
	return false;
}

static bool is_left_out(const struct filter *f, const struct profile *p,
			const char *file)
{
	bool excluded = any_matches(f->excludes, f->exclude_count, file);

	if (f->exclude_syspath)
		excluded |= in_any_syspath(p, file);
	else if (f->include_count && !f->exclude_count)
		excluded = true;
	return excluded && !any_matches(f->includes, f->include_count, file);
}

bool *filter_apply(const struct filter *f, const struct profile *p)
{
	bool *left_out = must_zalloc(p->function_count, sizeof(*left_out));
	const char *file;
	size_t i;

	for (i = 0; i < p->function_count; i++) {
		file = p->functions[i].file;
		left_out[i] = is_left_out(f, p, file ? file : "");
	}
	return left_out;
}
