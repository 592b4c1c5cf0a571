/* NEEDS: MEM=48M SWAP=256M CPUS=1,4 TIMEOUT=60 SWEEP=few,two KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T12: MADV_FREE: a page may vanish until it is written again; what is
 * written afterwards stays, what others share is not touched.
 */
#include "lib/file.h"
#include "lib/smaps.h"
#include "lib/trap.h"
#include <pthread.h>

#define N ((size_t)rounds(600))

/* Old, or zero: but one of the two for the whole page. */
static bool
old_or_zero(const char *p, int old)
{
	int first = load((char *)p);

	if (first != 0 && first != old)
		return false;
	for (size_t i = 1; i < PAGE; i += 499)
		if (load((char *)p + i) != first && load((char *)p + i) != 0)
			return false;
	return true;
}

static void
freed(void)
{
	char *p = pages_apart(N);

	memset(p, 'f', N * PAGE);
	OK(madvise(p, N * PAGE, MADV_FREE));
	for (size_t i = 0; i < N; i++)
		CHECK(old_or_zero(p + i * PAGE, 'f'));
	printf("old or zero\n");
	memset(p, 'g', N * PAGE);
	OK(madvise(p, N * PAGE, MADV_FREE));
	for (size_t i = 0; i < N; i += 3)
		store(p + i * PAGE + 9, 'w');
	OK(madvise(p, N * PAGE, MADV_COLD));
	(void)madvise(p, N * PAGE, MADV_PAGEOUT);
	for (size_t i = 0; i < N; i++) {
		if (i % 3 == 0)
			EQ(load(p + i * PAGE + 9), 'w');
		else
			CHECK(old_or_zero(p + i * PAGE, 'g'));
	}
	printf("written afterwards: kept\n");
	memset(p, 'h', N * PAGE);
	OK(madvise(p, N * PAGE, MADV_FREE));
	OK(madvise(p, N * PAGE, MADV_FREE));
	OK(madvise(p, N * PAGE, MADV_DONTNEED));
	for (size_t i = 0; i < N; i++)
		EQ(load(p + i * PAGE), 0);
	printf("DONTNEED after it: zero\n");
	OK(munmap(p, N * PAGE));
}

/* The kernel writes, too: by read(2) into the page. */
static void
filled_by_read(void)
{
	int fds[2];
	char *p = pages_apart(4);

	memset(p, 'r', 4 * PAGE);
	OK(pipe(fds));
	OK(madvise(p, 4 * PAGE, MADV_FREE));
	EQ(write(fds[1], "abcdef", 6), 6);
	EQ(read(fds[0], p + 100, 6), 6);
	(void)madvise(p, 4 * PAGE, MADV_PAGEOUT);
	EQ(memcmp(p + 100, "abcdef", 6), 0);
	close(fds[0]);
	close(fds[1]);
	OK(munmap(p, 4 * PAGE));
	printf("filled by read(): kept\n");
}

/* A child frees what is common, and ends; the parent's pages are its own. */
static void
freed_by_one(char *p)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		for (size_t i = 0; i < N; i++)
			EQ(load(p + i * PAGE), 's');
		OK(madvise(p, N * PAGE, MADV_FREE));
		_exit(0);
	}
	REAP(pid, 0);
	for (size_t i = 0; i < N; i++)
		EQ(load(p + i * PAGE), 's');
	(void)madvise(p, N * PAGE, MADV_PAGEOUT);
	for (size_t i = 0; i < N; i++)
		EQ(load(p + i * PAGE + 5), 's');
}

