/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/uvm_check.c: do words, pvs, slots and anons agree? and what /proc shows of them
 *
 * Problem   An anon counts the slots of all spaces that name it, a page the words
 *           that map it.  A bug makes a count wrong long before a program
 *           notices.
 *
 * Picture   ../anons/anonscheck.c ─┬ each slot ─→ anon.met++
 *                                  └ each word ─→ its slot, its pv
 *           uvm_check_end: each anon, once: met against refs (I6); all pvs (I18)
 *
 * Rules     1. vm_check has locked all spaces; nothing here waits.
 *           2. An anon is met in each space that has it.  The first time that its
 *              refs are asked met goes back to 0: so it is asked once.
 */
#include "vm/design/uvm/uvm.h"

/* [check lock of vm/evidence/check.c], for one run */
static struct {
	uint64_t words;        /* that map a page */
	uint64_t anons;        /* each once */
} found;

/* Each word has one pv. */
static void
check_pv(struct vm_report *rep, va_t va, uint64_t word)
{
	const struct vm_pv *p;
	unsigned n = 0;

	spin_lock(&pfn_lock);
	for (p = pv_first(pte_page(word)); p != NULL; p = pv_next(p))
		n += p->as == rep->as && p->va == va;
	spin_unlock(&pfn_lock);
	if (n != 1)
		report_word(rep, "I18", va, word, "it has not one pv");
}

/* A word against its slot.  Locks: freeze_spaces(). */
void
uvm_check_word(struct vm_report *rep, void *entry, va_t va, uint64_t word)
{
	const struct vm_amap *amap = ((struct uvm_entry *)entry)->amap;
	const struct vm_anon *anon = amap_lookup(
	    ((struct uvm_entry *)entry)->amap, va >> PAGE_SHIFT);

	found.words++;
	check_pv(rep, va, word);
	if (pte_src(word) == SRC_FORK ? anon == NULL ||
	    word_get(&anon->word) != pte_make_trans(pte_page(word)) :
	    anon != NULL)
		report_word(rep, "I1", va, word, "it maps not what the slot has");
	if ((word & MD_PTE_W) != 0 && anon != NULL &&
	    (anon->refs > 1 || amap->refs > 1))
		report_word(rep, "I7", va, word, "writable, and shared");
}

/* The anons of an entry: each slot has a reference, however many have the amap.
 * Locks: freeze_spaces().  Returns: how many were charged when touched. */
uint64_t
uvm_check_entry(struct vm_report *rep, const struct anons_range *r)
{
	struct vm_amap *amap = ((struct uvm_entry *)r->entry)->amap;
	uint64_t vpn = r->start, n = 0, late = 0;
	bool first = amap->met++ == 0;
	struct vm_anon *anon;

	AMAP_FOREACH(anon, amap, vpn, r->end) {
		anon->met += first;
		n++;
		late += amap_is_late(amap, vpn);
		if (word_get(&anon->word) == 0)
			report_word(rep, "I18", vpn << PAGE_SHIFT, 0,
			    "its anon is empty");
	}
	if (n != amap->nanons)
		report_bad(rep, "I18", "as %lu %lx: %lu anons, counted %lu",
		    rep->as->id, r->start, n, amap->nanons);
	return late;
}

/* ---- each anon once ---- */

static void
check_anon(struct vm_anon *anon, struct vm_report *rep)
{
	if (anon->met == 0)
		return;
	found.anons++;
	if (anon->met != anon->refs)
		report_bad(rep, "I6", "an anon of %u references has %u slots",
		    anon->refs, anon->met);
	anon->met = 0;
}

/* An amap has as many entries as it counts. */
static void
check_shared(struct vm_amap *amap, struct vm_report *rep)
{
	if (amap->met != 0 && amap->met != amap->refs)
		report_bad(rep, "I6", "an amap of %u references has %u entries",
		    amap->refs, amap->met);
	amap->met = 0;
}

static void
check_anons(void *entry, void *rep)
{
	struct uvm_entry *e = entry;
	uint64_t vpn = e->start;
	struct vm_anon *anon;

	check_shared(e->amap, rep);
	AMAP_FOREACH(anon, e->amap, vpn, e->end)
		check_anon(anon, rep);
}

/* All spaces are done: shared->check_end.  Locks: freeze_spaces(). */
void
uvm_check_end(struct vm_report *rep)
{
	found.anons = 0;
	anons_all_entries(&uvm_anon_ops, check_anons, rep);
	report_counted(rep, "I18", "anons", found.anons, EV_uvm_anon_live);
	report_counted(rep, "I18", "words with a pv", found.words, EV_page_pv_live);
	found.words = 0;
}

/* ---- the words of all anons ---- */

static void
mark_anons(void *entry, void *unused)
{
	struct uvm_entry *e = entry;
	uint64_t vpn = e->start;
	struct vm_anon *anon;

	AMAP_FOREACH(anon, e->amap, vpn, e->end)
		anon->met = 1;
}

static void
say_anons(void *entry, void *arg)
{
	struct swap_walk *walk = arg;
	struct uvm_entry *e = entry;
	struct swap_words place;
	uint64_t vpn = e->start;
	struct vm_anon *anon;

	AMAP_FOREACH(anon, e->amap, vpn, e->end) {
		place = anons_place(HOME_ANON, &anon->word, vpn);
		if (anon->met != 0 && pte_is_away(word_get(&anon->word)))
			(void)walk->fn(walk, &place);
		anon->met = 0;
	}
}

/* walk->fn for the word of each anon, once: shared->swapped without a space.
 * Locks: freeze_spaces(). */
void
uvm_each_swapped(struct swap_walk *walk)
{
	anons_all_entries(&uvm_anon_ops, mark_anons, NULL);
	anons_all_entries(&uvm_anon_ops, say_anons, walk);
}

/* ---- for /proc ---- */

/* References of the anon that a FORK or VALID/FORK word names: shared->refs.
 * Locks: [W].  Returns: refs, with the anon's word in *named. */
int64_t
uvm_refs(struct aspace *as, va_t va, uint64_t word, uint64_t *named)
{
	uint64_t *of = anons_of(as, word);

	HELD(&as->ws_lock);
	ASSERT(of != NULL); /* who takes a page from an anon unmaps it first */
	*named = word_get(of);
	return CONTAINER_OF(of, struct vm_anon, word)->refs;
}

/* One line for an entry that has anons.  Locks: [W] of its space. */
void
uvm_show(void *entry, struct out *o)
{
	struct uvm_entry *e = entry;
	uint64_t vpn = e->start, shared = 0, out = 0;
	struct vm_anon *anon;

	if (e->amap->nanons == 0)
		return;
	AMAP_FOREACH(anon, e->amap, vpn, e->end) {
		shared += amap_is_shared(e->amap) || anon->refs > 1;
		out += pte_kind(word_get(&anon->word)) == PTE_SWAP;
	}
	out_printf(o, "%lx-%lx anons=%lu shared=%lu out=%lu\n",
	    e->start << PAGE_SHIFT, e->end << PAGE_SHIFT, e->amap->nanons, shared,
	    out);
}
