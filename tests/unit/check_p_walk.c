/* SPDX-License-Identifier: MIT */
/*
 * safe/walk.c, on frames of every version made up in our own memory: whole
 * stacks, and what may be seen between two instructions of the interpreter.
 */
#include "safe/walk.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "safe/signals.h"
#include "safe/state.h"
#include "safe/target.h"
#include "unit.h"

#define OLDEST 8
#define NEWEST 15
#define FRAMES 16

/* Objects are this large, and each field that is loaded lies within. */
#define OBJECT 1024

/*
 * A thread with frames 0, the leaf, to FRAMES - 1 in the used part of its data
 * stack, none of them linked yet. From 3.12 on `shim` is the frame of C.
 */
static struct {
	char data_stack[64] __attribute__((aligned(16))); /* a chunk's header */
	char frames[FRAMES][OBJECT];
	char shim[OBJECT];
	char codes[FRAMES][OBJECT];
	char generator[OBJECT];
	char cframe[OBJECT], cframe_before[OBJECT];
	char chunk[OBJECT];
	char ts[OBJECT], other_ts[OBJECT];
	char interp[16384], runtime[65536];
	char code_type[OBJECT], gen_type[OBJECT], int_type[OBJECT];
	char eval[OBJECT];
} fake;

static const struct pyver *v;
static struct frame frames[4096];
static struct stack stack;

static void put(void *object, int32_t offset, const void *value)
{
	uintptr_t word = (uintptr_t)value;

	memcpy((char *)object + offset, &word, sizeof(word));
}

static void put_u8(void *object, int32_t offset, int value)
{
	((char *)object)[offset] = (char)value;
}

static void put_u32(void *object, int32_t offset, uint32_t value)
{
	memcpy((char *)object + offset, &value, sizeof(value));
}

static uintptr_t address(const void *object)
{
	return (uintptr_t)object;
}

static void *get_thread_state(void)
{
	return fake.ts;
}

/* At a guarded load that fails, go on behind it. */
static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = signals_on_fault,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction host = { .sa_handler = SIG_DFL };

	signals_set_host(SIGSEGV, &host);
	signals_set_host(SIGBUS, &host);
	ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
	ck_assert_int_eq(sigaction(SIGBUS, &action, NULL), 0);
}

