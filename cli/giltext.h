/* SPDX-License-Identifier: MIT */
/* The GIL's ledger in the text report; used by fmt_text.c. */
#ifndef GILTEXT_H
#define GILTEXT_H

#include <stdio.h>

#include "view.h"

/*
 * Who held the GIL and who waited for it, in percent of the threads' life, then
 * who waited how long behind which line, with the stacks of the first of these.
 * Nothing if nobody waited.
 */
void giltext_put(const struct view *v, FILE *out);

#endif
