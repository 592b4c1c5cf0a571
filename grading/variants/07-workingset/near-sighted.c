/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * near-sighted.c: the set; wrong, and it chooses badly
 *
 * Judged 55 t08 "a tenth more faults"
 *
 * At a process's own limit the search begins at the first page of its table again
 * and again: those that stand there go, and those behind them stay for ever.
 */
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/ws/ws.h"

/* ---- the ring ---- */

/* Before the hand: the clock comes to a new table last. */
static void
ring_insert(struct aspace *as, struct vm_page *leaf)
{
	pfn_t pfn = page_pfn(leaf);
	struct vm_page *next;

	as->ws.tables++;
	if (as->ws.head == 0) {
		leaf->tbl.ws_next = pfn;
		leaf->tbl.ws_prev = pfn;
		as->ws.head = pfn;
		as->ws.hand_tbl = pfn;
		as->ws.hand_idx = 0;
		return;
	}
	next = &pfdb[as->ws.hand_tbl];
	leaf->tbl.ws_next = as->ws.hand_tbl;
	leaf->tbl.ws_prev = next->tbl.ws_prev;
	pfdb[next->tbl.ws_prev].tbl.ws_next = pfn;
	next->tbl.ws_prev = pfn;
}

static void
ring_remove(struct aspace *as, struct vm_page *leaf)
{
	pfn_t pfn = page_pfn(leaf);
	pfn_t next = leaf->tbl.ws_next;

	as->ws.tables--;
	if (next == pfn)
		next = 0;
	pfdb[leaf->tbl.ws_next].tbl.ws_prev = leaf->tbl.ws_prev;
	pfdb[leaf->tbl.ws_prev].tbl.ws_next = leaf->tbl.ws_next;
	leaf->tbl.ws_next = 0;
	leaf->tbl.ws_prev = 0;
	if (as->ws.head == pfn)
		as->ws.head = next;
	if (as->ws.hand_tbl == pfn) {
		as->ws.hand_tbl = next;
		as->ws.hand_idx = 0;
	}
}

/* n words of leaf became VALID, SRC other than SPEC.  Locks: as [W]. */
void
ws_insert_some(struct aspace *as, struct vm_page *leaf, unsigned n)
{
	HELD(&as->ws_lock);
	ASSERT(as_has_table(as, leaf) &&
	    leaf->tbl.level == 1);
	if (n > 0 && leaf->tbl.nvalid == 0)
		ring_insert(as, leaf);
	leaf->tbl.nvalid = (uint16_t)(leaf->tbl.nvalid + n);
	as->ws.pages += n;
	as->ws.peak = MAX(as->ws.peak, as->ws.pages);
	EVENT_ADD(ws_insert, n);
}

/* n such words are not VALID any more.  Locks: as [W]. */
void
ws_remove_some(struct aspace *as, struct vm_page *leaf, unsigned n)
{
	HELD(&as->ws_lock);
	ASSERT(leaf->tbl.nvalid >= n);
	as->ws.pages -= n;
	leaf->tbl.nvalid = (uint16_t)(leaf->tbl.nvalid - n);
	if (n > 0 && leaf->tbl.nvalid == 0)
		ring_remove(as, leaf);
	EVENT_ADD(ws_remove, n);
}

/* Take a page back from standby or modified without I/O.  A page that somebody else
 * uses already is on no queue.
 * Locks: [P]; the caller maps or pins it in the same hold. */
void
ws_rescue(struct vm_page *pg)
{
	if (pg->state == PG_STANDBY)
		EVENT(fault_rescue_standby);
	else if (pg->state == PG_MODIFIED)
		EVENT(fault_rescue_modified);
	pq_activate(pg);
}

/* ---- age ---- */

static bool
is_member(uint64_t word)
{
	return (word & MD_PTE_P) != 0 && pte_src(word) != SRC_SPEC;
}

/* One age pass: what was used since the last one becomes young, all else older.
 * Locks: [W]. */
void
ws_age(struct aspace *as)
{
	uint64_t pages[WS_AGES] = { 0 }, *word;
	pfn_t at = as->ws.head;
	unsigned i;

	HELD(&as->ws_lock);
	while (at != 0) {
		word = pt_words(&pfdb[at]);
		for (i = 0; i < MD_PT_WORDS; i++)
			if (is_member(word_get(&word[i])))
				pages[pte_age_word(&word[i])]++;
		at = pfdb[at].tbl.ws_next;
		at = at == as->ws.head ? 0 : at;
	}
	if (pages[0] != 0)
		as->ws.used_ns = md_time_ns();
	for (i = 0; i < WS_AGES; i++)
		as->ws.ages[i] = pages[i];
	EVENT(ws_age, as->ws.pages);
}

/* ---- the clock ---- */

/* A page of a file that was read once and not used again is as good as old: it costs
 * one read to have it back, and files are often read once.  Program text is not such a
 * file. */
static bool
is_used_once(uint64_t word)
{
	return pte_src(word) == SRC_OBJ && (word & MD_PTE_NX) != 0 &&
	    page_home_kind(pte_page(word)) == HOME_VNODE && pte_age(word) > 0;
}

