/* NEEDS: MEM=96M ICOUNT=1 TIMEOUT=120 SWEEP=no */
/*
 * What three uses of fork cost: faults, copies, frames and ticks of the
 * processor's counter, which under --icount are instructions; printed with an
 * argument, for tools/compare-designs.  Here each must only cost something.
 */
#include "lib/events.h"

#define PAGES 1000 /* that the parent has touched */
#define ROUNDS 4   /* forks of one use; the tree has 2 + 4 + 8 in one */
#define DEPTH 3

static char *p;
static const char *self;

static uint64_t
ticks(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static void
store_all(size_t step)
{
	for (size_t i = 0; i < PAGES; i += step)
		p[i * PAGE]++;
}

/* The usual fate of a child: it uses nothing of what it was given. */
static void
fork_exec(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = OK(fork());

		if (pid == 0) {
			execl(self, "nothing", NULL);
			_exit(1);
		}
		REAP(pid, 0);
	}
}

/* A child that uses all of it. */
static void
fork_touch_all(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = OK(fork());

		if (pid == 0) {
			store_all(1);
			_exit(0);
		}
		REAP(pid, 0);
	}
}

/* Children of children; each stores to a tenth. */
static void
tree(int depth)
{
	pid_t pid[2];

	for (int i = 0; i < 2; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0) {
			store_all(10);
			if (depth > 1)
				tree(depth - 1);
			_exit(0);
		}
	}
	REAP(pid[0], 0);
	REAP(pid[1], 0);
}

static void
fork_tree(void)
{
	tree(DEPTH);
}

static void
bill(const char *use, void (*fn)(void), int print)
{
	static const char *const rows[][2] = { { "faults", "fault.total" },
		{ "copies", "page.copy" }, { "frames", "page.alloc" } };
	uint64_t from, n;

	snap_all(1);
	from = ticks();
	fn();
	n = ticks() - from;
	snap_all(2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(snap_delta(1, 2, rows[i][1]) >= 0);
		if (print)
			printf("%s %s %ld\n", use, rows[i][0],
			    snap_delta(1, 2, rows[i][1]));
	}
	CHECK(n > 0);
	if (print)
		printf("%s ticks %lu\n", use, n);
}

int
main(int argc, char **argv)
{
	if (strcmp(argv[0], "nothing") == 0)
		return 0;
	snap_init();
	self = argv[0];
	setvbuf(stdout, NULL, _IOLBF, 0);
	p = pages_private(PAGES);
	store_all(1);
	bill("fork+exec", fork_exec, argc > 1);
	bill("fork+touch-all", fork_touch_all, argc > 1);
	bill("fork-tree", fork_tree, argc > 1);
	return test_done();
}
