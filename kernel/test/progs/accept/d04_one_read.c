/* NEEDS: MEM=64M SWAP=256M CPUS=2,4 TIMEOUT=120 MORE=2 TURN=3 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * d04: four threads fault the same page in swap at the same moment: it is
 * read once, one frame holds it, and all see it.
 */
#include "../lib/events.h"
#include "../lib/pressure.h"
#include <pthread.h>

#define THREADS 4
#define STRIDE 32 /* more than is read ahead */
#define ROUNDS 60
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
all_rounds(void)
{
	for (int r = 0; r < ROUNDS; r++) {
		const char *p = area + (size_t)r * STRIDE * PAGE;

		meet();
		STAMPED(p, (uint64_t)r * STRIDE, 0);
	}
	meet();
}

/* What the threads need for themselves is locked before there is an area. */
static void *
reader(void *arg)
{
	meet();
	all_rounds();
	return arg;
}

int
main(void)
{
	struct hog hog;
	pthread_t t[THREADS];

	snap_init();
	hog = hog_start();
	for (int i = 1; i < THREADS; i++)
		EQ(pthread_create(&t[i], NULL, reader, NULL), 0);
	OK(mlockall(MCL_CURRENT));
	area = pages_private(PAGES);
	for (size_t i = 0; i < PAGES; i++)
		stamp(area + i * PAGE, i, 0);
	push_out(&hog, area, PAGES, PAGES);
	snap_self(1);
	snap_all(2);
	meet();
	all_rounds();
	snap_self(3);
	snap_all(4);
	for (int i = 1; i < THREADS; i++)
		pthread_join(t[i], NULL);
	/* One for all threads, not one for each. */
	DELTA_EQ(1, 3, "fault.swapin", ROUNDS);
	/* Neighbours that lie elsewhere on swap come by requests of their own. */
	DELTA_LE(2, 4, "swap.in_bios", 2 * ROUNDS);
	hog_end(&hog);
	return test_done();
}
