/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte/zap.c: PTEs are cleared: munmap, DONTNEED, truncate, exit
 *
 * Problem   A range ceases to exist.  Each word in it must give up the page or
 *           slot that it names.  The cost must depend on what was touched, not on
 *           the size, and no frame may be reused while a CPU can still reach it.
 *
 * Picture   for each leaf table that exists:
 *
 *             VALID  → 0, into the batch ─┐
 *             TRANS  → 0, page freed,     ├─ empty table → batch ─→ flush ─→
 *             FORK   → 0, shared->drop    ┘      mapcount-1, frames freed,
 *                                                VALID/FORK shared->unmapped
 *
 * Rules     1. A page that was mapped, also one shared by VALID/FORK, is given
 *              up only after the TLB acknowledgement.
 *           2. detach: [M] exclusive, the VADs are out of the tree, so no
 *              fault refills; their maplinks are still listed, so a truncate
 *              that runs now still finds the VALID words.  DONTNEED: [M] shared,
 *              a fault may refill the part that is done.
 *           3. zap: [X] held by a truncate, or by a write-back, for which words
 *              of the object lose W and D only; it may not wait, and returns
 *              -EAGAIN if a table, or the entry of a FORK word, is on swap.
 *           4. ws_lock is held for one leaf table at a time.  Frames, a third of
 *              the time, are freed after it is dropped, for siblings wait for it.
 *           5. A table on swap is brought: its words name slots and shared
 *              entries.  A search for mapped pages skips it.
 */
#include "vm/design/design.h"
#include "vm/pte/pte.h"

struct zap_work {
	struct aspace *as;
	struct zap_job *job;   /* tables held, and what is missing */
	bool late;             /* the pages were charged when touched */
	uint64_t freed_late;   /* of these, freed so far */
	pfn_t dead;            /* chain of frames, to be freed behind [W] */
};

/* Clear all but the soft FORK words of a leaf table, from it->va on. */
static void
zap_words(struct zap_work *z, struct pt_iter it)
{
	struct pte_ref s = { .as = z->as, .leaf = it.leaf };
	struct words_cleared gone = { .by_bits = { 0 } };
	uint64_t word;
	unsigned n;

	PT_FOREACH(s.word, &it) {
		word = word_get(s.word);
		s.va = it.va;
		switch (pte_kind(word)) {
		case PTE_ABSENT:
		case PTE_FORK:
			break;
		case PTE_VALID:
			if (z->job->how == ZAP_SHARED_ONLY &&
			    pte_src(word) != SRC_OBJ)
				break;
			tlb_batch_add(z->as->batch, s.va >> PAGE_SHIFT,
			    word_take(s.word, &gone));
			break;
		case PTE_TRANS:
		case PTE_BUSY:
		case PTE_SWAP:
		case PTE_ERROR:
			if (z->job->how != ZAP_EVEN_PRIVATE)
				break;
			pte_drop_soft(&s);
			z->freed_late++;
			break;
		}
	}
	/* The counts of the table, for all VALID words that were cleared. */
	n = words_cleared_of(&gone, SRC_PRIV) + words_cleared_of(&gone, SRC_FORK);
	word_settle(it.leaf, &gone);
	ws_remove_some(z->as, it.leaf, words_cleared_of(&gone, SRC_OBJ) + n);
	z->as->words.priv -= words_cleared_of(&gone, SRC_PRIV);
	z->freed_late += n;
}

