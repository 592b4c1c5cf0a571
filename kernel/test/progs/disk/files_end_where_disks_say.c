/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * The longest file of a disk is told by EFBIG, also to lseek by EINVAL; a directory
 * on it has an end; its blocks are st_blksize; a disk itself has no position behind
 * its end.  Arguments: a folder on it, its node; "links": it was made as ext2_ends.sh does,
 * with inodes of 128 bytes and two that have as many links as there can be.
 */
#include "lib/file.h"
#include <sys/mount.h>
#include <sys/sysmacros.h>
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

/* Directories and names of a file, of which there can be no more. */
static void
links(void)
{
	OK(chdir(file_folder));
	ERR(mkdir("full/new", 0700), EMLINK);
	OK(mkdir("sub", 0700));
	ERR(rename("sub", "full/sub"), EMLINK);
	OK(mkdir("full/old/child", 0700));
	ERR(rename("sub", "full/old"), ENOTEMPTY);
	OK(rmdir("full/old/child"));
	OK(rename("sub", "full/old")); /* as many as before */
	ERR(access("sub", F_OK), ENOENT);
	ERR(link("many", "more"), EMLINK);
	ERR(access("more", F_OK), ENOENT);
}

/* A store behind what was the end when its page became dirty: it had no block. */
static void
store_behind_the_end(void)
{
	int fd = OK(open("mapped", O_RDWR | O_CREAT, 0600));
	char *s;

	EQ(write(fd, "x", 1), 1);
	s = file_map(fd, 0, 1, RW, MAP_SHARED);
	s[0] = 'a';
	OK(ftruncate(fd, PAGE));
	s[3000] = 'b';
	OK(msync(s, PAGE, MS_SYNC));
	OK(munmap(s, PAGE));
	OK(close(fd));
}

static void
is_stored(void)
{
	static char text[PAGE];
	int fd = OK(open("mapped", O_RDONLY));

	EQ(read(fd, text, PAGE), PAGE);
	for (size_t i = 0; i < PAGE; i++)
		EQ(text[i], i == 0 ? 'a' : i == 3000 ? 'b' : 0);
	OK(close(fd));
}

/* Nodes of devices, and times of whole seconds, are read again as they were. */
static void
read_again(const char *node)
{
	struct timespec t[2] = { { 1000, 5 }, { 1L << 40, 7 } };
	struct stat st;

	OK(stat("null", &st));
	EQ(st.st_rdev, makedev(1, 3));
	OK(mknod("small", S_IFCHR | 0600, makedev(200, 255)));
	OK(mknod("large", S_IFBLK | 0600, makedev(259, 70000)));
	OK(utimensat(AT_FDCWD, "many", t, 0));
	store_behind_the_end();
	for (int i = 0; i < 2; i++) {
		OK(stat("small", &st));
		EQ(st.st_mode, S_IFCHR | 0600);
		EQ(st.st_rdev, makedev(200, 255));
		OK(stat("large", &st));
		EQ(st.st_mode, S_IFBLK | 0600);
		EQ(st.st_rdev, makedev(259, 70000));
		OK(stat("many", &st));
		EQ(st.st_atim.tv_sec, 1000);
		EQ(st.st_atim.tv_nsec, 0);
		EQ(st.st_mtim.tv_sec, INT32_MAX);
		EQ(st.st_mtim.tv_nsec, 0);
		is_stored();
		OK(chdir("/"));
		OK(umount(file_folder));
		OK(mount(node, file_folder, "ext2", 0, NULL));
		OK(chdir(file_folder));
	}
	OK(unlink("large"));
	OK(chdir("/"));
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
	if (argc > 3) {
		links();
		read_again(argv[2]);
	}
	return test_done();
}
