/* SPDX-License-Identifier: MIT */
/*
 * Chunks of the log. The file grows by fallocate, so that a full disk is an
 * error code here and not a fault in a store later; what fallocate cannot do
 * is done by writing zeros. Everything is raw system calls.
 */
#include "safe/chunk.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "safe/logfile.h"
#include "safe/mask.h"
#include "safe/record.h"
#include "safe/ring.h"
#include "safe/slot.h"
#include "safe/state.h"
#include "safe/sys.h"
#include "safe/target.h"
#include "safe/thread.h"

/* In state->mapped, the low bits: the chunk's size in pages. */
#define MAPPED_PAGES (PP_PAGE - 1)

_Static_assert(CHUNK_TABLE_MOST / PP_PAGE <= MAPPED_PAGES, "chunk too big");

/* type, length and four varints: OWNER thread seq time cpu */
#define OWNER_MOST (RECORD_HEAD + 4 * PP_VARINT_MAX)

/* The least room of a chunk that was begun, to go on in. */
#define AHEAD_LEAST (CHUNK_FIRST_BYTES / 2)

static struct pp_chunk *head_of(const struct chunk *c)
{
	return (struct pp_chunk *)(void *)c->base;
}

void chunk_stop_growth(uint32_t reason)
{
	uint32_t none = 0;

	/* tells the closer and the other writers; the first reason stays */
	atomic_compare_exchange_strong_explicit(&state->log_stuck, &none,
						reason, memory_order_relaxed,
						memory_order_relaxed);
}

/* May the file be so long, by --max-size? */
static bool is_wanted(uint64_t end)
{
	return !target.settings.max_size || end <= target.settings.max_size;
}

/* And with one more chunk of this size? */
static bool one_more_is_wanted(uint32_t size)
{
	return is_wanted(
		atomic_load_explicit(&state->log_end, memory_order_relaxed) +
		size);
}

static bool within_limit(uint64_t end)
{
	struct rlimit limit;

	if (!is_wanted(end)) {
		chunk_stop_growth(PP_ENDED_SIZE);
		return false;
	}
	if (sys_call(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) < 0)
		return true;
	return limit.rlim_cur == RLIM_INFINITY || end <= limit.rlim_cur;
}

static bool fill_with_zeros(int fd, uint64_t offset, uint32_t size)
{
	static const uint8_t zeros[PP_PAGE];

	for (uint32_t done = 0; done < size; done += PP_PAGE)
		if (sys_call(SYS_pwrite64, fd, zeros, PP_PAGE, offset + done) !=
		    PP_PAGE)
			return false;
	return true;
}

/* Give the file these blocks, with SIGXFSZ out of the way. */
static bool allocate(int fd, uint64_t offset, uint32_t size)
{
	uint64_t before = mask_block(mask_of(SIGXFSZ));
	long ret;
	bool ok;

	ret = sys_call(SYS_fallocate, fd, 0, offset, size);
	/* what cannot be, or was interrupted, is done by hand */
	ok = ret == 0 ||
	     ((ret == -EOPNOTSUPP || ret == -ENOSYS || ret == -EINTR) &&
	      fill_with_zeros(fd, offset, size));
	mask_set(before);
	return ok;
}

/* Put a mapping on the list of ours; one that does not fit is not mended. */
static void note_mapped(const struct chunk *c)
{
	uint64_t at = (uint64_t)c->base | c->size / PP_PAGE;

	for (uint32_t i = 0; i < STATE_MAPPED; i++) {
		uint64_t none = 0;

		if (!atomic_compare_exchange_strong_explicit(
			    &state->mapped[i], &none, at, memory_order_acq_rel,
			    memory_order_relaxed))
			continue;
		if (i >= atomic_load_explicit(&state->mapped_slots,
					      memory_order_relaxed))
			atomic_store_explicit(&state->mapped_slots, i + 1,
					      memory_order_release);
		return;
	}
}

static void unmap(void *base, uint32_t size)
{
	uint32_t n = atomic_load_explicit(&state->mapped_slots,
					  memory_order_acquire);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = atomic_load_explicit(&state->mapped[i],
						   memory_order_relaxed);

		if ((at & ~(uint64_t)MAPPED_PAGES) == (uint64_t)base) {
			atomic_store_explicit(&state->mapped[i], 0,
					      memory_order_release);
			break;
		}
	}
	sys_munmap(base, size);
}

bool chunk_is_log(uintptr_t address)
{
	uint32_t n = atomic_load_explicit(&state->mapped_slots,
					  memory_order_acquire);

	if (address - (uintptr_t)state->header < PP_HEADER_BYTES)
		return true;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = atomic_load_explicit(&state->mapped[i],
						   memory_order_relaxed);
		uint64_t base = at & ~(uint64_t)MAPPED_PAGES;

		if (base && address - base < (at & MAPPED_PAGES) * PP_PAGE)
			return true;
	}
	return false;
}

