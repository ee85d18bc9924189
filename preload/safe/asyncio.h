/* SPDX-License-Identifier: MIT */
/*
 * What asyncio's accelerator knows of tasks, read from its objects by guarded
 * loads: which tasks run, which one awaits another, and where a coroutine
 * stands that is suspended. Objects are addresses; whatever makes no sense is
 * 0. Handler, of the thread whose tasks they are.
 *
 * Tasks of Python code alone (asyncio.tasks._PyTask) are not seen. Who awaits
 * is asyncio's own account from 3.14 on. Before, it is found from the callbacks
 * that an awaiting task leaves: by `await task`, gather(), wait(), shield() and
 * TaskGroup; a callback of another kind is nobody that awaits.
 */
#ifndef SAFE_ASYNCIO_H
#define SAFE_ASYNCIO_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The tasks that may be running in the thread of this state: one from 3.14 on,
 * before one of each event loop. Returns how many; there may be more.
 */
uint32_t asyncio_running(uintptr_t thread_state, uintptr_t *tasks,
			 uint32_t most);

/* A task's coroutine, and its name: a str, or an int in its place. */
uintptr_t asyncio_coroutine(uintptr_t task);
uintptr_t asyncio_name(uintptr_t task);

/*
 * One that awaits this future or task, of several any: a task, or a future that
 * gather() made. type is that of the running task.
 */
uintptr_t asyncio_awaiter(uintptr_t future, uintptr_t type);

bool asyncio_is_task(uintptr_t future, uintptr_t type);

/* The type of an object. */
uintptr_t asyncio_type(uintptr_t object);

/*
 * The frame of a coroutine or generator, as walk.h counts them; 0 if it is
 * none, or over.
 */
uintptr_t asyncio_frame(uintptr_t generator);

/* Is it suspended in an await? To 3.10 nobody says: true. */
bool asyncio_is_suspended(uintptr_t generator);

/* What a suspended one awaits, if that is one too. */
uintptr_t asyncio_awaited(uintptr_t generator);

#endif
