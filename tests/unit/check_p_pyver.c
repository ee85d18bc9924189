/* SPDX-License-Identifier: MIT */
/* pyver/: which versions are known, and that their rows are complete. */
#include "pyver/pyver.h"

#include "unit.h"

#define OLDEST 8
#define NEWEST 15

START_TEST(pyver_knows_every_version)
{
	int minor;

	for (minor = OLDEST; minor <= NEWEST; minor++) {
		const struct pyver *v = pyver_find(minor);

		ck_assert_msg(v != NULL, "3.%d is missing", minor);
		ck_assert_int_eq(v->minor, minor);
	}
}
END_TEST

START_TEST(pyver_knows_no_other)
{
	ck_assert_ptr_null(pyver_find(OLDEST - 1));
	ck_assert_ptr_null(pyver_find(NEWEST + 1));
	ck_assert_ptr_null(pyver_find(0));
	ck_assert_ptr_null(pyver_find(-1));
}
END_TEST

START_TEST(pyver_walks_each_version_its_way)
{
	static const int walks[] = {
		PYVER_FRAME_OBJECTS, PYVER_FRAME_OBJECTS, PYVER_FRAME_OBJECTS,
		PYVER_CFRAME,	     PYVER_CFRAME,	  PYVER_CURRENT_FRAME,
		PYVER_CURRENT_FRAME, PYVER_CURRENT_FRAME,
	};
	int minor;

	for (minor = OLDEST; minor <= NEWEST; minor++)
		ck_assert_int_eq(pyver_find(minor)->walk,
				 walks[minor - OLDEST]);
}
END_TEST

START_TEST(pyver_reads_each_version_s_lines_its_way)
{
	static const int lines[] = {
		PYVER_LINES_LNOTAB,    PYVER_LINES_LNOTAB,
		PYVER_LINES_LINETABLE, PYVER_LINES_LOCATIONS,
		PYVER_LINES_LOCATIONS, PYVER_LINES_LOCATIONS,
		PYVER_LINES_LOCATIONS, PYVER_LINES_LOCATIONS,
	};
	int minor;

	for (minor = OLDEST; minor <= NEWEST; minor++)
		ck_assert_int_eq(pyver_find(minor)->lines,
				 lines[minor - OLDEST]);
}
END_TEST

/* Fields without which a version cannot be sampled, first and last to need. */
#define NEEDED(X)                                                              \
	X(ob_type, OLDEST, NEWEST)                                             \
	X(ob_size, OLDEST, NEWEST)                                             \
	X(tp_dealloc, OLDEST, NEWEST)                                          \
	X(ts_interp, OLDEST, NEWEST)                                           \
	X(ts_frame, OLDEST, 10)                                                \
	X(ts_frame, 13, NEWEST)                                                \
	X(ts_cframe, 11, 12)                                                   \
	X(ts_thread_id, OLDEST, NEWEST)                                        \
	X(ts_exc, OLDEST, NEWEST)                                              \
	X(ts_active_byte, 12, 13)                                              \
	X(ts_active_mask, 12, 13)                                              \
	X(ts_holds_gil, 14, NEWEST)                                            \
	X(ts_datastack_chunk, 11, 12)                                          \
	X(ts_datastack_top, 11, 12)                                            \
	X(cf_current_frame, 11, 12)                                            \
	X(cf_previous, 11, 12)                                                 \
	X(f_back, OLDEST, NEWEST)                                              \
	X(f_code, OLDEST, NEWEST)                                              \
	X(f_lasti, OLDEST, 10)                                                 \
	X(f_instr, 11, NEWEST)                                                 \
	X(f_owner, 11, NEWEST)                                                 \
	X(f_is_entry, 11, 11)                                                  \
	X(chunk_previous, 11, 12)                                              \
	X(chunk_top, 11, 12)                                                   \
	X(chunk_data, 11, 12)                                                  \
	X(gen_iframe, 11, 12)                                                  \
	X(co_name, OLDEST, NEWEST)                                             \
	X(co_qualname, 11, NEWEST)                                             \
	X(co_filename, OLDEST, NEWEST)                                         \
	X(co_firstlineno, OLDEST, NEWEST)                                      \
	X(co_linetable, OLDEST, NEWEST)                                        \
	X(co_code_adaptive, 11, NEWEST)                                        \
	X(uni_length, OLDEST, NEWEST)                                          \
	X(uni_state, OLDEST, NEWEST)                                           \
	X(uni_kind_shift, OLDEST, NEWEST)                                      \
	X(uni_kind_mask, OLDEST, NEWEST)                                       \
	X(uni_compact_mask, OLDEST, NEWEST)                                    \
	X(uni_ascii_mask, OLDEST, NEWEST)                                      \
	X(uni_ascii_size, OLDEST, NEWEST)                                      \
	X(uni_compact_size, OLDEST, NEWEST)                                    \
	X(bytes_sval, OLDEST, NEWEST)                                          \
	X(in_gc_collecting, 9, NEWEST)                                         \
	X(rt_gc_collecting, OLDEST, 8)                                         \
	X(rt_tstate_current, OLDEST, 11)                                       \
	X(rt_search, OLDEST, NEWEST)                                           \
	X(dbg_in_gc, 13, NEWEST)                                               \
	X(dbg_gc_collecting, 13, NEWEST)                                       \
	X(owner_generator, 11, 11)                                             \
	X(owner_shim, 12, NEWEST)                                              \
	X(executable_mask, OLDEST, NEWEST)                                     \
	X(lasti_scale, OLDEST, NEWEST)

START_TEST(pyver_rows_have_what_is_needed)
{
	int minor;

	for (minor = OLDEST; minor <= NEWEST; minor++) {
		const struct pyver *v = pyver_find(minor);

#define X(name, first, last)                                                   \
	ck_assert_msg(minor<(first) || minor>(last) || v->name != PYVER_NONE,  \
		      "3.%d has no " #name, minor);
		NEEDED(X)
#undef X
	}
}
END_TEST

START_TEST(pyver_fields_that_are_loaded_whole_are_aligned)
{
	int minor;

	for (minor = OLDEST; minor <= NEWEST; minor++) {
		const struct pyver *v = pyver_find(minor);

		ck_assert_int_eq(v->f_back % 8, 0);
		ck_assert_int_eq(v->f_code % 8, 0);
		ck_assert_int_eq(v->co_linetable % 8, 0);
		ck_assert_int_eq(v->uni_length % 8, 0);
		ck_assert_int_eq(v->ts_exc % 8, 0);
		ck_assert_int_eq(v->co_firstlineno % 4, 0);
		ck_assert_int_eq(v->uni_state % 4, 0);
	}
}
END_TEST

UNIT_MAIN(pyver, pyver_knows_every_version, pyver_knows_no_other,
	  pyver_walks_each_version_its_way,
	  pyver_reads_each_version_s_lines_its_way,
	  pyver_rows_have_what_is_needed,
	  pyver_fields_that_are_loaded_whole_are_aligned)
