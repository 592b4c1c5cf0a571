/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * mincore tells which anonymous pages are there, those before a hole, too, and those
 * that mmap has filled; of a file only who could write it is told.  Wrong arguments.
 */
#include "lib/test.h"

/* Of pages from first to the end, where one is missing. */
static void
told_before(char *p, int first, int hole)
{
	unsigned char vec[600];

	memset(vec, 7, sizeof(vec));
	ERR(mincore(p + first * PAGE, (600 - first) * PAGE, vec), ENOMEM);
	for (int i = first; i < hole; i++)
		EQ(vec[i - first], i % 3 == 0);
	EQ(vec[hole - first], 7);
}

/* Are n pages from p in memory?  They are unmapped. */
static void
pages_are(char *p, size_t n, int is)
{
	unsigned char vec[n];

	CHECK(p != MAP_FAILED);
	OK(mincore(p, n * PAGE, vec));
	for (size_t i = 0; i < n; i++)
		EQ(vec[i] & 1, is);
	OK(munmap(p, n * PAGE));
}

/* POPULATE fills the mapping, unless it may not wait. */
static void
populated(int flags, int is)
{
	pages_are(mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | flags, -1, 0), 8, is);
}

#define FILE_OF_ROOT "/tmp/mincore_answers"

/* Pages of a hole, none of which is there. */
static void
file_is(int flags, int is)
{
	int fd = OK(open(FILE_OF_ROOT, O_RDONLY));

	pages_are(mmap(NULL, 4 * PAGE, PROT_READ, flags, fd, 0), 4, is);
	OK(close(fd));
}

/* Another user hears that all pages are there: else he would see what is read. */
static void
another_user(int is)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(setuid(1000));
		file_is(MAP_SHARED, is);
		file_is(MAP_PRIVATE, is);
		_exit(0);
	}
	REAP(pid, 0);
}

static void
told_to_writers(void)
{
	int fd;

	if (geteuid() != 0)
		return;
	(void)unlink(FILE_OF_ROOT);
	fd = OK(open(FILE_OF_ROOT, O_RDWR | O_CREAT | O_EXCL, 0644));
	OK(ftruncate(fd, 4 * PAGE));
	OK(close(fd));
	file_is(MAP_SHARED, 0);
	another_user(1);
	OK(chmod(FILE_OF_ROOT, 0666));
	another_user(0);
	OK(chmod(FILE_OF_ROOT, 0400));
	OK(chown(FILE_OF_ROOT, 1000, 1000));
	another_user(0);
	OK(unlink(FILE_OF_ROOT));
}

int
main(void)
{
	char *p = pages_private(600);
	unsigned char vec[600];

	small_pages(p, 600);
	for (int i = 0; i < 600; i += 3)
		p[i * PAGE] = 1;
	OK(mincore(p, 600 * PAGE, vec));
	for (int i = 0; i < 600; i++)
		EQ(vec[i] & 1, i % 3 == 0);
	ERR(mincore(p + 1, PAGE, vec), EINVAL);
	ERR(mincore(p, PAGE, (void *)8), EFAULT);
	OK(mincore(p, 0, vec));
	OK(munmap(p + 10 * PAGE, PAGE));
	OK(munmap(p + 300 * PAGE, PAGE));
	told_before(p, 0, 10);
	told_before(p, 20, 300);
	ERR(mincore(p, 20 * PAGE, (void *)0xffff800000000000), EFAULT);
	ERR(mincore((void *)0xffff800000000000, PAGE, vec), ENOMEM);
	populated(0, 1);
	populated(MAP_NONBLOCK, 0);
	told_to_writers();
	return test_done();
}
