/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * Answers of the rarer file calls: copies within a file and past its end,
 * files without a name that never get one, links of /proc/self/fd, roots of
 * mounts, attributes that nobody has, hints about ranges.
 */
#include "lib/host.h"
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#define GET_BLOCK_SIZE _IO(0, 2)
#define ATTR_MOUNT_ROOT 0x2000U
#define STATX_MNT 0x1000U

struct statx_head {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad;
	uint64_t ino, size, blocks, attributes_mask;
	uint64_t times[8];
	uint32_t rdev[2], dev[2];
	uint64_t mount;
	char rest[256];
};

static long
copy(int in, loff_t from, int out, loff_t to, size_t n)
{
	return syscall(SYS_copy_file_range, in, &from, out, &to, n, 0);
}

static void
copies(int fd, int dir)
{
	char text[64];
	loff_t at = 0;
	int p[2];

	EQ(write(fd, "0123456789abcdef", 16), 16);
	ERR(copy(fd, 0, fd, 4, 8), EINVAL);
	EQ(copy(fd, 0, fd, 16, 8), 8);
	EQ(copy(fd, 0, fd, 100, 1000), 24);
	EQ(lseek(fd, 0, SEEK_END), 124);
	EQ(pread(fd, text, 24, 100), 24);
	EQ(memcmp(text, "0123456789abcdef01234567", 24), 0);
	EQ(copy(fd, 500, fd, 0, 8), 0);
	EQ(copy(fd, 0, fd, 0, 0), 0);
	ERR(copy(fd, -1, fd, 0, 8), EOVERFLOW);
	ERR(copy(fd, 0, dir, 0, 8), EISDIR);
	ERR(copy(dir, 0, fd, 0, 8), EISDIR);
	OK(pipe(p));
	ERR(syscall(SYS_copy_file_range, p[0], NULL, fd, &at, 8, 0), EINVAL);
	ERR(sendfile(p[1], dir, NULL, 8), EINVAL);
	ERR(syscall(SYS_readahead, p[0], 0L, 10L), EINVAL);
	ERR(syscall(SYS_sync_file_range, p[0], 0L, 0L, 2), ESPIPE);
	OK(syscall(SYS_readahead, fd, 0L, 10L));
	OK(syscall(SYS_sync_file_range, fd, 0L, 0L, 7));
	ERR(syscall(SYS_sync_file_range, fd, 0L, 0L, 8), EINVAL);
	ERR(syscall(SYS_sync_file_range, fd, -1L, 0L, 1), EINVAL);
	ERR(pread(fd, text, 1, INT64_MAX), EINVAL);
	OK(close(p[0]));
	OK(close(p[1]));
}

static void
nameless(void)
{
	char link_name[64], text[256];
	int fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	ssize_t n;

	if (fd < 0) {
		EQ(errno, EOPNOTSUPP);
		return;
	}
	snprintf(link_name, sizeof link_name, "/proc/self/fd/%d", fd);
	ERR(linkat(AT_FDCWD, link_name, AT_FDCWD, "x", AT_SYMLINK_FOLLOW),
	    ENOENT);
	n = OK(readlink(link_name, text, sizeof text - 1));
	text[n] = '\0';
	CHECK(strstr(text, "/#") != NULL);
	CHECK(strcmp(text + n - 10, " (deleted)") == 0);
	OK(close(fd));
}

static void
links(int fd)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	OK(lstat(name, &st));
	EQ(st.st_mode, S_IFLNK | 0700);
	EQ(st.st_size, 64);
}

/* The number of the mount at path in mountinfo; 0: there is none. */
static unsigned long
mount_at(const char *path)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	unsigned long id, found = 0;
	char line[1024], at[256];

	CHECK(f != NULL);
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "%lu %*u %*s %*s %255s", &id, at) == 2 &&
		    strcmp(at, path) == 0)
			found = id;
	fclose(f);
	return found;
}

static void
roots(void)
{
	struct statx_head x;

	OK(syscall(SYS_statx, AT_FDCWD, "/proc", 0, 0x7ff, &x));
	EQ(x.attributes & ATTR_MOUNT_ROOT, ATTR_MOUNT_ROOT);
	EQ(x.attributes_mask & ATTR_MOUNT_ROOT, ATTR_MOUNT_ROOT);
	EQ(x.mask & STATX_MNT, STATX_MNT);
	EQ(x.mount, mount_at("/proc"));
	OK(syscall(SYS_statx, AT_FDCWD, "/proc/self", 0, 0x7ff, &x));
	EQ(x.attributes & ATTR_MOUNT_ROOT, 0);
	OK(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, &x));
	/* Some file systems of Linux tell the time of birth unasked. */
	EQ(x.mask & (on_vadose() ? 0xfff : 0x7ff), 0x7ff);
}

