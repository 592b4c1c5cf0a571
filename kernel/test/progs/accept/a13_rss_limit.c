/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A13: RLIMIT_RSS limits the working set, from the next program or child on
 * as from the next fault on; who lowers it below what there is gives that up.
 */
#include "../lib/events.h"

#define LIMIT 64
#define PAGES 256
#define OWN 40 /* pages of the program itself, used again and again */

static char text[8 * KIB];

static void
set_rss(long pages)
{
	struct rlimit rl = { pages * PAGE, RLIM_INFINITY };

	OK(setrlimit(RLIMIT_RSS, &rl));
}

static long
self(const char *name)
{
	snap_read("/proc/self/events", text, sizeof(text));
	return snap_find(text, name);
}

static void
touch(volatile char *p)
{
	for (int i = 0; i < PAGES; i++)
		p[i * PAGE]++;
}

/* The program anew, under the limit from its first page on. */
static int
limited(void)
{
	char *p = pages_private(PAGES);
	long before = self("ws.self_replace"), after;

	touch(p);
	after = self("ws.self_replace");
	LE(self("ws.peak"), LIMIT);
	CHECK(after - before >= PAGES - LIMIT);
	LE(after - before, PAGES - LIMIT + OWN);
	for (int i = 0; i < PAGES; i++)
		EQ(p[i * PAGE], 1);
	return test_done();
}

static void
in_child(void)
{
	char *p = pages_private(PAGES);

	LE(self("ws.peak"), LIMIT);
	touch(p);
	LE(self("ws.pages"), LIMIT);
	LE(self("ws.peak"), LIMIT);
	_exit(0);
}

int
main(int argc, char **argv)
{
	char *again[] = { argv[0], "limited", NULL };
	pid_t pid;
	char *p;

	if (!on_vadose()) {
		printf("skipped: Linux has no such limit\n");
		return 0;
	}
	if (argc > 1)
		return limited();
	p = pages_private(PAGES);
	touch(p);
	CHECK(self("ws.pages") > PAGES);
	set_rss(LIMIT);
	pid = OK(fork());
	if (pid == 0)
		in_child();
	REAP(pid, 0);
	p[PAGES / 2 * PAGE]++;
	touch(p);
	LE(self("ws.pages"), LIMIT);
	execv("/proc/self/exe", again);
	FAIL("exec: errno %d", errno);
}
