/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Terminals: who gives one up has none; groups that are none or another
 * session's; a signal ends a long write; what TCOOFF holds.  Asked for with the
 * name, what needs a hand that types: cases/programs/tty_modes.sh is that hand, on Linux
 * the other end of the terminal.
 */
#include "lib/alarms.h"
#include "lib/terminal.h"
#include <termios.h>

#define LINE 100

static int tty;

/* ---- without a hand ---- */

static void
has_none(void)
{
	int v;

	ERR(open("/dev/tty", O_RDWR), ENXIO);
	ERR(ioctl(tty, TIOCGPGRP, &v), ENOTTY);
	ERR(ioctl(tty, TIOCGSID, &v), ENOTTY);
	ERR(ioctl(tty, TIOCNOTTY), ENOTTY);
}

/* Not the session's leader: the others keep the terminal, its children do not. */
static void
gives_it_up(void)
{
	pid_t pid;

	OK(close(OK(open("/dev/tty", O_RDWR))));
	OK(ioctl(tty, TIOCNOTTY));
	has_none();
	pid = OK(fork());
	if (pid == 0) {
		has_none();
		OK(setsid());
		has_none();
		_exit(0);
	}
	REAP(pid, 0);
	/* In the background of nothing: neither stopped nor refused. */
	OK(setpgid(0, 0));
	OK(tcflush(tty, TCIFLUSH));
	_exit(0);
}

/* Its parent is about to go: nobody would continue it. */
static void
orphan(pid_t parent, int done)
{
	pid_t me;
	char c;

	OK(setpgid(0, 0));
	me = getpid();
	while (getppid() == parent)
		sleep_ms(5);
	ERR(ioctl(tty, TIOCSPGRP, &me), ENOTTY);
	c = 'x';
	EQ(write(done, &c, 1), 1);
	_exit(0);
}

static void
groups(pid_t elsewhere)
{
	int none = 0x3fffffff, fd[2];
	pid_t pid;
	char c;

	ERR(ioctl(tty, TIOCSPGRP, &none), ESRCH);
	ERR(ioctl(tty, TIOCSPGRP, &elsewhere), EPERM);
	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0) {
		pid = getpid();
		if (OK(fork()) == 0)
			orphan(pid, fd[1]);
		_exit(0);
	}
	REAP(pid, 0);
	OK(close(fd[1]));
	EQ(read(fd[0], &c, 1), 1);
	OK(close(fd[0]));
}

static void
long_write(void)
{
	static char nothing_to_see[512 * 1024];
	ssize_t n;

	signal(SIGALRM, nothing);
	alarms(5000);
	n = write(tty, nothing_to_see, sizeof(nothing_to_see));
	alarms(0);
	CHECK(n > 0 && n < (ssize_t)sizeof(nothing_to_see));
}

/* What is held does not go on because keys can no longer stop it. */
static void
hold(void)
{
	struct termios t, old;

	OK(tcgetattr(tty, &old));
	t = old;
	t.c_iflag &= ~IXON;
	OK(tcflow(tty, TCOOFF));
	EQ(can_write(tty), 0);
	OK(tcsetattr(tty, TCSANOW, &t));
	EQ(can_write(tty), 0);
	OK(tcflow(tty, TCOON));
	EQ(can_write(tty), 1);
	OK(tcsetattr(tty, TCSANOW, &old));
}

static void
session(void)
{
	pid_t elsewhere = getpgid(getppid()), pid;

	OK(setsid());
	signal(SIGHUP, SIG_IGN);
	OK(ioctl(tty, TIOCSCTTY, 0));
	pid = OK(fork());
	if (pid == 0)
		gives_it_up();
	REAP(pid, 0);
	OK(close(OK(open("/dev/tty", O_RDWR))));
	groups(elsewhere);
	hold();
	long_write();
	_exit(0);
}

/* ---- with a hand ---- */

static void
type(const char *name, const char *keys, int gap)
{
	pid_t pid;

	if (on_vadose()) {
		dprintf(tty, "please %s\n", name);
		return;
	}
	pid = OK(fork());
	for (; pid == 0 && *keys != '\0'; keys++) {
		sleep_ms(gap);
		EQ(write(terminal_hand, keys, 1), 1);
	}
	if (pid == 0)
		_exit(0);
}

static int
readable(int ms)
{
	struct pollfd p = { .fd = tty, .events = POLLIN };

	return OK(poll(&p, 1, ms));
}

static int
bytes(void)
{
	int n;

	OK(ioctl(tty, FIONREAD, &n));
	return n;
}

static void
set_raw(int min, int time)
{
	struct termios t;

	OK(tcgetattr(tty, &t));
	t.c_lflag &= ~(ICANON | ECHO);
	t.c_cc[VMIN] = min;
	t.c_cc[VTIME] = time;
	OK(tcsetattr(tty, TCSANOW, &t));
}

/* Longer than a key may take, all in all; none is very late.  On Linux who is stopped and
 * goes on gets what has come by then: once more, and there all of it is short. */
static void
one_read_has_six(void)
{
	int tries = on_vadose() ? 1 : 12;
	ssize_t first = 0, n;
	char b[16];

	while (tries-- > 0 && first != 6) {
		type("six", "abcdef", 200);
		first = OK(read(tty, b, sizeof(b)));
		for (n = first; n < 6 && tries > 0; n += OK(read(tty, b, sizeof(b))))
			;
	}
	EQ(first, 6);
}

static void
typed(void)
{
	struct termios old;
	char b[16];

	OK(tcgetattr(tty, &old));
	type("line", "abc\4", 0);
	EQ(readable(10000), 1);
	EQ(bytes(), 3);
	EQ(read(tty, b, sizeof(b)), 3);
	type("end", "\4", 0);
	EQ(readable(10000), 1);
	EQ(bytes(), 0);
	EQ(read(tty, b, sizeof(b)), 0);
	set_raw(3, 0);
	type("one", "a", 0);
	while (bytes() < 1)
		sleep_ms(5);
	EQ(readable(0), 0);
	type("two", "bc", 0);
	EQ(readable(10000), 1);
	EQ(read(tty, b, sizeof(b)), 3);
	set_raw(10, on_vadose() ? 30 : 10);
	one_read_has_six();
	OK(tcsetattr(tty, TCSANOW, &old));
}

static void
lines(char c)
{
	char line[LINE];

	memset(line, c, LINE - 1);
	line[LINE - 1] = '\n';
	for (int i = 0; i < 200; i++)
		EQ(write(tty, line, LINE), LINE);
	_exit(0);
}

/* Two write at once: the hand looks whether their lines are whole. */
static void
writers(void)
{
	pid_t a, b;

	if (!on_vadose())
		return;
	a = OK(fork());
	if (a == 0)
		lines('A');
	b = OK(fork());
	if (b == 0)
		lines('B');
	REAP(a, 0);
	REAP(b, 0);
}

int
main(int argc, char **argv)
{
	pid_t pid;

	(void)argv;
	tty = terminal();
	if (argc > 1 || !on_vadose())
		typed();
	if (argc > 1) {
		writers();
		return test_done();
	}
	pid = OK(fork());
	if (pid == 0)
		session();
	REAP(pid, 0);
	return test_done();
}
