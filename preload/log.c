/* SPDX-License-Identifier: MIT */
/*
 * The log of this process. See log.h and doc/format.md.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "msg.h"
#include "procfile.h"
#include "safe/clock.h"
#include "safe/logfile.h"
#include "safe/record.h"
#include "safe/state.h"
#include "safe/target.h"
#include "text.h"
#include "unsampled.h"

/* How often a name is varied that is taken. */
#define NAMES_MOST 10000

/* The most of a fact that is written. */
#define FACT_MOST (64u << 10)

/* Who is noted above the parent; there may be shells in shells. */
#define ANCESTORS_MOST 16

static struct text path;

const char *log_path(void)
{
	return path.at;
}

/* -- its name ------------------------------------------------------------ */

/*
 * The start of the first process, UTC, made once: the C library's calendar
 * takes a lock, which in a forked child may be held for ever.
 */
static void add_start_time(struct text *t)
{
	static char stamp[32];
	struct tm tm;
	time_t now = time(NULL);

	if (!stamp[0] && gmtime_r(&now, &tm) &&
	    !strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &tm))
		stamp[0] = '\0';
	text_add(t, stamp);
}

/* One letter after a percent sign. */
static void add_letter(struct text *t, char letter, const char *program)
{
	struct utsname uts;
	char percent[3] = { '%', letter, 0 };

	switch (letter) {
	case 'p':
		text_add_number(t, (uint64_t)getpid());
		break;
	case 'h':
		text_add(t, uname(&uts) == 0 ? uts.nodename : "localhost");
		break;
	case 'n':
		text_add(t, program);
		break;
	case 't':
		add_start_time(t);
		break;
	case '%':
		text_add(t, "%");
		break;
	default:
		text_add(t, percent);
		break;
	}
}

/* The pattern, filled in, as an absolute path. */
static void make_path(const char *program)
{
	const char *p = target.settings.output;

	text_init(&path);
	if (*p != '/') {
		text_add(&path, config_directory());
		text_add(&path, "/");
	}
	for (; *p; p++) {
		if (*p == '%' && p[1])
			add_letter(&path, *++p, program);
		else
			text_add_n(&path, p, 1);
	}
}

/* Put .PID, and .NUMBER if it is not 0, before the suffix: out.4711.bin. */
static void insert_pid(unsigned number)
{
	struct text old = path;
	const char *name = strrchr(old.at, '/') + 1;
	const char *dot = strrchr(name, '.');

	if (!dot || dot == name)
		dot = name + strlen(name);
	text_init(&path);
	text_add_n(&path, old.at, (size_t)(dot - old.at));
	text_add(&path, ".");
	text_add_number(&path, (uint64_t)getpid());
	if (number) {
		text_add(&path, ".");
		text_add_number(&path, number);
	}
	text_add(&path, dot);
}

/* -- its file ------------------------------------------------------------ */

/* May the file that is there be replaced: an old log of a finished run? */
enum verdict { REPLACE, KEEP, NO_LOG };

static bool lives(const struct pp_header *h)
{
	/* behind an exec the process goes on as another program */
	return (h->ended == PP_ENDED_NOT || h->ended == PP_ENDED_EXEC) &&
	       (kill((pid_t)h->pid, 0) == 0 || errno == EPERM);
}

static enum verdict judge(int fd)
{
	struct pp_header h;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    pread(fd, &h, sizeof(h), 0) < (ssize_t)sizeof(h) ||
	    memcmp(h.magic, PP_MAGIC, 8) != 0)
		return NO_LOG;
	if (memcmp(h.session, target.session, sizeof(h.session)) == 0 ||
	    lives(&h))
		return KEEP;
	return REPLACE;
}

/* Is the path the name of this file? */
static bool is_named(int fd, const char *name)
{
	struct stat file, named;

	return fstat(fd, &file) == 0 && lstat(name, &named) == 0 &&
	       file.st_dev == named.st_dev && file.st_ino == named.st_ino;
}

/*
 * Judge the file at this path, and remove it if it may be replaced. Of several
 * processes that want to, one may: the others would remove its new log.
 */
static enum verdict remove_old(const char *name)
{
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	enum verdict verdict;

