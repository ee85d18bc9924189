/* SPDX-License-Identifier: MIT */
/*
 * The GIL's ledger. See gil.h.
 *
 * A turn is the time from one moment at which the GIL was let go of to the
 * next such moment. Turns that ended while somebody waited stand in a ring; who
 * waited looks back in it, once it has the GIL, and parts its wait among them.
 */
#include "safe/gil.h"

#include <sys/mman.h>

#include "safe/clock.h"
#include "safe/mask.h"
#include "safe/record.h"
#include "safe/sample.h"
#include "safe/state.h"
#include "safe/sys.h"
#include "safe/target.h"
#include "safe/thread.h"
#include "safe/walk.h"

#define TURNS		  128u /* in the ring; older ones count to the oldest */
#define ROWS_MOST	  4096u /* pairs of lines that have a row of their own */
#define SLOTS		  (2 * ROWS_MOST)
#define FRAMES_MOST	  256u /* of a stack that is written, the leaf side */
#define LEAF_FRAMES	  4u /* to find the leaf among those that are left out */
#define LONG_WAIT_NS	  1000000u /* a wait that has its stacks written */
#define LONG_TURN_NS	  200000u  /* a turn whose stack is kept for that */
#define TABLE_FIRST_BYTES 4096u
#define TABLE_MOST_BYTES  (256u << 10)

/* A place in a thread: a line of a function. */
struct place {
	uint32_t code, line;
};

struct turn {
	uint64_t ended_ns;
	struct place place; /* where it was let go of */
	uint32_t thread;
};

/* Room in the log for structs of 64 bytes, one behind the other. */
struct table {
	uint8_t *next, *end;
	uint32_t bytes; /* of the chunk to come */
};

/* Where a pair of lines has its row. */
struct slot {
	struct pp_gil_wait *row;
	uint64_t written_ns; /* the longest wait whose stacks are written */
};

/* A stack that outlives the thread's next look: named, the leaf first. */
struct kept_stack {
	uint32_t depth;
	struct frame frames[FRAMES_MOST];
};

/* Wiped in a forked child, where all begins anew. */
struct gil {
	uint64_t waiters;
	uint64_t turns; /* all so far; the last is in ring[(turns - 1) % TURNS]
			 */
	struct turn ring[TURNS];
	struct kept_stack holder; /* of turn `holder_turn` */
	uint64_t holder_turn;	  /* its number plus 1; 0: none */
	struct table threads, waits;
	uint32_t rows;
	struct slot others;	  /* of what has none of its own */
	struct slot slots[SLOTS]; /* open addressing */
};

static struct gil *gil;

int gil_init(void)
{
	struct gil *g;

	if (gil)
		return 0;
	g = sys_mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!g)
		return -1;
	if (sys_call(SYS_madvise, g, sizeof(*g), MADV_WIPEONFORK, 0) < 0) {
		sys_munmap(g, sizeof(*g));
		return -1;
	}
	gil = g;
	return 0;
}

/* -- the log ------------------------------------------------------------- */

/* The thread's log is ours until thread_leave(): false if it has ended. */
static bool begin_writing(struct thread *t)
{
	if (!thread_enter(t))
		return false;
	t->maps = 4; /* its chunk, and both tables */
	return true;
}

/* The next struct of a table; NULL if the log has no room for it. */
static void *next_struct(struct table *table, struct thread *t,
			 enum pp_record type)
{
	uint8_t *at = table->next;
	struct chunk c;

	if (!at || at + 64 > table->end) {
		if (!table->bytes)
			table->bytes = TABLE_FIRST_BYTES;
		at = chunk_table(t, type, 0, table->bytes, &c);
		if (!at)
			return NULL;
		chunk_table_begin(&c);
		table->end = c.base + c.used;
		if (table->bytes < TABLE_MOST_BYTES)
			table->bytes *= 4;
	}
	table->next = at + 64;
	return at;
}

/* The thread's account, in the log if there is room for it. */
static struct pp_gil_thread *account_in_log(struct thread *t)
{
	struct pp_gil_thread *row = t->gil.row;

	if (row)
		return row;
	row = record_announce(t, t) < 0
		      ? NULL
		      : next_struct(&gil->threads, t, PP_GIL_THREADS);
	if (!row)
		return &t->gil.early;
	*row = t->gil.early;
	row->thread = t->number;
	/* the row is part of the log from here on */
	__atomic_store_n(&row->used, 1, __ATOMIC_RELEASE);
	t->gil.row = row;
	return row;
}

static struct pp_gil_thread *account(struct thread *t)
{
	return t->gil.row ? t->gil.row : &t->gil.early;
}

/* -- stacks -------------------------------------------------------------- */

/* The calling thread's stack in t->now, or so much of its leaf side. */
static struct stack look(struct thread *t, uint32_t most)
{
	struct stack s = { .frames = t->now, .capacity = most };

	if (s.capacity > target.settings.max_depth)
		s.capacity = target.settings.max_depth;
	/* one that cannot be read has no frames */
	(void)!sample_look(t, 0, &s);
	return s;
}

