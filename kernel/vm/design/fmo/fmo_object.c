/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/fmo_object.c: forked memory objects, and which processes refer to them
 *
 * Problem   A forked object lives as long as any word of any process names an
 *           entry of it.  Then its kernel range and its charge are given back,
 *           which may sleep; but the code that drops the last word may not.
 *
 * Picture   fmo_create ─→ live ─ fmo_add_ref … fmo_drop_ref ─→ procs 0
 *                                        fmo_bury ─→ dead ─ fmo_reap ─→ freed
 *
 * Rules     1. A process has one fmo_ref for each object that its words refer
 *              to; it is dropped when nptes reaches 0.
 *           2. With the last one the object waits on the dead list for
 *              fmo_reap(), for its kernel range is freed with no lock of
 *              rank >= 3 held.
 *           3. A word that loses its page may give up the last reference: the
 *              entry page is pinned before, for its last resident word may be
 *              the one that goes (R2).
 *
 * Read next fmo.c: the counts of the entries.
 */
#include "vm/design/fmo/fmo.h"

static struct {
	struct spinlock lock;     /* [L]: the two lists */
	struct list live;         /* [L] */
	struct list dead;         /* [L] for fmo_reap() */
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

#define REF_OF(node) CONTAINER_OF(node, struct fmo_ref, rb)

/* ---- objects ---- */

/* An object with room for max_entries entries; none exists yet.
 * Locks: none of rank >= 3.
 * Returns: the object, without references; NULL: no memory.
 * Owns: the caller, until fmo_add_ref(): the last fmo_drop_ref() ends it. */
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
	/* Then the index of each entry fits into a FORK word. */
	ASSERT(fmo->base + max_entries <= MD_KPAGED_SIZE / sizeof(struct fmo_entry));
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

/* No process refers to it (any more): it is listed as dead.  Locks: any of rank < 9. */
void
fmo_bury(struct fmo *fmo)
{
	ASSERT(fmo->nrefs == 0);
	/* Entries whose page could not be read never reach 0, and keep their slots. */
	if (fmo->live != 0) {
		klog("fmo: %u entries were lost on swap, and their slots",
		    fmo->live);
		EVENT_ADD(fmo_entries_live, -(int64_t)fmo->live);
	}
	spin_lock(&fmos.lock);
	list_remove(&fmo->all);
	list_push_back(&fmos.dead, &fmo->all);
	spin_unlock(&fmos.lock);
	atomic_add(&fault_unreaped, 1);
	EVENT_ADD(fmo_live, -1);
}

/* Free the objects that have died: header, kernel range, commit.
 * Locks: none of rank >= 3. */
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

/* All entries of the entry page with `index` are dead, and no fork fills it any more:
 * give frame and commit back.
 * Locks: none of rank >= 6; the caller's process still refers to fmo. */
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

/* Locks: none; once, before the first fork. */
void
fmo_init(void)
{
	ASSERT(fault_reaper == NULL);
	fault_reaper = fmo_reap;
	ev_set_gauge(EV_fmo_pages_out, count_pages_out, 0);
	/* An entry is two words: the owning one, then refs and tag. */
	owner_add_home(HOME_FMO, (struct owner_home){ OWNER_DATA, 2,
		EV_swap_in_fork, EV_swap_out_fork, 0, NULL });
}

/* Call fn for each object that some process refers to.
 * Locks: takes the list lock (rank 9); fn may not sleep. */
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

/* as will have words that name entries of fmo.  The reference counts one word too many
 * while the fork is under way, so that a truncate cannot drop it.
 * Locks: [W] of as, or as is not published.  Owns: the fork, until fork_finish().
 * Returns: NULL: no memory. */
struct fmo_ref *
fmo_add_ref(struct aspace *as, struct fmo *fmo)
{
	struct rb_node **link = &as->shared.refs.node, *parent = NULL;
	struct fmo_ref *ref = kmem_cache_zalloc(&fmos.refs);

	if (ref == NULL)
		return NULL;
	while (*link != NULL) {
		parent = *link;
		link = fmo->base < REF_OF(parent)->fmo->base ? &parent->left :
		    &parent->right;
	}
	ref->fmo = fmo;
	ref->nptes = 1;
	rb_insert(&as->shared.refs, &ref->rb, parent, link, NULL);
	as->shared.n++;
	atomic_add(&fmo->procs, 1);
	EVENT_ADD(fmo_refs_live, 1);
	return ref;
}

/* The reference of as to the object that holds entry `index`.
 * Locks: [W] of as.  Returns: the reference; NULL: as refers to no such object. */
struct fmo_ref *
fmo_find_ref(struct aspace *as, uint64_t index)
{
	struct rb_node *n = as->shared.refs.node;
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

/* as has no word left that names an entry of the object.
 * Locks: [W] of as, or as is not published. */
void
fmo_drop_ref(struct aspace *as, struct fmo_ref *ref)
{
	struct fmo *fmo = ref->fmo;

	ASSERT(ref->nptes == 0);
	rb_remove(&as->shared.refs, &ref->rb, NULL);
	as->shared.n--;
	kmem_cache_free(&fmos.refs, ref);
	EVENT_ADD(fmo_refs_live, -1);
	if (atomic_sub(&fmo->procs, 1) == 0)
		fmo_bury(fmo);
}

/* ---- a word that names an entry loses its page, or its table ---- */

/* The last owner takes its page back before the page leaves memory.  The entry page could
 * leave with it, so it is pinned meanwhile (R2). */
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

/* The new word for a VALID/FORK word that is trimmed: shared->trim.
 * Locks: [W]; takes [F], [P].
 * Returns: FORK; TRANS: the page is private, and the word VALID/PRIV now. */
uint64_t
fmo_trim(const struct pte_ref *s)
{
	struct vm_page *pg = pte_page(word_get(s->word));

	HELD(&s->as->ws_lock);
	steal_back(s, fmo_entry_of_page(pg));
	if (pte_src(word_get(s->word)) == SRC_PRIV)
		return pte_make_trans(pg);
	return fork_word(fmo_index_of(fmo_entry_of_page(pg)));
}

/* After the ack: drop the mapping of pg and the reference to the entry, its home:
 * shared->unmapped.  Once pg is not mapped its frame may be reclaimed, and then only our
 * pin keeps the entry page.
 * Locks: [W] of as; takes [F], [P]. */
void
fmo_unmapped(struct aspace *as, struct vm_page *pg)
{
	struct fmo_entry *e = fmo_entry_of_page(pg);
	struct vm_page *page = fmo_page_of(e);

	HELD(&as->ws_lock);
	spin_lock(&pfn_lock);
	page_pin_locked(page);
	CHECK(!page_unmap_locked(pg, PAGE_CLEAN));
	spin_unlock(&pfn_lock);
	fmo_deref(as, e);
	kpaged_unpin(page);
}

/* Tables could not be read: objects whose entries their words may have named are never
 * freed.  shared->forget.
 * Locks: [W] of as. */
void
fmo_forget(struct aspace *as)
{
	struct rb_node *n;

	HELD(&as->ws_lock);
	while ((n = rb_first(&as->shared.refs)) != NULL) {
		struct fmo_ref *ref = CONTAINER_OF(n, struct fmo_ref, rb);

		ref->nptes = 0;
		atomic_add(&ref->fmo->procs, 1);
		fmo_drop_ref(as, ref);
	}
}
