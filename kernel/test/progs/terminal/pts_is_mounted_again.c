/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=20 OWN=1 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * /dev/pts leaves when nobody stands in it and no slave is open, and comes back with other
 * modes; a master lives on meanwhile.  Here there is one instance, in which its slave is
 * found again; on Linux each mount is another.
 */
#include "lib/host.h"
#include <sys/ioctl.h>
#include <sys/mount.h>

#define PEER 0x5441

static int
pts(const char *options)
{
	return mount("devpts", "/dev/pts", "devpts", 0, options);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	OK(stat(path, &st));
	return st.st_mode & 07777;
}

/* A terminal whose slave may be opened. */
static int
master(void)
{
	int zero = 0, m = OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));

	OK(ioctl(m, TIOCSPTLCK, &zero));
	return m;
}

static void
busy(void)
{
	int m = master(), s = OK(ioctl(m, PEER, O_RDWR | O_NOCTTY)), fd;
	struct stat st;

	OK(fstat(s, &st));
	EQ(st.st_mode & 0777, 0640);
	EQ(st.st_gid, 7);
	EQ(mode_of("/dev/pts/ptmx"), 0604);
	ERR(umount("/dev/pts"), EBUSY);
	OK(close(s));
	fd = OK(open("/dev/pts", O_RDONLY));
	ERR(umount("/dev/pts"), EBUSY);
	OK(close(fd));
	fd = OK(open("/dev/pts/ptmx", O_PATH));
	ERR(umount("/dev/pts"), EBUSY);
	OK(close(fd));
	OK(umount("/dev/pts"));
	ERR(ioctl(m, PEER, O_RDWR | O_NOCTTY), ENODEV);
	OK(close(m));
}

/* The slave of a terminal that was there before; one whose master has gone, and a mount
 * that finds no place. */
static void
found_again(void)
{
	char name[32];
	int m = master(), n = -1, s, none;

	OK(ioctl(m, TIOCGPTN, &n));
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	ERR(open(name, O_RDWR | O_NOCTTY), ENOENT);
	OK(pts("mode=0611,gid=0"));
	EQ(mode_of(name), 0611);
	EQ(mode_of("/dev/pts/ptmx"), 0);
	ERR(mount("devpts", "/tmp", "devpts", 0, NULL), EBUSY);
	s = OK(open(name, O_RDWR | O_NOCTTY));
	OK(close(m));
	ERR(open(name, O_RDWR | O_NOCTTY), ENOENT);
	ERR(umount("/dev/pts"), EBUSY);
	OK(close(s));
	OK(umount("/dev/pts"));
	OK(mkdir("/tmp/gone", 0700));
	OK(chdir("/tmp/gone"));
	OK(rmdir("/tmp/gone"));
	m = master();
	ERR(mount("devpts", ".", "devpts", 0, NULL), ENOENT);
	OK(chdir("/"));
	none = OK(open("/dev/null", O_RDWR));
	ERR(ioctl(none, PEER, O_RDWR), ENOTTY);
	OK(close(none));
	OK(close(m));
}

/* A mount that fails, while others ask for the slaves in it. */
static void
failing(void)
{
	pid_t pid[3];
	int m;

	for (int i = 0; i < 3; i++) {
		pid[i] = OK(fork());
		if (pid[i] != 0)
			continue;
		m = master();
		for (;;)
			ERR(ioctl(m, PEER, O_RDWR | O_NOCTTY), ENODEV);
	}
	for (int i = 0; i < 1000; i++) {
		OK(mkdir("/tmp/gone", 0700));
		OK(chdir("/tmp/gone"));
		OK(rmdir("/tmp/gone"));
		ERR(mount("devpts", ".", "devpts", 0, NULL), ENOENT);
	}
	OK(chdir("/"));
	for (int i = 0; i < 3; i++) {
		OK(kill(pid[i], SIGKILL));
		REAP_SIGNAL(pid[i], SIGKILL);
	}
}

static void
all(void)
{
	ERR(pts("mode"), EINVAL);
	ERR(pts("gid=x"), EINVAL);
	ERR(pts("nonsense=1"), EINVAL);
	OK(pts("newinstance,ptmxmode=0604,mode=0640,gid=7"));
	busy();
	if (on_vadose()) {
		found_again();
		failing();
	}
}

int
main(void)
{
	if (getuid() != 0 || !own_mounts()) {
		printf("skipped: mounts are root's\n");
		return 0;
	}
	while (umount2("/dev/pts", MNT_DETACH) == 0)
		;
	(void)umount("/dev/pts");
	all();
	leak_mark();
	all();
	leak_diff();
	OK(pts("gid=5,mode=0620"));
	return test_done();
}