/* Where nothing can be read. */
static void *hole(void)
{
	void *p = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

/* The instruction of a frame that is begun, counted as the walk does. */
static void set_position(int i, int position)
{
	if (v->f_lasti != PYVER_NONE)
		put_u32(fake.frames[i], v->f_lasti, (uint32_t)position - 1);
	else
		put(fake.frames[i], v->f_instr,
		    fake.codes[i] + v->co_code_adaptive + 2 * position - 2);
}

static void set_innermost(const void *frame)
{
	if (v->walk == PYVER_CFRAME)
		put(fake.cframe, v->cf_current_frame, frame);
	else
		put(fake.ts, v->ts_frame, frame);
}

static bool has_shims(void)
{
	return v->owner_shim != PYVER_NONE;
}

/* Frame i was called by C: it is the last, or a shim stands before it. */
static void make_base(int i)
{
	put(fake.frames[i], v->f_back, has_shims() ? fake.shim : NULL);
	if (v->f_is_entry != PYVER_NONE)
		put_u8(fake.frames[i], v->f_is_entry, 1);
}

static void set_up(int minor)
{
	int i;

	memset(&fake, 0, sizeof(fake));
	ck_assert_int_eq(state_init(), 0);
	atomic_store(&state->cleanup_code, 0);
	v = target.row = pyver_find(minor);
	target.thread_state = get_thread_state;
	target.code_type = address(fake.code_type);
	target.gen_types[0] = address(fake.gen_type);
	target.gen_types[1] = address(fake.gen_type) + 8;
	target.gen_types[2] = address(fake.gen_type) + 16;
	target.runtime = address(fake.runtime);
	target.eval = address(fake.eval);
	target.text[0] = address(fake.eval);
	target.text[1] = address(fake.eval) + OBJECT;
	target.state_known = 0xff;
	put(fake.ts, v->ts_interp, fake.interp);
	for (i = 0; i < FRAMES; i++) {
		put(fake.codes[i], v->ob_type, fake.code_type);
		put(fake.frames[i], v->f_code, fake.codes[i]);
		set_position(i, 1 + 3 * i);
		if (i + 1 < FRAMES)
			put(fake.frames[i], v->f_back, fake.frames[i + 1]);
	}
	if (has_shims())
		put_u8(fake.shim, v->f_owner, v->owner_shim);
	if (v->walk == PYVER_CFRAME) {
		put(fake.ts, v->ts_cframe, fake.cframe);
		put(fake.cframe, v->cf_previous, fake.cframe_before);
		put(fake.ts, v->ts_datastack_chunk,
		    fake.frames[0] - v->chunk_data);
		put(fake.ts, v->ts_datastack_top, fake.shim + OBJECT);
	}
	stack = (struct stack){ .frames = frames,
				.capacity = ARRAY_LEN(frames) };
	set_innermost(fake.frames[0]);
	make_base(FRAMES - 1);
}

static int walk_all(void)
{
	return walk(address(fake.ts), 0, &stack);
}

/* The walk of a thread that was interrupted where eval begins. */
static int walk_in_prologue(void)
{
	return walk(address(fake.ts), target.eval + 16, &stack);
}

#define LOST(reason) (-1 - PP_LOST_##reason)

#define FOR_VERSIONS(first, last)                                              \
	for (int minor = (first); minor <= (last); minor++)

#define ASSERT_WALK(expected)                                                  \
	do {                                                                   \
		int got = walk_all();                                          \
                                                                               \
		ck_assert_msg(got == (expected), "3.%d: %d, not %d", v->minor, \
			      got, (expected));                                \
	} while (0)

/* -- whole stacks ---------------------------------------------------------- */

START_TEST(walk_finds_every_frame)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		ASSERT_WALK(0);
		ck_assert_uint_eq(stack.depth, FRAMES);
		ck_assert(!stack.truncated);
		for (int i = 0; i < FRAMES; i++)
			ck_assert_uint_eq(frames[i].code,
					  address(fake.codes[i]));
	}
}
END_TEST

START_TEST(walk_finds_every_position)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		ASSERT_WALK(0);
		for (uint32_t i = 0; i < FRAMES; i++)
			ck_assert_uint_eq(frames[i].position, 1 + 3 * i);
	}
}
END_TEST

START_TEST(walk_finds_no_position_before_the_first_instruction)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		set_position(0, 0);
		ASSERT_WALK(0);
		ck_assert_uint_eq(frames[0].position, 0);
		/* far before it: nonsense that must not become a large number
		 */
		set_position(0, -40);
		ASSERT_WALK(0);
		ck_assert_uint_eq(frames[0].position, 0);
	}
}
END_TEST

START_TEST(walk_takes_a_thread_without_frames)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		set_innermost(NULL);
		ASSERT_WALK(0);
		ck_assert_uint_eq(stack.depth, 0);
	}
}
END_TEST

START_TEST(walk_leaves_out_the_frames_of_c)
{
	FOR_VERSIONS(12, NEWEST)
	{
		set_up(minor);
		put(fake.frames[3], v->f_back, fake.shim);
		put(fake.shim, v->f_back, fake.frames[4]);
		make_base(FRAMES - 1);
		put(fake.frames[FRAMES - 1], v->f_back, fake.generator);
		put_u8(fake.generator, v->f_owner, v->owner_shim);
		ASSERT_WALK(0);
		ck_assert_uint_eq(stack.depth, FRAMES);
		ck_assert_uint_eq(frames[4].code, address(fake.codes[4]));
	}
}
END_TEST

