/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ready.c: telling watchers that a file can be read or written
 *
 * Problem   poll sleeps until one of many files is ready; an epoll collects ready
 *           files, also while nobody sleeps, and may itself be watched.
 *
 * Picture   pipe ─ ready: [watch of a poll] [watch of an epoll]   ← ready_tell()
 *                              │ wake          │ on its list, wake one
 *                           sleeper         epoll ─ ready: [watch of another] …
 *
 * Rules     1. One lock for all lists: an epoll that is told tells its own watchers,
 *              and one lock for each list would need an order.  The work under the
 *              lock is short, and the number of watches is limited (fs/user.c).
 *           2. A watch is a hint that a look is worth while: poll and epoll look
 *              before they answer.
 *           3. Exclusive watches (EPOLLEXCLUSIVE) are behind the others: all of the
 *              others are told, and of the exclusive ones the first with a sleeper.
 *           4. A file may have as many watches as users pay for.  A few are told in
 *              each hold of the lock, and interrupts may come between two holds;
 *              so an interrupt leaves the telling to a thread (fs/event/timerfd.c).
 *           5. A watcher enters the list, then looks at the file; a teller changes
 *              the file, then looks at the list; each has a fence in between.  So
 *              one of them sees what the other did, though the look takes no lock.
 *
 * Read next fs/poll.c, fs/event/epoll.c.
 */
#include "kern/ready.h"

#define TOLD_AT_ONCE 64u     /* watches in one hold of the lock */

struct spinlock ready_lock = SPIN_INIT(LR_DEV);

void
ready_init(struct ready *r)
{
	waitq_init(&r->sleepers);
	list_init(&r->watches);
}

/* Rule 5.  Locks:    ready_lock held. */
void
ready_watch_locked(struct ready *r, struct watch *w)
{
	HELD(&ready_lock);
	if (w->alone)
		list_push_back(&r->watches, &w->node);
	else
		list_push_front(&r->watches, &w->node);
	atomic_fence();
}

/* Remove a watch.  Locks:    any of rank < LR_DEV. */
void
ready_unwatch(struct watch *w)
{
	uint64_t flags = spin_lock_irq(&ready_lock);

	if (list_is_linked(&w->node))
		list_remove(&w->node);
	spin_unlock_irq(&ready_lock, flags);
}

/*
 * Tell watches from *at on, n at most; *at is then the next one, NULL: none.
 *
 * Locks:    ready_lock held.
 */
static void
tell_some(struct ready *r, struct watch **at, unsigned bits, unsigned most)
{
	struct list_node *end = &r->watches.head;
	struct watch *w = *at;

	HELD(&ready_lock);
	for (; &w->node != end && most > 0; most--) {
		if (w->tell != NULL && w->tell(w, bits) && w->alone)
			break;
		w = LIST_ENTRY(w->node.next, struct watch, node);
	}
	*at = &w->node != end && most == 0 ? w : NULL;
}

/* Rule 3; for an epoll, which has few watches.  Locks:    ready_lock held. */
void
ready_tell_locked(struct ready *r, unsigned bits)
{
	struct watch *at = LIST_ENTRY(r->watches.head.next, struct watch, node);

	HELD(&ready_lock);
	tell_some(r, &at, bits, UINT32_MAX);
}

/* ready_tell() if there are watches: rules 3 and 4.  Locks:    any of rank < LR_DEV. */
void
ready_tell_all(struct ready *r, unsigned bits)
{
	uint64_t flags = spin_lock_irq(&ready_lock);
	struct watch *at = LIST_ENTRY(r->watches.head.next, struct watch, node);
	struct watch place = { .tell = NULL };

	for (;;) {
		tell_some(r, &at, bits, TOLD_AT_ONCE);
		if (at == NULL)
			break;
		list_insert_between(&place.node, at->node.prev, &at->node);
		spin_unlock_irq(&ready_lock, flags);
		flags = spin_lock_irq(&ready_lock);
		at = LIST_ENTRY(place.node.next, struct watch, node);
		list_remove(&place.node);
	}
	spin_unlock_irq(&ready_lock, flags);
}
