/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * The errors of the file calls, row by row (book: abi 6).
 */
#include "lib/host.h"
#include <sys/ioctl.h>
#include <sys/uio.h>

static void
paths(void)
{
	char name[300], path[5000];

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	ERR(open(name, O_RDONLY), ENOENT);
	name[255] = 'n';
	name[256] = '\0';
	ERR(open(name, O_RDONLY), ENAMETOOLONG);
	memset(path, '/', sizeof(path));
	path[4095] = '\0';
	OK(access(path, F_OK));
	path[4095] = '/';
	path[4096] = '\0';
	ERR(access(path, F_OK), ENAMETOOLONG);
	ERR(open("", O_RDONLY), ENOENT);
	ERR(open("f/x", O_RDONLY), ENOTDIR);
	ERR(open("f/", O_RDONLY), ENOTDIR);
	ERR(open("no/x", O_RDONLY | O_CREAT, 0644), ENOENT);
	ERR(open("d", O_WRONLY), EISDIR);
	ERR(open("d", O_RDONLY | O_CREAT, 0644), EISDIR);
	ERR(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	ERR(openat(77, "f", O_RDONLY), EBADF);
	OK(close(openat(77, "/", O_RDONLY)));
	int fd = OK(open("f", O_RDONLY));
	ERR(openat(fd, "f", O_RDONLY), ENOTDIR);
	OK(close(fd));
	fd = OK(open("d", O_RDONLY));
	make_file("d/in", "in", 2, 0644);
	OK(close(openat(fd, "in", O_RDONLY)));
	OK(unlinkat(fd, "in", 0));
	OK(close(fd));
}

/* The path of a directory may be longer than any call can tell. */
static void
deep_directory(void)
{
	char name[201], buf[8192];
	int i;

	memset(name, 'n', sizeof(name));
	name[200] = '\0';
	for (i = 0; i < 25; i++) {
		OK(mkdir(name, 0755));
		OK(chdir(name));
	}
	ERR(syscall(SYS_getcwd, buf, sizeof(buf)), ENAMETOOLONG);
	ERR(syscall(SYS_getcwd, buf, 10), ENAMETOOLONG);
	while (i-- > 0) {
		OK(chdir(".."));
		OK(rmdir(name));
	}
}

/* A place whose path is as long as a call can tell. */
static void
longest_path(void)
{
	char name[201], last[256], buf[PAGE];
	int i, deep = 0;

	memset(name, 'n', sizeof(name));
	name[200] = '\0';
	while (strlen(tmp_folder) + (deep + 1) * 201 + 2 < PAGE) {
		OK(mkdir(name, 0755));
		OK(chdir(name));
		deep++;
	}
	memset(last, 'l', sizeof(last));
	i = (int)(PAGE - 2 - strlen(tmp_folder) - deep * 201);
	last[i] = '\0';
	OK(mkdir(last, 0755));
	OK(chdir(last));
	EQ(syscall(SYS_getcwd, buf, sizeof(buf)), PAGE);
	EQ(strlen(buf), PAGE - 1);
	OK(chdir(".."));
	OK(rmdir(last));
	while (deep-- > 0) {
		OK(chdir(".."));
		OK(rmdir(name));
	}
}

/* A link's text and the path behind it may be longer together than a path. */
static void
long_links(void)
{
	char text[4000], path[4000] = "long/";

	memset(text, '/', sizeof(text));
	memcpy(text, "..", 2);
	text[3999] = '\0';
	OK(symlink(text, "d/long"));
	memset(path, '/', sizeof(path));
	memcpy(path, "d/long", 6);
	strcpy(path + 3998, "f");
	OK(access(path, F_OK));
	strcpy(path + 3998, "x");
	ERR(access(path, F_OK), ENOENT);
	OK(unlink("d/long"));
}

static void
descriptors(void)
{
	char buf[64];
	struct iovec v = { buf, 64 };
	int fd = OK(open("f", O_RDWR)), d = OK(open("d", O_RDONLY)), none;

	ERR(read(77, buf, 1), EBADF);
	ERR(write(77, buf, 1), EBADF);
	ERR(read(d, buf, 1), EISDIR);
	ERR(write(d, buf, 1), EBADF);
	ERR(lseek(77, 0, SEEK_SET), EBADF);
	ERR(ftruncate(d, 0), EINVAL);
	ERR(truncate("d", 0), EISDIR);
	ERR(ftruncate(fd, -1), EINVAL);
	ERR(ioctl(fd, 0x5413, buf), ENOTTY);
	ERR(ioctl(77, 0x5413, buf), EBADF);
	ERR(syscall(SYS_getdents64, fd, buf, 64), ENOTDIR);
	ERR(syscall(SYS_getdents64, d, buf, 2), EINVAL);
	ERR(syscall(SYS_readlink, "f", buf, 64), EINVAL);
	ERR(syscall(SYS_readlink, "f", buf, 0), EINVAL);
	EQ(read(fd, (void *)8, 0), 0);
	ERR(writev(fd, &v, 1025), EINVAL);
	EQ(writev(fd, &v, 0), 0);
	none = OK(open("f", 3));
	ERR(read(none, buf, 1), EBADF);
	ERR(write(none, buf, 1), EBADF);
	ERR(fstat(77, (void *)buf), EBADF);
	OK(close(none));
	none = open("/dev/null", O_WRONLY);
	EQ(write(none, (void *)8, 100), 100); /* it never looks */
	OK(close(none));
	OK(close(fd));
	OK(close(d));
	ERR(syscall(SYS_getcwd, buf, 3), ERANGE);
	ERR(syscall(SYS_newfstatat, AT_FDCWD, "f", buf, 0x40000000), EINVAL);
}

static void
devices(void)
{
	char buf[100];
	int fd = OK(open("/dev/zero", O_RDWR));

	memset(buf, 1, sizeof(buf));
	EQ(read(fd, buf, 100), 100);
	EQ(buf[0] | buf[99], 0);
	EQ(write(fd, buf, 100), 100);
	OK(close(fd));
	fd = OK(open("/dev/full", O_RDWR));
	ERR(write(fd, buf, 1), ENOSPC);
	EQ(read(fd, buf, 100), 100);
	OK(close(fd));
	fd = OK(open("/dev/null", O_RDWR));
	EQ(read(fd, buf, 100), 0);
	OK(close(fd));
	fd = OK(open("/dev/urandom", O_RDONLY));
	EQ(read(fd, buf, 100), 100);
	CHECK(memcmp(buf, buf + 50, 50) != 0);
	OK(close(fd));
}

int
main(void)
{
	own_descriptors();
	enter_tmp();
	make_file("f", "data", 4, 0644);
	OK(mkdir("d", 0755));
	paths();
	deep_directory();
	longest_path();
	long_links();
	descriptors();
	devices();
	OK(unlink("f"));
	OK(rmdir("d"));
	leave_tmp();
	return test_done();
}
