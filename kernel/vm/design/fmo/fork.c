/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/fork.c: a second process with the same memory, and no page copied
 *
 * Problem   fork must give the child all that the parent has written.  Its cost
 *           must depend on the pages that exist, not on what is mapped, and it
 *           must not copy pages that the usual exec right after throws away.
 *
 * Picture   before   parent VALID/PRIV rw ─→ page            child ABSENT
 *           after    parent VALID/FORK ro ─→ page ←─ entry {TRANS, 2}
 *                                                      ↑
 *                                           child FORK ┘
 *           A word that is FORK already: refs of its entry + 1, no new entry.
 *
 * Rules     1. Phase A (fork_reserve) charges and allocates all that may
 *              fail; if it fails the parent is unchanged.
 *           2. Phase B (fork_range) waits, but cannot fail for memory; only a
 *              fatal signal ends it.  Nobody waits with a ws_lock held.
 *           3. One flush of the parent, before the child is published and
 *              also when the fork is given up: a stale writable entry would
 *              outlive a later fork, which finds the word FORK and does not
 *              flush it.
 *           4. A page with pins is copied at once: a read(2) may still fill it.
 *           5. Words of one table that are treated alike are done in one hold
 *              of the locks; their counts are updated once for all of them.
 *
 * Read next vm/design/fmo/fmo.c.  Book: ch10.
 */
#include "vm/design/fmo/fmo.h"

static int fork_object(struct fork_work *w, uint64_t entries);
static int fork_refs(struct fork_work *w);
static int fork_words(struct fork_work *w);
static bool fork_run(struct fork_work *w, struct pte_ref *s);
static bool fork_private(struct fork_work *w, struct pte_ref *s);
static void fork_enter(struct fork_work *w, struct pte_ref *s,
    struct fmo_entry *e, struct vm_page *cleaf);
static void steal_around(struct fctx *f, struct vm_page *page);
static void fork_around(struct fctx *f, struct vm_page *page);

/* ---- FORK words (book: words) ---- */

/* The soft word that names entry `index` of the kpaged region. */
uint64_t
fork_word(uint64_t index)
{
	return pte_make_soft(PTE_FORK, index);
}

/* The entry index that a soft FORK word names. */
uint64_t
fork_index(uint64_t word)
{
	ASSERT(pte_kind(word) == PTE_FORK);
	return (word & PTE_PFN_MASK) >> PAGE_SHIFT;
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
	uint64_t index = pte_kind(word) == PTE_FORK ? fork_index(word) :
	    fmo_index_of(fmo_entry_of_page(pte_page(word)));

	return MD_KPAGED_BASE + index * sizeof(struct fmo_entry);
}

/* ---- the whole fork ---- */

/* Fork the memory of parent into child, which is empty: design->dup.
 * Locks: both map_locks exclusive; takes and releases both ws_locks.
 * Returns: 0, -ENOMEM (parent unchanged); -EINTR (fatal signal), -EIO (a table is
 * lost): the child is half made, as_dup() takes it apart. */
