/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bill.c: runs one program of the comparison, and tells what it cost
 *
 * Problem   The same program must run under each design, and its price be read
 *           by the same hand, whether it is written for this or a stranger's.
 *
 * Picture   programs NAME [small]               one of forks.c, pages.c, out.c
 *           programs NAME -- COMMAND [ARG...]   a stranger's: from its fork to
 *                                               its end
 *
 * Rules     1. Snapshots lie in shared memory that was touched before.
 *           2. Under QEMU's -icount a tick of the processor's counter is an
 *              instruction.
 *
 * Read next forks.c.
 */
#include "bill.h"

enum { FROM = 1, PEAK, TO };

const char *self;
static uint64_t from;
static unsigned long things; /* at the peak; 0: there was none */

static uint64_t
ticks(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

void
bill_from(void)
{
	fflush(stdout);
	snap_all(FROM);
	from = ticks();
}

void
bill_peak(unsigned long n)
{
	snap_all(PEAK);
	things = n;
}

static void
row(const char *name, long end, long change, long peak)
{
	fprintf(stderr, "bill: %s %ld %ld %ld\n", name, end, change, peak);
}

/* A line of each counter that is not 0, or was not. */
void
bill_to(unsigned long operations)
{
	uint64_t n = ticks() - from;
	char name[64];
	long to;

	snap_all(TO);
	row("ticks", 0, n, 0);
	row("operations", 0, operations, things);
	for (const char *p = snap_area[TO].text; p != NULL;
	     p = strchr(p, '\n')) {
		p += *p == '\n';
		if (sscanf(p, "%63s %ld", name, &to) != 2)
			continue;
		if (to != 0 || snap_get(FROM, name) != 0)
			row(name, to, snap_delta(FROM, TO, name),
			    things > 0 ? snap_delta(FROM, PEAK, name) : 0);
	}
}

static int
stranger(char **command)
{
	pid_t pid;

	bill_from();
	pid = OK(fork());
	if (pid == 0) {
		execv(command[0], command);
		FAIL("%s: errno %d", command[0], errno);
	}
	REAP(pid, 0);
	bill_to(1);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct program *const all[] = { fork_programs,
		page_programs, out_programs };

	if (strcmp(argv[0], "nothing") == 0)
		return 0;
	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		printf("programs NAME [small], programs NAME -- COMMAND...\n");
		return argc < 2 ? 2 : 0;
	}
	self = argv[0];
	snap_init();
	if (argc > 3 && strcmp(argv[2], "--") == 0)
		return stranger(argv + 3);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct program *p = all[i]; p->name != NULL; p++)
			if (strcmp(p->name, argv[1]) == 0) {
				p->run(argc > 2);
				return test_done();
			}
	FAIL("no program %s", argv[1]);
}