static struct place place_of(const struct frame *f)
{
	return (struct place){ f->id, f->line };
}

/* The calling thread's innermost frame; of code 0 if it has none. */
static struct place leaf_of(struct thread *t)
{
	struct stack s = look(t, 1);

	/* it may be one that is left out */
	if (!s.depth)
		s = look(t, LEAF_FRAMES);
	return s.depth ? place_of(&t->now[0]) : (struct place){ 0, 0 };
}

static void keep_holder(struct thread *t)
{
	struct stack s = look(t, FRAMES_MOST);

	for (uint32_t i = 0; i < s.depth; i++)
		gil->holder.frames[i] = t->now[i];
	gil->holder.depth = s.depth;
	gil->holder_turn = gil->turns;
}

/* GIL_STACKS: the calling thread waited so long behind the last turn. */
static int write_stacks(struct thread *t, uint64_t waited_ns)
{
	const struct kept_stack *h = &gil->holder;
	struct stack s = look(t, FRAMES_MOST);
	uint32_t body = varint_bytes(waited_ns) + varint_bytes(s.depth) +
			frames_bytes(t->now, s.depth) +
			frames_bytes(h->frames, h->depth);
	uint8_t *begin = chunk_reserve(t, RECORD_HEAD + body), *p = begin;

	if (!p)
		return -1;
	*p++ = PP_GIL_STACKS;
	p = put_varint(p, body);
	p = put_varint(p, waited_ns);
	p = put_varint(p, s.depth);
	p = put_frames(p, t->now, s.depth);
	p = put_frames(p, h->frames, h->depth);
	chunk_commit(t, (uint32_t)(p - begin));
	return 0;
}

/* -- waits --------------------------------------------------------------- */

static uint32_t hash_of(struct place waiter, struct place holder)
{
	uint64_t h = waiter.code;

	h = h * 0x9e3779b97f4a7c15u + waiter.line;
	h = h * 0x9e3779b97f4a7c15u + holder.code;
	h = h * 0x9e3779b97f4a7c15u + holder.line;
	h *= 0x9e3779b97f4a7c15u;
	return (uint32_t)(h >> 40);
}

static bool is_row_of(const struct pp_gil_wait *row, struct place waiter,
		      struct place holder)
{
	return row->waiter == waiter.code && row->waiter_line == waiter.line &&
	       row->holder == holder.code && row->holder_line == holder.line;
}

/* The slot of a pair of lines, or the free one for it. */
static struct slot *find_slot(struct place waiter, struct place holder)
{
	uint32_t i = hash_of(waiter, holder);

	while (gil->slots[i % SLOTS].row &&
	       !is_row_of(gil->slots[i % SLOTS].row, waiter, holder))
		i++;
	return &gil->slots[i % SLOTS];
}

/* The same with its row; NULL if the log has no room for one. */
static struct slot *obtain_slot(struct thread *t, struct place waiter,
				struct place holder)
{
	struct slot *slot = find_slot(waiter, holder);

	if (slot->row)
		return slot;
	if (gil->rows == ROWS_MOST) {
		slot = &gil->others;
		waiter = holder = (struct place){ 0, 0 };
	}
	if (!slot->row)
		slot->row = next_struct(&gil->waits, t, PP_GIL_WAITS);
	if (!slot->row)
		return NULL;
	if (slot != &gil->others)
		gil->rows++;
	slot->row->waiter = waiter.code;
	slot->row->waiter_line = waiter.line;
	slot->row->holder = holder.code;
	slot->row->holder_line = holder.line;
	return slot;
}

/* The calling thread waited for a turn to end: for so long, until then. */
static struct slot *add_wait(struct thread *t, const struct turn *turn,
			     uint64_t ns, uint64_t until_ns)
{
	struct place waiter = { t->gil.code, t->gil.line };
	struct slot *slot = obtain_slot(t, waiter, turn->place);
	struct pp_gil_wait *row = slot ? slot->row : NULL;

	if (!row)
		return NULL;
	row->total += ns;
	if (ns > row->longest) {
		row->longest = ns;
		row->longest_at = until_ns;
		row->waiter_thread = t->number;
		row->holder_thread = turn->thread;
	}
	/* last: a row of no turns is none to the reader */
	__atomic_store_n(&row->turns, row->turns + 1, __ATOMIC_RELEASE);
	return slot;
}

/* The first turn that ended after this; gil->turns if there is none. */
static uint64_t first_turn_after(uint64_t ns)
{
	uint64_t oldest = gil->turns > TURNS ? gil->turns - TURNS : 0;
	uint64_t i = gil->turns;

	while (i > oldest && gil->ring[(i - 1) % TURNS].ended_ns > ns)
		i--;
	return i;
}

/*
 * Part a wait among the turns that ended in it; what came after the last of
 * them, until the processor came to us, is the last one's too.
 */
