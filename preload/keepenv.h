/* SPDX-License-Identifier: MIT */
/*
 * --keep-env: what makes a program record, put back into an environment that
 * lacks it. Also in programs that are no Python, such as env(1) and shells.
 */
#ifndef KEEPENV_H
#define KEEPENV_H

#include <stddef.h>

/*
 * Keep LD_PRELOAD and the PYPROF_ variables of this process's environment, if
 * PYPROF_KEEP_ENV=1 is there. May be called again when more are. One thread.
 */
void keepenv_init(void);

/*
 * How many bytes keepenv_fill() needs for this environment; 0: it lacks
 * nothing, or nothing is to be kept. Any context, also in a child of vfork();
 * the same for the next.
 */
size_t keepenv_bytes(char *const envp[]);

/*
 * The environment with what it lacks, made of room[] (that many bytes, aligned
 * as a pointer) and of what it points to. Without room it is returned as it is.
 */
char *const *keepenv_fill(void *room, char *const envp[]);

#endif
