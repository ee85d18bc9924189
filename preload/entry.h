/* SPDX-License-Identifier: MIT */
/*
 * The life of pyprof in a process: start, stop, and what happens at fork and
 * exec. Called by the hooks; not in a handler.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The interpreter is ready and the calling thread has the GIL: begin to
 * profile. Once in a process; in doubt it stands down in one line.
 */
void entry_start(void);

/* The process ends, or its program changes: close the log, for enum pp_ended.
 */
void entry_stop(uint32_t ended);

/*
 * The program is about to be replaced by another. The clocks stop, and what is
 * there is said; entry_exec_failed() goes on where that was. The mask is kept
 * by the caller between the two.
 */
bool entry_exec_begin(void);
void entry_exec_failed(void);

/*
 * Around a call that copies the process without fork(): the sampling signal is
 * blocked. In the child our handlers are taken out, and nothing is recorded.
 * Both may be called where malloc() may not.
 */
struct copying {
	int number; /* of the signal; 0: nothing was to be done */
	bool blocked, host_blocks;
};
void entry_copy_begin(struct copying *c);
void entry_copy_end(const struct copying *c, bool is_child);

/*
 * There is a libpython, in an object opened by dlopen() or RTLD_DEFAULT. The
 * first time counts; entry_knows_python() tells whether that has been.
 */
void entry_found_python(void *handle);
bool entry_knows_python(void);

#endif