/* A new chunk at the end of the file. False leaves *c alone. */
static bool map_new(struct thread *t, struct chunk *c, uint32_t size)
{
	uint64_t offset;
	struct pp_chunk *head;
	int fd;

	if (!t->maps ||
	    atomic_load_explicit(&state->log_stuck, memory_order_relaxed))
		return false;
	t->maps--;
	offset = atomic_fetch_add_explicit(&state->log_end, size,
					   memory_order_relaxed);
	fd = t->kind == PP_THREAD_OWN ? t->log_fd : logfile_fd();
	if (fd < 0 || !within_limit(offset + size) ||
	    !allocate(fd, offset, size)) {
		chunk_stop_growth(PP_ENDED_FAILED);
		return false;
	}
	head = sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			offset);
	if (!head) {
		chunk_stop_growth(PP_ENDED_FAILED);
		return false;
	}
	sys_call(SYS_madvise, head, size, MADV_DONTFORK, 0);
	*c = (struct chunk){ (uint8_t *)head, size, sizeof(*head) };
	note_mapped(c);
	head->size = size;
	head->used = sizeof(*head);
	/* a chunk without its magic is a hole to the reader */
	__atomic_store_n(&head->magic, PP_CHUNK_MAGIC, __ATOMIC_RELEASE);
	return true;
}

/* A chunk of samples is full: it waits until it is old, or is done with. */
static void put_away(const struct chunk *c)
{
	if (!ring_is_on() || !ring_put(c))
		unmap(c->base, c->size);
}

/*
 * A chunk for samples, of `size` bytes or, with --ring, of at least `bytes`:
 * small, so that it gets old soon. Small as well where --max-size has no room
 * for more.
 */
static bool obtain(struct thread *t, struct chunk *c, uint32_t size,
		   uint32_t bytes)
{
	if (ring_is_on()) {
		size = bytes > CHUNK_FIRST_BYTES / 2 ? CHUNK_BYTES
						     : CHUNK_FIRST_BYTES;
		if (ring_take(c, size))
			return true;
	}
	if (bytes <= CHUNK_FIRST_BYTES / 2 && !one_more_is_wanted(size))
		size = CHUNK_FIRST_BYTES;
	return map_new(t, c, size);
}

/* A chunk that a thread left, if one has room for so much. */
static bool take_spare(struct spare *spares, struct chunk *c, uint32_t bytes)
{
	for (uint32_t i = 0; i < STATE_SPARES; i++) {
		struct spare *spare = &spares[i];
		uint64_t at = atomic_load_explicit(&spare->chunk,
						   memory_order_relaxed);

		if (at <= SLOT_CLAIMED || !slot_claim(&spare->chunk, at))
			continue;
		*c = (struct chunk){ (uint8_t *)at, spare->size, spare->used };
		slot_release(&spare->chunk, 0);
		if (c->size - c->used >= bytes)
			return true;
		if (spares == state->spares)
			put_away(c);
		else
			unmap(c->base, c->size);
		c->base = NULL;
	}
	return false;
}

static void leave(struct spare *spares, struct chunk *c)
{
	struct chunk left = *c;

	if (!left.base)
		return;
	c->base = NULL;
	for (uint32_t i = 0;
	     left.size - left.used > PP_PAGE / 4 && i < STATE_SPARES; i++) {
		if (!slot_claim(&spares[i].chunk, 0))
			continue;
		spares[i].size = left.size;
		spares[i].used = left.used;
		slot_release(&spares[i].chunk, (uint64_t)left.base);
		return;
	}
	if (spares == state->spares)
		put_away(&left);
	else
		unmap(left.base, left.size);
}

/* Put an OWNER record at p; returns where it ends. */
static uint8_t *put_owner(struct thread *t, uint8_t *p)
{
	uint8_t body[4 * PP_VARINT_MAX];
	uint8_t *end = body;
	uint32_t length;

	end = put_varint(end, t->number);
	end = put_varint(end, t->segments++);
	end = put_varint(end, record_units(t->time_ns));
	end = put_varint(end, record_units(t->cpu_ns));
	length = (uint32_t)(end - body);
	*p++ = PP_OWNER;
	*p++ = (uint8_t)length;
	for (uint32_t i = 0; i < length; i++)
		p[i] = body[i];
	return p + length;
}

/* The first record of every segment; there is room for it. */
static void write_owner(struct thread *t)
{
	uint8_t *begin = t->chunk.base + t->chunk.used;

	chunk_commit(t, (uint32_t)(put_owner(t, begin) - begin));
	t->depth = 0;
	t->last_state = 0;
}

