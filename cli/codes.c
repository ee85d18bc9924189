/* SPDX-License-Identifier: MIT */
/* Definitions are kept as the log has them until a sample asks; see codes.h. */
#include "codes.h"

#include <stdlib.h>

#include "util/die.h"
#include "util/text.h"

struct log_string {
	uint32_t id;
	const char *text; /* the profile's */
};

struct code {
	uint32_t id;
	uint32_t name, qualname, file; /* log strings */
	uint32_t first_line, print;
	bool resolved;
	uint32_t function; /* valid if resolved */
};

void codes_init(struct codes *codes, struct profile *profile)
{
	*codes = (struct codes){ .profile = profile };
	codes->unnamed = profile_mark(profile, "<code?>");
}

void codes_done(struct codes *codes)
{
	table_done(&codes->string_table);
	table_done(&codes->code_table);
	free(codes->strings);
	free(codes->codes);
}

static bool string_has_id(const void *owner, uint32_t index, const void *key)
{
	const struct codes *codes = owner;

	return codes->strings[index].id == *(const uint32_t *)key;
}

static bool code_has_id(const void *owner, uint32_t index, const void *key)
{
	const struct codes *codes = owner;

	return codes->codes[index].id == *(const uint32_t *)key;
}

static const char *find_string(const struct codes *codes, uint32_t id)
{
	uint32_t found = table_find(&codes->string_table, hash_number(id),
				    string_has_id, codes, &id);

	return found == TABLE_NONE ? NULL : codes->strings[found].text;
}

static struct code *find_code(const struct codes *codes, uint32_t id)
{
	uint32_t found = table_find(&codes->code_table, hash_number(id),
				    code_has_id, codes, &id);

	return found == TABLE_NONE ? NULL : &codes->codes[found];
}

static void add_string(struct codes *codes, uint32_t id, const char *text)
{
	codes->strings = must_grow(codes->strings, codes->string_count,
				   &codes->string_room,
				   sizeof(*codes->strings));
	codes->strings[codes->string_count] = (struct log_string){ id, text };
	table_add(&codes->string_table, hash_number(id),
		  (uint32_t)codes->string_count++);
}

static int define_string(struct codes *codes, struct cursor *c)
{
	uint32_t id = cursor_id(c);
	uint64_t kind = cursor_number(c);
	struct text text = { 0 };

	if (c->bad || kind > 4 || kind == 3)
		return -1;
	if (find_string(codes, id))
		return 0;
	text_add_python(&text, (unsigned)kind, c->at, cursor_left(c));
	add_string(
		codes, id,
		profile_string(codes->profile, text_get(&text), text.length));
	text_done(&text);
	return 0;
}

static int define_code(struct codes *codes, struct cursor *c)
{
	struct code code = { .id = cursor_id(c) };

	code.name = cursor_id(c);
	code.qualname = cursor_id(c);
	code.file = cursor_id(c);
	code.first_line = cursor_id(c);
	if (cursor_left(c))
		code.print = cursor_id(c);
	if (c->bad || !code.id)
		return -1;
	if (find_code(codes, code.id))
		return 0;
	codes->codes = must_grow(codes->codes, codes->code_count,
				 &codes->code_room, sizeof(*codes->codes));
	codes->codes[codes->code_count] = code;
	table_add(&codes->code_table, hash_number(code.id),
		  (uint32_t)codes->code_count++);
	return 0;
}

int codes_define(struct codes *codes, const struct record *rec)
{
	struct cursor c = record_cursor(rec);

	switch (rec->type) {
	case PP_STRING:
		return define_string(codes, &c);
	case PP_CODE:
		return define_code(codes, &c);
	default:
		return 0;
	}
}

/* Lines count from 1; a module's first instruction is on line 0 in 3.11 on. */
static uint32_t shown_line(uint32_t line)
{
	return line && line <= INT32_MAX ? line : 1;
}

/* The string of this id, or "?" if nothing defines it. */
static const char *obtain_string(struct codes *codes, uint32_t id)
{
	const char *text = find_string(codes, id);

	return text ? text : profile_string(codes->profile, "?", 1);
}

static void resolve(struct codes *codes, struct code *code)
{
	struct profile *p = codes->profile;
	const char *qualified = NULL;
	struct function f = { .line = code->first_line, .print = code->print };

	f.simple = obtain_string(codes, code->name);
	if (!code->file) {
		code->function = profile_mark(p, f.simple);
		code->resolved = true;
		return;
	}
	f.file = obtain_string(codes, code->file);
	if (code->qualname)
		qualified = find_string(codes, code->qualname);
	f.name = qualified ? qualified : f.simple;
	if (!function_is_c(&f))
		f.line = shown_line(f.line);
	code->function = profile_function(p, &f);
	code->resolved = true;
}

bool codes_has_line(const struct codes *codes, uint32_t id, uint32_t line)
{
	const struct code *code = find_code(codes, id);

	return code &&
	       shown_line(code->first_line + line) == code->first_line + line;
}

struct place codes_place(struct codes *codes, uint32_t id, uint32_t line)
{
	struct code *code = id ? find_code(codes, id) : NULL;

	if (!code) {
		codes->undefined |= id != 0;
		return (struct place){ codes->unnamed, 0 };
	}
	if (!code->resolved)
		resolve(codes, code);
	if (!code->file)
		return (struct place){ code->function, 0 };
	return (struct place){ code->function,
			       shown_line(code->first_line + line) };
}
