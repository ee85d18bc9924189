/* SPDX-License-Identifier: MIT */
/*
 * Walking frames. The interpreter may be between any two instructions: a frame
 * may be linked before it is whole, or unlinked in part. What can be seen
 * then, and on which version, is said at each rule; a stack that breaks a rule
 * is lost and counted, never shown as whole.
 */
#include "safe/walk.h"

#include "safe/guard.h"
#include "safe/state.h"
#include "safe/target.h"

/* Chunks of a data stack to look through. */
#define CHUNKS_MOST 256

/* Begin of _PyEval_EvalFrameDefault, see innermost_of_cframes(). */
#define PROLOGUE_BYTES 256

/* Frames that are left out, on top of those that are kept. */
#define EXTRA_STEPS 4096

#define LOST(reason) (-1 - PP_LOST_##reason)

uintptr_t walk_thread_state(void)
{
	const struct pyver *v = target.row;
	uintptr_t ts = (uintptr_t)target.thread_state();
	uintptr_t current;
	unsigned faults = 0;

	/*
	 * To 3.11 the thread's key keeps its first state for ever; in a
	 * sub-interpreter the current one is another, with our thread id.
	 */
	if (!ts || v->rt_tstate_current == PYVER_NONE || !target.runtime)
		return ts;
	current = guard_at(target.runtime, v->rt_tstate_current, &faults);
	if (!current || current == ts)
		return ts;
	if (guard_at(current, v->ts_thread_id, &faults) !=
		    guard_at(ts, v->ts_thread_id, &faults) ||
	    faults)
		return ts;
	return current;
}

/* Is the object at this address a code object? */
static bool is_code(uintptr_t object, unsigned *faults)
{
	return object && !(object & 7) &&
	       guard_at(object, target.row->ob_type, faults) ==
		       target.code_type;
}

static int add(struct stack *s, uintptr_t code, int64_t position)
{
	if (s->depth == s->capacity) {
		s->truncated = true;
		return 0;
	}
	s->frames[s->depth].code = code;
	s->frames[s->depth].position = position < 0 ? 0 : (uint32_t)position;
	s->depth++;
	return 1;
}

/* Is the frame whose place is next one that is looked out for? */
static void look_out(struct stack *s, uintptr_t frame)
{
	for (uint32_t i = 0; i < s->watch_count; i++)
		if (frame == s->watch[i] && s->seen == s->watch_count) {
			s->seen = i;
			s->seen_at = s->depth;
		}
}

/* Add one frame of 3.8 to 3.10; 1 to go on, 0 when full, or a loss. */
static int add_frame_object(uintptr_t frame, struct stack *s)
{
	const struct pyver *v = target.row;
	uintptr_t code = guard_at(frame, v->f_code, &s->faults);
	int32_t lasti =
		(int32_t)guard_u32(frame + (unsigned)v->f_lasti, &s->faults);

	if (!is_code(code, &s->faults))
		return s->faults ? LOST(fault) : LOST(type);
	return add(s, code, (int64_t)lasti + 1);
}

/* 3.8 to 3.10: a list of PyFrameObject, pushed and popped by one store. */
static int walk_frame_objects(uintptr_t frame, struct stack *s)
{
	const struct pyver *v = target.row;

	while (frame && !(frame & 7)) {
		int more;

		look_out(s, frame);
		more = add_frame_object(frame, s);
		if (more <= 0)
			return more;
		frame = guard_at(frame, v->f_back, &s->faults);
	}
	if (s->faults)
		return LOST(fault);
	return frame ? LOST(torn) : 0;
}

/* Does a frame lie in the used part of the thread's data stack? */
static bool on_data_stack(uintptr_t ts, uintptr_t frame, unsigned *faults)
{
	const struct pyver *v = target.row;
	uintptr_t chunk = guard_at(ts, v->ts_datastack_chunk, faults);
	uintptr_t top = guard_at(ts, v->ts_datastack_top, faults);

	for (int i = 0; chunk && !*faults && i < CHUNKS_MOST; i++) {
		uintptr_t data = chunk + (uintptr_t)v->chunk_data;

		if (frame >= data && frame < top)
			return true;
		chunk = guard_at(chunk, v->chunk_previous, faults);
		if (chunk)
			top = chunk + (uintptr_t)v->chunk_data +
			      8 * guard_at(chunk, v->chunk_top, faults);
	}
	return false;
}

