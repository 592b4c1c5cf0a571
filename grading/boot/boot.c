/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.c: one kernel, one test, one machine
 *
 * Problem   Every test gets a machine of its own, the same on each host, with
 *           no device that could disturb its counts, and an observer outside.
 *
 * Picture   test + draw ─→ archive {t/RANDOM, t/RANDOM} + boot words ─→ QEMU
 *           COM2 ─→ rec     COM1 ─→ log     witness.so ─→ lines
 *
 * Rules     1. -icount shift=0,sleep=off: virtual time is instructions, and
 *              leaps while all sleep.  No disk with DISK mem.
 *           2. The limit is in guest instructions and belongs to the witness;
 *              the wall clock is a backstop whose end is never lost points.
 *           3. What comes is cut at 4 MiB per line: the run has ended then.
 *           4. The emulator sees the host read-only and without a network where
 *              bubblewrap is there.
 *
 * Read next witness/witness.c, records.c; judge/judge.c says what it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/trace/tracesink.h"
#include "boot/machine.h"
#include "witness/border.h"
#include "boot/boot.h"

#define FLOOD (4u << 20)
#define GRACE_SECONDS 5

static bool trace_open(struct boot *, struct words *argv);
static bool open_lines(struct boot *, int child[2]);
static pid_t emulator_start(struct words *argv, struct boot *);
static size_t drain(struct boot *, int fd);
static void finish(struct boot *);

/* ---- starting ---- */

/* The plugin and its arguments: what it counts, when it ends the machine. */
static char *
witness_words(const struct boot *b, const struct symbols *s)
{
	char *at = witness_addresses(s), *more = NULL, *text;

	if (b->border >= 0)
		more = xprintf(",ram=/proc/self/fd/%d,border=/proc/self/fd/%d",
		    b->ram, b->border);
	text = xprintf("build/grading/witness.so,out=/proc/self/fd/%d,"
		       "limit=%lld%s%s",
	    b->wfd, (long long)b->job.test->timeout, at,
	    more != NULL ? more : "");
	free(at);
	free(more);
	return text;
}

/* A map of the submission's border, and memory that the witness can read. */
static void
border_open(struct boot *b, struct symbols *s)
{
	b->border = border_map(b->job.kernel, s);
	if (b->border < 0)
		return;
	b->ram = memfd_create("ram", 0);
	if (b->ram >= 0 && ftruncate(b->ram, boot_memory(b->job.test)) == 0)
		return;
	close(b->border);
	b->border = -1;
}

bool
boot_start(struct boot *b, const struct boot_job *job, char **why)
{
	struct words argv = { 0 };
	int child[2] = { -1, -1 }, files;
	char *words;
	bool ok;

	memset(b, 0, sizeof *b);
	b->job = *job;
	b->com1 = b->com2 = b->wfd = b->dfd = b->border = b->ram = -1;
	b->records.keyed = true;
	random_bytes(b->records.key, sizeof b->records.key);
	files = boot_files(job, why);
	if (files < 0)
		return false;
	ok = open_lines(b, child);
	words = boot_words(job, b->records.key);
	if (ok) {
		struct symbols *s = symbols_read(b->job.kernel);
		char *witness;

		border_open(b, s);
		ok = b->border >= 0 || !job->watched;
		witness = witness_words(b, s);
		symbols_free(s);
		boot_machine(&argv, job, words, files, child,
		    b->border >= 0 ? b->ram : -1);
		ok = ok && (job->trace == NULL || trace_open(b, &argv));
		words_add(&argv, "-plugin");
		words_add(&argv, witness);
		free(witness);
		b->pid = ok ? emulator_start(&argv, b) : -1;
		b->started = now_seconds();
	}
	if (job->watched && b->border < 0)
		*why = xstrdup("no map of the graded kernel: nobody would "
			       "watch the border of the file");
	else if (!ok || b->pid <= 0)
		*why = xprintf("cannot start: %s", strerror(errno));
	close(child[0]);
	close(child[1]);
	close(files);
	free(words);
	words_free(&argv);
	return ok && b->pid > 0;
}

static bool
trace_open(struct boot *b, struct words *argv)
{
	const struct test *t = b->job.test;
	size_t bytes;
	int fd;

	b->sink = sink_open(b->job.trace, (unsigned)t->cpus,
	    (uint64_t)boot_memory(t));
	if (b->sink == NULL)
		return false;
	fd = sink_memory(b->sink, &bytes);
	if (fd >= 0)
		boot_trace(argv, fd, bytes);
	return fd >= 0;
}

static bool
open_lines(struct boot *b, int child[2])
{
	int p[2][2];

	b->wfd = memfd_create("witness", 0);
	b->dfd = memfd_create("diag", MFD_CLOEXEC);
	if (pipe(p[0]) < 0 || pipe(p[1]) < 0)
		return false;
	for (int i = 0; i < 2; i++) {
		fcntl(p[i][1], F_SETPIPE_SZ, 1 << 20);
		fcntl(p[i][0], F_SETFD, FD_CLOEXEC);
		child[i] = p[i][1];
	}
	b->com1 = p[0][0];
	b->com2 = p[1][0];
	return b->wfd >= 0 && b->dfd >= 0;
}

