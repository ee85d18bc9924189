/* SPDX-License-Identifier: MIT */
/*
 * safe/guard.c and safe/fault.c: loads that may fail, stores into a log that
 * somebody cut, and the host's own faults, which end as without us.
 */
#include "safe/guard.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "safe/record.h"
#include "safe/signals.h"
#include "unit_log.h"

static sigjmp_buf back;
static volatile uintptr_t seen_address;
static volatile int seen_number;

static void install(void (*host)(int, siginfo_t *, void *))
{
	struct sigaction ours = { .sa_sigaction = signals_on_fault,
				  .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction theirs = { .sa_flags = SA_SIGINFO };

	theirs.sa_sigaction = host;
	signals_set_host(SIGSEGV, &theirs);
	signals_set_host(SIGBUS, &theirs);
	ck_assert_int_eq(sigaction(SIGSEGV, &ours, NULL), 0);
	ck_assert_int_eq(sigaction(SIGBUS, &ours, NULL), 0);
}

static void install_plain(void (*host)(int))
{
	struct sigaction theirs = { .sa_handler = host };

	install(NULL);
	signals_set_host(SIGSEGV, &theirs);
}

static void jump(int number, siginfo_t *info, void *context)
{
	(void)context;
	seen_number = number;
	seen_address = (uintptr_t)info->si_addr;
	siglongjmp(back, 1);
}

static void note(int number)
{
	seen_number = number;
}

static char *unreadable(void)
{
	char *p =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

/* How a child ends that does this, as waitpid() has it. */
static int status_of(void (*action)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		action();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(guard_loads_what_is_there)
{
	static const uint64_t words[2] = { 0x8877665544332211, 0x99 };
	uintptr_t at = (uintptr_t)words;
	unsigned faults = 0;

	ck_assert_uint_eq(guard_u64(at, &faults), 0x8877665544332211);
	ck_assert_uint_eq(guard_u32(at, &faults), 0x44332211);
	ck_assert_uint_eq(guard_u32(at + 4, &faults), 0x88776655);
	ck_assert_uint_eq(guard_u8(at + 2, &faults), 0x33);
	ck_assert_uint_eq(guard_u8(at + 7, &faults), 0x88);
	ck_assert_uint_eq(faults, 0);
}
END_TEST

START_TEST(guard_counts_what_is_not)
{
	unsigned faults = 0;

	install(jump);
	ck_assert_uint_eq(guard_u64((uintptr_t)unreadable(), &faults), 0);
	ck_assert_uint_eq(guard_u64(0, &faults), 0);
	ck_assert_uint_eq(guard_u32(8, &faults), 0);
	ck_assert_uint_eq(guard_u8(3, &faults), 0);
	/* no address at all: the kernel tells of none */
	ck_assert_uint_eq(guard_u64(UINT64_C(0x8000000000000000), &faults), 0);
	ck_assert_uint_eq(faults, 5);
}
END_TEST

START_TEST(guard_counts_a_page_behind_a_file_s_end)
{
	FILE *file = tmpfile();
	unsigned faults = 0;
	void *p;

	ck_assert_ptr_nonnull(file);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	install(jump);
	ck_assert_uint_eq(guard_u64((uintptr_t)p, &faults), 0);
	ck_assert_uint_eq(faults, 1);
}
END_TEST

START_TEST(guard_leaves_other_faults_to_the_host)
{
	char *p = unreadable();

	install(jump);
	if (sigsetjmp(back, 1) == 0)
		*(volatile char *)p = 1;
	ck_assert_int_eq(seen_number, SIGSEGV);
	ck_assert_uint_eq(seen_address, (uintptr_t)p);
}
END_TEST

START_TEST(guard_leaves_signals_that_were_sent_to_the_host)
{
	install_plain(note);
	ck_assert_int_eq(raise(SIGSEGV), 0);
	ck_assert_int_eq(seen_number, SIGSEGV);
}
END_TEST

START_TEST(guard_leaves_sent_signals_ignored_that_were)
{
	install_plain(SIG_IGN);
	ck_assert_int_eq(raise(SIGSEGV), 0);
	ck_assert_int_eq(raise(SIGSEGV), 0);
}
END_TEST

static void fault(void)
{
	*(volatile char *)unreadable() = 1;
}

static void send(void)
{
	raise(SIGSEGV);
}

START_TEST(guard_lets_a_fault_kill_by_default)
{
	install_plain(SIG_DFL);
	ck_assert_int_eq(WTERMSIG(status_of(fault)), SIGSEGV);
}
END_TEST

START_TEST(guard_lets_a_sent_signal_kill_by_default)
{
	install_plain(SIG_DFL);
	ck_assert_int_eq(WTERMSIG(status_of(send)), SIGSEGV);
}
END_TEST

START_TEST(guard_lets_a_fault_kill_that_is_ignored)
{
	install_plain(SIG_IGN);
	ck_assert_int_eq(WTERMSIG(status_of(fault)), SIGSEGV);
}
END_TEST

START_TEST(guard_keeps_the_host_s_mask_in_its_handler)
{
	struct sigaction theirs = { .sa_handler = note };

	install(NULL);
	sigaddset(&theirs.sa_mask, SIGUSR1);
	signals_set_host(SIGSEGV, &theirs);
	ck_assert_int_eq(raise(SIGSEGV), 0);
	ck_assert_int_eq(seen_number, SIGSEGV);
	/* and after it */
	sigprocmask(SIG_BLOCK, NULL, &theirs.sa_mask);
	ck_assert_int_eq(sigismember(&theirs.sa_mask, SIGUSR1), 0);
}
END_TEST

START_TEST(guard_serves_a_handler_once_that_wants_it_so)
{
	struct sigaction theirs = { .sa_handler = note,
				    .sa_flags = (int)SA_RESETHAND };

	install(NULL);
	signals_set_host(SIGSEGV, &theirs);
	ck_assert_int_eq(raise(SIGSEGV), 0);
	signals_get_host(SIGSEGV, &theirs);
	ck_assert(theirs.sa_handler == SIG_DFL);
}
END_TEST

/* -- stores into the log --------------------------------------------------- */

START_TEST(guard_mends_a_store_into_a_log_that_was_cut)
{
	struct thread *t;

	log_set_up();
	install(jump);
	t = log_thread(42);
	thread_set_self(t);
	ck_assert_int_eq(record_write(t, PP_INFO, NULL, 0, "a", 1), 0);
	ck_assert_int_eq(ftruncate(logfile_fd(), 0), 0);
	atomic_store(&t->busy, 1);
	ck_assert_int_eq(record_write(t, PP_INFO, NULL, 0, "b", 1), 0);
	state_count(PP_COUNT_entries, 1);
	ck_assert_uint_eq(atomic_load(&state->log_stuck), PP_ENDED_FAILED);
	ck_assert_int_eq(seen_number, 0);
}
END_TEST

START_TEST(guard_leaves_the_host_s_own_cut_file_to_it)
{
	FILE *file = tmpfile();
	struct thread *t;
	char *p;

	log_set_up();
	install(jump);
	t = log_thread(42);
	thread_set_self(t);
	atomic_store(&t->busy, 1);
	ck_assert_ptr_nonnull(file);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file),
		 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	if (sigsetjmp(back, 1) == 0)
		*(volatile char *)p = 1;
	ck_assert_int_eq(seen_number, SIGBUS);
	ck_assert_uint_eq(atomic_load(&state->log_stuck), 0);
}
END_TEST

UNIT_MAIN(guard, guard_loads_what_is_there, guard_counts_what_is_not,
	  guard_counts_a_page_behind_a_file_s_end,
	  guard_leaves_other_faults_to_the_host,
	  guard_leaves_signals_that_were_sent_to_the_host,
	  guard_leaves_sent_signals_ignored_that_were,
	  guard_lets_a_fault_kill_by_default,
	  guard_lets_a_sent_signal_kill_by_default,
	  guard_lets_a_fault_kill_that_is_ignored,
	  guard_keeps_the_host_s_mask_in_its_handler,
	  guard_serves_a_handler_once_that_wants_it_so,
	  guard_mends_a_store_into_a_log_that_was_cut,
	  guard_leaves_the_host_s_own_cut_file_to_it)
