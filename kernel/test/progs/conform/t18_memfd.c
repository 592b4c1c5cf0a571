/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T18: a sparse file in memory: 1 TiB with its ends and middle touched
 * costs three pages; holes read as zero; seals; a hole punched under a
 * mapping.
 */
#include "lib/file.h"
#include "lib/trap.h"

#define TIB (1024 * GIB)
#define SEALING 2u /* MFD_ALLOW_SEALING */
#define ADD_SEALS 1033
#define GET_SEALS 1034
#define KEEP 1       /* FALLOC_FL_KEEP_SIZE */
#define KEEP_PUNCH 3 /* and FALLOC_FL_PUNCH_HOLE */
enum { SEAL = 1, SHRINK = 2, GROW = 4, WRITE = 8 };

static int
memfd(off_t size)
{
	int fd = OK(syscall(SYS_memfd_create, "t18", SEALING));

	OK(ftruncate(fd, size));
	return fd;
}

/* Pages that the file has. */
static long
pages_of(int fd)
{
	struct stat st;

	OK(fstat(fd, &st));
	return st.st_blocks * 512 / PAGE;
}

static void
sparse(void)
{
	int fd = memfd(TIB);
	char *lo = mmap(NULL, TIB, RW, MAP_SHARED | MAP_NORESERVE, fd, 0);
	char buf[3];

	CHECK(lo != MAP_FAILED);
	EQ(pages_of(fd), 0);
	store(lo, 'a');
	store(lo + TIB / 2 + 5, 'b');
	store(lo + TIB - 1, 'c');
	EQ(pages_of(fd), 3);
	printf("1 TiB, three pages\n");
	EQ(file_byte(fd, 0), 'a');
	EQ(file_byte(fd, TIB / 2 + 5), 'b');
	EQ(pread(fd, buf, 3, TIB - 1), 1);
	EQ(buf[0], 'c');
	for (uint64_t i = 1; i < 64; i++)
		EQ(file_byte(fd, i * (TIB / 64) + 7), 0);
	EQ(pages_of(fd), 3);
	printf("holes read as zero and stay holes\n");
	OK(munmap(lo, TIB));
	EQ(file_byte(fd, TIB / 2 + 5), 'b');
	OK(ftruncate(fd, TIB / 2));
	EQ(pages_of(fd), 1);
	OK(ftruncate(fd, TIB));
	EQ(file_byte(fd, TIB - 1), 0);
	EQ(pages_of(fd), 1);
	printf("cut in the middle, grown again: one page\n");
	close(fd);
}

static void
seals(void)
{
	int fd = memfd(4 * PAGE);
	char *p = file_map(fd, 0, 4, RW, MAP_SHARED);

	ERR(fcntl(fd, ADD_SEALS, WRITE), EBUSY);
	OK(fcntl(fd, ADD_SEALS, SHRINK));
	ERR(ftruncate(fd, PAGE), EPERM);
	OK(ftruncate(fd, 5 * PAGE));
	store(p, 'x');
	OK(munmap(p, 4 * PAGE));
	OK(fcntl(fd, ADD_SEALS, WRITE));
	ERR(write(fd, "y", 1), EPERM);
	ERR(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EPERM);
	p = file_map(fd, 0, 4, RW, MAP_PRIVATE);
	store(p, 'z');
	EQ(file_byte(fd, 0), 'x');
	EQ(fcntl(fd, GET_SEALS), SHRINK | WRITE);
	OK(fcntl(fd, ADD_SEALS, SEAL));
	ERR(fcntl(fd, ADD_SEALS, GROW), EPERM);
	printf("seals: shrink and write\n");
	OK(munmap(p, 4 * PAGE));
	close(fd);
}

static int
punch(int fd, off_t at, off_t n)
{
	return (int)syscall(SYS_fallocate, fd, KEEP_PUNCH, at, n);
}

