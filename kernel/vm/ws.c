/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ws.c: the working set, what a space has mapped now
 *
 * Problem   To take memory from a program one must find the pages it maps and
 *           tell old from young.  A list of them would cost memory per page
 *           and could not grow in a fault when memory is short.
 *
 * Picture   The set needs no list of its own: it is the VALID words of the
 *           leaf tables, and the tables that have any stand in a ring.
 *
 *           as->ws_head ─→ table ⇄ table ⇄ table ⇄ (back to the first)
 *                           512 words each; nvalid of them in the set
 *
 * Rules     1. A word is in the set when it is VALID and not SPEC (the zero
 *              page and devices are nobody's memory).
 *           2. A table is on the ring while nvalid > 0; nothing is allocated.
 *           3. The hand of the clock never points at a table off the ring.
 *
 * Read next vm/pageq.c, vm/ptab.c.  Book: ch12.
 */
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

static void ring_insert(struct aspace *as, struct vm_page *leaf);
static void ring_remove(struct aspace *as, struct vm_page *leaf);

/*
 * A word of leaf became VALID, SRC other than SPEC.
 *
 * Locks:    as [W].
 */
void
ws_insert(struct aspace *as, struct vm_page *leaf)
{
	ASSERT(mutex_is_mine(&as->ws_lock));
	ASSERT(leaf->tbl.as == as && leaf->tbl.level == 1);
	if (leaf->tbl.nvalid++ == 0)
		ring_insert(as, leaf);
	as->ws_pages++;
	as->ws_peak = MAX(as->ws_peak, as->ws_pages);
	EVENT(ws_insert);
}

/*
 * Such a word is not VALID any more.
 *
 * Locks:    as [W].
 */
void
ws_remove(struct aspace *as, struct vm_page *leaf)
{
	ASSERT(mutex_is_mine(&as->ws_lock));
	ASSERT(leaf->tbl.as == as && leaf->tbl.nvalid > 0);
	ASSERT(as->ws_pages > 0);
	as->ws_pages--;
	if (--leaf->tbl.nvalid == 0)
		ring_remove(as, leaf);
	EVENT(ws_remove);
}

/*
 * Take a page back from standby or modified without I/O.  A page that somebody
 * else uses already is on no queue.
 *
 * Locks:    [P]; the caller maps or pins it in the same hold.
 */
void
ws_rescue(struct vm_page *pg)
{
	ASSERT(spin_is_mine(&pfn_lock));
	if (pg->state == PG_STANDBY)
		EVENT(fault_rescue_standby);
	else if (pg->state == PG_MODIFIED)
		EVENT(fault_rescue_modified);
	pq_activate(pg);
}

/* Before the head: the clock comes to a new table last. */
static void
ring_insert(struct aspace *as, struct vm_page *leaf)
{
	pfn_t pfn = page_pfn(leaf);
	struct vm_page *head;

	if (as->ws_head == 0) {
		leaf->tbl.ws_next = pfn;
		leaf->tbl.ws_prev = pfn;
		as->ws_head = pfn;
		as->hand_tbl = pfn;
		as->hand_idx = 0;
		return;
	}
	head = &pfdb[as->ws_head];
	leaf->tbl.ws_next = as->ws_head;
	leaf->tbl.ws_prev = head->tbl.ws_prev;
	pfdb[head->tbl.ws_prev].tbl.ws_next = pfn;
	head->tbl.ws_prev = pfn;
}

static void
ring_remove(struct aspace *as, struct vm_page *leaf)
{
	pfn_t pfn = page_pfn(leaf);
	pfn_t next = leaf->tbl.ws_next;

	if (next == pfn)
		next = 0;
	pfdb[leaf->tbl.ws_next].tbl.ws_prev = leaf->tbl.ws_prev;
	pfdb[leaf->tbl.ws_prev].tbl.ws_next = leaf->tbl.ws_next;
	leaf->tbl.ws_next = 0;
	leaf->tbl.ws_prev = 0;
	if (as->ws_head == pfn)
		as->ws_head = next;
	if (as->hand_tbl == pfn) {
		as->hand_tbl = next;
		as->hand_idx = 0;
	}
}
