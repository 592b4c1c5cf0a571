/* SPDX-License-Identifier: BSD-2-Clause */
/* ch08-shared.c: what an anonymous object costs: tables, pages, sharing, its end */
#define _GNU_SOURCE
#define RUN_ALSO "anon.", "page.alloc", "page.free", "cache.", "commit."
#include "run.h"

#define GIB(n) ((off_t)(n) << 30)
#define AREA 16     /* pages that two processes share */

static int go[2], done[2];

/* The child stops here until the parent has counted. */
static void
turn(void)
{
	char c = 0;

	if (write(done[1], &c, 1) != 1 || read(go[0], &c, 1) != 1)
		_exit(1);
}

/* The child's next part, until it stops or ends. */
static void
let(const char *step)
{
	char c = 0;

	if (write(go[1], &c, 1) != 1 || read(done[0], &c, 1) != 1)
		exit(2);
	run_step(step);
}

/* One byte into page n of the file. */
static void
touch(int fd, uint64_t n, const char *step)
{
	if (pwrite(fd, "x", 1, (off_t)(n * PAGE)) != 1)
		exit(3);
	run_step(step);
}

static int
make(const char *name, off_t bytes)
{
	int fd = memfd_create(name, 0);

	if (fd < 0 || ftruncate(fd, bytes) != 0)
		exit(4);
	return fd;
}

static volatile char *
map(int fd, size_t bytes)
{
	char *p = mmap(NULL, bytes, RW, MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (p == MAP_FAILED)
		exit(5);
	return p;
}

/* The other one of the two who share. */
static void
child(volatile char *p)
{
	char c;

	if (read(go[0], &c, 1) != 1)
		_exit(1);
	run_mark(2);
	(void)p[0];
	turn();
	p[0] = 2;
	turn();
	run_load(p, AREA);
	turn();
	munmap((void *)p, AREA * PAGE);
	turn();
	_exit(0);
}

/* A file without holes. */
static void
dense(uint64_t pages)
{
	static char page[PAGE];
	int fd = make("dense", (off_t)(pages * PAGE));
	uint64_t i;

	run_step("dense-make");
	for (i = 0; i < pages; i++)
		if (pwrite(fd, page, PAGE, (off_t)(i * PAGE)) != PAGE)
			exit(6);
	run_step("dense");
	close(fd);
	run_step("dense-close");
}

int
main(void)
{
	volatile char *p, *own;
	char buf[8] = { 0 }, c = 0;
	pid_t pid;
	int fd;

	if (pipe(go) < 0 || pipe(done) < 0)
		return 2;
	run_begin();

	/* Private memory needs no object. */
	own = run_map(AREA, RW, PRIVATE);
	run_step("private-map");
	run_store(own, AREA);
	run_step("private-store");

	/* Shared memory without a file is one, paid for as a whole. */
	own = run_map(AREA, RW, SHARED);
	run_step("anon-map");
	run_store(own, AREA);
	run_step("anon-store");
	munmap((void *)own, AREA * PAGE);
	run_step("anon-unmap");

	/* Two processes, one object. */
	fd = make("shared", AREA * PAGE);
	run_step("memfd");
	p = map(fd, AREA * PAGE);
	run_step("map");
	run_mark(1);
	p[0] = 1;
	run_step("store-one");
	run_store(p + PAGE, AREA - 1);
	run_step("store-rest");
	pid = fork();
	if (pid == 0)
		child(p);
	run_step("fork");
	let("child-loads");
	let("child-stores");
	if (p[0] != 2)
		return 3;
	run_step("parent-sees");
	let("child-loads-rest");
	if (pread(fd, buf, 8, 0) != 8 || buf[0] != 2)
		return 4;
	if (pwrite(fd, "new", 3, PAGE) != 3 || p[PAGE] != 'n')
		return 5;
	run_step("by-calls");

	/* Cut while both map it, then long again. */
	run_mark(3);
	if (ftruncate(fd, 4 * PAGE + 100) != 0)
		return 6;
	run_mark(4);
	run_step("cut");
	if (ftruncate(fd, AREA * PAGE) != 0)
		return 7;
	run_step("regrow");
	if (p[4 * PAGE + 100] != 0 || p[5 * PAGE] != 0)
		return 8;
	run_step("regrown");

	/* Who has the last reference? */
	let("child-unmaps");
	close(fd);
	run_step("close");
	munmap((void *)p, AREA * PAGE);
	run_step("unmap");
	if (write(go[1], &c, 1) != 1 || waitpid(pid, NULL, 0) != pid)
		return 9;
	run_step("child-ends");

	/* Tables by index; looking makes none. */
	fd = make("sparse", 1l << 48);
	if (pread(fd, buf, 8, GIB(700)) != 8 || buf[0] != 0)
		return 10;
	run_step("hole");
	touch(fd, 0, "page-0");
	touch(fd, 5, "page-5");
	touch(fd, 6, "page-6");
	touch(fd, 511, "page-511");
	touch(fd, 512, "page-512");
	touch(fd, 518, "page-518");
	touch(fd, 1ul << 18, "page-2-18");
	touch(fd, (1ul << 18) + 518, "page-third");
	touch(fd, 1ul << 27, "page-2-27");
	touch(fd, (1ul << 36) - 1, "page-last");
	close(fd);
	run_step("sparse-close");

	/* 1130 GiB, three pages. */
	fd = make("huge", GIB(1130));
	p = map(fd, (size_t)GIB(1130));
	run_step("huge-map");
	p[0] = p[GIB(565)] = p[GIB(1130) - 1] = 1;
	run_step("huge-touch");
	pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	run_step("huge-fork");
	munmap((void *)p, (size_t)GIB(1130));
	close(fd);
	run_step("huge-close");

	dense(16384);
	return run_end();
}
