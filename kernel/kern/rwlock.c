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
 *           3. RW_WAITED is set and cleared with the spin lock held, and says that
 *              the list is not empty.  Then the word changes only under that
 *              lock; else lock and unlock change it by one exchange.
 *           4. A thread that finds it taken, and nobody waiting, spins for a while
 *              before it waits (lock_looks()).
 *           5. A writer is not preempted at once (rule 6 of sched.c): all threads
 *              that come while it is not on a CPU would have to sleep.
 *
 * A lock that nobody waits for costs 13 instructions in and 14 out.
 *
 * Read next vm/calls/map.c, the main user; test/models/lockword.pml.
 */
#include "kern/kernfn.h"

enum rw_kind { RW_READ, RW_WRITE };

struct rw_waiter {
	struct waiter w;
	enum rw_kind kind;
};

/* Beside the number of readers. */
#define RW_WRITTEN 0x40000000u
#define RW_READERS 0x3fffffffu

static inline void enter(struct rwlock *l, enum rw_kind kind);
static void enter_asked(struct rwlock *l, enum rw_kind kind, lockrank_fn *judge);
static void leave_asked(struct rwlock *l, uint32_t less);
static void queue_up(struct rwlock *l, enum rw_kind kind);
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
	if (evidence_is_asked())
		enter_asked(l, RW_READ, lockrank_take);
	else
		enter(l, RW_READ);
}

/* Alone.  Locks, Context: as rw_lock_read(). */
void
rw_lock_write(struct rwlock *l)
{
	if (evidence_is_asked())
		enter_asked(l, RW_WRITE, lockrank_take);
	else
		enter(l, RW_WRITE);
	sched_keep_turn(thread_current());
}

/* While another lock of the same rank is held. */
void
rw_lock_write_nested(struct rwlock *l)
{
	if (evidence_is_asked())
		enter_asked(l, RW_WRITE, lockrank_take_nested);
	else
		enter(l, RW_WRITE);
	sched_keep_turn(thread_current());
}

/* The same where evidence is asked for, as lock_asked() of mutex.c. */
static __attribute__((noinline)) void
enter_asked(struct rwlock *l, enum rw_kind kind, lockrank_fn *judge)
{
	judge((enum lock_rank)l->rank, l);
	sched_point();
	enter(l, kind);
}

/* The word with one more holder; 0: the caller has to wait. */
static uint32_t
with_one_more(uint32_t word, enum rw_kind kind)
{
	if (kind == RW_WRITE)
		return word == 0 ? RW_WRITTEN : 0;
	return word < RW_READERS ? word + 1 : 0;
}

/* Enter by one exchange; again if another reader has come or gone.  Returns: the word
 * that left no room for us, 0: we are in. */
static inline uint32_t
enter_at_once(struct rwlock *l, enum rw_kind kind)
{
	uint32_t word = atomic_load_relaxed(&l->readers), mine;

	do {
		mine = with_one_more(word, kind);
		if (UNLIKELY(mine == 0))
			return word;
	} while (UNLIKELY(!atomic_cas(&l->readers, &word, mine)));
	if (kind == RW_WRITE)
		atomic_store_release(&l->writer, thread_current());
	return 0;
}

static inline void
enter(struct rwlock *l, enum rw_kind kind)
{
	ASSERT(md_may_sleep());
	if (UNLIKELY(enter_at_once(l, kind) != 0))
		queue_up(l, kind);
}

/* Rule 4.  True: we are in. */
static bool
enter_soon(struct rwlock *l, enum rw_kind kind)
{
	uint32_t word = 0;
	unsigned n;

	for (n = lock_looks(); n > 0 && (word & RW_WAITED) == 0; n--) {
		word = enter_at_once(l, kind);
		if (word == 0)
			return true;
		md_pause();
	}
	return false;
}

/* Enter, or say that we wait; false: we are in.  Locks: l->lock. */
static bool
enter_or_mark(struct rwlock *l, enum rw_kind kind)
{
	uint32_t word = atomic_load(&l->readers), next;

	HELD(&l->lock);
	do {
		next = with_one_more(word, kind);
		if (next == 0)
			next = word | RW_WAITED;
	} while (!atomic_cas(&l->readers, &word, next));
	return (next & RW_WAITED) != 0;
}

/* The slow way in: look again for a moment, then sleep until the holder that leaves has
 * let us in. */
