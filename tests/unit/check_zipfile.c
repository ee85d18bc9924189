/* SPDX-License-Identifier: MIT */
/* zipfile.c, or zipfile_none.c: what Python's zipfile finds in the zip. */
#include "zipfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"
#include "util/text.h"

static char folder[] = "/tmp/check_zipfile.XXXXXX";

static void set_up(struct profile *p)
{
	struct process *process;

	profile_init(p);
	process = profile_add_process(p);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	process->infos[PP_INFO_cwd] = (struct info){ folder, strlen(folder) };
}

static void tear_down(struct profile *p)
{
	struct text command = { 0 };

	text_addf(&command, "rm -r %s", folder);
	ck_assert_int_eq(system(command.at), 0);
	text_done(&command);
	profile_done(p);
}

static void add_source(struct profile *p, const char *name, const char *bytes)
{
	struct function f = { .line = 1 };
	struct text path = { 0 };
	FILE *out;

	text_addf(&path, "%s/%s", folder, name);
	f.name = f.simple = "f";
	f.file = profile_string(p, name, strlen(name));
	profile_function(p, &f);
	if (bytes) {
		out = fopen(path.at, "w");
		ck_assert_ptr_nonnull(out);
		fputs(bytes, out);
		fclose(out);
	}
	text_done(&path);
}

/* What Python prints of the zip, in *out. */
static void read_zip(const char *path, struct text *out)
{
	struct text command = { 0 };
	FILE *in;
	int c;

	text_addf(&command,
		  "python3 -c 'import sys, zipfile\n"
		  "z = zipfile.ZipFile(sys.argv[1])\n"
		  "assert z.testzip() is None\n"
		  "print([(n, z.read(n).decode(\"latin-1\"))"
		  " for n in sorted(z.namelist())])' %s",
		  path);
	in = popen(command.at, "r");
	ck_assert_ptr_nonnull(in);
	while ((c = getc(in)) != EOF)
		text_addc(out, (char)c);
	ck_assert_int_eq(pclose(in), 0);
	text_done(&command);
}

/* A build without libzip refuses; then there is no more to test. */
static bool is_there(const struct profile *p)
{
	struct err err;

	if (zipfile_check(&err) == 0)
		return true;
	ck_assert_ptr_nonnull(strstr(err.text, "libzip"));
	ck_assert_int_eq(zipfile_write("/nowhere/x.zip", p, &err), -1);
	return false;
}

START_TEST(python_finds_the_sources_as_they_are)
{
	struct text path = { 0 }, found = { 0 };
	struct profile p;
	struct err err;

	set_up(&p);
	add_source(&p, "b.py", "# coding: latin-1\n\xe9\r\n");
	add_source(&p, "empty.py", "");
	add_source(&p, "./../gone.py", NULL);
	add_source(&p, "./b.py", NULL);
	add_source(&p, "<string>", NULL);
	if (is_there(&p)) {
		text_addf(&path, "%s/out.zip", folder);
		ck_assert_int_eq(zipfile_write(path.at, &p, &err), 0);
		read_zip(path.at, &found);
		ck_assert_str_eq(found.at,
				 "[('b.py', '# coding: latin-1\\né\\r\\n'), "
				 "('empty.py', '')]\n");
	}
	text_done(&path);
	text_done(&found);
	tear_down(&p);
}
END_TEST

START_TEST(zip_without_sources_is_not_written)
{
	struct text path = { 0 };
	struct profile p;
	struct err err;

	set_up(&p);
	add_source(&p, "gone.py", NULL);
	if (is_there(&p)) {
		text_addf(&path, "%s/out.zip", folder);
		ck_assert_int_eq(zipfile_write(path.at, &p, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "no source"));
		ck_assert_int_eq(access(path.at, F_OK), -1);
	}
	text_done(&path);
	tear_down(&p);
}
END_TEST

START_TEST(zip_that_cannot_be_written_is_an_error)
{
	struct profile p;
	struct err err;

	set_up(&p);
	add_source(&p, "b.py", "pass\n");
	if (is_there(&p)) {
		ck_assert_int_eq(zipfile_write("/nowhere/x.zip", &p, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/x.zip"));
	}
	tear_down(&p);
}
END_TEST

UNIT_MAIN(zipfile, python_finds_the_sources_as_they_are,
	  zip_without_sources_is_not_written,
	  zip_that_cannot_be_written_is_an_error)
