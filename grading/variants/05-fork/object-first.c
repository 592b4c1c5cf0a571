/* SPDX-License-Identifier: BSD-2-Clause */
/* A correct solution that goes another way: the object before the mappings, short holds of the locks, no fault-around, a read of the last owner's takes back and comes again, the frame before the look; of old objects only small ones are put together. */
/*
 * fmo/fork.c: a second process with the same memory, and no page copied
 *
 * Problem   fork must give the child all that the parent has written, at a
 *           cost of what exists, not of what is mapped, and without a copy
 *           that the usual exec right after would throw away.
 *
 * Picture   before   parent VALID/PRIV rw ─→ page            child ABSENT
 *           after    parent VALID/FORK ro ─→ page ←─ entry {TRANS, 2}
 *                                                      ↑
 *                                           child FORK ┘
 *           A word that is FORK already: its entry's refs rise, no new entry.
 *
 * Rules     1. Phase A (fork_reserve) charges and allocates all that may
 *              fail; the parent is as it was if it does.
 *           2. Phase B (fork_range) waits, but cannot fail for memory; only a
 *              fatal signal ends it.  Nothing is waited for with a ws_lock.
 *           3. One flush of the parent, before the child is published and
 *              also when the fork is given up: a stale writable entry would
 *              outlive a later fork, which finds the word FORK and does not
 *              flush it.
 *           4. A page with pins is copied at once: a read(2) may still fill
 *              it, and what it brings belongs to the parent alone.
 *           5. The maplink of a VAD is listed before its words are copied,
 *              and a word beyond the end of the object is not (R7).
 *
 * Read next vm/design/fmo/fmo.c.  Book: ch10.
 */
#include "vm/design/fmo/fmo.h"

#define YOUNG (FMO_PER_PAGE / 2)

static int fork_words(struct fork_work *w);

/* ---- FORK words (book: words) ---- */

/*
 * The soft word that names entry `index` of the kpaged region.
 */
uint64_t
fork_word(uint64_t index)
{
	return pte_make_soft(PTE_FORK, index);
}

/* The entry index that a soft FORK word names. */
uint64_t
fork_index(uint64_t word)
{
	return (word >> PAGE_SHIFT) & (PTE_PFN_MASK >> PAGE_SHIFT);
}

/*
 * Kernel address of the entry of a FORK word, or of a VALID/FORK word by way
 * of its page: page → home → entry → entry page → kpaged page number.
 *
 * Locks:    [W] of the word's space: our reference keeps the entry.
 */
va_t
fork_entry(uint64_t word)
{
	uint64_t index = 0;

	if ((word & MD_PTE_P) != 0)
		index = fmo_index_of(fmo_entry_of_page(pte_page(word)));
	else
		index = fork_index(word);
	return index * sizeof(struct fmo_entry) + MD_KPAGED_BASE;
}

/* ---- the whole fork ---- */

/*
 * Fork the memory of parent into child, which is empty: design->dup.
 *
 * Locks:    both map_locks exclusive; takes and releases both ws_locks.
 * Returns:  0, -ENOMEM (parent unchanged), -EINTR (fatal signal; the child
 *           is half made: as_put() takes it apart).
 */
int
fmo_dup(struct aspace *parent, struct aspace *child)
{
	struct fork_work w = { .c = { .parent = parent, .child = child },
		.lo = MD_USER_END };
	int r;

	EVENT(fork_begin, parent->id, child->id);
	r = fork_reserve(&w);
	if (r != 0)
		return r;
	r = fork_words(&w);
	fork_finish(&w);
	if (r == 0) {
		EVENT(fork_calls);
		EVENT(fork_end, w.next, w.rerefs, w.copies);
	}
	return r;
}

/* ---- phase A ---- */

/* Locks: the parent's ws_lock. */
static int
object_of_parent(struct fork_work *w, uint64_t entries)
{
	struct fmo *o = fmo_create(entries);

	if (o == NULL)
		return -ENOMEM;
	w->pref = fmo_add_ref(w->c.parent, o);
	if (w->pref == NULL)
		fmo_bury(o);
	else
		w->fmo = o;
	return w->pref == NULL ? -ENOMEM : 0;
}

/* The child knows all objects of the parent, the new one among them. */
static int
refs_of_child(struct fork_work *w)
{
	struct rb_node *n = rb_first(&w->c.parent->shared.refs);

	for (; n != NULL; n = rb_next(n)) {
		struct fmo_ref *theirs = CONTAINER_OF(n, struct fmo_ref, rb);
		struct fmo_ref *ours = fmo_add_ref(w->c.child, theirs->fmo);

		if (ours == NULL)
			return -ENOMEM;
		if (theirs == w->pref)
			w->cref = ours;
	}
	return 0;
}

