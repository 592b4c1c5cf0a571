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
 * Read next witness.c, records.c; judge.c says what it was.
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

#include "tools/tracesink.h"
#include "boot/machine.h"
#include "witness/border.h"
#include "grade.h"

#define FLOOD (4u << 20)
#define GRACE_SECONDS 5

/* The order is that of the counts in witness.c. */
const char *const witness_names[WITNESS_NAMES] = { "w.insns", "w.pf_entry",
	"w.page_zero", "w.page_copy", "w.phys_alloc", "w.phys_free",
	"w.tlb_ipi", "w.invlpg", "w.cr3", "w.mark", "w.ram_copy",
	"w.switch", "w.root_rd_ops", "w.root_wr_ops", "w.swap_rd_ops",
	"w.swap_wr_ops" };

static const struct {
	const char *symbol;
	uint64_t offset;
} witness_at[WITNESS_NAMES] = { { 0 }, { "trap_stubs", 14 * 16 },
	{ "page_zero", 0 }, { "page_copy", 0 }, { "phys_given", 0 },
	{ "phys_returned", 0 }, { "apic_send", 0 }, { 0 }, { 0 },
	{ "ev_take_all", 0 }, { "ram_copy", 0 }, { "switch_stacks", 0 },
	{ "root_rd_op", 0 }, { "root_wr_op", 0 }, { "swap_rd_op", 0 },
	{ "swap_wr_op", 0 } };

static bool trace_open(struct boot *, struct words *argv);
static bool open_lines(struct boot *, int child[2]);
static pid_t emulator_start(struct words *argv, struct boot *);
static size_t drain(struct boot *, int fd);
static void finish(struct boot *);
static void witness_read(struct witness *, char *text);

/* ---- starting ---- */

bool
boot_looks_for(const char *name)
{
	int i;

	for (i = 0; i < WITNESS_NAMES; i++)
		if (witness_at[i].symbol != NULL &&
		    strcmp(witness_at[i].symbol, name) == 0)
			return true;
	return false;
}

/* "a4=0xffff…" for each address that the witness counts. */
static char *
witness_words(const struct boot *b, const struct symbols *s)
{
	char *text = xprintf("build/grading/witness.so,out=/proc/self/fd/%d,"
			     "limit=%lld",
	    b->wfd, (long long)b->job.test->timeout);
	uint64_t pc;
	char *more;
	int i;

	for (i = 0; s != NULL && i < WITNESS_NAMES; i++) {
		if (witness_at[i].symbol == NULL)
			continue;
		pc = symbols_find(s, witness_at[i].symbol);
		more = xprintf("%s,a%d=0x%llx", text, i,
		    (unsigned long long)(pc + witness_at[i].offset));
		free(text);
		text = more;
	}
	if (s != NULL) {
		more = xprintf("%s,check=0x%llx", text,
		    (unsigned long long)symbols_find(s, "mark_check"));
		free(text);
		text = more;
	}
	if (b->border >= 0) {
		more = xprintf("%s,ram=/proc/self/fd/%d,border=/proc/self/fd/%d",
		    text, b->ram, b->border);
		free(text);
		text = more;
	}
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
	to = realloc(to, *have + (size_t)n + 1);
	if (to == NULL)
		abort();
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

static size_t
numbers(const char *s, uint64_t *v, size_t max)
{
	size_t n = 0;
	char *end;

	while (n < max) {
		v[n] = strtoull(s, &end, 10);
		if (end == s)
			break;
		s = end;
		n++;
	}
	return n;
}

static void
witness_line(struct witness *w, const char *line)
{
	const char *rest = line + strcspn(line, " ");
	uint64_t v[WITNESS_NAMES] = { 0 };

	if (strncmp(line, "last ", 5) == 0) {
		w->npcs = numbers(rest, w->pc, 16);
		return;
	}
	numbers(rest, v, WITNESS_NAMES);
	if (strncmp(line, "border ", 7) == 0) {
		if (w->nborder < BORDER_MOST)
			memcpy(w->border[w->nborder++], v, sizeof w->border[0]);
	} else if (strncmp(line, "mark ", 5) == 0) {
		w->mark = realloc(w->mark, (w->nmarks + 1) * sizeof *w->mark);
		if (w->mark == NULL)
			abort();
		memcpy(w->mark[w->nmarks++], v, sizeof v);
	} else if (strncmp(line, "at ", 3) == 0) {
		memcpy(w->at[0], w->at[1], sizeof v);
		memcpy(w->at[1], v, sizeof v);
	} else if (strncmp(line, "end ", 4) == 0 ||
		   strncmp(line, "limit ", 6) == 0) {
		w->valid = true;
		w->limit = line[0] == 'l';
		memcpy(w->end, v, sizeof v);
	}
}

static void
witness_read(struct witness *w, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL)
		witness_line(w, line);
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
