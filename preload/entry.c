/* SPDX-License-Identifier: MIT */
/*
 * The life of pyprof in a process. Start: constructor, a Python is found, its
 * interpreter is ready, offsets are proved, log, threads, signals, clock. Stop
 * is the same backwards. See entry.h.
 */
#include "entry.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "engine.h"
#include "handlers.h"
#include "interp.h"
#include "keepenv.h"
#include "log.h"
#include "msg.h"
#include "pyprof/counts.h"
#include "real.h"
#include "safe/clock.h"
#include "safe/control.h"
#include "safe/logfile.h"
#include "safe/mask.h"
#include "safe/sample.h"
#include "safe/state.h"
#include "safe/target.h"
#include "text.h"
#include "threads.h"
#include "trace.h"
#include "unsampled.h"

/* The first version that warns of a fork in a process with threads. */
#define FORK_WARNS_MINOR 12

static struct {
	bool configured;
	bool started; /* once in a process and its forked children */
	uint64_t begin_ns, end_ns; /* when recording is wanted */
	struct log_facts facts;
} g;

/* What the thread that forks had before. */
static __thread int fork_depth;
static __thread uint64_t fork_mask;
static __thread int fork_host_blocks;
static __thread int fork_armed;

/* -- start --------------------------------------------------------------- */

/*
 * Delay and duration count from the start of the first process; but if
 * recording is switched on later, the duration does from then on.
 */
static void set_span(void)
{
	const struct settings *s = &target.settings;
	uint64_t from_ns = 0;

	g.begin_ns = s->start ? 0 : CONTROL_OFF;
	g.end_ns = UINT64_MAX;
	if (!s->start || !(s->delay_ns | s->duration_ns))
		return;
	from_ns = config_session_began(clock_now());
	if (s->delay_ns)
		g.begin_ns = from_ns + s->delay_ns;
	if (s->duration_ns)
		g.end_ns = from_ns + s->delay_ns + s->duration_ns;
}

/* A child goes on as its parent is, which may have been switched. */
static void keep_span(void)
{
	g.begin_ns = atomic_load(&state->begin_ns);
	g.end_ns = atomic_load(&state->end_ns);
}

/*
 * Begin a log of this process, the calling thread being its main one, whose
 * sampling signal is blocked; host_blocks: so the host believes it to stay;
 * mask: what else it blocks.
 */
static void begin(int host_blocks, uint64_t mask)
{
	struct thread *t;

	if (log_open(&g.facts) < 0)
		return;
	control_begin(g.begin_ns, g.end_ns);
	atomic_store(&state->pid, (uint32_t)getpid());
	log_begin();
	t = threads_adopt_self(PP_THREAD_MAIN);
	if (!t)
		return;
	atomic_store(&t->host_blocks, host_blocks);
	atomic_store(&t->blocks_faults, (mask & MASK_FAULTS) != 0);
	threads_adopt_others();
	log_write_facts(t, &g.facts);
	/* publishes all of the above to handlers */
	atomic_store(&state->armed, 1);
	engine_start();
}

static void before_fork(void)
{
	uint64_t mask = mask_quiet(target.settings.signal);
	struct thread *t = thread_self();

	/* a handler of the host's may fork while its thread does */
	if (fork_depth++ == 0)
		fork_mask = mask;
	fork_armed = state_is_armed();
	if (fork_armed)
		keep_span();
	fork_host_blocks = t ? atomic_load(&t->host_blocks) : 0;
	if (fork_armed && target.row->minor >= FORK_WARNS_MINOR)
		engine_lend();
}

static void end_fork(void)
{
	if (--fork_depth == 0)
		mask_unquiet(target.settings.signal, fork_mask);
}

static void in_parent(void)
{
	if (state_is_armed())
		engine_lent();
	end_fork();
}

static void in_child(void)
{
	int saved = errno;

	thread_set_self(NULL);
	if (fork_armed)
		logfile_close();
	/* a parent that stood down has said so once */
	if (fork_armed && target.settings.children)
		begin(fork_host_blocks, fork_mask);
	if (fork_armed && !state_is_armed()) {
		handlers_remove();
		if (fork_host_blocks)
			fork_mask |= mask_of(target.settings.signal);
	}
	trace_start_child();
	fork_depth = 1;
	end_fork();
	errno = saved;
}

void entry_copy_begin(struct copying *c)
{
	struct thread *t = thread_self();
	int number = target.settings.signal;
	uint64_t signal;

	*c = (struct copying){ 0 };
	if (!handlers_has_sampling(number) || state_is_borrowed())
		return;
	signal = mask_of(number);
	c->number = number;
	c->host_blocks = t && atomic_load(&t->host_blocks);
	c->blocked = mask_block(signal) & signal;
}

void entry_copy_end(const struct copying *c, bool is_child)
{
	if (!c->number)
		return;
	if (is_child)
		handlers_remove();
	if (!c->blocked && !(is_child && c->host_blocks))
		mask_unblock(mask_of(c->number));
}

