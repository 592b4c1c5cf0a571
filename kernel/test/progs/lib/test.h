/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test.h: what the test programs share
 *
 * A test program says nothing when it succeeds (T programs print their
 * transcript) and exits 0.  A failed claim prints what was expected and
 * what was seen, and exits 1.  Everything here works on Linux as well.
 *
 * The checks are macros only because they print the place of the claim.
 */
#ifndef TEST_H
#define TEST_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Nothing that a program keeps changes between sigsetjmp and the trap. */
#pragma GCC diagnostic ignored "-Wclobbered"

#define PAGE 4096UL
#define KIB 1024UL
#define MIB (1024UL * KIB)
#define GIB (1024UL * MIB)

/* Print one line on standard output without buffering, then fail. */
static inline void __attribute__((format(printf, 3, 4), noreturn))
test_fail(const char *file, int line, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int n, m;

	n = snprintf(buf, sizeof(buf), "FAIL %s:%d: ", file, line);
	va_start(ap, fmt);
	m = vsnprintf(buf + n, sizeof(buf) - n - 1, fmt, ap);
	va_end(ap);
	n = n + m < (int)sizeof(buf) - 2 ? n + m : (int)sizeof(buf) - 2;
	buf[n++] = '\n';
	if (write(STDOUT_FILENO, buf, n) != n)
		_exit(2);
	_exit(1);
}

#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