static void
punched(void)
{
	int fd = memfd(8 * PAGE);
	char *s = file_map(fd, 0, 8, RW, MAP_SHARED);
	char *p = file_map(fd, 0, 8, RW, MAP_PRIVATE);

	for (int i = 0; i < 8; i++)
		memset(s + i * PAGE, 'a' + i, PAGE);
	store(p + 3 * PAGE, 'P');
	EQ(load(p + 4 * PAGE), 'a' + 4);
	OK(punch(fd, 2 * PAGE, 3 * PAGE));
	EQ(pages_of(fd), 5);
	for (int i = 0; i < 8; i++)
		EQ(load(s + i * PAGE), i < 2 || i > 4 ? 'a' + i : 0);
	EQ(load(p + 3 * PAGE), 'P');
	EQ(load(p + 4 * PAGE), 0);
	printf("punched: zero in shared views, a private copy stays\n");
	OK(punch(fd, 6 * PAGE + 100, 50));
	EQ(load(s + 6 * PAGE + 99), 'a' + 6);
	EQ(load(s + 6 * PAGE + 100), 0);
	EQ(load(s + 6 * PAGE + 149), 0);
	EQ(load(s + 6 * PAGE + 150), 'a' + 6);
	store(s + 2 * PAGE, 'n');
	EQ(file_byte(fd, 2 * PAGE), 'n');
	EQ(lseek(fd, 0, SEEK_END), 8 * PAGE);
	printf("parts of a page; the hole can be filled again\n");
	ERR(punch(fd, 0, 0), EINVAL);
	ERR(punch(fd, -1, PAGE), EINVAL);
	OK(munmap(s, 8 * PAGE));
	OK(munmap(p, 8 * PAGE));
	close(fd);
}

static void
filled(void)
{
	int fd = memfd(0);

	OK(syscall(SYS_fallocate, fd, 0, 0L, 4 * PAGE));
	EQ(lseek(fd, 0, SEEK_END), 4 * PAGE);
	EQ(pages_of(fd), 4);
	EQ(file_byte(fd, 3 * PAGE), 0);
	OK(syscall(SYS_fallocate, fd, KEEP, 0L, 6 * PAGE));
	EQ(lseek(fd, 0, SEEK_END), 4 * PAGE);
	EQ(pages_of(fd), 6);
	printf("fallocate makes pages, with and without a size\n");
	close(fd);
}

/* Pages behind the end: unseen, until the file grows; a cut frees them. */
static void
kept(void)
{
	int fd = memfd(2 * PAGE);
	char *p = file_map(fd, 0, 8, RW, MAP_SHARED), c;

	OK(syscall(SYS_fallocate, fd, KEEP, 5 * PAGE + 1, 2 * PAGE));
	EQ(pages_of(fd), 3);
	TRAP(store(p + 6 * PAGE, 1), SIGBUS, BUS_ADRERR, p + 6 * PAGE);
	EQ(pread(fd, &c, 1, 6 * PAGE), 0);
	EQ(lseek(fd, 0, SEEK_HOLE), 0);
	ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
	OK(ftruncate(fd, 7 * PAGE));
	EQ(pages_of(fd), 3);
	EQ(p[6 * PAGE], 0);
	store(p + 6 * PAGE, 'k');
	EQ(pages_of(fd), 3);
	OK(ftruncate(fd, 2 * PAGE));
	EQ(pages_of(fd), 0);
	printf("kept behind the end, there when the file grows\n");
	OK(syscall(SYS_fallocate, fd, KEEP, 2 * PAGE, 6 * PAGE));
	EQ(pages_of(fd), 6);
	OK(punch(fd, 3 * PAGE, 2 * PAGE));
	EQ(pages_of(fd), 4);
	OK(ftruncate(fd, 2 * PAGE));
	EQ(pages_of(fd), 0);
	OK(fcntl(fd, ADD_SEALS, GROW));
	ERR(syscall(SYS_fallocate, fd, KEEP, 0L, 3 * PAGE), EPERM);
	OK(syscall(SYS_fallocate, fd, KEEP, 0L, 2 * PAGE));
	printf("a hole or the same size frees them; a seal forbids them\n");
	OK(munmap(p, 8 * PAGE));
	close(fd);
}

int
main(int argc, char **argv)
{
	file_args(argc, argv);
	trap_catch(0);
	sparse();
	seals();
	punched();
	filled();
	kept();
	return test_done();
}
