/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 SWEEP=few KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Pseudo terminals of one user have an end, root's have another; whatever their
 * ends do at the same time, all memory comes back.
 */
#include "lib/test.h"
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>

#define MOST 1100
#define USER 1000

static int fds[MOST];

static int
pairs(void)
{
	char text[16] = "";
	int fd = OK(open("/proc/sys/kernel/pty/nr", O_RDONLY));

	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	OK(close(fd));
	return atoi(text);
}

/* As many as the current user gets, and how it ends. */
static int
take_all(int most)
{
	int n;

	for (n = 0; n < most; n++) {
		fds[n] = open("/dev/ptmx", O_RDWR | O_NOCTTY);
		if (fds[n] < 0)
			break;
	}
	return n;
}

static void
give_all(int n)
{
	while (n > 0)
		OK(close(fds[--n]));
}

static void
user(int told)
{
	int n;

	OK(setresuid(USER, USER, USER));
	n = take_all(MOST);
	EQ(errno, ENOSPC);
	CHECK(n >= 32 && n <= 256);
	EQ(write(told, "x", 1), 1);
	/* One goes, one comes. */
	OK(close(fds[0]));
	fds[0] = OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	ERR(open("/dev/ptmx", O_RDWR | O_NOCTTY), ENOSPC);
	pause();
}

static void
limits(void)
{
	struct rlimit many = { MOST + 20, MOST + 20 };
	int told[2], n;
	pid_t pid;
	char c;

	if (!on_vadose())
		return;
	OK(setrlimit(RLIMIT_NOFILE, &many));
	OK(pipe(told));
	EQ(pairs(), 0);
	pid = OK(fork());
	if (pid == 0)
		user(told[1]);
	EQ(read(told[0], &c, 1), 1);
	/* Root does not hear of it. */
	n = take_all(300);
	EQ(n, 300);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	EQ(pairs(), n);
	give_all(n);
	EQ(pairs(), 0);
	OK(close(told[0]));
	OK(close(told[1]));
}

/* ---- all at once ---- */

static void
reader(int fd, int ends_by_signal)
{
	char buf[256];

	if (!ends_by_signal)
		signal(SIGHUP, SIG_IGN);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	_exit(0);
}

static void
writer(int fd)
{
	char buf[3000];

	memset(buf, 'w', sizeof(buf));
	buf[100] = '\n';
	buf[200] = 3;
	for (int i = 0; i < 8; i++)
		if (write(fd, buf, sizeof(buf)) < 0)
			break;
	_exit(0);
}

/* A session whose terminal goes away while it is used from all sides. */
static void
leader(int m, unsigned kind)
{
	int s;
	char name[32];

	OK(setsid());
	OK(ioctl(m, TIOCGPTN, &s));
	snprintf(name, sizeof(name), "/dev/pts/%d", s);
	s = open(name, O_RDWR);
	if (s < 0)
		_exit(0);
	OK(close(m));
	if (fork() == 0)
		reader(s, kind & 1);
	if (fork() == 0)
		writer(s);
	if (kind & 2)
		(void)ioctl(s, TIOCNOTTY);
	if (kind & 4)
		reader(s, 1);
	_exit(0);
}

static void
round_of(unsigned kind)
{
	int zero = 0, m = OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	char buf[512];
	pid_t pid, w;

	OK(ioctl(m, TIOCSPTLCK, &zero));
	pid = OK(fork());
	if (pid == 0)
		leader(m, kind);
	w = OK(fork());
	if (w == 0)
		writer(m);
	for (unsigned i = 0; i < kind % 7; i++)
		if (read(m, buf, sizeof(buf)) <= 0)
			break;
	OK(close(m));
	(void)kill(w, SIGKILL);
	(void)reap(pid);
	(void)reap(w);
}

static void
storm(void)
{
	pid_t pid[3];

	for (int p = 0; p < 3; p++) {
		pid[p] = OK(fork());
		if (pid[p] == 0) {
			signal(SIGHUP, SIG_IGN);
			for (unsigned i = 0; i < 24; i++)
				round_of((unsigned)p * 5 + i);
			_exit(0);
		}
	}
	for (int p = 0; p < 3; p++)
		REAP(pid[p], 0);
}

int
main(void)
{
	uint64_t t0;

	if (geteuid() != 0)
		return test_done();
	limits();
	leak_mark();
	storm();
	/* Some who were left behind may still be about to end. */
	for (t0 = now_ns(); on_vadose() && pairs() > 0;) {
		CHECK(now_ns() - t0 < 20000000000);
		sleep_ms(5);
	}
	leak_diff();
	return test_done();
}
