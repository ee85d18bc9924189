/* SPDX-License-Identifier: MIT */
/* tables.c: where structs lie, open calls, and numbers that cannot be. */
#include "tables.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "unit.h"
#include "util/text.h"

#define BEGIN_TICKS 1000u /* of the log, which is 0 ns; a tick is 2 ns */
#define END_NS	    20000u

static struct pp_header header;
static struct text records;
static int damages;

static void begin_log(void)
{
	header = (struct pp_header){
		.magic = PP_MAGIC,
		.order = PP_ORDER,
		.major = PP_MAJOR,
		.minor = PP_MINOR,
		.header_bytes = PP_HEADER_BYTES,
		.unit_ns = 1,
		.mode = PP_MODE_NONE,
		.ended = PP_ENDED_EXIT,
		.end_ns = END_NS,
		.trace = PP_TRACE_LINES,
		.tick_ticks = { BEGIN_TICKS, BEGIN_TICKS + 100 },
		.tick_ns_at = { 0, 200 },
	};
	text_clear(&records);
	/* OWNER 0, seq 0; CODE 1 and 2, of lines 10 and 20 */
	text_add(&records, "\1\4\0\0\0\0", 6);
	text_add(&records, "\6\5\1\1\0\2\12", 7);
	text_add(&records, "\6\5\2\1\0\2\24", 7);
}

/* A table of `numbers` bytes and structs; short of 128 bytes, or it is big. */
static void add_table(uint8_t type, size_t numbers, const void *structs,
		      size_t bytes)
{
	static const uint8_t zeros[PP_TABLE_ALIGN];
	size_t at = PP_HEADER_BYTES + sizeof(struct pp_chunk) + records.length;
	size_t gap = -(at + 3 + numbers) % PP_TABLE_ALIGN;
	size_t length = numbers + gap + bytes;

	text_addc(&records, (char)type);
	text_addc(&records, (char)((length & 0x7f) | 0x80));
	text_addc(&records, (char)(length >> 7));
	text_add(&records, zeros, numbers + gap);
	text_add(&records, structs, bytes);
}

static void add_edges(const struct pp_edge *edges, size_t count)
{
	add_table(PP_EDGES, 1, edges, count * sizeof(*edges));
}

struct open_table {
	struct pp_open head;
	struct pp_open_call calls[4];
};

static void add_open(const struct open_table *open, size_t calls)
{
	add_table(PP_OPEN, 0, open,
		  sizeof(open->head) + calls * sizeof(open->calls[0]));
}

static void count_damage(const char *path, const struct damage *damage)
{
	(void)path;
	(void)damage;
	damages++;
}

static void load(struct profile *p)
{
	struct pp_chunk c = { PP_CHUNK_MAGIC, PP_PAGE, 0, 0 };
	static const char zeros[PP_HEADER_BYTES];
	FILE *file = tmpfile();
	struct err err;

	c.used = (uint32_t)(sizeof(c) + records.length);
	fwrite(&header, sizeof(header), 1, file);
	fwrite(zeros, sizeof(zeros) - sizeof(header), 1, file);
	fwrite(&c, sizeof(c), 1, file);
	fwrite(records.at, records.length, 1, file);
	fflush(file);
	damages = 0;
	profile_init(p);
	ck_assert_int_eq(load_fd(p, dup(fileno(file)), "log",
				 &(struct load_options){ 0 }, count_damage,
				 &err),
			 0);
	fclose(file);
}

START_TEST(tables_begin_at_a_multiple_in_the_file)
{
	struct pp_edge edge = { .callee = 1, .calls = 7, .self = 3 };
	struct profile p;
	int i;

	for (i = 0; i < 70; i++) {
		begin_log();
		text_add(&records, "\11", 1);
		text_addc(&records, (char)(i + 1));
		text_addc(&records, 8);
		text_add(&records,
			 "01234567890123456789012345678901234567890"
			 "12345678901234567890123456789",
			 (size_t)i);
		add_edges(&edge, 1);
		load(&p);
		ck_assert_int_eq(damages, 0);
		ck_assert_uint_eq(p.traced_call_count, 1);
		ck_assert_uint_eq(p.traced_calls[0].calls, 7);
		ck_assert_uint_eq(p.traced_calls[0].self_ns, 6);
		profile_done(&p);
	}
}
END_TEST

