/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_fault.c: what a touch costs, of each kind
 *
 * Problem   A fault's price depends on what was there: nothing, a table, a
 *           page of a file, a page that a child reads too.
 *
 * Read next bench.h.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define PAGES 2048ul
#define TABLES 64ul
#define SPARSE 512ul /* touches, 2.2 GiB apart: each with two tables */

/* A store to each page of memory whose tables are there. */
static void
zero_fill(void)
{
	char *p = map_private(PAGES * PAGE);

	touch(p, PAGES * PAGE);
	must(madvise(p, PAGES * PAGE, MADV_DONTNEED), "MADV_DONTNEED");
	/* One page keeps each table. */
	for (size_t i = 0; i < PAGES; i += 512)
		touch(p + i * PAGE, 1);
	begin();
	for (size_t i = 0; i < PAGES; i++)
		if (i % 512 != 0)
			touch(p + i * PAGE, 1);
	end(PAGES - PAGES / 512);
	unmap(p, PAGES * PAGE);
}

static void
new_table(void)
{
	char *p = map_private(TABLES * TABLE);

	begin();
	for (size_t i = 0; i < TABLES; i++)
		touch(p + i * TABLE, 1);
	end(TABLES);
	unmap(p, TABLES * TABLE);
}

/* The common zero page appears. */
static void
zero_page(void)
{
	char *p = map_private(PAGES * PAGE);

	begin();
	look(p, PAGES * PAGE);
	end(PAGES);
	unmap(p, PAGES * PAGE);
}

static void
populate(void)
{
	char *p = map_private(PAGES * PAGE);

	begin();
	if (mmap(p, PAGES * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1,
		0) != p)
		err(1, "MAP_POPULATE");
	end(PAGES);
	unmap(p, PAGES * PAGE);
}

static char *
map_file(int prot, int flags)
{
	int fd = file_of(PAGES * PAGE);
	char *p = mmap(NULL, PAGES * PAGE, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		err(1, "mmap of a file");
	close(fd);
	return p;
}

/* All pages one after another: a fault brings neighbours. */
static void
file_read(void)
{
	char *p = map_file(PROT_READ, MAP_PRIVATE);

	begin();
	look(p, PAGES * PAGE);
	end(PAGES);
	unmap(p, PAGES * PAGE);
}

/* One page of each 128 KiB: no neighbour is of use. */
static void
file_scattered(void)
{
	char *p = map_file(PROT_READ, MAP_PRIVATE);

	begin();
	for (size_t i = 0; i < PAGES; i += 32)
		look(p + i * PAGE, 1);
	end(PAGES / 32);
	unmap(p, PAGES * PAGE);
}

static void
file_private_write(void)
{
	char *p = map_file(PROT_READ | PROT_WRITE, MAP_PRIVATE);

	begin();
	touch(p, PAGES * PAGE);
	end(PAGES);
	unmap(p, PAGES * PAGE);
}

static void
file_shared_write(void)
{
	char *p = map_file(PROT_READ | PROT_WRITE, MAP_SHARED);

	begin();
	touch(p, PAGES * PAGE);
	end(PAGES);
	unmap(p, PAGES * PAGE);
}

static char *guarded;

static void
give_access(int sig)
{
	(void)sig;
	if (mprotect(guarded, PAGE, PROT_READ | PROT_WRITE) < 0)
		_exit(9);
}

/* A guard page: signal, handler, mprotect, back to the store. */
static void
guard(void)
{
	enum { TIMES = 256 };

	guarded = map_private(PAGE);
	touch(guarded, PAGE);
	if (signal(SIGSEGV, give_access) == SIG_ERR)
		err(1, "signal");
	for (int i = 0; i < TIMES; i++) {
		must(mprotect(guarded, PAGE, PROT_READ), "mprotect");
		begin();
		touch(guarded, PAGE);
		end(1);
	}
	signal(SIGSEGV, SIG_DFL);
	unmap(guarded, PAGE);
}

/* A child that lives until the pipe is closed; its end of it. */
static pid_t
sleeper(int *wake)
{
	int ends[2];
	char c;
	pid_t pid;

	must(pipe(ends), "pipe");
	pid = (pid_t)must(fork(), "fork");
	if (pid == 0) {
		close(ends[1]);
		_exit(read(ends[0], &c, 1) == 0 ? 0 : 1);
	}
	close(ends[0]);
	*wake = ends[1];
	return pid;
}

/* The parent stores while the child still reads: each page is copied. */
static void
cow_copy(void)
{
	char *p = map_private(PAGES * PAGE);
	int wake;
	pid_t pid;

	touch(p, PAGES * PAGE);
	pid = sleeper(&wake);
	begin();
	touch(p, PAGES * PAGE);
	end(PAGES);
	close(wake);
	reap(pid);
	unmap(p, PAGES * PAGE);
}

/* The child is gone: the page is the parent's alone again. */
static void
cow_last(void)
{
	char *p = map_private(PAGES * PAGE);
	int wake;
	pid_t pid;

	touch(p, PAGES * PAGE);
	pid = sleeper(&wake);
	close(wake);
	reap(pid);
	begin();
	touch(p, PAGES * PAGE);
	end(PAGES);
	unmap(p, PAGES * PAGE);
}

static void
sparse_touch(void)
{
	char *p = map_private(1130 * GIB);

	begin();
	for (size_t i = 0; i < SPARSE; i++)
		touch(p + i * (1130 * GIB / SPARSE & ~(PAGE - 1)), 1);
	end(SPARSE);
	unmap(p, 1130 * GIB);
}

static void
sparse_unmap(void)
{
	char *p = map_private(1130 * GIB);

	for (size_t i = 0; i < SPARSE; i++)
		touch(p + i * (1130 * GIB / SPARSE & ~(PAGE - 1)), 1);
	begin();
	unmap(p, 1130 * GIB);
	end(SPARSE);
}

const struct op fault_ops[] = {
	{ "zero-fill", "page", zero_fill },
	{ "new-table", "page", new_table },
	{ "zero-page", "page", zero_page },
	{ "populate", "page", populate },
	{ "file-read", "page", file_read },
	{ "file-scattered", "fault", file_scattered },
	{ "file-private-write", "page", file_private_write },
	{ "file-shared-write", "page", file_shared_write },
	{ "guard-page", "signal", guard },
	{ "cow-copy", "page", cow_copy },
	{ "cow-last-owner", "page", cow_last },
	{ "sparse-touch", "page", sparse_touch },
	{ "sparse-unmap", "page", sparse_unmap },
	{ NULL, NULL, NULL },
};
