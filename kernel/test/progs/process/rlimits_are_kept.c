/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * Limits: read, set, errors, inheritance; FSIZE and CPU by their signals,
 * NPROC by EAGAIN.
 */
#include "lib/test.h"

static void
set(int which, long cur)
{
	struct rlimit rl;

	OK(getrlimit(which, &rl));
	rl.rlim_cur = cur;
	OK(setrlimit(which, &rl));
}

/* A limit that in nanoseconds would be 0. */
static void
far_limit(void)
{
	struct rlimit rl = { 1ul << 55, 1ul << 55 };
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(setrlimit(RLIMIT_CPU, &rl));
		for (int i = 0; i < 100; i++)
			usleep(1000);
		_exit(0);
	}
	REAP(pid, 0);
}

static void
rules(void)
{
	struct rlimit rl, old;
	pid_t pid;

	OK(getrlimit(RLIMIT_STACK, &old));
	rl.rlim_cur = 20;
	rl.rlim_max = 10;
	ERR(setrlimit(RLIMIT_NOFILE, &rl), EINVAL);
	ERR(getrlimit(99, &rl), EINVAL);
	ERR(syscall(SYS_prlimit64, 0x3fffffff, RLIMIT_STACK, NULL, &rl), ESRCH);
	if (on_vadose()) /* Linux kills it, if a tick meets it */
		far_limit();
	set(RLIMIT_NOFILE, 77);
	pid = OK(fork());
	if (pid == 0) {
		OK(getrlimit(RLIMIT_NOFILE, &rl));
		EQ(rl.rlim_cur, 77);
		rl.rlim_max = 77;
		OK(setrlimit(RLIMIT_NOFILE, &rl));
		OK(setuid(1000));
		rl.rlim_max = 78;
		ERR(setrlimit(RLIMIT_NOFILE, &rl), EPERM);
		_exit(0);
	}
	REAP(pid, 0);
}

static void
file_size(void)
{
	static char block[3000];
	pid_t pid = OK(fork());

	if (pid == 0) {
		int fd = OK(open("big", O_WRONLY | O_CREAT, 0644));

		signal(SIGXFSZ, SIG_IGN);
		set(RLIMIT_FSIZE, 5000);
		EQ(write(fd, block, 3000), 3000);
		EQ(write(fd, block, 3000), 2000);
		ERR(write(fd, block, 3000), EFBIG);
		signal(SIGXFSZ, SIG_DFL);
		if (write(fd, block, 1) != 1)
			_exit(2);
		_exit(0);
	}
	REAP_SIGNAL(pid, SIGXFSZ);
	OK(unlink("big"));
}

static void
cpu(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		set(RLIMIT_CPU, 1);
		for (;;)
			continue;
	}
	REAP_SIGNAL(pid, SIGXCPU);
}

static void
processes(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		/* Root is not limited on Linux; nobody else has this number. */
		OK(setuid(20000 + getpid() % 20000));
		set(RLIMIT_NPROC, 5);
		for (int n = 1; n < 5; n++)
			if (OK(fork()) == 0)
				for (;;)
					pause();
		ERR(fork(), EAGAIN);
		signal(SIGTERM, SIG_IGN);
		kill(-1, SIGTERM);
		while (wait(NULL) > 0) /* not every process 1 does */
			continue;
		_exit(0);
	}
	REAP(pid, 0);
}

int
main(void)
{
	enter_tmp();
	rules();
	file_size();
	if (!is_watched()) /* a second of the processor */
		cpu();
	processes();
	leave_tmp();
	return test_done();
}