/* 1 calls 2, which calls 1, which calls 1, which goes on. */
static const struct pp_edge nested[] = {
	{ .callee = 1, .calls = 1, .open = 1 },
	{ .callee = 2, .caller = 1, .line = 3, .calls = 1, .open = 1 },
	{ .callee = 1, .caller = 2, .calls = 1, .open = 1, .recursive = 1 },
	{ .callee = 1, .caller = 1, .calls = 1, .open = 1, .recursive = 1 },
	{ .callee = 0 },
	{ .callee = 2, .calls = 99 },
};
static const struct open_table nested_open = {
	.head = { .last = BEGIN_TICKS + 8000, .own = 50, .depth = 4 },
	.calls = { { .begun = BEGIN_TICKS, .edge = 0 },
		   { .begun = BEGIN_TICKS + 1000, .own = 10, .edge = 1 },
		   { .begun = BEGIN_TICKS + 2000, .own = 20, .edge = 2 },
		   { .begun = BEGIN_TICKS + 3000, .own = 30, .edge = 3 } },
};

START_TEST(tables_close_open_calls_at_the_end)
{
	const struct traced_call *c;
	struct profile p;

	begin_log();
	add_edges(nested, ARRAY_LEN(nested));
	add_open(&nested_open, 4);
	load(&p);
	ck_assert_int_eq(damages, 0);
	ck_assert_uint_eq(p.traced_call_count, 4);
	c = p.traced_calls;
	ck_assert_uint_eq(c[0].total_ns, END_NS);
	ck_assert_uint_eq(c[0].own_ns, 100);
	ck_assert_uint_eq(c[0].caller, FUNCTION_NONE);
	ck_assert_uint_eq(c[1].total_ns, END_NS - 2000);
	ck_assert_uint_eq(c[1].line, 13);
	ck_assert_uint_eq(c[2].total_ns, 0);
	ck_assert_uint_eq(c[2].rest_ns, END_NS - 4000);
	ck_assert_uint_eq(c[2].rest_own_ns, 60);
	ck_assert_uint_eq(c[3].rest_ns, END_NS - 6000);
	ck_assert_uint_eq(c[3].self_ns, END_NS - 16000);
	ck_assert_uint_eq(c[0].self_ns, 0);
	profile_done(&p);
}
END_TEST

START_TEST(tables_close_where_the_thread_ended)
{
	struct profile p;

	begin_log();
	add_edges(nested, ARRAY_LEN(nested));
	add_open(&nested_open, 4);
	/* THREAD_END 0 at 18000 ns */
	text_add(&records, "\3\5\0\xd0\x8c\1\0", 7);
	load(&p);
	ck_assert_uint_eq(p.traced_calls[0].total_ns, 18000);
	ck_assert_uint_eq(p.traced_calls[3].self_ns, 2000);
	profile_done(&p);
}
END_TEST

START_TEST(tables_of_a_killed_process_end_with_its_last_event)
{
	struct profile p;

	begin_log();
	header.ended = PP_ENDED_NOT;
	add_edges(nested, ARRAY_LEN(nested));
	add_open(&nested_open, 4);
	load(&p);
	ck_assert_uint_eq(p.traced_calls[0].total_ns, 16000);
	ck_assert_uint_eq(p.traced_calls[3].self_ns, 0);
	ck_assert_uint_eq(p.processes[0].last_ns, 16000);
	profile_done(&p);
}
END_TEST

START_TEST(tables_take_the_open_calls_of_the_last_segment)
{
	struct open_table none = { .head = { .last = BEGIN_TICKS + 9000 } };
	struct profile p;

	begin_log();
	add_edges(nested, ARRAY_LEN(nested));
	text_add(&records, "\1\4\0\2\0\0", 6); /* OWNER 0, seq 2 */
	add_open(&none, 0);
	text_add(&records, "\1\4\0\1\0\0", 6); /* OWNER 0, seq 1 */
	add_open(&nested_open, 4);
	load(&p);
	ck_assert_uint_eq(p.traced_calls[0].total_ns, 0);
	profile_done(&p);
}
END_TEST

