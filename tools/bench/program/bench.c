/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.c: what operations of virtual memory cost, in instructions
 *
 * Problem   Times depend on the host; the number of instructions does not.
 *           Under QEMU's -icount shift=0 an instruction is a tick of the
 *           processor's counter, so a program can read the bill itself, on
 *           our kernel and on Linux alike.
 *
 * Picture   the machine's first process: mount what it needs, run each
 *           operation some times, write its least figure to the first
 *           serial line, switch the machine off
 *
 * Rules     1. Nothing but what both kernels have.
 *           2. The least of some rounds: the clock's interrupts, and what is
 *              made only once, are not what an operation costs.
 *           3. A call that fails ends the run: no figure is better than a
 *              false one.
 *
 *           4. The three labels in here are where count.c begins, ends, and
 *              starts anew: its sum is the figure.
 *           5. Without -icount the counter follows the host's clock: with "ns"
 *              before the names the figures are nanoseconds.
 *
 * Read next ops_fault.c; run, which starts the machines.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define ROUNDS 3
#define ROUNDS_NS 16 /* of the host's time: one of them may be undisturbed */
#define AT 0x100000000000ul /* nobody else maps there */

static void first_process(void);
static void come_up(void);
static void prepare_proc(void);
static char **wanted(void);
static void run_all(const struct op *, char **only);
static bool is_wanted(const struct op *, char **only);
static void tell_nanoseconds(void);
static void run_one(const struct op *);
static void round_begins(void);
static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

const char *self = "/init";

static struct {
	int line;        /* descriptor of the serial line */
	uint64_t from;   /* begin() */
	uint64_t ticks;  /* of this round */
	unsigned long n; /* operations of this round */
	double ns;       /* of a tick; 1: it is an instruction */
	int rounds;      /* of each operation */
} bench = { .line = 1, .ns = 1, .rounds = ROUNDS };

int
main(int argc, char **argv)
{
	static const struct op *const all[] = { proc_ops, fault_ops, map_ops,
		file_ops, growth_ops, swap_ops, smp_ops };
	size_t i;

	(void)argc;
	begin(); /* the counter since power on */
	if (getpid() == 1)
		first_process();
	if (argv[1] != NULL && strcmp(argv[1], "ns") == 0) {
		tell_nanoseconds();
		argv++;
	}
	/* Linux maps 2 MiB at once where it may: that is another benchmark. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	for (i = 0; i < sizeof all / sizeof all[0]; i++)
		run_all(all[i], argv + 1);
	return 0;
}

/*
 * The figures are those of an ordinary process: the first one is special to
 * both kernels.  Its words are what it prints at the end.
 */
static void
first_process(void)
{
	char **argv;
	pid_t pid;

	come_up();
	argv = wanted();
	say("boot once %lu.0 1", bench.from);
	pid = (pid_t)must(fork(), "fork");
	if (pid == 0) {
		setsid();
		execv(self, argv);
		err(127, "%s", self);
	}
	reap(pid);
	say("end");
	reboot(RB_AUTOBOOT); /* QEMU has -no-reboot */
}

static void
come_up(void)
{
	mkdir("/proc", 0555);
	mkdir("/dev", 0755);
	mkdir("/tmp", 01777);
	/* Linux has mounted nothing yet. */
	if (access("/dev/ttyS0", F_OK) < 0) {
		must(mount("proc", "/proc", "proc", 0, NULL), "/proc");
		must(mount("dev", "/dev", "devtmpfs", 0, NULL), "/dev");
	}
	must(mount("tmp", "/tmp", "tmpfs", 0, NULL), "/tmp");
	bench.line = (int)must(
	    open("/dev/ttyS0", O_WRONLY | O_NOCTTY | O_CLOEXEC), "/dev/ttyS0");
	dup2(bench.line, 1);
	dup2(bench.line, 2);
	prepare_proc();
}

/* A fork of more than half of the memory promises more than there is. */
static void
prepare_proc(void)
{
	int fd = open("/proc/sys/vm/overcommit_memory", O_WRONLY | O_CLOEXEC);

	must(fd, "/proc/sys/vm/overcommit_memory");
	must(write(fd, "1", 1), "overcommit_memory");
	close(fd);
}

static void
run_all(const struct op *op, char **only)
{
	for (; op->name != NULL; op++)
		if (is_wanted(op, only))
			run_one(op);
}

/* The first process has no arguments of its own: /ops holds the names. */
static char **
wanted(void)
{
	static char text[4096], *word[128] = { (char *)"init" };
	int fd = open("/ops", O_RDONLY | O_CLOEXEC);
	size_t n = 1;
	ssize_t len;

	if (fd < 0)
		return word;
	len = must(read(fd, text, sizeof text - 1), "/ops");
	text[len] = '\0';
	close(fd);
	for (char *s = strtok(text, " \n"); s != NULL && n < 127;
	     s = strtok(NULL, " \n"))
		word[n++] = s;
	return word;
}

/* Without names all are. */
static bool
is_wanted(const struct op *op, char **only)
{
	if (*only == NULL)
		return true;
	while (*only != NULL && strcmp(*only, op->name) != 0)
		only++;
	return *only != NULL;
}

/* How long a tick is: for a tenth of a second. */
static void
tell_nanoseconds(void)
{
	struct timespec from, now;
	double ns;

	clock_gettime(CLOCK_MONOTONIC, &from);
	begin();
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		ns = (double)(now.tv_sec - from.tv_sec) * 1e9 +
		    (double)(now.tv_nsec - from.tv_nsec);
	} while (ns < 1e8);
	end(1);
	bench.ns = ns / (double)bench.ticks;
	bench.rounds = ROUNDS_NS;
}

