/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * null, zero, full, random and urandom answer as on Linux: whose bytes are looked
 * at, who polls and takes ioctls, what a copy says of them.
 */
#include "lib/test.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define BAD ((void *)8)
#define FIFREEZE 0xc0045877
#define FITHAW 0xc0045878
#define FS_IOC_FIEMAP 0xc020660b

static void
null_and_zero(const char *name)
{
	int fd = open(name, O_RDWR);

	EQ(write(fd, BAD, 10), 10);
	EQ(write(fd, BAD, 0), 0);
	EQ(write(fd, BAD, -1UL), -1);
	EQ(write(fd, BAD, 0x7fff00000000UL), 0x7ffff000);
	EQ(poll_now(fd), POLLIN | POLLOUT);
	ERR(ioctl(fd, FS_IOC_FIEMAP, name), EOPNOTSUPP);
	ERR(ioctl(fd, FIFREEZE, 0), geteuid() == 0 ? EOPNOTSUPP : EPERM);
	ERR(ioctl(fd, FITHAW, 0), geteuid() == 0 ? EINVAL : EPERM);
	close(fd);
}

static void
full(void)
{
	static const struct iovec none[] = { { (void *)"x", 0 }, { (void *)"y", 0 } };
	int fd = open("/dev/full", O_RDWR);
	char byte = 1;

	ERR(write(fd, "x", 1), ENOSPC);
	ERR(write(fd, BAD, 10), ENOSPC);
	ERR(pwrite(fd, BAD, 10, 5), ENOSPC);
	ERR(write(fd, "x", 0), ENOSPC);
	ERR(pwrite(fd, "x", 0, 5), ENOSPC);
	EQ(writev(fd, none, 2), 0);
	EQ(writev(fd, none, 0), 0);
	EQ(read(fd, &byte, 1), 1);
	EQ(byte, 0);
	EQ(poll_now(fd), POLLIN | POLLOUT);
	ERR(mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0,
	    ENODEV);
	close(fd);
}

static void
random_numbers(const char *name, short polls)
{
	int n, fd = open(name, O_RDWR);
	char text[32];

	EQ(write(fd, text, sizeof text), sizeof text);
	ERR(write(fd, BAD, 10), EFAULT);
	ERR(read(fd, BAD, 10), EFAULT);
	EQ(poll_now(fd), polls);
	ERR(ioctl(fd, FIONREAD, &n), EINVAL);
	ERR(ioctl(fd, TCGETS, text), EINVAL);
	close(fd);
}

/* The kind of file is looked at before how it is open, but for O_PATH. */
static void
copies(void)
{
	int append = open("/dev/zero", O_RDWR | O_APPEND);
	int path = open("/dev/zero", O_PATH), in = open("/dev/zero", O_WRONLY);

	ERR(syscall(SYS_copy_file_range, in, 0, append, 0, 10, 0), EINVAL);
	ERR(syscall(SYS_copy_file_range, append, 0, append, 0, 10, 0), EINVAL);
	ERR(syscall(SYS_copy_file_range, path, 0, append, 0, 10, 0), EBADF);
	ERR(syscall(SYS_copy_file_range, append, 0, path, 0, 10, 0), EBADF);
	close(append);
	close(path);
	close(in);
}

int
main(void)
{
	null_and_zero("/dev/null");
	null_and_zero("/dev/zero");
	full();
	random_numbers("/dev/random", POLLIN);
	random_numbers("/dev/urandom", POLLIN | POLLOUT);
	copies();
	return test_done();
}
