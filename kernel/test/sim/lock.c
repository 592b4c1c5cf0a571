/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock.c: locks and wait queues of the simulated machine
 *
 * Problem   Where a thread takes a lock or sleeps is where others come in.
 *
 * Rules     1. To take a lock is a point; to release one is not: what happens
 *              up to the next point could as well happen under the lock.
 *           2. Ranks are checked at each acquisition, as with locks=1.
 *           3. Above the ranks of vm/ nothing is preempted: those locks are
 *              held for steps that no other thread can see half done.
 *           4. Who waits to write stops readers that come later, as in
 *              kern/rwlock.c.
 *
 * Read next fiber.c.
 */
#include <string.h>

#include "test/host/window.h"
#include "test/sim/sim.h"

/* So slow that only the build with sanitizers does it: kpaged_touch(). */
#ifdef __SANITIZE_ADDRESS__
#define HIDES 1
#else
#define HIDES 0
#endif

/* ---- ranks ---- */

void
lockrank_take(enum lock_rank rank, const void *lock)
{
	struct thread *t = md_current();
	unsigned r;

	for (r = rank; rank != LR_NONE && r < LR_COUNT; r++)
		if (t->held[r] != 0)
			panic("rank %d taken while %u is held", rank, r);
	lockrank_note(rank, lock);
}

void
lockrank_take_nested(enum lock_rank rank, const void *lock)
{
	lockrank_note(rank, lock);
}

void
lockrank_note(enum lock_rank rank, const void *lock)
{
	if (HIDES && rank >= LR_KMAP)
		window_hide();
	md_current()->held[rank]++;
}

void
lockrank_drop(enum lock_rank rank, const void *lock)
{
	ASSERT(md_current()->held[rank] > 0);
	md_current()->held[rank]--;
}

unsigned
lockrank_highest(void)
{
	unsigned r = LR_COUNT - 1;

	while (r > 0 && md_current()->held[r] == 0)
		r--;
	return r;
}

const char *
lockrank_name(unsigned rank)
{
	return "of vmsim";
}

/* R1: with these ranks held nobody sleeps. */
static void
may_sleep(enum lock_rank from)
{
	unsigned r;

	for (r = from; r < LR_COUNT; r++)
		if (md_current()->held[r] != 0)
			panic("a sleep with rank %u held", r);
}

/* ---- spin locks ---- */

void
spin_init(struct spinlock *l, enum lock_rank rank)
{
	*l = (struct spinlock)SPIN_INIT((uint8_t)rank);
}

/* No lock of this rank or a higher one, but the one being taken. */
static bool
holds_no(enum lock_rank from)
{
	unsigned n = 0, r;

	for (r = from; r < LR_COUNT; r++)
		n += md_current()->held[r];
	return n <= 1;
}

static void
spin_take(struct spinlock *l)
{
	ASSERT(!spin_is_mine(l));
	if (sim_fiber() != NULL && (l->rank <= LR_LEAF || holds_no(LR_WS)) &&
	    sim.in_irq == 0 && (sim.kinds & AT_LOCK) != 0)
		sim_block(OP_SPIN, l);
	while (sim_fiber() != NULL && l->holder)
		sim_block(OP_SPIN, l);
	ASSERT(l->holder == 0);
	l->holder = md_cpu() + 1;
}

void
spin_lock(struct spinlock *l)
{
	lockrank_take((enum lock_rank)l->rank, l);
	spin_take(l);
}

void
spin_lock_nested(struct spinlock *l)
{
	lockrank_take_nested((enum lock_rank)l->rank, l);
	spin_take(l);
}

bool
spin_trylock(struct spinlock *l)
{
	sim_point(AT_LOCK);
	if (l->holder)
		return false;
	l->holder = md_cpu() + 1;
	lockrank_note((enum lock_rank)l->rank, l);
	return true;
}

void
spin_unlock(struct spinlock *l)
{
	ASSERT(spin_is_mine(l));
	lockrank_drop((enum lock_rank)l->rank, l);
	l->holder = 0;
}

uint64_t
spin_lock_irq(struct spinlock *l)
{
	uint64_t flags = md_irq_save();

	spin_lock(l);
	return flags;
}

void
spin_unlock_irq(struct spinlock *l, uint64_t flags)
{
	spin_unlock(l);
	md_irq_restore(flags);
}

bool
spin_is_mine(const struct spinlock *l)
{
	return l->holder == md_cpu() + 1;
}

/* ---- mutexes ---- */

void
mutex_init(struct mutex *m, enum lock_rank rank)
{
	memset(m, 0, sizeof(*m));
	m->rank = rank;
}

static void
mutex_take(struct mutex *m)
{
	may_sleep(LR_OBJ);
	ASSERT(m->owner != md_current());
	/* Again: to come back from idle takes steps of its own. */
	while (sim_fiber() != NULL) {
		sim_block(OP_MUTEX, m);
		if (m->owner == NULL)
			break;
	}
	ASSERT(m->owner == NULL);
	m->owner = md_current();
}

