/* NEEDS: MEM=256M CPUS=1,2,4 TIMEOUT=60 SWEEP=few,two KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T2: parent and child write disjoint and equal pages, in all orders;
 * neither sees what the other wrote after the fork.
 */
#include "lib/test.h"
#include <pthread.h>

#define PAGES rounds(256)

enum order { PARENT_FIRST, CHILD_FIRST, TOGETHER, CHILD_READS_FIRST };

static const char *const order_name[] = { "parent first", "child first",
	"together", "child reads first" };

static volatile int *turn;

static void
wait_turn(int n)
{
	while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) < n)
		sched_yield();
}

static void
give_turn(int n)
{
	__atomic_store_n(turn, n, __ATOMIC_RELEASE);
}

static void
stamp(char *p, int from, int step, int who)
{
	for (int i = from; i < PAGES; i += step)
		memset(p + i * PAGE, who ^ i, 64);
}

/* Pages from, from+step, ... are who's; all others are still the origin's. */
static void
verify(const char *p, int from, int step, int who)
{
	for (int i = 0; i < PAGES; i++) {
		bool own = i >= from && (i - from) % step == 0;
		char want = (own ? who : 'o') ^ i;

		EQ(p[i * PAGE], want);
		EQ(p[i * PAGE + 63], want);
	}
}

static void
child(char *p, enum order order, int from, int step)
{
	if (order == PARENT_FIRST)
		wait_turn(1);
	if (order == CHILD_READS_FIRST)
		verify(p, 0, PAGES + 1, 'o' ^ 0);
	stamp(p, from, step, 'c');
	verify(p, from, step, 'c');
	give_turn(2);
	wait_turn(3);
	verify(p, from, step, 'c');
	_exit(0);
}

static void
scenario(enum order order, int child_from, int step)
{
	char *p = pages_private(PAGES);
	pid_t pid;

	*turn = 0;
	stamp(p, 0, 1, 'o');
	pid = OK(fork());
	if (pid == 0)
		child(p, order, child_from, step);
	if (order == CHILD_FIRST || order == CHILD_READS_FIRST)
		wait_turn(2);
	stamp(p, 0, step, 'p');
	verify(p, 0, step, 'p');
	if (order == PARENT_FIRST)
		give_turn(1);
	wait_turn(2);
	verify(p, 0, step, 'p');
	give_turn(3);
	REAP(pid, 0);
	verify(p, 0, step, 'p');
	stamp(p, 0, 1, 'z');
	verify(p, 0, 1, 'z');
	OK(munmap(p, PAGES * PAGE));
}

/* A thread writes all the time while the process forks. */
static char *busy_pages;
static volatile int busy_stop;

static void *
busy_writer(void *arg)
{
	volatile unsigned *p = (void *)busy_pages;
	unsigned n = 0;

	while (!busy_stop) {
		n++;
		for (int i = 0; i < 8; i++)
			p[i * PAGE / sizeof(*p)] = n;
	}
	return arg;
}

static void
frozen_view(void)
{
	volatile unsigned *p;
	pthread_t thread;

	busy_pages = pages_private(8);
	p = (void *)busy_pages;
	EQ(pthread_create(&thread, NULL, busy_writer, NULL), 0);
	for (int round = 0; round < rounds(30); round++) {
		pid_t pid = OK(fork());

		if (pid == 0) {
			unsigned a[8];

			for (int i = 0; i < 8; i++)
				a[i] = p[i * PAGE / sizeof(*p)];
			sched_yield();
			for (int i = 0; i < 8; i++)
				EQ(p[i * PAGE / sizeof(*p)], a[i]);
			_exit(0);
		}
		REAP(pid, 0);
	}
	busy_stop = 1;
	EQ(pthread_join(thread, NULL), 0);
	printf("a writing thread does not reach the child\n");
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	turn = (int *)pages_shared(1);
	for (int order = PARENT_FIRST; order <= CHILD_READS_FIRST; order++) {
		scenario(order, 1, 2);
		printf("disjoint pages, %s: ok\n", order_name[order]);
		scenario(order, 0, 1);
		printf("equal pages, %s: ok\n", order_name[order]);
		scenario(order, 0, 3);
		printf("every third page, %s: ok\n", order_name[order]);
	}
	frozen_view();
	return test_done();
}
