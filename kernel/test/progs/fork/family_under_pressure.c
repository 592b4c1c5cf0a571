/* NEEDS: MEM=64M SWAP=768M CPUS=1,4 TIMEOUT=150 SWEEP=no MORE=1 SHORT=1 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Copy-on-write, shared memory and swap together: a parent with 48 MiB,
 * eight children that read, write, fork again and exit in random order,
 * three rounds.  Every view is right in every byte, and all that was taken
 * is back afterwards: frames, slots, entries and commit.
 */
#include "lib/events.h"
#include "lib/pressure.h"

#define PRIVATE (40 * MIB / PAGE)
#define SHARED (8 * MIB / PAGE)
#define CHILDREN 8
#define ROUNDS "3"
#define KIDS 10 /* numbers of a child's own writes; its child's are +1 */

static char *priv, *shared;
static uint8_t *view;           /* of the private pages: who wrote last */
static volatile uint8_t *owner; /* of the shared pages; shared itself */

/* Shared page i is written by child i % CHILDREN alone. */
static void
work(int child, int who, uint64_t *seed, int n)
{
	while (n-- > 0) {
		size_t i = rnd(seed) % PRIVATE;

		STAMPED(priv + i * PAGE, i, view[i]);
		if (rnd(seed) % 3 == 0) {
			view[i] = who;
			stamp(priv + i * PAGE, i, who);
		}
		i = rnd(seed) % (SHARED / CHILDREN) * CHILDREN + child;
		STAMPED(shared + i * PAGE, i, owner[i]);
		if (rnd(seed) % 3 == 0) {
			owner[i] = who;
			stamp(shared + i * PAGE, i, who);
		}
	}
}

static void
verify(void)
{
	for (size_t i = 0; i < PRIVATE; i++)
		STAMPED(priv + i * PAGE, i, view[i]);
}

static void __attribute__((noreturn))
child(int c, int round)
{
	uint64_t seed = round * 100 + c + 1;
	int who = 1 + c * KIDS;
	pid_t pid;

	work(c, who, &seed, 400);
	pid = OK(fork());
	if (pid == 0) {
		/* Its parent leaves the shared pages alone until it ends. */
		work(c, who + 1, &seed, 200);
		verify();
		_exit(0);
	}
	if (c % 2 != 0)
		verify();
	REAP(pid, 0);
	work(c, who + 2, &seed, 200);
	sleep_ms(rnd(&seed) % 300);
	verify();
	_exit(0);
}

static void
run_round(int round)
{
	pid_t pid[CHILDREN];

	for (int c = 0; c < CHILDREN; c++) {
		pid[c] = OK(fork());
		if (pid[c] == 0)
			child(c, round);
	}
	for (size_t i = 0; i < PRIVATE; i += 7) {
		view[i] = 200 + round;
		stamp(priv + i * PAGE, i, view[i]);
	}
	verify();
	for (int c = 0; c < CHILDREN; c++)
		REAP(pid[c], 0);
	verify();
	for (size_t i = 0; i < SHARED; i++)
		STAMPED(shared + i * PAGE, i, owner[i]);
}

static void
family(int rounds)
{
	priv = pages_private(PRIVATE);
	shared = pages_shared(SHARED);
	view = (uint8_t *)pages_private(PRIVATE / PAGE + 1);
	owner = (uint8_t *)pages_shared(SHARED / PAGE + 1);
	for (size_t i = 0; i < PRIVATE; i++)
		stamp(priv + i * PAGE, i, 0);
	for (size_t i = 0; i < SHARED; i++)
		stamp(shared + i * PAGE, i, 0);
	for (int r = 0; r < rounds; r++)
		run_round(r);
	OK(munmap(priv, PRIVATE * PAGE));
	OK(munmap(shared, SHARED * PAGE));
	OK(munmap(view, (PRIVATE / PAGE + 1) * PAGE));
	OK(munmap((void *)owner, (SHARED / PAGE + 1) * PAGE));
}

/*
 * In a process of its own, so that all it had must be back when it is gone;
 * by vfork, so that we share nothing with it that could stay.
 */
static void
found(const char *rounds)
{
	pid_t pid = OK(vfork());

	if (pid == 0) {
		execl("/proc/self/exe", "family", rounds, (char *)NULL);
		_exit(127);
	}
	REAP(pid, 0);
}

/* Twice before the mark: what a first use makes, and keeps, is there then. */
int
main(int argc, char **argv)
{
	if (argc > 1) {
		family(atoi(argv[1]));
		return test_done();
	}
	found("1");
	found("1");
	if (on_vadose())
		leak_mark();
	found(ROUNDS);
	if (on_vadose())
		leak_diff();
	return test_done();
}
