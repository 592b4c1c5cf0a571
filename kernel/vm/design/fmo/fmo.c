/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/fmo.c: the life of the entries of forked memory objects
 *
 * Problem   After a fork one page belongs to two processes, later to more or
 *           to fewer.  A write must copy it while it is shared; the last owner
 *           gets it back; and it must be freed when nobody refers to it.
 *
 * Picture   process ── fmo_ref {fmo, nptes} ──→ fmo {live, nrefs, procs}
 *              │            one per fmo it refers into     │
 *              └─ FORK word, VALID/FORK word ──→ entry {word, refs} ─→ page
 *
 *           refs 2 ─F4→ refs 1 ─fmo_try_steal→ dead: the page is private again
 *                          └─fmo_deref→ refs 0: page freed, dead
 *
 * Rules     1. refs and word change under [F] (the fmo's lock), word also
 *              under [P].  Never two FMO locks.
 *           2. refs == 1 is stable for the process that has the word: only
 *              its own fork could add one, and map_lock excludes that.
 *           3. A pinned page is not stolen: a write(2) of a process that has
 *              unmapped the page may still be sending its bytes.
 *           4. A process's reference to the object is dropped when nptes
 *              reaches 0; with the last reference the object dies (fmo_bury).
 *           5. An entry is never used twice: an entry page whose entries are
 *              all dead is freed at once.
 *
 * Read next fmo_object.c, which makes and frees the objects.
 */
#include "vm/design/fmo/fmo.h"

static bool take_page(const struct pte_ref *s, struct fmo_entry *e);
static bool entry_died(struct fmo *fmo, struct fmo_entry *e);
static struct vm_page *entry_release(struct fmo_entry *e);
static void refs_changed(struct vm_page *page);
static void slot_ends(uint64_t word);
static void take_slot(const struct pte_ref *s, struct fmo_entry *e);

/* ---- one more ---- */

/* One more word of the ref's process names e: the fork of a word that names an entry
 * already.  The caller counts words.fork.
 * Locks: [W] of the process, [F]; e's page is pinned. */
void
fmo_reref(struct fmo_ref *ref, struct fmo_entry *e)
{
	ASSERT(e->refs > 0);
	e->refs++;
	ref->fmo->nrefs++;
	ref->nptes++;
}

/* ---- the end of an entry ---- */

/* References that a process drops in one hold of [F], and what is freed with them. */
struct drop {
	struct aspace *as;     /* [own] */
	struct fmo_ref *ref;   /* [own] */
	uint64_t n;            /* [own] words */
	pfn_t gone;            /* [own] chain of frames to be freed */
	bool empty;            /* [own] the entry page has no living entry left */
};

static struct drop
drop_begin(struct aspace *as, uint64_t index)
{
	struct fmo_ref *ref = fmo_find_ref(as, index); /* it has one */

	spin_lock(&ref->fmo->lock);
	return (struct drop){ .as = as, .ref = ref };
}

/* The last reference to e is gone: free its page or slot at the end of the hold.  [F]. */
static void
entry_ends(struct drop *d, struct fmo_entry *e)
{
	struct vm_page *pg = entry_release(e);

	if (pg != NULL)
		page_chain(&d->gone, pg);
	d->empty = entry_died(d->ref->fmo, e);
}

/* A word that named e is gone.  [F]. */
static inline void
drop_word(struct drop *d, struct fmo_entry *e)
{
	ASSERT(e->refs > 0);
	e->refs--;
	d->n++;
	EVENT(fmo_deref, fmo_index_of(e), e->refs);
	if (e->refs == 0)
		entry_ends(d, e);
}

/* All of these words named entries in the page of index; ends the hold of [F].  The sums
 * of refs are not asserted here: vm_check compares them. */
static void
drop_end(struct drop *d, uint64_t index)
{
	struct fmo_ref *ref = d->ref;

	ref->fmo->nrefs -= d->n;
	spin_unlock(&ref->fmo->lock);
	page_free_chain(d->gone);
	if (d->empty)
		fmo_free_page(ref->fmo, index);
	ASSERT(ref->nptes >= d->n);
	d->as->words.fork -= d->n;
	ref->nptes -= d->n;
	if (ref->nptes == 0)
		fmo_drop_ref(d->as, ref);
}

/* A word of as that named e is gone, its flush acknowledged.
 * Locks: [W] of as; e's page is pinned or has nres > 0; takes [F], [P]. */
void
fmo_deref(struct aspace *as, struct fmo_entry *e)
{
	uint64_t index = fmo_index_of(e);
	struct drop d = drop_begin(as, index);

	HELD(&as->ws_lock);
	drop_word(&d, e);
	refs_changed(fmo_page_of(e));
	drop_end(&d, index);
}

/* Written by direct map: make the entry page dirty, or swap brings an older one back. */
static void
refs_changed(struct vm_page *page)
{
	if ((page->flags & PF_DIRTY) != 0)
		return;
	spin_lock(&pfn_lock);
	page_dirty_locked(page);
	spin_unlock(&pfn_lock);
}

/* refs reached 0: free page or slot.  Returns a page that the caller must free. */
static struct vm_page *
entry_release(struct fmo_entry *e)
{
	struct vm_page *pg = NULL;
	bool last = false;
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_set_locked(fmo_page_of(e), &e->word, 0);
	if (pte_names_frame(word)) {
		pg = pte_page(word);
		ASSERT(pg->mapcount == 0);
		last = page_disown_locked(pg);
	} else if (pte_kind(word) == PTE_SWAP) {
		slot_ends(word);
	}
	spin_unlock(&pfn_lock);
	return last ? pg : NULL;
}

/* The unreferenced page is on swap: free its slot, without a read.  [P]. */
static void
slot_ends(uint64_t word)
{
	swap_free(swap_slot(word));
}

/* The word of e is 0 now.  True: its page holds no living entry any more. */
static inline bool
entry_died(struct fmo *fmo, struct fmo_entry *e)
{
	ASSERT(fmo->live > 0);
	fmo->live--;
	EVENT(fmo_entry_dead);
	EVENT_ADD(fmo_entries_live, -1);
	/* n == 0: a fork still fills the object. */
	return fmo_page_of(e)->nused == 0 && fmo->n != 0;
}

/* The last owner takes the page back instead of copying it: soft FORK becomes TRANS or
 * SWAP, VALID/FORK becomes VALID/PRIV with unchanged rights.
 * Locks: [W]; e's page is pinned or has nres > 0; takes [F], [P].
 * Returns: true: the word owns the page, or its slot, and e is dead; false: e has other
 * references, or the page is pinned, being read or lost. */
bool
fmo_try_steal(const struct pte_ref *s, struct fmo_entry *e,
    enum steal_where where)
{
	uint64_t index = fmo_index_of(e);
	struct drop d = drop_begin(s->as, index);
	bool stolen = e->refs == 1 && take_page(s, e);

	if (stolen) {
		e->refs = 0;
		d.n = 1;
		d.empty = entry_died(d.ref->fmo, e);
		s->as->words.priv++;
		EVENT(fmo_steal, index, where);
		drop_end(&d, index);
	} else {
		spin_unlock(&d.ref->fmo->lock);
	}
	return stolen;
}

/* The resident page of e becomes that of the word.  [F], [P]. */
static void
take_resident(const struct pte_ref *s, struct fmo_entry *e)
{
	struct vm_page *pg = pte_page(e->word);

	word_set_locked(fmo_page_of(e), &e->word, 0);
	page_set_home(pg, HOME_PTE, word_pa(s->word));
	if (pte_kind(word_get(s->word)) == PTE_VALID)
		word_change(s->word, PTE_SRC_MASK,
		    (uint64_t)SRC_PRIV << PTE_SRC_SHIFT);
	else
		word_set_locked(s->leaf, s->word, pte_make_trans(pg));
}

/* Under [F]: move page or slot from entry to word, in one hold of [P].  False: the
 * page is pinned, or being read, or lost. */
static bool
take_page(const struct pte_ref *s, struct fmo_entry *e)
{
	bool taken = false;
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_get(&e->word);
	if (pte_kind(word) == PTE_TRANS && pte_page(word)->pins == 0) {
		take_resident(s, e);
		taken = true;
	} else if (pte_kind(word) == PTE_SWAP) {
		take_slot(s, e);
		taken = true;
	}
	spin_unlock(&pfn_lock);
	return taken;
}

/* The slot of e becomes that of the word.  [F], [P]. */
static void
take_slot(const struct pte_ref *s, struct fmo_entry *e)
{
	uint64_t word = word_get(&e->word);

	ASSERT(pte_kind(word_get(s->word)) == PTE_FORK);
	word_set_locked(fmo_page_of(e), &e->word, 0);
	word_set_locked(s->leaf, s->word, word);
	atomic_add(&s->as->words.swap, 1);
}

/* Drop the soft FORK words from *va on whose entries lie in page, up to the first of
 * another page.  They map nothing: no flush. */
static void
drop_run(struct aspace *as, struct vm_page *leaf, va_t *va, va_t end,
    struct vm_page *page)
{
	uint64_t index = page->index * FMO_PER_PAGE, *word = pt_word(leaf, *va);
	struct fmo_entry *all = fmo_entries(page);
	struct drop d = drop_begin(as, index);
	uint64_t i, old;
	va_t at;

	for (at = *va; at < end; at += PAGE_SIZE, word++) {
		old = word_get(word);
		i = (old & MD_PTE_P) != 0 ? FMO_PER_PAGE : fmo_place(page, old);
		if (i < FMO_PER_PAGE) {
			word_store(word, 0);
			drop_word(&d, &all[i]);
		} else if (pte_kind(old) == PTE_FORK) {
			break;
		}
	}
	*va = at;
	word_sums(leaf, -(int)d.n, 0);
	drop_end(&d, index);
}

/* Drop the soft FORK words of one leaf table in [*va, end): munmap and exit.  This needs
 * only entry pages, no data page.
 * Locks: [W]; takes [F], [P].
 * Returns: 0: done; -EAGAIN: an entry page is on swap (R2), *va is at its word;
 * w brings it, and keeps it pinned. */
int
fmo_drop_range(struct aspace *as, struct vm_page *leaf, va_t *va, va_t end,
    struct want *w)
{
	uint64_t word;

	HELD(&as->ws_lock);
	while (*va < end) {
		word = word_get(pt_word(leaf, *va));
		if (pte_kind(word) != PTE_FORK)
			*va += PAGE_SIZE;
		else if (fmo_hold(w, fork_entry(word)))
			drop_run(as, leaf, va, end, w->kpage);
		else
			return -EAGAIN;
	}
	return 0;
}

/* Pin the entry page of kva in w->kpage, to change refs in it; unpin another one.
 * Locks: any of rank < 8; takes [P].  Returns: false: not in memory, the pass ends. */
bool
fmo_hold(struct want *w, va_t kva)
{
	uint64_t page = (kva - MD_KPAGED_BASE) >> PAGE_SHIFT;

	if (w->kpage != NULL && (w->kpage->index != page ||
	    page_home_kind(w->kpage) != HOME_KPAGED)) {
		kpaged_unpin(w->kpage);
		w->kpage = NULL;
	}
	if (w->kpage == NULL)
		w->kpage = kpaged_trypin(kva);
	if (w->kpage == NULL) {
		(void)kpaged_want(w, kva);
		return false;
	}
	container_attach(w->kpage, KIND_FMO, MD_PT_WORDS);
	refs_changed(w->kpage);
	return true;
}
