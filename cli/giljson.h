/* SPDX-License-Identifier: MIT */
/* The GIL's ledger in JSON; used by fmt_json.c. See doc/json.md. */
#ifndef GILJSON_H
#define GILJSON_H

#include <jansson.h>

#include "view.h"

/* Whether there is anything to say. */
bool giljson_wanted(const struct view *v) PP_MUST_CHECK;

/* A new object: "threads" and "waits". */
json_t *giljson_make(const struct view *v);

#endif
