/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * futex: wait, wake, timeouts, requeue, wake-op, bit sets, shared keys over
 * fork, and its errors (book: abi 5).
 */
#include "lib/sleeps.h"
#include "lib/futex.h"
#include <pthread.h>

static int word, second;
static volatile int awake, begun;
static volatile pid_t tids[4];

static long
futex(int *at, int op, int val, const void *ts, int *at2, int val3)
{
	return syscall(SYS_futex, at, op, val, ts, at2, val3);
}

static void *
waiter(void *arg)
{
	long op = (long)arg;

	tids[__atomic_fetch_add(&begun, 1, __ATOMIC_RELAXED)] =
	    syscall(SYS_gettid);
	while (futex(&word, op, 0, NULL, NULL, 4) != 0)
		CHECK(errno == EINTR);
	__atomic_fetch_add(&awake, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void
errors(void)
{
	struct timespec short_time = { 0, 20000000 }, bad = { 0, 1000000000 };
	uint64_t t0 = now_ns();

	ERR(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN);
	ERR(futex(&word, FUTEX_WAIT, 0, &short_time, NULL, 0), ETIMEDOUT);
	CHECK(now_ns() - t0 >= 20000000);
	ERR(futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0), EINVAL);
	ERR(futex((int *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0),
	    EINVAL);
	ERR(futex((int *)8, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
	ERR(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
	/* A time that counts from now has no clock to choose. */
	ERR(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, &short_time,
	        NULL, 0), ENOSYS);
	ERR(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0),
	    ENOSYS);
	ERR(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0,
	        &short_time, NULL, ~0), ETIMEDOUT);
	/* A time is looked at before the clock is. */
	ERR(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, &bad, NULL, 0),
	    EINVAL);
	ERR(futex(&word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, (void *)8, NULL,
	        0), EFAULT);
	ERR(futex(&word, 99 | FUTEX_CLOCK_REALTIME, 0, (void *)8, NULL, 0), ENOSYS);
	ERR(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
	EQ(futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0), 0);
	ERR(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &second, 7), EAGAIN);
	/* An absolute deadline that is past. */
	ERR(futex(&word, FUTEX_WAIT_BITSET, 0, &short_time, NULL, ~0),
	    ETIMEDOUT);
}

static void
start(pthread_t *t, int n, long op)
{
	awake = begun = 0;
	memset((void *)tids, 0, sizeof(tids));
	for (int i = 0; i < n; i++)
		EQ(pthread_create(&t[i], NULL, waiter, (void *)op), 0);
	for (int i = 0; i < n; i++) {
		while (tids[i] == 0)
			sleep_ms(1);
		thread_sleeps(getpid(), tids[i]);
	}
	EQ(awake, 0);
}

static void
finish(pthread_t *t, int n)
{
	for (int i = 0; i < n; i++)
		EQ(pthread_join(t[i], NULL), 0);
	EQ(awake, n);
}

static void
wakes(void)
{
	pthread_t t[4];

	start(t, 4, FUTEX_WAIT);
	EQ(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	EQ(futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0), 3);
	finish(t, 4);
	start(t, 4, FUTEX_WAIT | FUTEX_PRIVATE_FLAG);
	EQ(futex(&word, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)2,
	       &second, 0), 3);
	EQ(futex(&second, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0),
	    2);
	EQ(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0), 1);
	finish(t, 4);
	start(t, 2, FUTEX_WAIT_BITSET);
	EQ(futex(&word, FUTEX_WAKE_BITSET, 9, NULL, NULL, 3), 0);
	EQ(futex(&word, FUTEX_WAKE_BITSET, 9, NULL, NULL, 12), 2);
	finish(t, 2);
	/* None, or less than none, is one. */
	start(t, 4, FUTEX_WAIT);
	EQ(futex(&word, FUTEX_WAKE, 0, NULL, NULL, 0), 1);
	EQ(futex(&word, FUTEX_WAKE_BITSET, -1, NULL, NULL, 4), 1);
	EQ(futex(&word, FUTEX_WAKE_OP, -5, NULL, &second,
	       FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 1)), 1);
	EQ(futex(&second, FUTEX_WAKE_OP, 1, NULL, &word,
	       FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)), 1);
	finish(t, 4);
	start(t, 2, FUTEX_WAIT);
	second = 5; /* second += 1; it was 5, so wake there too (nobody) */
	EQ(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &second,
	       FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 5)), 1);
	EQ(second, 6);
	EQ(futex(&word, FUTEX_CMP_REQUEUE, 0, (void *)1, &second, 0), 1);
	EQ(futex(&second, FUTEX_WAKE, 9, NULL, NULL, 0), 1);
	finish(t, 2);
}

