/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * by-count.c: the life of entries, by what each of them loses
 *
 * Other than ours: a tally says how many words each entry of a page has lost, and
 * one word alone is a tally, too.  A range is gathered before the object's lock is
 * taken, and each count goes down once.  All that ends does so behind the counts,
 * from the last entry to the first, in one hold of [P]; frames go one by one into
 * the chain's front there.  What is taken back asks for a verdict under [P] and has
 * no tally: its counts are changed by hand.
 */
#include "lib/string.h"
#include "vm/design/fmo/fmo.h"

/* What words of one process have lost in one page of entries. */
struct tally {
	struct vm_page *page;
	uint16_t lost[FMO_PER_PAGE];
	uint32_t lo, hi;        /* entries that lost any lie in [lo, hi) */
	uint32_t words, ended;
};

static void
tally_begin(struct tally *t, struct vm_page *page)
{
	memset(t, 0, sizeof *t);
	t->page = page;
	t->lo = FMO_PER_PAGE;
}

static void
tally_word(struct tally *t, uint32_t place)
{
	t->lost[place]++;
	t->words++;
	t->lo = MIN(t->lo, place);
	t->hi = MAX(t->hi, place + 1);
}

static uint64_t
index_in(const struct vm_page *page)
{
	return page->index * FMO_PER_PAGE;
}

/* Changed by direct map, and so dirty; [P]. */
static void
page_changed_locked(struct vm_page *page)
{
	if ((page->flags & PF_DIRTY) == 0)
		page_dirty_locked(page);
}

/* What is on swap and nobody's.  [P]. */
static void
slot_ends(uint64_t word)
{
	swap_free(swap_slot(word));
}

/* [F], [P].  The frame, if it is nobody's now. */
static struct vm_page *
end_entry(struct vm_page *page, struct fmo_entry *e)
{
	uint64_t word = word_set_locked(page, &e->word, 0);
	struct vm_page *pg;

	switch (pte_kind(word)) {
	case PTE_SWAP:
		slot_ends(word);
		return NULL;
	default:
		if (!pte_names_frame(word))
			return NULL;
		pg = pte_page(word);
		return page_disown_locked(pg) ? pg : NULL;
	}
}

/* [F].  Each count goes down by what its entry has lost. */
static void
tally_counts(struct tally *t)
{
	struct fmo_entry *all = fmo_entries(t->page);
	uint32_t i, k;

	for (i = t->lo; i < t->hi; i++) {
		for (k = 1; k <= t->lost[i]; k++)
			EVENT(fmo_deref, index_in(t->page) + i, all[i].refs - k);
		ASSERT(all[i].refs >= t->lost[i]);
		all[i].refs -= t->lost[i];
		t->ended += t->lost[i] != 0 && all[i].refs == 0;
	}
}

/* [F].  Those that have none left end; the chain of their frames. */
static pfn_t
tally_ends(struct tally *t)
{
	struct fmo_entry *all = fmo_entries(t->page);
	pfn_t chain = 0;
	uint32_t i;

	spin_lock(&pfn_lock);
	page_changed_locked(t->page);
	for (i = t->hi; t->ended != 0 && i-- > t->lo;) {
		struct vm_page *pg;

		if (t->lost[i] == 0 || all[i].refs != 0)
			continue;
		pg = end_entry(t->page, &all[i]);
		if (pg != NULL) {
			pg->qnext = chain;
			chain = page_pfn(pg);
		}
	}
	spin_unlock(&pfn_lock);
	return chain;
}

/* [F].  n entries of the page are dead: was that the last of it? */
static bool
buried(struct fmo *fmo, const struct vm_page *page, uint32_t n)
{
	if (n == 0)
		return false;
	ASSERT(fmo->live >= n);
	fmo->live -= n;
	EVENT_ADD(fmo_entry_dead, n);
	EVENT_ADD(fmo_entries_live, -(int64_t)n);
	return fmo->n != 0 && page->nused == 0;
}

/* [W].  n words of the process are gone. */
static void
ref_loses(struct aspace *as, struct fmo_ref *ref, uint32_t n)
{
	as->words.fork -= n;
	ref->nptes -= n;
	if (ref->nptes == 0)
		fmo_drop_ref(as, ref);
}

static void
tally_end(struct tally *t, struct aspace *as)
{
	uint64_t first = index_in(t->page);
	struct fmo_ref *ref = fmo_find_ref(as, first + t->lo);
	struct fmo *fmo = ref->fmo;
	pfn_t chain;
	bool empty;

	spin_lock(&fmo->lock);
	tally_counts(t);
	fmo->nrefs -= t->words;
	chain = tally_ends(t);
	empty = buried(fmo, t->page, t->ended);
	spin_unlock(&fmo->lock);
	if (empty)
		fmo_free_page(fmo, first + t->lo);
	page_free_chain(chain);
	ref_loses(as, ref, t->words);
}

