/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/fmo.c: the life of forked memory objects, their entries and references
 *
 * Problem   After a fork one page belongs to two processes, later to more or
 *           to fewer.  It must be copied while it is shared, given to the
 *           last one that refers to it, and freed when nobody does.
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
 *           3. A page with pins is not stolen: someone may still be sending
 *              what is in it (write(2)), though he has unmapped it.
 *           4. A reference is dropped when nptes reaches 0; with the last
 *              one the object waits on the dead list for fmo_reap(), for its
 *              kernel range is freed with no lock of rank >= 3 held.
 *           5. An entry is never used twice: an entry page whose entries are
 *              all dead is given back at once.
 */
#include "vm/design/fmo/fmo.h"

static struct {
	struct spinlock lock;     /* list lock: the two lists */
	struct list live;         /* [list lock] */
	struct list dead;         /* [list lock] for fmo_reap() */
	_Atomic uint32_t gen;     /* [A] forks so far */
	struct kmem_cache fmos;   /* own lock */
	struct kmem_cache refs;   /* own lock */
} fmos = {
	.lock = SPIN_INIT(LR_LEAF),
	.live = LIST_INIT(fmos.live),
	.dead = LIST_INIT(fmos.dead),
	.fmos = KMEM_CACHE("fmo", struct fmo),
	.refs = KMEM_CACHE("fmo_ref", struct fmo_ref),
};

static bool take_page(const struct pte_ref *s, struct fmo_entry *e);
static bool entry_died(struct fmo *fmo, struct fmo_entry *e);
static struct vm_page *entry_release(struct fmo_entry *e);
static void refs_changed(struct vm_page *page);

#define REF_OF(node) CONTAINER_OF(node, struct fmo_ref, rb)

/* ---- objects ---- */

/*
 * An object with room for max_entries; none is made yet.
 *
 * Locks:    none of rank >= 3.
 * Returns:  the object, without references; NULL: no memory.
 * Owns:     the caller, until fmo_add_ref(): the last fmo_drop_ref() ends it.
 */
struct fmo *
fmo_create(uint64_t max_entries)
{
	uint64_t pages = (max_entries + FMO_PER_PAGE - 1) / FMO_PER_PAGE;
	struct fmo *fmo = kmem_cache_zalloc(&fmos.fmos);
	va_t kva;

	if (fmo == NULL)
		return NULL;
	kva = kpaged_alloc(pages);
	if (kva == 0) {
		kmem_cache_free(&fmos.fmos, fmo);
		return NULL;
	}
	fmo->base = (kva - MD_KPAGED_BASE) / sizeof(struct fmo_entry);
	fmo->npages = (uint32_t)pages;
	fmo->gen = atomic_add(&fmos.gen, 1);
	spin_init(&fmo->lock, LR_OBJ);
	spin_lock(&fmos.lock);
	list_push_back(&fmos.live, &fmo->all);
	spin_unlock(&fmos.lock);
	EVENT_ADD(fmo_live, 1);
	EVENT(fmo_new, fmo->base, max_entries);
	return fmo;
}

static va_t
fmo_kva(const struct fmo *fmo)
{
	return MD_KPAGED_BASE + fmo->base * sizeof(struct fmo_entry);
}

/*
 * No process refers to it (any more): onto the dead list.
 *
 * Locks:    any of rank < 9.
 */
void
fmo_bury(struct fmo *fmo)
{
	ASSERT(fmo->nrefs == 0);
	/* Entries whose page could not be read never reach 0, nor go their slots. */
	if (fmo->live != 0) {
		klog("fmo: %u entries were lost on swap, and their slots",
		    fmo->live);
		EVENT_ADD(fmo_entries_live, -(int64_t)fmo->live);
	}
	spin_lock(&fmos.lock);
	list_remove(&fmo->all);
	list_push_back(&fmos.dead, &fmo->all);
	spin_unlock(&fmos.lock);
	fault_reap_later();
	EVENT_ADD(fmo_live, -1);
}

/*
 * Free the objects that have died: header, kernel range, commit.
 *
 * Locks:    none of rank >= 3.
 */
void
fmo_reap(void)
{
	struct list_node *n;
	struct fmo *fmo;

	while (atomic_load(&fault_unreaped) != 0) {
		spin_lock(&fmos.lock);
		n = list_pop_front(&fmos.dead);
		spin_unlock(&fmos.lock);
		if (n == NULL)
			return;
		atomic_sub(&fault_unreaped, 1);
		fmo = LIST_ENTRY(n, struct fmo, all);
		EVENT(fmo_free, fmo->base);
		kpaged_free(fmo_kva(fmo), fmo->npages);
		commit_uncharge(fmo->charged);
		EVENT_ADD(fmo_pages_live, -(int64_t)fmo->charged);
		kmem_cache_free(&fmos.fmos, fmo);
	}
}

