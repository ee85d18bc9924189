/* SPDX-License-Identifier: MIT */
/*
 * The definitions of one log, STRING and CODE: from a code id to a function of
 * the profile. A code is resolved when a sample first names it, as its strings
 * may be defined after it.
 */
#ifndef CODES_H
#define CODES_H

#include "model.h"
#include "reader.h"

struct code;
struct log_string;

struct codes {
	struct profile *profile;
	uint32_t unnamed; /* the mark <code?> */
	bool undefined;	  /* a sample named a code that nothing defines */

	struct log_string *strings;
	size_t string_count, string_room;
	struct table string_table;
	struct code *codes;
	size_t code_count, code_room;
	struct table code_table;
};

/* Where a frame is: what the context tree is made of. */
struct place {
	uint32_t function;
	uint32_t line;
};

void codes_init(struct codes *codes, struct profile *profile);
void codes_done(struct codes *codes);

/*
 * Take in a record; others than the two are passed over. Returns -1 if it
 * makes no sense.
 */
int codes_define(struct codes *codes, const struct record *rec) PP_MUST_CHECK;

/* Where the frame of a SAMPLE's (code, line) is. */
struct place codes_place(struct codes *codes, uint32_t id, uint32_t line);

/*
 * Whether that line is one of a source. That on which Python enters a module,
 * from 3.11 on, is 0; codes_place() says 1.
 */
bool codes_has_line(const struct codes *codes, uint32_t id,
		    uint32_t line) PP_MUST_CHECK;

#endif
