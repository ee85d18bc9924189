/* SPDX-License-Identifier: MIT */
/*
 * Python's marshal format, that part of it which every Python 3 reads: no
 * references, no interned strings. The caller begins a dictionary, puts keys
 * and values in turn, and ends it; a tuple says how many elements follow.
 * Whether writing worked is seen on the stream.
 */
#ifndef UTIL_MARSHAL_H
#define UTIL_MARSHAL_H

#include <stdint.h>
#include <stdio.h>

void marshal_begin_dict(FILE *out);
void marshal_end_dict(FILE *out);
void marshal_tuple(FILE *out, uint32_t count);
void marshal_int(FILE *out, uint64_t value);
void marshal_float(FILE *out, double value);

/*
 * A name as text.h has it, as a str: bytes that are not UTF-8 become the
 * surrogates that Python itself has for them (PEP 383).
 */
void marshal_str(FILE *out, const char *s);

#endif