/*
 * All entries of the entry page that holds `index` are dead, and no fork
 * fills it any more: give frame and commit back.
 *
 * Locks:    none of rank >= 6; the caller's process still refers to fmo.
 */
void
fmo_free_page(struct fmo *fmo, uint64_t index)
{
	uint64_t page = (index - fmo->base) / FMO_PER_PAGE;

	spin_lock(&fmo->lock);
	ASSERT(fmo->charged > 0);
	fmo->charged--;
	spin_unlock(&fmo->lock);
	kpaged_decommit(fmo_kva(fmo) + page * PAGE_SIZE, 1);
	commit_uncharge(1);
	EVENT_ADD(fmo_pages_live, -1);
	EVENT(fmo_pages_freed_early);
	EVENT(fmo_page_free, fmo->base, page);
}

/* Entry pages that are on swap now. */
static uint64_t
count_pages_out(size_t unused)
{
	struct fmo *fmo;
	uint64_t n = 0;
	uint32_t i;

	spin_lock(&fmos.lock);
	LIST_FOREACH(fmo, &fmos.live, all)
		for (i = 0; i < fmo->npages; i++)
			n += kpaged_is_out(fmo_kva(fmo) + i * PAGE_SIZE);
	spin_unlock(&fmos.lock);
	return n;
}

/*
 * Locks:    none; once, before the first fork.
 */
void
fmo_init(void)
{
	ev_set_gauge(EV_fmo_pages_out, count_pages_out, 0);
	/* An entry is two words: the owning one, then refs and tag. */
	owner_add_home(HOME_FMO, (struct owner_home){ OWNER_DATA, 2,
		EV_swap_in_fork, EV_swap_out_fork });
}

/*
 * Call fn for each object that some process refers to.
 *
 * Locks:    takes the list lock (rank 9); fn may not sleep.
 */
void
fmo_walk(void (*fn)(struct fmo *, void *), void *arg)
{
	struct fmo *fmo;

	spin_lock(&fmos.lock);
	LIST_FOREACH(fmo, &fmos.live, all)
		fn(fmo, arg);
	spin_unlock(&fmos.lock);
}

/* ---- references of processes ---- */

/*
 * as will have words that refer into fmo.
 *
 * Locks:    [W] of as, or as is not published.
 * Returns:  the reference with nptes 0; NULL: no memory.
 */
struct fmo_ref *
fmo_add_ref(struct aspace *as, struct fmo *fmo)
{
	struct rb_node **link = &as->shared_refs.node, *parent = NULL;
	struct fmo_ref *ref = kmem_cache_zalloc(&fmos.refs);

	if (ref == NULL)
		return NULL;
	while (*link != NULL) {
		parent = *link;
		link = fmo->base < REF_OF(parent)->fmo->base ? &parent->left :
		    &parent->right;
	}
	ref->fmo = fmo;
	rb_insert(&as->shared_refs, &ref->rb, parent, link, NULL);
	as->n_shared_refs++;
	atomic_add(&fmo->procs, 1);
	EVENT_ADD(fmo_refs_live, 1);
	return ref;
}

/*
 * The reference of as to the object that holds entry `index`.
 *
 * Locks:    [W] of as.
 * Returns:  the reference; NULL: as refers to no such object.
 */
struct fmo_ref *
fmo_find_ref(struct aspace *as, uint64_t index)
{
	struct rb_node *n = as->shared_refs.node;
	struct fmo_ref *best = NULL;

	while (n != NULL) {
		if (REF_OF(n)->fmo->base <= index) {
			best = REF_OF(n);
			n = n->right;
		} else {
			n = n->left;
		}
	}
	if (best == NULL ||
	    index - best->fmo->base >= best->fmo->npages * FMO_PER_PAGE)
		return NULL;
	return best;
}

/*
 * as has no word left that refers into the object.
 *
 * Locks:    [W] of as, or as is not published.
 */
void
fmo_drop_ref(struct aspace *as, struct fmo_ref *ref)
{
	struct fmo *fmo = ref->fmo;

	ASSERT(ref->nptes == 0);
	rb_remove(&as->shared_refs, &ref->rb, NULL);
	as->n_shared_refs--;
	kmem_cache_free(&fmos.refs, ref);
	EVENT_ADD(fmo_refs_live, -1);
	if (atomic_sub(&fmo->procs, 1) == 0)
		fmo_bury(fmo);
}

/*
 * One more word of the ref's process names e: fork of a word that refers to
 * an entry already.  The caller counts n_fork.
 *
 * Locks:    [W] of the process, [F]; e's page is pinned.
 */
void
fmo_reref(struct fmo_ref *ref, struct fmo_entry *e)
{
	ASSERT(e->refs > 0 && e->word != 0);
	e->refs++;
	ref->fmo->nrefs++;
	ref->nptes++;
}

/* ---- the end of an entry ---- */