static pid_t
emulator_start(struct words *argv, struct boot *b)
{
	pid_t parent = getpid(), pid = fork();
	int null;

	if (pid != 0) {
		(void)setpgid(pid, pid); /* whoever is first: it is killed as a group */
		return pid;
	}
	null = open("/dev/null", O_RDWR);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(null, 0);
	dup2(b->dfd, 1);
	dup2(b->dfd, 2);
	execvp(argv->v[0], argv->v);
	dprintf(2, "%s: %s (tools/setup installs it)\n", argv->v[0],
	    strerror(errno));
	_exit(127);
}

/* ---- while it runs ---- */

/* A zero byte would end what is looked for in a log: a learner may print one. */
static void
without_zeros(char *s, size_t n)
{
	while (n-- > 0)
		if (s[n] == '\0')
			s[n] = '?';
}

/* Bytes of one line; the flood is cut.  At its end the line is closed. */
static size_t
drain(struct boot *b, int fd)
{
	uint8_t buf[65536];
	ssize_t n = read(fd, buf, sizeof buf);
	bool rec = fd == b->com2;
	size_t *have = rec ? &b->nrec : &b->nlog;
	uint8_t *to = rec ? b->rec : (uint8_t *)b->log;

	if (n <= 0) {
		close(fd);
		*(rec ? &b->com2 : &b->com1) = -1;
		return 0;
	}
	if (*have + (size_t)n > FLOOD) {
		b->end = BOOT_FLOOD;
		kill(-b->pid, SIGKILL);
		return 0;
	}
	to = xrealloc(to, *have + (size_t)n + 1);
	if (!rec)
		without_zeros((char *)buf, (size_t)n);
	memcpy(to + *have, buf, (size_t)n);
	*have += (size_t)n;
	to[*have] = '\0';
	if (rec)
		b->rec = to;
	else
		b->log = (char *)to;
	/* A panic may find the machine's end closed: it gets a moment. */
	if (!rec && strstr(b->log, "PANIC:") != NULL &&
	    now_seconds() - b->started + GRACE_SECONDS < b->job.wall)
		b->job.wall = now_seconds() - b->started + GRACE_SECONDS;
	return (size_t)n;
}

static bool
is_over(struct boot *b)
{
	if (b->com1 < 0 && b->com2 < 0)
		return true;
	if (now_seconds() - b->started < b->job.wall)
		return false;
	if (b->end == BOOT_ENDED && strstr(b->log ? b->log : "", "PANIC:") == 0)
		b->end = BOOT_WALL;
	kill(-b->pid, SIGKILL);
	return true;
}

int
boots_wait(struct boot **boot, size_t n, double seconds)
{
	double until = now_seconds() + seconds;
	struct pollfd p[2 * MAX_ITEMS];
	size_t i, np;

	do {
		for (i = np = 0; i < n; i++) {
			p[np++] = (struct pollfd){ boot[i]->com1, POLLIN, 0 };
			p[np++] = (struct pollfd){ boot[i]->com2, POLLIN, 0 };
		}
		if (poll(p, np, 200) < 0 && errno != EINTR)
			return -1;
		for (i = 0; i < n; i++) {
			if (p[2 * i].revents != 0 && boot[i]->com1 >= 0)
				drain(boot[i], boot[i]->com1);
			if (p[2 * i + 1].revents != 0 && boot[i]->com2 >= 0)
				drain(boot[i], boot[i]->com2);
			if (boot[i]->sink != NULL)
				sink_drain(boot[i]->sink);
			if (is_over(boot[i])) {
				finish(boot[i]);
				return (int)i;
			}
		}
	} while (now_seconds() < until);
	return -1;
}

/* ---- afterwards ---- */

static char *
memfd_text(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = xalloc((size_t)size + 1);

	if (pread(fd, text, (size_t)size, 0) != size)
		text[0] = '\0';
	return text;
}

/* What a trace lacks is in the trace. */
static void
trace_close(struct boot *b)
{
	if (b->sink != NULL)
		free(sink_close(b->sink, b->end == BOOT_ENDED));
	b->sink = NULL;
}

/* The machine is gone: read what it left. */
static void
finish(struct boot *b)
{
	char *text;

	waitpid(b->pid, &b->wstatus, 0);
	kill(-b->pid, SIGKILL);
	b->pid = 0;
	trace_close(b);
	if (b->ram >= 0)
		close(b->ram);
	if (b->border >= 0)
		close(b->border);
	b->ram = b->border = -1;
	b->seconds = now_seconds() - b->started;
	b->diag = memfd_text(b->dfd);
	text = memfd_text(b->wfd);
	witness_read(&b->witness, text);
	free(text);
	records_read(&b->records, b->rec, b->nrec);
	if (b->end != BOOT_ENDED)
		return;
	if (WIFSIGNALED(b->wstatus))
		b->end = BOOT_KILLED;
	else if (b->nlog == 0 && b->nrec == 0 && !b->witness.valid)
		b->end = BOOT_NOSTART;
}

void
boot_free(struct boot *b)
{
	int fd[] = { b->com1, b->com2, b->wfd, b->dfd, b->border, b->ram };
	size_t i;

	if (b->pid > 0) {
		kill(-b->pid, SIGKILL);
		waitpid(b->pid, NULL, 0);
	}
	trace_close(b);
	for (i = 0; i < sizeof fd / sizeof fd[0]; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	records_free(&b->records);
	free(b->witness.mark);
	free(b->rec);
	free(b->log);
	free(b->diag);
	memset(b, 0, sizeof *b);
}
