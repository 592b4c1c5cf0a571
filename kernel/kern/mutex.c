/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutex.c: sleeping lock
 *
 * Problem   A section that may sleep, for one thread at a time.  If unlock always
 *           hands the mutex to a sleeper, each section costs a switch from then on:
 *           the next thread finds it taken by one that does not run yet (a
 *           convoy).  If any thread may always take it, a sleeper may starve.
 *
 * Picture   owner: 0 ─ exchange ─→ me ─ exchange ─→ 0       nobody waits
 *                  me │ WAITED ─ unlock ─→ 0 │ WAITED │ CALLED    the first was woken:
 *                       ↑    whoever comes may pass it ─┘         it looks again
 *                  me │ WAITED ─ unlock ─→ the first │ WAITED     it waits for long
 *
 * Rules     1. A running thread takes a free mutex, even if others wait.  The first
 *              waiter is woken, and takes it if it is free when it runs.
 *           2. A waiter of MUTEX_PATIENCE_NS gets the mutex from unlock: no thread
 *              that comes later gets in before.  Signals do not end the wait.
 *           3. WAITED and CALLED are changed with the spin lock held: the list is
 *              not empty; its first has been woken, and will look.  With
 *              CALLED, or without WAITED, unlock is one exchange.
 *           4. Nothing of the mutex is touched after owner is 0 or its spin lock
 *              is free; a waiter takes it with the spin lock held, so its waker has
 *              finished.
 *           5. A thread that finds it taken spins for a while before it waits
 *              (lock_looks()).  It has no place in the queue while it spins.
 *
 * The code that waits or wakes is in functions of its own: it needs registers that
 * the fast path then need not save.  A free mutex costs 15 instructions in, 10 out.
 *
 * Read next kern/rwlock.c, kern/lockrank.c; test/models/mutex.pml.
 */
#include "kern/kernfn.h"

static inline void own(struct mutex *m);
static inline void disown(struct mutex *m);
static void lock_asked(struct mutex *m, lockrank_fn *judge);
static void unlock_asked(struct mutex *m);
static void wait_for(struct mutex *m, struct thread *me);
static void disown_waited(struct mutex *m);

/* A tick. */
#define MUTEX_PATIENCE_NS (1000000000ul / MD_HZ)

struct mutex_waiter {
	struct waiter w;
	uint64_t since;
};

static struct thread *
owner_in(uint64_t word)
{
	return (struct thread *)(word & ~MUTEX_BITS);
}

static struct thread *
owner_of(const struct mutex *m)
{
	return owner_in((uint64_t)atomic_load_relaxed(&m->owner));
}

static bool
owner_change(struct mutex *m, struct thread *from, struct thread *to)
{
	return atomic_cas(&m->owner, &from, to);
}

void
mutex_init(struct mutex *m, enum lock_rank rank)
{
	spin_init(&m->lock, LR_WAIT);
	m->owner = NULL;
	list_init(&m->waiters);
	m->rank = (uint8_t)rank;
}

/*
 * Locks:    none of rank >= its own, no spin lock.
 * Context:  thread, may sleep.
 */
void
mutex_lock(struct mutex *m)
{
	if (evidence_is_asked())
		lock_asked(m, lockrank_take);
	else
		own(m);
}

/* The same, while a lock of the same rank is held. */
void
mutex_lock_nested(struct mutex *m)
{
	if (evidence_is_asked())
		lock_asked(m, lockrank_take_nested);
	else
		own(m);
}

/* The same if evidence is asked for: check the lock order, perhaps preempt. */
static __attribute__((noinline)) void
lock_asked(struct mutex *m, lockrank_fn *judge)
{
	judge((enum lock_rank)m->rank, m);
	sched_point();
	own(m);
}

static inline void
own(struct mutex *m)
{
	struct thread *me = md_current();

	ASSERT(md_may_sleep() && me != NULL);
	if (UNLIKELY(!owner_change(m, NULL, me)))
		wait_for(m, me);
}

/* Compare and swap: the owner word becomes `to` if it is still *word; else *word is set
 * to it. */
static bool
word_change(struct mutex *m, uint64_t *word, uint64_t to)
{
	struct thread *old = (struct thread *)*word;
	bool done = atomic_cas(&m->owner, &old, (struct thread *)to);

	*word = (uint64_t)old;
	return done;
}

/* Rule 1: is it free, even if others wait? */
static bool
own_passing(struct mutex *m, struct thread *me)
{
	uint64_t word = (uint64_t)atomic_load_relaxed(&m->owner);

	while (owner_in(word) == NULL) {
		if (word_change(m, &word, (uint64_t)me | word))
			return true;
	}
	return false;
}

/* Rule 5.  The holder's struct is not read: the thread may be gone.  True: ours. */
static bool
own_soon(struct mutex *m, struct thread *me)
{
	unsigned n = lock_looks();

	while (!own_passing(m, me)) {
		if (n-- == 0)
			return false;
		md_pause();
	}
	return true;
}

