/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spin.h: spin lock, 8 bytes, that knows its rank
 *
 * Problem   Short sections that one CPU at a time may be in.
 * Rules     1. Holding one disables preemption; nobody sleeps under it.
 *           2. A lock that an interrupt handler takes is always taken by
 *              spin_lock_irq(); all others never in a handler.
 *           3. Ranks: vm/space/space.h (book: locks).  With locks=1 each acquisition
 *              is checked by lockrank_take() and an inversion panics.
 */
#ifndef LIB_SPIN_H
#define LIB_SPIN_H

#include "lib/types.h"

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
	uint32_t taken; /* [A] 1 while held */
	uint16_t cpu;   /* holder's CPU + 1, 0 = free; for asserts */
	uint8_t rank;   /* enum lock_rank */
	uint8_t rsv;
};

#define SPIN_INIT(r) { 0, 0, (r), 0 }

void spin_init(struct spinlock *, enum lock_rank);
void spin_lock(struct spinlock *);
/* Second lock of the same rank, order kept by hand (e.g. child, parent). */
void spin_lock_nested(struct spinlock *);
bool spin_trylock(struct spinlock *);
void spin_unlock(struct spinlock *);
uint64_t spin_lock_irq(struct spinlock *);         /* returns the old flags */
void spin_unlock_irq(struct spinlock *, uint64_t flags);
bool spin_is_mine(const struct spinlock *);        /* for asserts */

/* The order checker (kern/lockrank.c); no-ops unless locks=1. */
void lockrank_take(enum lock_rank, const void *lock);
/* The same, but a lock of equal rank may be held. */
void lockrank_take_nested(enum lock_rank, const void *lock);
/* Record without judging: a trylock cannot deadlock. */
void lockrank_note(enum lock_rank, const void *lock);
/* What was taken last was somebody else's until now. */
void lockrank_waited(enum lock_rank);
void lockrank_drop(enum lock_rank, const void *lock);

#endif
