/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spin.h: spin lock, 8 bytes, that knows its rank
 *
 * Problem   Short sections that one CPU at a time may be in.
 *
 * Picture   holder: 0 ─ exchange ─→ my CPU's number + 1 ─ store ─→ 0
 *                   not 0, or the order is checked ─→ spin_lock_slow()
 *
 * Rules     1. Holding one disables preemption; nobody sleeps under it.
 *           2. A lock that an interrupt handler takes is always taken by
 *              spin_lock_irq(); all others never in a handler.
 *           3. Ranks: vm/space/space.h (book: locks).  With locks=1 each acquisition
 *              is checked by lockrank_take() and an inversion panics.
 *           4. A free lock is taken by 8 inlined instructions and released by
 *              10, with the assert; as calls they were 90.
 */
#ifndef LIB_SPIN_H
#define LIB_SPIN_H

#include "lib/evidence.h"
#include "lib/types.h"
#include "md.h"

/* In line, or calls of what spin.c compiles of the same text. */
#if IN_LINE && !defined(SPIN_TO_CALL)
#define SPIN_FN static inline
#else
#define SPIN_FN
#endif

/* Lock ranks: a lower one is taken before a higher one (book: locks). */
enum lock_rank {
	LR_NONE = 0,    /* not checked: boot, panic */
	LR_VNODE = 1,   /* sleep: vnodes, pipes, open files; nests by hand */
	LR_MAP = 2,     /* sleep: as->map_lock */
	LR_KMAP = 3,    /* sleep: kernel arenas */
	LR_OBJMAPS = 4, /* sleep: vmo->maps_lock */
	LR_WS = 5,      /* sleep: as->ws_lock; two at once only in fork */
	LR_KWS = 6,     /* sleep: kernel ws_lock */
	LR_OBJ = 7,     /* spin: vmo->lock, fmo->lock, anons */
	LR_PFN = 8,     /* spin: page states, queues, pins, TRANS/BUSY words */
	LR_LEAF = 9,    /* spin: swap areas, page-wait buckets, process tables */
	LR_MEM = 10,    /* spin: slabs, buddy refill, kernel ranges */
	LR_DEV = 11,    /* spin, irq: devices, tty */
	LR_WAIT = 12,   /* spin, irq: wait queues */
	LR_SCHED = 13,  /* spin, irq: run queues; two in address order */
	LR_TIMER = 14,  /* spin, irq: deadlines */
	LR_LOG = 15,    /* spin, irq: console ring */
	LR_COUNT
};

struct spinlock {
	uint32_t holder; /* [A] its CPU's number + 1; 0: free */
	uint8_t rank;    /* enum lock_rank */
	uint8_t rsv[3];
};

#define SPIN_INIT(r) { .rank = (r) }

void spin_init(struct spinlock *, enum lock_rank);
SPIN_FN void spin_lock(struct spinlock *);
/* Second lock of the same rank, order kept by hand (e.g. child, parent). */
void spin_lock_nested(struct spinlock *);
bool spin_trylock(struct spinlock *);
SPIN_FN void spin_unlock(struct spinlock *);
SPIN_FN uint64_t spin_lock_irq(struct spinlock *); /* returns the old flags */
SPIN_FN void spin_unlock_irq(struct spinlock *, uint64_t flags);
/* What an expression is while the lock is held, which is taken for it. */
#define UNDER(l, expr)                                                     \
	({                                                                 \
		spin_lock(l);                                              \
		__typeof__(expr) is_ = (expr);                             \
		spin_unlock(l);                                            \
		is_;                                                       \
	})
/* The same, interrupts off. */
#define UNDER_IRQ(l, expr)                                                 \
	({                                                                 \
		uint64_t flags_ = spin_lock_irq(l);                        \
		__typeof__(expr) is_ = (expr);                             \
		spin_unlock_irq(l, flags_);                                \
		is_;                                                       \
	})
/*
 * For asserts.  True is certain for who holds it; who does not, and may be moved
 * while he asks, can be told true once in a long time.
 */
SPIN_FN bool spin_is_mine(const struct spinlock *);

/*
 * A lock that the contract of a function says is held, HELD(&as->ws_lock) for [W], is
 * asserted by its first lines; lint compares the two.  A spin lock is held by this
 * CPU, a sleeping one (kern/kern.h) by this thread, a rwlock for writing.
 */
#define LOCK_KINDS struct spinlock *: spin_is_mine, const struct spinlock *: spin_is_mine
#define HELD(l) ASSERT_SAYS(_Generic((l), LOCK_KINDS)(l), ASSERT_TEXT(l) " is held")
/* A spin lock; while this CPU may change nobody here holds one. */
#define NOT_HELD(l)                                                      \
	ASSERT_SAYS(md_preempt_count() == 0 || !spin_is_mine(l), ASSERT_TEXT(l) " is not held")

/* The order checker (kern/lockrank.c); no-ops unless locks=1. */
void lockrank_take(enum lock_rank, const void *lock);
/* The same, but a lock of equal rank may be held. */
void lockrank_take_nested(enum lock_rank, const void *lock);
/* Either of them. */
typedef void lockrank_fn(enum lock_rank, const void *lock);
/* Record without judging: a trylock cannot deadlock. */
void lockrank_note(enum lock_rank, const void *lock);
/* What was taken last was somebody else's until now. */
void lockrank_waited(enum lock_rank);
void lockrank_drop(enum lock_rank, const void *lock);

#if IN_LINE || defined(SPIN_TO_CALL)

/* Preemption is off; the lock is not free, or its order is to be checked. */
SYSTEM_ONLY void spin_lock_slow(struct spinlock *);

SPIN_FN bool
spin_is_mine(const struct spinlock *l)
{
	return md_lock_word_is(atomic_load_relaxed(&l->holder));
}

SPIN_FN void
spin_lock(struct spinlock *l)
{
	uint32_t nobody = 0;

	md_preempt_disable();
	if (evidence_is_asked() || !__atomic_compare_exchange_n(&l->holder,
	    &nobody, md_lock_word(), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		spin_lock_slow(l);
}

/* Nothing of the lock is touched after: its memory may be freed at once. */
static inline void
spin_release(struct spinlock *l)
{
	ASSERT(spin_is_mine(l));
	if (evidence_is_asked())
		lockrank_drop((enum lock_rank)l->rank, l);
	atomic_store_release(&l->holder, 0u);
}

SPIN_FN void
spin_unlock(struct spinlock *l)
{
	spin_release(l);
	md_preempt_enable();
}

SPIN_FN uint64_t
spin_lock_irq(struct spinlock *l)
{
	uint64_t flags = md_irq_save();

	spin_lock(l);
	return flags;
}

SPIN_FN void
spin_unlock_irq(struct spinlock *l, uint64_t flags)
{
	spin_release(l);
	/* Interrupts first: giving the CPU away wants them as they were. */
	md_irq_restore(flags);
	md_preempt_enable();
}

#endif

#endif
