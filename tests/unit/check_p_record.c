/* SPDX-License-Identifier: MIT */
/* safe/record.c: numbers and frames of records, byte for byte. */
#include "safe/record.h"

#include "unit_log.h"

static const struct {
	uint64_t value;
	uint8_t bytes[PP_VARINT_MAX];
	uint32_t length;
} varints[] = {
	{ 0, { 0 }, 1 },
	{ 1, { 1 }, 1 },
	{ 127, { 127 }, 1 },
	{ 128, { 0x80, 1 }, 2 },
	{ 300, { 0xac, 2 }, 2 },
	{ 16383, { 0xff, 0x7f }, 2 },
	{ 16384, { 0x80, 0x80, 1 }, 3 },
	{ UINT32_MAX, { 0xff, 0xff, 0xff, 0xff, 0x0f }, 5 },
	{ UINT64_MAX,
	  { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 },
	  10 },
};

START_TEST(record_writes_varints)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(varints); i++) {
		uint8_t bytes[PP_VARINT_MAX];
		uint8_t *end = put_varint(bytes, varints[i].value);

		ck_assert_uint_eq((size_t)(end - bytes), varints[i].length);
		ck_assert_mem_eq(bytes, varints[i].bytes, varints[i].length);
	}
}
END_TEST

START_TEST(record_knows_the_length_of_varints)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(varints); i++)
		ck_assert_uint_eq(varint_bytes(varints[i].value),
				  varints[i].length);
}
END_TEST

START_TEST(record_writes_signed_numbers_as_zigzag)
{
	static const struct {
		int64_t value;
		uint64_t zigzag;
	} cases[] = {
		{ 0, 0 },
		{ -1, 1 },
		{ 1, 2 },
		{ -2, 3 },
		{ 1000, 2000 },
		{ INT64_MAX, UINT64_MAX - 1 },
		{ INT64_MIN, UINT64_MAX },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_uint_eq(zigzag(cases[i].value), cases[i].zigzag);
}
END_TEST

START_TEST(record_has_type_length_numbers_and_bytes)
{
	uint64_t numbers[2] = { 300, 1 };
	struct log_record r;
	struct thread *t;

	log_set_up();
	t = log_thread(42);
	ck_assert_int_eq(record_write(t, PP_STRING, numbers, 2, "abc", 3), 0);
	r = log_record(&t->chunk, 1);
	ck_assert_int_eq(r.type, PP_STRING);
	ck_assert_uint_eq(r.length, 6);
	ck_assert_mem_eq(r.body,
			 "\xac\x02\x01"
			 "abc",
			 6);
}
END_TEST

START_TEST(record_has_a_length_of_two_bytes_when_it_must)
{
	char bytes[127] = { 0 };
	uint64_t number = 0;
	struct thread *t;

	log_set_up();
	t = log_thread(42);
	ck_assert_int_eq(record_write(t, PP_INFO, &number, 1, bytes, 126), 0);
	ck_assert_int_eq(record_write(t, PP_INFO, &number, 1, bytes, 127), 0);
	ck_assert_uint_eq(log_record(&t->chunk, 1).length, 127);
	ck_assert_uint_eq(log_record(&t->chunk, 2).length, 128);
	ck_assert_int_eq(log_record(&t->chunk, 3).type, 0);
}
END_TEST

START_TEST(record_may_be_empty_but_for_numbers)
{
	struct log_record r;
	struct thread *t;

	log_set_up();
	t = log_thread(42);
	ck_assert_int_eq(record_write(t, PP_INFO, NULL, 0, NULL, 0), 0);
	r = log_record(&t->chunk, 1);
	ck_assert_int_eq(r.type, PP_INFO);
	ck_assert_uint_eq(r.length, 0);
}
END_TEST

START_TEST(record_says_so_when_there_is_no_room)
{
	uint64_t number = 1;
	struct thread *t;

	log_set_up();
	t = log_thread(42);
	t->maps = 0;
	ck_assert_int_eq(record_write(t, PP_INFO, &number, 1, "abc", 3), -1);
	ck_assert_ptr_null(t->chunk.base);
}
END_TEST

START_TEST(record_larger_than_a_chunk_is_refused)
{
	static char bytes[CHUNK_BYTES];
	struct thread *t;

	log_set_up();
	t = log_thread(42);
	ck_assert_int_eq(
		record_write(t, PP_INFO, NULL, 0, bytes, sizeof(bytes)), -1);
	ck_assert_uint_eq(atomic_load(&state->log_stuck), 0);
	ck_assert_int_eq(record_write(t, PP_INFO, NULL, 0, bytes, 3), 0);
}
END_TEST

START_TEST(record_of_nearly_a_chunk_is_taken)
{
	static char bytes[CHUNK_BYTES - 100];
	struct thread *t;

	log_set_up();
	t = log_thread(42);
	ck_assert_int_eq(
		record_write(t, PP_INFO, NULL, 0, bytes, sizeof(bytes)), 0);
	ck_assert_uint_eq(log_record(&t->chunk, 1).length, sizeof(bytes));
}
END_TEST

START_TEST(record_announces_a_thread_once)
{
	struct log_record r;
	struct thread *t;

	log_set_up();
	t = log_thread(42);
	ck_assert_int_eq(record_announce(t, t), 0);
	ck_assert_int_eq(record_announce(t, t), 0);
	r = log_record(&t->chunk, 1);
	ck_assert_int_eq(r.type, PP_THREAD);
	log_assert_number(r.body, t->number);
	log_assert_number(r.body, 42);
	log_assert_number(r.body, PP_THREAD_CREATED);
	log_assert_number(r.body, 7);
	log_assert_number(r.body, 3);
	ck_assert_int_eq(log_record(&t->chunk, 2).type, 0);
}
END_TEST

START_TEST(record_announces_again_what_had_no_room)
{
	struct thread *t;

	log_set_up();
	t = log_thread(42);
	t->maps = 0;
	ck_assert_int_eq(record_announce(t, t), -1);
	t->maps = 1;
	ck_assert_int_eq(record_announce(t, t), 0);
	ck_assert_int_eq(log_record(&t->chunk, 1).type, PP_THREAD);
}
END_TEST

START_TEST(record_of_a_thread_s_end_may_stand_in_another_s_chunk)
{
	struct thread *t, *other;
	struct log_record r;

	log_set_up();
	t = log_thread(42);
	other = log_thread(43);
	ck_assert_int_eq(record_thread_end(t, other->number, 20 * PP_UNIT_NS,
					   10 * PP_UNIT_NS + 5),
			 0);
	r = log_record(&t->chunk, 1);
	ck_assert_int_eq(r.type, PP_THREAD_END);
	log_assert_number(r.body, other->number);
	log_assert_number(r.body, 20);
	log_assert_number(r.body, 10);
	ck_assert_ptr_null(other->chunk.base);
}
END_TEST

UNIT_MAIN(record, record_writes_varints, record_knows_the_length_of_varints,
	  record_writes_signed_numbers_as_zigzag,
	  record_has_type_length_numbers_and_bytes,
	  record_has_a_length_of_two_bytes_when_it_must,
	  record_may_be_empty_but_for_numbers,
	  record_says_so_when_there_is_no_room,
	  record_larger_than_a_chunk_is_refused,
	  record_of_nearly_a_chunk_is_taken, record_announces_a_thread_once,
	  record_announces_again_what_had_no_room,
	  record_of_a_thread_s_end_may_stand_in_another_s_chunk)