/* Make it ours, or say that we wait; true: ours.  Locks: m->lock. */
static bool
own_or_mark(struct mutex *m, struct thread *me)
{
	uint64_t word = (uint64_t)atomic_load(&m->owner);

	HELD(&m->lock);
	while (!word_change(m, &word, owner_in(word) == NULL ?
	    (uint64_t)me | word : word | MUTEX_WAITED))
		;
	return owner_in(word) == NULL;
}

/* The first waiter has been woken: it was given the mutex, or takes it, or must be
 * woken again; true: it has it.  Locks: m->lock. */
static bool
own_when_called(struct mutex *m, struct mutex_waiter *mw)
{
	uint64_t word = (uint64_t)atomic_load(&m->owner), alone;
	struct thread *me = mw->w.thread;

	HELD(&m->lock);
	if (owner_in(word) == me)
		return true;
	ASSERT(list_first(&m->waiters) == &mw->w.node && (word & MUTEX_CALLED) != 0);
	alone = mw->w.node.next == &m->waiters.head ? MUTEX_WAITED : 0;
	while (!word_change(m, &word, owner_in(word) == NULL ?
	    (uint64_t)me | (MUTEX_WAITED & ~alone) : word & ~MUTEX_CALLED))
		;
	if (owner_in(word) != NULL)
		return false;
	list_remove(&mw->w.node);
	return true;
}

/* The holder, for a look at waits from outside; 0: not known.  With CALLED set unlock
 * does not take the spin lock: the holder may be gone.  Locks: m->lock. */
static uint32_t
holder_id(const struct mutex *m)
{
	uint64_t word = (uint64_t)atomic_load_relaxed(&m->owner);

	HELD(&m->lock);
	return (word & MUTEX_CALLED) != 0 ? 0 : owner_in(word)->id;
}

/* Wait in the queue.  Locks: m->lock, not all the time. */
static void
sleep_for(struct mutex *m, struct mutex_waiter *mw, uint64_t *flags)
{
	HELD(&m->lock);
	mw->since = md_time_ns();
	list_push_back(&m->waiters, &mw->w.node);
	do {
		mw->w.woken = false;
		spin_unlock_irq(&m->lock, *flags);
		CHECK(wait_sleep(&mw->w, WAIT_PLAIN, WAIT_FOREVER) == 0);
		*flags = spin_lock_irq(&m->lock);
	} while (!own_when_called(m, mw));
}

static __attribute__((noinline)) void
wait_for(struct mutex *m, struct thread *me)
{
	struct mutex_waiter mw = { .w.thread = me };
	uint64_t flags;

	ASSERT(owner_of(m) != me);
	if (own_soon(m, me))
		return;
	flags = spin_lock_irq(&m->lock);
	if (!own_or_mark(m, me)) {
		me->waits.owner = holder_id(m);
		me->waits.rank = m->rank;
		EVENT(lock_wait, m, me->waits.owner);
		sleep_for(m, &mw, &flags);
		me->waits.rank = 0;
		lockrank_waited((enum lock_rank)m->rank);
	}
	spin_unlock_irq(&m->lock, flags);
}

/* Locks:    any: it never waits. */
bool
mutex_trylock(struct mutex *m)
{
	bool got = own_passing(m, thread_current());

	if (got)
		lockrank_note((enum lock_rank)m->rank, m);
	return got;
}

void
mutex_unlock(struct mutex *m)
{
	if (evidence_is_asked())
		unlock_asked(m);
	else
		disown(m);
}

static __attribute__((noinline)) void
unlock_asked(struct mutex *m)
{
	lockrank_drop((enum lock_rank)m->rank, m);
	disown(m);
}

static inline void
disown(struct mutex *m)
{
	if (UNLIKELY(!owner_change(m, thread_current(), NULL)))
		disown_waited(m);
}

/* If the first waiter has waited for long it owns the mutex from now on; else it is woken
 * and the mutex is free.  Locks: m->lock. */
static void
hand_over_or_call(struct mutex *m)
{
	struct list_node *n = list_first(&m->waiters);
	struct mutex_waiter *mw;
	uint64_t word = MUTEX_WAITED | MUTEX_CALLED;
	struct thread *t;

	HELD(&m->lock);
	ASSERT(n != NULL);
	mw = LIST_ENTRY(n, struct mutex_waiter, w.node);
	t = mw->w.thread;
	if (md_time_ns() - mw->since > MUTEX_PATIENCE_NS) {
		EVENT(lock_handed);
		list_remove(n);
		word = (uint64_t)t | (list_is_empty(&m->waiters) ? 0 : MUTEX_WAITED);
	}
	atomic_store(&m->owner, (struct thread *)word);
	atomic_store(&mw->w.woken, true);
	sched_wake(t);
}

/* Somebody waits: wake the first waiter, if that was not done. */
static __attribute__((noinline)) void
disown_waited(struct mutex *m)
{
	uint64_t word = (uint64_t)atomic_load(&m->owner), flags;

	ASSERT(owner_in(word) == thread_current());
	while ((word & MUTEX_BITS) != MUTEX_WAITED) {
		if (word_change(m, &word, word & MUTEX_BITS))
			return;
	}
	flags = spin_lock_irq(&m->lock);
	hand_over_or_call(m);
	spin_unlock_irq(&m->lock, flags);
}
