/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict-first.c: the life of entries, one verdict for every end
 *
 * Other than ours: lose() is asked about each word that an entry loses, whether it
 * goes or takes the page along, and says what becomes of page and slot; a second
 * function does it, and a third gives back what can only go behind the lock.  The
 * frames stand in a short list that is emptied when it is full.  Counts of the
 * process change before those of the object.  A run of a range is measured first
 * and then dropped from its last word to its first.
 */
#include "vm/design/fmo/fmo.h"

#define FRAMES 16u /* so many are freed at once */

enum verdict {
	LIVES,      /* others refer to it */
	REFUSED,    /* wanted, and not to be had now */
	FRAME_GOES, /* nobody holds the frame: it is free */
	FRAME_STAYS, /* the entry ends; somebody holds the frame still, or there is none */
	SLOT_GOES,
	FRAME_MOVES, /* to the word that wants it */
	SLOT_MOVES,
};

/* What one process gives up under one hold of [F]. */
struct giving {
	struct aspace *as;
	struct fmo_ref *ref;
	struct vm_page *page;    /* of entries */
	uint32_t words;
	uint32_t nframes;
	struct vm_page *frame[FRAMES];
	bool page_empty;
};

static void
frames_go(struct giving *g)
{
	pfn_t chain = 0;

	while (g->nframes > 0) {
		struct vm_page *pg = g->frame[--g->nframes];

		pg->qnext = chain;
		chain = page_pfn(pg);
	}
	page_free_chain(chain);
}

static void
giving_begin(struct giving *g, struct aspace *as, struct vm_page *page,
    uint64_t index)
{
	g->as = as;
	g->page = page;
	g->ref = fmo_find_ref(as, index);
	g->words = 0;
	g->nframes = 0;
	g->page_empty = false;
	spin_lock(&g->ref->fmo->lock);
}

static void
giving_end(struct giving *g, uint64_t index)
{
	struct fmo *fmo = g->ref->fmo;

	g->ref->nptes -= g->words;
	g->as->words.fork -= g->words;
	fmo->nrefs -= g->words;
	spin_unlock(&fmo->lock);
	frames_go(g);
	if (g->page_empty)
		fmo_free_page(fmo, index);
	if (g->ref->nptes == 0)
		fmo_drop_ref(g->as, g->ref);
}

/* ---- the verdict ---- */

/*
 * [F], [P].  One word less: of whom goes, or, with s, of whom wants page or slot.
 * Nothing is changed.
 */
static enum verdict
judge(const struct fmo_entry *e, const struct pte_ref *s)
{
	uint64_t word = word_get(&e->word);
	enum pte_kind kind = pte_kind(word);

	if (e->refs > 1)
		return s != NULL ? REFUSED : LIVES;
	if (s == NULL) {
		if (kind == PTE_SWAP)
			return SLOT_GOES;
		return pte_names_frame(word) ? FRAME_GOES : FRAME_STAYS;
	}
	if (kind == PTE_TRANS && pte_page(word)->pins == 0)
		return FRAME_MOVES;
	return kind == PTE_SWAP ? SLOT_MOVES : REFUSED;
}

static void
slot_ends(uint64_t word)
{
	swap_free(swap_slot(word));
}

static void
take_slot(const struct pte_ref *s, struct fmo_entry *e)
{
	atomic_add(&s->as->words.swap, 1);
	word_set_locked(s->leaf, s->word, word_get(&e->word));
}

/* [F], [P].  What the verdict asks for; FRAME_GOES is FRAME_STAYS if it is held. */
static enum verdict
execute(enum verdict v, struct vm_page *page, struct fmo_entry *e,
    const struct pte_ref *s)
{
	uint64_t word = word_get(&e->word);

	if (v == SLOT_MOVES)
		take_slot(s, e);
	if (v >= FRAME_GOES)
		word_set_locked(page, &e->word, 0);
	if (v == SLOT_GOES)
		slot_ends(word);
	if (v == FRAME_GOES && !page_disown_locked(pte_page(word)))
		return FRAME_STAYS;
	if (v != FRAME_MOVES)
		return v;
	if (pte_kind(word_get(s->word)) == PTE_FORK)
		word_set_locked(s->leaf, s->word, pte_make_trans(pte_page(word)));
	else
		word_change(s->word, PTE_SRC_MASK,
		    (uint64_t)SRC_PRIV << PTE_SRC_SHIFT);
	page_set_home(pte_page(word), HOME_PTE, word_pa(s->word));
	return v;
}

