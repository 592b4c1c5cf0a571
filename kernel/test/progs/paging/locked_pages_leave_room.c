/* NEEDS: MEM=64M CPUS=1,2 MORE=2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A limit of the working set never stops a store: locked pages do not count
 * against it, so a program stores as well with few of them as with more than the
 * limit; and where many threads fault at once each comes to its turn.  Of all designs.
 */
#include "lib/design.h"
#include "lib/events.h"
#include <pthread.h>

#define LIMIT 64
#define SMALLEST 16    /* pages: no limit is less */
#define PAGES 128      /* more than the limit: each store of a round faults */
#define ROUNDS 4
#define THREADS 29
#define OWN 40         /* pages of each thread */
#define STORES 2       /* of each, until all have had their turn */
#define CPU_SECONDS 20 /* of work that takes a fraction of one, where a second is so many
                        * instructions; of several CPUs the host's pace is in it */

static void
set_rss(long pages)
{
	struct rlimit rl = { pages * PAGE, pages * PAGE };

	OK(setrlimit(RLIMIT_RSS, &rl));
}

/* Who does not come further ends by SIGPROF. */
static void
end_if_stopped(void)
{
	bool exact = sysconf(_SC_NPROCESSORS_ONLN) == 1;
	struct itimerval it = { .it_value.tv_sec = CPU_SECONDS * (exact ? 1 : 10) };

	OK(setitimer(ITIMER_PROF, &it, NULL));
}

static void
store_with_locked(int n)
{
	char *locked = pages_private(PAGES), *p = pages_private(PAGES);

	set_rss(LIMIT);
	end_if_stopped();
	OK(mlock(locked, n * PAGE));
	if (on_vadose())
		snap_all(1);
	for (int i = 0; i < ROUNDS * PAGES; i++)
		((volatile char *)p)[i % PAGES * PAGE]++;
	if (on_vadose())
		snap_all(2);
	for (int i = 0; i < PAGES; i++)
		EQ(p[i * PAGE], ROUNDS);
	if (on_vadose())
		DELTA_LE(1, 2, "fault.total", 3 * ROUNDS * PAGES);
	for (int i = 0; i < n; i++)
		locked[i * PAGE] = 1;
	_exit(0);
}

static _Atomic long stores[THREADS];

static void *
store_on(void *count)
{
	volatile char *p = pages_private(OWN);

	for (int i = 0;; i++) {
		p[i % OWN * PAGE]++;
		++*(_Atomic long *)count;
	}
	return NULL;
}

static void
store_by_threads(void)
{
	pthread_t t;

	end_if_stopped();
	set_rss(SMALLEST);
	for (int i = 0; i < THREADS; i++)
		EQ(pthread_create(&t, NULL, store_on, (void *)&stores[i]), 0);
	for (int i = 0; i < THREADS; i++)
		while (stores[i] < STORES)
			sleep_ms(1);
	_exit(0);
}

static int
under_this_design(void)
{
	static const int locked[] = { 0, 62, 63, 64, 80, 127 };
	pid_t pid;

	if (on_vadose())
		snap_init();
	for (unsigned i = 0; i < sizeof(locked) / sizeof(locked[0]); i++) {
		pid = OK(fork());
		if (pid == 0)
			store_with_locked(locked[i]);
		REAP(pid, 0);
	}
	pid = OK(fork());
	if (pid == 0)
		store_by_threads();
	REAP(pid, 0);
	return 0;
}

int
main(int argc, char **argv)
{
	if (!on_vadose())
		return under_this_design();
	return under_each_design(argc, argv) ? test_done() : under_this_design();
}
