/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spin.c: spin lock
 *
 * Problem   Several CPUs want to enter a short section, but only one at a time may.
 *
 * Picture   look ─ free? ─→ exchange ─ was 0 ─→ mine
 *             ↑      no │        not 0 │
 *             └─ pause ─┴──────────────┘
 *
 * Rules     1. Preemption is off from before the first look until after the
 *              lock is free: a holder that lost its CPU would let all others
 *              spin.
 *           2. Nothing of the lock is touched after holder is 0 again: the
 *              next holder may free the memory that the lock lies in.
 *           3. Not in order of arrival, on purpose: an emulator with fewer
 *              host CPUs than ours stops one of them at any moment, and in a
 *              queue all others would wait for it (measured: 4 CPUs on 2,
 *              300 times slower).
 *
 * Read next kern/lockrank.c.
 */
#define SPIN_TO_CALL /* here they are for who cannot have them in line */
#include "lib/spin.h"
#include "lib/assert.h"
#include "md.h"

void
spin_init(struct spinlock *l, enum lock_rank rank)
{
	*l = (struct spinlock)SPIN_INIT((uint8_t)rank);
}

/* One exchange; false: somebody has it. */
static bool
try_once(struct spinlock *l)
{
	uint32_t nobody = 0;

	return __atomic_compare_exchange_n(&l->holder, &nobody, md_lock_word(),
	    false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Who waits looks without writing, so that the cache line stays shared. */
static void
acquire(struct spinlock *l)
{
	ASSERT(!spin_is_mine(l));
	if (try_once(l))
		return;
	while (atomic_load_relaxed(&l->holder) != 0 || !try_once(l))
		md_pause();
	lockrank_waited((enum lock_rank)l->rank);
}

/* spin_lock(), where the order of ranks is checked or somebody has it: spin.h. */
void
spin_lock_slow(struct spinlock *l)
{
	lockrank_take((enum lock_rank)l->rank, l);
	acquire(l);
}

/* The same for one more lock of a rank that is held already. */
void
spin_lock_nested(struct spinlock *l)
{
	md_preempt_disable();
	lockrank_take_nested((enum lock_rank)l->rank, l);
	acquire(l);
}

/* False: somebody has it.  It may be taken against the order of ranks: nobody waits. */
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
