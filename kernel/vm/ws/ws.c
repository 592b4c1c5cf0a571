/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ws.c: the working set: the pages that a space maps now
 *
 * Problem   To take memory from a program one must find the pages it maps and
 *           tell old from young.  A list of them would cost memory per page
 *           and could not grow in a fault when memory is short.
 *
 * Picture   The set needs no list of its own: it is the VALID words of the
 *           leaf tables, and the tables that have any stand in a ring.
 *
 *           as->ws.head ─→ table ⇄ table ⇄ table ⇄ (back to the first)
 *                             ↑ hand: table and index; rests between trims
 *
 *           word   A  age      ws_age, once in a while: A → age 0, A off
 *                  0  0 … 3                             no A → age + 1
 *
 * Rules     1. A word is in the set when it is VALID and not SPEC (the zero
 *              page and devices are nobody's memory).
 *           2. A table is on the ring while nvalid > 0; nothing is allocated.
 *           3. The hand of the clock never points at a table off the ring.
 *           4. No flush after A was cleared: a CPU with an older translation
 *              makes a page look older than it is, and nothing more.
 *           5. A trimmed page goes to a queue only after the flush (tlb.c).
 */
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/ws/ws.h"

/* ---- the ring ---- */

/* Insert before the hand: the clock comes to a new table last. */
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

/* One age pass: pages used since the last one become young, all others older.
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

/* A page of a file that was used once and not again counts as old: it costs one read to
 * have it back, and files are often read only once.  Program text does not count as such
 * a file. */
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

static bool
is_victim(const struct ws_entry *s, int min_age)
{
	uint64_t w = word_get(s->word);
	struct vm_page *pg = pte_page(w);

	if ((w & (PTE_LOCK | MD_PTE_A)) != 0)
		return false;
	if ((int)pte_age(w) < (min_age & WS_AGE) && !is_used_once(w))
		return false;
	if (pte_src(w) == SRC_SPEC)
		return true;
	return pg->pins == 0 && ((min_age & WS_HAS_PLACE) == 0 || has_place(pg));
}

/* The flush at the end of the batch covers the word, so that the CPU sets A anew. */
static void
second_chance(struct aspace *as, struct ws_entry *s)
{
	struct tlb_batch *b = as->batch;
	uint64_t vpn = (pt_va(s->leaf) >> PAGE_SHIFT) + s->index;

	if ((word_get(s->word) & MD_PTE_A) == 0)
		return;
	word_change(s->word, MD_PTE_A | PTE_AGE_MASK, 0);
	tlb_batch_cover(b, vpn);
}

/* The next page from the hand on that may be trimmed: not used since the last age pass,
 * at least min_age old, not locked, not pinned.  *budget, the number of words to look at,
 * falls.  With min_age 0 a page that was used gets a second chance: the hand clears A
 * and comes back.
 * Locks: [W].
 * Returns: false: there is none within *budget words. */
bool
ws_pick_victim(struct aspace *as, int min_age, uint64_t *budget,
    struct ws_entry *s)
{
	HELD(&as->ws_lock);
	for (; as->ws.hand_tbl != 0 && *budget > 0; (*budget)--) {
		if (as->ws.hand_idx == MD_PT_WORDS) {
			as->ws.hand_tbl = pfdb[as->ws.hand_tbl].tbl.ws_next;
			as->ws.hand_idx = 0;
		}
		s->leaf = &pfdb[as->ws.hand_tbl];
		s->index = as->ws.hand_idx++;
		s->word = &pt_words(s->leaf)[s->index];
		if ((word_get(s->word) & MD_PTE_P) == 0)
			continue;
		if (is_victim(s, min_age)) {
			s->va = pt_va(s->leaf) + ((va_t)s->index << PAGE_SHIFT);
			return true;
		}
		if ((min_age & WS_AGE) == 0)
			second_chance(as, s);
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

/* How many words a trim looks at, at most: all; all twice if used ones get a second
 * chance.
 * Locks: [W]. */
uint64_t
ws_look(const struct aspace *as, int min_age)
{
	uint64_t rounds = (min_age & WS_AGE) == 0 ? 2 : 1;

	HELD(&as->ws_lock);
	return (rounds * as->ws.tables + 1) * MD_PT_WORDS;
}

/* The word at s, which was `old`, maps its page no more: take it out of the working set.
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

/* How many pages the space can lose in a round of the balance set manager: those above
 * its minimum; in round 0, the last one, all.
 * Locks: [W], or none for an estimate. */
size_t
ws_adjust(struct aspace *as, int round)
{
	uint64_t keep = round > 0 ? as->ws.min : 0;
	uint64_t pages = atomic_load_relaxed(&as->ws.pages);

	EVENT(ws_adjust);
	return pages > keep ? pages - keep : 0;
}
