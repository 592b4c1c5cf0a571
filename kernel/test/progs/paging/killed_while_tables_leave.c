/* NEEDS: MEM=48M SWAP=64M CPUS=2,4 TIMEOUT=100 SWEEP=no MORE=2 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Processes are killed while they use shared memory whose tables go to swap
 * between any two steps (FI_EVICT_ENTRY): who dies brings a table that has
 * become empty back, too, and frees it.
 */
#include "lib/pressure.h"

#define ROUNDS 60
#define SONS 4
#define SPAN (2 * MIB) /* of one table */
#define TABLES 24

static void __attribute__((noreturn))
use_objects(uint64_t seed)
{
	for (;;) {
		char *p = mmap(NULL, (size_t)TABLES * SPAN,
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS |
		    MAP_NORESERVE, -1, 0);

		CHECK(p != MAP_FAILED);
		for (int i = 0; i < 2 * TABLES; i++)
			p[rnd(&seed) % (TABLES * SPAN / PAGE) * PAGE] = 1;
		OK(munmap(p, (size_t)TABLES * SPAN));
	}
}

int
main(void)
{
	uint64_t seed = 7;
	pid_t pid[SONS];

	if (!on_vadose()) {
		printf("skipped: needs /proc/vm/inject\n");
		return 0;
	}
	EQ(proc_write("/proc/vm/inject", "FI_EVICT_ENTRY:1:1"), 0);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < SONS; i++) {
			pid[i] = OK(fork());
			if (pid[i] == 0)
				use_objects(round * SONS + i + 1);
		}
		sleep_ms(20 + rnd(&seed) % 60);
		for (int i = 0; i < SONS; i++)
			OK(kill(pid[i], SIGKILL));
		for (int i = 0; i < SONS; i++)
			REAP_SIGNAL(pid[i], SIGKILL);
	}
	EQ(proc_write("/proc/vm/inject", "off"), 0);
	return test_done();
}