/* References that a process gives up in one hold of [F], and what ends with them. */
struct drop {
	struct aspace *as;     /* [own] */
	struct fmo_ref *ref;   /* [own] */
	uint64_t n;            /* [own] words */
	pfn_t gone;            /* [own] chain of frames that nobody holds */
	bool empty;            /* [own] the entry page holds no living entry any more */
};

static struct drop
drop_begin(struct aspace *as, uint64_t index)
{
	struct fmo_ref *ref = fmo_find_ref(as, index);

	ASSERT(ref != NULL);
	spin_lock(&ref->fmo->lock);
	return (struct drop){ .as = as, .ref = ref };
}

/* Nobody refers to e any more: page or slot go, with the end of the hold.  [F]. */
static void
entry_ends(struct drop *d, struct fmo_entry *e)
{
	struct vm_page *pg = entry_release(e);

	if (pg != NULL) {
		pg->qnext = d->gone;
		d->gone = page_pfn(pg);
	}
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

/* All of these words named entries in the page of index; ends the hold of [F]. */
static void
drop_end(struct drop *d, uint64_t index)
{
	struct fmo_ref *ref = d->ref;

	ASSERT(ref->fmo->nrefs >= d->n);
	ref->fmo->nrefs -= d->n;
	spin_unlock(&ref->fmo->lock);
	page_free_chain(d->gone);
	if (d->empty)
		fmo_free_page(ref->fmo, index);
	ASSERT(ref->nptes >= d->n && d->as->n_fork >= d->n);
	d->as->n_fork -= d->n;
	ref->nptes -= d->n;
	if (ref->nptes == 0)
		fmo_drop_ref(d->as, ref);
}

/*
 * A word of as that named e is gone, its flush acknowledged.
 *
 * Locks:    [W] of as; e's page is pinned or has nres > 0; takes [F], [P].
 */
void
fmo_deref(struct aspace *as, struct fmo_entry *e)
{
	uint64_t index = fmo_index_of(e);
	struct drop d = drop_begin(as, index);

	drop_word(&d, e);
	refs_changed(fmo_page_of(e));
	drop_end(&d, index);
}

/* Written by direct map: the entry page must not come back older from swap. */
static void
refs_changed(struct vm_page *page)
{
	if ((page->flags & PF_DIRTY) != 0)
		return;
	spin_lock(&pfn_lock);
	page_dirty_locked(page);
	spin_unlock(&pfn_lock);
}

/* refs reached 0: page or slot go.  A page that nobody holds the caller frees. */
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
		swap_free(swap_slot(word));
	}
	spin_unlock(&pfn_lock);
	return last ? pg : NULL;
}

/* The word of e is 0 now.  True: its page holds no living entry any more. */
static bool
entry_died(struct fmo *fmo, struct fmo_entry *e)
{
	ASSERT(fmo->live > 0 && e->word == 0 && e->refs == 0);
	fmo->live--;
	EVENT(fmo_entry_dead);
	EVENT_ADD(fmo_entries_live, -1);
	/* n == 0: a fork still fills the object. */
	return fmo_page_of(e)->nused == 0 && fmo->n != 0;
}

/*
 * The last owner takes the page back instead of copying it: soft FORK becomes
 * TRANS or SWAP, VALID/FORK becomes VALID/PRIV with the rights it had.
 *
 * Locks:    [W]; e's page is pinned or has nres > 0; takes [F], [P].
 * Returns:  true: the word owns the page, or its slot, and e is dead; false:
 *           others refer to it, the page is pinned, being read or lost.
 */
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
		s->as->n_priv++;
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

/*
 * Under [F]: page or slot go from entry to word, in one hold of [P].  False:
 * the page is pinned, or being read, or lost.
 */
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
		ASSERT(pte_kind(word_get(s->word)) == PTE_FORK);
		word_set_locked(fmo_page_of(e), &e->word, 0);
		word_set_locked(s->leaf, s->word, word);
		atomic_add(&s->as->n_swap, 1);
		taken = true;
	}
	spin_unlock(&pfn_lock);
	return taken;
}

/*
 * The soft FORK words from *va on whose entries lie in page, up to the first that
 * leads elsewhere.  Nothing maps what they name: no flush.
 */
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

/*
 * Drop the soft FORK words of one leaf table in [*va, end): munmap and exit.
 * No data page is touched, nothing but entry pages is needed.
 *
 * Locks:    [W]; takes [F], [P].
 * Returns:  0: done; -EAGAIN: an entry page is not at hand (R2), *va is at its
 *           word; w brings it, and keeps it pinned.
 */
int
fmo_drop_range(struct aspace *as, struct vm_page *leaf, va_t *va, va_t end,
    struct want *w)
{
	uint64_t word;

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

/*
 * Have the entry page of kva pinned in w->kpage, to change refs in it; another is
 * let go.
 *
 * Locks:    any of rank < 8; takes [P].
 * Returns:  false: not in memory, the pass ends.
 */
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
