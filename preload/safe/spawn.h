/* SPDX-License-Identifier: MIT */
/*
 * A bare thread, made by clone(2) alone.
 */
#ifndef SAFE_SPAWN_H
#define SAFE_SPAWN_H

/*
 * Run function() on the stack that ends at stack_top (a multiple of 16), as a
 * thread with these CLONE_ flags. function() must end by SYS_exit and use no
 * thread local variable. Returns its thread id or -errno. Handler, any thread.
 */
long spawn(unsigned long flags, void *stack_top, int *parent_tid,
	   int *child_tid, void (*function)(void));

#endif
