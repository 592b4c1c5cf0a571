/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ready.h: watches: telling that a file can be read or written
 *
 * Offers    the list of watches of a file, and how they are told.
 * Needs     kern.h.
 * Sleeps?   Never.
 * In interrupts?  ready_tell() alone.
 *
 * Tags      [R] ready_lock
 */
#ifndef KERN_READY_H
#define KERN_READY_H

#include "kern/kern.h"

#define READY_ALL (~0u)      /* told: whatever one listens to, look */

/* In whatever can become ready; as long as it lives. */
struct ready {
	struct list watches;         /* [R] those that hear it alone at the end */
};

/* Somebody who listens. */
struct watch {
	struct list_node node;       /* [R] */
	bool alone;                  /* [c] of those who are, one is told */
	/* The lock held; takes of others only what wakes.  False: it was not for
	 * him, or nobody of his was there to hear it.  NULL: the place up to which
	 * the others have been told. */
	bool (*tell)(struct watch *, unsigned bits);
};

extern struct spinlock ready_lock;

void ready_init(struct ready *);
void ready_watch_locked(struct ready *, struct watch *);
void ready_unwatch(struct watch *);
void ready_tell_locked(struct ready *, unsigned bits);
void ready_tell_all(struct ready *, unsigned bits);

/*
 * Something has changed, POLL* bits say what: all who watch hear it.
 *
 * The change has been stored, with or without a lock.  Who begins to watch afterwards
 * sees it when he looks (rule 5): nobody has to be locked out where nobody watches.
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

#endif