/* Go on in the chunk ahead, or in another that has room for so much. */
static bool next_chunk(struct thread *t, uint32_t bytes)
{
	struct chunk next = t->ahead;

	/* one that another thread began may be too small */
	if (next.base && next.size - next.used < bytes)
		leave(state->spares, &t->ahead);
	if (t->ahead.base) {
		t->ahead.base = NULL;
	} else if (t->chunk.base) {
		if (!obtain(t, &next, CHUNK_BYTES, bytes))
			return false;
	} else if (!take_spare(state->spares, &next, bytes) &&
		   !obtain(t, &next,
			   bytes > CHUNK_FIRST_BYTES / 2 ? CHUNK_BYTES
							 : CHUNK_FIRST_BYTES,
			   bytes)) {
		return false;
	}
	if (t->chunk.base)
		put_away(&t->chunk);
	t->chunk = next;
	write_owner(t);
	return true;
}

uint32_t chunk_room(const struct thread *t)
{
	return t->chunk.base ? t->chunk.size - t->chunk.used : 0;
}

uint8_t *chunk_reserve(struct thread *t, uint32_t bytes)
{
	if (chunk_room(t) < bytes) {
		if (bytes > CHUNK_BYTES - OWNER_MOST - sizeof(struct pp_chunk))
			return NULL;
		if (!next_chunk(t, bytes + OWNER_MOST))
			return NULL;
	}
	return t->chunk.base + t->chunk.used;
}

static void commit(struct chunk *c, uint32_t bytes)
{
	c->used += bytes;
	/* publishes the record to the reader, and to whoever looks after us */
	__atomic_store_n(&head_of(c)->used, c->used, __ATOMIC_RELEASE);
}

void chunk_commit(struct thread *t, uint32_t bytes)
{
	commit(&t->chunk, bytes);
}

static bool next_kept(struct thread *t, uint32_t bytes)
{
	uint32_t maps = t->maps, size = CHUNK_FIRST_BYTES;
	struct chunk next;
	bool ok;

	if (bytes > CHUNK_FIRST_BYTES / 2)
		size = CHUNK_BYTES;
	t->maps = 1;
	ok = take_spare(state->kept_spares, &next, bytes) ||
	     map_new(t, &next, size);
	t->maps = maps;
	if (!ok)
		return false;
	leave(state->kept_spares, &t->kept);
	t->kept = next;
	return true;
}

uint8_t *chunk_reserve_kept(struct thread *t, uint32_t bytes)
{
	const struct chunk *c = &t->kept;

	if (bytes > CHUNK_BYTES - sizeof(struct pp_chunk))
		return NULL;
	if ((!c->base || c->size - c->used < bytes) && !next_kept(t, bytes))
		return NULL;
	return c->base + c->used;
}

void chunk_commit_kept(struct thread *t, uint32_t bytes)
{
	commit(&t->kept, bytes);
}

void chunk_look_ahead(struct thread *t)
{
	if (!t->chunk.base || t->ahead.base ||
	    t->chunk.used <= t->chunk.size / 2)
		return;
	/* threads that come and go would else leave one each */
	if (!take_spare(state->spares, &t->ahead, AHEAD_LEAST) &&
	    one_more_is_wanted(CHUNK_FIRST_BYTES)) /* else it may do without */
		(void)obtain(t, &t->ahead, CHUNK_BYTES, 0);
}

/* Where the structs of a table begin whose numbers end at p. */
static uint8_t *align_table(uint8_t *p)
{
	return (uint8_t *)(((uintptr_t)p + PP_TABLE_ALIGN - 1) &
			   ~(uintptr_t)(PP_TABLE_ALIGN - 1));
}

uint8_t *chunk_table(struct thread *t, enum pp_record type, uint32_t number,
		     uint32_t size, struct chunk *c)
{
	uint8_t *p, *body;
	uint32_t length;

	if (!map_new(t, c, size))
		return NULL;
	p = put_owner(t, c->base + sizeof(struct pp_chunk));
	*p++ = (uint8_t)type;
	/* the length of the body and of its own varint make up the rest */
	length = size - (uint32_t)(p - c->base);
	length -= varint_bytes(length);
	if (1 + varint_bytes(length) + length <
	    1 + size - (uint32_t)(p - c->base))
		length++; /* the varint became a byte shorter */
	body = p = put_varint(p, length);
	if (type == PP_EDGES)
		p = put_varint(p, number);
	c->used = (uint32_t)(body - c->base) + length;
	return align_table(p);
}

void chunk_table_begin(struct chunk *c)
{
	/* the table becomes part of the log */
	__atomic_store_n(&head_of(c)->used, c->used, __ATOMIC_RELEASE);
}

void chunk_table_leave(struct chunk *c)
{
	if (c->base)
		unmap(c->base, c->size);
	c->base = NULL;
}

void chunk_leave(struct thread *t)
{
	leave(state->spares, &t->chunk);
	leave(state->spares, &t->ahead);
	leave(state->kept_spares, &t->kept);
}
