/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * by-verdict.c: the set, one verdict for each word
 *
 * Other than ours: the search asks for a verdict (GO, SPARE, PASS) and moves the
 * hand by a helper that goes on to the next table at once; the age pass changes
 * the words by itself; a table leaves the ring before the counts are changed, and
 * joins it behind them; all of the table is flushed of which a word was spared.
 */
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/ws/ws.h"

static bool
is_member(uint64_t word)
{
	return (word & MD_PTE_P) != 0 && pte_src(word) != SRC_SPEC;
}

static bool
is_used_once(uint64_t word)
{
	return pte_src(word) == SRC_OBJ && (word & MD_PTE_NX) != 0 &&
	    page_home_kind(pte_page(word)) == HOME_VNODE && pte_age(word) > 0;
}

static bool
has_place(const struct vm_page *pg)
{
	return page_home_kind(pg) == HOME_VNODE || pg->slot != 0 ||
	    (pg->flags & PF_LAZYFREE) != 0;
}

enum verdict { PASS, SPARE, GO };

/* ---- ring ---- */

static void
join_ring(struct aspace *as, struct vm_page *leaf)
{
	pfn_t me = page_pfn(leaf), next = as->ws.hand_tbl;

	if (next == 0) {
		as->ws.head = me;
		as->ws.hand_tbl = me;
		as->ws.hand_idx = 0;
		next = me;
		leaf->tbl.ws_prev = me;
	}
	leaf->tbl.ws_next = next;
	if (next != me) {
		leaf->tbl.ws_prev = pfdb[next].tbl.ws_prev;
		pfdb[leaf->tbl.ws_prev].tbl.ws_next = me;
		pfdb[next].tbl.ws_prev = me;
	}
	as->ws.tables++;
}

static void
leave_ring(struct aspace *as, struct vm_page *leaf)
{
	pfn_t me = page_pfn(leaf);
	pfn_t next = leaf->tbl.ws_next == me ? 0 : leaf->tbl.ws_next;

	if (as->ws.hand_tbl == me) {
		as->ws.hand_tbl = next;
		as->ws.hand_idx = 0;
	}
	if (as->ws.head == me)
		as->ws.head = next;
	if (next != 0) {
		pfdb[next].tbl.ws_prev = leaf->tbl.ws_prev;
		pfdb[leaf->tbl.ws_prev].tbl.ws_next = next;
	}
	leaf->tbl.ws_prev = 0;
	leaf->tbl.ws_next = 0;
	as->ws.tables--;
}

void
ws_insert_some(struct aspace *as, struct vm_page *leaf, unsigned n)
{
	bool first = leaf->tbl.nvalid == 0 && n != 0;

	as->ws.pages += n;
	as->ws.peak = MAX(as->ws.pages, as->ws.peak);
	leaf->tbl.nvalid = (uint16_t)(leaf->tbl.nvalid + n);
	if (first)
		join_ring(as, leaf);
	EVENT_ADD(ws_insert, n);
}

void
ws_remove_some(struct aspace *as, struct vm_page *leaf, unsigned n)
{
	if (n != 0 && leaf->tbl.nvalid == n)
		leave_ring(as, leaf);
	leaf->tbl.nvalid = (uint16_t)(leaf->tbl.nvalid - n);
	as->ws.pages -= n;
	EVENT_ADD(ws_remove, n);
}

void
ws_rescue(struct vm_page *pg)
{
	EVENT_ADD(fault_rescue_standby, pg->state == PG_STANDBY);
	EVENT_ADD(fault_rescue_modified, pg->state == PG_MODIFIED);
	pq_activate(pg);
}

/* ---- age ---- */

static unsigned
older(uint64_t *word)
{
	uint64_t w = word_get(word);
	uint64_t age = pte_age(w) + 1ul;

	if ((w & MD_PTE_A) != 0)
		age = 0;
	if (age == WS_AGES)
		return WS_AGES - 1;
	word_change(word, PTE_AGE_MASK | MD_PTE_A, age << PTE_AGE_SHIFT);
	return (unsigned)age;
}

