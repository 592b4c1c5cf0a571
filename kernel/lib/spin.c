/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spin.c: ticket lock
 *
 * Problem   Several CPUs enter a short section; each gets in, in the order in
 *           which they came.
 *
 * Picture   next:  the number the next comer draws      draw 7, wait
 *           owner: the number that is served            5 … 6 … 7: mine
 *
 * Rules     1. Preemption is off from before the draw until after the lock is
 *              free: a holder that lost its CPU would let all others spin.
 *           2. Nothing of the lock is touched after owner has moved on: the
 *              next holder may free the memory that the lock lies in.
 *
 * Read next kern/lockrank.c.
 */
#include "lib/spin.h"
#include "lib/assert.h"
#include "md.h"

void
spin_init(struct spinlock *l, enum lock_rank rank)
{
	*l = (struct spinlock)SPIN_INIT((uint8_t)rank);
}

/* Wait for ticket to be served, then sign the lock. */
static void
wait_for_turn(struct spinlock *l, uint16_t ticket)
{
	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
		md_pause();
	l->cpu = (uint16_t)(md_cpu() + 1);
}

void
spin_lock(struct spinlock *l)
{
	md_preempt_disable();
	lockrank_take((enum lock_rank)l->rank, l);
	ASSERT(!spin_is_mine(l));
	wait_for_turn(l, (uint16_t)(atomic_add(&l->next, 1) - 1));
}

void
spin_lock_nested(struct spinlock *l)
{
	md_preempt_disable();
	lockrank_take_nested((enum lock_rank)l->rank, l);
	ASSERT(!spin_is_mine(l));
	wait_for_turn(l, (uint16_t)(atomic_add(&l->next, 1) - 1));
}

bool
spin_trylock(struct spinlock *l)
{
	uint16_t ticket;

	md_preempt_disable();
	/* The ticket being served is still to be drawn: the lock is free. */
	ticket = atomic_load(&l->owner);
	if (!atomic_cas(&l->next, &ticket, (uint16_t)(ticket + 1))) {
		md_preempt_enable();
		return false;
	}
	wait_for_turn(l, ticket);
	lockrank_note((enum lock_rank)l->rank, l);
	return true;
}

static void
release(struct spinlock *l)
{
	ASSERT(spin_is_mine(l));
	lockrank_drop((enum lock_rank)l->rank, l);
	l->cpu = 0;
	__atomic_store_n(&l->owner, (uint16_t)(l->owner + 1),
	    __ATOMIC_RELEASE);
}

void
spin_unlock(struct spinlock *l)
{
	release(l);
	md_preempt_enable();
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
	release(l);
	/* Interrupts first: giving the CPU away wants them as they were. */
	md_irq_restore(flags);
	md_preempt_enable();
}

bool
spin_is_mine(const struct spinlock *l)
{
	return atomic_load_relaxed(&l->cpu) == md_cpu() + 1;
}
