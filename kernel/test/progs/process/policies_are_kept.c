/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Scheduling policies: what was set is told, a child has it as well, and /proc shows
 * it; a reset at fork takes no more than a better niceness; real time is for who has
 * the right to it, and here for nobody.
 */
#include "lib/host.h"

#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif

static int
policy_of(pid_t pid)
{
	return OK(syscall(SYS_sched_getscheduler, pid));
}

static void
set(int policy)
{
	int priority = 0;

	EQ(syscall(SYS_sched_setscheduler, 0, policy, &priority), 0);
}

/* Field 41 of stat. */
static int
shown_policy(void)
{
	char text[1024], *p;
	int fd = OK(open("/proc/self/stat", O_RDONLY)), i;
	ssize_t n = OK(read(fd, text, sizeof(text) - 1));

	close(fd);
	text[n] = 0;
	p = strrchr(text, ')') + 2;
	for (i = 3; i < 41; i++)
		p = strchr(p, ' ') + 1;
	return atoi(p);
}

static void
children(void)
{
	pid_t pid;

	set(3);
	EQ(policy_of(0), 3);
	EQ(shown_policy(), 3);
	pid = OK(fork());
	if (pid == 0)
		_exit(policy_of(0));
	REAP(pid, 3);
	set(3 | SCHED_RESET_ON_FORK);
	EQ(policy_of(0), 3 | SCHED_RESET_ON_FORK);
	OK(setpriority(PRIO_PROCESS, 0, 5));
	pid = OK(fork());
	if (pid == 0)
		_exit(policy_of(0) | getpriority(PRIO_PROCESS, 0) << 4);
	REAP(pid, 3 | 5 << 4);
	set(0);
	OK(setpriority(PRIO_PROCESS, 0, 0));
}

static void
attributes(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t times[3];
		uint32_t clamp[2];
	} at = { .size = sizeof(at), .policy = 3, .nice = 4 }, back;
	uint32_t longer[15] = { 60, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };

	EQ(sizeof(at), 56);
	OK(syscall(SYS_sched_setattr, 0, &at, 0));
	OK(syscall(SYS_sched_getattr, 0, &back, sizeof(back), 0));
	EQ(back.policy, 3);
	EQ(back.nice, 4);
	EQ(back.size, 56);
	EQ(getpriority(PRIO_PROCESS, 0), 4);
	ERR(syscall(SYS_sched_setattr, 0, longer, 0), E2BIG);
	EQ(longer[0], 56);
	at.nice = 0;
	at.policy = 0;
	OK(syscall(SYS_sched_setattr, 0, &at, 0));
}

/* Idle gets its turn all the same. */
static void
idle(void)
{
	volatile unsigned long n = 0;
	pid_t pid = OK(fork());

	if (pid == 0) {
		set(5);
		while (n < 1000000)
			n++;
		_exit(policy_of(0));
	}
	REAP(pid, 5);
}

static void
real_time(void)
{
	int priority = 1;
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(setresuid(1000, 1000, 1000));
		ERR(syscall(SYS_sched_setscheduler, 0, 1, &priority), EPERM);
		priority = 0;
		ERR(syscall(SYS_sched_setscheduler, 0, 1, &priority), EINVAL);
		_exit(0);
	}
	REAP(pid, 0);
}

int
main(void)
{
	children();
	attributes();
	idle();
	real_time();
	return test_done();
}
