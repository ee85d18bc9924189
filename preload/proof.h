/* SPDX-License-Identifier: MIT */
/*
 * Prove before you sample: run a tiny program and compare what our offsets say
 * of it with what the public API says.
 */
#ifndef PROOF_H
#define PROOF_H

#include "pyprof/compiler.h"

/*
 * Needs the GIL, target.row and the addresses of target. Sets
 * target.state_known. Returns NULL if all is as we think, or words for what is
 * not; the interpreter must then not be sampled.
 */
const char *proof_run(void) PP_MUST_CHECK;

#endif
