/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A umount that is refused, for the mount is in use, is seen by nobody: what is
 * in the mount is found at any time, and its place can never be removed.  Two who mount
 * at one place at once both do, one on top of the other.
 */
#include "lib/host.h"

#define DIR_MNT "/tmp/busy"
#define FILES 500            /* so many umount looks at */
#define LOOK_MS 500
#define MOUNTS 150

static void
try_to_end(const volatile char *stop)
{
	while (!*stop)
		ERR(umount(DIR_MNT), EBUSY);
	_exit(0);
}

static void
look(dev_t dev)
{
	uint64_t end = now_ns() + (uint64_t)rounds(LOOK_MS) * 1000000;
	struct stat st;
	int fd;

	while (now_ns() < end) {
		OK(access(DIR_MNT "/held", F_OK));
		ERR(rmdir(DIR_MNT), EBUSY);
		ERR(rename(DIR_MNT, "/tmp/other"), EBUSY);
		fd = OK(open(DIR_MNT "/new", O_WRONLY | O_CREAT | O_EXCL, 0600));
		OK(fstat(fd, &st));
		EQ(st.st_dev, dev);
		OK(close(fd));
		OK(unlink(DIR_MNT "/new"));
	}
}

static void
mounts_many(void)
{
	for (int i = 0; i < MOUNTS; i++)
		OK(mount("none", DIR_MNT, "tmpfs", 0, NULL));
}

static void
at_once(void)
{
	pid_t pid = OK(fork());
	int n = 0;

	if (pid == 0) {
		mounts_many();
		_exit(0);
	}
	mounts_many();
	REAP(pid, 0);
	while (umount(DIR_MNT) == 0)
		n++;
	EQ(errno, EINVAL);
	EQ(n, 2 * MOUNTS);
}

int
main(void)
{
	char *stop = pages_shared(1), name[40];
	struct stat st;
	pid_t pid;
	int fd;

	own_tmp();
	OK(mkdir(DIR_MNT, 0755));
	if (mount("none", DIR_MNT, "tmpfs", 0, NULL) != 0) {
		CHECK(errno == EPERM && !on_vadose());
		OK(rmdir(DIR_MNT));
		return test_done();
	}
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), DIR_MNT "/f%d", i);
		make_file(name, "", 0, 0600);
	}
	fd = OK(open(DIR_MNT "/held", O_WRONLY | O_CREAT, 0600));
	OK(fstat(fd, &st));
	pid = OK(fork());
	if (pid == 0)
		try_to_end(stop);
	look(st.st_dev);
	*stop = 1;
	REAP(pid, 0);
	OK(close(fd));
	OK(umount(DIR_MNT));
	at_once();
	OK(rmdir(DIR_MNT)); /* nothing came below */
	return test_done();
}