/* The child's mappings pay for themselves; tables, entries, late pages on top. */
static int
charge_all(struct fork_work *w, uint64_t pages)
{
	uint64_t own = w->c.child->commit.paid - UPPER_TABLES;
	uint64_t more = pages + atomic_load(&w->c.parent->commit.late);

	if (commit_charge(own + more) == 0) {
		w->c.charge = more;
		return 0;
	}
	w->c.child->commit.paid = UPPER_TABLES;
	return -ENOMEM;
}

/*
 * All that may fail: commit, the child's VADs, the object, the references.
 *
 * Locks:    both map_locks exclusive; takes the parent's ws_lock.
 * Returns:  0, -ENOMEM: what the child has so far goes with as_put(child).
 */
int
fork_reserve(struct fork_work *w)
{
	uint64_t entries, pages;
	int r;

	mutex_lock(&w->c.parent->ws_lock);
	entries = w->c.parent->words.fork + w->c.parent->words.priv;
	pages = w->c.parent->table.n + w->c.parent->table.n_out;
	w->gather = w->c.parent->shared.n >= FORK_OBJECTS;
	r = entries == 0 ? 0 : object_of_parent(w, entries);
	mutex_unlock(&w->c.parent->ws_lock);
	if (r == 0)
		r = refs_of_child(w);
	if (r == 0)
		r = fork_vads(&w->c);
	if (r == 0) {
		pages += (entries + FMO_PER_PAGE - 1) / FMO_PER_PAGE;
		r = charge_all(w, pages);
	}
	if (r != 0)
		fork_finish(w);
	return r;
}

/* ---- phase B ---- */

static bool
has_words(const struct vad *v)
{
	return (v->flags & (VAD_SHARED | VAD_WIPEONFORK | VAD_DONTFORK)) == 0;
}

static int
fork_words(struct fork_work *w)
{
	va_t va, end;
	int r = 0;

	while (r == 0 && fork_next_vad(&w->c)) {
		va = w->c.vad.start << PAGE_SHIFT;
		end = w->c.vad.end << PAGE_SHIFT;
		while (has_words(&w->c.vad) && r == 0 && va < end)
			r = fork_range(w, &va, end);
	}
	return r;
}

/* A slot; or a page that is not mapped; or one that is. */
uint64_t
fork_hand_over(const struct pte_ref *s, struct fmo_entry *e, uint64_t fork)
{
	uint64_t old = word_get(s->word);
	struct vm_page *pg = pte_names_frame(old) ? pte_page(old) : NULL;

	word_store(&e->word, pg == NULL ? old : pte_make_trans(pg));
	if ((old & MD_PTE_P) == 0)
		word_set_locked(s->leaf, s->word, fork);
	if (pg == NULL) {
		atomic_sub(&s->as->words.swap, 1);
		return old;
	}
	page_set_home(pg, HOME_FMO, va2pa(e));
	if ((old & MD_PTE_P) != 0) {
		/* Without W no processor sets D any more. */
		old = word_change(s->word, MD_PTE_W | PTE_SRC_MASK,
		    (uint64_t)SRC_FORK << PTE_SRC_SHIFT);
		old |= word_change(s->word, MD_PTE_D, 0) & MD_PTE_D;
	}
	if ((old & MD_PTE_P) != 0 && (old & MD_PTE_D) != 0)
		page_dirty_locked(pg);
	else if ((pg->flags & PF_LAZYFREE) != 0)
		page_dirty_locked(pg);
	return old;
}

/* Words of both that name the next entry; what the parent's word was. */
static uint64_t
enter(struct fork_work *w, const struct pte_ref *s, struct fmo_entry *e,
    struct vm_page *cleaf, uint64_t *cword)
{
	uint64_t fork = fork_word(fmo_index_of(e)), old;

	ASSERT(e->word == 0 && e->refs == 0);
	old = fork_hand_over(s, e, fork);
	word_sums_locked(w->page, 1, pte_names_frame(e->word));
	word_set_locked(cleaf, cword, fork);
	e->tag = (uint32_t)(s->va >> PAGE_SHIFT);
	e->refs = 2;
	w->fmo->nrefs += e->refs;
	w->fmo->live++;
	return old;
}

/* The sums that follow from a new entry; what is to be flushed. */
static void
account(struct fork_work *w, const struct pte_ref *s, const struct fmo_entry *e,
    uint64_t old)
{
	if ((old & MD_PTE_P) != 0) {
		w->hi = MAX(w->hi, s->va + PAGE_SIZE);
		w->lo = MIN(w->lo, s->va);
	}
	w->cref->nptes++;
	w->pref->nptes++;
	w->next++;
	w->c.child->words.fork++;
	w->c.parent->words.fork++;
	w->c.parent->words.priv--;
	fork_child_late(&w->c, 1);
	EVENT(fork_entries);
	EVENT_ADD(fmo_entries_live, 1);
	EVENT(fork_word, s->va >> PAGE_SHIFT, pte_kind(old), fmo_index_of(e), 2);
}

