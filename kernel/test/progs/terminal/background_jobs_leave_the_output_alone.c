/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * A job in the background that would stop, start or flush the terminal gets
 * SIGTTOU.  In front, TCOOFF stops output, TCOON alone starts it.
 */
#include "lib/terminal.h"
#include <termios.h>

static int tty;

/* A job in the background makes the call: the signal that has stopped it. */
static int
stopped_by(unsigned long call, int arg)
{
	pid_t pid = OK(fork());
	int status;

	if (pid == 0) {
		OK(setpgid(0, 0));
		_exit(ioctl(tty, call, arg) == 0 ? 0 : errno);
	}
	OK(waitpid(pid, &status, WUNTRACED));
	CHECK(WIFSTOPPED(status));
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	return WSTOPSIG(status);
}

/* The same with SIGTTOU ignored: it is done, or told what is wrong. */
static int
deaf(unsigned long call, int arg)
{
	pid_t pid = OK(fork());
	int status;

	if (pid == 0) {
		OK(setpgid(0, 0));
		signal(SIGTTOU, SIG_IGN);
		_exit(ioctl(tty, call, arg) == 0 ? 0 : errno);
	}
	status = reap(pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
session(void)
{
	OK(setsid());
	signal(SIGHUP, SIG_IGN);
	OK(ioctl(tty, TIOCSCTTY, 0));
	EQ(stopped_by(TCXONC, TCOOFF), SIGTTOU);
	EQ(can_write(tty), 1);
	EQ(stopped_by(TCXONC, 77), SIGTTOU);
	EQ(stopped_by(TCFLSH, TCIFLUSH), SIGTTOU);
	EQ(stopped_by(TCFLSH, 77), SIGTTOU);
	EQ(stopped_by(TCSBRK, 1), SIGTTOU);
	EQ(deaf(TCFLSH, TCOFLUSH), 0);
	EQ(deaf(TCFLSH, 77), EINVAL);
	EQ(deaf(TCXONC, 77), EINVAL);
	EQ(deaf(TCSBRK, 1), 0);
	OK(ioctl(tty, TCXONC, TCOOFF));
	EQ(can_write(tty), 0);
	OK(ioctl(tty, TCXONC, TCIOFF));
	OK(ioctl(tty, TCXONC, TCION));
	EQ(can_write(tty), 0);
	OK(ioctl(tty, TCXONC, TCOON));
	EQ(can_write(tty), 1);
	_exit(0);
}

int
main(void)
{
	pid_t pid;

	tty = terminal();
	pid = OK(fork());
	if (pid == 0)
		session();
	REAP(pid, 0);
	return test_done();
}
