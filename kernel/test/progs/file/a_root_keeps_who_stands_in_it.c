/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 SWEEP=no KIND=exact */
/*
 * Dot-dot ends at the root of a process, also where a file system was mounted on it
 * since: from there one comes to what is mounted, and never out of it.
 */
#include "lib/host.h"

static struct stat
stat_of(const char *path)
{
	struct stat st;

	OK(stat(path, &st));
	return st;
}

static bool
are_same(const char *a, const char *b)
{
	struct stat one = stat_of(a), other = stat_of(b);

	return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static void
inside(void)
{
	struct stat old;

	OK(chroot("root"));
	OK(chdir("/sub"));
	CHECK(are_same("/..", "/"));
	old = stat_of("/");
	OK(mount("none", "/", "tmpfs", 0, NULL));
	EQ(stat_of("/").st_dev, old.st_dev); /* it stands below the new one */
	CHECK(stat_of("/..").st_dev != old.st_dev);
	OK(chdir(".."));
	CHECK(are_same(".", "/.."));
	CHECK(are_same("..", "."));
	CHECK(are_same("../..", "."));
	_exit(0);
}

int
main(void)
{
	pid_t pid;

	enter_tmp();
	OK(mkdir("root", 0755));
	OK(mkdir("root/sub", 0755));
	pid = OK(fork());
	if (pid == 0) {
		if (getuid() != 0 || !own_mounts())
			_exit(0);
		inside();
	}
	REAP(pid, 0);
	if (on_vadose())
		OK(umount("root"));
	OK(rmdir("root/sub"));
	OK(rmdir("root"));
	leave_tmp();
	return test_done();
}
