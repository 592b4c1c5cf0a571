/* NEEDS: MEM=64M SWAP=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A fork while most pages have left the working set, and are still in memory: the
 * child has them all, and what either stores is its own.
 */
#include <sys/resource.h>

#include "lib/test.h"

#define PAGES 256
#define RSS_PAGES 64

static void
all_are(const volatile char *p, int add)
{
	for (int i = 0; i < PAGES; i++)
		EQ(p[i * PAGE], (char)(i + add));
}

int
main(void)
{
	struct rlimit rss = { RSS_PAGES * PAGE, RSS_PAGES * PAGE };
	volatile char *p = pages_private(PAGES);
	pid_t pid;

	OK(setrlimit(RLIMIT_RSS, &rss));
	for (int i = 0; i < PAGES; i++)
		p[i * PAGE] = (char)(i + 1);
	pid = OK(fork());
	if (pid == 0) {
		all_are(p, 1);
		for (int i = 0; i < PAGES; i++)
			p[i * PAGE] = (char)(i + 2);
		all_are(p, 2);
		_exit(0);
	}
	all_are(p, 1);
	REAP(pid, 0);
	all_are(p, 1);
	return test_done();
}