/* How the word of a WAKE_OP changes, and of which old values its waiters are woken. */
static void
operations(void)
{
	static const struct {
		uint32_t op, arg;
		int was, becomes;
	} ops[] = {
		{ 0, 9, 5, 9 }, { 0, 0xfff, 5, -1 }, { 1, 0xffe, 5, 3 }, { 2, 0x12, 5, 0x17 },
		{ 3, 4, 5, 1 }, { 4, 6, 5, 3 }, { 8, 31, 5, INT32_MIN }, { 8 | 4, 2, 5, 1 },
	};
	pthread_t t;
	int nobody = 0;

	for (unsigned i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		second = ops[i].was;
		EQ(futex(&nobody, FUTEX_WAKE_OP, 1, (void *)1, &second,
		       (int)FUTEX_OP(ops[i].op, ops[i].arg, 0u, 0u)), 0);
		EQ(second, ops[i].becomes);
	}
	ERR(futex(&nobody, FUTEX_WAKE_OP, 1, (void *)1, &second, FUTEX_OP(5, 1, 0, 0)),
	    ENOSYS);
	ERR(futex(&nobody, FUTEX_WAKE_OP, 1, (void *)1, &second, FUTEX_OP(0, 7, 6, 0)),
	    ENOSYS);
	EQ(second, 7);
	for (int cmp = 0; cmp < 6; cmp++)
		for (int arg = -1; arg < 2; arg++) {
			const bool holds[] = { arg == 0, arg != 0, 0 < arg, 0 <= arg,
				0 > arg, 0 >= arg };

			start(&t, 1, FUTEX_WAIT);
			EQ(futex(&nobody, FUTEX_WAKE_OP, 1, (void *)1, &word,
			       FUTEX_OP(1, 0, cmp, arg & 0xfff)), holds[cmp]);
			EQ(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), !holds[cmp]);
			finish(&t, 1);
		}
}

/* Who is moved to where he waits counts, and keeps his place. */
static void
to_the_same_word(int private)
{
	pthread_t t[4];

	start(t, 4, FUTEX_WAIT | private);
	EQ(futex(&word, FUTEX_REQUEUE | private, 0, (void *)9, &word, 0), 4);
	EQ(futex(&word, FUTEX_REQUEUE | private, 0, (void *)3, &word, 0), 3);
	EQ(futex(&word, FUTEX_REQUEUE | private, 0, NULL, &word, 0), 0);
	EQ(futex(&word, FUTEX_CMP_REQUEUE | private, 0, (void *)9, &word, 0), 4);
	ERR(futex(&word, FUTEX_CMP_REQUEUE | private, 1, (void *)9, &word, 5),
	    EAGAIN);
	EQ(futex(&word, FUTEX_REQUEUE | private, 1, (void *)1, &word, 0), 2);
	EQ(futex(&word, FUTEX_CMP_REQUEUE | private, 1, (void *)9, &word, 0), 3);
	EQ(futex(&word, FUTEX_WAKE | private, 9, NULL, NULL, 0), 2);
	finish(t, 4);
}

/* The key of a shared page is the page, not the address. */
static void
over_fork(void)
{
	int *shared = (int *)pages_shared(1), woken, tries = 0;
	pid_t pid = OK(fork());

	if (pid == 0) {
		int *moved = mremap(shared, PAGE, PAGE,
		    MREMAP_MAYMOVE | MREMAP_FIXED, pages_private(1));

		while (*(volatile int *)moved == 0)
			futex(moved, FUTEX_WAIT, 0, NULL, NULL, 0);
		_exit(0);
	}
	/* It is woken for nothing, and waits again. */
	while ((woken = OK(futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0))) == 0) {
		LE(++tries, 10000);
		sleep_ms(1);
	}
	EQ(woken, 1);
	__atomic_store_n(shared, 1, __ATOMIC_SEQ_CST);
	OK(futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0));
	REAP(pid, 0);
}

int
main(void)
{
	errors();
	wakes();
	operations();
	to_the_same_word(0);
	to_the_same_word(FUTEX_PRIVATE_FLAG);
	over_fork();
	return test_done();
}
