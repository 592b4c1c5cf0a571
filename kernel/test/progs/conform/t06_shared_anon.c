/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T6: shared anonymous memory stays shared over fork: a ring of counters
 * between a parent and four children, an object that survives its maker,
 * and an munmap in one process that leaves the others their mapping.
 */
#include "lib/test.h"

#define CHILDREN 4
#define PAGES 64

static void
ring(void)
{
	volatile long *word = (long *)pages_shared(PAGES);
	size_t stride = PAGE / sizeof(long);
	long last = rounds(500);
	pid_t pid[CHILDREN];

	for (int c = 0; c < CHILDREN; c++) {
		pid[c] = OK(fork());
		if (pid[c] != 0)
			continue;
		for (long n = c; n < last; n += CHILDREN + 1) {
			while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != n)
				sched_yield();
			word[(1 + n % (PAGES - 1)) * stride] += n;
			__atomic_store_n(word, n + 1, __ATOMIC_RELEASE);
		}
		_exit(0);
	}
	for (long n = CHILDREN; n < last; n += CHILDREN + 1) {
		while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != n)
			sched_yield();
		word[(1 + n % (PAGES - 1)) * stride] += n;
		__atomic_store_n(word, n + 1, __ATOMIC_RELEASE);
	}
	long sum = 0;
	for (int c = 0; c < CHILDREN; c++)
		REAP(pid[c], 0);
	for (int i = 1; i < PAGES; i++)
		sum += word[i * stride];
	printf("ring: word %ld, sum %ld\n", word[0], sum);
	OK(munmap((void *)word, PAGES * PAGE));
}

static void
adders(void)
{
	long *word = (long *)pages_shared(1);
	pid_t pid[CHILDREN];

	for (int c = 0; c < CHILDREN; c++) {
		pid[c] = OK(fork());
		if (pid[c] != 0)
			continue;
		for (int i = 0; i < 20000; i++)
			__atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
		_exit(0);
	}
	for (int c = 0; c < CHILDREN; c++)
		REAP(pid[c], 0);
	printf("adders: %ld\n", *word);
}

/* The maker exits; its child, now an orphan, still has the object. */
static void
maker_exits(void)
{
	volatile int *flag = (int *)pages_shared(1);
	int fd[2];
	char c;
	pid_t maker;

	OK(pipe(fd));
	maker = OK(fork());
	if (maker == 0) {
		char *obj = pages_shared(PAGES);

		memset(obj, 'm', PAGES * PAGE);
		if (OK(fork()) != 0)
			_exit(0);
		while (*flag == 0)
			sched_yield();
		for (size_t i = 0; i < PAGES * PAGE; i += 511)
			EQ(obj[i], 'm');
		EQ(write(fd[1], "k", 1), 1);
		_exit(0);
	}
	REAP(maker, 0);
	*flag = 1;
	EQ(read(fd[0], &c, 1), 1);
	printf("the object survives its maker\n");
}

static void
one_unmaps(void)
{
	char *p = pages_shared(PAGES);
	pid_t pid;

	memset(p, 'a', PAGES * PAGE);
	pid = OK(fork());
	if (pid == 0) {
		memset(p + PAGE, 'b', PAGE);
		OK(munmap(p, PAGES * PAGE));
		_exit(0);
	}
	REAP(pid, 0);
	for (int i = 0; i < PAGES; i++)
		EQ(p[i * PAGE], i == 1 ? 'b' : 'a');
	printf("munmap in the child leaves the parent's pages\n");
}

/* Pages that nobody touched before the fork are shared all the same. */
static void
untouched(void)
{
	char *p = pages_shared(PAGES);
	pid_t pid = OK(fork());

	if (pid == 0) {
		p[7 * PAGE] = 'x';
		OK(mprotect(p, PAGE, PROT_NONE));
		_exit(0);
	}
	REAP(pid, 0);
	EQ(p[7 * PAGE], 'x');
	EQ(p[0], 0);
	printf("pages first touched after the fork are shared\n");
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	ring();
	adders();
	maker_exits();
	one_unmaps();
	untouched();
	return test_done();
}