static __attribute__((noinline)) void
queue_up(struct rwlock *l, enum rw_kind kind)
{
	struct thread *me = thread_current(), *writer;
	struct rw_waiter rw = { .w.thread = me, .kind = kind };
	uint64_t flags;

	ASSERT(atomic_load_relaxed(&l->writer) != me);
	if (enter_soon(l, kind))
		return;
	flags = spin_lock_irq(&l->lock);
	if (!enter_or_mark(l, kind)) {
		if (kind == RW_WRITE)
			atomic_store(&l->writer, me);
		spin_unlock_irq(&l->lock, flags);
		return;
	}
	/* A writer cannot leave now without the spin lock. */
	writer = atomic_load(&l->writer);
	me->waits.owner = writer != NULL ? writer->id : 0;
	me->waits.rank = l->rank;
	EVENT(lock_wait, l, me->waits.owner);
	list_push_back(&l->waiters, &rw.w.node);
	spin_unlock_irq(&l->lock, flags);
	CHECK(wait_sleep(&rw.w, WAIT_PLAIN, WAIT_FOREVER) == 0);
	me->waits.rank = 0;
	/* The thread that let us in has finished with rw when the lock is free. */
	flags = spin_lock_irq(&l->lock);
	ASSERT(l->writer == me || (l->readers & RW_READERS) > 0);
	spin_unlock_irq(&l->lock, flags);
	lockrank_waited((enum lock_rank)l->rank);
}

/* Locks:    l->lock; RW_WAITED.  Let in the head of the queue, as far as it may. */
static void
admit_waiters(struct rwlock *l)
{
	uint32_t held = l->readers & ~RW_WAITED;
	struct list_node *n;

	HELD(&l->lock);
	while ((n = list_first(&l->waiters)) != NULL) {
		struct rw_waiter *rw = LIST_ENTRY(n, struct rw_waiter, w.node);
		struct thread *t = rw->w.thread;
		uint32_t next = with_one_more(held, rw->kind);

		if (next == 0)
			break;
		held = next;
		if (rw->kind == RW_WRITE)
			atomic_store(&l->writer, t);
		list_remove(n);
		atomic_store(&rw->w.woken, true);
		sched_wake(t);
	}
	atomic_store(&l->readers, held | (n != NULL ? RW_WAITED : 0));
}

/* Subtract `less` from a word with waiters, and let in those who may enter. */
static __attribute__((noinline)) void
leave_waited(struct rwlock *l, uint32_t less)
{
	uint64_t flags = spin_lock_irq(&l->lock);

	ASSERT((l->readers & RW_WAITED) != 0);
	atomic_sub(&l->readers, less);
	admit_waiters(l);
	spin_unlock_irq(&l->lock, flags);
}

/* Nobody waits, so one exchange does; false: somebody does. */
static bool
leave(struct rwlock *l, uint32_t less)
{
	uint32_t word = atomic_load_relaxed(&l->readers);

	while ((word & RW_WAITED) == 0) {
		if (atomic_cas(&l->readers, &word, word - less))
			return true;
	}
	return false;
}

/* Locks:    held for reading by this thread. */
void
rw_unlock_read(struct rwlock *l)
{
	ASSERT((atomic_load_relaxed(&l->readers) & RW_READERS) > 0);
	if (evidence_is_asked())
		leave_asked(l, 1);
	else if (!leave(l, 1))
		leave_waited(l, 1);
}

static __attribute__((noinline)) void
leave_asked(struct rwlock *l, uint32_t less)
{
	lockrank_drop((enum lock_rank)l->rank, l);
	if (!leave(l, less))
		leave_waited(l, less);
}

/* Locks:    held for writing by this thread. */
void
rw_unlock_write(struct rwlock *l)
{
	ASSERT(l->writer == thread_current());
	atomic_store_release(&l->writer, NULL);
	if (evidence_is_asked())
		leave_asked(l, RW_WRITTEN);
	else if (!leave(l, RW_WRITTEN))
		leave_waited(l, RW_WRITTEN);
	sched_end_turn(thread_current());
}

/* From writer to reader without a gap; waiting readers come in. */
void
rw_downgrade(struct rwlock *l)
{
	ASSERT(l->writer == thread_current());
	atomic_store_release(&l->writer, NULL);
	if (!leave(l, RW_WRITTEN - 1))
		leave_waited(l, RW_WRITTEN - 1);
	sched_end_turn(thread_current());
}
