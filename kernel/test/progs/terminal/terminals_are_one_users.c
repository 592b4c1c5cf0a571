/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * TIOCEXCL: only root opens a terminal that somebody has for himself.  TCGETS2 and
 * its family: a speed that has no code, and one that has, read back the other way.
 */
#include "lib/test.h"
#include <sys/ioctl.h>

#define GETS 0x5401
#define SETS 0x5402
#define GETS2 0x802c542a
#define SETS2 0x402c542b
#define CBAUD 0x100fu
#define BOTHER 0x1000u
#define B9600 13u
#define EXCL 0x540c
#define NXCL 0x540d
#define GEXCL 0x80045440

struct kernel_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[19];
	uint32_t ispeed, ospeed;
};

static int master, slave;
static char name[64];

static int
excl(int fd)
{
	int v = -1;

	OK(ioctl(fd, GEXCL, &v));
	return v;
}

static void
user_opens(int expected)
{
	pid_t pid = OK(fork());
	int fd;

	if (pid == 0) {
		OK(fchown(slave, 1000, 1000));
		OK(setresgid(1000, 1000, 1000));
		OK(setresuid(1000, 1000, 1000));
		fd = open(name, O_RDWR | O_NOCTTY);
		EQ(fd < 0 ? errno : 0, expected);
		_exit(0);
	}
	REAP(pid, 0);
}

static void
alone(void)
{
	EQ(excl(slave), 0);
	OK(ioctl(slave, EXCL));
	EQ(excl(slave), 1);
	EQ(excl(master), 0); /* the other end is another terminal */
	if (getuid() == 0) {
		user_opens(EBUSY);
		OK(close(OK(open(name, O_RDWR | O_NOCTTY))));
	} else {
		ERR(open(name, O_RDWR | O_NOCTTY), EBUSY);
	}
	OK(ioctl(slave, NXCL));
	EQ(excl(slave), 0);
	if (getuid() == 0)
		user_opens(0);
	OK(ioctl(master, EXCL));
	EQ(excl(master), 1);
	EQ(excl(slave), 0);
	OK(ioctl(master, NXCL));
	ERR(ioctl(slave, GEXCL, (void *)8), EFAULT);
}

static void
speeds(int fd)
{
	struct kernel_termios t, old;

	memset(&t, 0, sizeof(t));
	OK(ioctl(fd, GETS2, &t));
	EQ(t.ispeed, 38400);
	EQ(t.ospeed, 38400);
	t.cflag = (t.cflag & ~CBAUD) | BOTHER;
	t.ospeed = 12345;
	t.ispeed = 777;
	OK(ioctl(fd, SETS2, &t));
	memset(&t, 0, sizeof(t));
	OK(ioctl(fd, GETS2, &t));
	EQ(t.ospeed, 12345);
	EQ(t.ispeed, 12345); /* no code of its own: as fast as output */
	memset(&old, 0, sizeof(old));
	OK(ioctl(fd, GETS, &old));
	EQ(old.cflag & CBAUD, BOTHER);
	EQ(old.ospeed, 0);   /* beyond what it writes */
	t.cflag = (t.cflag & ~CBAUD) | BOTHER | BOTHER << 16;
	t.ispeed = 777;
	OK(ioctl(fd, SETS2 + 1, &t));
	OK(ioctl(fd, GETS2, &t));
	EQ(t.ispeed, 777);
	old.cflag = (old.cflag & ~(CBAUD | CBAUD << 16)) | B9600;
	OK(ioctl(fd, SETS, &old));
	OK(ioctl(fd, GETS2, &t));
	EQ(t.ospeed, 9600);
	EQ(t.ispeed, 9600);
	t.cflag = (t.cflag & ~CBAUD) | 0x1002;
	OK(ioctl(fd, SETS2 + 2, &t));
	OK(ioctl(fd, GETS2, &t));
	EQ(t.ospeed, 115200);
	ERR(ioctl(fd, GETS2, (void *)8), EFAULT);
	ERR(ioctl(fd, SETS2, (void *)8), EFAULT);
}

int
main(void)
{
	int unlock = 0, n;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0 && !on_vadose()) {
		printf("skipped\n");
		return 0;
	}
	OK(master);
	OK(ioctl(master, TIOCSPTLCK, &unlock));
	OK(ioctl(master, TIOCGPTN, &n));
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	slave = OK(open(name, O_RDWR | O_NOCTTY));
	alone();
	speeds(slave);
	return test_done();
}