/* Or inside a generator, coroutine or asynchronous generator? */
static bool in_generator(uintptr_t frame, unsigned *faults)
{
	uintptr_t object = frame - (uintptr_t)target.row->gen_iframe;
	uintptr_t type = guard_at(object, target.row->ob_type, faults);

	return type == target.gen_types[0] || type == target.gen_types[1] ||
	       type == target.gen_types[2];
}

static bool is_live(uintptr_t ts, uintptr_t frame, unsigned *faults)
{
	if (!frame || (frame & 7))
		return false;
	return on_data_stack(ts, frame, faults) || in_generator(frame, faults);
}

/* May a whole stack end with this frame? */
static bool is_base(uint8_t owner, uintptr_t frame, unsigned *faults)
{
	const struct pyver *v = target.row;

	/* 3.12 on: a thread's first frame is a shim of the C function */
	if (v->f_is_entry == PYVER_NONE)
		return owner >= v->owner_shim;
	/*
	 * 3.11: a frame that C entered; a generator is always resumed by
	 * somebody, so without a caller it is just being suspended
	 */
	return owner != v->owner_generator &&
	       guard_u8(frame + (unsigned)v->f_is_entry, faults);
}

static bool is_shim(uint8_t owner)
{
	return target.row->f_is_entry == PYVER_NONE &&
	       owner >= target.row->owner_shim;
}

/* Add one frame of 3.11 on; 1 to go on, 0 when full, or a loss. */
static int add_interpreter_frame(uintptr_t frame, struct stack *s)
{
	const struct pyver *v = target.row;
	uintptr_t code = guard_at(frame, v->f_code, &s->faults) &
			 ~(uintptr_t)v->executable_mask;
	uintptr_t instruction = guard_at(frame, v->f_instr, &s->faults);
	int64_t units;

	if (!is_code(code, &s->faults))
		return s->faults ? LOST(fault) : LOST(type);
	if (code ==
	    atomic_load_explicit(&state->cleanup_code, memory_order_relaxed))
		return 1;
	units = (int64_t)(instruction - code - (uintptr_t)v->co_code_adaptive) /
		2;
	return add(s, code, units + 1);
}

/*
 * The frame with which the C function was entered that runs this one: where
 * its _PyCFrame's list of frames ends. 3.12: its shim.
 */
static uintptr_t entry_frame(uintptr_t frame, struct stack *s)
{
	const struct pyver *v = target.row;

	for (uint32_t i = 0; frame && !(frame & 7) && i < s->capacity; i++) {
		uint8_t owner =
			guard_u8(frame + (unsigned)v->f_owner, &s->mended);

		if (is_shim(owner) ||
		    (v->f_is_entry != PYVER_NONE &&
		     guard_u8(frame + (unsigned)v->f_is_entry, &s->mended)))
			return frame;
		frame = guard_at(frame, v->f_back, &s->mended);
	}
	return 0;
}

/*
 * 3.11, 3.12: the innermost frame, from the thread's innermost _PyCFrame. The
 * C function that runs frames has it on its stack, and links it some
 * instructions before it fills it in: until then it holds what an earlier call
 * left there, which may look right. Compilers write its two members at once
 * and within PROLOGUE_BYTES of the function's begin, so only a thread that was
 * interrupted there is doubted: its innermost frame must lie where frames
 * live, and must have been entered from where the frame before it is now.
 */
static int innermost_of_cframes(uintptr_t ts, uintptr_t pc, struct stack *s,
				uintptr_t *innermost)
{
	const struct pyver *v = target.row;
	uintptr_t cframe = guard_at(ts, v->ts_cframe, &s->faults);
	uintptr_t frame = guard_at(cframe, v->cf_current_frame, &s->faults);
	uintptr_t entry, previous;

	*innermost = frame;
	if (s->faults || pc - target.eval >= PROLOGUE_BYTES)
		return s->faults ? LOST(fault) : 0;
	if (!is_live(ts, frame, &s->mended))
		return LOST(torn);
	entry = entry_frame(frame, s);
	previous = guard_at(cframe, v->cf_previous, &s->mended);
	if (!entry ||
	    guard_at(entry, v->f_back, &s->mended) !=
		    guard_at(previous, v->cf_current_frame, &s->mended))
		return LOST(torn);
	return 0;
}