/* A name of the file's; where there are none, nobody has one. */
static void
attributes(int fd)
{
	char value[16];

	CHECK(syscall(SYS_getxattr, "f", "user.vadose", value, 16) == -1 &&
	      (errno == EOPNOTSUPP || errno == ENODATA));
	CHECK(syscall(SYS_fgetxattr, fd, "user.vadose", value, 16) == -1 &&
	      (errno == EOPNOTSUPP || errno == ENODATA));
	ERR(syscall(SYS_getxattr, "nix", "user.vadose", value, 16), ENOENT);
	ERR(syscall(SYS_listxattr, "nix", value, 16), ENOENT);
	ERR(syscall(SYS_fgetxattr, 99, "user.vadose", value, 16), EBADF);
	ERR(syscall(SYS_getxattr, "f", "", value, 16), ERANGE);
	ERR(syscall(SYS_getxattr, "f", (char *)8, value, 16), EFAULT);
}

static void
times(void)
{
	const struct timespec omit[2] = { { 1, UTIME_OMIT },
		{ 1, UTIME_OMIT } };
	const struct timespec none[2] = { { 1, 1000000000 } };

	OK(syscall(SYS_utimensat, AT_FDCWD, "nix", omit, 0));
	OK(syscall(SYS_utimensat, 99, "nix", omit, 0));
	OK(syscall(SYS_utimensat, AT_FDCWD, "f", omit, 0x800));
	ERR(syscall(SYS_utimensat, AT_FDCWD, "f", NULL, 0x800), EINVAL);
	/* Flags are looked at first, then the name, then the times. */
	ERR(syscall(SYS_utimensat, AT_FDCWD, "nix", none, 0), ENOENT);
	ERR(syscall(SYS_utimensat, AT_FDCWD, "nix", none, 0x800), EINVAL);
}

/* A text of /proc is a regular file without places, and without pages to write. */
static void
texts(void)
{
	int fd = OK(open("/proc/self/comm", O_RDWR));

	ERR(fallocate(fd, 0, 0, 10), EOPNOTSUPP);
	OK(syscall(SYS_sync_file_range, fd, 0L, 0L, 7));
	OK(close(fd));
}

/* The text of a link is as long as a path may be, and so is what comes behind it. */
static void
long_links(void)
{
	static char text[4096], path[4096];
	int fd;

	memset(text, '/', sizeof(text));
	text[0] = '.';
	text[sizeof(text) - 1] = '\0';
	OK(symlink(text, "long"));
	snprintf(path, sizeof(path), "long/%s", text + 8);
	memcpy(path + strlen(path) - 1, "f", 1);
	fd = OK(open(path, O_RDONLY));
	OK(close(fd));
	OK(symlink(path, "longer"));
	fd = OK(open("longer", O_RDONLY));
	OK(close(fd));
	path[strlen(path) - 1] = 'g';
	ERR(open(path, O_RDONLY), ENOENT);
	OK(unlink("long"));
	OK(unlink("longer"));
}

/* Where all may make names, O_CREAT opens no device that a stranger has made; a link has
 * no mode to change. */
static void
strangers(void)
{
	char path[64];
	int fd;

	OK(symlink("f", "link"));
	fd = OK(open("link", O_PATH | O_NOFOLLOW));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ERR(chmod(path, 0600), EOPNOTSUPP);
	OK(close(fd));
	OK(unlink("link"));
	if (getuid() != 0)
		return;
	OK(mkdir("all", 0777));
	OK(chmod("all", 01777));
	OK(mknod("all/zero", S_IFCHR | 0666, 0x105));
	OK(chown("all/zero", 7, 7));
	ERR(open("all/zero", O_RDWR | O_CREAT, 0600), EACCES);
	OK(close(OK(open("all/zero", O_RDWR))));
	OK(chown("all/zero", 0, 0));
	OK(close(OK(open("all/zero", O_RDWR | O_CREAT, 0600))));
	OK(unlink("all/zero"));
	OK(rmdir("all"));
}

int
main(void)
{
	int fd, dir, size = 0;

	own_descriptors();
	enter_tmp();
	fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	dir = OK(open(".", O_RDONLY | O_DIRECTORY));
	copies(fd, dir);
	nameless();
	links(fd);
	roots();
	attributes(fd);
	times();
	texts();
	long_links();
	strangers();
	OK(ioctl(fd, GET_BLOCK_SIZE, &size));
	CHECK(size >= 512);
	OK(close(fd));
	OK(close(dir));
	OK(unlink("f"));
	leave_tmp();
	test_done();
	return 0;
}