	if (fd < 0 && errno == ENOENT)
		return REPLACE; /* somebody else has removed it */
	/* of another user: perhaps this process, before it was this one */
	if (fd < 0)
		return errno == EACCES ? KEEP : NO_LOG;
	verdict = judge(fd);
	if (verdict == REPLACE &&
	    ((flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) ||
	     !is_named(fd, name) || unlink(name) < 0))
		verdict = KEEP;
	close(fd);
	return verdict;
}

static void fill_header(struct pp_header *h)
{
	memcpy(h->magic, PP_MAGIC, sizeof(h->magic));
	h->order = PP_ORDER;
	h->major = PP_MAJOR;
	h->minor = PP_MINOR;
	h->header_bytes = PP_HEADER_BYTES;
	h->unit_ns = PP_UNIT_NS;
	memcpy(h->session, target.session, sizeof(h->session));
	h->pid = (uint32_t)getpid();
	h->ppid = (uint32_t)getppid();
	h->python = target.python;
	h->mode = target.settings.mode;
	h->engine = target.engine;
	h->signal = (uint32_t)target.settings.signal;
	h->max_depth = target.settings.max_depth;
	h->state_known = target.state_known;
	h->tick_ns = target.tick_ns;
	h->period_ns = target.period_ns;
	h->ring_ns = target.settings.ring_ns;
	h->auto_rate = target.settings.period_ns == 0 &&
		       target.settings.mode != PP_MODE_WALL;
}

