/* SPDX-License-Identifier: MIT */
/*
 * Code objects and the names they bear, defined in the log at first sight. A
 * code object is known by its address until codes_died(), so an address that
 * is used again is a new code. Handler, or a thread with the GIL.
 */
#ifndef SAFE_CODES_H
#define SAFE_CODES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "safe/thread.h"

#define CODES_UNNAMED 0		 /* could not be defined now */
#define CODES_SKIP    UINT32_MAX /* no function: leave the frame out */

/* Bytes of an object of the host. */
struct codes_span {
	const uint8_t *at;
	uint32_t length; /* bytes */
	uint32_t kind;	 /* bytes per character; 0 for a bytes object */
};

/* What a definition takes from a code object. */
struct codes_facts {
	struct codes_span name, qualname, file, lines;
	uint32_t firstlineno;
	bool has_qualname;
};

/* The characters of a str, at most 4,096. False if it is none. */
bool codes_read_str(uintptr_t object, struct codes_span *out);

/* Read them, by guarded loads. False if the object makes no sense. */
bool codes_read(uintptr_t code, struct codes_facts *facts);

/* The same for the line table and firstlineno alone. */
bool codes_read_lines(uintptr_t code, struct codes_span *lines,
		      uint32_t *firstlineno);

/*
 * The id of a code object that a frame of the calling thread refers to.
 * Defines it in the thread's log if it is new. CODES_UNNAMED if there is no
 * room or the object makes no sense; the next sample tries again.
 */
uint32_t codes_id(struct thread *t, uintptr_t code);

/*
 * The same for a C function, known by its PyMethodDef, under this name. Not in
 * a handler: the sampling signal must be blocked.
 */
uint32_t codes_id_of_c(struct thread *t, uintptr_t method, const char *name,
		       uint32_t length);

/*
 * In place of a frame's code object: its id is that of a mark, which stands for
 * no code and has no line.
 */
#define CODES_MARK (UINT64_C(1) << 63)

/*
 * The id of a mark of this name. Of no more than `most` names in a log: a
 * further one is known by the name `other`. CODES_UNNAMED if there is no room.
 */
uint32_t codes_id_of_mark(struct thread *t, const struct codes_span *name,
			  const struct codes_span *other, uint32_t most);

/*
 * The word that holds the id of a code object or C function, for who keeps
 * both: once it is another, the address is of something else. It is never an
 * id if the table was too full to publish one.
 */
const _Atomic uint32_t *codes_word(uintptr_t key);

/* The code object is about to be freed: forget it. Needs the GIL. */
void codes_died(uintptr_t code);

#endif
