/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 SWEEP=few KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A process writes, maps and forks while its parent sets its limits: each forked
 * child shares them, so that the next change gives the process limits of its own
 * and the old ones back, in the middle of what reads them.  No call may see but
 * the two values that are set, and what is set last holds.
 */
#include "lib/test.h"
#include <pthread.h>

#define CHANGES 1500
#define HIGH (64 * MIB)

static struct shared {
	volatile bool go, stop;
	volatile unsigned long refused;
} *shared;

/* Each asks for RLIMIT_AS or RLIMIT_FSIZE. */
static void *
asks(void *unused)
{
	int fd = nameless_file("/tmp");
	char byte = 1;
	void *p;

	(void)unused;
	while (!shared->stop) {
		EQ(pwrite(fd, &byte, 1, 0), 1);
		p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) {
			EQ(errno, ENOMEM);
			shared->refused++;
			continue;
		}
		OK(munmap(p, PAGE));
	}
	OK(close(fd));
	return NULL;
}

/* Its children are what its limits are shared with. */
static void
victim(void)
{
	struct rlimit rl;
	pthread_t t;
	pid_t pid;

	EQ(pthread_create(&t, NULL, asks, NULL), 0);
	shared->go = true;
	while (!shared->stop) {
		pid = OK(fork());
		if (pid == 0)
			_exit(0);
		REAP(pid, 0);
	}
	EQ(pthread_join(t, NULL), 0);
	pid = OK(fork());
	if (pid == 0) {
		OK(getrlimit(RLIMIT_FSIZE, &rl));
		EQ(rl.rlim_cur, HIGH);
		_exit(0);
	}
	REAP(pid, 0);
	_exit(0);
}

int
main(void)
{
	struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY }, rl;
	struct rlimit tight = { 1, RLIM_INFINITY };
	struct rlimit high = { HIGH, RLIM_INFINITY };
	pid_t pid;

	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	pid = OK(fork());
	if (pid == 0)
		victim();
	while (!shared->go)
		sched_yield();
	/* Until one was refused: a loaded host may give the victim no turn. */
	for (int i = 0; i < rounds(CHANGES) ||
	    (!is_watched() && shared->refused == 0); i++) {
		OK(prlimit(pid, RLIMIT_AS, &tight, &rl));
		EQ(rl.rlim_cur, RLIM_INFINITY);
		OK(prlimit(pid, RLIMIT_FSIZE, &none, NULL));
		if (i % 16 == 0)
			sched_yield();
		OK(prlimit(pid, RLIMIT_AS, &none, &rl));
		EQ(rl.rlim_cur, 1);
		OK(prlimit(pid, RLIMIT_FSIZE, &high, NULL));
	}
	shared->stop = true;
	REAP(pid, 0);
	return 0;
}