/* What a word of the parent is to a fork. */
enum share { SHARE_NOTHING, SHARE_LATER, SHARE_ERROR, SHARE_OLD, SHARE_NEW };

static enum share
share_of(uint64_t word)
{
	switch (pte_kind(word)) {
	case PTE_BUSY:
		return SHARE_LATER;
	case PTE_ERROR:
		return SHARE_ERROR;
	case PTE_FORK:
		return SHARE_OLD;
	case PTE_SWAP:
	case PTE_TRANS:
		return SHARE_NEW;
	case PTE_VALID:
		if (pte_src(word) == SRC_FORK)
			return SHARE_OLD;
		if (pte_src(word) == SRC_PRIV)
			return SHARE_NEW;
		break;
	case PTE_ABSENT:
		break;
	}
	return SHARE_NOTHING;
}

/* Is the page of this word in somebody's hands?  Then it is pinned once more. */
static struct vm_page *
in_use(uint64_t *word)
{
	struct vm_page *pg;

	spin_lock(&pfn_lock);
	pg = pte_names_frame(word_get(word)) ? pte_page(word_get(word)) : NULL;
	if (pg != NULL && pg->pins > 0)
		page_pin_locked(pg);
	else
		pg = NULL;
	spin_unlock(&pfn_lock);
	return pg;
}

/* A copy for the child; the page goes out of our hands. */
static bool
copy_page(struct fork_work *w, const struct pte_ref *s, struct vm_page *pg)
{
	bool done = fork_copy_page(&w->c, s, pg);

	if (done) {
		EVENT(fork_pinned_copies);
		w->copies++;
	}
	page_unpin(pg);
	return done;
}

static bool
share_new(struct fork_work *w, const struct pte_ref *s)
{
	struct vm_page *cleaf, *busy = in_use(s->word);
	struct fmo_entry *e;
	uint64_t *cword, old;

	if (busy != NULL)
		return copy_page(w, s, busy);
	cleaf = fork_child_leaf(&w->c, s->va);
	e = cleaf != NULL ? fork_next_entry(w) : NULL;
	if (e == NULL)
		return false;
	cword = pt_word(cleaf, s->va);
	spin_lock(&w->fmo->lock);
	spin_lock(&pfn_lock);
	old = enter(w, s, e, cleaf, cword);
	spin_unlock(&pfn_lock);
	spin_unlock(&w->fmo->lock);
	account(w, s, e, old);
	return true;
}

static bool
share_old(struct fork_work *w, const struct pte_ref *s)
{
	struct vm_page *cleaf = fork_child_leaf(&w->c, s->va);
	struct fmo_entry *e;
	struct fmo_ref *ref;

	if (cleaf == NULL)
		return false;
	e = fork_old_entry(w, word_get(s->word));
	if (e == NULL)
		return false;
	ref = fmo_find_ref(w->c.child, fmo_index_of(e));
	/* A large object stays: only what small ones have is put together. */
	if (w->gather && ref->fmo->live < YOUNG &&
	    fmo_try_steal(s, e, STEAL_FORK))
		return share_new(w, s);
	EVENT(fork_rerefs);
	w->rerefs++;
	w->c.child->words.fork++;
	word_set(cleaf, pt_word(cleaf, s->va), fork_word(fmo_index_of(e)));
	spin_lock(&ref->fmo->lock);
	fmo_reref(ref, e);
	spin_unlock(&ref->fmo->lock);
	fork_child_late(&w->c, 1);
	EVENT(fork_word, s->va >> PAGE_SHIFT, PTE_FORK, fmo_index_of(e), e->refs);
	return true;
}

static bool
share_error(struct fork_work *w, const struct pte_ref *s)
{
	struct vm_page *cleaf = fork_child_leaf(&w->c, s->va);

	if (cleaf != NULL) {
		word_set(cleaf, pt_word(cleaf, s->va), word_get(s->word));
		w->c.child->words.priv++;
		fork_child_late(&w->c, 1);
	}
	return cleaf != NULL;
}

static bool
share_word(struct fork_work *w, const struct pte_ref *s)
{
	switch (share_of(word_get(s->word))) {
	case SHARE_NOTHING:
		return true;
	case SHARE_LATER:
		want_page(&w->c.want, pte_page(word_get(s->word)));
		return false;
	case SHARE_ERROR:
		return share_error(w, s);
	case SHARE_OLD:
		return share_old(w, s);
	case SHARE_NEW:
		return share_new(w, s);
	}
	return true;
}

#define WORDS_PER_HOLD 48

