/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pages.c: programs of the comparison with memory, files and mappings
 *
 * Problem   Where nothing is forked and nothing leaves, what does a record for
 *           each page cost that other designs do without?
 *
 * Read next out.c.
 */
#include "bill.h"
#include "lib/file.h"
#include "lib/trap.h"

#define FILE_PAGES 512

static void
tell(const char *what, uint64_t sum)
{
	printf("%s: %016lx\n", what, sum);
}

/* Each page stored to once, and read. */
static void
zero_fill(bool small)
{
	size_t n = small ? 512 : 8192;
	char *p = pages_private(n);
	uint64_t sum;

	bill_from();
	store_each(p, n, 1, 3);
	sum = sum_of(p, n);
	bill_peak(n);
	bill_to(n);
	tell("pages", sum);
}

/* Read but never stored to: what is the price of nothing? */
static void
read_zeros(bool small)
{
	size_t n = small ? 512 : 8192;
	char *p = pages_private(n);
	uint64_t sum;

	bill_from();
	sum = sum_of(p, n);
	bill_peak(n);
	bill_to(n);
	tell("pages", sum);
}

/* A page here and there in a terabyte. */
static void
sparse(bool small)
{
	size_t n = small ? 64 : 512, step = 1024 * GIB / n;
	char *p = mmap(NULL, 1024 * GIB, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t sum = 0;

	CHECK(p != MAP_FAILED);
	bill_from();
	for (size_t i = 0; i < n; i++)
		*(volatile uint64_t *)(p + i * step) = i;
	bill_peak(n);
	for (size_t i = 0; i < n; i++)
		sum += *(volatile uint64_t *)(p + i * step);
	OK(munmap(p, 1024 * GIB));
	bill_to(n);
	tell("pages", sum);
}

/* Many mappings side by side, each with its own rights, one page touched. */
static void
mappings(bool small)
{
	size_t n = small ? 200 : 4000;
	char *p = pages_private(2 * n);
	uint64_t sum = 0;

	bill_from();
	for (size_t i = 0; i < n; i++)
		OK(mprotect(p + 2 * i * PAGE, PAGE, PROT_READ));
	store_each(p + PAGE, 2 * n - 1, 2, 5);
	bill_peak(n);
	for (size_t i = 0; i < 2 * n; i++)
		sum = sum * 31 +
		      *(volatile uint64_t *)(p + (i * 7919 % (2 * n)) * PAGE);
	OK(munmap(p, 2 * n * PAGE));
	bill_to(n);
	tell("pages", sum);
}

/* Read a private mapping of a file, store to every second page of it. */
static void
private_file(bool small)
{
	size_t n = small ? 64 : FILE_PAGES;
	int fd = file_stamped("private", n, 1);
	char *p = file_map(fd, 0, n, RW, MAP_PRIVATE);
	uint64_t before, after;

	bill_from();
	before = sum_of(p, n);
	store_each(p, n, 2, 9);
	after = sum_of(p, n);
	bill_peak(n);
	bill_to(n);
	tell("read", before);
	tell("stored", after);
	for (size_t i = 0; i < n; i++)
		EQ(file_byte(fd, i * PAGE), (unsigned char)(1 + i));
	printf("the file is as it was\n");
}

/* Four processes add to each word of what all share. */
static void
add_to_all(char *p, size_t n, int rounds)
{
	for (int r = 0; r < rounds; r++) {
		pid_t pid = OK(fork());

		if (pid == 0) {
			for (size_t i = 0; i < n; i++)
				*(volatile uint64_t *)(p + i * PAGE) += i + r;
			_exit(0);
		}
		REAP(pid, 0);
	}
}

static void
shared_memory(bool small)
{
	size_t n = small ? 64 : 1024;
	char *p = pages_shared(n);

	bill_from();
	add_to_all(p, n, 4);
	bill_to(4 * n);
	tell("pages", sum_of(p, n));
}

static void
shared_file(bool small)
{
	size_t n = small ? 64 : FILE_PAGES;
	int fd = file_stamped("shared", n, 1);
	char *p = file_map(fd, 0, n, RW, MAP_SHARED);

	bill_from();
	add_to_all(p, n, 4);
	OK(msync(p, n * PAGE, MS_SYNC));
	bill_to(4 * n);
	tell("pages", sum_of(p, n));
	printf("byte of the file: %d\n", file_byte(fd, 5 * PAGE));
}

/*
 * A file shrinks and grows under a shared mapping, a private one with written
 * pages, and a child that has these from a fork.
 */
static void
truncate_storm(bool small)
{
	int n = small ? 8 : 64, pages = 32, gone = 0;
	int fd = file_stamped("storm", pages, 1);
	char *shared = file_map(fd, 0, pages, RW, MAP_SHARED);
	uint64_t seed = 5, sum = 0;

	trap_catch(0);
	bill_from();
	for (int r = 0; r < n; r++) {
		char *p = file_map(fd, 0, pages, RW, MAP_PRIVATE);
		int cut = rnd(&seed) % pages;
		pid_t pid;

		store_each(p, pages, 1, r);
		store_each(shared, pages, 3, 1000 + r);
		pid = OK(fork());
		if (pid == 0) {
			store_each(p, pages, 2, 50);
			OK(ftruncate(fd, cut * PAGE));
			TRAP(load(p + cut * PAGE), SIGBUS, BUS_ADRERR,
			    p + cut * PAGE);
			_exit(0);
		}
		REAP(pid, 0);
		TRAP(load(p + cut * PAGE), SIGBUS, BUS_ADRERR, p + cut * PAGE);
		gone += pages - cut;
		sum = sum * 31 + sum_of(p, cut) + sum_of(shared, cut);
		OK(ftruncate(fd, pages * PAGE));
		sum = sum * 31 + sum_of(p, pages);
		OK(munmap(p, pages * PAGE));
	}
	bill_to(n);
	tell("what was left", sum);
	printf("pages cut: %d\n", gone);
}

const struct program page_programs[] = {
	{ "zero-fill", zero_fill },
	{ "read-zeros", read_zeros },
	{ "sparse", sparse },
	{ "mappings", mappings },
	{ "private-file", private_file },
	{ "shared-memory", shared_memory },
	{ "shared-file", shared_file },
	{ "truncate-storm", truncate_storm },
	{ NULL, NULL },
};
