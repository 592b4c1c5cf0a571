/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/shared.c: a word that names an entry loses its page, or its table
 *
 * Problem   Trimming, munmap and a table that could not be read meet words
 *           that share a page.  What then becomes of the entry is this
 *           design's.
 *
 * Picture   trimmed   VALID/FORK → FORK(e)   or, by the last owner, TRANS
 *           zapped    VALID/FORK → 0 ─ flush ─→ mapcount-1, refs-1
 *           lost      a table with any of them: all objects of the space stay
 *
 * Rules     1. The entry's page is pinned before anything is done that may
 *              let it go: what keeps it may be the page that goes (R2).
 */
#include "vm/design/fmo/fmo.h"

/*
 * The last owner has its page back, before it goes.  With its entry the entry's
 * page may be free to leave, too: it is pinned meanwhile (R2).
 */
static void
steal_back(const struct pte_ref *s, struct fmo_entry *e)
{
	struct vm_page *page = fmo_page_of(e);

	if (e->refs != 1)
		return;
	page_pin(page);
	(void)fmo_try_steal(s, e, STEAL_TRIM);
	kpaged_unpin(page);
}

/*
 * What a VALID/FORK word becomes that is trimmed: shared->trim.
 *
 * Locks:    [W]; takes [F], [P].
 * Returns:  FORK; TRANS: the page is this word's alone, which is VALID/PRIV now.
 */
uint64_t
fmo_trim(const struct pte_ref *s)
{
	struct vm_page *pg = pte_page(word_get(s->word));

	steal_back(s, fmo_entry_of_page(pg));
	if (pte_src(word_get(s->word)) == SRC_PRIV)
		return pte_make_trans(pg);
	return fork_word(fmo_index_of(fmo_entry_of_page(pg)));
}

/*
 * After the ack: the word mapped pg and referred to the entry that is its
 * home: shared->unmapped.  Once pg is not mapped its frame may be reclaimed,
 * and then nothing but our pin keeps the entry's page.
 *
 * Locks:    [W] of as; takes [F], [P].
 */
void
fmo_unmapped(struct aspace *as, struct vm_page *pg)
{
	struct fmo_entry *e = fmo_entry_of_page(pg);
	struct vm_page *page = fmo_page_of(e);

	spin_lock(&pfn_lock);
	page_pin_locked(page);
	CHECK(!page_unmap_locked(pg, false));
	spin_unlock(&pfn_lock);
	fmo_deref(as, e);
	kpaged_unpin(page);
}

/*
 * Tables could not be read: the objects to which their words may have referred
 * stay for ever.  shared->forget.
 *
 * Locks:    [W] of as.
 */
void
fmo_forget(struct aspace *as)
{
	struct rb_node *n;

	while ((n = rb_first(&as->shared_refs)) != NULL) {
		struct fmo_ref *ref = CONTAINER_OF(n, struct fmo_ref, rb);

		ref->nptes = 0;
		atomic_add(&ref->fmo->procs, 1);
		fmo_drop_ref(as, ref);
	}
}

/*
 * The last user is gone and all VADs are detached: ops->as_fini.
 *
 * Locks:    [M] exclusive; takes [W].
 */
void
fmo_as_fini(struct aspace *as)
{
	pte_as_fini(as);
	ASSERT(as->n_shared_refs == 0 && as->shared_refs.node == NULL);
}