/* Clear the words of one leaf table.  [W].  As zap_next(). */
static int
zap_table(struct zap_work *z, struct pt_iter *it)
{
	struct aspace *as = z->as;
	struct tlb_batch *b = as->batch;
	uint64_t forks = as->words.fork;
	va_t first;
	int r = 0;

	if (!pt_iter_table(it))
		return it->r;
	first = it->va;
	tlb_batch_init(b, as, BATCH_ZAP);
	/* Soft FORK words are among the words that name no frame. */
	if (z->job->how == ZAP_EVEN_PRIVATE && forks != 0 &&
	    it->leaf->nused > it->leaf->nres) {
		va_t at = first;

		r = as->design->forked->drop(as, it->leaf, &at, it->stop,
		    &z->job->want);
		it->stop = at;
		it->left = it->leaf->nused;
		z->freed_late += forks - as->words.fork;
	}
	zap_words(z, *it);
	it->va = it->stop;
	if (it->leaf->nused == 0) {
		/* A table pinned by another operation is freed at its unpin. */
		if (pt_is_among(z->job->tables.pin, z->job->tables.npin, it->leaf))
			(void)pt_let_go(&z->job->tables);
		pt_prune(as, first, b);
	}
	z->dead = tlb_batch_finish(b);
	if (z->late)
		commit_uncharge_late(as, z->freed_late);
	z->freed_late = 0;
	return r;
}

/* Take W and D from the words of one leaf table that map the object's pages.  The pages
 * become dirty only after the flush: until then a store can still come through a stale
 * TLB entry.  [W]. */
static void
clean_table(struct zap_work *z, struct pt_iter *it)
{
	struct tlb_batch *b = z->as->batch;
	uint64_t *word, old;

	if (!pt_iter_table(it))
		return;
	tlb_batch_init(b, z->as, BATCH_CLEAN);
	PT_FOREACH(word, it) {
		old = word_get(word);
		if (pte_kind(old) != PTE_VALID || pte_src(old) != SRC_OBJ ||
		    (old & (MD_PTE_W | MD_PTE_D)) == 0)
			continue;
		old = word_change(word, MD_PTE_W | MD_PTE_D, 0);
		tlb_batch_add(b, it->va >> PAGE_SHIFT, old);
	}
	tlb_batch_end(b);
}

/* The next leaf table.  Takes [W].  0: it->va is behind it; -EAGAIN: job->want. */
static int
zap_next(struct zap_work *z, struct pt_iter *it)
{
	int r = 0;

	z->dead = 0;
	mutex_lock(&z->as->ws_lock);
	if (z->job->how == ZAP_CLEAN)
		clean_table(z, it);
	else
		r = zap_table(z, it);
	mutex_unlock(&z->as->ws_lock);
	page_free_chain(z->dead);
	return r;
}

enum unreadable { UNREADABLE_STAY, UNREADABLE_GO };

/* The words of all tables from it.va on; flags: of their VAD (charged when touched?). */
static void
drop_tables(struct pt_iter it, uint32_t flags, enum unreadable tables)
{
	struct zap_job job = { .how = ZAP_EVEN_PRIVATE,
		.tables = { .as = it.as, .forget = tables == UNREADABLE_GO } };
	struct zap_work z = { .as = it.as, .job = &job,
		.late = (flags & VAD_CHARGED) == 0 };
	bool waited = false;
	int r;

	it.hold = &job.tables;
	it.want = &job.want;
	while (it.va < it.end) {
		r = zap_next(&z, &it);
		if (r != 0)
			want_finish(&job.want);
		waited |= r != 0;
		fault_reap();
	}
	/* An entry page may be held without a wait. */
	if (waited || job.want.kpage != NULL) {
		pt_release(&job.tables);
		want_end(&job.want);
	}
}

/* Make the part [lo, hi) vpn of a VAD as if it had never been touched.
 * Locks: [M]; takes [W]; waits for tables and entry pages without it, with a
 * structural token. */
void
pte_discard(struct aspace *as, const struct vad *vad, uint64_t lo, uint64_t hi)
{
	struct pt_iter it = pt_range(as, lo, hi);
	bool any = vm_may_hold(); /* a token need not be waited for */

	HELD_SHARED(&as->map_lock);
	if (!any) {
		mutex_lock(&as->ws_lock);
		any = pt_iter_place(&it);
		mutex_unlock(&as->ws_lock);
	}
	if (!any)
		return;
	structural_begin();
	drop_tables(it, vad->flags, UNREADABLE_STAY);
	structural_end();
}