static void
age_table(struct aspace *as, struct vm_page *leaf)
{
	uint64_t *word = pt_words(leaf), *end = word + MD_PT_WORDS;

	for (; word < end; word++)
		if (is_member(word_get(word)))
			as->ws.ages[older(word)]++;
}

void
ws_age(struct aspace *as)
{
	pfn_t at = as->ws.head;
	unsigned i;

	for (i = 0; i < WS_AGES; i++)
		as->ws.ages[i] = 0;
	if (at != 0) {
		do {
			age_table(as, &pfdb[at]);
			at = pfdb[at].tbl.ws_next;
		} while (at != as->ws.head);
	}
	if (as->ws.ages[0] != 0)
		as->ws.used_ns = md_time_ns();
	EVENT(ws_age, as->ws.pages);
}

/* ---- clock ---- */

static enum verdict
judge_word(uint64_t w, int min_age)
{
	unsigned age = (unsigned)min_age & WS_AGE;

	if ((w & MD_PTE_P) == 0)
		return PASS;
	if ((w & MD_PTE_A) != 0)
		return age == 0 ? SPARE : PASS;
	if ((w & PTE_LOCK) != 0 || (pte_age(w) < age && !is_used_once(w)))
		return PASS;
	if (pte_src(w) != SRC_SPEC) {
		if (pte_page(w)->pins != 0)
			return PASS;
		if ((min_age & WS_HAS_PLACE) != 0 && !has_place(pte_page(w)))
			return PASS;
	}
	return GO;
}

static void
move_hand(struct aspace *as)
{
	if (++as->ws.hand_idx < MD_PT_WORDS)
		return;
	as->ws.hand_idx = 0;
	as->ws.hand_tbl = pfdb[as->ws.hand_tbl].tbl.ws_next;
}

static void
spare_word(struct aspace *as, const struct ws_entry *s)
{
	uint64_t vpn = pt_va(s->leaf) >> PAGE_SHIFT;

	word_change(s->word, MD_PTE_A | PTE_AGE_MASK, 0);
	tlb_batch_cover(as->batch, vpn);
	tlb_batch_cover(as->batch, vpn + MD_PT_WORDS - 1);
}

bool
ws_pick_victim(struct aspace *as, int min_age, uint64_t *look,
    struct ws_entry *s)
{
	enum verdict v;

	if (as->ws.hand_tbl == 0)
		return false;
	while ((*look)-- > 0) {
		s->leaf = &pfdb[as->ws.hand_tbl];
		s->index = as->ws.hand_idx;
		s->word = pt_words(s->leaf) + s->index;
		v = judge_word(word_get(s->word), min_age);
		if (v == SPARE)
			spare_word(as, s);
		move_hand(as);
		if (v == GO) {
			s->va = pt_va(s->leaf) | (va_t)s->index << PAGE_SHIFT;
			return true;
		}
	}
	*look = 0;
	return false;
}

uint64_t
ws_look(const struct aspace *as, int min_age)
{
	uint64_t all = (uint64_t)as->ws.tables * MD_PT_WORDS;

	return MD_PT_WORDS + ((min_age & WS_AGE) == 0 ? all + all : all);
}

size_t
ws_taken(struct aspace *as, const struct ws_entry *s, uint64_t old)
{
	unsigned age = pte_age(old);
	bool ours = is_member(old);

	if (ours) {
		as->ws.trimmed++;
		if (as->ws.ages[age] != 0)
			as->ws.ages[age]--;
		EVENT(ws_trimmed);
		EVENT_ADD(ws_trimmed_0, age == 0);
		EVENT_ADD(ws_trimmed_1, age == 1);
		EVENT_ADD(ws_trimmed_2, age == 2);
		EVENT_ADD(ws_trimmed_3, age == 3);
		ws_remove(as, s->leaf);
	}
	tlb_batch_put(as->batch, s->va >> PAGE_SHIFT, old);
	if (s->leaf->nused == 0)
		pt_prune(as, s->va, as->batch);
	return ours;
}

size_t
ws_adjust(struct aspace *as, int round)
{
	uint64_t pages = atomic_load_relaxed(&as->ws.pages);
	uint64_t min = round == 0 ? 0 : as->ws.min;

	EVENT(ws_adjust);
	if (pages <= min)
		return 0;
	return pages - min;
}
