/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern.c: self-tests of threads, locks, timers and work
 *
 * Problem   Mutual exclusion, wake-ups that are not lost and fair queues are
 *           shown only by threads on several CPUs that try to break them.
 *
 * Rules     Counts, not times: a slow machine does not fail.
 */
#include "test/boot/selftest.h"
#include "kern/kern.h"
#include "lib/string.h"
#include "md.h"
#include "mem/mem.h"

#define NTHREADS 8
#define ROUNDS 2000

struct crew {
	struct mutex mutex;
	struct rwlock rw;
	struct spinlock spin;
	struct waitq done, turn;
	uint64_t by_mutex, by_spin, by_rw; /* plain: the lock is what is tested */
	_Atomic unsigned left, readers, bad;
	_Atomic unsigned whose;
};

static struct crew crew;

static void
crew_start(void (*fn)(void *), unsigned n)
{
	unsigned i;

	crew = (struct crew){ .left = n };
	mutex_init(&crew.mutex, LR_VNODE);
	rw_init(&crew.rw, LR_VNODE);
	spin_init(&crew.spin, LR_LEAF);
	waitq_init(&crew.done);
	waitq_init(&crew.turn);
	for (i = 0; i < n; i++) {
		if (thread_spawn("selftest", fn, (void *)(uintptr_t)i) == NULL) {
			selftest_fail(__FILE__, __LINE__, "no thread %u", i);
			atomic_sub(&crew.left, 1);
		}
	}
}

static void
crew_leave(void)
{
	if (atomic_sub(&crew.left, 1) == 0)
		wake_all(&crew.done);
}

static void
count_crew(void *arg, struct thread *t)
{
	unsigned *n = arg;

	*n += strcmp(t->name, "selftest") == 0;
}

/* All have left, and are gone with stack and all. */
static void
crew_wait(void)
{
	struct waiter w;
	unsigned n = 1;

	while (atomic_load(&crew.left) != 0) {
		wait_prepare(&crew.done, &w);
		if (atomic_load(&crew.left) != 0)
			wait_sleep(&w, WAIT_PLAIN, WAIT_FOREVER);
		wait_finish(&w);
	}
	while (n != 0) {
		sleep_until(md_time_ns() + 1000000, WAIT_PLAIN);
		n = 0;
		thread_walk(count_crew, &n);
	}
}

static void
count_under_locks(void *arg)
{
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		mutex_lock(&crew.mutex);
		crew.by_mutex++;
		if (i % 64 == 0)
			sched_yield();
		mutex_unlock(&crew.mutex);
		spin_lock(&crew.spin);
		crew.by_spin++;
		spin_unlock(&crew.spin);
	}
	crew_leave();
}

static void
locks_exclude(void)
{
	crew_start(count_under_locks, NTHREADS);
	crew_wait();
	EXPECT_IS(crew.by_mutex, ==, NTHREADS * ROUNDS);
	EXPECT_IS(crew.by_spin, ==, NTHREADS * ROUNDS);
}

static void
read_and_write(void *arg)
{
	unsigned i;

	for (i = 0; i < ROUNDS / 4; i++) {
		if (i % 8 == (uintptr_t)arg) {
			rw_lock_write(&crew.rw);
			if (atomic_load(&crew.readers) != 0)
				atomic_add(&crew.bad, 1);
			crew.by_rw++;
			rw_unlock_write(&crew.rw);
			continue;
		}
		rw_lock_read(&crew.rw);
		atomic_add(&crew.readers, 1);
		if (i % 16 == 0)
			sched_yield();
		atomic_sub(&crew.readers, 1);
		rw_unlock_read(&crew.rw);
	}
	crew_leave();
}

static void
writers_are_alone(void)
{
	crew_start(read_and_write, NTHREADS);
	crew_wait();
	EXPECT_IS(crew.bad, ==, 0);
	EXPECT_IS(crew.by_rw, >, 0);
}

/* Two threads hand a turn to and fro: a lost wake-up hangs here. */
static void
take_turns(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg, i;
	struct waiter w;

	for (i = 0; i < ROUNDS; i++) {
		while (atomic_load(&crew.whose) % 2 != me) {
			wait_prepare(&crew.turn, &w);
			if (atomic_load(&crew.whose) % 2 != me)
				wait_sleep(&w, WAIT_PLAIN, WAIT_FOREVER);
			wait_finish(&w);
		}
		atomic_add(&crew.whose, 1);
		wake_all(&crew.turn);
	}
	crew_leave();
}