/* All words of a VAD go, which is out of the tree: school->detach.  Locks: [M] exclusive. */
void
pte_detach(struct aspace *as, struct vad *vad)
{
	HELD(&as->map_lock);
	pte_discard(as, vad, vad->start, vad->end);
}

/* Free a private page that is not mapped, of the word at s: no CPU can reach it, so no
 * flush.  A page that is being read is freed when the read ends.
 * Locks: [W].
 * Owns: the caller, the charge of the page, if it was charged when touched. */
void
pte_drop_soft(const struct pte_ref *s)
{
	struct vm_page *pg = NULL;
	bool last = false;
	uint64_t word;

	HELD(&s->as->ws_lock);
	spin_lock(&pfn_lock);
	word = word_set_locked(s->leaf, s->word, 0);
	if (pte_names_frame(word)) {
		pg = pte_page(word);
		last = page_disown_locked(pg);
	} else if (pte_kind(word) == PTE_SWAP) {
		swap_free(swap_slot(word));
		atomic_sub(&s->as->words.swap, 1);
	}
	page_unlock_free(pg, last);
	/* holds: W; not P */
	s->as->words.priv--;
}

/* Clear the words of a link in [lo, hi) vpn, for a truncate or a hole, or take W and D
 * from them, for a write-back: school->zap.
 * Locks: [X] of the link's object; takes [W].
 * Returns: 0, -EAGAIN (job->want, without [X], and again). */
int
pte_zap(struct aspace *as, struct vm_maplink *link, uint64_t lo, uint64_t hi,
    struct zap_job *job)
{
	struct zap_work z = { .as = as, .job = job,
		.late = (link->flags & VAD_CHARGED) == 0 };
	struct pt_iter it = pt_range(as, MAX(lo, link->start),
	    MIN(hi, link->end));
	int r = 0;

	if (job->how == ZAP_EVEN_PRIVATE) {
		it.hold = &job->tables;
		it.want = &job->want;
	}
	while (it.va < it.end && r == 0)
		r = zap_next(&z, &it);
	return r;
}

/* Tables could not be read: their words are lost, so clear the counts.  [W]. */
static void
write_off(struct aspace *as)
{
	if (as->words.fork != 0)
		as->design->forked->forget(as);
	as->words.fork = 0;
	as->words.priv = 0;
	as->table.n_out = 0; /* those below one that is lost */
	atomic_store(&as->words.swap, 0);
	commit_uncharge_late(as, atomic_load(&as->commit.late));
}

/* The last user is gone and all VADs but lost ones are detached: the words that are left
 * belonged to lost VADs.  A table that is still out could not be read, or stands above
 * such a table: it is given up.  school->as_fini.
 * Locks: [M] exclusive; takes [W]. */
void
pte_as_fini(struct aspace *as)
{
	bool lost = as_has_lost(as, LOST_VADS);

	HELD(&as->map_lock);
	if (lost || as->table.n_out != 0)
		drop_tables(pt_range(as, 0, MD_USER_END >> PAGE_SHIFT),
		    VAD_CHARGED, UNREADABLE_GO);
	if (lost)
		as_lose(as, LOST_TABLES);
	mutex_lock(&as->ws_lock);
	if (as_has_lost(as, LOST_TABLES))
		write_off(as);
	ASSERT(as->words.fork == 0 && as->words.priv == 0 && as->ws.pages == 0);
	ASSERT(as->words.locked == 0 && as->table.n == 0 && as->table.n_out == 0);
	ASSERT(as->shared.n == 0 && as->shared.refs.node == NULL);
	mutex_unlock(&as->ws_lock);
	ASSERT(atomic_load(&as->words.swap) == 0 && atomic_load(&as->commit.late) == 0);
}
