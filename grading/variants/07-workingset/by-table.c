/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * by-table.c: the set, table by table
 *
 * Other than ours: the search goes through one table in a loop of its own, asks
 * first whether a word may go at all and then how old it is; the age pass goes
 * round from the hand; links are made by one helper; what is counted lies in one
 * switch; ws_look counts tables, not rounds.
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

/* ---- ring ---- */

static void
link_two(pfn_t a, pfn_t b)
{
	pfdb[a].tbl.ws_next = b;
	pfdb[b].tbl.ws_prev = a;
}

void
ws_insert_some(struct aspace *as, struct vm_page *leaf, unsigned n)
{
	unsigned had = leaf->tbl.nvalid;
	pfn_t me = page_pfn(leaf);

	EVENT_ADD(ws_insert, n);
	if (n == 0)
		return;
	leaf->tbl.nvalid = (uint16_t)(had + n);
	as->ws.pages += n;
	if (as->ws.pages > as->ws.peak)
		as->ws.peak = as->ws.pages;
	if (had != 0)
		return;
	if (as->ws.tables++ == 0) {
		link_two(me, me);
		as->ws.head = as->ws.hand_tbl = me;
		as->ws.hand_idx = 0;
	} else {
		link_two(pfdb[as->ws.hand_tbl].tbl.ws_prev, me);
		link_two(me, as->ws.hand_tbl);
	}
}

void
ws_remove_some(struct aspace *as, struct vm_page *leaf, unsigned n)
{
	pfn_t me = page_pfn(leaf), next = leaf->tbl.ws_next;

	EVENT_ADD(ws_remove, n);
	if (n == 0)
		return;
	as->ws.pages -= n;
	leaf->tbl.nvalid = (uint16_t)(leaf->tbl.nvalid - n);
	if (leaf->tbl.nvalid != 0)
		return;
	link_two(leaf->tbl.ws_prev, next);
	leaf->tbl.ws_next = leaf->tbl.ws_prev = 0;
	if (--as->ws.tables == 0)
		next = 0;
	if (as->ws.head == me)
		as->ws.head = next;
	if (as->ws.hand_tbl == me) {
		as->ws.hand_tbl = next;
		as->ws.hand_idx = 0;
	}
}

void
ws_rescue(struct vm_page *pg)
{
	switch (pg->state) {
	case PG_STANDBY:
		EVENT(fault_rescue_standby);
		break;
	case PG_MODIFIED:
		EVENT(fault_rescue_modified);
		break;
	default:
		break;
	}
	pq_activate(pg);
}

/* ---- age ---- */

void
ws_age(struct aspace *as)
{
	unsigned t, i, n[WS_AGES] = { 0 };
	pfn_t at = as->ws.hand_tbl;
	uint64_t *word;

	for (t = 0; t < as->ws.tables; t++, at = pfdb[at].tbl.ws_next) {
		word = pt_words(&pfdb[at]);
		for (i = 0; i < MD_PT_WORDS; i++)
			if (is_member(word_get(word + i)))
				n[pte_age_word(word + i)]++;
	}
	for (i = 0; i < WS_AGES; i++)
		as->ws.ages[i] = n[i];
	if (n[0] > 0)
		as->ws.used_ns = md_time_ns();
	EVENT(ws_age, as->ws.pages);
}

/* ---- clock ---- */

static bool
may_ever_go(uint64_t w, int min_age)
{
	struct vm_page *pg = pte_page(w);

	if ((w & PTE_LOCK) != 0)
		return false;
	if (!is_member(w))
		return true;
	if (pg->pins != 0)
		return false;
	return (min_age & WS_HAS_PLACE) == 0 || has_place(pg);
}

static bool
is_old(uint64_t w, int min_age)
{
	return (w & MD_PTE_A) == 0 && (is_used_once(w) ||
	    pte_age(w) >= (unsigned)(min_age & WS_AGE));
}

static void
spare(struct aspace *as, struct vm_page *leaf, unsigned i)
{
	uint64_t *word = &pt_words(leaf)[i];

	if ((word_get(word) & MD_PTE_A) == 0)
		return;
	word_change(word, MD_PTE_A | PTE_AGE_MASK, 0);
	tlb_batch_cover(as->batch, (pt_va(leaf) >> PAGE_SHIFT) + i);
}

/* The rest of the table under the hand; its index, or 512. */
static unsigned
search_table(struct aspace *as, int min_age, uint64_t *look)
{
	struct vm_page *leaf = &pfdb[as->ws.hand_tbl];
	uint64_t w;
	unsigned i;

	for (i = as->ws.hand_idx; i < MD_PT_WORDS && *look > 0; i++) {
		w = word_get(&pt_words(leaf)[i]);
		--*look;
		if ((w & MD_PTE_P) == 0)
			continue;
		if (may_ever_go(w, min_age) && is_old(w, min_age)) {
			as->ws.hand_idx = (uint16_t)(i + 1);
			return i;
		}
		if ((min_age & WS_AGE) == 0)
			spare(as, leaf, i);
	}
	as->ws.hand_idx = (uint16_t)i;
	return MD_PT_WORDS;
}

bool
ws_pick_victim(struct aspace *as, int min_age, uint64_t *look,
    struct ws_entry *s)
{
	unsigned i;

	while (as->ws.hand_tbl != 0 && *look > 0) {
		i = search_table(as, min_age, look);
		if (i < MD_PT_WORDS) {
			s->leaf = &pfdb[as->ws.hand_tbl];
			s->index = i;
			s->word = pt_words(s->leaf) + i;
			s->va = pt_va(s->leaf) + i * PAGE_SIZE;
			return true;
		}
		if (as->ws.hand_idx == MD_PT_WORDS) {
			as->ws.hand_tbl = pfdb[as->ws.hand_tbl].tbl.ws_next;
			as->ws.hand_idx = 0;
		}
	}
	return false;
}

uint64_t
ws_look(const struct aspace *as, int min_age)
{
	uint64_t tables = as->ws.tables + 1ul;

	if ((min_age & WS_AGE) == 0)
		tables += as->ws.tables;
	return tables * MD_PT_WORDS;
}

static void
count(struct aspace *as, unsigned age)
{
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
		break;
	}
	as->ws.trimmed++;
	as->ws.ages[age] -= MIN(as->ws.ages[age], 1ul);
}

size_t
ws_taken(struct aspace *as, const struct ws_entry *s, uint64_t old)
{
	size_t one = is_member(old) ? 1 : 0;

	tlb_batch_put(as->batch, s->va >> PAGE_SHIFT, old);
	ws_remove_some(as, s->leaf, (unsigned)one);
	if (one != 0)
		count(as, pte_age(old));
	if (s->leaf->nused == 0)
		pt_prune(as, s->va, as->batch);
	return one;
}

size_t
ws_adjust(struct aspace *as, int round)
{
	uint64_t pages = atomic_load_relaxed(&as->ws.pages);

	EVENT(ws_adjust);
	if (round == 0)
		return pages;
	return pages - MIN(pages, as->ws.min);
}
