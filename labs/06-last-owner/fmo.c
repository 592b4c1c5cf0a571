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
	lab_todo("06-last-owner step 4: fmo_reref");
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

/* A word of as that named e is gone, its flush acknowledged.
 * Locks: [W] of as; e's page is pinned or has nres > 0; takes [F], [P]. */
void
fmo_deref(struct aspace *as, struct fmo_entry *e)
{
	lab_todo("06-last-owner step 1: fmo_deref");
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

/* The unreferenced page is on swap: free its slot, without a read.  [P]. */
static void
slot_ends(uint64_t word)
{
	lab_todo("06-last-owner step 6: slot_ends");
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
	lab_todo("06-last-owner step 3: fmo_try_steal");
	return false;
}

/* The slot of e becomes that of the word.  [F], [P]. */
static void
take_slot(const struct pte_ref *s, struct fmo_entry *e)
{
	lab_todo("06-last-owner step 6: take_slot");
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
	lab_todo("06-last-owner step 2: fmo_drop_range");
	return (*va = end, 0);
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
