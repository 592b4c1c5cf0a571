/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rwlock.c: sleeping lock for many readers or one writer
 *
 * Problem   Faults of one process read its map at the same time; mmap changes
 *           it alone.  Neither side may starve the other.
 *
 * Picture   readers: 2    waiting: W1  R3  R4  W2
 *           the last reader leaves → W1;  W1 leaves → R3 and R4;  then W2
 *
 * Rules     1. Waiters are served in order of arrival; readers at the head go
 *              in together.  So a reader that comes after a waiting writer
 *              waits too, and taking the lock twice for reading is a deadlock.
 *           2. A waiter's woken flag means: you hold it.
 *
 * Read next vm/calls/map.c, the main user.
 */
#include "kern/kernfn.h"

enum rw_kind { RW_READ, RW_WRITE };

struct rw_waiter {
	struct waiter w;
	enum rw_kind kind;
};

static bool try_enter(struct rwlock *l, enum rw_kind kind);
static void enter(struct rwlock *l, enum rw_kind kind);
static void admit_waiters(struct rwlock *l);

/* Locks:    none; nobody else knows the lock yet. */
void
rw_init(struct rwlock *l, enum lock_rank rank)
{
	spin_init(&l->lock, LR_WAIT);
	l->writer = NULL;
	l->readers = 0;
	list_init(&l->waiters);
	l->rank = (uint8_t)rank;
}

/*
 * Locks:    none of rank >= its own, no spin lock.
 * Context:  thread, may sleep.
 */
void
rw_lock_read(struct rwlock *l)
{
	lockrank_take((enum lock_rank)l->rank, l);
	enter(l, RW_READ);
}

void
rw_lock_write(struct rwlock *l)
{
	lockrank_take((enum lock_rank)l->rank, l);
	enter(l, RW_WRITE);
}

/* While another lock of the same rank is held. */
void
rw_lock_write_nested(struct rwlock *l)
{
	lockrank_take_nested((enum lock_rank)l->rank, l);
	enter(l, RW_WRITE);
}

/* Locks:    l->lock. */
static bool
try_enter(struct rwlock *l, enum rw_kind kind)
{
	if (l->writer != NULL || (kind == RW_WRITE && l->readers > 0))
		return false;
	if (kind == RW_WRITE)
		l->writer = thread_current();
	else
		l->readers++;
	return true;
}

static void
enter(struct rwlock *l, enum rw_kind kind)
{
	struct rw_waiter rw = { .w.thread = thread_current(), .kind = kind };
	uint64_t flags;

	ASSERT(md_preempt_count() == 0 && !md_in_irq());
	if (evidence_is_asked())
		sched_point();
	flags = spin_lock_irq(&l->lock);
	ASSERT(l->writer != rw.w.thread);
	if (list_is_empty(&l->waiters) && try_enter(l, kind)) {
		spin_unlock_irq(&l->lock, flags);
		return;
	}
	EVENT(lock_wait, l, l->writer != NULL ? l->writer->id : 0);
	list_push_back(&l->waiters, &rw.w.node);
	rw.w.thread->waits.owner = l->writer != NULL ? l->writer->id : 0;
	rw.w.thread->waits.rank = l->rank;
	spin_unlock_irq(&l->lock, flags);
	CHECK(wait_sleep(&rw.w, WAIT_PLAIN, WAIT_FOREVER) == 0);
	rw.w.thread->waits.rank = 0;
	/* The one who hands over is done with rw when the lock is free. */
	flags = spin_lock_irq(&l->lock);
	ASSERT(l->writer == rw.w.thread || l->readers > 0);
	spin_unlock_irq(&l->lock, flags);
	lockrank_waited((enum lock_rank)l->rank);
}

/* Locks:    l->lock.  Let in the head of the queue, as far as it may. */
static void
admit_waiters(struct rwlock *l)
{
	struct list_node *n;

	while ((n = list_first(&l->waiters)) != NULL && l->writer == NULL) {
		struct rw_waiter *rw = LIST_ENTRY(n, struct rw_waiter, w.node);
		struct thread *t = rw->w.thread;

		if (rw->kind == RW_WRITE && l->readers > 0)
			return;
		if (rw->kind == RW_WRITE)
			l->writer = t;
		else
			l->readers++;
		list_remove(n);
		atomic_store(&rw->w.woken, true);
		sched_wake(t);
	}
}

/* Locks:    held for reading by this thread. */
void
rw_unlock_read(struct rwlock *l)
{
	uint64_t flags;

	lockrank_drop((enum lock_rank)l->rank, l);
	flags = spin_lock_irq(&l->lock);
	ASSERT(l->readers > 0);
	l->readers--;
	admit_waiters(l);
	spin_unlock_irq(&l->lock, flags);
}

/* Locks:    held for writing by this thread. */
void
rw_unlock_write(struct rwlock *l)
{
	uint64_t flags;

	lockrank_drop((enum lock_rank)l->rank, l);
	flags = spin_lock_irq(&l->lock);
	ASSERT(l->writer == thread_current());
	l->writer = NULL;
	admit_waiters(l);
	spin_unlock_irq(&l->lock, flags);
}

/* From writer to reader without a gap; waiting readers come in. */
void
rw_downgrade(struct rwlock *l)
{
	uint64_t flags = spin_lock_irq(&l->lock);

	ASSERT(l->writer == thread_current());
	l->writer = NULL;
	l->readers = 1;
	admit_waiters(l);
	spin_unlock_irq(&l->lock, flags);
}

bool
rw_is_writer(const struct rwlock *l)
{
	return atomic_load_relaxed(&l->writer) == md_current();
}

bool
rw_is_locked(const struct rwlock *l)
{
	return atomic_load_relaxed(&l->writer) != NULL ||
	    atomic_load_relaxed(&l->readers) > 0;
}
