/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pageq.c: queues of pages that nobody uses, and taking frames from them
 *
 * Problem   Pages without a mapping and a pin still hold contents that may be
 *           wanted again.  They stand in a line, oldest first, so that frames
 *           are taken from those unused longest and a page that is wanted
 *           leaves from the middle at once.
 *
 * Picture   head ⇄ page ⇄ page ⇄ tail      linked by frame number
 *           STANDBY        clean: the frame can be had at once
 *           MODIFIED anon  dirty, or without a copy on swap
 *           MODIFIED file  dirty, belongs to a file
 *
 * Rules     1. page->state says on which queue a page is; state and queue
 *              change in one hold of [P].
 *           2. A page that is being written (PF_WRITING) is on none.
 *           3. A frame is reclaimed from the head of STANDBY.  Its owner is told
 *              first, under [P]; an owner that is busy just now keeps it.
 */
#include "vm/frame/frame.h"

#define RECLAIM_TRIES 16   /* pages looked at before it gives up */
#define LOCK_TRIES 1000  /* turns spent on a busy PFN lock */

struct page_queue pq_queue[Q_COUNT];  /* [P] */

static struct {
	const struct owner_ops *owner[HOME_COUNT]; /* [c] NULL: keeps its pages */
} pageq;

static struct page_queue *queue_of(const struct vm_page *pg);
static bool reclaim_locked(void);

/*
 * Gauges of the queues.
 *
 * Locks:    none; once, by vm_init().
 */
void
pq_init(void)
{
	ev_set_gauge_word(EV_page_q_standby, &pq_queue[Q_STANDBY].n);
	ev_set_gauge_word(EV_page_q_modanon, &pq_queue[Q_MODANON].n);
	ev_set_gauge_word(EV_page_q_modfile, &pq_queue[Q_MODFILE].n);
	phys_set_reclaim(phys_reclaim);
}

/*
 * Who gives up pages of this home, and how.
 *
 * Locks:    none; once per home, by vm_init().
 */
void
pq_set_owner(enum page_home home, const struct owner_ops *ops)
{
	pageq.owner[home] = ops;
}

/*
 * To the tail of the queue that state and home name.
 *
 * Locks:    [P].
 */
void
pq_insert(struct vm_page *pg)
{
	struct page_queue *q = queue_of(pg);

	ASSERT(pg->mapcount == 0 && pg->pins == 0);
	if ((pg->flags & PF_WRITING) != 0)
		return;
	page_queue_append(q, pg);
	if (pg->state == PG_STANDBY && atomic_load(&frames_sleepers) != 0)
		frames_came();
}

/*
 * Out of the queue that state and home name; the caller changes the state.
 *
 * Locks:    [P].
 */
void
pq_remove(struct vm_page *pg)
{
	struct page_queue *q = queue_of(pg);

	if ((pg->flags & PF_WRITING) == 0)
		page_queue_remove(q, pg);
}

/*
 * Someone uses the page again: off its queue, ACTIVE (transitions 7, 8).  A
 * page that is not on a queue stays as it is.
 *
 * Locks:    [P]; a mapping or pin follows in the same hold.
 */
void
pq_activate(struct vm_page *pg)
{
	ASSERT(spin_is_mine(&pfn_lock));
	if (pg->state != PG_STANDBY && pg->state != PG_MODIFIED)
		return;
	pq_remove(pg);
	page_set_state(pg, PG_ACTIVE);
	if (owner_is_word(pg) && pg->swp.ahead)
		swap_ops->hit(pg);
}

static struct page_queue *
queue_of(const struct vm_page *pg)
{
	if (pg->state == PG_STANDBY)
		return &pq_queue[Q_STANDBY];
	ASSERT(pg->state == PG_MODIFIED);
	return &pq_queue[page_home_kind(pg) == HOME_VNODE ? Q_MODFILE :
	    Q_MODANON];
}

/* ---- reclaiming frames ---- */

/*
 * The PFN lock for somebody who may hold a lock of higher rank: never waited
 * for long.
 */
static bool
lock_pfn(void)
{
	unsigned i;

	if (spin_is_mine(&pfn_lock))
		return false;
	for (i = 0; i < LOCK_TRIES; i++) {
		if (spin_trylock(&pfn_lock))
			return true;
		md_pause();
	}
	return false;
}

/*
 * The frame of a page that nobody has used for longest goes to the free list
 * (transition 13).
 *
 * Locks:    any of rank <= LR_LEAF may be held; takes [P], tries [O].
 * Returns:  false: there is none, or its owner is busy.
 */
bool
phys_reclaim(void)
{
	bool done;

	if (pq_queue[Q_STANDBY].n == 0 || !lock_pfn())
		return false;
	done = reclaim_locked();
	spin_unlock(&pfn_lock);
	return done;
}

/*
 * The frame of a STANDBY page becomes free; its owner remembers where the
 * bytes are.
 *
 * Locks:    [P].
 * Returns:  false: the owner is busy, or keeps its pages.
 */
bool
pq_release(struct vm_page *pg)
{
	const struct owner_ops *owner = pageq.owner[page_home_kind(pg)];

	ASSERT(spin_is_mine(&pfn_lock));
	ASSERT(pg->state == PG_STANDBY);
	if (owner == NULL || inject_hit(FI_TRYLOCK) || !owner->reclaim(pg))
		return false;
	pq_remove(pg);
	phys_free_reclaimed(pg);
	return true;
}

/* A page of the queue's head whose owner gives it up.  [P]. */
static bool
reclaim_locked(void)
{
	pfn_t pfn = pq_queue[Q_STANDBY].head, next;
	unsigned try;

	ASSERT(spin_is_mine(&pfn_lock));
	for (try = 0; pfn != 0 && try < RECLAIM_TRIES; try++, pfn = next) {
		struct vm_page *pg = &pfdb[pfn];

		next = pg->qnext;
		if (pq_release(pg))
			return true;
	}
	return false;
}
