/* SPDX-License-Identifier: MIT */
/*
 * The ticker: sleeps by a high resolution timer and signals each thread that
 * runs at this instant. "Runs" is: its CPU clock has advanced since the last
 * tick, and advances again between two readings, or else, for a thread that
 * waits for the processor (perhaps the one that the ticker itself has taken),
 * /proc says R. A blocked thread is neither, so it is not interrupted; a
 * thread that goes to sleep between the look and the signal is, and that
 * window is two system calls wide.
 *
 * It is a bare clone: no libc (there is no thread local storage: the fs
 * register is that of the thread that started it), so raw system calls only;
 * no shared file table, so that its files have no numbers in the host; no
 * entry in any list of libc's. Stopping waits until the kernel counts it no
 * more, since CPython 3.12 warns when a process with threads forks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "safe/clock.h"
#include "safe/control.h"
#include "safe/engine.h"
#include "safe/mask.h"
#include "safe/offcpu.h"
#include "safe/signals.h"
#include "safe/spawn.h"
#include "safe/state.h"
#include "safe/sys.h"
#include "safe/target.h"

#define STACK_BYTES (32u << 10)

/* A signal that has not arrived after so long was lost: send another. */
#define RESEND_NS 20000000u

/* At least between two readings of the ticker's own CPU clock. */
#define OWN_CLOCK_NS 1500000u

/* Looks for the ticker that ends: a millisecond, then a third of a second. */
#define GONE_LOOKS 4000

/* See engine_in_handler(). */
#define LENDER_CPU_NS  10000000u
#define LENDER_WALL_NS 1000000000u

/* The first error of the last ticks is not made up for by a burst. */
#define BEHIND_MOST 4u

/* See spacing(): over how many looks it goes. */
#define RUNS_ON_LOOKS 16u

/* From so many that stand still on they are not looked at one by one. */
#define STANDING_MANY 4u

enum { TICKER_NONE, TICKER_STARTING, TICKER_RUNNING, TICKER_STOPPING };

/* -- what runs in the ticker ------------------------------------------- */

static uint64_t now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

/* The state letter of /proc/self/task/TID/stat, which follows the name. */
static char state_letter(const char *text, long length)
{
	for (long i = length - 3; i > 0; i--)
		if (text[i] == ')')
			return text[i + 2];
	return '?';
}

static int open_stat(int tid)
{
	static const char before[] = "/proc/self/task/", after[] = "/stat";
	char path[48], digits[12];
	size_t n = 0, d = 0;

	for (size_t i = 0; i < sizeof(before) - 1; i++)
		path[n++] = before[i];
	for (; tid > 0; tid /= 10)
		digits[d++] = (char)('0' + tid % 10);
	while (d)
		path[n++] = digits[--d];
	for (size_t i = 0; i < sizeof(after); i++)
		path[n++] = after[i];
	return (int)sys_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC,
			     0);
}

static void close_stat(struct thread *t)
{
	if (t->stat_fd >= 0)
		sys_call(SYS_close, t->stat_fd, 0, 0, 0);
	t->stat_fd = -1;
	t->stat_tid = 0;
}

/* The thread whose stat was opened last. */
static struct thread *latest_stat;

/*
 * Have the thread's stat open. Where more threads live than files may be open,
 * the latest that got one lends its own.
 */
static void obtain_stat(struct thread *t, int tid)
{
	if (t->stat_tid == tid)
		return;
	close_stat(t);
	t->stat_fd = open_stat(tid);
	if (t->stat_fd == -EMFILE && latest_stat) {
		close_stat(latest_stat);
		t->stat_fd = open_stat(tid);
	}
	t->stat_tid = tid;
	if (t->stat_fd >= 0)
		latest_stat = t;
}

/*
 * Does the kernel say that the thread runs or could? Where it says nothing, as
 * without /proc: it ran since the last look, and so may still do.
 */
static bool is_runnable(struct thread *t, int tid)
{
	char text[128];
	long length;

	obtain_stat(t, tid);
	if (t->stat_fd < 0)
		return true;
	length = sys_call(SYS_pread64, t->stat_fd, text, sizeof(text), 0);
	return length > 0 && state_letter(text, length) == 'R';
}