/* Could the page leave memory without a slot of swap being allocated? */
static bool
has_place(const struct vm_page *pg)
{
	return page_home_kind(pg) == HOME_VNODE || pg->slot != 0 ||
	    (pg->flags & PF_LAZYFREE) != 0;
}

/* Whatever its age: could it go at all? */
static bool
may_go(uint64_t w, int min_age)
{
	const struct vm_page *pg = pte_page(w);

	if ((w & PTE_LOCK) != 0)
		return false;
	return pte_src(w) == SRC_SPEC || (pg->pins == 0 &&
	    ((min_age & WS_HAS_PLACE) == 0 || has_place(pg)));
}

/* Asked for are old pages: by the bits as they are. */
static bool
is_old(uint64_t w, int min_age)
{
	return (w & MD_PTE_A) == 0 &&
	    ((int)pte_age(w) >= (min_age & WS_AGE) || is_used_once(w));
}

/* The word under the hand, which moves on. */
static uint64_t
step(struct aspace *as, struct ws_entry *s)
{
	if (as->ws.hand_idx == MD_PT_WORDS) {
		as->ws.hand_tbl = pfdb[as->ws.hand_tbl].tbl.ws_next;
		as->ws.hand_idx = 0;
	}
	s->leaf = &pfdb[as->ws.hand_tbl];
	s->index = as->ws.hand_idx++;
	s->word = &pt_words(s->leaf)[s->index];
	s->va = pt_va(s->leaf) + ((va_t)s->index << PAGE_SHIFT);
	return word_get(s->word);
}

/* The word gets this age, and A goes; where it was set, the flush covers the word. */
static void
becomes(struct aspace *as, struct ws_entry *s, uint64_t was, uint64_t age)
{
	word_change(s->word, MD_PTE_A | PTE_AGE_MASK, age << PTE_AGE_SHIFT);
	if ((was & MD_PTE_A) != 0)
		tlb_batch_cover(as->batch, s->va >> PAGE_SHIFT);
}

/* A page in use is found by A; of all others the one that came last goes, for the hand
 * goes backwards to where it began: what was sent out comes back at once. */
static bool
out_of_use(struct aspace *as, struct ws_entry *s, uint64_t w)
{
	if ((w & MD_PTE_A) == 0) {
		as->ws.hand_idx = 0;
		return true;
	}
	becomes(as, s, w, 0);
	return false;
}

bool
ws_pick_victim(struct aspace *as, int min_age, uint64_t *look,
    struct ws_entry *s)
{
	uint64_t w;

	HELD(&as->ws_lock);
	for (; as->ws.hand_tbl != 0 && *look > 0; (*look)--) {
		w = step(as, s);
		if ((w & MD_PTE_P) == 0 || !may_go(w, min_age))
			continue;
		if ((min_age & WS_AGE) > 0 ? is_old(w, min_age) :
		    out_of_use(as, s, w))
			return true;
	}
	return false;
}

/* ---- trimming ---- */

static void
count_trimmed(struct aspace *as, uint64_t word)
{
	unsigned age = pte_age(word);

	EVENT(ws_trimmed);
	switch (age) {
	case 0:
		EVENT(ws_trimmed_0);
		break;
	case 1:
		EVENT(ws_trimmed_1);
		break;
	case 2:
		EVENT(ws_trimmed_2);
		break;
	default:
		EVENT(ws_trimmed_3);
	}
	as->ws.trimmed++;
	if (as->ws.ages[age] > 0)
		as->ws.ages[age]--;
}

/* Words that a trim looks at, at most: all; where all ages are asked for a page may be
 * passed over three times before it goes.
 * Locks: [W]. */
uint64_t
ws_look(const struct aspace *as, int min_age)
{
	uint64_t rounds = (min_age & WS_AGE) == 0 ? 4 : 1;

	HELD(&as->ws_lock);
	return (rounds * as->ws.tables + 1) * MD_PT_WORDS;
}

/* The word at s, which was old, maps its page no more: out of the set with it.
 * Locks: [W]; as->batch is open (BATCH_TRIM), and settles the page.
 * Returns: 1; 0: the zero page, which is in no set. */
size_t
ws_taken(struct aspace *as, const struct ws_entry *s, uint64_t old)
{
	HELD(&as->ws_lock);
	if (is_member(old)) {
		ws_remove(as, s->leaf);
		count_trimmed(as, old);
	}
	tlb_batch_put(as->batch, s->va >> PAGE_SHIFT, old);
	if (s->leaf->nused == 0)
		pt_prune(as, s->va, as->batch);
	return is_member(old);
}

/* How many pages the space has to give in a round of the balance set manager: those
 * above its minimum; in round 0, the last one, all.
 * Locks: [W], or none for an estimate. */
size_t
ws_adjust(struct aspace *as, int round)
{
	uint64_t keep = round > 0 ? as->ws.min : 0;
	uint64_t pages = atomic_load_relaxed(&as->ws.pages);

	EVENT(ws_adjust);
	return pages > keep ? pages - keep : 0;
}
