/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptpage.c: page tables are pinned, go to swap and come back
 *
 * Problem   A program that has touched a few pages of a large range has more
 *           tables than pages in memory, and most of them describe pages on
 *           swap.  Such a table is not needed before one of its pages is.  A
 *           thread then waits for it with no lock, and the tables above stay.
 *
 * Picture   leaf table, no word names a frame: idle
 *
 *           parent's word  VALID ─ pt_evict, flush ─→ TRANS ─ steal ─→ SWAP
 *              ↑             └ table → MODIFIED ─→ slot ─→ STANDBY       │
 *              └────────────── pt_rescue ←─────── TRANS ←─ read ─ BUSY ←─┘
 *              pinned while its user waits: it stays
 *
 *           then the table above names no frame any more, and can follow; the
 *           root stays
 *
 * Rules     1. A table is evicted only if it is idle and not pinned, under [W], and
 *              is queued only after the flush, which includes CPUs that have the
 *              root loaded lazily: their page walkers may have cached the table.
 *           2. While it is on swap its parent's word keeps what the descriptor
 *              of its frame held: how many words it has, and who was charged.
 *           3. nres falls to 0 when a frame is reclaimed, without [W]; so the
 *              list of idle tables is guarded by [P].
 *           4. A fault brings one table in each pass (F10) and has those above
 *              pinned.  An operation on many words does so in a pt_hold, and
 *              has a structural token.
 *           5. An idle table without a word is freed.  PTEs of the zero page do
 *              not keep a table: they are cleared if they were not used.
 *           6. The last unpin frees the table if it has no word (ptab.c, rule 2).
 */
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/want/want.h"

static struct {
	uint64_t depth_max; /* [A] most tables read for one fault */
} ptpage;

void
ptpage_init(void)
{
	ev_set_gauge_word(EV_table_in_depth_max, &ptpage.depth_max);
}

/* First address of a table in use, found by its home, the parent's word, and so on
 * upwards.
 * Locks: [W] of its space. */
va_t
pt_va(const struct vm_page *table)
{
	va_t va = 0;
	int level;

	for (level = table->tbl.level; level <= LEVELS; level++) {
		pa_t word = page_home_payload(table);

		va |= (word & PAGE_MASK) / sizeof(uint64_t)
		    << (PAGE_SHIFT + 9 * level);
		table = page_of_pa(word);
	}
	return va;
}

/* ---- pins: a pinned table stays ---- */

/* Pin the tables of the path that are not among the n pinned ones.
 * Locks: [W] of its space.  Owns: pin, room for max.  Returns: how many it has now. */
uint8_t
path_pin(const struct pt_path *p, struct vm_page **pin, uint8_t n, unsigned max)
{
	lab_todo("09-pageable step 1: path_pin");
	return n;
}

/* The pass ends without the page: pin the tables of f->va that are in use, so that the
 * next pass finds them; pt_unpin() frees those that stay empty.
 * Locks: [W], still that of the pass.  Owns: f, the pins. */
void
pt_pin(struct fctx *f)
{
	lab_todo("09-pageable step 1: pt_pin");
}

/* Drop all pins of f, on tables, entry pages and data.  A table that has become empty
 * and was kept only by the pin is freed here.
 * Locks: not [P]; takes [W] if there is such a table.
 * Context: thread, may sleep for [W]. */
void
pt_unpin(struct fctx *f)
{
	lab_todo("09-pageable step 1: pt_unpin");
}

/* Pin the tables on the path to va that are in use, and no others.
 * Locks: [W], no batch of as under construction.
 * Owns: h, the pins, until pt_let_go() or pt_release(). */
void
hold_path(struct aspace *as, va_t va, const struct pt_path *p, struct pt_hold *h)
{
	lab_todo("09-pageable step 4: hold_path");
}

/* Unpin the tables of h.
 * Locks: not [P].  Returns: true: one has no word: call pt_prune(h->pinned), with [W]. */
bool
pt_let_go(struct pt_hold *h)
{
	lab_todo("09-pageable step 1: pt_let_go");
	return false;
}

/* ---- idle tables ---- */

/* ---- to swap ---- */

/* Send up to `want` tables that name no frame to swap, longest idle ones first.
 * Locks: [W]; none of rank >= 7.  Returns: how many. */
size_t
pt_evict(struct aspace *as, size_t want)
{
	lab_todo("09-pageable step 2: pt_evict");
	return 0;
}

/* Queue tables whose flush has been acknowledged: until now their counts made them look
 * like containers in use, so that nobody else queued them.
 * Locks: not [P]. */
void
pt_out_chain(pfn_t chain)
{
	lab_todo("09-pageable step 2: pt_out_chain");
}

/* ---- back from a queue ---- */

/* A table on a queue is put in use again.
 * Locks: [W]; takes [P], under which alone the word may be trusted.
 * Returns: false: the word is not TRANS. */
bool
pt_rescue(struct aspace *as, uint64_t *word, int level)
{
	lab_todo("09-pageable step 2: pt_rescue");
	return false;
}

/* As path_walk(); tables on a queue are put in use again.  Locks: [W]. */
void
path_walk_in(struct aspace *as, va_t va, struct pt_path *p)
{
	HELD(&as->ws_lock);
	do
		path_walk(as, va, p);
	while (p->out != 0 && pt_rescue(as, p->word[p->out], p->out));
}

/* ---- it cannot be read: lost ---- */

/* Does the path end at a lost table?
 * Locks: [W] of its space.  Returns: true: its word is ERROR, it could not be read. */
bool
path_is_lost(const struct pt_path *p)
{
	lab_todo("09-pageable step 5: path_is_lost");
	return false;
}

/* Another thread reads the table: wait; or it is lost, and the process with it. */
static enum fault_outcome
busy_or_lost(struct fctx *f, uint64_t word)
{
	lab_todo("09-pageable step 5: busy_or_lost");
	return fault_signal(f, SIGKILL, 0);
}

/* ---- back from swap ---- */

static void
note_depth(unsigned n)
{
	uint64_t max = atomic_load(&ptpage.depth_max);

	while (n > max && !atomic_cas(&ptpage.depth_max, &max, n))
		;
}

/* A table on f's path is out: F10.  One on a queue is put in use at once; one on
 * swap is found in memory by the next pass.
 * Locks: [M], [W], kept; takes [P].
 * Returns: FAULT_DONE, with the path in p; FAULT_WAIT, FAULT_NEEDMEM, FAULT_RESTART;
 * FAULT_SIGNAL (SIGKILL: it is lost, and with it the process). */
enum fault_outcome
pt_fault_in(struct fctx *f, struct pt_path *p)
{
	lab_todo("09-pageable step 3: pt_fault_in");
	return fault_signal(f, SIGKILL, 0);
}

/* The next table on the path to va is on swap: begin to read it, and pin those above.
 * Locks: [W], no batch of as under construction.  Returns: -EAGAIN. */
int
pt_bring(struct aspace *as, va_t va, const struct pt_path *p, struct pt_hold *h,
    struct want *w)
{
	lab_todo("09-pageable step 4: pt_bring");
	return want_again(w);
}
