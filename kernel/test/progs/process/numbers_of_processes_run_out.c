/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 SHORT=1200 ARGS=6000 SWEEP=no CLOCK=1 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A user has all the numbers for processes that he can get, most of them by
 * children that have ended: each further fork is refused, soon, no number is
 * given that a group still bears, and root can start programs meanwhile.
 *
 * Argument: how many numbers there are, /proc/sys/kernel/pid_max.
 */
#include "lib/test.h"

#define USER 1000
#define TRIES 100
#define MOST_MS 1000 /* of the processor for so many */
#define ROOTS 50

static int told[2], go[2];

static void
numbers(const char *most)
{
	int fd = OK(open("/proc/sys/kernel/pid_max", O_WRONLY));

	EQ(write(fd, most, strlen(most)), (ssize_t)strlen(most));
	OK(close(fd));
}

static uint64_t
cpu_ms(void)
{
	struct rusage u;

	OK(getrusage(RUSAGE_SELF, &u));
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000UL +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

/* A group whose first process has ended and was waited for; one is left in it. */
static pid_t
group_without_leader(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(setpgid(0, 0));
		if (OK(fork()) == 0)
			pause();
		_exit(0);
	}
	REAP(pid, 0);
	OK(kill(-pid, 0));
	return pid;
}

/* So many forks are refused: the least of three times, for a host may stand still. */
static uint64_t
refused_ms(void)
{
	uint64_t began, least = UINT64_MAX;

	for (int turn = 0; turn < 3; turn++) {
		began = cpu_ms();
		for (int i = 0; i < TRIES; i++)
			ERR(fork(), EAGAIN);
		if (cpu_ms() - began < least)
			least = cpu_ms() - began;
	}
	return least;
}

static void
user(void)
{
	struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	pid_t group, pid;
	char c;

	OK(setrlimit(RLIMIT_NPROC, &none));
	OK(setresuid(USER, USER, USER));
	group = group_without_leader();
	while ((pid = fork()) > 0)
		CHECK(pid != group);
	if (pid == 0)
		_exit(0);
	EQ(errno, EAGAIN);
	LE(refused_ms(), MOST_MS);
	EQ(write(told[1], "f", 1), 1);
	EQ(read(go[0], &c, 1), 1);
	/* What is waited for is free again. */
	EQ(waitpid(-1, NULL, 0) > 0, 1);
	EQ(waitpid(-1, NULL, 0) > 0, 1);
	pid = OK(fork());
	if (pid == 0)
		_exit(0);
	OK(kill(-group, SIGKILL));
	_exit(0);
}

/* Several at a time, as a shell with a pipeline. */
static void
root_forks(void)
{
	pid_t pid[ROOTS];

	for (int i = 0; i < ROOTS; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0) {
			pause();
			_exit(0);
		}
	}
	for (int i = 0; i < ROOTS; i++) {
		OK(kill(pid[i], SIGKILL));
		REAP_SIGNAL(pid[i], SIGKILL);
	}
}

int
main(int argc, char **argv)
{
	pid_t pid;
	char c;
	int fd;

	if (!on_vadose()) /* Linux keeps none for root, and others live there */
		return 0;
	fd = OK(open("/proc/sys/kernel/pid_max", O_WRONLY));
	ERR(write(fd, "300", 3), EINVAL);
	ERR(write(fd, "32769", 5), EINVAL);
	OK(close(fd));
	numbers(argc > 1 ? argv[1] : "1200");
	OK(pipe(told));
	OK(pipe(go));
	pid = OK(fork());
	if (pid == 0)
		user();
	EQ(read(told[0], &c, 1), 1);
	root_forks();
	EQ(write(go[1], "g", 1), 1);
	REAP(pid, 0);
	numbers("32768");
	return test_done();
}
