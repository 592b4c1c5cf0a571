/* SPDX-License-Identifier: BSD-2-Clause */
/* A correct solution that goes another way: words are gathered first, one hold of [P] decides, fault-around to both sides. */
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

static int fork_words(struct fork_work *w);

/* ---- FORK words (book: words) ---- */

/*
 * The soft word that names entry `index` of the kpaged region.
 */
uint64_t
fork_word(uint64_t index)
{
	uint64_t kind = pte_make_soft(PTE_FORK, 0);

	return kind | index << PAGE_SHIFT;
}

/* The entry index that a soft FORK word names. */
uint64_t
fork_index(uint64_t word)
{
	return word / PAGE_SIZE % (PTE_PFN_MASK / PAGE_SIZE + 1);
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
	const struct fmo_entry *e;

	if (pte_kind(word) == PTE_FORK)
		return MD_KPAGED_BASE +
		    fork_index(word) * sizeof(struct fmo_entry);
	e = fmo_entry_of_page(pte_page(word));
	return MD_KPAGED_BASE + ((va_t)fmo_page_of(e)->index << PAGE_SHIFT) +
	    (va2pa(e) & PAGE_MASK);
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

/* The object of this fork, and a reference of each side. */
static int
new_object(struct fork_work *w, uint64_t entries)
{
	w->fmo = fmo_create(entries);
	if (w->fmo == NULL)
		return -ENOMEM;
	mutex_lock(&w->c.parent->ws_lock);
	w->pref = fmo_add_ref(w->c.parent, w->fmo);
	mutex_unlock(&w->c.parent->ws_lock);
	if (w->pref != NULL)
		w->cref = fmo_add_ref(w->c.child, w->fmo);
	if (w->pref == NULL) {
		fmo_bury(w->fmo);
		w->fmo = NULL;
	}
	return w->cref == NULL ? -ENOMEM : 0;
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
	struct aspace *p = w->c.parent, *c = w->c.child;
	uint64_t entries, tables;
	struct rb_node *n;
	int r = fork_vads(&w->c);

	if (r != 0)
		return r;
	mutex_lock(&p->ws_lock);
	tables = p->table.n + p->table.n_out;
	entries = p->words.fork + p->words.priv;
	w->gather = p->shared.n >= 2 * FORK_OBJECTS;
	mutex_unlock(&p->ws_lock);
	tables += (entries + FMO_PER_PAGE - 1) / FMO_PER_PAGE;
	w->c.charge = tables + atomic_load(&p->commit.late);
	if (commit_charge(w->c.charge + c->commit.paid - UPPER_TABLES) != 0) {
		w->c.charge = 0;
		c->commit.paid = UPPER_TABLES;
		return -ENOMEM;
	}
	/* The older objects first, then the new one. */
	for (n = rb_first(&p->shared.refs); n != NULL; n = rb_next(n))
		if (fmo_add_ref(c, CONTAINER_OF(n, struct fmo_ref, rb)->fmo) ==
		    NULL)
			r = -ENOMEM;
	if (r == 0 && entries != 0)
		r = new_object(w, entries);
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

/* The word changes first, and what it was says what is to be done. */
uint64_t
fork_hand_over(const struct pte_ref *s, struct fmo_entry *e, uint64_t fork)
{
	uint64_t old = word_get(s->word), stored = MD_PTE_P | MD_PTE_D;
	struct vm_page *pg;

	if (pte_kind(old) == PTE_VALID)
		old = word_change(s->word, PTE_SRC_MASK | MD_PTE_D | MD_PTE_W,
		    (uint64_t)SRC_FORK << PTE_SRC_SHIFT);
	else
		word_set_locked(s->leaf, s->word, fork);
	if (pte_kind(old) == PTE_SWAP) {
		atomic_sub(&s->as->words.swap, 1);
		word_store(&e->word, old);
		return old;
	}
	pg = pte_page(old);
	if ((pg->flags & PF_LAZYFREE) != 0 || (old & stored) == stored)
		page_dirty_locked(pg);
	page_set_home(pg, HOME_FMO, va2pa(e));
	word_store(&e->word, pte_make_trans(pg));
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

/* A copy for the child of a page that somebody is filling, pinned by us. */
static bool
copy_now(struct fork_work *w, const struct pte_ref *s, struct vm_page *pg)
{
	if (!fork_copy_page(&w->c, s, pg)) {
		page_unpin(pg);
		return false;
	}
	page_unpin(pg);
	w->copies++;
	EVENT(fork_pinned_copies);
	return true;
}

/* A private word: one hold of [P] says whether it is shared or copied. */
static bool
share_private(struct fork_work *w, const struct pte_ref *s,
    struct vm_page *cleaf, uint64_t *cword)
{
	struct fmo_entry *e = fork_next_entry(w);
	struct vm_page *pinned = NULL;
	uint64_t old;

	if (e == NULL)
		return false;
	spin_lock(&w->fmo->lock);
	spin_lock(&pfn_lock);
	old = word_get(s->word);
	if (pte_names_frame(old) && pte_page(old)->pins != 0)
		pinned = pte_page(old);
	if (pinned != NULL)
		page_pin_locked(pinned);
	else
		old = enter(w, s, e, cleaf, cword);
	spin_unlock(&pfn_lock);
	spin_unlock(&w->fmo->lock);
	if (pinned != NULL)
		return copy_now(w, s, pinned);
	account(w, s, e, old);
	return true;
}

/* A word of an older fork: one more names its entry. */
static bool
share_entry(struct fork_work *w, const struct pte_ref *s,
    struct vm_page *cleaf, uint64_t *cword)
{
	struct fmo_entry *e = fork_old_entry(w, word_get(s->word));
	struct fmo_ref *ref;
	uint64_t index;

	if (e == NULL)
		return false;
	if (w->gather && fmo_try_steal(s, e, STEAL_FORK))
		return share_private(w, s, cleaf, cword);
	index = fmo_index_of(e);
	word_set(cleaf, cword, fork_word(index));
	ref = fmo_find_ref(w->c.child, index);
	spin_lock(&ref->fmo->lock);
	fmo_reref(ref, e);
	spin_unlock(&ref->fmo->lock);
	w->rerefs++;
	w->c.child->words.fork++;
	fork_child_late(&w->c, 1);
	EVENT(fork_rerefs);
	EVENT(fork_word, s->va >> PAGE_SHIFT, PTE_FORK, index, e->refs);
	return true;
}

/* Whose page is it that a VALID word maps? */
static bool
is_ours(uint64_t word)
{
	return pte_src(word) == SRC_PRIV || pte_src(word) == SRC_FORK;
}

static bool
share_word(struct fork_work *w, const struct pte_ref *s)
{
	uint64_t word = word_get(s->word);
	enum pte_kind kind = pte_kind(word);
	struct vm_page *cleaf;
	uint64_t *cword;

	if (kind == PTE_ABSENT || (kind == PTE_VALID && !is_ours(word)))
		return true;
	if (kind == PTE_BUSY) {
		want_page(&w->c.want, pte_page(word));
		return false;
	}
	cleaf = fork_child_leaf(&w->c, s->va);
	if (cleaf == NULL)
		return false;
	cword = pt_word(cleaf, s->va);
	if (kind == PTE_ERROR) {
		w->c.child->words.priv++;
		word_set(cleaf, cword, word);
		fork_child_late(&w->c, 1);
		return true;
	}
	if (kind == PTE_FORK || (kind == PTE_VALID && pte_src(word) == SRC_FORK))
		return share_entry(w, s, cleaf, cword);
	return share_private(w, s, cleaf, cword);
}

#define SPOTS 16u

/* Gather some words that are there, then share them.  False: w->c.want. */
static bool
share_some(struct fork_work *w, struct pt_iter *at)
{
	struct pte_ref spot[SPOTS];
	unsigned n = 0, i;
	uint64_t *word;

	PT_FOREACH(word, at) {
		if (n == SPOTS)
			break;
		spot[n++] = (struct pte_ref){ w->c.parent, at->va, at->leaf,
			word };
	}
	for (i = 0; i < n; i++)
		if (!share_word(w, &spot[i])) {
			at->va = spot[i].va;
			return false;
		}
	return true;
}

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
	struct pte_ref s;

	if (fork_lock_table(&w->c, *start, end, &s))
		(void)share_some(w, &w->c.at);
	*start = fork_unlock_table(&w->c);
	return fork_wait(&w->c);
}

/* ---- F4 and F8: the faults that fork makes ---- */

/* Others use the page, too: a copy for us. */
static enum fault_outcome
own_copy(struct fctx *f, struct fmo_entry *e, uint64_t before)
{
	struct vm_page *theirs = NULL, *ours = fault_take_spare(f, FRAME_ANY);

	if (ours == NULL)
		return FAULT_NEEDMEM;
	spin_lock(&pfn_lock);
	if (pte_kind(word_get(&e->word)) == PTE_TRANS) {
		theirs = pte_page(word_get(&e->word));
		page_pin_locked(theirs);
	}
	spin_unlock(&pfn_lock);
	if (theirs == NULL) {
		fault_keep_spare(f, ours, FRAME_ANY);
		return FAULT_RESTART;
	}
	if (pte_kind(before) == PTE_VALID) {
		(void)tlb_clear_word(f->as, f->va, f->leaf, f->word);
		page_unmap(theirs, PAGE_CLEAN);
		ws_remove(f->as, f->leaf);
	}
	page_copy(ours, theirs);
	fault_install(f, ours);
	EVENT(fault_fork_copy, f->va, before, word_get(f->word), page_pfn(ours));
	fmo_deref(f->as, e);
	page_unpin(theirs);
	return FAULT_DONE;
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
	const struct pte_ref s = { f->as, f->va, f->leaf, f->word };
	uint64_t before = word_get(f->word);
	struct fmo_entry *e;
	enum fault_outcome r = fault_entry(f, before, &e);

	if (r == FAULT_DONE)
		r = fault_entry_ready(f, e);
	if (r != FAULT_DONE)
		return r;
	return fmo_try_steal(&s, e, STEAL_WRITE) ? fault_map_stolen(f, before) :
	    own_copy(f, e, before);
}

/* A word of f's table maps the page of e, read-only.  False: it is not there. */
static bool
map_at(struct fctx *f, uint64_t *word, const struct fmo_entry *e)
{
	uint64_t bits = fault_rights(f), what;
	bool there;

	bits &= ~(MD_PTE_D | MD_PTE_W);
	spin_lock(&pfn_lock);
	what = word_get(&e->word);
	there = pte_kind(what) == PTE_TRANS;
	if (there) {
		ws_rescue(pte_page(what));
		word_set_locked(f->leaf, word,
		    pte_make_valid(pte_page(what), SRC_FORK, bits));
		page_map_locked(pte_page(what));
	}
	spin_unlock(&pfn_lock);
	if (there)
		ws_insert(f->as, f->leaf);
	return there;
}

/* The same i words further on, if its entry lies in the same page of entries. */
static bool
map_near(struct fctx *f, const struct fmo_entry *e, int64_t i)
{
	va_t va = f->va + (va_t)(i * (int64_t)PAGE_SIZE), kva;
	uint64_t *word = f->word + i;
	const struct vm_page *page = fmo_page_of(e);

	if (va / (MD_PT_WORDS * PAGE_SIZE) !=
	    f->va / (MD_PT_WORDS * PAGE_SIZE) ||
	    va < f->v.start << PAGE_SHIFT || va >= f->v.end << PAGE_SHIFT ||
	    pte_kind(word_get(word)) != PTE_FORK ||
	    f->as->ws.pages >= f->as->ws.max)
		return false;
	kva = fork_entry(word_get(word)) - MD_KPAGED_BASE;
	if (kva >> PAGE_SHIFT != page->index)
		return false;
	return map_at(f, word, pa2va(page_pa(page) + (kva & PAGE_MASK)));
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
	const struct pte_ref s = { f->as, f->va, f->leaf, f->word };
	uint64_t before = word_get(f->word);
	struct fmo_entry *e;
	enum fault_outcome r;
	int64_t i, n = (int64_t)MIN(fault_around(), 8);

	r = fault_entry(f, before, &e);
	if (r == FAULT_DONE)
		r = fault_entry_ready(f, e);
	if (r != FAULT_DONE)
		return r;
	if (fmo_try_steal(&s, e, STEAL_READ))
		return fault_map_stolen(f, before);
	if (!map_at(f, f->word, e))
		return FAULT_RESTART;
	EVENT(fault_fork_map, f->va, before, word_get(f->word),
	    pte_pfn(word_get(f->word)));
	for (i = 1; i < n && map_near(f, e, i); i++)
		EVENT(fault_around_fork);
	for (i = -1; i > -n && map_near(f, e, i); i--)
		EVENT(fault_around_fork);
	return FAULT_DONE;
}
