/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 SWEEP=no APPEND=frames=8M KIND=exact */
/*
 * Design frames: user 0 alone can become process 0, which has all frames.  The right is
 * asked once; who has sat down stays, whoever he becomes, and others come too late.
 */
#include "lib/frames.h"
#include <sys/wait.h>

#define SOMEBODY 1000

/* In a process of its own: what a call answers. */
static void
is_refused(uid_t uid, int error)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(setuid(uid));
		ERR(f_count(), error);
		ERR(f_split(1, PAGE), error);
		ERR(f_proc(1), error);
		_exit(0);
	}
	REAP(pid, 0);
}

static void
sits(void)
{
	EQ(f_sum(), 8ul << 20);
	is_refused(SOMEBODY, ESRCH);
	is_refused(0, ESRCH);
	OK(setuid(SOMEBODY));
	EQ(f_sum(), 8ul << 20);
	LE(1, OK(f_cut(1)));
}

int
main(int argc, char **argv)
{
	pid_t pid;

	under_design(DESIGN_FRAMES, argv);
	is_refused(SOMEBODY, EPERM);
	pid = OK(fork());
	if (pid == 0) {
		sits();
		_exit(0);
	}
	REAP(pid, 0);
	return test_done();
}