START_TEST(tables_put_what_is_left_on_the_open_line)
{
	struct pp_line lines[] = {
		{ .code = 1, .line = 4, .hits = 2, .self = 5 },
		{ .code = 1, .line = 5, .hits = 1, .self = 7 },
	};
	struct pp_edge edge = { .callee = 1, .calls = 1, .open = 1 };
	struct open_table open = {
		.head = { .last = BEGIN_TICKS + 9000, .depth = 1 },
		.calls = { { .begun = BEGIN_TICKS, .line = 5 } },
	};
	struct profile p;

	begin_log();
	add_edges(&edge, 1);
	add_table(PP_LINES, 0, lines, sizeof(lines));
	add_open(&open, 1);
	load(&p);
	ck_assert_uint_eq(p.traced_line_count, 2);
	ck_assert_uint_eq(p.traced_lines[0].self_ns, 10);
	ck_assert_uint_eq(p.traced_lines[1].line, 15);
	ck_assert_uint_eq(p.traced_lines[1].self_ns, 14 + END_NS - 18000);
	profile_done(&p);
}
END_TEST

START_TEST(tables_refuse_what_makes_no_sense)
{
	struct open_table open = nested_open;
	struct pp_edge edge = { .callee = 1, .calls = UINT64_C(1) << 60 };
	struct profile p;

	begin_log();
	open.head.depth = 5;
	add_open(&open, 4);
	load(&p);
	ck_assert_int_eq(damages, 1);
	profile_done(&p);
	begin_log();
	add_edges(&edge, 1);
	load(&p);
	ck_assert_int_eq(damages, 1);
	ck_assert_uint_eq(p.traced_call_count, 0);
	profile_done(&p);
	begin_log();
	add_table(PP_OPEN, 0, &open, 8);
	load(&p);
	ck_assert_int_eq(damages, 1);
	profile_done(&p);
}
END_TEST

START_TEST(tables_tell_of_unknown_edges_unless_the_log_grows)
{
	struct profile p;

	begin_log();
	add_edges(nested, 2);
	add_open(&nested_open, 4);
	load(&p);
	ck_assert_int_eq(damages, 1);
	ck_assert_uint_eq(p.traced_calls[0].total_ns, END_NS);
	profile_done(&p);
	header.ended = PP_ENDED_NOT;
	load(&p);
	ck_assert_int_eq(damages, 0);
	profile_done(&p);
}
END_TEST

START_TEST(tables_without_a_tick_have_counts_and_no_times)
{
	struct pp_edge edge = { .callee = 1, .calls = 7, .self = 3 };
	struct profile p;

	begin_log();
	header.tick_ticks[1] = header.tick_ticks[0];
	add_edges(&edge, 1);
	add_open(&nested_open, 1);
	load(&p);
	ck_assert_uint_eq(p.traced_calls[0].calls, 7);
	ck_assert_uint_eq(p.traced_calls[0].total_ns, 0);
	ck_assert_uint_eq(p.traced_calls[0].self_ns, 0);
	ck_assert_uint_eq(p.processes[0].note_count, 1);
	profile_done(&p);
}
END_TEST

START_TEST(tables_of_version_0_are_none)
{
	struct pp_edge edge = { .callee = 1, .calls = 7, .self = 3 };
	struct profile p;

	begin_log();
	header.minor = 0;
	add_edges(&edge, 1);
	load(&p);
	ck_assert_uint_eq(profile_trace(&p), PP_TRACE_NONE);
	ck_assert_uint_eq(p.traced_call_count, 0);
	profile_done(&p);
}
END_TEST

UNIT_MAIN(tables, tables_begin_at_a_multiple_in_the_file,
	  tables_close_open_calls_at_the_end,
	  tables_close_where_the_thread_ended,
	  tables_of_a_killed_process_end_with_its_last_event,
	  tables_take_the_open_calls_of_the_last_segment,
	  tables_put_what_is_left_on_the_open_line,
	  tables_refuse_what_makes_no_sense,
	  tables_tell_of_unknown_edges_unless_the_log_grows,
	  tables_without_a_tick_have_counts_and_no_times,
	  tables_of_version_0_are_none)
