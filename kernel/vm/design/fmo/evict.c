/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/evict.c: a page leaves the working set, one word at a time
 *
 * Problem   Memory is wanted, or mprotect takes all rights away: the page
 *           shall stay where it is, only this word shall not map it.  What
 *           the word becomes must lead back to the page.
 *
 * Picture   VALID/PRIV → TRANS      the word stays the page's home
 *           VALID/FORK → FORK(e)    or, by the last owner, TRANS (stolen)
 *           VALID/OBJ  → ABSENT     the object knows the page
 *           VALID/SPEC → ABSENT     the zero page can be had again
 *
 * Rules     1. Only after the acknowledgement falls mapcount, and the page
 *              goes to a queue (BATCH_TRIM); until then it is ACTIVE.
 *           2. The final D bit is in the old word of the exchange.
 *           3. LOCKED words stay.
 *           4. Fewer rights that are still some keep the word VALID: W off
 *              or NX on, and one flush for the whole range.
 *
 * Read next vm/ws.c, vm/tlb.c.  Book: ch12.
 */
#include "vm/design/fmo/fmo.h"

struct trim_work {
	struct aspace *as;
	int min_age;
	bool pinned;          /* also pages that are pinned: mprotect */
	size_t want, done;    /* pages */
};

static void trim_table(struct trim_work *t, struct vm_page *leaf, va_t va,
    va_t end);
static bool trim_word(struct trim_work *t, const struct fmo_spot *s);
static uint64_t trimmed_word(const struct fmo_spot *s);

static unsigned
word_age(uint64_t word)
{
	return (unsigned)((word & PTE_AGE_MASK) >> PTE_AGE_SHIFT);
}

static void
count_trimmed(uint64_t word)
{
	EVENT(ws_trimmed);
	switch (word_age(word)) {
	case 0:
		EVENT(ws_trimmed_0);
		return;
	case 1:
		EVENT(ws_trimmed_1);
		return;
	case 2:
		EVENT(ws_trimmed_2);
		return;
	}
	EVENT(ws_trimmed_3);
}

/* First address of a leaf table: its home is the parent's word, and so on. */
static va_t
table_va(const struct vm_page *table)
{
	va_t va = 0;
	int level;

	for (level = 1; level < MD_PT_LEVELS; level++) {
		pa_t word = page_home_payload(table);

		va |= (word & PAGE_MASK) / sizeof(uint64_t)
		    << (PAGE_SHIFT + 9 * level);
		table = page_of_pa(word);
	}
	return va;
}

/*
 * Take up to `want` pages of at least min_age out of the working set, from
 * the hand on: ops->evict.
 *
 * Locks:    none of rank >= 5; tries [W] and does without if it is taken.
 * Returns:  pages trimmed.
 */
size_t
fmo_evict(struct aspace *as, size_t want, int min_age)
{
	struct trim_work t = { .as = as, .min_age = min_age, .want = want };
	uint64_t tables;
	pfn_t at, next;
	va_t va;

	if (inject_hit(FI_TRYLOCK) || !mutex_trylock(&as->ws_lock))
		return 0;
	at = as->md.root_pa == 0 ? 0 : as->hand_tbl;
	for (tables = as->n_table; at != 0 && tables > 0; tables--) {
		next = pfdb[at].tbl.ws_next;
		va = table_va(&pfdb[at]);
		trim_table(&t, &pfdb[at], va, va + (MD_PT_WORDS << PAGE_SHIFT));
		at = as->ws_head == 0 ? 0 : next;
		if (t.done >= t.want)
			break;
	}
	if (at != 0)
		as->hand_tbl = at;
	mutex_unlock(&as->ws_lock);
	EVENT(ws_trim, t.done, min_age);
	return t.done;
}

/*
 * Take all pages of [lo, hi) vpn out of the working set, pinned ones too.
 *
 * Locks:    none of rank >= 5; takes [W].
 * Returns:  pages trimmed.
 */
size_t
fmo_trim_range(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct trim_work t = { .as = as, .pinned = true, .want = SIZE_MAX };
	va_t va = lo << PAGE_SHIFT, end = hi << PAGE_SHIFT, stop;
	struct vm_page *leaf;

	while (va < end) {
		mutex_lock(&as->ws_lock);
		leaf = pt_next_leaf(as, &va, end);
		stop = leaf == NULL ? end :
		    MIN(end, (va | ((MD_PT_WORDS << PAGE_SHIFT) - 1)) + 1);
		if (leaf != NULL)
			trim_table(&t, leaf, va, stop);
		va = stop;
		mutex_unlock(&as->ws_lock);
	}
	return t.done;
}

