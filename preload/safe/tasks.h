/* SPDX-License-Identifier: MIT */
/*
 * The stack of a thread that runs an asyncio task, with --async: the walk's,
 * and, between the event loop's frames and the coroutine's, what asyncio knows
 * and no stack shows. Root first:
 *
 *	<module> main run_forever _run_once ...  the event loop, as walked
 *	<task main>  main  fetch_all             a task that awaits the next:
 *	                                         where its coroutines stand
 *	<task worker-1>  worker  fetch  parse    the running task, as walked
 *
 * The marks are frames of no code, of CODE records without a file. What awaits
 * whom is limited before 3.14: see asyncio.h. A stack without room for all of
 * it shows the running task alone, and one that was cut not even that.
 */
#ifndef SAFE_TASKS_H
#define SAFE_TASKS_H

#include <stdint.h>

#include "pyprof/compiler.h"
#include "safe/thread.h"
#include "safe/walk.h"

/*
 * walk(), and this if it was asked for. New names are defined in the log of t,
 * the thread itself or the one that reads its stack. Returns what walk()
 * returns.
 */
int tasks_walk(struct thread *t, uintptr_t thread_state, uintptr_t pc,
	       struct stack *s) PP_MUST_CHECK;

#endif
