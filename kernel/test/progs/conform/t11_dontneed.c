/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=30 SWEEP=two KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T11: MADV_DONTNEED: private anonymous memory reads zero at once, on all
 * CPUs; shared memory keeps its bytes; after fork each has its own.
 */
#include "lib/trap.h"
#include <pthread.h>

#define N ((size_t)rounds(600))

static void
private_pages(void)
{
	char *p = pages_private(N);

	memset(p, 'd', N * PAGE);
	OK(madvise(p + PAGE, (N - 2) * PAGE, MADV_DONTNEED));
	EQ(load(p + PAGE - 1), 'd');
	EQ(load(p + (N - 1) * PAGE), 'd');
	for (size_t i = PAGE; i < (N - 1) * PAGE; i += 1021)
		EQ(load(p + i), 0);
	memset(p, 'e', N * PAGE);
	OK(madvise(p, N * PAGE, MADV_DONTNEED));
	for (size_t i = 0; i < N; i++) {
		store(p + i * PAGE + 5, i);
		EQ(load(p + i * PAGE + 6), 0);
	}
	printf("private: zero\n");
	OK(mprotect(p, N * PAGE, PROT_READ));
	OK(madvise(p, N * PAGE, MADV_DONTNEED));
	EQ(load(p + 5), 0);
	OK(mprotect(p, N * PAGE, PROT_NONE));
	OK(madvise(p, N * PAGE, MADV_DONTNEED));
	printf("read-only and inaccessible: also\n");
	OK(munmap(p, N * PAGE));
}

static void
shared_pages(void)
{
	char *p = pages_shared(N);

	memset(p, 's', N * PAGE);
	OK(madvise(p, N * PAGE, MADV_DONTNEED));
	for (size_t i = 0; i < N * PAGE; i += 1021)
		EQ(load(p + i), 's');
	printf("shared: kept\n");
	OK(munmap(p, N * PAGE));
}

static void
after_fork(void)
{
	char *p = pages_private(N);
	pid_t pid;

	memset(p, 'f', N * PAGE);
	pid = OK(fork());
	if (pid == 0) {
		EQ(load(p), 'f');
		OK(madvise(p, N * PAGE / 2, MADV_DONTNEED));
		EQ(load(p), 0);
		EQ(load(p + (N / 2 - 1) * PAGE), 0);
		EQ(load(p + N / 2 * PAGE), 'f');
		_exit(0);
	}
	REAP(pid, 0);
	for (size_t i = 0; i < N; i++)
		EQ(load(p + i * PAGE), 'f');
	pid = OK(fork());
	if (pid == 0) {
		sleep_ms(30);
		for (size_t i = 0; i < N; i++)
			EQ(load(p + i * PAGE), 'f');
		_exit(0);
	}
	OK(madvise(p, N * PAGE, MADV_DONTNEED));
	EQ(load(p + 9 * PAGE), 0);
	REAP(pid, 0);
	EQ(load(p + 9 * PAGE), 0);
	printf("after fork: only one's own view\n");
	OK(munmap(p, N * PAGE));
}

static char *watched;
static volatile long phase; /* odd: the page was dropped, it reads zero */

static void *
watcher(void *arg)
{
	long n;

	do {
		n = __atomic_load_n(&phase, __ATOMIC_ACQUIRE);
		int v = load(watched);
		if ((n & 1) && n == __atomic_load_n(&phase, __ATOMIC_ACQUIRE))
			EQ(v, 0);
	} while (n >= 0);
	return arg;
}

static void
all_cpus(void)
{
	pthread_t thread;

	watched = pages_private(1);
	EQ(pthread_create(&thread, NULL, watcher, NULL), 0);
	for (int i = 0; i < rounds(60); i++) {
		__atomic_add_fetch(&phase, 1, __ATOMIC_RELEASE);
		sched_yield();
		__atomic_add_fetch(&phase, 1, __ATOMIC_RELEASE);
		store(watched, 'w');
		OK(madvise(watched, PAGE, MADV_DONTNEED));
	}
	__atomic_store_n(&phase, -1, __ATOMIC_RELEASE);
	EQ(pthread_join(thread, NULL), 0);
	printf("no CPU sees the old byte afterwards\n");
}

static void
wrong(void)
{
	char *p = pages_private(8);

	memset(p, 'h', 8 * PAGE);
	OK(munmap(p + 3 * PAGE, PAGE));
	ERR(madvise(p, 8 * PAGE, MADV_DONTNEED), ENOMEM);
	EQ(load(p), 0);
	EQ(load(p + 7 * PAGE), 0);
	ERR(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	ERR(madvise(p, PAGE, 9999), EINVAL);
	ERR(madvise(p, 0, 9999), EINVAL);
	ERR(madvise(p, -PAGE, MADV_DONTNEED), EINVAL);
	OK(madvise(p, 0, MADV_DONTNEED));
	printf("hole: all mapped pages, then ENOMEM; wrong: EINVAL\n");
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	trap_catch(0);
	private_pages();
	shared_pages();
	after_fork();
	all_cpus();
	wrong();
	return test_done();
}
