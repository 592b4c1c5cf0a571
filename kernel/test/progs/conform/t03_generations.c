/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T3: a chain of 12 forks; each level writes and verifies its own view of
 * 300 pages; middle levels exit in a random (seeded) order.
 */
#include "lib/test.h"

#define LEVELS 12
#define MOST 300
#define PAGES rounds(MOST)

struct shared {
	volatile int go[LEVELS + 1]; /* 1: verify and exit */
	volatile int ready;          /* levels that have written */
	volatile int done[LEVELS + 1];
};

static struct shared *s;
static unsigned char *area;
static unsigned char view[MOST]; /* what this level must see */

static void
wait_for(volatile int *word, int value)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < value)
		sched_yield();
}

static void
verify(int level)
{
	for (int i = 0; i < PAGES; i++)
		if (area[i * PAGE + i] != view[i])
			FAIL("level %d page %d: expected %d, seen %d", level,
			    i, view[i], area[i * PAGE + i]);
}

static void
write_own(int level)
{
	uint64_t seed = 1000 + level;

	for (int k = 0; k < PAGES / 3; k++) {
		int i = rnd(&seed) % PAGES;

		view[i] = level * 17 + k;
		area[i * PAGE + i] = view[i];
	}
}

/* The child that goes deepest returns from fork at the last level. */
static void __attribute__((noreturn))
run_levels(void)
{
	int level = 1;

	for (;;) {
		verify(level);
		write_own(level);
		verify(level);
		__atomic_store_n(&s->ready, level, __ATOMIC_RELEASE);
		if (level == LEVELS || OK(fork()) != 0)
			break;
		level++;
	}
	wait_for(&s->ready, LEVELS);
	write_own(level + 100);
	wait_for(&s->go[level], 1);
	verify(level);
	__atomic_store_n(&s->done[level], 1, __ATOMIC_RELEASE);
	_exit(0);
}

int
main(void)
{
	int order[LEVELS];
	uint64_t seed = 3;
	pid_t first;

	setvbuf(stdout, NULL, _IONBF, 0);
	s = (void *)pages_shared(1);
	area = (void *)pages_private(PAGES);
	for (int i = 0; i < PAGES; i++)
		area[i * PAGE + i] = view[i] = i;
	first = OK(fork());
	if (first == 0)
		run_levels();
	wait_for(&s->ready, LEVELS);
	printf("%d levels have written\n", LEVELS);
	for (int i = 0; i < LEVELS; i++)
		order[i] = i + 1;
	for (int i = LEVELS - 1; i > 0; i--) {
		int j = rnd(&seed) % (i + 1), t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
	for (int i = 0; i < LEVELS; i++) {
		uint64_t until = now_ns() + 20000000000UL;

		s->go[order[i]] = 1;
		while (!s->done[order[i]] && now_ns() < until)
			sched_yield();
		CHECK(s->done[order[i]]);
		verify(0);
		printf("level %d verified and gone\n", order[i]);
	}
	REAP(first, 0);
	verify(0);
	printf("the origin is unchanged\n");
	return test_done();
}