/* Blocks for the header, or an errno: a full disk is not found by a fault. */
static int allocate_header(int fd)
{
	sigset_t xfsz, before;
	int error;

	sigemptyset(&xfsz);
	sigaddset(&xfsz, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &xfsz, &before);
	error = posix_fallocate(fd, 0, PP_HEADER_BYTES);
	if (error == EFBIG) {
		struct timespec none = { 0, 0 };

		sigtimedwait(&xfsz, NULL, &none);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

/* The header, in blocks of its own; -1 with errno. */
static int write_header(int fd)
{
	struct pp_header h = { 0 };
	int error = allocate_header(fd);

	if (error) {
		errno = error;
		return -1;
	}
	fill_header(&h);
	return pwrite(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) ? 0 : -1;
}

/* A file without a name, in the folder of the path; -1 if it has none such. */
static int create_nameless(void)
{
	struct text folder = path;

	*(strrchr(folder.at, '/') + 1) = '\0';
	return open(folder.at, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
}

/*
 * Give it the path as its name. Returns it as opened by that, or -1: it is
 * taken. Closes fd.
 */
static int name_file(int fd)
{
	struct text self;
	int named, error;

	text_init(&self);
	text_add(&self, "/proc/self/fd/");
	text_add_number(&self, (uint64_t)fd);
	if (linkat(AT_FDCWD, self.at, AT_FDCWD, path.at, AT_SYMLINK_FOLLOW) <
	    0) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	/* to the kernel fd's file is a deleted one for good: better by name */
	named = open(path.at, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (named < 0 || !is_named(fd, path.at) || !is_named(named, path.at)) {
		if (named >= 0)
			close(named);
		return fd;
	}
	close(fd);
	return named;
}

/*
 * Create a file that has its header before it has a name, so that whoever is
 * killed meanwhile leaves none. Not every file system can; then -1.
 */
static int create_whole(void)
{
	int fd = create_nameless();

	if (fd < 0)
		return -1;
	if (write_header(fd) == 0)
		return name_file(fd);
	close(fd);
	return -1;
}

static int create(void)
{
	int fd = create_whole(), error;

	if (fd >= 0)
		return fd;
	fd = open(path.at, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	if (fd < 0 || write_header(fd) == 0)
		return fd;
	error = errno;
	unlink(path.at);
	close(fd);
	errno = error;
	return -1;
}

/*
 * Otherwise processes that begin at once could see each other's empty files,
 * and take them for strangers'.
 */
static bool can_create_whole(void)
{
	int fd = create_nameless();

	if (fd >= 0)
		close(fd);
	return fd >= 0 && access("/proc/self/fd", F_OK) == 0;
}

/* Create the file at the path, in place of an old log if one is there. */
static int create_or_replace(enum verdict *verdict)
{
	int fd = create();

	if (fd >= 0 || errno != EEXIST)
		return fd;
	*verdict = remove_old(path.at);
	if (*verdict == REPLACE) {
		*verdict = KEEP; /* if another process is faster now */
		fd = create();
	}
	errno = EEXIST;
	return fd;
}

/*
 * Create the file under its name; where that is a log to be kept, with the pid
 * in it, and then with a number, as a process needs that execs itself. So the
 * first process of a session that has a log has the name itself.
 */
static int create_file(const struct log_facts *facts)
{
	struct text plain;
	enum verdict verdict = REPLACE;
	int fd;

	make_path(facts->program);
	if (!strstr(target.settings.output, "%p") && !config_is_first() &&
	    !can_create_whole())
		insert_pid(0);
	plain = path;
	fd = create_or_replace(&verdict);
	for (unsigned n = 0; fd < 0 && verdict == KEEP && n < NAMES_MOST; n++) {
		path = plain;
		insert_pid(n);
		verdict = REPLACE;
		fd = create_or_replace(&verdict);
	}
	return fd;
}

static struct pp_header *map_header(int fd)
{
	struct pp_header *h = mmap(NULL, PP_HEADER_BYTES,
				   PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (h == MAP_FAILED)
		return NULL;
	madvise(h, PP_HEADER_BYTES, MADV_DONTFORK);
	return h;
}

static int complain(void)
{
	struct text why;

	text_init(&why);
	text_add(&why, errno == EEXIST ? "exists and is no log of ours"
				       : strerrordesc_np(errno));
	text_add(&why, "; the program runs unprofiled");
	msg_line_first(path.at, ": ", why.at);
	return -1;
}

int log_open(const struct log_facts *facts)
{
	int fd = create_file(facts);
	struct pp_header *h;
	struct stat st;

	if (fd < 0)
		return complain();
	fd = logfile_move_high(fd);
	h = fstat(fd, &st) == 0 ? map_header(fd) : NULL;
	if (!h) {
		complain();
		unlink(path.at);
		close(fd);
		return -1;
	}
	logfile_set(fd, &st, path.at);
	atomic_store(&state->log_end, PP_HEADER_BYTES);
	state->header = h;
	return 0;
}

void log_begin(void)
{
	struct pp_header *h = state->header;

	h->start_real_ns = clock_read(CLOCK_REALTIME);
	h->start_ns = clock_now();
	h->start_cpu_ns = clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

/* -- facts --------------------------------------------------------------- */

static void write_fact(struct thread *t, enum pp_info key, const char *bytes,
		       size_t length)
{
	uint64_t number = key;

	if (length && !bytes[length - 1])
		length--; /* lists do not end in NUL */
	if (length > FACT_MOST)
		length = FACT_MOST;
	t->maps = 1;
	/* a log without room for its facts has its samples still */
	if (record_write(t, PP_INFO, &number, 1, bytes, (uint32_t)length) < 0)
		return;
}

void log_note(struct thread *t, const char *note)
{
	write_fact(t, PP_INFO_note, note, strlen(note));
}

static void write_file_fact(struct thread *t, enum pp_info key,
			    const char *name)
{
	char *bytes = malloc(FACT_MOST);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = 1;

	while (bytes && fd >= 0 && n < FACT_MOST && got > 0) {
		got = read(fd, bytes + n, FACT_MOST - n);
		if (got > 0)
			n += (size_t)got;
	}
	if (n)
		write_fact(t, key, bytes, n);
	if (fd >= 0)
		close(fd);
	free(bytes);
}

static void write_uname(struct thread *t)
{
	struct utsname uts;
	struct text kernel;

	if (uname(&uts) < 0)
		return;
	text_init(&kernel);
	text_add(&kernel, uts.sysname);
	text_add(&kernel, " ");
	text_add(&kernel, uts.release);
	text_add(&kernel, " ");
	text_add(&kernel, uts.machine);
	write_fact(t, PP_INFO_kernel, kernel.at, kernel.length);
	write_fact(t, PP_INFO_host, uts.nodename, strlen(uts.nodename));
}

/* The parent of a process; 0 if it cannot be seen. */
static int parent_of(int pid)
{
	char stat[512];
	const char *behind;

	if (!procfile_read(PROCFILE_PROCESSES, pid, "stat", stat, sizeof(stat)))
		return 0;
	/* PID (NAME) STATE PPID, and a name may have parentheses */
	behind = strrchr(stat, ')');
	return behind && strlen(behind) > 4 ? atoi(behind + 4) : 0;
}

void log_write_ancestors(struct thread *t)
{
	int pid = config_is_first() ? 0 : (int)getppid();
	struct text list;

	text_init(&list);
	for (int i = 0; i < ANCESTORS_MOST && pid > 1; i++) {
		pid = parent_of(pid);
		if (pid <= 1)
			break;
		text_add_number(&list, (uint64_t)pid);
		text_add_n(&list, "", 1);
	}
	if (list.length)
		write_fact(t, PP_INFO_ancestors, list.at, list.length);
}

void log_write_facts(struct thread *t, const struct log_facts *facts)
{
	char name[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", name, sizeof(name));

	if (n > 0)
		write_fact(t, PP_INFO_executable, name, (size_t)n);
	write_file_fact(t, PP_INFO_argv, "/proc/self/cmdline");
	if (getcwd(name, sizeof(name)))
		write_fact(t, PP_INFO_cwd, name, strlen(name));
	write_uname(t);
	write_fact(t, PP_INFO_sys_path, facts->sys_path, facts->sys_path_bytes);
	write_fact(t, PP_INFO_sys_prefix, facts->sys_prefix,
		   facts->sys_prefix_bytes);
	write_fact(t, PP_INFO_python, facts->python, facts->python_bytes);
}

/* -- its end ------------------------------------------------------------- */

/* The end of a thread that still lives, said by another. */
static void end_other(struct thread *self, struct thread *other,
		      uint64_t now_ns)
{
	int tid = atomic_load(&other->tid);
	uint64_t cpu_ns;

	if (other == self || tid <= 0)
		return;
	cpu_ns = clock_read(clock_of_thread(tid));
	if (!cpu_ns || cpu_ns < other->cpu_ns)
		cpu_ns = other->cpu_ns;
	unsampled_note(self, other, cpu_ns, NULL);
	if (record_announce(self, other) < 0 ||
	    record_thread_end(self, other->number, now_ns, cpu_ns) < 0)
		return;
}

void log_end(struct thread *self, uint32_t ended)
{
	struct pp_header *h = state->header;
	uint32_t stuck = atomic_load(&state->log_stuck);
	uint32_t n = thread_slots();
	uint64_t now_ns = clock_now();

	for (uint32_t i = 0; self && i < n; i++) {
		struct thread *t = thread_at(i);

		self->maps = 1;
		if (t)
			end_other(self, t, now_ns);
	}
	h->counters[PP_COUNT_sent] = atomic_load(&state->ticker_sent);
	h->counters[PP_COUNT_own_cpu_ns] = atomic_load(&state->ticker_cpu_ns);
	if (now_ns >= atomic_load(&state->end_ns))
		ended = PP_ENDED_DURATION;
	h->end_ns = now_ns;
	h->end_cpu_ns = clock_read(CLOCK_PROCESS_CPUTIME_ID);
	/* the two above are valid from here on */
	__atomic_store_n(&h->ended, stuck ? stuck : ended, __ATOMIC_RELEASE);
}

void log_cut(void)
{
	uint64_t at = PP_HEADER_BYTES, used = PP_HEADER_BYTES;
	struct pp_chunk c;
	struct stat st;
	int fd = logfile_fd();

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	while (pread(fd, &c, sizeof(c), (off_t)at) == (ssize_t)sizeof(c)) {
		bool begun = c.magic == PP_CHUNK_MAGIC && c.size >= PP_PAGE;

		if (begun && c.used > sizeof(c))
			used = at + c.used;
		at += begun ? c.size : PP_PAGE;
	}
	/* a log that cannot be cut is only longer */
	if (used < (uint64_t)st.st_size && ftruncate(fd, (off_t)used) < 0)
		return;
}
