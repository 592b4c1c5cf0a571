/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * The longest file of a disk is told by EFBIG, also to lseek by EINVAL; a directory
 * on it has an end; its blocks are st_blksize; a disk itself has no position behind
 * its end.  Arguments: a folder on it, its node.
 */
#include "lib/file.h"
#include <sys/vfs.h>

#define EXT2_MAGIC 0xef53
#define FAR (1L << 45)           /* longer than files of ext2 and ext4 are */

static void
a_file(int fd)
{
	struct statfs fs;
	struct stat st;

	EQ(pwrite(fd, "x", 1, 10), 1);
	ERR(pwrite(fd, "x", 1, FAR), EFBIG);
	ERR(ftruncate(fd, FAR), EFBIG);
	ERR(lseek(fd, FAR, SEEK_SET), EINVAL);
	ERR(lseek(fd, FAR, SEEK_END), EINVAL);
	OK(fstat(fd, &st));
	EQ(st.st_size, 11);
	OK(fstatfs(fd, &fs));
	EQ(st.st_blksize, fs.f_bsize);
}

/* As many names as are left in it from there on. */
static int
names_from(int fd, long at, int whence)
{
	char buf[4096] __attribute__((aligned(8)));
	long n, all = 0;

	OK(lseek(fd, at, whence));
	while ((n = OK(syscall(SYS_getdents64, fd, buf, sizeof(buf)))) > 0)
		all += n;
	return all != 0;
}

static void
a_directory(void)
{
	int fd = OK(open(file_folder, O_RDONLY | O_DIRECTORY));
	long end = OK(lseek(fd, 0, SEEK_END));

	CHECK(end > 0);
	EQ(lseek(fd, 0, SEEK_DATA), 0);
	EQ(lseek(fd, 0, SEEK_HOLE), end);
	EQ(names_from(fd, 0, SEEK_SET), 1);
	EQ(names_from(fd, 0, SEEK_END), 0);
	OK(close(fd));
}

static void
a_disk(const char *node)
{
	int fd = OK(open(node, O_RDONLY));
	long end = OK(lseek(fd, 0, SEEK_END));

	CHECK(end > 0);
	EQ(lseek(fd, end, SEEK_SET), end);
	ERR(lseek(fd, end + 1, SEEK_SET), EINVAL);
	ERR(lseek(fd, 1, SEEK_END), EINVAL);
	EQ(lseek(fd, 0, SEEK_CUR), end);
	OK(close(fd));
}

int
main(int argc, char **argv)
{
	struct statfs fs;
	int fd;

	file_args(argc, argv);
	OK(statfs(file_folder, &fs));
	if (fs.f_type != EXT2_MAGIC)
		return test_done();
	fd = file_open("ends", O_RDWR | O_CREAT | O_TRUNC);
	a_file(fd);
	OK(close(fd));
	file_unlink("ends");
	a_directory();
	if (argc > 2)
		a_disk(argv[2]);
	return test_done();
}
