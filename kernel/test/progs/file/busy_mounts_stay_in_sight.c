/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A umount that is refused, for the mount is in use, is seen by nobody: what is
 * in the mount is found at any time, and its place can never be removed.
 */
#include "lib/host.h"

#define DIR_MNT "/tmp/busy"
#define FILES 500            /* so many umount looks at */
#define LOOK_MS 500

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
	OK(rmdir(DIR_MNT)); /* nothing came below */
	return test_done();
}
