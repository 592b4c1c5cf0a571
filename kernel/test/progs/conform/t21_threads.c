/* NEEDS: MEM=256M CPUS=1,2,4 TIMEOUT=120 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T21: threads in one address space: 8 threads fault one page; faults
 * against munmap and mmap of the same range, and against mprotect: only
 * signals of the allowed kind, and every sum is right.
 */
#include "lib/test.h"
#include <pthread.h>

#define THREADS 8
#define PAGES 64

static pthread_barrier_t barrier;
static char *area;
static volatile int stop;
static long faults_seen;

static __thread sigjmp_buf back;
static __thread volatile int code;

static void
handler(int signo, siginfo_t *si, void *uc)
{
	uintptr_t at = (uintptr_t)si->si_addr;

	(void)uc;
	if (signo != SIGSEGV || at < (uintptr_t)area ||
	    at >= (uintptr_t)area + PAGES * PAGE)
		FAIL("signal %d at %#lx, expected SIGSEGV in the area", signo,
		    at);
	code = si->si_code;
	siglongjmp(back, 1);
}

static void
run(void *(*fn)(void *))
{
	pthread_t t[THREADS];

	for (long i = 0; i < THREADS; i++)
		EQ(pthread_create(&t[i], NULL, fn, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

/* All at once add to their own word of the same, fresh page. */
static void *
one_page(void *arg)
{
	long me = (long)arg;

	for (int i = 0; i < PAGES; i++) {
		volatile long *p = (long *)(area + i * PAGE);

		pthread_barrier_wait(&barrier);
		if (me % 2)
			EQ(p[64], 0);
		p[me] += i + 1;
		__atomic_fetch_add(&p[32], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void
same_page(void)
{
	for (int round = 0; round < 8; round++) {
		area = pages_private(PAGES);
		run(one_page);
		for (int i = 0; i < PAGES; i++) {
			long *p = (long *)(area + i * PAGE);

			EQ(p[32], THREADS);
			for (int k = 0; k < THREADS; k++)
				EQ(p[k], i + 1);
		}
		OK(munmap(area, PAGES * PAGE));
	}
	printf("8 threads fault one page: all sums right\n");
}

/* Thread 0 changes the range, the others read and write it. */
static void
touch(long me, int allowed)
{
	static __thread uint64_t seed;

	seed = me + 7;

	while (!stop) {
		volatile char *p = area + rnd(&seed) % PAGES * PAGE + me;

		if (sigsetjmp(back, 1) == 0) {
			int v = *p;

			if (v != 0 && v != me)
				FAIL("thread %ld sees %d", me, v);
			*p = me;
		} else {
			if (code != allowed)
				FAIL("si_code: expected %d, seen %d", allowed,
				    code);
			__atomic_fetch_add(&faults_seen, 1, __ATOMIC_RELAXED);
		}
	}
}

static void *
against_munmap(void *arg)
{
	long me = (long)arg;

	if (me != 0) {
		touch(me, SEGV_MAPERR);
		return NULL;
	}
	for (int i = 0, n = rounds(60); i < n; i++) {
		char *at = area + i % 5 * 8 * PAGE;

		OK(munmap(at, 16 * PAGE));
		if (i % 16 == 0)
			sched_yield();
		CHECK(mmap(at, 16 * PAGE, PROT_READ | PROT_WRITE,
		          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
		for (int k = 0; k < 16; k++)
			EQ(at[k * PAGE + 4000], 0);
	}
	stop = 1;
	return NULL;
}

static void *
against_mprotect(void *arg)
{
	long me = (long)arg;

	if (me != 0) {
		touch(me, SEGV_ACCERR);
		return NULL;
	}
	for (int i = 0, n = rounds(60); i < n; i++) {
		char *at = area + i % 5 * 8 * PAGE;

		OK(mprotect(at, 16 * PAGE, i % 2 ? PROT_NONE : PROT_READ));
		if (i % 16 == 0)
			sched_yield();
		OK(mprotect(at, 16 * PAGE, PROT_READ | PROT_WRITE));
	}
	stop = 1;
	return NULL;
}

static void
raced(void *(*fn)(void *), const char *what)
{
	area = pages_private(PAGES);
	stop = 0;
	run(fn);
	for (int i = 0; i < PAGES; i++)
		for (int k = 0; k < THREADS; k++)
			CHECK(area[i * PAGE + k] == 0 || area[i * PAGE + k] == k);
	OK(munmap(area, PAGES * PAGE));
	printf("%s: only the allowed signals, bytes right\n", what);
}

int
main(void)
{
	struct sigaction sa;

	setvbuf(stdout, NULL, _IONBF, 0);
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = handler;
	sa.sa_flags = SA_SIGINFO;
	OK(sigaction(SIGSEGV, &sa, NULL));
	OK(sigaction(SIGBUS, &sa, NULL));
	EQ(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	same_page();
	raced(against_munmap, "faults against munmap and mmap");
	raced(against_mprotect, "faults against mprotect");
	return test_done();
}