static void send_signal(struct thread *t, int tid, uint64_t now_ns)
{
	atomic_store_explicit(&t->signalled, 1, memory_order_relaxed);
	t->signalled_ns = now_ns;
	/* counted first: its handler may be the last that the log sees */
	atomic_fetch_add_explicit(&state->ticker_sent, 1, memory_order_relaxed);
	if (signals_send(tid, target.settings.signal, &signals_cookie) != 0)
		atomic_fetch_sub_explicit(&state->ticker_sent, 1,
					  memory_order_relaxed);
}

/*
 * CPU time that looks have seen: what the process had used but for the ticker
 * when all of its threads were looked at last, and what its threads have
 * advanced since. See others_may_have_run().
 */
static struct {
	uint64_t of_process, of_threads;
} seen;

/*
 * How much CPU time a thread is to use between two samples, at least. A thread
 * that runs for less than a period at a time and then waits is asked less
 * often: each of its waits is one that the signal may interrupt. It depends on
 * its last looks together, never on where within a run this one falls, which
 * would prefer the end of each run.
 */
static uint64_t spacing(struct thread *t, uint64_t advance, uint64_t tick_ns)
{
	bool whole = advance > tick_ns / 4 * 3;

	t->runs_on -= t->runs_on / RUNS_ON_LOOKS;
	if (whole)
		t->runs_on += THREAD_RUNS_ON / RUNS_ON_LOOKS;
	return t->runs_on < THREAD_RUNS_ON / 4 ? target.period_ns
					       : target.period_ns / 2;
}

/* A signal was sent, and has neither arrived yet nor been lost. */
static bool is_on_its_way(const struct thread *t, uint64_t now_ns)
{
	return atomic_load_explicit(&t->signalled, memory_order_relaxed) &&
	       now_ns - t->signalled_ns < RESEND_NS;
}

/* `off`: what it does while it is not on a processor is recorded, too. */
static void look_at(struct thread *t, int tid, uint64_t now_ns,
		    uint64_t tick_ns, bool off)
{
	/* in this order: the clock is never behind what was sampled of it */
	uint64_t sampled =
		atomic_load_explicit(&t->sampled_cpu, memory_order_relaxed);
	uint64_t cpu = clock_read(clock_of_thread(tid)), least;

	if (cpu == 0)
		return;
	t->stands = cpu == t->seen_cpu;
	if (t->stands) {
		if (off)
			offcpu_note(t, tid, now_ns, cpu, true);
		return;
	}
	seen.of_threads += cpu - t->seen_cpu;
	least = spacing(t, cpu - t->seen_cpu, tick_ns);
	t->seen_cpu = cpu;
	if (!off && cpu - sampled < least)
		return;
	if (clock_read(clock_of_thread(tid)) == cpu) {
		bool runnable = is_runnable(t, tid);

		if (off && (!runnable || offcpu_is_due(t, now_ns, cpu)))
			offcpu_note(t, tid, now_ns, cpu, false);
		if (!runnable)
			return;
	}
	if (cpu - sampled >= least && !is_on_its_way(t, now_ns))
		send_signal(t, tid, now_ns);
}

/*
 * Look at those threads that were not looked at in this tick yet, at all or
 * only if they ran at their last look. Returns how many are left.
 */
static uint32_t look_at_those(bool all, uint64_t now_ns, uint64_t tick_ns,
			      bool off)
{
	uint32_t n = thread_slots(), left = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct thread *t = thread_at(i);
		int tid;

		if (!t)
			continue;
		/* pairs with thread_publish() */
		tid = atomic_load_explicit(&t->tid, memory_order_acquire);
		if (tid <= 0 || t->looked_ns == now_ns ||
		    atomic_load_explicit(&t->clock, memory_order_relaxed) !=
			    THREAD_CLOCK_TICKER ||
		    (off && offcpu_rests(t)))
			continue;
		if (t->stands && !all) {
			left++;
			continue;
		}
		t->looked_ns = now_ns;
		look_at(t, tid, now_ns, tick_ns, off);
	}
	return left;
}

/*
 * May a thread that stood still have run since? Not while the process's CPU
 * time has gone to the ticker and to the threads that were seen to run: two
 * readings stand for one of each thread that waits. What is less than a
 * sixteenth of a period is no news, neither way, as clocks are not read at
 * once.
 */
static bool others_may_have_run(void)
{
	uint64_t most = target.period_ns / 16;
	uint64_t process = clock_read(CLOCK_PROCESS_CPUTIME_ID) -
			   clock_read(CLOCK_THREAD_CPUTIME_ID);

	if (process - seen.of_process - seen.of_threads + most < 2 * most)
		return false;
	seen.of_process = process;
	seen.of_threads = 0;
	return true;
}

