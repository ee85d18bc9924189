/* SPDX-License-Identifier: MIT */
/* Finding and asking a process that is profiled; see running.h. */
#define _GNU_SOURCE
#include "running.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How long an answer may take, and between two looks. */
#define ANSWER_MS 5000
#define TURN_MS	  30000
#define LOOK_MS	  2

static void wait_a_little(void)
{
	struct timespec t = { 0, LOOK_MS * 1000000L };

	nanosleep(&t, NULL);
}

void running_proc(const struct running *r, const char *name, struct text *to)
{
	char path[64], bytes[4096];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)r->pid, name);
	text_clear(to);
	file = fopen(path, "re");
	while (file && (n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		text_add(to, bytes, n);
	if (file)
		fclose(file);
}

/* The number behind "NAME:\t" in /proc/PID/status, in this base; or 0. */
static uint64_t status_number(const char *status, const char *name, int base)
{
	const char *at = strstr(status, name);

	return at ? strtoull(at + strlen(name), NULL, base) : 0;
}

/* The kernel writes a newline in a name as \012. */
static void unescape(char *path)
{
	char *at = path;

	while ((at = strstr(at, "\\012"))) {
		*at++ = '\n';
		memmove(at, at + 3, strlen(at + 3) + 1);
	}
}

/* Is this the header of the log of this process, as it runs? */
static bool is_its_log(const struct running *r, const struct pp_header *h)
{
	struct text status = { 0 };
	uint32_t inner;
	const char *at;

	if (memcmp(h->magic, PP_MAGIC, sizeof(h->magic)) != 0 ||
	    h->order != PP_ORDER || h->major != PP_MAJOR)
		return false;
	/* in a container it has another id for itself, the last one here */
	running_proc(r, "status", &status);
	at = strstr(text_get(&status), "NSpid:");
	at = at ? at + strcspn(at, "\n") : NULL;
	while (at && at[-1] >= '0' && at[-1] <= '9')
		at--;
	inner = at ? (uint32_t)strtoul(at, NULL, 10) : (uint32_t)r->pid;
	text_done(&status);
	return h->pid == inner || h->pid == (uint32_t)r->pid;
}

/* Open what may be its log; the file must be the one that is mapped. */
static int open_log(struct running *r, const char *path, uint64_t inode,
		    int flags)
{
	struct pp_header h;
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | flags);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == inode &&
	    st.st_size >= PP_HEADER_BYTES &&
	    pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
	    is_its_log(r, &h))
		return fd;
	close(fd);
	errno = ENOENT;
	return -1;
}

/* The same by the descriptor that the process has of it. */
static int open_by_number(struct running *r, uint64_t inode)
{
	struct dirent *entry;
	struct stat st;
	char path[320];
	int fd = -1;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)r->pid);
	folder = opendir(path);
	while (folder && fd < 0 && (entry = readdir(folder))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)r->pid,
			 entry->d_name);
		if (stat(path, &st) == 0 && st.st_ino == inode)
			fd = open_log(r, path, inode, 0);
	}
	if (folder)
		closedir(folder);
	return fd;
}

/*
 * The path may be that of another root, which we cannot walk down to; and the
 * log may be deleted, or the host have closed its descriptor.
 */
static int open_somehow(struct running *r, const char *path, uint64_t inode)
{
	struct text there = { 0 };
	int fd = open_log(r, path, inode, O_NOFOLLOW);

	if (fd >= 0 || errno == EACCES)
		return fd;
	text_addf(&there, "/proc/%d/root%s", (int)r->pid, path);
	fd = open_log(r, there.at, inode, O_NOFOLLOW);
	text_done(&there);
	return fd >= 0 ? fd : open_by_number(r, inode);
}

/*
 * A line of maps. A header is mapped shared, for writing, from the beginning
 * of its file. Returns the descriptor of a log, or -1.
 */
static int try_line(struct running *r, char *line, bool *denied)
{
	char mode[5];
	uint64_t offset, inode;
	int at = 0, fd;

	if (sscanf(line, "%*s %4s %" SCNx64 " %*s %" SCNu64 " %n", mode,
		   &offset, &inode, &at) < 3 ||
	    !at || line[at] != '/' || strcmp(mode, "rw-s") != 0 || offset)
		return -1;
	unescape(line + at);
	fd = open_somehow(r, line + at, inode);
	*denied |= fd < 0 && errno == EACCES;
	if (fd >= 0)
		text_adds(&r->path, line + at);
	return fd;
}

static int find_log(struct running *r, struct err *err)
{
	char path[64], *line = NULL;
	bool denied = false;
	size_t room = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)r->pid);
	maps = fopen(path, "re");
	if (!maps || (errno = 0, getline(&line, &room, maps) < 0)) {
		int error = errno;

		if (maps)
			fclose(maps);
		free(line);
		return err_set(err, "process %d: %s", (int)r->pid,
			       error == ENOENT ? "no such process"
			       : error	       ? strerror(error)
					       : "it has no memory; a zombie?");
	}
	do {
		line[strcspn(line, "\n")] = '\0';
		r->fd = try_line(r, line, &denied);
	} while (r->fd < 0 && getline(&line, &room, maps) >= 0);
	free(line);
	fclose(maps);
	if (r->fd >= 0)
		return 0;
	return err_set(err, "process %d: %s", (int)r->pid,
		       denied ? "not permitted to write its log"
			      : "not profiled by pyprof");
}