START_TEST(walk_leaves_out_the_cleanup_of_init)
{
	FOR_VERSIONS(13, NEWEST)
	{
		set_up(minor);
		atomic_store(&state->cleanup_code, address(fake.codes[1]));
		ASSERT_WALK(0);
		ck_assert_uint_eq(stack.depth, FRAMES - 1);
		ck_assert_uint_eq(frames[1].code, address(fake.codes[2]));
	}
}
END_TEST

START_TEST(walk_clears_the_tag_of_a_code_s_address)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		if (!v->executable_mask)
			continue;
		put(fake.frames[0], v->f_code, fake.codes[0] + 1);
		ASSERT_WALK(0);
		ck_assert_uint_eq(frames[0].code, address(fake.codes[0]));
	}
}
END_TEST

/* -- too many -------------------------------------------------------------- */

START_TEST(walk_keeps_the_leaf_side)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		stack.capacity = FRAMES - 1;
		ASSERT_WALK(0);
		ck_assert(stack.truncated);
		ck_assert_uint_eq(stack.depth, FRAMES - 1);
		ck_assert_uint_eq(frames[0].code, address(fake.codes[0]));
	}
}
END_TEST

START_TEST(walk_of_just_as_many_as_fit_is_whole)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		stack.capacity = FRAMES;
		ASSERT_WALK(0);
		ck_assert(!stack.truncated);
		ck_assert_uint_eq(stack.depth, FRAMES);
	}
}
END_TEST

START_TEST(walk_of_a_loop_ends)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		put(fake.frames[5], v->f_back, fake.frames[2]);
		ASSERT_WALK(0);
		ck_assert(stack.truncated);
		ck_assert_uint_eq(stack.depth, stack.capacity);
	}
}
END_TEST

START_TEST(walk_of_a_loop_of_frames_of_c_is_torn)
{
	FOR_VERSIONS(12, NEWEST)
	{
		set_up(minor);
		put(fake.shim, v->f_back, fake.shim);
		ASSERT_WALK(LOST(torn));
	}
}
END_TEST

/* -- not whole ------------------------------------------------------------- */

START_TEST(walk_that_does_not_end_at_c_is_torn)
{
	FOR_VERSIONS(11, NEWEST)
	{
		set_up(minor);
		put(fake.frames[7], v->f_back, NULL);
		ASSERT_WALK(LOST(torn));
	}
}
END_TEST

START_TEST(walk_of_a_generator_without_a_caller_is_torn)
{
	FOR_VERSIONS(11, NEWEST)
	{
		set_up(minor);
		/* 3.11 marks it as entered by C even so */
		put(fake.frames[0], v->f_back, NULL);
		put_u8(fake.frames[0], v->f_owner, 1);
		if (v->f_is_entry != PYVER_NONE)
			put_u8(fake.frames[0], v->f_is_entry, 1);
		ASSERT_WALK(LOST(torn));
	}
}
END_TEST

START_TEST(walk_to_no_address_of_a_frame_is_torn)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		put(fake.frames[4], v->f_back, fake.frames[5] + 1);
		ASSERT_WALK(LOST(torn));
	}
}
END_TEST

START_TEST(walk_of_a_frame_without_code_is_told)
{
	const void *const wrong[] = { NULL, fake.codes[3] + 4, fake.interp };

	FOR_VERSIONS(OLDEST, NEWEST)
	{
		for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
			set_up(minor);
			put(fake.interp, v->ob_type, fake.int_type);
			put(fake.frames[3], v->f_code, wrong[i]);
			ASSERT_WALK(LOST(type));
		}
	}
}
END_TEST

START_TEST(walk_to_an_unreadable_frame_is_told)
{
	catch_faults();
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		put(fake.frames[3], v->f_back, hole());
		ASSERT_WALK(LOST(fault));
		ck_assert_uint_gt(stack.faults, 0);
	}
}
END_TEST

