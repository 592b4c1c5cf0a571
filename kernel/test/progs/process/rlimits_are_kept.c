/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * Limits: read, set, errors, inheritance; FSIZE and CPU by their signals,
 * NPROC by EAGAIN, at fork, and at exec of who became a user; a program with
 * another's rights has no larger STACK than usual.
 */
#include "lib/host.h"

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
	ERR(syscall(SYS_getrlimit, 99, NULL), EINVAL);
	ERR(syscall(SYS_getrlimit, RLIMIT_STACK, NULL), EFAULT);
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
	pid = OK(fork());
	if (pid == 0) { /* at the hard one no signal is ignored */
		signal(SIGXCPU, SIG_IGN);
		OK(setrlimit(RLIMIT_CPU, &(struct rlimit){ 1, 1 }));
		for (;;)
			continue;
	}
	REAP_SIGNAL(pid, SIGKILL);
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

/* In a child: becomes the user and runs this program as `what`. */
static void __attribute__((noreturn))
run(const char *what, uid_t real, uid_t effective)
{
	OK(setresuid(real, effective, effective));
	execl("/proc/self/exe", "rlimits_are_kept", what, (char *)NULL);
	_exit(errno == EAGAIN ? 11 : 12);
}

/* setuid() succeeds beyond the limit; it is exec that does not, as long as it is so. */
static void
processes_at_exec(void)
{
	uid_t user = 50000 + getpid() % 10000;
	pid_t other, pid;
	int told[2];
	char c;

	OK(pipe(told));
	other = OK(fork());
	if (other == 0) {
		OK(setresuid(user, user, user));
		EQ(write(told[1], "t", 1), 1);
		for (;;)
			pause();
	}
	EQ(read(told[0], &c, 1), 1);
	pid = OK(fork());
	if (pid == 0) {
		set(RLIMIT_NPROC, 0);
		run("nothing", user, user);
	}
	REAP(pid, 11);
	pid = OK(fork());
	if (pid == 0) {
		set(RLIMIT_NPROC, 1); /* so many there are already */
		run("nothing", user, user);
	}
	REAP(pid, 0);
	pid = OK(fork());
	if (pid == 0) {
		set(RLIMIT_NPROC, 0);
		OK(setresuid(user, user, user));
		OK(kill(other, SIGKILL));
		set(RLIMIT_NPROC, 1);
		/* Until it is waited for it counts. */
		while (execl("/proc/self/exe", "rlimits_are_kept", "nothing",
		    (char *)NULL) < 0 && errno == EAGAIN)
			sched_yield();
		_exit(12);
	}
	REAP_SIGNAL(other, SIGKILL);
	REAP(pid, 0);
}

static void
stack_of_rights(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		set(RLIMIT_STACK, 64 * MIB);
		run("stack", 1000, 0);
	}
	REAP(pid, 8);
	pid = OK(fork());
	if (pid == 0) {
		set(RLIMIT_STACK, 64 * MIB);
		run("stack", 1000, 1000);
	}
	REAP(pid, 64);
	pid = OK(fork());
	if (pid == 0) {
		set(RLIMIT_STACK, 4 * MIB);
		run("stack", 1000, 0);
	}
	REAP(pid, 4);
}

static int
started(const char *what)
{
	struct rlimit rl;

	OK(getrlimit(RLIMIT_STACK, &rl));
	return what[0] == 's' ? (int)(rl.rlim_cur / MIB) : 0;
}

int
main(int argc, char **argv)
{
	if (argc > 1 && getuid() != 0)
		return started(argv[1]);
	enter_tmp();
	rules();
	file_size();
	if (!is_watched()) /* a second of the processor */
		cpu();
	processes();
	processes_at_exec();
	stack_of_rights();
	leave_tmp();
	return test_done();
}
