/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutex.c: sleeping lock
 *
 * Problem   A section that may sleep, for one thread at a time, in the order
 *           in which they came.
 *
 * Picture   owner ─ unlock ─→ the first waiter is the owner at once, and wakes
 *
 * Rules     1. Ownership is handed over, not fought for: nobody who comes
 *              later gets in before.
 *           2. A waiter's woken flag means: you own it.  Signals do not end
 *              the wait; sections are short.
 *           3. Nothing of the mutex is touched after its spin lock is free.
 *
 * Read next kern/rwlock.c, kern/lockrank.c.
 */
#include "kern/kernfn.h"

static void acquire(struct mutex *m);

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
	lockrank_take((enum lock_rank)m->rank, m);
	acquire(m);
}

/* The same, while a lock of the same rank is held. */
void
mutex_lock_nested(struct mutex *m)
{
	lockrank_take_nested((enum lock_rank)m->rank, m);
	acquire(m);
}

static void
acquire(struct mutex *m)
{
	struct thread *me = thread_current();
	struct waiter w = { .thread = me };
	uint64_t flags;

	ASSERT(md_preempt_count() == 0 && !md_in_irq());
	if (evidence_is_asked())
		sched_point();
	flags = spin_lock_irq(&m->lock);
	ASSERT(m->owner != me);
	if (m->owner == NULL) {
		m->owner = me;
		spin_unlock_irq(&m->lock, flags);
		return;
	}
	EVENT(lock_wait, m, m->owner->id);
	list_push_back(&m->waiters, &w.node);
	me->waits.owner = m->owner->id;
	me->waits.rank = m->rank;
	spin_unlock_irq(&m->lock, flags);
	CHECK(wait_sleep(&w, WAIT_PLAIN, WAIT_FOREVER) == 0);
	me->waits.rank = 0;
	/* The one who hands over is done with w when the lock is free. */
	flags = spin_lock_irq(&m->lock);
	ASSERT(m->owner == me);
	spin_unlock_irq(&m->lock, flags);
	lockrank_waited((enum lock_rank)m->rank);
}

/* Locks:    any: it never waits. */
bool
mutex_trylock(struct mutex *m)
{
	uint64_t flags = spin_lock_irq(&m->lock);
	bool got = m->owner == NULL;

	if (got)
		m->owner = thread_current();
	spin_unlock_irq(&m->lock, flags);
	if (got)
		lockrank_note((enum lock_rank)m->rank, m);
	return got;
}

void
mutex_unlock(struct mutex *m)
{
	uint64_t flags;
	struct list_node *n;

	lockrank_drop((enum lock_rank)m->rank, m);
	flags = spin_lock_irq(&m->lock);
	ASSERT(m->owner == thread_current());
	m->owner = NULL;
	n = list_pop_front(&m->waiters);
	if (n != NULL) {
		struct waiter *w = LIST_ENTRY(n, struct waiter, node);

		m->owner = w->thread;
		atomic_store(&w->woken, true);
		sched_wake(m->owner);
	}
	spin_unlock_irq(&m->lock, flags);
}

bool
mutex_is_mine(const struct mutex *m)
{
	return atomic_load_relaxed(&m->owner) == md_current();
}
