/* NEEDS: MEM=64M SWAP=256M CPUS=2,4 TIMEOUT=150 SWEEP=no MORE=2 SHORT=2 TURN=3 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Threads read pages from swap while another one forks, again and again: a
 * child has every page, also those that were on their way when it was made.
 */
#include "lib/pressure.h"
#include <pthread.h>

#define THREADS 3
#define PAGES 3000
#define ROUNDS 5
#define FORKS 8
#define LOOKS 150

static char *area;
static volatile int stop;

/* In another order than memory, so that nothing is read ahead for long. */
static void *
reader(void *arg)
{
	uint64_t seed = (uintptr_t)arg;

	while (!stop) {
		size_t i = rnd(&seed) % PAGES;

		STAMPED(area + i * PAGE, i, 0);
	}
	return NULL;
}

static void __attribute__((noreturn))
child(uint64_t seed)
{
	for (int k = 0; k < LOOKS; k++) {
		size_t i = rnd(&seed) % PAGES;

		STAMPED(area + i * PAGE, i, 0);
		if (k % 4 == 0)
			stamp(area + i * PAGE, i, 0);
	}
	_exit(0);
}

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;
	pthread_t t[THREADS];
	struct hog hog;

	need_swap();
	hog = hog_start();
	area = pages_private(PAGES);
	for (size_t i = 0; i < PAGES; i++)
		stamp(area + i * PAGE, i, 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		EQ(pthread_create(&t[i], NULL, reader, (void *)(i + 1)), 0);
	for (int r = 0; r < rounds; r++) {
		hog_press(&hog, meminfo("MemTotal"));
		for (int i = 0; i < FORKS; i++) {
			pid_t pid;

			/* All leave once more, and begin to come back. */
			OK(madvise(area, PAGES * PAGE, MADV_PAGEOUT));
			sleep_ms(2);
			pid = OK(fork());
			if (pid == 0)
				child(r * FORKS + i + 1);
			REAP(pid, 0);
		}
	}
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		EQ(pthread_join(t[i], NULL), 0);
	hog_end(&hog);
	return test_done();
}