/* `tick_ns` is how long ago the last look was. */
static void look_at_all(uint64_t now_ns, uint64_t tick_ns)
{
	bool off = target.settings.mode == PP_MODE_WALL && offcpu_enter();
	uint32_t standing = look_at_those(off, now_ns, tick_ns, off);

	if (standing && (standing < STANDING_MANY || others_may_have_run()))
		look_at_those(true, now_ns, tick_ns, off);
	if (off)
		offcpu_leave();
}

/* Sleep until an instant, or until ticker_stop() wakes us. */
static void sleep_until(uint64_t at_ns)
{
	struct timespec at = { (time_t)(at_ns / 1000000000u),
			       (long)(at_ns % 1000000000u) };

	sys_call6(SYS_futex, (long)&state->ticker_stop,
		  FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, (long)&at, 0,
		  (long)FUTEX_BITSET_MATCH_ANY);
}

static void close_range_of(unsigned from, unsigned to)
{
	if (from > to || sys_call(SYS_close_range, from, to, 0, 0) == 0)
		return;
	for (unsigned fd = from; fd <= to && fd < 65536; fd++)
		sys_call(SYS_close, fd, 0, 0, 0);
}

/* Files that were the host's are not held open here; the log may be. */
static void close_all_but(int kept)
{
	if (kept > 0)
		close_range_of(0, (unsigned)kept - 1);
	close_range_of((unsigned)(kept + 1), ~0u);
}

static void set_up(void)
{
	uint32_t n = thread_slots();

	sys_call(SYS_prctl, PR_SET_TIMERSLACK, 1, 0, 0);
	sys_call(SYS_prctl, PR_SET_NAME, "pyprof", 0, 0);
	close_all_but(target.settings.mode == PP_MODE_WALL ? offcpu_begin()
							   : -1);
	latest_stat = NULL;
	for (uint32_t i = 0; i < n; i++) {
		struct thread *t = thread_at(i);

		if (t) {
			t->stat_fd = -1;
			t->stat_tid = 0;
		}
	}
}

static bool must_stop(void)
{
	return atomic_load_explicit(&state->ticker_stop, memory_order_acquire);
}

/* In wall mode who is off the processor is seen, also while it is not wanted.
 */
static bool may_rest(uint64_t now_ns)
{
	return target.settings.mode != PP_MODE_WALL &&
	       control_is_resting(now_ns);
}

static void ticker_main(void)
{
	uint64_t base = state->ticker_past_ns;
	uint64_t period = target.period_ns, next, random;
	uint64_t looked_ns, counted_ns = 0;

	/* reading another thread's stack may fault, which is mended */
	mask_set(target.settings.mode == PP_MODE_WALL ? MASK_ALL & ~MASK_FAULTS
						      : MASK_ALL);
	set_up();
	looked_ns = next = now();
	random = next | 1;
	while (!must_stop()) {
		bool rests = may_rest(looked_ns);
		uint64_t begin_ns;

		/*
		 * Half a period to one and a half after the last look, so
		 * that looks have no phase: a thread that the kernel's own
		 * tick wakes, or one in step with us, is seen neither more
		 * nor less than it runs.
		 */
		random = random * 6364136223846793005u + 1442695040888963407u;
		next += period / 2 + (random >> 33) % (period + 1);
		if (rests)
			next += CONTROL_REST_NS;
		sleep_until(next);
		begin_ns = now();
		/* a rest may have ended early */
		if (rests || begin_ns > next + BEHIND_MOST * period)
			next = begin_ns;
		if (!must_stop() && !may_rest(begin_ns))
			look_at_all(begin_ns, begin_ns - looked_ns);
		looked_ns = begin_ns;
		if (begin_ns - counted_ns < OWN_CLOCK_NS)
			continue;
		counted_ns = begin_ns;
		atomic_store_explicit(
			&state->ticker_cpu_ns,
			base + clock_read(CLOCK_THREAD_CPUTIME_ID),
			memory_order_relaxed);
	}
	base += clock_read(CLOCK_THREAD_CPUTIME_ID);
	state->ticker_past_ns = base;
	atomic_store_explicit(&state->ticker_cpu_ns, base,
			      memory_order_relaxed);
	sys_call(SYS_exit, 0, 0, 0, 0);
}

/* -- what runs elsewhere ------------------------------------------------ */

