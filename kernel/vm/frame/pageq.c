/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pageq.c: queues of unused pages, reclaiming their frames, and waiting for frames
 *
 * Problem   Pages without a mapping or pin still hold contents that may be
 *           wanted again.  They stand in queues, oldest first, so that frames
 *           are taken from those unused longest; a page that is wanted can
 *           leave from the middle.  If there is no frame, mem/ fails at once;
 *           a fault whose page is charged waits here.
 *
 * Picture   head ⇄ page ⇄ page ⇄ tail      linked by frame number
 *           STANDBY        clean: the frame can be had at once
 *           MODIFIED anon  dirty, or without a copy on swap
 *           MODIFIED file  dirty, belongs to a file
 *
 *           free frames   high ──── low ──── USER ──── reserve ──── 0
 *                                     class USER stops ┘     │      │
 *                                          class KERNEL stops ┘     │
 *                                             class RESERVED stops ─┘
 *           free + standby < low: bsm trims, the page writer writes
 *
 * Rules     1. page->state says on which queue a page is; state and queue
 *              change in one hold of [P].
 *           2. A page that is being written (PF_WRITING) is on none.
 *           3. A frame is reclaimed from the head of STANDBY.  Its owner is told
 *              first, under [P]; an owner that is busy just now keeps it.
 *           4. A thread that was woken tries to allocate, and comes back here
 *              if another thread was faster.
 *           5. A wake may come from under any lock up to LR_MEM; a sleep ends
 *              after 10 ms by itself, for a page may become movable without a wake.
 *           6. One frame wakes one sleeper, first those that make room.
 */
#include "vm/frame/frame.h"

#define RECLAIM_TRIES 16   /* pages looked at before it gives up */
#define LOCK_TRIES 1000  /* turns spent on a busy PFN lock */
#define COME_NS (20 * TICK_NS) /* how long a call waits before it fails */
#define TICK_NS 10000000ul /* rule 5 */

struct page_queue pq_queue[Q_COUNT];  /* [P] */

static struct {
	struct waitq reserved;      /* sleepers of phys_wait(PHYS_RESERVED) */
	struct waitq others;
	struct waitq bsm;           /* the balance set manager sleeps here */
	_Atomic bool are_low;       /* [A] it has been woken */
} frames;

static bool frames_came(void);

/* ---- the queues ---- */

static struct page_queue *
queue_of(const struct vm_page *pg)
{
	if (pg->state == PG_STANDBY)
		return &pq_queue[Q_STANDBY];
	ASSERT(pg->state == PG_MODIFIED);
	return &pq_queue[page_home_kind(pg) == HOME_VNODE ? Q_MODFILE :
	    Q_MODANON];
}

/* To the tail of the queue that state and home name.  Locks: [P]. */
void
pq_insert(struct vm_page *pg)
{
	struct page_queue *q = queue_of(pg);

	ASSERT((pg->mapcount | pg->pins) == 0);
	if ((pg->flags & PF_WRITING) != 0)
		return;
	page_queue_append(q, pg);
	if (pg->state == PG_STANDBY && atomic_load(&phys_sleepers) != 0)
		(void)frames_came();
}

/* Out of the queue that state and home name; the caller changes the state.
 * Locks: [P].  Inlined where a page is used again. */
inline __attribute__((always_inline)) void
pq_remove(struct vm_page *pg)
{
	HELD(&pfn_lock);
	if ((pg->flags & PF_WRITING) == 0)
		page_queue_remove(queue_of(pg), pg);
}

/* Someone uses the page again: off its queue, ACTIVE (transitions 7, 8).  A page that
 * is not on a queue stays as it is.
 * Locks: [P]; a mapping or pin follows in the same hold. */
void
pq_activate(struct vm_page *pg)
{
	if (pg->state != PG_STANDBY && pg->state != PG_MODIFIED)
		return;
	pq_remove(pg);
	page_set_state(pg, PG_ACTIVE);
	if (page_is_ahead(pg))
		swap_ops->ahead_ended(pg, AHEAD_WANTED);
}

/* ---- reclaiming frames ---- */

/* Take the PFN lock though a lock of higher rank may be held: never spin for long. */
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

/* The frame of a STANDBY page becomes free; its owning word then names the slot.
 * Locks: [P].  Returns: false: the owner is busy, or keeps its pages. */
bool
pq_release(struct vm_page *pg)
{
	const struct owner_home *owner = &owner_homes[page_home_kind(pg)];

	HELD(&pfn_lock);
	ASSERT(pg->state == PG_STANDBY); /* [P]: page_set_home() asks */
	if (owner->reclaim == NULL || inject_hit(FI_TRYLOCK) || !owner->reclaim(pg))
		return false;
	pq_remove(pg);
	phys_free_reclaimed(pg);
	return true;
}

/* The frame of a page that nobody has used for longest goes to the free list
 * (transition 13).
 * Locks: any of rank <= LR_LEAF may be held; takes [P], tries [O].
 * Returns: false: there is none, or its owner is busy. */
bool
phys_reclaim(void)
{
	bool done = false;
	pfn_t pfn, next;
	unsigned try;

	if (pq_length(Q_STANDBY) == 0 || !lock_pfn())
		return false;
	pfn = pq_queue[Q_STANDBY].head;
	for (try = 0; pfn != 0 && !done && try < RECLAIM_TRIES; try++) {
		next = pfdb[pfn].qnext;
		done = pq_release(&pfdb[pfn]);
		pfn = next;
	}
	spin_unlock(&pfn_lock);
	return done;
}