static void
no_wake_is_lost(void)
{
	crew_start(take_turns, 2);
	crew_wait();
	EXPECT_IS(crew.whose, ==, 2 * ROUNDS);
}

/* Sleep until whose is not 0. */
static void
sleep_until_told(void *arg)
{
	struct waiter w;

	while (atomic_load(&crew.whose) == 0) {
		wait_prepare(&crew.turn, &w);
		if (atomic_load(&crew.whose) == 0)
			wait_sleep(&w, WAIT_PLAIN, WAIT_FOREVER);
		wait_finish(&w);
	}
	crew_leave();
}

/*
 * Who wakes a thread calls an idle CPU for it, but not while he holds a lock:
 * the thread would spin for it.  Whether another CPU is idle by then is up to
 * the host: more rounds until one was.
 */
static void
calls_wait_for_locks(void)
{
	uint64_t put_off = ev_read(EV_sched_calls_put_off), left = 0;
	bool alone = md_ncpus() == 1;
	unsigned i;

	for (i = 0; i < ROUNDS / 100 ||
	    (i < ROUNDS && left == 0 && !alone); i++) {
		crew_start(sleep_until_told, 1);
		sleep_until(md_time_ns() + 2000000, WAIT_PLAIN);
		spin_lock(&crew.spin);
		atomic_store(&crew.whose, 1);
		wake_all(&crew.turn);
		spin_unlock(&crew.spin);
		crew_wait();
		left = ev_read(EV_sched_calls_put_off) - put_off;
	}
	EXPECT(alone ? left == 0 : left > 0);
	EXPECT_IS(ev_read(EV_sched_calls), >=, left);
}

static void
note_arrival(void *arg)
{
	_Atomic unsigned *n = arg;

	atomic_add(n, 1);
}

static void
timers_fire_once(void)
{
	static _Atomic unsigned fired, worked;
	struct timer t, never;
	struct work w;
	uint64_t now = md_time_ns();

	fired = worked = 0;
	timer_init(&t, note_arrival, (void *)&fired);
	timer_init(&never, note_arrival, (void *)&fired);
	work_init(&w, note_arrival, (void *)&worked);
	timer_arm(&t, now + 20000000);
	timer_arm(&never, now + 60000000000);
	work_queue(&w);
	sleep_until(now + 100000000, WAIT_PLAIN);
	EXPECT_IS(fired, ==, 1);
	/* The worker's processor may stand still. */
	while (worked != 1 && md_time_ns() - now < 10000000000)
		sleep_until(md_time_ns() + 10000000, WAIT_PLAIN);
	EXPECT_IS(worked, ==, 1);
	EXPECT(timer_cancel(&never));
	EXPECT(!timer_cancel(&t));
}

static void
just_leave(void *arg)
{
	crew_leave();
}

static void
threads_come_and_go(void)
{
	unsigned i;

	for (i = 0; i < 40; i++) {
		crew_start(just_leave, NTHREADS);
		crew_wait();
	}
}

#define DEEP (MD_KSTACK_SIZE / 4 * 3)

/* As a function would that has called so many others. */
static void
go_deep(void *arg)
{
	volatile uint8_t *stack = thread_current()->md.stack;

	stack[MD_KSTACK_SIZE - DEEP] = 1;
	crew_leave();
}

/* The stack lies in the cache, then nowhere. */
static void
depth_is_remembered(void)
{
	EXPECT_IS(thread_stacks_deepest(), <, DEEP);
	crew_start(go_deep, 1);
	crew_wait();
	EXPECT_IS(thread_stacks_deepest(), ==, DEEP);
	kva_drain();
	EXPECT_IS(thread_stacks_deepest(), ==, DEEP);
}

const struct selftest selftests_kern[] = {
	{ "locks", locks_exclude, "a lock keeps the others out" },
	{ "rwlock", writers_are_alone, "a writer is alone" },
	{ "wake", no_wake_is_lost, "no wake-up is lost" },
	{ "calls", calls_wait_for_locks, "no CPU is called under a lock" },
	{ "timer", timers_fire_once, "timers and work run, once" },
	{ "threads", threads_come_and_go, "320 threads come and go" },
	{ "stacks", depth_is_remembered, "how deep a stack was is remembered" },
	{ NULL, NULL, NULL },
};
