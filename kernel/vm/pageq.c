/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pageq.c: the queues of pages that nobody uses
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
 *
 * Read next vm/page.c (who puts pages here), vm/ws.c (rescue).  Book: ch12.
 */
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

enum { Q_STANDBY, Q_MODANON, Q_MODFILE, Q_COUNT };

static struct {
	struct page_queue queue[Q_COUNT]; /* [P] */
} pageq;

static struct page_queue *queue_of(enum page_state state, bool file);
static bool is_file(const struct vm_page *pg);

static uint64_t
count_standby(void)
{
	return pageq.queue[Q_STANDBY].n;
}

static uint64_t
count_modanon(void)
{
	return pageq.queue[Q_MODANON].n;
}

static uint64_t
count_modfile(void)
{
	return pageq.queue[Q_MODFILE].n;
}

/*
 * Gauges of the queues.
 *
 * Locks:    none; once, by vm_init().
 */
void
pq_init(void)
{
	ev_set_gauge(EV_page_q_standby, count_standby);
	ev_set_gauge(EV_page_q_modanon, count_modanon);
	ev_set_gauge(EV_page_q_modfile, count_modfile);
}

/*
 * To the tail of the queue that state and home name.
 *
 * Locks:    [P].
 */
void
pq_insert(struct vm_page *pg)
{
	struct page_queue *q = queue_of((enum page_state)pg->state,
	    is_file(pg));
	pfn_t pfn = page_pfn(pg);

	ASSERT(spin_is_mine(&pfn_lock));
	ASSERT(pg->mapcount == 0 && pg->pins == 0);
	if ((pg->flags & PF_WRITING) != 0)
		return;
	pg->qnext = 0;
	pg->qprev = q->tail;
	if (q->tail != 0)
		pfdb[q->tail].qnext = pfn;
	else
		q->head = pfn;
	q->tail = pfn;
	q->n++;
}

/*
 * Out of the queue that state and home name; the caller changes the state.
 *
 * Locks:    [P].
 */
void
pq_remove(struct vm_page *pg)
{
	struct page_queue *q = queue_of((enum page_state)pg->state,
	    is_file(pg));

	ASSERT(spin_is_mine(&pfn_lock));
	if ((pg->flags & PF_WRITING) != 0)
		return;
	ASSERT(q->n > 0);
	if (pg->qprev != 0)
		pfdb[pg->qprev].qnext = pg->qnext;
	else
		q->head = pg->qnext;
	if (pg->qnext != 0)
		pfdb[pg->qnext].qprev = pg->qprev;
	else
		q->tail = pg->qprev;
	pg->qnext = 0;
	pg->qprev = 0;
	q->n--;
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
}

/*
 * A queue, for /proc and vm_check.
 *
 * Locks:    [P] for the contents.
 * Returns:  the queue of that state; file tells the two MODIFIED ones apart.
 */
const struct page_queue *
pq_queue(enum page_state state, bool file)
{
	return queue_of(state, file);
}

static struct page_queue *
queue_of(enum page_state state, bool file)
{
	if (state == PG_STANDBY)
		return &pageq.queue[Q_STANDBY];
	ASSERT(state == PG_MODIFIED);
	return &pageq.queue[file ? Q_MODFILE : Q_MODANON];
}

static bool
is_file(const struct vm_page *pg)
{
	return page_home_kind(pg) == HOME_VNODE;
}
