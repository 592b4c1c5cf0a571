/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ready.c: who wants to hear when a file can be read or written
 *
 * Problem   poll sleeps until one of many files is ready; an epoll collects those
 *           that are, while nobody sleeps, and may itself be watched.
 *
 * Picture   pipe ─ ready: [watch of a poll] [watch of an epoll]   ← ready_tell()
 *                              │ wake          │ on its list, wake one
 *                           sleeper         epoll ─ ready: [watch of another] …
 *
 * Rules     1. One lock for all lists: who is told may tell those who watch him,
 *              and lists in a row would need an order.  What is done under it is
 *              short, and how many watch is limited (fs/event/account.c).
 *           2. A watch is a hint that a look is worth while: poll and epoll look
 *              before they answer.
 *           3. Who watches alone (EPOLLEXCLUSIVE) is behind the others: all of
 *              these hear it, and of those the first who had somebody to wake.
 *
 * Read next fs/poll.c, fs/event/epoll.c.
 */
#include "kern/ready.h"

struct spinlock ready_lock = SPIN_INIT(LR_DEV);

void
ready_init(struct ready *r)
{
	list_init(&r->watches);
}

/* Locks:    ready_lock held. */
void
ready_watch_locked(struct ready *r, struct watch *w)
{
	HELD(&ready_lock);
	if (w->alone)
		list_push_back(&r->watches, &w->node);
	else
		list_push_front(&r->watches, &w->node);
}

/* Locks:    any of rank < LR_DEV. */
void
ready_watch(struct ready *r, struct watch *w)
{
	uint64_t flags = spin_lock_irq(&ready_lock);

	ready_watch_locked(r, w);
	spin_unlock_irq(&ready_lock, flags);
}

/* It is not told from now on.  Locks:    any of rank < LR_DEV. */
void
ready_unwatch(struct watch *w)
{
	uint64_t flags = spin_lock_irq(&ready_lock);

	if (list_is_linked(&w->node))
		list_remove(&w->node);
	spin_unlock_irq(&ready_lock, flags);
}

/* Rule 3.  Locks:    ready_lock held. */
void
ready_tell_locked(struct ready *r, unsigned bits)
{
	struct watch *w;

	HELD(&ready_lock);
	LIST_FOREACH(w, &r->watches, node)
		if (w->tell(w, bits) && w->alone)
			break;
}

/* ready_tell() where somebody watches.  Locks:    any of rank < LR_DEV. */
void
ready_tell_all(struct ready *r, unsigned bits)
{
	uint64_t flags = spin_lock_irq(&ready_lock);

	ready_tell_locked(r, bits);
	spin_unlock_irq(&ready_lock, flags);
}