int
fmo_dup(struct aspace *parent, struct aspace *child)
{
	struct fork_work w = { .c = { .parent = parent, .child = child },
		.lo = MD_USER_END };
	int r;

	HELD(&parent->map_lock);
	HELD(&child->map_lock);
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

/* All steps that may fail: commit, the child's VADs, the object, the references.
 * Locks: both map_locks exclusive; takes the parent's ws_lock.
 * Returns: 0, -ENOMEM: as_dup() takes the half-made child apart. */
int
fork_reserve(struct fork_work *w)
{
	struct aspace *p = w->c.parent;
	uint64_t entries, others;
	int r;

	HELD(&w->c.parent->map_lock);
	HELD(&w->c.child->map_lock);
	mutex_lock(&p->ws_lock);
	entries = p->words.priv + p->words.fork;
	others = p->table.n + p->table.n_out + atomic_load(&p->commit.late);
	w->gather = p->shared.n >= FORK_OBJECTS;
	mutex_unlock(&p->ws_lock);
	r = fork_vads(&w->c);
	if (r != 0)
		return r;
	others += (entries + FMO_PER_PAGE - 1) / FMO_PER_PAGE;
	w->c.charge = w->c.child->commit.paid - UPPER_TABLES + others;
	r = commit_charge(w->c.charge);
	if (r != 0) {
		w->c.child->commit.paid = UPPER_TABLES;
		return r;
	}
	/* The child's own commit has its owner now. */
	w->c.charge -= w->c.child->commit.paid - UPPER_TABLES;
	if (entries != 0)
		r = fork_object(w, entries);
	mutex_lock(&p->ws_lock);
	if (r == 0)
		r = fork_refs(w);
	mutex_unlock(&p->ws_lock);
	if (r != 0)
		fork_finish(w);
	return r;
}

/* The new object, and both references to it. */
static int
fork_object(struct fork_work *w, uint64_t entries)
{
	w->fmo = fmo_create(entries);
	if (w->fmo == NULL)
		return -ENOMEM;
	w->cref = fmo_add_ref(w->c.child, w->fmo);
	if (w->cref == NULL) {
		fmo_bury(w->fmo);
		w->fmo = NULL;
		return -ENOMEM;
	}
	mutex_lock(&w->c.parent->ws_lock);
	w->pref = fmo_add_ref(w->c.parent, w->fmo);
	mutex_unlock(&w->c.parent->ws_lock);
	return w->pref == NULL ? -ENOMEM : 0;
}

/* The child refers to older objects as the parent does; [W]: a trim drops refs. */
static int
fork_refs(struct fork_work *w)
{
	struct rb_node *n;

	for (n = rb_first(&w->c.parent->shared.refs); n != NULL; n = rb_next(n)) {
		struct fmo_ref *ref = CONTAINER_OF(n, struct fmo_ref, rb);

		if (ref != w->pref && fmo_add_ref(w->c.child, ref->fmo) == NULL)
			return -ENOMEM;
	}
	return 0;
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

/* Turn every private word of the parent in [*start, end) that is not ABSENT into a FORK
 * reference, in parent and child alike; at most one leaf table of the parent per call.
 * Locks: both map_locks exclusive; takes and releases both ws_locks.
 * Returns: 0 with *start moved on, -EINTR, -EIO. */
int
fork_range(struct fork_work *w, va_t *start, va_t end)
{
	struct pte_ref s;

	HELD(&w->c.parent->map_lock);
	HELD(&w->c.child->map_lock);
	if (fork_lock_table(&w->c, *start, end, &s))
		/* holds: both M, both W */
		while (fork_meet(&w->c, &s) && fork_run(w, &s))
			continue;
	*start = fork_unlock_table(&w->c);
	/* holds: both M; not W */
	return fork_wait(&w->c);
}

/* Do the word at s, and all behind it that can be done alike in one hold of the locks.
 * False: w->c.want says what is missing; the word is unchanged. */
static bool
fork_run(struct fork_work *w, struct pte_ref *s)
{
	uint64_t word = word_get(s->word);

	switch (pte_kind(word)) {
	case PTE_VALID:
		if (pte_src(word) == SRC_PRIV)
			return fork_private(w, s);
		if (pte_src(word) == SRC_FORK)
			return fork_entered(w, s);
		break;
	case PTE_TRANS:
	case PTE_SWAP:
		return fork_private(w, s);
	case PTE_FORK:
		return fork_entered(w, s);
	case PTE_ERROR:
		if (!fork_copy_error(&w->c, s))
			return false;
		break;
	case PTE_BUSY:
		want_page(&w->c.want, pte_page(word));
		return false;
	case PTE_ABSENT:
		break;
	}
	fork_met(&w->c, s);
	return true;
}

/* The page of the word if it is pinned, with one more pin; else NULL. */
static struct vm_page *
pin_pinned(const uint64_t *word)
{
	struct vm_page *pg = NULL;

	spin_lock(&pfn_lock);
	if (pte_names_frame(word_get(word)))
		pg = pte_page(word_get(word));
	if (pg != NULL && pg->pins == 0)
		pg = NULL;
	if (pg != NULL)
		page_pin_locked(pg);
	spin_unlock(&pfn_lock);
	return pg;
}

/* The page of the word at s is pinned by I/O: the child gets its own copy now.
 * Locks: both ws_locks; takes [P].
 * Owns: takes over the caller's pin of the page, and gives it back.
 * Returns: true with s at the next word; false: w->c.want, nothing has changed. */
bool
fork_copy(struct fork_work *w, struct pte_ref *s, struct vm_page *pinned)
{
	bool copied = fork_copy_page(&w->c, s, pinned);

	HELD(&w->c.parent->ws_lock);
	HELD(&w->c.child->ws_lock);
	page_unpin(pinned);
	if (copied) {
		fork_met(&w->c, s);
		w->copies++;
		EVENT(fork_pinned_copies);
	}
	return copied;
}

/* VALID/PRIV, TRANS, SWAP: into the new object, or copied if the page is pinned. */
static bool
fork_private(struct fork_work *w, struct pte_ref *s)
{
	struct vm_page *pg = pin_pinned(s->word), *cleaf;
	struct fmo_entry *e;

	/* With [M] exclusive and [W] held nobody gets a new pin by this word. */
	if (pg != NULL)
		return fork_copy(w, s, pg);
	e = fork_next_entry(w);
	if (e == NULL)
		return false;
	cleaf = fork_child_leaf(&w->c, s->va);
	if (cleaf == NULL)
		return false;
	fork_enter(w, s, e, cleaf);
	return true;
}

/* Is the word private, and its page not pinned?  [P]. */
static bool
may_enter(uint64_t word)
{
	enum pte_kind kind = pte_kind(word);

	if (kind == PTE_VALID ? pte_src(word) != SRC_PRIV : kind != PTE_TRANS)
		return kind == PTE_SWAP;
	return pte_page(word)->pins == 0;
}

/* Move the page of a private word, or its slot, to the new entry e.  A word that maps it
 * still maps it, as VALID/FORK without W and D; any other becomes `fork`.  Of the counts
 * only words.swap, the page's home and its PF_DIRTY are updated here.
 * Locks: [W] of the parent; [F] of the entry's object; [P].
 * Returns: the old word of the parent: TRANS may have become SWAP by now. */
uint64_t
fork_hand_over(const struct pte_ref *s, struct fmo_entry *e, uint64_t fork)
{
	uint64_t old = word_get(s->word);
	bool valid = (old & MD_PTE_P) != 0;
	struct vm_page *pg;

	if (!valid && pte_kind(old) == PTE_SWAP) {
		word_store(&e->word, old);
		word_set_locked(s->leaf, s->word, fork);
		atomic_sub(&s->as->words.swap, 1);
		return old;
	}
	pg = pte_page(old);
	word_store(&e->word, pte_make_trans(pg));
	page_set_home(pg, HOME_FMO, va2pa(e));
	if (valid)
		old = word_change(s->word, MD_PTE_W | MD_PTE_D | PTE_SRC_MASK,
		    (uint64_t)SRC_FORK << PTE_SRC_SHIFT);
	else
		word_set_locked(s->leaf, s->word, fork);
	/* A page given up by MADV_FREE is shared now: it keeps its bytes. */
	if (((old & MD_PTE_D) != 0 && (pg->flags & PF_DIRTY) == 0) ||
	    (pg->flags & PF_LAZYFREE) != 0)
		page_dirty_locked(pg);
	return old;
}

/* Let the word at s and the child's name entry e, of this index. */
static uint64_t
fork_enter_one(struct fork_work *w, const struct pte_ref *s,
    struct fmo_entry *e, uint64_t index, uint64_t *cword)
{
	uint64_t old;

	ASSERT((e->word | word_get(cword)) == 0);
	old = fork_hand_over(s, e, fork_word(index));
	e->refs = 2;
	e->tag = (uint32_t)(s->va >> PAGE_SHIFT);
	word_store(cword, fork_word(index));
	EVENT(fork_word, s->va >> PAGE_SHIFT, pte_kind(old), index, 2);
	return old;
}

/* The words from s on get the entries from e on, as long as these lie in one page,
 * w->page, and the words may be entered.  All is inlined: calls would cost an eighth. */
static NO_CALLS void
fork_enter(struct fork_work *w, struct pte_ref *s, struct fmo_entry *e,
    struct vm_page *cleaf)
{
	uint64_t index = w->fmo->base + w->next, old;
	uint64_t room = FMO_PER_PAGE - w->next % FMO_PER_PAGE;
	uint64_t *cwords = pt_words(cleaf), valid = 0;
	unsigned n = 0, resident = 0;
	va_t first = s->va, last;

	spin_lock(&w->fmo->lock);
	spin_lock(&pfn_lock);
	do {
		last = s->va;
		old = fork_enter_one(w, s, e + n, index + n,
		    &cwords[md_pt_index(s->va, 1)]);
		resident += pte_names_frame(old);
		valid |= old & MD_PTE_P;
		n++;
		fork_met(&w->c, s);
	} while (n < room && fork_meet(&w->c, s) &&
	    may_enter(word_get(s->word)));
	word_sums_locked(w->page, (int)n, (int)resident);
	word_sums_locked(cleaf, (int)n, 0);
	spin_unlock(&pfn_lock);
	w->fmo->live += n;
	w->fmo->nrefs += 2 * n;
	spin_unlock(&w->fmo->lock);
	if (valid != 0) {
		w->lo = MIN(w->lo, first);
		w->hi = MAX(w->hi, last + PAGE_SIZE);
	}
	w->next += n;
	w->pref->nptes += n;
	w->cref->nptes += n;
	w->c.parent->words.priv -= n;
	w->c.parent->words.fork += n;
	w->c.child->words.fork += n;
	fork_child_late(&w->c, n);
	EVENT_ADD(fork_entries, n);
	EVENT_ADD(fmo_entries_live, n);
}

/* FORK or VALID/FORK: the child names the same entry; chains never grow.  The same for
 * the words behind it whose entries lie in the same page.  If the parent refers to many
 * objects, it takes pages back that it alone has, and enters them in the new one, so that
 * the old objects can die.
 * Locks: both ws_locks; takes [F], [P].
 * Returns: true with s at the next word; false: w->c.want, the word is unchanged. */
bool
fork_entered(struct fork_work *w, struct pte_ref *s)
{
	struct fmo_entry *e = fork_old_entry(w, word_get(s->word)), *all;
	struct vm_page *page = w->c.want.kpage, *cleaf;
	uint64_t i, first, *cwords;
	struct fmo_ref *ref;
	unsigned n = 0;

	if (e == NULL)
		return false;
	if (w->gather && fmo_try_steal(s, e, STEAL_FORK))
		return fork_private(w, s);
	cleaf = fork_child_leaf(&w->c, s->va);
	if (cleaf == NULL)
		return false;
	cwords = pt_words(cleaf);
	all = fmo_entries(page);
	first = page->index * FMO_PER_PAGE;
	ref = fmo_find_ref(w->c.child, first);
	i = (uint64_t)(e - all);
	spin_lock(&ref->fmo->lock);
	do {
		fmo_reref(ref, &all[i]);
		word_store(&cwords[md_pt_index(s->va, 1)], fork_word(first + i));
		EVENT(fork_word, s->va >> PAGE_SHIFT, PTE_FORK, first + i,
		    all[i].refs);
		n++;
		fork_met(&w->c, s);
		i = fork_meet(&w->c, s) ? fmo_place(page, word_get(s->word)) :
		    FMO_PER_PAGE;
	} while (i < FMO_PER_PAGE && !(w->gather && all[i].refs == 1));
	word_sums(cleaf, (int)n, 0);
	spin_unlock(&ref->fmo->lock);
	w->c.child->words.fork += n;
	w->rerefs += n;
	fork_child_late(&w->c, n);
	EVENT_ADD(fork_rerefs, n);
	return true;
}

/* ---- F4 and F8: the faults that fork makes ---- */

/* The page of an entry, pinned; NULL: it was reclaimed just now. */
static struct vm_page *
entry_pin_page(const struct fmo_entry *e)
{
	struct vm_page *pg = NULL;

	spin_lock(&pfn_lock);
	if (pte_kind(word_get(&e->word)) == PTE_TRANS) {
		pg = pte_page(e->word);
		page_pin_locked(pg);
	}
	spin_unlock(&pfn_lock);
	return pg;
}

/* F4 break fork: a write to a page that a fork made common.
 * Locks: [M], [W] kept.
 * Returns: FAULT_DONE, FAULT_NEEDMEM (a frame, or the entry page); if its page is not in
 * memory, the outcomes of F5, F6 and F11. */
enum fault_outcome
f4_break_fork(struct fctx *f)
{
	struct pte_ref s = { f->as, f->va, f->leaf, f->word };
	uint64_t before = word_get(f->word);
	struct vm_page *old, *new;
	struct fmo_entry *e;
	enum fault_outcome r = fault_entry(f, before, &e);

	if (r == FAULT_DONE)
		r = fault_entry_ready(f, e);
	if (r != FAULT_DONE)
		return r;
	/* F4s: only our own fork could add a sharer, and [M] excludes it. */
	if (fmo_try_steal(&s, e, STEAL_WRITE)) {
		r = fault_map_stolen(f, before);
		if (r == FAULT_DONE)
			steal_around(f, fmo_page_of(e));
		return r;
	}
	new = fault_take_spare(f, FRAME_ANY);
	if (new == NULL)
		return FAULT_NEEDMEM;
	old = entry_pin_page(e);
	if (old == NULL) {
		fault_keep_spare(f, new, FRAME_ANY);
		return FAULT_RESTART;
	}
	page_copy(new, old);
	/* Clear and flush before the new word: else a sibling could read old. */
	if (pte_kind(before) == PTE_VALID) {
		tlb_clear_word(f->as, f->va, f->leaf, f->word);
		ws_remove(f->as, f->leaf);
		page_unmap(old, PAGE_CLEAN);
	}
	fault_install(f, new);
	/* Only now: this may drop the last reference to old, except our pin. */
	fmo_deref(f->as, e);
	page_unpin(old);
	EVENT(fault_fork_copy, f->va, before, word_get(f->word), page_pfn(new));
	return FAULT_DONE;
}

/* A last owner that stores to one page will store to the next ones: take these back,
 * too, as far as they are mapped and their entries lie in the same, pinned,
 * entry page.  A fault for each of 16 pages would cost four times as much. */
static void
steal_around(struct fctx *f, struct vm_page *page)
{
	uint64_t n = MIN(fault_around(), 16), i;
	struct pte_ref s = { f->as, f->va, f->leaf, f->word };
	uint64_t e;

	for (i = 1; i < n; i++) {
		s.word++;
		s.va += PAGE_SIZE;
		if (md_pt_index(s.va, 1) == 0 || s.va >= f->v.end << PAGE_SHIFT ||
		    pte_kind(word_get(s.word)) != PTE_VALID)
			return;
		e = fmo_place(page, word_get(s.word));
		if (e >= FMO_PER_PAGE ||
		    !fmo_try_steal(&s, fmo_entries(page) + e, STEAL_WRITE))
			return;
		word_change(s.word, 0, MD_PTE_W);
		EVENT(fault_around_steal);
	}
}

/* Map the page of e at f's word or a later one of the same table, read-only.  NULL:
 * it is not in memory. */
static struct vm_page *
map_shared(struct fctx *f, uint64_t *word, const struct fmo_entry *e)
{
	uint64_t bits = fault_rights(f) & ~(MD_PTE_W | MD_PTE_D);
	struct vm_page *pg = NULL;

	spin_lock(&pfn_lock);
	if (pte_kind(word_get(&e->word)) == PTE_TRANS) {
		pg = pte_page(e->word);
		ws_rescue(pg);
		page_map_locked(pg);
		word_set_locked(f->leaf, word,
		    pte_make_valid(pg, SRC_FORK, bits));
	}
	spin_unlock(&pfn_lock);
	if (pg != NULL)
		ws_insert(f->as, f->leaf);
	return pg;
}

/* F8 fork map: a read of a page that a fork made common.  A last owner takes it back at
 * once, which saves a fault at the first write.
 * Locks: [M], [W] kept.
 * Returns: FAULT_DONE, FAULT_NEEDMEM (the entry page), FAULT_RESTART; if its page is not
 * in memory, the outcomes of F5, F6 and F11. */
enum fault_outcome
f8_fork_map(struct fctx *f)
{
	struct pte_ref s = { f->as, f->va, f->leaf, f->word };
	uint64_t before = word_get(f->word);
	struct fmo_entry *e;
	struct vm_page *pg;
	enum fault_outcome r = fault_entry(f, before, &e);

	if (r == FAULT_DONE)
		r = fault_entry_ready(f, e);
	if (r != FAULT_DONE)
		return r;
	if (fmo_try_steal(&s, e, STEAL_READ))
		return fault_map_stolen(f, before);
	pg = map_shared(f, f->word, e);
	if (pg == NULL)
		return FAULT_RESTART;
	EVENT(fault_fork_map, f->va, before, word_get(f->word), page_pfn(pg));
	fork_around(f, fmo_page_of(e));
	return FAULT_DONE;
}

/* Fault-around: map the following FORK words too, as long as their entries lie in the
 * same, pinned, entry page. */
static void
fork_around(struct fctx *f, struct vm_page *page)
{
	uint64_t n = MIN(fault_around(), 8), i;
	uint64_t *word = f->word, e;
	va_t va = f->va;

	for (i = 1; i < n && f->as->ws.pages < f->as->ws.max; i++) {
		word++;
		va += PAGE_SIZE;
		if (md_pt_index(va, 1) == 0 || va >= f->v.end << PAGE_SHIFT ||
		    pte_kind(word_get(word)) != PTE_FORK)
			return;
		e = fmo_place(page, word_get(word));
		if (e >= FMO_PER_PAGE ||
		    map_shared(f, word, fmo_entries(page) + e) == NULL)
			return;
		EVENT(fault_around_fork);
	}
}
