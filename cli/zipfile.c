/* SPDX-License-Identifier: MIT */
/* Collects the sources and hands them to libzip; see zipfile.h. */
#include "zipfile.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "place.h"
#include "source.h"

#define NS_PER_S    1000000000
#define MEMBER_MODE 0100644u

struct archive {
	zip_t *zip;
	struct profile names; /* members so far, as marks */
};

int zipfile_check(struct err *err)
{
	(void)err;
	return 0;
}

/* Whether no member has this name yet. */
static bool is_new(struct archive *a, const char *name)
{
	size_t before = a->names.function_count;

	profile_mark(&a->names, name);
	return a->names.function_count > before;
}

/* A copy of the bytes that libzip frees; one of nothing it would not free. */
static zip_source_t *source_of(struct archive *a, const struct text *bytes)
{
	zip_source_t *source;
	void *copy;

	if (!bytes->length)
		return zip_source_buffer(a->zip, NULL, 0, 0);
	copy = must_alloc(bytes->length);
	memcpy(copy, bytes->at, bytes->length);
	source = zip_source_buffer(a->zip, copy, bytes->length, 1);
	if (!source)
		free(copy);
	return source;
}

static int add_member(struct archive *a, const char *name,
		      const struct text *bytes, int64_t changed_ns)
{
	zip_source_t *source = source_of(a, bytes);
	zip_int64_t index;

	if (!source)
		return -1;
	index = zip_file_add(a->zip, name, source, ZIP_FL_ENC_GUESS);
	if (index < 0) {
		zip_source_free(source);
		return -1;
	}
	zip_file_set_external_attributes(a->zip, (zip_uint64_t)index, 0,
					 ZIP_OPSYS_UNIX, MEMBER_MODE << 16);
	return zip_file_set_mtime(a->zip, (zip_uint64_t)index,
				  (time_t)(changed_ns / NS_PER_S), 0);
}

/* The first of the places that can be read. */
static int read_source(const struct profile *p, const char *file,
		       struct text *bytes, int64_t *changed_ns)
{
	struct text path = { 0 };
	int result = -1;
	size_t i;

	for (i = 0; result < 0 && place_path(p, file, i, &path); i++)
		result = source_read(path.at, bytes, changed_ns);
	text_done(&path);
	return result;
}

static int add_source(struct archive *a, const struct profile *p,
		      const char *file)
{
	struct text bytes = { 0 }, name = { 0 };
	int64_t changed_ns = 0;
	int result = 0;

	place_add_relative(file, &name);
	if (is_new(a, text_get(&name)) &&
	    read_source(p, file, &bytes, &changed_ns) == 0)
		result = add_member(a, name.at, &bytes, changed_ns);
	text_done(&bytes);
	text_done(&name);
	return result;
}

static int add_sources(struct archive *a, const struct profile *p)
{
	const char *file;
	size_t i;

	for (i = 0; i < p->function_count; i++) {
		file = p->functions[i].file;
		if (file && add_source(a, p, file) < 0)
			return -1;
	}
	return 0;
}

static int refuse_with(struct err *err, const char *path, zip_error_t *why)
{
	err_set(err, "%.300s: %.150s", path, zip_error_strerror(why));
	zip_error_fini(why);
	return -1;
}

/* Fill it and write it; on failure the zip is still open. */
static int fill(struct archive *a, const char *path, const struct profile *p,
		struct err *err)
{
	if (add_sources(a, p) < 0)
		return refuse_with(err, path, zip_get_error(a->zip));
	if (zip_get_num_entries(a->zip, 0) <= 0)
		return err_set(err,
			       "%.300s: not written, as no source can be "
			       "read",
			       path);
	if (zip_close(a->zip) < 0)
		return refuse_with(err, path, zip_get_error(a->zip));
	return 0;
}

int zipfile_write(const char *path, const struct profile *p, struct err *err)
{
	struct archive a = { 0 };
	zip_error_t why;
	int code, result;

	a.zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
	if (!a.zip) {
		zip_error_init_with_code(&why, code);
		return refuse_with(err, path, &why);
	}
	profile_init(&a.names);
	result = fill(&a, path, p, err);
	if (result < 0)
		zip_discard(a.zip);
	profile_done(&a.names);
	return result;
}