/* One who asks at a time; the others wait for a while. */
static int take_turn(struct running *r, struct err *err)
{
	for (int ms = 0; ms < TURN_MS; ms += LOOK_MS) {
		if (flock(r->fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		wait_a_little();
	}
	return err_set(err, "process %d: somebody else controls it",
		       (int)r->pid);
}

int running_open(struct running *r, pid_t pid, struct err *err)
{
	void *page;

	*r = (struct running){ .pid = pid, .fd = -1, .pidfd = -1 };
	r->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (r->pidfd < 0 && errno == ESRCH)
		return err_set(err, "process %d: no such process", (int)pid);
	if (find_log(r, err) < 0 || take_turn(r, err) < 0)
		return -1;
	page = mmap(NULL, PP_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		    r->fd, 0);
	if (page == MAP_FAILED)
		return err_set(err, "%s: %s", r->path.at, strerror(errno));
	r->header = page;
	r->control =
		(struct pp_control *)(void *)((char *)page + PP_CONTROL_AT);
	return 0;
}

void running_close(struct running *r)
{
	if (r->header)
		munmap((void *)(uintptr_t)r->header, PP_HEADER_BYTES);
	if (r->fd >= 0)
		close(r->fd);
	if (r->pidfd >= 0)
		close(r->pidfd);
	text_done(&r->path);
}

/*
 * Queue the signal. The log says which one it is, and a log can lie: it must
 * be one that the process handles, so that nothing dies of it.
 */
static int send_signal(struct running *r, struct err *err)
{
	uint32_t number = r->header->signal;
	union sigval value = { .sival_ptr =
				       (void *)(uintptr_t)r->control->cookie };
	struct text status = { 0 };
	siginfo_t info = { 0 };
	uint64_t caught;
	long ret;

	running_proc(r, "status", &status);
	caught = status_number(text_get(&status), "SigCgt:", 16);
	text_done(&status);
	if (!number || number > 64 || !(caught >> (number - 1) & 1))
		return err_set(err, "process %d: it does not listen",
			       (int)r->pid);
	info.si_signo = (int)number;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value = value;
	ret = r->pidfd >= 0 ? syscall(SYS_pidfd_send_signal, r->pidfd, number,
				      &info, 0)
			    : sigqueue(r->pid, (int)number, value);
	if (ret == 0)
		return 0;
	return err_set(err, "process %d: %s", (int)r->pid,
		       errno == ESRCH ? "no such process" : strerror(errno));
}

/* The letter of a process in /proc/PID/stat, behind its name. */
static char state_letter(const struct running *r)
{
	struct text stat = { 0 };
	const char *at;
	char letter;

	running_proc(r, "stat", &stat);
	at = strrchr(text_get(&stat), ')');
	letter = at && at[1] && at[2] ? at[2] : '?';
	text_done(&stat);
	return letter;
}

static int wait_for_answer(const struct running *r, struct err *err)
{
	char letter;

	for (int ms = 0; ms < ANSWER_MS; ms += LOOK_MS) {
		/* pairs with the process: the rest of its answer is there */
		if (__atomic_load_n(&r->control->answered, __ATOMIC_ACQUIRE) ==
		    r->serial)
			return 0;
		wait_a_little();
	}
	letter = state_letter(r);
	return err_set(err, "process %d: no answer in %d seconds%s",
		       (int)r->pid, ANSWER_MS / 1000,
		       letter == 'T' || letter == 't'	? "; it is stopped"
		       : letter == 'Z' || letter == 'X' ? "; it has ended"
							: "");
}

int running_ask(struct running *r, enum pp_control_verb verb, struct err *err)
{
	struct pp_control *c = r->control;

	if (r->header->ended)
		return err_set(err, "process %d: its profile has ended",
			       (int)r->pid);
	if (!c->cookie)
		return err_set(err, "process %d: it does not listen",
			       (int)r->pid);
	r->serial = c->answered + 1 ? c->answered + 1 : 1;
	if (r->serial == c->request)
		r->serial += r->serial + 1 ? 1 : 2;
	c->verb = verb;
	/* publishes the verb */
	__atomic_store_n(&c->request, r->serial, __ATOMIC_RELEASE);
	if (send_signal(r, err) < 0 || wait_for_answer(r, err) < 0)
		return -1;
	switch (c->answer) {
	case PP_CONTROL_DONE:
		return 0;
	case PP_CONTROL_NO_CLOCK:
		return err_set(err,
			       "process %d: it is traced, not sampled; there "
			       "is nothing to switch",
			       (int)r->pid);
	default:
		return err_set(err, "process %d: it does not know how",
			       (int)r->pid);
	}
}

void running_wait_dumped(const struct running *r)
{
	for (int ms = 0; ms < ANSWER_MS; ms += LOOK_MS) {
		/* pairs with the threads: their records are there */
		if (__atomic_load_n(&r->control->dumped, __ATOMIC_ACQUIRE) >=
		    r->control->asked)
			return;
		wait_a_little();
	}
}