START_TEST(walk_of_an_unreadable_code_is_told)
{
	catch_faults();
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		put(fake.frames[3], v->f_code, hole());
		ASSERT_WALK(LOST(fault));
	}
}
END_TEST

START_TEST(walk_of_an_address_that_is_none_is_told)
{
	catch_faults();
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		put(fake.frames[3], v->f_back,
		    (void *)(uintptr_t)0xdead00000000beb0);
		ASSERT_WALK(LOST(fault));
	}
}
END_TEST

START_TEST(walk_begins_anew_each_time)
{
	set_up(NEWEST);
	stack.capacity = 3;
	ASSERT_WALK(0);
	stack.capacity = ARRAY_LEN(frames);
	ASSERT_WALK(0);
	ck_assert(!stack.truncated);
	ck_assert_uint_eq(stack.depth, FRAMES);
}
END_TEST

/* -- 3.11 and 3.12, where eval begins -------------------------------------- */

START_TEST(walk_in_the_prologue_of_a_whole_entry_is_whole)
{
	FOR_VERSIONS(11, 12)
	{
		set_up(minor);
		ck_assert_int_eq(walk_in_prologue(), 0);
		ck_assert_uint_eq(stack.depth, FRAMES);
	}
}
END_TEST

START_TEST(walk_in_the_prologue_goes_on_with_the_frame_before)
{
	FOR_VERSIONS(11, 12)
	{
		set_up(minor);
		/* frames 0 to 2 are of the innermost eval */
		make_base(2);
		if (has_shims())
			put(fake.shim, v->f_back, fake.frames[3]);
		else
			put(fake.frames[2], v->f_back, fake.frames[3]);
		put(fake.cframe_before, v->cf_current_frame, fake.frames[3]);
		put(fake.frames[FRAMES - 1], v->f_back,
		    has_shims() ? fake.generator : NULL);
		if (has_shims())
			put_u8(fake.generator, v->f_owner, v->owner_shim);
		ck_assert_int_eq(walk_in_prologue(), 0);
		ck_assert_uint_eq(stack.depth, FRAMES);
	}
}
END_TEST

START_TEST(walk_in_the_prologue_of_an_earlier_call_is_torn)
{
	FOR_VERSIONS(11, 12)
	{
		set_up(minor);
		put(fake.cframe_before, v->cf_current_frame, fake.frames[9]);
		ck_assert_int_eq(walk_in_prologue(), LOST(torn));
		/* elsewhere it is not doubted */
		ASSERT_WALK(0);
	}
}
END_TEST

START_TEST(walk_in_the_prologue_with_garbage_is_torn)
{
	void *const garbage[] = { NULL, fake.frames[0] + 4, fake.ts,
				  fake.interp, fake.eval };

	FOR_VERSIONS(11, 12)
	{
		for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
			set_up(minor);
			set_innermost(garbage[i]);
			ck_assert_int_eq(walk_in_prologue(), LOST(torn));
		}
	}
}
END_TEST

START_TEST(walk_in_the_prologue_with_unreadable_garbage_is_torn)
{
	catch_faults();
	FOR_VERSIONS(11, 12)
	{
		set_up(minor);
		set_innermost((char *)hole() + 4096);
		ck_assert_int_eq(walk_in_prologue(), LOST(torn));
		ck_assert_uint_eq(stack.faults, 0);
		ck_assert_uint_gt(stack.mended, 0);
	}
}
END_TEST

