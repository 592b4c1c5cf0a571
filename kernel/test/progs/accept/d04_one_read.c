/* NEEDS: MEM=64M SWAP=256M CPUS=2,4 TIMEOUT=120 */
/*
 * D4: four threads fault the same page in swap at the same moment: it is
 * read once, one frame holds it, and all see it.
 */
#include "../lib/events.h"
#include "../lib/pressure.h"
#include <pthread.h>

#define THREADS 4
#define STRIDE 32 /* more than is read ahead */
#define ROUNDS 60
#define WARM 10
#define PAGES (STRIDE * ROUNDS)

static char *area;
static volatile int arrived, released; /* rounds times threads; rounds */

/* All threads go on together. */
static void
meet(void)
{
	int n = __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
	int round = (n - 1) / THREADS;

	if (n == THREADS * (round + 1))
		__atomic_store_n(&released, round + 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&released, __ATOMIC_SEQ_CST) <= round)
		sched_yield();
}

/* Each round touches one page, all threads the same. */
static void
rounds(int first, int last)
{
	for (int r = first; r < last; r++) {
		const char *p = area + (size_t)r * STRIDE * PAGE;

		meet();
		STAMPED(p, (uint64_t)r * STRIDE, 0);
	}
	meet();
}

/* The first rounds bring in what the threads themselves need. */
static void *
reader(void *arg)
{
	rounds(0, WARM);
	meet();
	rounds(WARM, ROUNDS);
	return arg;
}

int
main(void)
{
	struct hog hog;
	pthread_t t[THREADS];

	snap_init();
	hog = hog_start();
	area = pages_private(PAGES);
	for (size_t i = 0; i < PAGES; i++)
		stamp(area + i * PAGE, i, 0);
	push_out(&hog, area, PAGES, PAGES);
	for (int i = 1; i < THREADS; i++)
		EQ(pthread_create(&t[i], NULL, reader, NULL), 0);
	snap_all(1);
	rounds(0, WARM);
	snap_all(1);
	meet();
	rounds(WARM, ROUNDS);
	snap_all(2);
	for (int i = 1; i < THREADS; i++)
		pthread_join(t[i], NULL);
	/* Neighbours that lie elsewhere on swap come by requests of their own. */
	DELTA_LE(1, 2, "swap.in_bios", 2 * (ROUNDS - WARM));
	/* One for all threads, not one for each; and two of the program's own. */
	LE(ROUNDS - WARM, snap_delta(1, 2, "fault.swapin"));
	DELTA_LE(1, 2, "fault.swapin", ROUNDS - WARM + 2);
	hog_end(&hog);
	return test_done();
}
