/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait.c: sleep until something happens
 *
 * Problem   A thread waits for an event; whoever makes it happen wakes it.
 *           A wake-up that comes just before the sleep must count.
 *
 * Picture   sleeper                         waker
 *           wait_prepare: on the queue
 *           condition? no                   makes the condition true
 *           wait_sleep: woken? no ─→ sleep  wake: off the queue, woken = true,
 *                ↑──────────────────────────── sched_wake
 *           wait_finish: off the queue
 *
 * Rules     1. The condition is tested after wait_prepare(): either the test
 *              sees it, or the waker sees the waiter.
 *           2. woken is set before sched_wake(); sched_block() tests it with
 *              the run-queue lock held, which sched_wake() takes.
 *           3. wait_finish() always takes the queue's lock: the waker may
 *              still look at the waiter, which lies on the sleeper's stack.
 *           4. A sleep ends by the first of these that holds: woken, killed, its
 *              time is over, a signal.  The time is read from the clock, not
 *              taken from the timer's tick: a signal at each tick would keep it
 *              from ever ending.  A signal from before the sleep counts as
 *              earlier than the end of the time.
 *
 * Read next kern/sched.c, kern/mutex.c.  The idea as a model: models/wait.pml.
 */
#include "kern/kernfn.h"
#include "lib/errno.h"

#define WAKE_SOME 64u

/* One sleep, and what may end it. */
struct sleep {
	const struct waiter *ws;
	unsigned n;
	struct thread *thread;
	uint64_t until;         /* deadline */
	bool timed_out;         /* [A] set by the timer */
};

static bool sleep_is_over(void *arg);
static void sleep_timed_out(void *arg);
static bool any_is_woken(const struct sleep *s);

void
waitq_init(struct waitq *q)
{
	spin_init(&q->lock, LR_WAIT);
	list_init(&q->waiters);
}

/* Locks:    any of rank < LR_WAIT. */
void
wait_prepare(struct waitq *q, struct waiter *w)
{
	uint64_t flags;

	w->thread = thread_current();
	w->wq = q;
	w->woken = false;
	flags = spin_lock_irq(&q->lock);
	list_push_back(&q->waiters, &w->node);
	spin_unlock_irq(&q->lock, flags);
}

int
wait_sleep(struct waiter *w, enum wait_how how, uint64_t deadline_ns)
{
	return wait_sleep_many(how, deadline_ns, w, 1);
}

void
wait_finish(struct waiter *w)
{
	uint64_t flags = spin_lock_irq(&w->wq->lock);

	if (list_is_linked(&w->node))
		list_remove(&w->node);
	spin_unlock_irq(&w->wq->lock, flags);
}

/* ---- one sleep ---- */

static bool
time_is_over(const struct sleep *s)
{
	return atomic_load(&s->timed_out) ||
	    (s->until != WAIT_FOREVER && s->until <= md_time_ns());
}

/* Sleep until s is over; the timer, if any, is armed. */
static int
sleep_loop(struct sleep *s, enum wait_how how)
{
	uint32_t ends = how == WAIT_PLAIN ? 0 : how == WAIT_KILLABLE ?
	    THREAD_KILL : THREAD_KILL | THREAD_SIGNAL, pending;

	if ((atomic_load(&s->thread->pending) & ends) != 0 && !any_is_woken(s))
		return -EINTR;
	for (;;) {
		/* sched_block() tests once more before it sleeps. */
		sched_block(how, sleep_is_over, s);
		if (any_is_woken(s))
			return 0;
		pending = atomic_load(&s->thread->pending) & ends;
		if ((pending & THREAD_KILL) == 0 && time_is_over(s))
			return -ETIMEDOUT;
		if (pending != 0)
			return -EINTR;
	}
}

/*
 * Sleep with several waiters prepared; any wake ends it.
 *
 * Locks:    no spin lock.
 * Context:  thread.
 * Returns:  0 woken, -EINTR, -ETIMEDOUT.
 */
int
wait_sleep_many(enum wait_how how, uint64_t deadline_ns, struct waiter *ws,
    unsigned n)
{
	struct sleep s = { .ws = ws, .n = n, .thread = thread_current(),
		.until = deadline_ns };
	struct timer timer;
	int r;

	ASSERT(md_preempt_count() == 0);
	if (how != WAIT_PLAIN && s.thread->kill != NULL &&
	    inject_hit(FI_SIGNAL))
		s.thread->kill(s.thread);
	atomic_store(&s.thread->waits.until, deadline_ns);
	if (deadline_ns == WAIT_FOREVER)
		return sleep_loop(&s, how);
	if (deadline_ns <= md_time_ns())
		s.timed_out = true;
	timer_init(&timer, sleep_timed_out, &s);
	timer_arm(&timer, deadline_ns);
	r = sleep_loop(&s, how);
	timer_cancel(&timer);
	return r;
}

static bool
any_is_woken(const struct sleep *s)
{
	unsigned i;

	for (i = 0; i < s->n; i++) {
		if (atomic_load(&s->ws[i].woken))
			return true;
	}
	return false;
}

static bool
sleep_is_over(void *arg)
{
	struct sleep *s = arg;

	return any_is_woken(s) || atomic_load(&s->timed_out);
}

/* Context: timer interrupt.  timer_cancel() keeps s alive until we return. */
static void
sleep_timed_out(void *arg)
{
	struct sleep *s = arg;

	atomic_store(&s->timed_out, true);
	sched_wake(s->thread);
}

/*
 * Let time pass.
 *
 * Context:  thread, no spin lock.
 * Returns:  0, -EINTR.
 */
int
sleep_until(uint64_t deadline_ns, enum wait_how how)
{
	int r = wait_sleep_many(how, deadline_ns, NULL, 0);

	return r == -ETIMEDOUT ? 0 : r;
}

/* ---- waking ---- */

/* Locks:    w->wq->lock. */
static void
wake(struct waiter *w)
{
	struct thread *t = w->thread;

	HELD(&w->wq->lock);
	list_remove(&w->node);
	atomic_store(&w->woken, true);
	sched_wake(t);
}

/*
 * Wake up to n waiters that match (NULL: any), in the order in which they came.
 *
 * Locks:    any of rank < LR_WAIT.
 * Context:  any, interrupts too.
 * Returns:  how many.
 */
unsigned
wake_matching(struct waitq *q, unsigned n, bool (*match)(void *, struct waiter *),
    void *arg)
{
	uint64_t flags = spin_lock_irq(&q->lock);
	struct list_node *at, *next;
	unsigned woken = 0;

	for (at = q->waiters.head.next; at != &q->waiters.head && woken < n;
	    at = next) {
		struct waiter *w = LIST_ENTRY(at, struct waiter, node);

		next = at->next;
		if (match == NULL || match(arg, w)) {
			wake(w);
			woken++;
		}
	}
	spin_unlock_irq(&q->lock, flags);
	return woken;
}

bool
wake_one(struct waitq *q)
{
	return wake_matching(q, 1, NULL, NULL) != 0;
}

/* A limited number in one hold: programs decide how many wait for a pipe, and interrupts
 * are off meanwhile. */
void
wake_all(struct waitq *q)
{
	while (wake_matching(q, WAKE_SOME, NULL, NULL) == WAKE_SOME)
		;
}