START_TEST(walk_in_the_prologue_takes_a_generator_s_frame)
{
	FOR_VERSIONS(11, 12)
	{
		char *frame = fake.generator + pyver_find(minor)->gen_iframe;

		set_up(minor);
		put(fake.generator, v->ob_type, fake.gen_type);
		put(frame, v->f_code, fake.codes[0]);
		put(frame, v->f_instr, fake.codes[0] + v->co_code_adaptive);
		put_u8(frame, v->f_owner, 1);
		if (has_shims()) {
			put(frame, v->f_back, fake.shim);
			put(fake.shim, v->f_back, fake.frames[1]);
			put(fake.frames[FRAMES - 1], v->f_back,
			    fake.cframe_before + 64);
			put_u8(fake.cframe_before + 64, v->f_owner,
			       v->owner_shim);
		} else {
			put(frame, v->f_back, fake.frames[1]);
			put_u8(frame, v->f_is_entry, 1);
		}
		put(fake.cframe_before, v->cf_current_frame, fake.frames[1]);
		set_innermost(frame);
		ck_assert_int_eq(walk_in_prologue(), 0);
		ck_assert_uint_eq(stack.depth, FRAMES);
	}
}
END_TEST

START_TEST(walk_in_the_prologue_looks_in_earlier_chunks)
{
	FOR_VERSIONS(11, 12)
	{
		char *first = fake.frames[0] - pyver_find(minor)->chunk_data;
		size_t used = sizeof(fake.frames) + sizeof(fake.shim);

		set_up(minor);
		/* two newer ones, both empty */
		put(fake.ts, v->ts_datastack_chunk, fake.chunk);
		put(fake.ts, v->ts_datastack_top, fake.chunk + v->chunk_data);
		put(fake.chunk, v->chunk_previous, fake.interp);
		put(fake.interp, v->chunk_previous, first);
		put(first, v->chunk_top, (void *)(used / 8));
		ck_assert_int_eq(walk_in_prologue(), 0);
		/* what lies above the top was left there by an earlier call */
		put(first, v->chunk_top, NULL);
		ck_assert_int_eq(walk_in_prologue(), LOST(torn));
	}
}
END_TEST

/* -- which thread state ---------------------------------------------------- */

START_TEST(walk_prefers_the_current_state_of_the_same_thread)
{
	FOR_VERSIONS(OLDEST, 11)
	{
		set_up(minor);
		put(fake.ts, v->ts_thread_id, (void *)7);
		put(fake.other_ts, v->ts_thread_id, (void *)7);
		put(fake.runtime, v->rt_tstate_current, fake.other_ts);
		ck_assert_uint_eq(walk_thread_state(), address(fake.other_ts));
	}
}
END_TEST

START_TEST(walk_leaves_the_current_state_of_another_thread)
{
	FOR_VERSIONS(OLDEST, 11)
	{
		set_up(minor);
		put(fake.ts, v->ts_thread_id, (void *)7);
		put(fake.other_ts, v->ts_thread_id, (void *)8);
		put(fake.runtime, v->rt_tstate_current, fake.other_ts);
		ck_assert_uint_eq(walk_thread_state(), address(fake.ts));
	}
}
END_TEST

START_TEST(walk_keeps_its_state_when_there_is_no_current_one)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		ck_assert_uint_eq(walk_thread_state(), address(fake.ts));
	}
}
END_TEST

START_TEST(walk_keeps_its_state_when_the_current_one_is_freed)
{
	catch_faults();
	FOR_VERSIONS(OLDEST, 11)
	{
		set_up(minor);
		put(fake.runtime, v->rt_tstate_current, hole());
		ck_assert_uint_eq(walk_thread_state(), address(fake.ts));
	}
}
END_TEST

/* -- state bits ------------------------------------------------------------ */

static uint8_t bits(void)
{
	return walk_state(address(fake.ts), address(fake.eval));
}

static void hold_gil(void)
{
	if (v->rt_tstate_current != PYVER_NONE)
		put(fake.runtime, v->rt_tstate_current, fake.ts);
	else if (v->ts_holds_gil != PYVER_NONE)
		put_u32(fake.ts, v->ts_holds_gil, 1);
	else
		put_u8(fake.ts, v->ts_active_byte, v->ts_active_mask);
}