/* 3.11 on: a list of _PyInterpreterFrame, the C function's own among them. */
static int walk_interpreter_frames(uintptr_t frame, struct stack *s)
{
	const struct pyver *v = target.row;
	bool whole = true; /* a thread without frames is whole, too */

	for (uint32_t i = 0; frame; i++) {
		uint8_t owner;
		int more = 1;

		if ((frame & 7) || i > s->capacity + EXTRA_STEPS)
			return LOST(torn);
		look_out(s, frame);
		owner = guard_u8(frame + (unsigned)v->f_owner, &s->faults);
		if (!is_shim(owner))
			more = add_interpreter_frame(frame, s);
		if (more <= 0)
			return more;
		whole = is_base(owner, frame, &s->faults);
		frame = guard_at(frame, v->f_back, &s->faults);
		if (s->faults)
			return LOST(fault);
	}
	return whole ? 0 : LOST(torn);
}

int walk_add(uintptr_t frame, struct stack *s)
{
	return target.row->walk == PYVER_FRAME_OBJECTS
		       ? add_frame_object(frame, s)
		       : add_interpreter_frame(frame, s);
}

int walk(uintptr_t ts, uintptr_t pc, struct stack *s)
{
	const struct pyver *v = target.row;
	uintptr_t frame;
	int lost;

	s->depth = 0;
	s->truncated = false;
	s->faults = s->mended = 0;
	s->seen = s->watch_count;
	if (v->walk != PYVER_CFRAME) {
		frame = guard_at(ts, v->ts_frame, &s->faults);
	} else {
		lost = innermost_of_cframes(ts, pc, s, &frame);
		if (lost)
			return lost;
	}
	return v->walk == PYVER_FRAME_OBJECTS
		       ? walk_frame_objects(frame, s)
		       : walk_interpreter_frames(frame, s);
}

static bool holds_gil(uintptr_t ts)
{
	const struct pyver *v = target.row;
	unsigned faults = 0;

	if (v->rt_tstate_current != PYVER_NONE)
		return target.runtime &&
		       guard_at(target.runtime, v->rt_tstate_current,
				&faults) == ts;
	if (v->ts_holds_gil != PYVER_NONE)
		return guard_u32(ts + (unsigned)v->ts_holds_gil, &faults) != 0;
	return guard_u8(ts + (unsigned)v->ts_active_byte, &faults) &
	       (uint8_t)v->ts_active_mask;
}

static bool collects(uintptr_t ts)
{
	const struct pyver *v = target.row;
	unsigned faults = 0;
	uintptr_t interp;

	if (v->rt_gc_collecting != PYVER_NONE)
		return guard_u32(target.runtime + (unsigned)v->rt_gc_collecting,
				 &faults) != 0;
	interp = guard_at(ts, v->ts_interp, &faults);
	return interp &&
	       guard_u32(interp + (unsigned)v->in_gc_collecting, &faults) != 0;
}

uint8_t walk_state_off(uintptr_t ts, const struct thread *t)
{
	uint8_t bits = 0;
	unsigned faults = 0;

	if (ts) {
		if (holds_gil(ts))
			bits |= PP_STATE_GIL;
		if (guard_at(ts, target.row->ts_exc, &faults))
			bits |= PP_STATE_EXCEPTION;
	}
	if (atomic_load_explicit(&t->wants_gil, memory_order_relaxed))
		bits |= PP_STATE_GIL_WAIT;
	return bits & (uint8_t)target.state_known;
}

uint8_t walk_state(uintptr_t ts, uintptr_t pc)
{
	const struct thread *t = thread_self();
	uint8_t bits = 0;
	unsigned faults = 0;

	if (t && atomic_load_explicit(&t->wants_gil, memory_order_relaxed))
		bits |= PP_STATE_GIL_WAIT;

	if (pc < target.text[0] || pc >= target.text[1])
		bits |= PP_STATE_NATIVE;
	if (ts) {
		if (holds_gil(ts))
			bits |= PP_STATE_GIL;
		if ((target.state_known & PP_STATE_GC) && collects(ts))
			bits |= PP_STATE_GC;
		if (guard_at(ts, target.row->ts_exc, &faults))
			bits |= PP_STATE_EXCEPTION;
	}
	return bits & (uint8_t)target.state_known;
}
