/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 SWEEP=no KIND=exact */
/*
 * Dot-dot ends at the root of a process, also where a file system was mounted on it
 * since: from there one comes to what is mounted, and never out of it.  Mounts that lie
 * elsewhere are not in his /proc.
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

/* What is mounted, as a text of /proc has it in that field of a line. */
static int
mounts_told(const char *text, const char *format)
{
	FILE *f = fopen(text, "r");
	char line[1024], at[256];
	int n = 0;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		EQ(sscanf(line, format, at), 1);
		EQ(strcmp(at, "/proc"), 0);
		n++;
	}
	fclose(f);
	return n;
}

static void
inside(void)
{
	struct stat old;
	bool has_proc = mount("none", "root/proc", "proc", 0, NULL) == 0;

	OK(chroot("root"));
	OK(chdir("/sub"));
	if (has_proc) {
		EQ(mounts_told("/proc/self/mounts", "%*s %255s"), 1);
		EQ(mounts_told("/proc/self/mountinfo", "%*s %*s %*s %*s %255s"), 1);
	}
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
	OK(mkdir("root/proc", 0755));
	pid = OK(fork());
	if (pid == 0) {
		if (getuid() != 0 || !own_mounts())
			_exit(0);
		inside();
	}
	REAP(pid, 0);
	if (on_vadose()) {
		OK(umount("root"));
		OK(umount("root/proc"));
	}
	OK(rmdir("root/proc"));
	OK(rmdir("root/sub"));
	OK(rmdir("root"));
	leave_tmp();
	return test_done();
}
