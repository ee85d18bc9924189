/* SPDX-License-Identifier: MIT */
/*
 * What an event costs, measured at start with the machine, the interpreter and
 * the mechanism that there are: 15 to 30 ms. Needs the GIL.
 */
#ifndef TRACE_COST_H
#define TRACE_COST_H

#include "pyprof/compiler.h"
#include "trace_mechanism.h"

/*
 * Fill trace_costs; if that fails they stay 0, which is said in one line.
 * Returns -1 if the mechanism does not begin, which has been said too.
 */
int trace_cost_measure(const struct trace_mechanism *mechanism) PP_MUST_CHECK;

#endif
