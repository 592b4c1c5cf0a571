/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=30 CLOCK=1 KIND=bounded */
/* BOUNDED: the date is the host's; several CPUs run in any order */
/*
 * Clocks: none goes back on any CPU; sleeps are never short; CPU time is
 * charged; times() counts in hundredths; errors.
 */
#include "lib/test.h"
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/times.h>

#define MOST_NS 2000000000 /* of a short sleep */
#define CLOCK_OF_FD_0 ((clockid_t)(~0u << 3 | 3))
#define CPU_CLOCK_OF_ME(kind) ((clockid_t)(~0u << 3 | (kind)))

static volatile uint64_t latest; /* by any thread */

static void *
watch(void *arg)
{
	for (long i = rounds(20000); i > 0; i--) {
		uint64_t before = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
		uint64_t now = now_ns();

		if (now < before)
			FAIL("monotonic: expected >= %lu, seen %lu", before,
			    now);
		__atomic_compare_exchange_n(&latest, &before, now, false,
		    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	}
	return arg;
}

static void
monotonic(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		EQ(pthread_create(&t[i], NULL, watch, NULL), 0);
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

static void
sleeps(void)
{
	struct timespec ts = { 0, 0 }, at;
	uint64_t t0, slept = 0;
	int timer;

	for (int ms = 1; ms <= 50; ms += 7) {
		/* Once a host may stand still. */
		for (int i = 0; i < 3 && (i == 0 || slept > MOST_NS); i++) {
			t0 = now_ns();
			sleep_ms(ms);
			slept = now_ns() - t0;
			CHECK(slept >= (uint64_t)ms * 1000000);
		}
		LE(slept, MOST_NS);
	}
	OK(nanosleep(&ts, NULL));
	ts.tv_nsec = 1000000000;
	ERR(nanosleep(&ts, NULL), EINVAL);
	ts.tv_sec = -1;
	ts.tv_nsec = 0;
	ERR(nanosleep(&ts, NULL), EINVAL);
	t0 = now_ns();
	OK(clock_gettime(CLOCK_MONOTONIC, &at));
	at.tv_nsec += 20000000;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL), 0);
	CHECK(now_ns() - t0 >= 20000000);
	at = (struct timespec){ 0, 1 };
	EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL), 0);
	EQ(clock_nanosleep(999, 0, &at, NULL), EINVAL);
	EQ(clock_nanosleep(CLOCK_OF_FD_0, 0, &at, NULL), EOPNOTSUPP);
	ERR(syscall(SYS_timer_create, CLOCK_OF_FD_0, NULL, &timer), EOPNOTSUPP);
}

static void
clocks(void)
{
	static const int ids[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct timespec ts, res;
	struct timeval tv;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		OK(clock_gettime(ids[i], &ts));
		CHECK(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	}
	ERR(clock_gettime(77, &ts), EINVAL);
	OK(clock_getres(CLOCK_MONOTONIC, &res));
	EQ(res.tv_sec, 0);
	EQ(res.tv_nsec, 1);
	/* CPU time as ticks count it, user time too, and as the scheduler does. */
	OK(clock_getres(CPU_CLOCK_OF_ME(0), &res));
	CHECK(res.tv_nsec >= 1000000);
	OK(clock_getres(CPU_CLOCK_OF_ME(1), &res));
	CHECK(res.tv_nsec >= 1000000);
	OK(clock_getres(CPU_CLOCK_OF_ME(2), &res));
	EQ(res.tv_nsec, 1);
	OK(clock_gettime(CLOCK_REALTIME, &ts));
	OK(gettimeofday(&tv, NULL));
	CHECK(tv.tv_sec - ts.tv_sec <= 1);
	CHECK(ts.tv_sec > 1600000000); /* the clock of the machine is right */
	CHECK(time(NULL) - tv.tv_sec <= 1);
}

static long
cpu_ms(int id)
{
	struct timespec ts;

	OK(clock_gettime(id, &ts));
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
cpu_time(void)
{
	long before = cpu_ms(CLOCK_PROCESS_CPUTIME_ID), spent;
	struct rusage ru;
	struct tms t;
	clock_t ticks;

	while (cpu_ms(CLOCK_PROCESS_CPUTIME_ID) - before < 100)
		continue;
	spent = cpu_ms(CLOCK_PROCESS_CPUTIME_ID);
	sleep_ms(200);
	LE(cpu_ms(CLOCK_PROCESS_CPUTIME_ID) - spent, 100);
	CHECK(cpu_ms(CLOCK_THREAD_CPUTIME_ID) >= 95);
	OK(getrusage(RUSAGE_SELF, &ru));
	CHECK(ru.ru_utime.tv_sec * 1000 + ru.ru_utime.tv_usec / 1000 +
	        ru.ru_stime.tv_sec * 1000 + ru.ru_stime.tv_usec / 1000 >= 80);
	ticks = times(&t);
	CHECK(t.tms_utime + t.tms_stime >= 8);
	sleep_ms(100);
	/* Linux's ticks are behind where a machine's CPUs have to wait. */
	LE(on_vadose() ? 9 : 5, times(&t) - ticks);
}

/*
 * Two threads read the process's CPU time in turn: what one has seen, the
 * other's running time included, the next one sees at least.
 */
static volatile long whose, seen;

static void *
take_turns(void *arg)
{
	struct timespec ts;
	long now;

	for (long i = rounds(4000); i > 0; i--) {
		for (int spins = 0; whose != (arg == NULL); spins++)
			if (spins > 20000)
				sched_yield(); /* one CPU */
		OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts));
		now = ts.tv_sec * 1000000000 + ts.tv_nsec;
		if (now < seen)
			FAIL("CPU time: expected >= %ld, seen %ld", seen, now);
		seen = now;
		__sync_synchronize();
		whose = arg != NULL;
	}
	return arg;
}

static void
cpu_time_of_all(void)
{
	pthread_t t;

	EQ(pthread_create(&t, NULL, take_turns, (void *)1), 0);
	take_turns(NULL);
	EQ(pthread_join(t, NULL), 0);
}

int
main(void)
{
	monotonic();
	sleeps();
	clocks();
	cpu_time();
	cpu_time_of_all();
	return test_done();
}
