/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ready.h: telling sleepers and watches that a file can be read or written
 *
 * Offers    the sleepers and the watches of a file, and how they are told.
 * Needs     kern.h.
 * Sleeps?   Never.
 * In interrupts?  ready_tell() alone.
 *
 * Tags      [R] ready_lock
 */
#ifndef KERN_READY_H
#define KERN_READY_H

#include "kern/kern.h"

#define READY_ALL (~0u)      /* told: all watchers look, whatever they wait for */

/* Part of each object that can become ready. */
struct ready {
	struct waitq sleepers;       /* in a call that uses the object itself */
	struct list watches;         /* [R] exclusive ones at the end */
};

/* One watcher in the list. */
struct watch {
	struct list_node node;       /* [R] */
	bool alone;                  /* [c] exclusive: only one of these is told */
	/* With ready_lock; takes no other lock but those of a wake.  False: these bits
	 * do not concern it, or it had no sleeper.  NULL: a mark, up to which the list
	 * has been told. */
	bool (*tell)(struct watch *, unsigned bits);
};

extern struct spinlock ready_lock;

void ready_init(struct ready *);
void ready_watch_locked(struct ready *, struct watch *);
void ready_unwatch(struct watch *);
void ready_tell_locked(struct ready *, unsigned bits);
void ready_tell_all(struct ready *, unsigned bits);

/*
 * An object has changed, POLL* bits say how: tell all its watches.
 *
 * The change was stored before, with or without a lock.  A watch that begins later sees
 * it in its first look (rule 5): so no lock is needed if nobody watches.
 *
 * Locks:    any of rank < LR_DEV.
 * Context:  any, interrupts too.
 */
static inline void
ready_tell(struct ready *r, unsigned bits)
{
	atomic_fence();
	if (!list_is_empty(&r->watches))
		ready_tell_all(r, bits);
}

/* The same, and who sleeps at the object looks again. */
static inline void
ready_wake(struct ready *r, unsigned bits)
{
	wake_all(&r->sleepers);
	ready_tell(r, bits);
}

#endif
