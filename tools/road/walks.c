/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walks.c: the program in the guest that takes each road
 *
 * Problem   The first time an operation runs, caches are empty and pools are
 *           filled; the road of a day like any other is that of a later time.
 *
 * Picture   for each round: prepare, rest, mark 1, the operation, mark 2, clear
 *           away; the last round is the one that counts
 *
 * Rules     1. Between the marks stands the operation and nothing else.
 *           2. "times N" on standard output: N of them were between the marks.
 *           3. All of it is plain Linux.
 *
 * Read next ops.h.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define PAGE 4096ul
#define TABLE (512 * PAGE) /* what one leaf table maps */
#define ROUNDS 4
#define REST_US 50000
#define PAGES 16

#define MARK 0x564e /* PR_VMM_MARK */

static char *self;

static void
mark(long id)
{
	if (prctl(MARK, id, 0, 0, 0) != 0)
		err(1, "prctl(PR_VMM_MARK)");
}

/* Nobody has anything left to do, then the region begins. */
static void
begin(void)
{
	usleep(REST_US);
	mark(1);
}

static void
finish(void)
{
	mark(2);
}

/* So many pages at the beginning of 2 MiB of their own. */
static char *
pages(size_t n, int round)
{
	char *at = (char *)0x200000000000ul + (unsigned)round * 2 * TABLE;
	char *p = mmap(at, n * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p != at)
		err(1, "mmap");
	return p;
}

static char *
written(size_t n, int round)
{
	char *p = pages(n, round);
	size_t i;

	for (i = 0; i < n; i++)
		p[i * PAGE] = (char)(i + 1);
	return p;
}

static void
check(int result, const char *what)
{
	if (result != 0)
		err(1, "%s", what);
}

/* ---- a child that waits ---- */

static struct {
	int fd[2];
	pid_t pid;
} child;

static void
child_start(void)
{
	char c;

	check(pipe(child.fd), "pipe");
	child.pid = fork();
	if (child.pid < 0)
		err(1, "fork");
	if (child.pid != 0)
		return;
	close(child.fd[1]);
	(void)!read(child.fd[0], &c, 1);
	_exit(0);
}

static void
child_end(void)
{
	int status;

	close(child.fd[1]);
	if (waitpid(child.pid, &status, 0) != child.pid || status != 0)
		errx(1, "the child ended with %#x", status);
	close(child.fd[0]);
}

/* ---- the operations ---- */

static void
zero_fill(int round)
{
	char *p = pages(PAGES, round);

	begin();
	*(volatile char *)p = 1;
	finish();
	check(munmap(p, PAGES * PAGE), "munmap");
}

static void
next_page(int round)
{
	char *p = pages(PAGES, round);

	p[0] = 1;
	begin();
	*(volatile char *)(p + 8 * PAGE) = 1;
	finish();
	check(munmap(p, PAGES * PAGE), "munmap");
}

static void
fork_pages(int round)
{
	char *p = written(PAGES, round);
	long pid;
	int status;

	begin();
	pid = syscall(SYS_fork);
	if (pid == 0)
		_exit(0);
	finish();
	if (pid < 0 || waitpid((pid_t)pid, &status, 0) != pid || status != 0)
		err(1, "fork");
	check(munmap(p, PAGES * PAGE), "munmap");
}

static void
cow(int round)
{
	char *p = written(PAGES, round);

	child_start();
	begin();
	*(volatile char *)(p + 8 * PAGE) = 1;
	finish();
	child_end();
	check(munmap(p, PAGES * PAGE), "munmap");
}

static void
map(int round)
{
	char *p;

	begin();
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	finish();
	if (p == MAP_FAILED)
		err(1, "mmap");
	check(munmap(p, PAGES * PAGE), "munmap");
	(void)round;
}

static void
unmap(int round)
{
	char *p = written(3 * PAGES / 2, round);
	int r;

	child_start();
	begin();
	r = munmap(p + 8 * PAGE, 8 * PAGE);
	finish();
	check(r, "munmap");
	child_end();
	check(munmap(p, 3 * PAGES / 2 * PAGE), "munmap");
}

static void
unmap_all(int round)
{
	char *p = written(PAGES, round);
	int r;

	begin();
	r = munmap(p, PAGES * PAGE);
	finish();
	check(r, "munmap");
}

static void
protect(int round)
{
	char *p = written(PAGES, round);
	int r;

	begin();
	r = mprotect(p + 4 * PAGE, 8 * PAGE, PROT_READ);
	finish();
	check(r, "mprotect");
	check(munmap(p, PAGES * PAGE), "munmap");
}