/*
 * Turn every private word of the parent in [*start, end) that is not ABSENT
 * into a FORK reference, in parent and child alike; at most one leaf table
 * of the parent per call.
 *
 * Locks:    both map_locks exclusive; takes and releases both ws_locks.
 * Returns:  0 with *start moved on, -EINTR.
 */
int
fork_range(struct fork_work *w, va_t *start, va_t end)
{
	int left = WORDS_PER_HOLD;
	struct pte_ref s;

	if (fork_lock_table(&w->c, *start, end, &s))
		while (left-- > 0 && fork_meet(&w->c, &s) && share_word(w, &s))
			fork_met(&w->c, &s);
	*start = fork_unlock_table(&w->c);
	return fork_wait(&w->c);
}

/* ---- F4 and F8: the faults that fork makes ---- */

static void
put_back(struct fctx *f, struct vm_page *frame)
{
	if (f->want.frame != NULL)
		page_free(frame);
	else
		fault_keep_spare(f, frame, FRAME_ANY);
}

/* The entry's page, which stays while we copy it; NULL: it has gone. */
static struct vm_page *
hold_page(const struct fmo_entry *e)
{
	struct vm_page *pg = NULL;
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_get(&e->word);
	if (pte_kind(word) == PTE_TRANS) {
		pg = pte_page(word);
		page_pin_locked(pg);
	}
	spin_unlock(&pfn_lock);
	return pg;
}

/*
 * F4 break fork: a write to a page that a fork made common.
 *
 * Locks:    [M], [W] kept.
 * Returns:  FAULT_DONE, FAULT_NEEDMEM (a frame, or the entry's page); where its
 *           page is not in memory, what F5, F6 and F11 return.
 */
enum fault_outcome
f4_break_fork(struct fctx *f)
{
	struct pte_ref s = { f->as, f->va, f->leaf, f->word };
	uint64_t before = word_get(f->word);
	struct vm_page *from, *to = fault_take_spare(f, FRAME_ANY);
	struct fmo_entry *e;
	enum fault_outcome r;

	if (to == NULL)
		return FAULT_NEEDMEM;
	r = fault_entry(f, before, &e);
	if (r == FAULT_DONE)
		r = fault_entry_ready(f, e);
	if (r == FAULT_DONE && fmo_try_steal(&s, e, STEAL_WRITE)) {
		put_back(f, to);
		return fault_map_stolen(f, before);
	}
	from = r == FAULT_DONE ? hold_page(e) : NULL;
	if (from == NULL) {
		put_back(f, to);
		return r == FAULT_DONE ? FAULT_RESTART : r;
	}
	if ((before & MD_PTE_P) != 0) {
		(void)tlb_clear_word(f->as, f->va, f->leaf, f->word);
		ws_remove(f->as, f->leaf);
		page_unmap(from, PAGE_CLEAN);
	}
	page_copy(to, from);
	fault_install(f, to);
	fmo_deref(f->as, e);
	page_unpin(from);
	EVENT(fault_fork_copy, f->va, before, word_get(f->word), page_pfn(to));
	return FAULT_DONE;
}

/*
 * F8 fork map: a read of a page that a fork made common.  The last owner
 * takes it at once, which saves a fault at the first write.
 *
 * Locks:    [M], [W] kept.
 * Returns:  FAULT_DONE, FAULT_NEEDMEM (the entry's page), FAULT_RESTART; where
 *           its page is not in memory, what F5, F6 and F11 return.
 */
enum fault_outcome
f8_fork_map(struct fctx *f)
{
	struct pte_ref s = { f->as, f->va, f->leaf, f->word };
	uint64_t before = word_get(f->word), bits = fault_rights(f);
	struct vm_page *pg = NULL;
	struct fmo_entry *e;
	enum fault_outcome r = fault_entry(f, before, &e);

	if (r != FAULT_DONE)
		return r;
	/* A word of our own by now: F5 or F7, in the next pass. */
	if (fmo_try_steal(&s, e, STEAL_READ))
		return FAULT_RESTART;
	r = fault_entry_ready(f, e);
	if (r != FAULT_DONE)
		return r;
	spin_lock(&pfn_lock);
	if (pte_kind(word_get(&e->word)) == PTE_TRANS) {
		pg = pte_page(word_get(&e->word));
		ws_rescue(pg);
		page_map_locked(pg);
		word_set_locked(f->leaf, f->word, pte_make_valid(pg, SRC_FORK,
		    bits & ~(MD_PTE_W | MD_PTE_D)));
	}
	spin_unlock(&pfn_lock);
	if (pg == NULL)
		return FAULT_RESTART;
	ws_insert(f->as, f->leaf);
	EVENT(fault_fork_map, f->va, before, word_get(f->word), page_pfn(pg));
	return FAULT_DONE;
}
