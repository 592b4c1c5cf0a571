/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * TIOCSCTTY: a terminal that a session has goes to no other, but when root
 * asks with 1.
 */
#include "lib/terminal.h"

/* A new session asks; 0 or errno.  It keeps the terminal until its end. */
static int
asks(int tty, int uid, int arg)
{
	pid_t pid = OK(fork());
	int status;

	if (pid == 0) {
		OK(setsid());
		signal(SIGHUP, SIG_IGN);
		OK(setresuid(uid, uid, uid));
		_exit(ioctl(tty, TIOCSCTTY, arg) == 0 ? 0 : errno);
	}
	status = reap(pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
owner(int tty)
{
	int sid = 0, answer;

	OK(setsid());
	signal(SIGHUP, SIG_IGN);
	OK(ioctl(tty, TIOCSCTTY, 0));
	OK(ioctl(tty, TIOCSCTTY, 0)); /* ours already */
	EQ(asks(tty, 1000, 0), EPERM);
	EQ(asks(tty, 1000, 1), EPERM);
	EQ(asks(tty, 0, 0), EPERM);
	OK(ioctl(tty, TIOCGSID, &sid));
	EQ(sid, getpid());
	answer = asks(tty, 0, 1);
	if (on_vadose() || answer != EPERM) { /* a container's root may not */
		EQ(answer, 0);
		ERR(ioctl(tty, TIOCGSID, &sid), ENOTTY);
	}
	_exit(0);
}

int
main(void)
{
	pid_t pid;
	int tty;

	if (geteuid() != 0)
		return test_done();
	tty = terminal();
	pid = OK(fork());
	if (pid == 0)
		owner(tty);
	REAP(pid, 0);
	EQ(asks(tty, 1000, 0), 0); /* free again */
	return test_done();
}