void
mutex_lock_nested(struct mutex *m)
{
	lockrank_take_nested((enum lock_rank)m->rank, m);
	mutex_take(m);
}

void
mutex_lock(struct mutex *m)
{
	lockrank_take((enum lock_rank)m->rank, m);
	mutex_take(m);
}

bool
mutex_trylock(struct mutex *m)
{
	sim_point(AT_LOCK);
	if (m->owner != NULL)
		return false;
	lockrank_note((enum lock_rank)m->rank, m);
	m->owner = md_current();
	return true;
}

void
mutex_unlock(struct mutex *m)
{
	ASSERT(m->owner == md_current());
	m->owner = NULL;
	lockrank_drop((enum lock_rank)m->rank, m);
}

bool
mutex_is_mine(const struct mutex *m)
{
	return m->owner == md_current();
}

/* ---- reader-writer locks ---- */

void
rw_init(struct rwlock *l, enum lock_rank rank)
{
	memset(l, 0, sizeof(*l));
	l->rank = rank;
}

void
rw_lock_read(struct rwlock *l)
{
	lockrank_take((enum lock_rank)l->rank, l);
	may_sleep(LR_OBJ);
	while (sim_fiber() != NULL) {
		sim_block(OP_READ, l);
		if (l->writer == NULL)
			break;
	}
	ASSERT(l->writer == NULL);
	l->readers++;
}

void
rw_unlock_read(struct rwlock *l)
{
	ASSERT(l->readers > 0);
	l->readers--;
	lockrank_drop((enum lock_rank)l->rank, l);
}

static void
write_take(struct rwlock *l)
{
	may_sleep(LR_OBJ);
	while (sim_fiber() != NULL) {
		sim_block(OP_WRITE, l);
		if (l->writer == NULL && l->readers == 0)
			break;
	}
	ASSERT(l->writer == NULL && l->readers == 0);
	l->writer = md_current();
}

void
rw_lock_write_nested(struct rwlock *l)
{
	lockrank_take_nested((enum lock_rank)l->rank, l);
	write_take(l);
}

void
rw_lock_write(struct rwlock *l)
{
	lockrank_take((enum lock_rank)l->rank, l);
	write_take(l);
}

void
rw_unlock_write(struct rwlock *l)
{
	ASSERT(l->writer == md_current());
	l->writer = NULL;
	lockrank_drop((enum lock_rank)l->rank, l);
}

void
rw_downgrade(struct rwlock *l)
{
	ASSERT(l->writer == md_current());
	l->writer = NULL;
	l->readers = 1;
}

bool
rw_is_writer(const struct rwlock *l)
{
	return l->writer == md_current();
}

bool
rw_is_locked(const struct rwlock *l)
{
	return l->writer != NULL || l->readers > 0;
}

/* ---- sleeping ---- */

void
waitq_init(struct waitq *q)
{
	memset(q, 0, sizeof(*q));
	list_init(&q->waiters);
}

void
wait_prepare(struct waitq *q, struct waiter *w)
{
	sim_point(AT_SLEEP);
	w->wq = q;
	w->thread = md_current();
	w->woken = false;
	list_push_back(&q->waiters, &w->node);
}

void
wait_finish(struct waiter *w)
{
	if (list_is_linked(&w->node))
		list_remove(&w->node);
}

static int
sleep_on(const struct waiter *w, enum wait_how how, uint64_t deadline)
{
	struct fiber *f = sim_fiber();
	int r = 0;

	/* Who lets only time pass is vm_check, which stops everybody. */
	may_sleep(w == NULL ? LR_OBJ : LR_KMAP);
	if (f == NULL) {
		if (sim_disk_run() || sim_run_daemons())
			return 0;
		if (deadline == WAIT_FOREVER && (w == NULL || !w->woken))
			sim_fail("the driver sleeps for ever");
		return w != NULL && w->woken ? 0 : -ETIMEDOUT;
	}
	f->deadline = deadline;
	f->how = how;
	f->timed_out = false;
	sim_block(OP_WAIT, w);
	if (w != NULL && w->woken)
		r = 0;
	else if (f->killed && how != WAIT_PLAIN)
		r = -EINTR;
	else
		r = -ETIMEDOUT;
	f->timed_out = false;
	return r;
}

int
wait_sleep(struct waiter *w, enum wait_how how, uint64_t deadline)
{
	return sleep_on(w, how, deadline);
}

int
sleep_until(uint64_t deadline, enum wait_how how)
{
	int r = sleep_on(NULL, how, deadline);

	return r == -ETIMEDOUT ? 0 : r;
}

static bool
wake_first(struct waitq *q)
{
	struct list_node *n = list_pop_front(&q->waiters);

	if (n == NULL)
		return false;
	LIST_ENTRY(n, struct waiter, node)->woken = true;
	return true;
}

void
wake_one(struct waitq *q)
{
	(void)wake_first(q);
}

void
wake_all(struct waitq *q)
{
	while (wake_first(q))
		;
}