static void collect(void)
{
	if (v->rt_gc_collecting != PYVER_NONE)
		put_u32(fake.runtime, v->rt_gc_collecting, 1);
	else
		put_u32(fake.interp, v->in_gc_collecting, 1);
}

START_TEST(walk_state_is_none_when_nothing_is)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		ck_assert_uint_eq(bits(), 0);
	}
}
END_TEST

START_TEST(walk_state_knows_the_gil)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		hold_gil();
		ck_assert_uint_eq(bits(), PP_STATE_GIL);
	}
}
END_TEST

START_TEST(walk_state_knows_the_collector)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		collect();
		ck_assert_uint_eq(bits(), PP_STATE_GC);
	}
}
END_TEST

START_TEST(walk_state_knows_an_exception)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		put(fake.ts, v->ts_exc, fake.int_type);
		ck_assert_uint_eq(bits(), PP_STATE_EXCEPTION);
	}
}
END_TEST

START_TEST(walk_state_knows_native_code_by_its_ends)
{
	set_up(NEWEST);
	ck_assert_uint_eq(walk_state(0, target.text[0]), 0);
	ck_assert_uint_eq(walk_state(0, target.text[1] - 1), 0);
	ck_assert_uint_eq(walk_state(0, target.text[0] - 1), PP_STATE_NATIVE);
	ck_assert_uint_eq(walk_state(0, target.text[1]), PP_STATE_NATIVE);
}
END_TEST

START_TEST(walk_state_says_only_what_is_proved)
{
	FOR_VERSIONS(OLDEST, NEWEST)
	{
		set_up(minor);
		hold_gil();
		collect();
		put(fake.ts, v->ts_exc, fake.int_type);
		target.state_known = PP_STATE_GIL;
		ck_assert_uint_eq(walk_state(address(fake.ts), 0),
				  PP_STATE_GIL);
		target.state_known = 0;
		ck_assert_uint_eq(walk_state(address(fake.ts), 0), 0);
	}
}
END_TEST

UNIT_MAIN(walk, walk_finds_every_frame, walk_finds_every_position,
	  walk_finds_no_position_before_the_first_instruction,
	  walk_takes_a_thread_without_frames, walk_leaves_out_the_frames_of_c,
	  walk_leaves_out_the_cleanup_of_init,
	  walk_clears_the_tag_of_a_code_s_address, walk_keeps_the_leaf_side,
	  walk_of_just_as_many_as_fit_is_whole, walk_of_a_loop_ends,
	  walk_of_a_loop_of_frames_of_c_is_torn,
	  walk_that_does_not_end_at_c_is_torn,
	  walk_of_a_generator_without_a_caller_is_torn,
	  walk_to_no_address_of_a_frame_is_torn,
	  walk_of_a_frame_without_code_is_told,
	  walk_to_an_unreadable_frame_is_told,
	  walk_of_an_unreadable_code_is_told,
	  walk_of_an_address_that_is_none_is_told, walk_begins_anew_each_time,
	  walk_in_the_prologue_of_a_whole_entry_is_whole,
	  walk_in_the_prologue_goes_on_with_the_frame_before,
	  walk_in_the_prologue_of_an_earlier_call_is_torn,
	  walk_in_the_prologue_with_garbage_is_torn,
	  walk_in_the_prologue_with_unreadable_garbage_is_torn,
	  walk_in_the_prologue_takes_a_generator_s_frame,
	  walk_in_the_prologue_looks_in_earlier_chunks,
	  walk_prefers_the_current_state_of_the_same_thread,
	  walk_leaves_the_current_state_of_another_thread,
	  walk_keeps_its_state_when_there_is_no_current_one,
	  walk_keeps_its_state_when_the_current_one_is_freed,
	  walk_state_is_none_when_nothing_is, walk_state_knows_the_gil,
	  walk_state_knows_the_collector, walk_state_knows_an_exception,
	  walk_state_knows_native_code_by_its_ends,
	  walk_state_says_only_what_is_proved)
