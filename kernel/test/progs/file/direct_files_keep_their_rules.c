/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * O_DIRECT of a file: whole sectors at whole sectors, or EINVAL; the same bytes as by
 * read, write and mappings, whoever looks; the end of the file where it is.  With a
 * folder as argument there; where files take no O_DIRECT they say so.
 */
#include "lib/test.h"
#include <sys/uio.h>

#define SECTOR 512

static char mem[64 * KIB] __attribute__((aligned(4096)));
static char text[64 * KIB] __attribute__((aligned(4096)));

static void
refused(int fd)
{
	struct iovec v[2] = { { mem, SECTOR }, { mem + 4096, SECTOR + 1 } };

	ERR(pread(fd, mem, SECTOR, 100), EINVAL);
	ERR(pread(fd, mem, SECTOR + 1, 0), EINVAL);
	ERR(pwrite(fd, mem, SECTOR, 100), EINVAL);
	ERR(pwrite(fd, mem, SECTOR + 1, 0), EINVAL);
	ERR(preadv(fd, v, 2, 0), EINVAL);
	ERR(pwritev(fd, v, 2, 0), EINVAL);
	v[1].iov_len = SECTOR;
	EQ(preadv(fd, v, 2, 0), 2 * SECTOR);
	if (on_vadose()) { /* newer Linux than 6.1 asks the disk whether it minds */
		v[1].iov_base = mem + 4097;
		ERR(preadv(fd, v, 2, 0), EINVAL);
		ERR(pread(fd, mem + 1, SECTOR, 0), EINVAL);
		ERR(pwrite(fd, mem + 8, SECTOR, 0), EINVAL);
	}
	EQ(pread(fd, mem, 0, 1), 0);
	EQ(pwrite(fd, mem, 0, 1), 0);
	EQ(pread(fd, mem + 1, 77, 1 << 20), 0); /* the end is told first */
}

/* What one way writes all other ways show. */
static void
coherent(int fd, int other)
{
	char *map = mmap(NULL, sizeof(text), PROT_READ | PROT_WRITE, MAP_SHARED,
	    other, 0);

	CHECK(map != MAP_FAILED);
	CHECK(memcmp(map, text, sizeof(text)) == 0);
	memset(mem, 'd', 2 * SECTOR);
	EQ(pwrite(fd, mem, 2 * SECTOR, 4096 - SECTOR), 2 * SECTOR);
	EQ(map[4096 - SECTOR], 'd');
	EQ(map[4096 + SECTOR - 1], 'd');
	EQ(map[4096 + SECTOR], text[4096 + SECTOR]);
	EQ(pread(other, mem, 10, 4096 - 5), 10);
	CHECK(memcmp(mem, "dddddddddd", 10) == 0);
	EQ(pwrite(other, "buffered", 8, 5000), 8);
	EQ(pread(fd, mem, SECTOR, 5000 / SECTOR * SECTOR), SECTOR);
	CHECK(memcmp(mem + 5000 % SECTOR, "buffered", 8) == 0);
	memcpy(map + 9000, "mapped", 6);
	EQ(pread(fd, mem, 4096, 8192), 4096);
	CHECK(memcmp(mem + 9000 - 8192, "mapped", 6) == 0);
	OK(munmap(map, sizeof(text)));
}

static void
ends(int fd)
{
	OK(ftruncate(fd, 1000));
	EQ(pread(fd, mem, 4096, 0), 1000);
	EQ(pread(fd, mem, 4096, SECTOR), 1000 - SECTOR);
	EQ(pread(fd, mem, 4096, 1024), 0);
	OK(lseek(fd, 0, SEEK_END));
	ERR(write(fd, mem, SECTOR), EINVAL); /* the position is no sector's */
	EQ(pwrite(fd, mem, 4096, 8192), 4096);
	EQ(lseek(fd, 0, SEEK_END), 12288);
	EQ(write(fd, mem, SECTOR), SECTOR);
	EQ(pread(fd, mem, 4096, 4096), 4096); /* a hole */
	for (int i = 0; i < 4096; i++)
		CHECK(mem[i] == 0);
	OK(ftruncate(fd, 1000));
	OK(fcntl(fd, F_SETFL, O_DIRECT | O_APPEND));
	ERR(write(fd, mem, SECTOR), EINVAL);
	OK(ftruncate(fd, 2 * SECTOR));
	EQ(write(fd, mem, SECTOR), SECTOR);
	EQ(lseek(fd, 0, SEEK_END), 3 * SECTOR);
	/* Off again nothing is asked. */
	OK(fcntl(fd, F_SETFL, 0));
	EQ(pread(fd, mem + 3, 7, 11), 7);
	OK(fcntl(fd, F_SETFL, O_DIRECT));
	ERR(pread(fd, mem + 3, 7, 11), EINVAL);
}

/* For kernel/test/cases/disk/ext2_direct.sh: what was written is on the disk. */
static void
write_and_wait(void)
{
	int fd = OK(open("g", O_RDWR | O_CREAT, 0600));

	EQ(pwrite(fd, text, 8192, 0), 8192);
	OK(fsync(fd));
	OK(fcntl(fd, F_SETFL, O_DIRECT));
	for (int i = 0; i < 4096; i += 16)
		memcpy(mem + i, "written directly", 16);
	EQ(pwrite(fd, mem, 4096, 2048), 4096);
	puts("written");
	fflush(stdout);
	for (;;)
		pause();
}

int
main(int argc, char **argv)
{
	int fd, other;

	if (argc > 1)
		OK(chdir(argv[1]));
	else
		enter_tmp();
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i / 3);
	if (argc > 2)
		write_and_wait();
	other = OK(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
	EQ(write(other, text, sizeof(text)), (long)sizeof(text));
	fd = open("f", O_RDWR | O_DIRECT);
	if (fd < 0) {
		EQ(errno, EINVAL);
		ERR(fcntl(other, F_SETFL, O_DIRECT), EINVAL);
		CHECK(argc == 1 || !on_vadose());
	} else if (on_vadose() || argc > 1) {
		EQ(fcntl(fd, F_GETFL) & O_DIRECT, O_DIRECT);
		ERR(open(".", O_RDONLY | O_DIRECT), EINVAL);
		refused(fd);
		coherent(fd, other);
		ends(fd);
	}
	if (fd >= 0)
		OK(close(fd));
	OK(close(other));
	OK(unlink("f"));
	if (argc == 1)
		leave_tmp();
	return test_done();
}