static void
run_one(const struct op *op)
{
	uint64_t best = UINT64_MAX;
	unsigned long n = 1;

	for (int round = 0; round < bench.rounds; round++) {
		round_begins();
		op->run();
		if (bench.n == 0)
			errx(1, "%s counts nothing", op->name);
		if (bench.ticks < best) {
			best = bench.ticks;
			n = bench.n;
		}
	}
	best = (uint64_t)((double)best * bench.ns);
	say("%s %s %lu.%lu %lu", op->name, op->per, best / n, best % n * 10 / n,
	    n);
}

/* One line, whole: the kernel's own words may stand between lines only. */
static void
say(const char *fmt, ...)
{
	char text[200] = "bench: ";
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = 7 + vsnprintf(text + 7, sizeof text - 9, fmt, ap);
	va_end(ap);
	text[n++] = '\n';
	must(write(bench.line, text, (size_t)n), "the serial line");
}

/* Not inlined: each label stands once. */
__attribute__((noinline, noclone)) static void
round_begins(void)
{
	__asm__ volatile("bench_round: nop" : : : "memory");
	bench.ticks = 0;
	bench.n = 0;
}

__attribute__((noinline, noclone)) void
begin(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence\nbench_begin: rdtsc"
			 : "=a"(lo), "=d"(hi)
			 :
			 : "memory");
	bench.from = (uint64_t)hi << 32 | lo;
}

__attribute__((noinline, noclone)) void
end(unsigned long n)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence\nbench_end: rdtsc"
			 : "=a"(lo), "=d"(hi)
			 :
			 : "memory");
	bench.ticks += ((uint64_t)hi << 32 | lo) - bench.from;
	bench.n += n;
}

char *
map_private(size_t bytes)
{
	char *p = mmap((void *)AT, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap of %zu bytes", bytes);
	return p;
}

void
unmap(void *p, size_t bytes)
{
	must(munmap(p, bytes), "munmap");
}

void
touch(char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		*(volatile char *)(p + i) = 1;
}

void
look(const char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		(void)*(const volatile char *)(p + i);
}

int
file_of(size_t bytes)
{
	static char block[16 * PAGE];
	int fd = (int)must(
	    open("/tmp/file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
	    "/tmp/file");

	memset(block, 'x', sizeof block);
	for (size_t i = 0; i < bytes; i += sizeof block)
		must(write(fd, block, sizeof block), "write");
	return fd;
}

void
reap(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0), "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		errx(1, "a child ended with %#x", status);
}

long
must(long result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
	return result;
}
