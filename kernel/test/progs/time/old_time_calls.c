/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * utime, utimes and futimesat: whole seconds, microseconds, now, and errors.
 */
#include "lib/host.h"
#include <sys/syscall.h>

#define CALL(name, ...) syscall(SYS_##name, __VA_ARGS__)

static struct stat
times_of(const char *path)
{
	struct stat st;

	OK(stat(path, &st));
	return st;
}

int
main(void)
{
	long ut[2] = { 1000, 2000 }, tv[4] = { 3000, 5, 4000, 999999 };
	long bad[4] = { 0, 0, 0, 1000000 };
	int fd;

	own_descriptors();
	enter_tmp();
	make_file("f", "x", 1, 0644);
	OK(CALL(utime, "f", ut));
	EQ(times_of("f").st_atim.tv_sec, 1000);
	EQ(times_of("f").st_mtim.tv_sec, 2000);
	EQ(times_of("f").st_mtim.tv_nsec, 0);
	OK(CALL(utimes, "f", tv));
	EQ(times_of("f").st_atim.tv_nsec, 5000);
	EQ(times_of("f").st_mtim.tv_sec, 4000);
	EQ(times_of("f").st_mtim.tv_nsec, 999999000);
	OK(CALL(utimes, "f", NULL));
	CHECK(times_of("f").st_mtim.tv_sec > 1000000);
	fd = OK(open("f", O_RDONLY));
	OK(CALL(futimesat, fd, NULL, tv));
	EQ(times_of("f").st_atim.tv_sec, 3000);
	OK(CALL(futimesat, AT_FDCWD, "f", NULL));
	CHECK(times_of("f").st_atim.tv_sec > 1000000);
	OK(CALL(utime, "f", NULL));
	ERR(CALL(utimes, "f", bad), EINVAL);
	ERR(CALL(utimes, "none", tv), ENOENT);
	ERR(CALL(utime, "f", 8L), EFAULT);
	ERR(CALL(futimesat, 77, "f", tv), EBADF);
	EQ(close(fd) | unlink("f"), 0);
	leave_tmp();
	return test_done();
}