static void start(void)
{
	uint64_t mask, signal;

	engine_choose();
	if (state_init() < 0) {
		msg_line("no memory", "; the program runs unprofiled", NULL);
		return;
	}
	if (interp_prove(&g.facts) < 0 || threads_init() < 0 ||
	    handlers_install() < 0 ||
	    pthread_atfork(before_fork, in_parent, in_child) != 0)
		return;
	if (target.settings.mode == PP_MODE_WALL && !target.interpreter) {
		msg_line("this interpreter's list of threads is unknown",
			 ": no wall mode; the program runs unprofiled", NULL);
		return;
	}
	trace_prepare();
	set_span();
	/* which may have put something into the environment */
	keepenv_init();
	signal = mask_of(target.settings.signal);
	mask = mask_quiet(target.settings.signal);
	begin((mask & signal) != 0, mask);
	if (!state_is_armed()) {
		handlers_remove();
		mask_unquiet(target.settings.signal, mask);
		return;
	}
	log_write_ancestors(thread_self());
	/* a signal that the program was started with blocked is taken out */
	mask_unquiet(target.settings.signal, mask & ~signal);
	interp_hook_deaths(trace_code_died);
	trace_start();
}

void entry_start(void)
{
	int saved = errno;

	if (!g.started) {
		g.started = true;
		start();
	}
	errno = saved;
}

bool entry_knows_python(void)
{
	return g.configured;
}

void entry_found_python(void *handle)
{
	if (g.configured)
		return;
	g.configured = true;
	msg_init();
	real_resolve();
	if (config_init() < 0 || !config_is_wanted())
		return;
	/* it says itself what is wrong */
	if (interp_watch(handle, entry_start) < 0)
		return;
}

__attribute__((constructor)) static void on_load(void)
{
	int saved = errno;

	keepenv_init();
	if (dlsym(RTLD_DEFAULT, "Py_GetVersion"))
		entry_found_python(RTLD_DEFAULT);
	errno = saved;
}

/* -- stop ---------------------------------------------------------------- */

static void say_stuck(void)
{
	switch (atomic_load(&state->log_stuck)) {
	case PP_ENDED_FAILED:
		msg_line(log_path(), ": the log could not grow to the end",
			 NULL);
		break;
	case PP_ENDED_SIZE:
		msg_line(log_path(), ": the log grew to its --max-size", NULL);
		break;
	default:
		break;
	}
}

static void say_summary(void)
{
	struct pp_header *h = state->header;
	int verbose = target.settings.verbose;
	struct text line;

	if (verbose == 0 || (verbose == 1 && !config_is_first()))
		return;
	/* a log that is not whole is said wherever stderr goes */
	say_stuck();
	if (verbose == 1 && !config_is_wrapped() && !msg_is_terminal())
		return;
	text_init(&line);
	text_add(&line, ": ");
	if (h->trace)
		text_add(&line, h->trace == PP_TRACE_LINES ? "lines and calls"
							   : "calls");
	if (h->trace && h->engine)
		text_add(&line, ", ");
	if (h->engine || !h->trace) {
		text_add_number(&line, pp_samples(h));
		text_add(&line, " samples, ");
		text_add_number(&line, pp_lost(h));
		text_add(&line, " lost");
	}
	msg_line(log_path(), line.at, NULL);
}

/*
 * Take the right to write from all handlers, and wait for those that are
 * inside. False if this process has no log, or somebody else ends it already.
 */
static bool disarm(void)
{
	uint32_t armed = 1;

	if (!state || atomic_load(&state->pid) != (uint32_t)getpid() ||
	    !atomic_compare_exchange_strong(&state->armed, &armed, 0))
		return false;
	threads_wait_idle(thread_self());
	return true;
}

/*
 * The last words of all threads, in the log of this one, which blocked `mask`
 * before it came here.
 */
static void write_end(uint32_t ended, uint64_t mask)
{
	struct thread *t = thread_self();

	if (!t)
		t = threads_adopt_self(PP_THREAD_FOUND);
	if (!t) {
		log_end(NULL, ended);
		return;
	}
	unsampled_note(t, t, clock_read(CLOCK_THREAD_CPUTIME_ID), &mask);
	sample_close(t, clock_now(), clock_read(CLOCK_THREAD_CPUTIME_ID));
	log_end(t, ended);
}

/*
 * The last words of a process are said between the end of the interpreter and
 * the end of the process. Threads that still live then may touch what the
 * interpreter has freed (CPython 3.10 does), so this takes microseconds: the
 * clocks are left to die with the process, and the file is not cut, which
 * takes longest, unless this is the last thread.
 */
static void say_last_words(uint32_t ended, uint64_t mask)
{
	write_end(ended, mask);
	if (threads_alone(thread_self()))
		log_cut();
	say_summary();
}

void entry_stop(uint32_t ended)
{
	int saved = errno;
	uint64_t mask;

	if (disarm()) {
		mask = mask_quiet(target.settings.signal);
		say_last_words(ended, mask);
		mask_unquiet(target.settings.signal, mask);
	}
	errno = saved;
}

bool entry_exec_begin(void)
{
	struct thread *t = thread_self();
	uint64_t mask;

	if (!disarm())
		return false;
	engine_stop();
	mask = mask_quiet(target.settings.signal);
	write_end(PP_ENDED_EXEC, mask);
	handlers_remove();
	/* a mask outlives exec, also the one that we pretended */
	if (t && atomic_load(&t->host_blocks))
		mask |= mask_of(target.settings.signal);
	mask_unquiet(target.settings.signal, mask);
	return true;
}

void entry_exec_failed(void)
{
	uint64_t faults;

	if (handlers_install() < 0)
		return;
	/* the log may have been truncated meanwhile */
	faults = mask_open_faults();
	__atomic_store_n(&state->header->ended, PP_ENDED_NOT, __ATOMIC_RELEASE);
	mask_close_faults(faults);
	atomic_store(&state->armed, 1);
	mask_unblock(mask_of(target.settings.signal));
	engine_start();
}

__attribute__((destructor)) static void on_unload(void)
{
	entry_stop(PP_ENDED_EXIT);
}
