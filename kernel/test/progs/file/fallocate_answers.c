/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 SWEEP=disk KIND=exact */
/*
 * fallocate: mode 0 gives holes their place and keeps what is there, a punched
 * hole reads as zero and gives its place back.  Argument: the directory.
 */
#include "lib/test.h"

#define LEN (64 * 1024)
#define KEEP 1                 /* FALLOC_FL_KEEP_SIZE */
#define PUNCH (2 | KEEP)       /* FALLOC_FL_PUNCH_HOLE */

static long
blocks(int fd)
{
	struct stat st;

	OK(fstat(fd, &st));
	return st.st_blocks;
}

static void
errors(int fd)
{
	int rd = OK(open("f", O_RDONLY));

	ERR(fallocate(rd, 0, 0, LEN), EBADF);
	ERR(fallocate(fd, 0, 0, 0), EINVAL);
	ERR(fallocate(fd, 0, -1, 1), EINVAL);
	ERR(fallocate(fd, PUNCH & ~KEEP, 0, LEN), EOPNOTSUPP);
	OK(close(rd));
}

int
main(int argc, char **argv)
{
	static char buf[LEN];
	int fd, i;

	if (argc > 1)
		OK(chdir(argv[1]));
	else
		enter_tmp();
	fd = OK(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
	EQ(pwrite(fd, "head", 4, 0), 4);
	EQ(pwrite(fd, "mid", 3, 8 * 4096 + 2048), 3);
	OK(fsync(fd));
	CHECK(blocks(fd) < LEN / 512);
	OK(fallocate(fd, 0, 0, LEN));
	CHECK(blocks(fd) >= LEN / 512);
	EQ(lseek(fd, 0, SEEK_END), LEN);
	EQ(pread(fd, buf, LEN, 0), LEN);
	EQ(memcmp(buf, "head", 4), 0);
	EQ(memcmp(buf + 8 * 4096 + 2048, "mid", 3), 0);
	for (i = 4; i < 8 * 4096 + 2048; i++)
		EQ(buf[i], 0);
	memset(buf, 'x', LEN);
	EQ(pwrite(fd, buf, LEN, 0), LEN);
	OK(fsync(fd));
	OK(fallocate(fd, PUNCH, 4096 + 10, LEN / 2));
	CHECK(blocks(fd) < LEN / 512);
	EQ(lseek(fd, 0, SEEK_END), LEN);
	EQ(pread(fd, buf, LEN, 0), LEN);
	for (i = 0; i < LEN; i++)
		EQ(buf[i], i < 4096 + 10 || i >= 4096 + 10 + LEN / 2 ? 'x' : 0);
	errors(fd);
	EQ(close(fd) | unlink("f"), 0);
	if (argc == 1)
		leave_tmp();
	return test_done();
}
