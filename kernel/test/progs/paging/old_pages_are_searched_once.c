/* NEEDS: MEM=32M SWAP=256M CPUS=1,2 TIMEOUT=60 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Who takes pages from a program does not search all of it for old ones each time that
 * frames become few: a search without an answer is made again only when the pages have
 * become older.  So a page that goes costs few looks at words, however large the program
 * is.
 */
#include "lib/events.h"
#include "lib/pressure.h"

#define LOOKS 24 /* for a page that goes */

int
main(void)
{
	size_t n = meminfo("MemTotal") * 2;
	long went, looks;
	char *p;

	need_swap();
	snap_init();
	p = pages_private(n);
	for (size_t i = 0; i < n / 2; i++)
		p[i * PAGE] = 1;
	snap_all(1);
	for (size_t i = n / 2; i < n; i++)
		p[i * PAGE] = 1;
	snap_all(2);
	went = snap_delta(1, 2, "ws.trimmed");
	looks = snap_delta(1, 2, "ws.looks");
	printf("%zu stores: %ld pages went, %ld looks\n", n / 2, went, looks);
	CHECK(went >= (long)n / 4);
	LE(looks, went * LOOKS);
	return test_done();
}
