/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 SWEEP=no KIND=exact */
/*
 * What O_SYNC, O_DSYNC, mount -o sync, mount -o dirsync and the flag S of a
 * directory promise: each line printed says what is durable from then on.
 *
 * Arguments: a disk, the type of what is on it, where to mount it; it has a
 * directory "flagged" with the flag S (cases/disk/power_cuts.sh judges the lines).
 * Without them: the calls, on a file of /tmp.
 *
 *   have NAME BYTES        gone NAME        mode NAME OCTAL
 */
#include "lib/test.h"
#include <sys/mount.h>

#define BYTES 8192U

static const char *disk, *type, *where;

/* Said when it is so; what comes next shall not help it. */
static void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
	sleep_ms(60);
}

static void
put(const char *name, int flags)
{
	static char bytes[BYTES];
	int fd = OK(open(name, O_RDWR | O_CREAT | flags, 0644));

	memset(bytes, 's', sizeof bytes);
	EQ(write(fd, bytes, sizeof bytes), BYTES);
	say("have %s %u\n", name, BYTES);
	EQ(pwrite(fd, bytes, 100, BYTES), 100);
	say("have %s %u\n", name, BYTES + 100);
	OK(close(fd));
}

static void
remount(unsigned long flags)
{
	OK(mount(disk, where, type, MS_REMOUNT | flags, NULL));
}

/* Names in a directory whose changes are durable. */
static void
names(const char *dir)
{
	char a[64], b[64];

	snprintf(a, sizeof a, "%s/a", dir);
	snprintf(b, sizeof b, "%s/b", dir);
	OK(mkdir(a, 0755));
	say("have %s dir\n", a);
	OK(rename(a, b));
	say("gone %s\n", a);
	say("have %s dir\n", b);
	OK(rmdir(b));
	say("gone %s\n", b);
	OK(close(OK(open(a, O_CREAT | O_WRONLY, 0600))));
	say("have %s 0\n", a);
	OK(link(a, b));
	say("have %s 0\n", b);
	OK(unlink(a));
	say("gone %s\n", a);
	OK(symlink("text", a));
	say("have %s link\n", a);
}

static void
on_disk(void)
{
	char data[1000] = { 0 };
	struct iovec { void *p; size_t n; } v = { data, sizeof data };
	int fd;

	OK(mount(disk, where, type, 0, NULL));
	OK(chdir(where));
	OK(mkdir("d", 0755));
	sync();
	put("O_SYNC", O_SYNC);
	put("O_DSYNC", O_DSYNC);
	fd = OK(open("vector", O_RDWR | O_CREAT | O_SYNC, 0644));
	EQ(syscall(SYS_writev, fd, &v, 1), v.n);
	say("have vector %zu\n", v.n);
	OK(fallocate(fd, 0, 0, BYTES));
	say("have vector %u\n", BYTES);
	OK(close(fd));
	put("flagged/new", 0);
	names("flagged");
	remount(MS_DIRSYNC);
	names("d");
	OK(unlink("d/a"));
	OK(unlink("d/b"));
	remount(MS_SYNCHRONOUS);
	put("mounted", 0);
	names("d");
	OK(chmod("mounted", 0741));
	say("mode mounted 0741\n");
	OK(truncate("mounted", 10));
	say("have mounted 10\n");
	OK(chdir("/"));
	OK(umount(where));
}

int
main(int argc, char **argv)
{
	if (argc == 4) {
		disk = argv[1];
		type = argv[2];
		where = argv[3];
		on_disk();
		return test_done();
	}
	freopen("/dev/null", "w", stdout);
	enter_tmp();
	put("O_SYNC", O_SYNC);
	put("O_DSYNC", O_DSYNC);
	OK(unlink("O_SYNC"));
	OK(unlink("O_DSYNC"));
	OK(mkdir("d", 0755));
	names("d");
	OK(unlink("d/a"));
	OK(unlink("d/b"));
	OK(rmdir("d"));
	leave_tmp();
	return test_done();
}
