/* NEEDS: MEM=32M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * close_range(CLOSE_RANGE_UNSHARE): who shares a table of descriptors gets one of
 * its own first, and what it closes or marks is open to the others as before.
 */
#include "lib/test.h"

#define UNSHARE 2
#define CLOEXEC 4

static int fds[2];
static char stack[16 * KIB] __attribute__((aligned(16)));

static int
range(unsigned flags)
{
	return syscall(SYS_close_range, fds[0], fds[1], flags);
}

static int
in_child(void *flags)
{
	OK(range((unsigned)(long)flags));
	if (((long)flags & CLOEXEC) != 0)
		EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	else
		ERR(fcntl(fds[0], F_GETFD), EBADF);
	OK(fcntl(0, F_GETFD));
	/* Later changes are its own, too. */
	return close(0) == 0 ? 0 : 1;
}

static void
shared(unsigned flags, int left)
{
	for (int i = 0; i < 2; i++)
		fds[i] = OK(dup2(1, 100 + i));
	pid_t pid = OK(clone(in_child, stack + sizeof(stack),
	    CLONE_VM | CLONE_FILES | SIGCHLD, (void *)(long)flags));

	REAP(pid, 0);
	EQ(fcntl(fds[0], F_GETFD), left);
	EQ(fcntl(fds[1], F_GETFD), left);
	OK(range(0));
}

int
main(void)
{
	shared(UNSHARE, 0);
	OK(fcntl(0, F_GETFD));
	shared(UNSHARE | CLOEXEC, 0);
	OK(fcntl(0, F_GETFD));
	shared(CLOEXEC, FD_CLOEXEC);
	ERR(fcntl(0, F_GETFD), EBADF);
	ERR(range(8), EINVAL);
	/* Nobody shares it: as without the flag. */
	fds[0] = fds[1] = OK(dup(1));
	OK(range(UNSHARE));
	ERR(fcntl(fds[0], F_GETFD), EBADF);
	OK(syscall(SYS_close_range, ~0u, ~0u, UNSHARE));
	return test_done();
}