static void
move(int round)
{
	char *p = written(PAGES, round), *to = p + TABLE, *r;

	begin();
	r = mremap(
	    p, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	finish();
	if (r != to || to[8 * PAGE] != 9)
		err(1, "mremap");
	check(munmap(to, PAGES * PAGE), "munmap");
}

static void
dontneed(int round)
{
	char *p = written(PAGES, round);
	int r;

	begin();
	r = madvise(p, PAGES * PAGE, MADV_DONTNEED);
	finish();
	check(r, "madvise");
	check(munmap(p, PAGES * PAGE), "munmap");
}

static void
lock(int round)
{
	char *p = pages(PAGES, round);
	int r;

	begin();
	r = mlock(p, PAGES * PAGE);
	finish();
	check(r, "mlock");
	check(munmap(p, PAGES * PAGE), "munmap");
}

static void
grow(int round)
{
	long at = syscall(SYS_brk, 0), r;

	begin();
	r = syscall(SYS_brk, at + (long)(PAGES * PAGE));
	finish();
	if (r != at + (long)(PAGES * PAGE))
		err(1, "brk");
	(void)syscall(SYS_brk, at);
	(void)round;
}

static void
swap_in(int round)
{
	char *p = written(PAGES, round), c;
	unsigned char there = 1;
	int tries;

	for (tries = 0; there != 0; tries++) {
		if (tries == 100)
			errx(1, "MADV_PAGEOUT leaves the page in memory");
		check(madvise(p, PAGES * PAGE, MADV_PAGEOUT), "madvise");
		usleep(1000);
		check(mincore(p + 8 * PAGE, PAGE, &there), "mincore");
	}
	begin();
	c = *(volatile char *)(p + 8 * PAGE);
	finish();
	if (c != 9)
		errx(1, "the page came back with %d", c);
	check(munmap(p, PAGES * PAGE), "munmap");
}

static void
end(int round)
{
	char *p = written(PAGES, round);
	int status;
	char c;

	check(pipe(child.fd), "pipe");
	child.pid = fork();
	if (child.pid < 0)
		err(1, "fork");
	if (child.pid == 0) {
		close(child.fd[1]);
		(void)written(PAGES, round + ROUNDS);
		(void)!read(child.fd[0], &c, 1);
		_exit(0);
	}
	begin();
	close(child.fd[1]);
	child.pid = waitpid(child.pid, &status, 0);
	finish();
	if (child.pid < 0 || status != 0)
		err(1, "waitpid");
	close(child.fd[0]);
	check(munmap(p, PAGES * PAGE), "munmap");
}

/* The next image sets the second mark and goes on from there. */
static void
run(int round)
{
	char nr[12], *argv[] = { self, "exec", nr, NULL }, *envp[] = { NULL };

	if (round > 0)
		finish();
	if (round == ROUNDS - 1)
		exit(0);
	snprintf(nr, sizeof nr, "%d", round + 1);
	begin();
	execve(self, argv, envp);
	err(1, "execve");
}

/* ---- a file that is not in memory ---- */

static void
copy(const char *from, const char *to)
{
	static char buf[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY);
	ssize_t n;

	if (in < 0 || out < 0)
		err(1, "%s, %s", from, to);
	while ((n = read(in, buf, sizeof buf)) > 0)
		if (write(out, buf, (size_t)n) != n)
			err(1, "%s", to);
	close(in);
	check(fsync(out), to);
	close(out);
}

/* A page further on each time, beyond what read-ahead has brought. */
static void
file_read(int round)
{
	static char *p;
	struct stat st;
	size_t at;
	int fd;

	if (p == NULL) {
		copy("/t/road.img", "/dev/rama");
		(void)mkdir("/tmp/road", 0700);
		check(mount("/dev/rama", "/tmp/road", "ext2", MS_RDONLY, NULL),
		    "mount /dev/rama");
		fd = open("/tmp/road/data", O_RDONLY);
		if (fd < 0 || fstat(fd, &st) != 0)
			err(1, "/tmp/road/data");
		p = mmap(
		    NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			err(1, "mmap");
		close(fd);
	}
	at = (100 + (size_t)round * 100) * PAGE;
	begin();
	(void)*(volatile char *)(p + at);
	finish();
}

/* ---- more than there is ---- */

#define FULL (72ul << 20)
#define STEP 1024ul /* pages, with rests: so many that somebody must go */

static unsigned long
counter(const char *name)
{
	static char text[65536];
	int fd = open("/proc/vm/events", O_RDONLY);
	size_t have = 0;
	ssize_t n;
	char *s;

	if (fd < 0)
		err(1, "/proc/vm/events");
	while ((n = read(fd, text + have, sizeof text - 1 - have)) > 0)
		have += (size_t)n;
	close(fd);
	text[have] = '\0';
	for (s = text; s != NULL; s = strchr(s, '\n'), s += s != NULL)
		if (strncmp(s, name, strlen(name)) == 0 &&
		    s[strlen(name)] == ' ')
			return strtoul(s + strlen(name), NULL, 10);
	errx(1, "no counter %s", name);
}

/* The first region is without pressure: what it runs is not of page-out. */
static void
page_out(int round)
{
	static char *p;
	static size_t at;
	unsigned long out;
	size_t i;

	if (p == NULL) {
		p = mmap(NULL, FULL, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			err(1, "mmap");
	} else if (round == 1) {
		for (; at < FULL * 3 / 4; at += PAGE)
			p[at] = 1;
	}
	usleep(10 * REST_US);
	out = counter("swap.out_pages");
	begin();
	for (i = 0; i < STEP; i++, at += PAGE) {
		*(volatile char *)(p + at) = 1;
		if (i % 32 == 31)
			usleep(REST_US);
	}
	finish();
	out = counter("swap.out_pages") - out;
	if (round == ROUNDS - 1)
		printf("times %lu\n", out);
}

/* ---- */

static const struct {
	const char *name;
	void (*fn)(int round);
} ops[] = {
#define ROW(fn, name, who, flags, what) { name, fn },
	ROAD_OPS(ROW)
#undef ROW
};

int
main(int argc, char **argv)
{
	size_t i, n = sizeof ops / sizeof ops[0];
	int round = argc > 2 ? atoi(argv[2]) : 0;

	self = argv[0];
	for (i = 0; argc > 1 && i < n; i++)
		if (strcmp(ops[i].name, argv[1]) == 0)
			break;
	if (argc < 2 || i == n) {
		fprintf(stderr, "walks OPERATION: tools/road has a list\n");
		return 2;
	}
	for (; round < ROUNDS; round++)
		ops[i].fn(round);
	return 0;
}
