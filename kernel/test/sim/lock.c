/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock.c: spin locks, waits and wait queues of the simulated machine
 *
 * Problem   Where a thread takes a lock or sleeps is where others come in.
 *
 * Rules     1. Above the ranks of vm/ nothing is preempted: those locks are
 *              held for steps that no other thread can see half done.
 *
 * Read next test/hostkern/lock.c, fiber.c.
 */
#include <string.h>

#include "test/sim/sim.h"

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

/* ---- sleeping locks ---- */

bool
host_lock_wait(enum host_need need, const void *lock)
{
	static const enum sim_op op[] = { [NEED_MUTEX] = OP_MUTEX,
		[NEED_READ] = OP_READ, [NEED_WRITE] = OP_WRITE };

	if (sim_fiber() == NULL)
		return false;
	sim_block(op[need], lock);
	return true;
}

void
host_lock_point(void)
{
	sim_point(AT_LOCK);
}

/* ---- sleeping ---- */

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
	host_may_sleep(w == NULL ? LR_OBJ : LR_KMAP);
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
	/* Nobody could go on: what it waits for is there, or never comes. */
	if (r == -ETIMEDOUT && w != NULL && !f->is_daemon)
		sim_fail("%s: only its deadline ended a sleep, nobody woke it", f->t.name);
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

bool
wake_one(struct waitq *q)
{
	struct list_node *n = list_pop_front(&q->waiters);

	if (n == NULL)
		return false;
	LIST_ENTRY(n, struct waiter, node)->woken = true;
	return true;
}

void
wake_all(struct waitq *q)
{
	while (wake_one(q))
		;
}