/* ---- waiting for frames ---- */

/* A frame is free, or can be reclaimed from standby now.
 * Locks: any of rank < LR_WAIT.  Returns: false: nobody sleeps. */
static __attribute__((noinline)) bool
frames_came(void)
{
	return wake_one(&frames.reserved) || wake_one(&frames.others);
}

/* Frames are few: wake the threads that make room.  Locks: any of rank < LR_WAIT. */
void
frames_wake_bsm(void)
{
	if (!atomic_load(&frames.are_low) &&
	    !atomic_xchg(&frames.are_low, true))
		wake_all(&frames.bsm);
}

/* Called at each allocation below the low mark; sums before a wake. */
static void
frames_low(void)
{
	if (page_count(PG_STANDBY) != 0)
		swap_ops->wake();
	if (frames_are_low())
		frames_wake_bsm();
}

/* Register the gauges of the queues, and functions that mem/ calls when frames come back
 * and when they become few.
 * Locks: none; once, by vm_init(). */
void
pq_init(void)
{
	waitq_init(&frames.reserved);
	waitq_init(&frames.others);
	waitq_init(&frames.bsm);
	phys_set_hooks(frames_came, frames_low);
	ev_set_gauge_word(EV_page_q_standby, &pq_queue[Q_STANDBY].n);
	ev_set_gauge_word(EV_page_q_modanon, &pq_queue[Q_MODANON].n);
	ev_set_gauge_word(EV_page_q_modfile, &pq_queue[Q_MODFILE].n);
	phys_set_reclaim(phys_reclaim);
}

/* For bsm: sleep until frames are few, or the deadline. */
void
frames_wait_low(uint64_t deadline_ns)
{
	(void)wait_until(&frames.bsm, WAIT_PLAIN, deadline_ns,
	    atomic_load(&frames.are_low));
	atomic_store(&frames.are_low, false);
}

/* Promised frames do not count: the thread with the promise may not run for a while. */
static uint64_t
frames_left(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	return ps.avail;
}

static bool
has_frames(enum phys_class class)
{
	return frames_left() > phys_marks.leave[class];
}

/* Wake the threads that make room; then sleep until a frame comes, or for a tick.
 * Returns: 0, -EINTR. */
static int
wait_tick(struct waitq *q, enum phys_class class)
{
	enum wait_how how = vm_is_reserved() ? WAIT_PLAIN : vm_wait_how();
	struct waiter w;
	int r = 0;

	swap_ops->wake();
	frames_wake_bsm();
	atomic_add(&phys_sleepers, 1);
	wait_prepare(q, &w);
	if (!has_frames(class) && !phys_reclaim())
		r = wait_sleep(&w, how, md_time_ns() + TICK_NS);
	wait_finish(&w);
	atomic_sub(&phys_sleepers, 1);
	return r == -ETIMEDOUT ? 0 : r;
}

/* For a call that failed because the kernel had no frame, and can begin anew: was a frame
 * refused since the thread last asked, and are there some now?  It may need more than one
 * at a time, and only the kernel takes frames below the mark of class USER.  As none is
 * promised, the wait has a limit.
 * Locks: none of rank >= 3.
 * Returns: false: none was refused, none came in time, or a fatal signal did. */
bool
vm_frames_come(void)
{
	uint32_t refused = phys_refusals(), *seen = &thread_current()->refusals;
	uint64_t end = md_time_ns() + COME_NS;

	if (*seen == refused || vm_may_stop())
		return false;
	*seen = refused;
	EVENT(page_waits);
	while (frames_left() < phys_marks.leave[PHYS_USER])
		if (!phys_reclaim() && (md_time_ns() >= end ||
		    wait_tick(&frames.others, PHYS_USER) != 0))
			return !vm_may_stop() && has_frames(PHYS_KERNEL);
	return true;
}

/* Sleep until an allocation of this class may succeed.  A thread that makes room waits
 * for the reserve, and no signal ends its wait.
 * Locks: none of rank >= 3; pins: vm/frame/token.c.
 * Returns: 0: try again; -EINTR (fatal signal). */
int
phys_wait(enum phys_class class)
{
	int r = 0;

	EVENT(page_waits);
	if (inject_hit(FI_WAIT))
		r = sleep_until(md_time_ns() + TICK_NS, vm_wait_how());
	while (r == 0) {
		/* Killed during the wait, but it must finish: wait for the reserve. */
		if (vm_class() == PHYS_RESERVED)
			class = PHYS_RESERVED;
		if (has_frames(class) || phys_reclaim())
			break;
		if (vm_may_stop() && !vm_is_reserved())
			return -EINTR;
		r = wait_tick(class == PHYS_RESERVED ? &frames.reserved :
		    &frames.others, class);
	}
	return vm_is_reserved() ? 0 : r;
}

/* Wait for a frame for user contents.
 * Locks: none of rank >= 3; pins: vm/frame/token.c.
 * Owns: the caller, *out in LIMBO.
 * Returns: 0 (at once if *out is a frame already), -EINTR (fatal signal). */
int
page_alloc_wait(enum phys_want want, struct vm_page **out)
{
	int r = 0;

	while (r == 0 && *out == NULL) {
		*out = page_alloc(want);
		if (*out == NULL)
			r = phys_wait(PHYS_USER);
	}
	return r;
}