/* [F].  e loses a word; which end is that? */
static enum verdict
lose(struct giving *g, struct fmo_entry *e, const struct pte_ref *s)
{
	struct fmo *fmo = g->ref->fmo;
	struct vm_page *frame = NULL;
	enum verdict v;

	spin_lock(&pfn_lock);
	if ((g->page->flags & PF_DIRTY) == 0)
		page_dirty_locked(g->page);
	v = judge(e, s);
	if (v == FRAME_GOES)
		frame = pte_page(e->word);
	v = execute(v, g->page, e, s);
	spin_unlock(&pfn_lock);
	if (v == REFUSED)
		return v;
	g->words++;
	e->refs--;
	if (s == NULL)
		EVENT(fmo_deref, fmo_index_of(e), e->refs);
	if (v == LIVES)
		return v;
	if (v == FRAME_GOES)
		g->frame[g->nframes++] = frame;
	EVENT(fmo_entry_dead);
	EVENT_ADD(fmo_entries_live, -1);
	fmo->live--;
	g->page_empty = fmo->n != 0 && g->page->nused == 0;
	return v;
}

/* ---- who asks for it ---- */

void
fmo_deref(struct aspace *as, struct fmo_entry *e)
{
	uint64_t index = fmo_index_of(e);
	struct giving g;

	giving_begin(&g, as, fmo_page_of(e), index);
	(void)lose(&g, e, NULL);
	giving_end(&g, index);
}

bool
fmo_try_steal(const struct pte_ref *s, struct fmo_entry *e,
    enum steal_where where)
{
	uint64_t index = fmo_index_of(e);
	struct giving g;

	giving_begin(&g, s->as, fmo_page_of(e), index);
	if (lose(&g, e, s) == REFUSED) {
		spin_unlock(&g.ref->fmo->lock);
		return false;
	}
	s->as->words.priv++;
	EVENT(fmo_steal, index, where);
	giving_end(&g, index);
	return true;
}

void
fmo_reref(struct fmo_ref *ref, struct fmo_entry *e)
{
	struct fmo *fmo = ref->fmo;

	fmo->nrefs++;
	e->refs++;
	ref->nptes++;
}

/* How far words of entries in this page go, others between them not counted. */
static va_t
run_end(struct vm_page *leaf, va_t va, va_t end, const struct vm_page *page)
{
	va_t last = va;

	for (; va < end; va += PAGE_SIZE) {
		uint64_t word = word_get(pt_word(leaf, va));

		if (pte_kind(word) != PTE_FORK)
			continue;
		if (fmo_place(page, word) >= FMO_PER_PAGE)
			break;
		last = va + PAGE_SIZE;
	}
	return last;
}

/* The words of [lo, hi) from the last on, a list of frames at most.  Where it is. */
static va_t
drop_back(struct giving *g, struct vm_page *leaf, va_t lo, va_t hi)
{
	struct fmo_entry *all = fmo_entries(g->page);

	while (hi > lo && g->nframes < FRAMES) {
		uint64_t *word = pt_word(leaf, hi -= PAGE_SIZE);
		uint64_t old = word_get(word);

		if (pte_kind(old) != PTE_FORK)
			continue;
		word_store(word, 0);
		(void)lose(g, &all[fmo_place(g->page, old)], NULL);
	}
	return hi;
}

int
fmo_drop_range(struct aspace *as, struct vm_page *leaf, va_t *va, va_t end,
    struct want *w)
{
	while (*va < end) {
		uint64_t word = word_get(pt_word(leaf, *va)), index;
		struct giving g;
		va_t hi, at;

		if (pte_kind(word) != PTE_FORK) {
			*va += PAGE_SIZE;
			continue;
		}
		if (!fmo_hold(w, fork_entry(word)))
			return -EAGAIN;
		index = fork_index(word);
		hi = at = run_end(leaf, *va, end, w->kpage);
		while (at > *va) {
			giving_begin(&g, as, w->kpage, index);
			at = drop_back(&g, leaf, *va, at);
			word_sums(leaf, -(int)g.words, 0);
			giving_end(&g, index);
		}
		*va = hi;
	}
	return 0;
}

bool
fmo_hold(struct want *w, va_t kva)
{
	uint64_t number = (kva - MD_KPAGED_BASE) >> PAGE_SHIFT;
	struct vm_page *page = w->kpage;

	if (page != NULL && (page_home_kind(page) != HOME_KPAGED ||
	    page->index != number)) {
		kpaged_unpin(page);
		page = NULL;
	}
	w->kpage = page != NULL ? page : kpaged_trypin(kva);
	if (w->kpage == NULL) {
		(void)kpaged_want(w, kva);
		return false;
	}
	container_attach(w->kpage, KIND_FMO, MD_PT_WORDS);
	spin_lock(&pfn_lock);
	page_dirty_locked(w->kpage);
	spin_unlock(&pfn_lock);
	return true;
}
