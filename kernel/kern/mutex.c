/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutex.c: sleeping lock
 *
 * Problem   A section that may sleep, for one thread at a time, in the order
 *           in which they came.
 *
 * Picture   owner: 0 ─ exchange ─→ me ─ exchange ─→ 0       nobody waits
 *                  me │ WAITED ─ unlock ─→ the first waiter │ WAITED
 *
 * Rules     1. Ownership is handed over, not fought for: nobody who comes
 *              later gets in before.  While somebody waits owner is never 0.
 *           2. A waiter's woken flag means: you own it.  Signals do not end
 *              the wait; sections are short.
 *           3. WAITED is set and cleared with the spin lock held: it says that
 *              the list is not empty, and that unlock has to look.
 *           4. Nothing of the mutex is touched after owner is 0 or its spin lock
 *              is free.
 *           5. Who finds it taken, and nobody waiting, looks a while before he waits
 *              (lock_looks()).  He has no turn while he looks.
 *
 * What waits, hands over or asks stands apart: it needs registers, which who finds
 * the mutex free does not save.  A mutex that is free costs 15 instructions in and 10 out.
 *
 * Read next kern/rwlock.c, kern/lockrank.c; test/models/lockword.pml.
 */
#include "kern/kernfn.h"

static inline void own(struct mutex *m);
static inline void disown(struct mutex *m);
static void lock_asked(struct mutex *m, lockrank_fn *judge);
static void unlock_asked(struct mutex *m);
static void wait_for(struct mutex *m, struct thread *me);
static void hand_over(struct mutex *m);

static struct thread *
owner_of(const struct mutex *m)
{
	uint64_t word = (uint64_t)atomic_load_relaxed(&m->owner);

	return (struct thread *)(word & ~MUTEX_WAITED);
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

/* The same where evidence is asked for: is the order kept?  Perhaps give way. */
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

/* Make it ours, or say that we wait; false: ours.  Locks: m->lock. */
static bool
own_or_mark(struct mutex *m, struct thread *me)
{
	struct thread *old = atomic_load(&m->owner);

	HELD(&m->lock);
	while (!atomic_cas(&m->owner, &old, old == NULL ? me :
	    (struct thread *)((uint64_t)old | MUTEX_WAITED)))
		;
	return old != NULL;
}

/* Rule 5.  The holder is not looked at: he may be gone.  True: ours. */
static bool
own_soon(struct mutex *m, struct thread *me)
{
	unsigned n = lock_looks();
	struct thread *owner;

	for (; n > 0; n--) {
		owner = atomic_load_relaxed(&m->owner);
		if (((uint64_t)owner & MUTEX_WAITED) != 0)
			return false;
		if (owner == NULL && owner_change(m, NULL, me))
			return true;
		md_pause();
	}
	return false;
}

static __attribute__((noinline)) void
wait_for(struct mutex *m, struct thread *me)
{
	struct waiter w = { .thread = me };
	uint64_t flags;

	ASSERT(owner_of(m) != me);
	if (own_soon(m, me))
		return;
	flags = spin_lock_irq(&m->lock);
	if (!own_or_mark(m, me)) {
		spin_unlock_irq(&m->lock, flags);
		return;
	}
	me->waits.owner = owner_of(m)->id;
	me->waits.rank = m->rank;
	EVENT(lock_wait, m, me->waits.owner);
	list_push_back(&m->waiters, &w.node);
	spin_unlock_irq(&m->lock, flags);
	CHECK(wait_sleep(&w, WAIT_PLAIN, WAIT_FOREVER) == 0);
	me->waits.rank = 0;
	/* The one who hands over is done with w when the lock is free. */
	flags = spin_lock_irq(&m->lock);
	ASSERT(owner_of(m) == me);
	spin_unlock_irq(&m->lock, flags);
	lockrank_waited((enum lock_rank)m->rank);
}

/* Locks:    any: it never waits. */
bool
mutex_trylock(struct mutex *m)
{
	bool got = owner_change(m, NULL, thread_current());

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
		hand_over(m);
}

/* Somebody waits: the first one owns it from now on. */
static __attribute__((noinline)) void
hand_over(struct mutex *m)
{
	uint64_t flags = spin_lock_irq(&m->lock);
	struct list_node *n = list_pop_front(&m->waiters);
	struct waiter *w;
	uint64_t word;

	ASSERT(owner_of(m) == thread_current() && n != NULL);
	w = LIST_ENTRY(n, struct waiter, node);
	word = (uint64_t)w->thread | (list_is_empty(&m->waiters) ? 0 : MUTEX_WAITED);
	atomic_store(&m->owner, (struct thread *)word);
	atomic_store(&w->woken, true);
	sched_wake((struct thread *)(word & ~MUTEX_WAITED));
	spin_unlock_irq(&m->lock, flags);
}