void
fmo_deref(struct aspace *as, struct fmo_entry *e)
{
	struct tally t;

	tally_begin(&t, fmo_page_of(e));
	tally_word(&t, (uint32_t)(e - fmo_entries(t.page)));
	tally_end(&t, as);
}

void
fmo_reref(struct fmo_ref *ref, struct fmo_entry *e)
{
	ref->nptes += 1;
	ref->fmo->nrefs += 1;
	e->refs += 1;
}

/* ---- a range ---- */

/* The words of a page of entries that come next, 0 from now on. */
static va_t
gather(struct tally *t, struct vm_page *leaf, va_t va, va_t end)
{
	for (; va < end; va += PAGE_SIZE) {
		uint64_t *word = pt_word(leaf, va), old = word_get(word), place;

		if (pte_kind(old) != PTE_FORK)
			continue;
		place = fmo_place(t->page, old);
		if (place >= FMO_PER_PAGE)
			break;
		word_store(word, 0);
		tally_word(t, (uint32_t)place);
	}
	return va;
}

int
fmo_drop_range(struct aspace *as, struct vm_page *leaf, va_t *va, va_t end,
    struct want *w)
{
	struct tally t;
	uint64_t word;

	for (; *va < end; *va += PAGE_SIZE) {
		word = word_get(pt_word(leaf, *va));
		if (pte_kind(word) != PTE_FORK)
			continue;
		if (!fmo_hold(w, fork_entry(word)))
			return -EAGAIN;
		tally_begin(&t, w->kpage);
		*va = gather(&t, leaf, *va, end) - PAGE_SIZE;
		word_sums(leaf, -(int)t.words, 0);
		tally_end(&t, as);
	}
	return 0;
}

/* ---- taken back ---- */

enum taken { NOTHING, PAGE, SLOT };

/* [P].  What could be taken. */
static enum taken
what_is_there(uint64_t word)
{
	switch (pte_kind(word)) {
	case PTE_TRANS:
		return pte_page(word)->pins != 0 ? NOTHING : PAGE;
	case PTE_SWAP:
		return SLOT;
	default:
		return NOTHING;
	}
}

/* [P].  The word first, its new home behind it. */
static void
take_slot(const struct pte_ref *s, struct fmo_entry *e)
{
	word_set_locked(s->leaf, s->word, word_get(&e->word));
	atomic_add(&s->as->words.swap, 1);
}

static void
take_frame(const struct pte_ref *s, struct vm_page *pg)
{
	if ((word_get(s->word) & MD_PTE_P) == 0)
		word_set_locked(s->leaf, s->word, pte_make_trans(pg));
	else
		word_change(s->word, PTE_SRC_MASK,
		    (uint64_t)SRC_PRIV << PTE_SRC_SHIFT);
	page_set_home(pg, HOME_PTE, word_pa(s->word));
}

bool
fmo_try_steal(const struct pte_ref *s, struct fmo_entry *e,
    enum steal_where where)
{
	uint64_t index = fmo_index_of(e);
	struct fmo_ref *ref = fmo_find_ref(s->as, index);
	struct vm_page *page = fmo_page_of(e);
	struct fmo *fmo = ref->fmo;
	enum taken taken = NOTHING;
	bool empty = false;

	spin_lock(&fmo->lock);
	if (e->refs == 1) {
		spin_lock(&pfn_lock);
		taken = what_is_there(word_get(&e->word));
		if (taken == SLOT)
			take_slot(s, e);
		else if (taken == PAGE)
			take_frame(s, pte_page(e->word));
		if (taken != NOTHING)
			(void)word_set_locked(page, &e->word, 0);
		spin_unlock(&pfn_lock);
	}
	if (taken != NOTHING) {
		e->refs = 0;
		fmo->nrefs--;
		empty = buried(fmo, page, 1);
		EVENT(fmo_steal, index, where);
	}
	spin_unlock(&fmo->lock);
	if (taken == NOTHING)
		return false;
	s->as->words.priv++;
	if (empty)
		fmo_free_page(fmo, index);
	ref_loses(s->as, ref, 1);
	return true;
}

/* ---- pages of entries ---- */

/* Is this the page that is pinned in w already? */
static bool
holds(const struct want *w, uint64_t number)
{
	return w->kpage != NULL && page_home_kind(w->kpage) == HOME_KPAGED &&
	    w->kpage->index == number;
}

bool
fmo_hold(struct want *w, va_t kva)
{
	if (!holds(w, (kva - MD_KPAGED_BASE) / PAGE_SIZE)) {
		if (w->kpage != NULL)
			kpaged_unpin(w->kpage);
		w->kpage = kpaged_trypin(kva);
	}
	if (w->kpage == NULL) {
		(void)kpaged_want(w, kva);
		return false;
	}
	container_attach(w->kpage, KIND_FMO, MD_PT_WORDS);
	spin_lock(&pfn_lock);
	page_changed_locked(w->kpage);
	spin_unlock(&pfn_lock);
	return true;
}
