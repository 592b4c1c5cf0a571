/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spin.c: spin lock
 *
 * Problem   Several CPUs want to enter a short section; one at a time may.
 *
 * Picture   look ─ free? ─→ exchange 1 ─ was 0 ─→ mine
 *             ↑      no │            was 1 │
 *             └─ pause ─┴──────────────────┘
 *
 * Rules     1. Preemption is off from before the first look until after the
 *              lock is free: a holder that lost its CPU would let all others
 *              spin.
 *           2. Nothing of the lock is touched after taken is 0 again: the
 *              next holder may free the memory that the lock lies in.
 *           3. Not in order of arrival, on purpose: an emulator with fewer
 *              host CPUs than ours stops one of them at any moment, and in a
 *              queue all others would wait for it (measured: 4 CPUs on 2,
 *              300 times slower).
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

/* One try to take the lock, and sign it. */
static bool
try_once(struct spinlock *l)
{
	if (__atomic_exchange_n(&l->taken, 1, __ATOMIC_ACQUIRE) != 0)
		return false;
	l->cpu = (uint16_t)(md_cpu() + 1);
	return true;
}

/* Who waits looks without writing, so that the cache line stays shared. */
static void
acquire(struct spinlock *l)
{
	ASSERT(!spin_is_mine(l));
	if (try_once(l))
		return;
	while (atomic_load_relaxed(&l->taken) != 0 || !try_once(l))
		md_pause();
	lockrank_waited((enum lock_rank)l->rank);
}

void
spin_lock(struct spinlock *l)
{
	md_preempt_disable();
	lockrank_take((enum lock_rank)l->rank, l);
	acquire(l);
}

void
spin_lock_nested(struct spinlock *l)
{
	md_preempt_disable();
	lockrank_take_nested((enum lock_rank)l->rank, l);
	acquire(l);
}

bool
spin_trylock(struct spinlock *l)
{
	md_preempt_disable();
	if (!try_once(l)) {
		md_preempt_enable();
		return false;
	}
	lockrank_note((enum lock_rank)l->rank, l);
	return true;
}

static void
release(struct spinlock *l)
{
	ASSERT(spin_is_mine(l));
	lockrank_drop((enum lock_rank)l->rank, l);
	l->cpu = 0;
	atomic_store_release(&l->taken, 0);
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
	unsigned cpu = md_cpu();

	/* Who asks without it may be moved meanwhile; who has it is not. */
	return atomic_load_relaxed(&l->cpu) == cpu + 1 && md_cpu() == cpu;
}