/* The claim must be true. */
#define CHECK(claim)                                                           \
	((claim) ? (void)0 : FAIL("%s: not so (errno %d)", #claim, errno))

/* Two numbers must be equal. */
#define EQ(seen, expected)                                                     \
	test_eq(__FILE__, __LINE__, #seen, (long)(seen), (long)(expected))

/* seen must not be greater than limit. */
#define LE(seen, limit)                                                        \
	test_le(__FILE__, __LINE__, #seen, (long)(seen), (long)(limit))

/* The call must fail with exactly this errno. */
#define ERR(call, expected)                                                    \
	(errno = 0, test_err(__FILE__, __LINE__, #call, (long)(call), expected))

/* The call must not fail; its value is returned. */
#define OK(call) test_ok(__FILE__, __LINE__, #call, (long)(call))

static inline void
test_eq(const char *file, int line, const char *what, long seen, long expected)
{
	if (seen != expected)
		test_fail(file, line, "%s: expected %ld, seen %ld", what,
		    expected, seen);
}

static inline void
test_le(const char *file, int line, const char *what, long seen, long limit)
{
	if (seen > limit)
		test_fail(file, line, "%s: expected <= %ld, seen %ld", what,
		    limit, seen);
}

static inline void
test_err(const char *file, int line, const char *what, long r, int expected)
{
	int seen = errno;

	if (r != -1)
		test_fail(file, line, "%s: expected errno %d (%s), "
		    "it returned %ld", what, expected, strerror(expected), r);
	if (seen != expected)
		test_fail(file, line, "%s: expected errno %d (%s), "
		    "seen %d (%s)", what, expected, strerror(expected), seen,
		    strerror(seen));
}

static inline long
test_ok(const char *file, int line, const char *what, long r)
{
	if (r == -1)
		test_fail(file, line, "%s: expected success, seen errno %d "
		    "(%s)", what, errno, strerror(errno));
	return r;
}

/* Are we on our own kernel, with its counters? */
static inline bool
on_vadose(void)
{
	return access("/proc/vm/events", R_OK) == 0;
}

/* Write one word to a file of /proc; 0 or -errno. */
static inline int
proc_write(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, word, strlen(word)) < 0)
		r = -errno;
	close(fd);
	return r;
}

/*
 * Who starts programs by the thousand sets it for them and looks itself: there
 * is one mark for leaks, and vm_check() takes longer than most programs.
 */
#define WATCHED "WATCHED"

/*
 * Asked once, so that no round touches the page of the environment; and before
 * main(), so that between two looks for leaks no page changes for it.
 */
static bool watched_known;

__attribute__((constructor)) static void
learn_watched(void)
{
	watched_known = getenv(WATCHED) != NULL;
}

static inline bool
is_watched(void)
{
	return watched_known;
}

static inline bool
is_mine_to_check(void)
{
	return on_vadose() && !is_watched();
}

/*
 * So many rounds, or milliseconds; an eighth of them, at least one, where
 * programs run by the thousand.
 */
static inline long
rounds(long n)
{
	return is_watched() ? (n + 7) / 8 : n;
}

/* On our kernel: all invariants hold (vm_check(2)). */
static inline void
check_vm(void)
{
	int r;

	if (!is_mine_to_check())
		return;
	r = proc_write("/proc/vm/check", "2");
	if (r != 0)
		FAIL("vm_check(2): expected no findings, seen errno %d", -r);
}

/* On our kernel: remember what is free; later nothing may be missing. */
static inline void
leak_mark(void)
{
	if (is_mine_to_check())
		EQ(proc_write("/proc/vm/check", "mark"), 0);
}

static inline void
leak_diff(void)
{
	int r;

	if (!is_mine_to_check())
		return;
	r = proc_write("/proc/vm/check", "diff");
	if (r != 0)
		FAIL("leak: expected nothing missing, seen errno %d", -r);
}

/* The value that main returns after success. */
static inline int
test_done(void)
{
	check_vm();
	return 0;
}

/* n pages of private anonymous memory. */
static inline char *
pages_private(size_t n)
{
	void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		FAIL("mmap of %zu private pages: errno %d", n, errno);
	return p;
}

/*
 * On Linux: one access brings one page and no huge one.  Not every Linux has those,
 * and then it does not know the advice.
 */
static inline void
small_pages(void *p, size_t n)
{
	if (!on_vadose())
		(void)madvise(p, n * PAGE, MADV_NOHUGEPAGE);
}

/* n pages of shared anonymous memory. */
static inline char *
pages_shared(size_t n)
{
	void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		FAIL("mmap of %zu shared pages: errno %d", n, errno);
	return p;
}

/* Deterministic pseudo-random numbers (xorshift). */
static inline uint64_t
rnd(uint64_t *state)
{
	uint64_t x = *state ? *state : 88172645463325252UL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x;
}

/* Wait for pid; its raw status. */
static inline int
reap(pid_t pid)
{
	int status;
	pid_t r;

	do {
		r = waitpid(pid, &status, 0);
	} while (r < 0 && errno == EINTR);
	if (r != pid)
		FAIL("waitpid(%d): expected it, seen %d (errno %d)", (int)pid,
		    (int)r, errno);
	return status;
}

/* The child must have exited with this code. */
#define REAP(pid, code) test_reap(__FILE__, __LINE__, pid, code, 0)

/* The child must have died of this signal. */
#define REAP_SIGNAL(pid, signo) test_reap(__FILE__, __LINE__, pid, 0, signo)

static inline void
test_reap(const char *file, int line, pid_t pid, int code, int signo)
{
	int status = reap(pid);
	int expected = signo ? signo : code << 8;

	if ((status & ~0x80) != expected)
		test_fail(file, line, "child: expected status %#x, seen %#x",
		    expected, status);
}

/* fn in a child, twice: what the second time has taken is there again. */
static inline void
leaves_nothing(void (*fn)(void))
{
	for (int i = 0; i < 2; i++) {
		pid_t pid;

		if (i == 1)
			leak_mark();
		pid = OK(fork());
		if (pid == 0) {
			fn();
			_exit(0);
		}
		REAP(pid, 0);
	}
	leak_diff();
}

static inline uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000UL + ts.tv_nsec;
}

static inline void
sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
		continue;
}

/* The numbers of "seed:count" in argv[1], with defaults. */
static inline void
seed_count(int argc, char **argv, uint64_t *seed, long *count)
{
	char *end;

	if (argc < 2)
		return;
	*seed = strtoul(argv[1], &end, 0);
	if (*end)
		*count = strtol(end + 1, NULL, 0);
	else if (argc > 2)
		*count = strtol(argv[2], NULL, 0);
}

static char tmp_folder[64];

/* Go to a fresh directory, whatever a program that was killed has left. */
static inline void
enter_tmp(void)
{
	mkdir("/tmp", 0777);
	strcpy(tmp_folder, "/tmp/vt.XXXXXX");
	CHECK(mkdtemp(tmp_folder) != NULL);
	OK(chmod(tmp_folder, 0755));
	OK(chdir(tmp_folder));
}

/* Remove it again; it must be empty by now. */
static inline void
leave_tmp(void)
{
	OK(chdir("/"));
	OK(rmdir(tmp_folder));
}

/* A new file of the folder that nobody else finds. */
static inline int
nameless_file(const char *folder)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/vt.XXXXXX", folder);
	fd = OK(mkstemp(path));
	OK(unlink(path));
	return fd;
}

/* Write a whole file. */
static inline void
make_file(const char *name, const void *data, size_t n, int mode)
{
	int fd = OK(open(name, O_WRONLY | O_CREAT | O_TRUNC, mode));

	EQ(write(fd, data, n), n);
	OK(close(fd));
	OK(chmod(name, mode));
}

/* This program once more, as a new file that may be changed and removed. */
static inline void
copy_self(const char *name)
{
	static char block[65536];
	int from = OK(open("/proc/self/exe", O_RDONLY));
	int to = OK(open(name, O_WRONLY | O_CREAT | O_EXCL, 0755));
	long n;

	while ((n = OK(read(from, block, sizeof(block)))) > 0)
		EQ(write(to, block, n), n);
	OK(close(from));
	OK(close(to));
}

/* What poll(2) says of fd at this moment. */
static inline short
poll_now(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

	OK(poll(&p, 1, 0));
	return p.revents;
}

#endif