static void
shared_by_fork(void)
{
	char *p = pages_apart(N);
	int fds[2], up[2];
	pid_t pid;
	char c;

	OK(pipe(fds));
	OK(pipe(up));
	memset(p, 's', N * PAGE);
	pid = OK(fork());
	if (pid == 0) {
		OK(madvise(p, N * PAGE, MADV_FREE));
		(void)madvise(p, N * PAGE, MADV_PAGEOUT);
		EQ(write(up[1], "x", 1), 1);
		EQ(read(fds[0], &c, 1), 1);
		for (size_t i = 0; i < N; i++)
			CHECK(old_or_zero(p + i * PAGE, 's'));
		memset(p, 'c', N * PAGE);
		OK(madvise(p, N * PAGE, MADV_FREE));
		store(p, 'd');
		EQ(load(p), 'd');
		_exit(0);
	}
	EQ(read(up[0], &c, 1), 1);
	for (size_t i = 0; i < N; i++)
		EQ(load(p + i * PAGE + 5), 's');
	EQ(write(fds[1], "x", 1), 1);
	REAP(pid, 0);
	for (size_t i = 0; i < N; i++)
		EQ(load(p + i * PAGE + 5), 's');
	freed_by_one(p);
	printf("freed by a child: the parent has all\n");
	memset(p, 't', N * PAGE);
	OK(madvise(p, N * PAGE, MADV_FREE));
	store(p + PAGE, 'k');
	pid = OK(fork());
	if (pid == 0) {
		EQ(load(p + PAGE), 'k');
		for (size_t i = 2; i < N; i++)
			CHECK(old_or_zero(p + i * PAGE, 't'));
		store(p + 2 * PAGE, 'm');
		(void)madvise(p, N * PAGE, MADV_PAGEOUT);
		EQ(load(p + 2 * PAGE), 'm');
		_exit(0);
	}
	REAP(pid, 0);
	EQ(load(p + PAGE), 'k');
	CHECK(old_or_zero(p + 2 * PAGE, 't'));
	printf("freed before the fork: old or zero in both\n");
	OK(munmap(p, N * PAGE));
	close(fds[0]);
	close(fds[1]);
	close(up[0]);
	close(up[1]);
}

/* A thread writes while another one frees: the last write stays. */

static char *area;
static volatile long turn; /* odd: free it; even: write and look */

static void *
freer(void *arg)
{
	long n;

	do {
		n = __atomic_load_n(&turn, __ATOMIC_ACQUIRE);
		if (n & 1) {
			OK(madvise(area, 8 * PAGE, MADV_FREE));
			__atomic_store_n(&turn, n + 1, __ATOMIC_RELEASE);
		}
		sched_yield();
	} while (n >= 0);
	return arg;
}

static void
all_cpus(void)
{
	pthread_t thread;
	long n = 0;

	area = pages_private(8);
	EQ(pthread_create(&thread, NULL, freer, NULL), 0);
	for (int round = 1; round <= rounds(40); round++) {
		memset(area, 'o', 8 * PAGE);
		__atomic_store_n(&turn, ++n, __ATOMIC_RELEASE);
		/* Stores on this CPU, by whatever its TLB knows. */
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == n)
			store(area + 7 * PAGE, 'o');
		n++;
		for (int i = 0; i < 8; i++)
			store(area + i * PAGE, round);
		if (round % 4 == 0)
			(void)madvise(area, 8 * PAGE, MADV_PAGEOUT);
		for (int i = 0; i < 8; i++)
			EQ(load(area + i * PAGE), round);
	}
	__atomic_store_n(&turn, -2, __ATOMIC_RELEASE);
	EQ(pthread_join(thread, NULL), 0);
	OK(munmap(area, 8 * PAGE));
	printf("stores of any CPU after the call stay\n");
}

static void
wrong(void)
{
	int fd = file_stamped("t12", 4, 'a');
	char *p = file_map(fd, 0, 4, RW, MAP_PRIVATE);
	char *s = pages_shared(4), *h = pages_apart(8);

	store(p, 'p');
	ERR(madvise(p, 4 * PAGE, MADV_FREE), EINVAL);
	EQ(load(p), 'p');
	ERR(madvise(s, 4 * PAGE, MADV_FREE), EINVAL);
	ERR(madvise(h + 1, PAGE, MADV_FREE), EINVAL);
	memset(h, 'h', 8 * PAGE);
	OK(munmap(h + 3 * PAGE, PAGE));
	ERR(madvise(h, 8 * PAGE, MADV_FREE), ENOMEM);
	store(h, 'i');
	EQ(load(h), 'i');
	CHECK(old_or_zero(h + 7 * PAGE, 'h'));
	OK(mlock(h, PAGE));
	ERR(madvise(h, PAGE, MADV_FREE), EINVAL);
	OK(munlock(h, PAGE));
	OK(madvise(h, 0, MADV_FREE));
	OK(munmap(p, 4 * PAGE));
	close(fd);
	printf("file, shared, unaligned, locked: EINVAL; hole: ENOMEM\n");
}

int
main(int argc, char **argv)
{
	file_args(argc, argv);
	trap_catch(0);
	freed();
	filled_by_read();
	shared_by_fork();
	all_cpus();
	wrong();
	return test_done();
}
