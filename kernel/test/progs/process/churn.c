/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 ARGS=1:200 SWEEP=no MORE=1,2 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * busybox true again and again, every tenth killed half-way: afterwards
 * no frame, no object and no promise is missing.  Arguments: seed:count.
 */
#include "lib/test.h"

static void
one(bool killed, uint64_t *seed)
{
	char *argv[] = { "busybox", "true", NULL };
	long spin = rnd(seed) % 3000;
	int status;
	pid_t pid = OK(fork());

	if (pid == 0) {
		execv("/bin/busybox", argv);
		_exit(9);
	}
	if (!killed) {
		REAP(pid, 0);
		return;
	}
	for (uint64_t until = now_ns() + spin * 1000; now_ns() < until;)
		sched_yield();
	OK(kill(pid, SIGKILL));
	status = reap(pid);
	CHECK(status == 0 || status == SIGKILL);
}

int
main(int argc, char **argv)
{
	uint64_t seed = 1;
	long count = 200;

	seed_count(argc, argv, &seed, &count);
	for (int i = 0; i < 30; i++)
		one(i % 10 == 5, &seed);
	leak_mark();
	for (long i = 0; i < count; i++)
		one(i % 10 == 5, &seed);
	leak_diff();
	return test_done();
}