/* [W].  Words of one leaf table in [va, end). */
static void
trim_table(struct trim_work *t, struct vm_page *leaf, va_t va, va_t end)
{
	struct fmo_spot s = { .as = t->as, .leaf = leaf };

	tlb_batch_init(t->as->batch, t->as, BATCH_TRIM);
	for (s.va = va; s.va < end && t->done < t->want; s.va += PAGE_SIZE) {
		s.word = &pt_words(leaf)[md_pt_index(s.va, 1)];
		if (pte_kind(word_get(s.word)) == PTE_VALID && trim_word(t, &s))
			t->done++;
	}
	if (leaf->nused == 0)
		pt_prune(t->as, va, t->as->batch);
	tlb_batch_end(t->as->batch);
}

/* A VALID word.  False: it stays. */
static bool
trim_word(struct trim_work *t, const struct fmo_spot *s)
{
	uint64_t word = word_get(s->word);

	if ((word & PTE_LOCK) != 0 || (int)word_age(word) < t->min_age)
		return false;
	if (!t->pinned && pte_page(word)->pins != 0)
		return false;
	if (pte_src(word) == SRC_FORK)
		fmo_try_steal(s, fmo_entry_of_page(pte_page(word)), STEAL_TRIM);
	word = word_set(s->leaf, s->word, trimmed_word(s));
	if (pte_src(word) != SRC_SPEC)
		ws_remove(t->as, s->leaf);
	tlb_batch_add(t->as->batch, s->va >> PAGE_SHIFT, word);
	count_trimmed(word);
	return true;
}

static uint64_t
trimmed_word(const struct fmo_spot *s)
{
	uint64_t word = word_get(s->word);
	struct vm_page *pg = pte_page(word);

	switch (pte_src(word)) {
	case SRC_PRIV:
		return pte_make_trans(pg);
	case SRC_FORK:
		return fork_word(fmo_index_of(fmo_entry_of_page(pg)));
	case SRC_OBJ:
	case SRC_SPEC:
		return 0;
	}
	panic("evict: va %lx word %lx", s->va, word);
}

/* ---- fewer rights ---- */

struct rights_work {
	uint64_t clear, set;  /* bits of VALID words */
	uint64_t lo, hi;      /* vpn range that changed */
};

static void
reduce_table(struct rights_work *r, struct vm_page *leaf, va_t va, va_t end)
{
	for (; va < end; va += PAGE_SIZE) {
		uint64_t *word = &pt_words(leaf)[md_pt_index(va, 1)];
		uint64_t w = word_get(word);

		if (pte_kind(w) != PTE_VALID ||
		    ((w & ~r->clear) | r->set) == w)
			continue;
		word_change(word, r->clear, r->set);
		r->lo = MIN(r->lo, va >> PAGE_SHIFT);
		r->hi = MAX(r->hi, (va >> PAGE_SHIFT) + 1);
	}
}

/*
 * The VAD is about to have fewer rights: ops->protect.
 *
 * Locks:    [M] exclusive; takes [W].
 * Returns:  0.
 */
int
fmo_protect(struct aspace *as, struct vad *vad, uint8_t prot)
{
	struct rights_work r = { .lo = UINT64_MAX,
		.clear = (prot & PROT_W) != 0 ? 0 : MD_PTE_W,
		.set = (prot & PROT_X) != 0 ? 0 : MD_PTE_NX };
	va_t va = vad->start << PAGE_SHIFT, end = vad->end << PAGE_SHIFT, stop;
	struct vm_page *leaf;

	if (prot == 0) {
		/* What it leaves VALID is locked: stays, but out of reach. */
		if ((vad->flags & VAD_LOCKED) != 0)
			atomic_store(&as->hides, true);
		fmo_trim_range(as, vad->start, vad->end);
		r.clear |= MD_PTE_U;
	}
	mutex_lock(&as->ws_lock);
	while ((leaf = pt_next_leaf(as, &va, end)) != NULL) {
		stop = MIN(end, (va | ((MD_PT_WORDS << PAGE_SHIFT) - 1)) + 1);
		reduce_table(&r, leaf, va, stop);
		va = stop;
	}
	tlb_flush_range(as, r.lo, r.hi);
	mutex_unlock(&as->ws_lock);
	return 0;
}
