/* NEEDS: MEM=64M SWAP=64M CPUS=1,2 TIMEOUT=60 SWEEP=few KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Writes of whole pages to a file in memory: what is written is there, nothing
 * else is; also from a mapping of the very page, from memory that ends in the
 * middle, over pages that are in swap, and while another process reads: it sees
 * a hole or the page, never a part of it.
 */
#include "lib/test.h"

#define PAGES 700 /* some tables */

static char block[16 * PAGE] __attribute__((aligned(4096)));

static int
file(void)
{
	int fd = OK(memfd_create("pages", 0));

	OK(ftruncate(fd, PAGES * PAGE));
	return fd;
}

static long
pages_of(int fd)
{
	struct stat st;

	OK(fstat(fd, &st));
	return st.st_blocks / 8;
}

static void
write_at(int fd, const void *from, size_t n, size_t page)
{
	EQ(pwrite(fd, from, n, page * PAGE), n);
}

static void
from_itself(void)
{
	int fd = file();
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	/* A hole onto itself: the page comes while it is written. */
	write_at(fd, p + 8 * PAGE, PAGE, 8);
	EQ(pages_of(fd), 1);
	EQ(p[8 * PAGE], 0);
	p[8 * PAGE] = 1;
	p[9 * PAGE - 1] = 2;
	/* One page onto the next ones, which do not exist. */
	for (int i = 8; i < 40; i++)
		write_at(fd, p + i * PAGE, PAGE, i + 1);
	EQ(pages_of(fd), 33);
	for (int i = 8; i <= 40; i++)
		EQ(p[i * PAGE] * 10 + p[(i + 1) * PAGE - 1], 12);
	OK(munmap(p, PAGES * PAGE));
	close(fd);
}

static void
from_memory_that_ends(void)
{
	char *p = pages_private(4);
	int fd = file();

	memset(p, 7, 4 * PAGE);
	OK(munmap(p + 2 * PAGE, 2 * PAGE));
	EQ(pwrite(fd, p, 4 * PAGE, 0), 2 * PAGE);
	/* Linux has made the next page before it finds that nothing comes. */
	LE(pages_of(fd), 3);
	/* Half a page of the source. */
	EQ(pwrite(fd, p + PAGE + PAGE / 2, 2 * PAGE, 4 * PAGE), PAGE / 2);
	ERR(pwrite(fd, p + 2 * PAGE, PAGE, 20 * PAGE), EFAULT);
	EQ(pread(fd, block, PAGE, 4 * PAGE), PAGE);
	EQ(block[0], 7);
	EQ(block[PAGE / 2], 0);
	EQ(pread(fd, block, PAGE, 20 * PAGE), PAGE);
	EQ(block[0], 0);
	OK(munmap(p, 2 * PAGE));
	close(fd);
}

static void
over_swapped_ones(void)
{
	int fd = file();
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 3, PAGES * PAGE);
	(void)madvise(p, PAGES * PAGE, MADV_PAGEOUT);
	memset(block, 5, sizeof(block));
	for (int i = 0; i + 16 <= PAGES; i += 32)
		write_at(fd, block, sizeof(block), i);
	for (int i = 0; i < PAGES; i++)
		EQ(p[i * PAGE + 17], i % 32 < 16 && i / 32 * 32 + 16 <= PAGES ? 5 : 3);
	EQ(pages_of(fd), PAGES);
	OK(munmap(p, PAGES * PAGE));
	close(fd);
}

/* The child looks at each page until the last one is there. */
static void
seen_whole(void)
{
	int fd = file();
	pid_t pid = OK(fork());

	if (pid == 0) {
		for (int i = 0; i < PAGES;) {
			EQ(pread(fd, block, PAGE, i * PAGE), PAGE);
			EQ(block[0], block[PAGE - 1]);
			if (block[0] != 0)
				i++;
			else
				sched_yield();
		}
		_exit(0);
	}
	memset(block, 9, sizeof(block));
	for (int i = 0; i < PAGES; i++)
		write_at(fd, block, PAGE, i);
	REAP(pid, 0);
	close(fd);
}

int
main(void)
{
	int fd = file();

	for (int i = 0; i < 16; i++)
		memset(block + i * PAGE, 100 + i, PAGE);
	write_at(fd, block, sizeof(block), 3);
	write_at(fd, block, sizeof(block), 510);
	write_at(fd, block, 3 * PAGE + 10, 600);
	EQ(pages_of(fd), 16 + 16 + 4);
	for (int i = 0; i < 16; i++) {
		char c[2];

		EQ(pread(fd, c, 1, (510 + i) * PAGE), 1);
		EQ(pread(fd, c + 1, 1, (511 + i) * PAGE - 1), 1);
		EQ(c[0], 100 + i);
		EQ(c[1], 100 + i);
	}
	EQ(pread(fd, block, PAGE, 603 * PAGE), PAGE);
	EQ(block[9], 103);
	EQ(block[10], 0);
	/* The file ends within a page. */
	OK(ftruncate(fd, 650 * PAGE + 5));
	write_at(fd, block, PAGE, 650);
	EQ(lseek(fd, 0, SEEK_END), 651 * PAGE);
	close(fd);
	from_itself();
	from_memory_that_ends();
	over_swapped_ones();
	seen_whole();
	return test_done();
}