static void part_wait(struct thread *t, uint64_t from_ns, uint64_t now_ns)
{
	static const struct turn nobody;
	uint64_t i = first_turn_after(from_ns), last = gil->turns;
	struct slot *slot;
	uint64_t ns;

	for (; i + 1 < last; i++) {
		const struct turn *turn = &gil->ring[i % TURNS];

		(void)add_wait(t, turn, turn->ended_ns - from_ns,
			       turn->ended_ns);
		from_ns = turn->ended_ns;
	}
	ns = now_ns - from_ns;
	slot = add_wait(t, i < last ? &gil->ring[i % TURNS] : &nobody, ns,
			now_ns);
	if (slot && slot != &gil->others && ns >= LONG_WAIT_NS &&
	    ns / 2 >= slot->written_ns && gil->holder_turn == last &&
	    write_stacks(t, ns) == 0)
		slot->written_ns = ns;
}

/* The GIL is let go of while others want it: remember where. */
static void end_turn(struct thread *t, uint64_t now_ns, uint64_t held_ns)
{
	struct turn *turn = &gil->ring[gil->turns % TURNS];

	*turn = (struct turn){ now_ns, { 0, 0 }, 0 };
	gil->turns++;
	if (!t || !begin_writing(t))
		return;
	(void)account_in_log(t);
	turn->thread = t->number;
	if (held_ns >= LONG_TURN_NS) {
		keep_holder(t);
		if (gil->holder.depth)
			turn->place = place_of(&gil->holder.frames[0]);
	} else {
		turn->place = leaf_of(t);
	}
	thread_leave(t);
}

/* -- events -------------------------------------------------------------- */

/* Is there nobody whom the calling thread could wait for? */
static bool is_alone(void)
{
	return thread_slots() < 2;
}

void gil_released(void)
{
	struct thread *t;
	struct pp_gil_thread *a;
	uint64_t now_ns, held_ns = 0;

	if (!state_is_armed() || is_alone())
		return;
	t = thread_self();
	a = t ? account(t) : NULL;
	if (!gil->waiters && !(a && a->since))
		return;
	now_ns = clock_now();
	if (a && a->since) {
		held_ns = now_ns - a->since;
		a->held += held_ns;
		a->since = 0;
	}
	if (gil->waiters)
		end_turn(t, now_ns, held_ns);
}

/* A wait is over. */
static void end_wait(struct thread *t, uint64_t now_ns)
{
	uint64_t from_ns = t->gil.wants_ns;
	struct pp_gil_thread *a;

	t->gil.wants_ns = 0;
	if (gil->waiters)
		gil->waiters--;
	if (!state_is_armed() || !begin_writing(t))
		return;
	a = account_in_log(t);
	a->waits++;
	a->waited += now_ns - from_ns;
	part_wait(t, from_ns, now_ns);
	thread_leave(t);
}

void gil_taken(void)
{
	struct thread *t = thread_self();
	struct pp_gil_thread *a;
	uint64_t now_ns;

	if (!t || (is_alone() && !t->gil.wants_ns))
		return;
	now_ns = clock_now();
	if (t->gil.wants_ns)
		end_wait(t, now_ns);
	if (!state_is_armed() || !state_is_wanted(now_ns))
		return;
	a = account(t);
	a->takes++;
	a->since = now_ns;
}

void gil_count_from_here(void)
{
	struct thread *t = state_is_armed() ? thread_self() : NULL;
	uint64_t now_ns = t ? clock_now() : 0;

	if (t && !account(t)->since && state_is_wanted(now_ns) &&
	    (walk_state(walk_thread_state(), 0) & PP_STATE_GIL))
		account(t)->since = now_ns;
}

struct thread *gil_wait_begin(void)
{
	struct thread *t = state_is_armed() ? thread_obtain() : NULL;
	struct place place;
	uint64_t now_ns;

	if (!t)
		return NULL;
	atomic_store_explicit(&t->wants_gil, 1, memory_order_relaxed);
	now_ns = clock_now();
	if (t->gil.wants_ns || !state_is_wanted(now_ns) || !begin_writing(t))
		return t;
	(void)account_in_log(t);
	place = leaf_of(t);
	thread_leave(t);
	t->gil.code = place.code;
	t->gil.line = place.line;
	t->gil.wants_ns = now_ns;
	gil->waiters++;
	return t;
}

void gil_wait_pause(struct thread *t)
{
	atomic_store_explicit(&t->wants_gil, 0, memory_order_relaxed);
}

struct thread *gil_yield_begin(uint64_t *since_ns)
{
	struct thread *t = state_is_armed() ? thread_self() : NULL;

	if (!t)
		return NULL;
	*since_ns = clock_now();
	atomic_store_explicit(&t->wants_gil, 1, memory_order_relaxed);
	return t;
}

void gil_yield_end(struct thread *t, uint64_t since_ns)
{
	atomic_store_explicit(&t->wants_gil, 0, memory_order_relaxed);
	account(t)->yielded += clock_now() - since_ns;
}
