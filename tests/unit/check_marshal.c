/* SPDX-License-Identifier: MIT */
/* marshal.c: the bytes, as Python's marshal.dumps(x, 1) has them. */
#include "util/marshal.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* What was written, in hex. */
struct written {
	FILE *out;
	char *bytes;
	size_t size;
	char hex[256];
};

static struct written w;

static void set_up(void)
{
	w.out = open_memstream(&w.bytes, &w.size);
	ck_assert_ptr_nonnull(w.out);
}

static const char *hex(void)
{
	size_t i;

	fclose(w.out);
	w.hex[0] = '\0';
	for (i = 0; i < w.size; i++)
		snprintf(w.hex + 2 * i, 3, "%02x",
			 (unsigned)(unsigned char)w.bytes[i]);
	free(w.bytes);
	return w.hex;
}

START_TEST(small_number_has_four_bytes)
{
	set_up();
	marshal_int(w.out, 0);
	marshal_int(w.out, 0x12345678);
	marshal_int(w.out, INT32_MAX);
	ck_assert_str_eq(hex(), "6900000000"
				"6978563412"
				"69ffffff7f");
}
END_TEST

START_TEST(large_number_has_digits_of_15_bits)
{
	set_up();
	marshal_int(w.out, UINT64_C(1) << 31);
	marshal_int(w.out, UINT64_C(5000000000));
	ck_assert_str_eq(hex(), "6c03000000"
				"000000000200"
				"6c03000000"
				"00720b540400");
}
END_TEST

START_TEST(largest_number_has_five_digits)
{
	set_up();
	marshal_int(w.out, UINT64_MAX);
	ck_assert_str_eq(hex(), "6c05000000"
				"ff7fff7fff7fff7f0f00");
}
END_TEST

START_TEST(float_is_eight_bytes_least_first)
{
	set_up();
	marshal_float(w.out, 1.5);
	ck_assert_str_eq(hex(), "67000000000000f83f");
}
END_TEST

START_TEST(containers_have_counts_and_ends)
{
	set_up();
	marshal_begin_dict(w.out);
	marshal_tuple(w.out, 2);
	marshal_str(w.out, "a");
	marshal_str(w.out, "");
	marshal_int(w.out, 1);
	marshal_end_dict(w.out);
	ck_assert_str_eq(hex(), "7b"
				"2802000000"
				"750100000061"
				"7500000000"
				"6901000000"
				"30");
}
END_TEST

START_TEST(byte_that_is_no_utf8_becomes_a_surrogate)
{
	set_up();
	marshal_str(w.out, "\xc3\xa9\xe9.");
	ck_assert_str_eq(hex(), "7506000000"
				"c3a9"
				"edb3a9"
				"2e");
}
END_TEST

UNIT_MAIN(marshal, small_number_has_four_bytes,
	  large_number_has_digits_of_15_bits, largest_number_has_five_digits,
	  float_is_eight_bytes_least_first, containers_have_counts_and_ends,
	  byte_that_is_no_utf8_becomes_a_surrogate)
