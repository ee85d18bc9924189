/* SPDX-License-Identifier: MIT */
/* Definitions are kept as the log has them until a sample asks; see codes.h. */
#include "codes.h"

#include <stdlib.h>
#include <string.h>

#include "util/die.h"
#include "util/text.h"

struct log_string {
	uint32_t id;
	const char *text; /* the profile's */
};

/* A part of a line table; parts may come in any order. */
struct piece {
	struct piece *next;
	uint64_t offset;
	size_t size;
	uint8_t bytes[];
};

struct code {
	uint32_t id;
	uint32_t name, qualname, file; /* log strings */
	uint32_t first_line;
	unsigned kind; /* enum pp_lines */
	uint64_t total;
	struct piece *pieces;
	bool defined;  /* the CODE record was read, not only LINES */
	bool resolved; /* what follows is valid */
	uint32_t function;
	struct lines lines;
};

void codes_init(struct codes *codes, struct profile *profile)
{
	*codes = (struct codes){ .profile = profile };
	codes->unnamed = profile_mark(profile, "<code?>");
}

void codes_done(struct codes *codes)
{
	arena_done(&codes->arena);
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

/* The code of this id, which is added if nothing was known of it. */
static struct code *obtain_code(struct codes *codes, uint32_t id)
{
	struct code *code = find_code(codes, id);

	if (code)
		return code;
	codes->codes = must_grow(codes->codes, codes->code_count,
				 &codes->code_room, sizeof(*codes->codes));
	code = &codes->codes[codes->code_count];
	*code = (struct code){ .id = id };
	table_add(&codes->code_table, hash_number(id),
		  (uint32_t)codes->code_count++);
	return code;
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
	codes->strings = must_grow(codes->strings, codes->string_count,
				   &codes->string_room,
				   sizeof(*codes->strings));
	codes->strings[codes->string_count] = (struct log_string){
		.id = id,
		.text = profile_string(codes->profile, text_get(&text),
				       text.length),
	};
	table_add(&codes->string_table, hash_number(id),
		  (uint32_t)codes->string_count++);
	text_done(&text);
	return 0;
}

static void add_piece(struct codes *codes, struct code *code, uint64_t offset,
		      const struct cursor *c)
{
	size_t size = cursor_left(c);
	struct piece *piece;

	piece = arena_alloc(&codes->arena, sizeof(*piece) + size);
	*piece = (struct piece){ code->pieces, offset, size };
	if (size)
		memcpy(piece->bytes, c->at, size);
	code->pieces = piece;
}

static int define_code(struct codes *codes, struct cursor *c)
{
	struct code new = { .id = cursor_id(c), .defined = true }, *code;

	new.name = cursor_id(c);
	new.qualname = cursor_id(c);
	new.file = cursor_id(c);
	new.first_line = cursor_id(c);
	new.kind = cursor_id(c);
	new.total = cursor_number(c);
	if (c->bad || !new.id)
		return -1;
	code = obtain_code(codes, new.id);
	if (code->defined)
		return 0;
	new.pieces = code->pieces;
	*code = new;
	add_piece(codes, code, 0, c);
	return 0;
}

static int define_lines(struct codes *codes, struct cursor *c)
{
	uint32_t id = cursor_id(c);
	uint64_t offset = cursor_number(c);

	if (c->bad)
		return -1;
	add_piece(codes, obtain_code(codes, id), offset, c);
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
	case PP_LINES:
		return define_lines(codes, &c);
	default:
		return 0;
	}
}

/* Join the pieces as far as they are without a gap. */
static void join_pieces(const struct code *code, struct text *table)
{
	const struct piece *piece, *next;
	uint64_t skip;

	do {
		next = NULL;
		for (piece = code->pieces; piece; piece = piece->next)
			if (piece->offset <= table->length &&
			    piece->offset + piece->size > table->length)
				next = piece;
		if (next) {
			skip = table->length - next->offset;
			text_add(table, next->bytes + skip, next->size - skip);
		}
	} while (next);
}

/* The name that is shown, and the place in the source. */
static struct function code_function(const struct codes *codes,
				     const struct code *code)
{
	const char *name = NULL, *file = find_string(codes, code->file);

	if (code->qualname)
		name = find_string(codes, code->qualname);
	if (!name)
		name = find_string(codes, code->name);
	return (struct function){
		.name = name ? name : profile_string(codes->profile, "?", 1),
		.file = file ? file : profile_string(codes->profile, "?", 1),
		.line = code->first_line ? code->first_line : 1,
	};
}

static void resolve(struct codes *codes, struct code *code)
{
	struct function f = code_function(codes, code);
	struct text table = { 0 };
	struct line_table t;

	join_pieces(code, &table);
	t = (struct line_table){
		.kind = code->kind,
		.bytes = (const uint8_t *)text_get(&table),
		.size = table.length,
		.complete = table.length == code->total,
		.first_line = code->first_line,
	};
	f.table = hash_join(hash_bytes(t.bytes, t.size), code->kind);
	code->function = profile_function(codes->profile, &f);
	lines_decode(&code->lines, &t, &codes->arena);
	code->resolved = true;
	text_done(&table);
}

struct place codes_place(struct codes *codes, uint32_t id, uint32_t position)
{
	struct code *code = id ? find_code(codes, id) : NULL;
	uint32_t line;

	if (!code || !code->defined) {
		codes->undefined |= id != 0;
		return (struct place){ codes->unnamed, 0 };
	}
	if (!code->resolved)
		resolve(codes, code);
	line = codes->profile->functions[code->function].line;
	if (position) {
		uint32_t found = lines_find(&code->lines,
					    lines_offset(code->kind, position));

		codes->lines_missing |= !found;
		line = found ? found : line;
	}
	return (struct place){ code->function, line };
}