int ticker_prepare(void)
{
	if (target.settings.mode == PP_MODE_WALL && offcpu_open() < 0)
		return -1;
	if (state->ticker_stack)
		return 0;
	state->ticker_stack = sys_mmap(NULL, STACK_BYTES,
				       PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return state->ticker_stack ? 0 : -1;
}

static int phase(void)
{
	return atomic_load_explicit(&state->ticker_phase, memory_order_acquire);
}

bool ticker_is_running(void)
{
	int now = phase();

	return now == TICKER_STARTING || now == TICKER_RUNNING;
}

void ticker_spawn(void)
{
	int none = TICKER_NONE;
	long tid;

	/* one of several that want it starts it */
	if (!atomic_compare_exchange_strong_explicit(
		    &state->ticker_phase, &none, TICKER_STARTING,
		    memory_order_acq_rel, memory_order_relaxed))
		return;
	atomic_store_explicit(&state->ticker_stop, 0, memory_order_relaxed);
	tid = spawn(CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD |
			    CLONE_SYSVSEM | CLONE_PARENT_SETTID |
			    CLONE_CHILD_CLEARTID,
		    (char *)state->ticker_stack + STACK_BYTES,
		    &state->ticker_tid, &state->ticker_tid, ticker_main);
	atomic_store_explicit(&state->ticker_phase,
			      tid > 0 ? TICKER_RUNNING : TICKER_NONE,
			      memory_order_release);
}

/* The kernel clears ticker_tid a moment before it forgets the thread. */
static void wait_until_gone(int tid)
{
	static const struct timespec pause = { 0, 100000 };
	int pid = sys_getpid();

	while (__atomic_load_n(&state->ticker_tid, __ATOMIC_ACQUIRE) == tid)
		sys_call6(SYS_futex, (long)&state->ticker_tid, FUTEX_WAIT, tid,
			  0, 0, 0);
	for (int i = 0; i < GONE_LOOKS; i++) {
		if (sys_call(SYS_tgkill, pid, tid, 0, 0) < 0)
			break;
		/* its processor may be somebody else's for a while */
		if (i < GONE_LOOKS / 2)
			sys_call(SYS_sched_yield, 0, 0, 0, 0);
		else
			sys_call(SYS_nanosleep, &pause, NULL, 0, 0);
	}
}

void ticker_wake(void)
{
	sys_call6(SYS_futex, (long)&state->ticker_stop,
		  FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
}

/* Win the right to stop it; false if there is none to stop, any more. */
static bool begin_stop(void)
{
	int running = TICKER_RUNNING;

	while (!atomic_compare_exchange_strong_explicit(
		&state->ticker_phase, &running, TICKER_STOPPING,
		memory_order_acq_rel, memory_order_acquire)) {
		if (running == TICKER_NONE)
			return false;
		/* somebody starts it or stops it: a matter of microseconds */
		running = TICKER_RUNNING;
		sys_call(SYS_sched_yield, 0, 0, 0, 0);
	}
	return true;
}

void ticker_stop(void)
{
	int tid;

	if (!begin_stop())
		return;
	tid = __atomic_load_n(&state->ticker_tid, __ATOMIC_ACQUIRE);
	/* tells the ticker's loop, which may be asleep on this very word */
	atomic_store_explicit(&state->ticker_stop, 1, memory_order_release);
	ticker_wake();
	if (tid)
		wait_until_gone(tid);
	atomic_store_explicit(&state->ticker_phase, TICKER_NONE,
			      memory_order_release);
}

/* May this thread start the ticker again? */
static bool is_time_to_start(const struct thread *t, uint64_t now_ns)
{
	uint64_t cpu =
		atomic_load_explicit(&t->sampled_cpu, memory_order_relaxed);

	/* a tick that was left out has not brought its clock up to date */
	if (t == state->lender && cpu > state->lent_cpu_ns &&
	    cpu - state->lent_cpu_ns > LENDER_CPU_NS)
		return true;
	return now_ns - state->lent_ns > LENDER_WALL_NS;
}

void engine_in_handler(struct thread *t, uint64_t now_ns)
{
	if (!t->on_loan ||
	    !atomic_load_explicit(&state->ticker_wanted, memory_order_acquire))
		return;
	if (!ticker_is_running() && is_time_to_start(t, now_ns))
		ticker_spawn();
	if (!ticker_is_running())
		return;
	t->on_loan = false;
	timer_disarm(t);
	atomic_store_explicit(&t->clock, THREAD_CLOCK_TICKER,
			      memory_order_release);
}
