/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_check.c: do words, mapped_in, nmapped, refs and shares agree?
 *
 * Problem   An anon counts the entries that name it and the words that map it, an
 *           amap the processes that share it.  A bug makes a count wrong long
 *           before a program notices.
 *
 * Picture   ../anons/anonscheck.c: each word ─→ entry, its bit; anon.met++
 *           sx_check_end: each amap, once; each anon, once: refs == entries,
 *                         nmapped == bits == met (I18)
 *
 * Rules     1. vm_check has locked all spaces; nothing here waits.
 *           2. An amap or an anon is met in each space that has it: `seen` is the
 *              number of the run in which it was judged.
 */
#include "lib/bitmap.h"
#include "vm/design/scalux/scalux.h"

/* [check lock of vm/evidence/check.c], for one run */
static struct finding {
	uint32_t run;
	uint64_t anons, files, mapped, amaps, entries;
} found;

/* A word against its entry.  [sx]. */
static void
check_mapped(struct vm_report *rep, struct sx_object *o, va_t va, uint64_t word,
    struct sx_entry *e)
{
	const struct vm_page *pg = pte_page(word);
	bool w = (word & MD_PTE_W) != 0;

	if (e == NULL) {
		/* A truncate has just taken it; or the mapping is shared. */
		if (pte_src(word) == SRC_FORK && (pg->flags & PF_ORPHAN) == 0)
			report_word(rep, "I1", va, word, "a page without an entry");
		return;
	}
	e->anon->met++;
	if ((e->mapped_in >> o->share & 1) == 0)
		report_word(rep, "I18", va, word, "mapped, and mapped_in says no");
	if (e->anon->pager == SX_OBJECT ? e->anon->page != pg ||
	    pte_src(word) != SRC_OBJ :
	    pte_src(word) != SRC_FORK ||
	    word_get(&e->anon->word) != pte_make_trans(pg))
		report_word(rep, "I1", va, word, "it maps not what the anon has");
	if (w && (e->anon->refs > 1 || sx_is_shared(o->amap)))
		report_word(rep, "I7", va, word, "writable, and shared");
}

/* A word against its entry.  Locks: freeze_spaces(); takes [sx]. */
void
sx_check_word(struct vm_report *rep, void *object, va_t va, uint64_t word)
{
	struct sx_object *o = object;

	spin_lock(&sx_lock);
	check_mapped(rep, o, va, word, sx_find_locked(o->amap, va >> PAGE_SHIFT));
	spin_unlock(&sx_lock);
}

/* The pages of an object that were charged when touched.
 * Locks: freeze_spaces(); takes [sx]. */
uint64_t
sx_check_entry(struct vm_report *rep, const struct anons_range *r)
{
	struct sx_object *o = r->entry;

	return UNDER(&sx_lock, sx_count_late(o->amap, r->start, r->end));
}

/* ---- each amap and each anon once ---- */

/* [sx]. */
static void
check_anon(struct sx_anon *anon, struct vm_report *rep)
{
	struct sx_entry *e;
	uint64_t refs = 0, bits = 0;

	if (anon->seen == found.run)
		return;
	anon->seen = found.run;
	LIST_FOREACH(e, &anon->entries, anon_q) {
		refs++;
		bits += bitmap_count(&e->mapped_in, SX_SHARES);
	}
	if (anon->pager == SX_SWAP)
		found.anons++;
	else
		found.files++;
	found.mapped += anon->nmapped;
	if (refs != anon->refs)
		report_bad(rep, "I18", "an anon of %u references has %lu entries",
		    anon->refs, refs);
	if (bits != anon->nmapped || anon->met != anon->nmapped)
		report_bad(rep, "I18", "an anon is mapped %u times: %lu bits, %u words",
		    anon->nmapped, bits, anon->met);
	if ((anon->pager == SX_SWAP) != (anon->word != 0) ||
	    (anon->page != NULL) != (anon->pager == SX_OBJECT && bits != 0))
		report_bad(rep, "I18", "an anon of pager %d: word %lx, page %p",
		    (int)anon->pager, anon->word, (void *)anon->page);
	anon->met = 0;
}

/* [sx]. */
static void
check_shares(struct sx_amap *amap, struct vm_report *rep)
{
	uint16_t n[SX_SHARES] = { 0 };
	struct sx_object *o;
	unsigned i;

	LIST_FOREACH(o, &amap->objects, amap_q) {
		n[o->share]++;
		if (o->amap != amap)
			report_bad(rep, "I18", "an object is on another's list");
	}
	for (i = 0; i < SX_SHARES; i++)
		if (n[i] != amap->objects_of[i] ||
		    (n[i] != 0) != ((amap->shares >> i & 1) != 0))
			report_bad(rep, "I18", "share %u of an amap: %u objects, "
			    "counted %u", i, n[i], amap->objects_of[i]);
}

/* Its entries, and those of a copy under way. */
static void
check_amap(struct sx_amap *amap, struct vm_report *rep)
{
	uint64_t vpn = 0, n = 0;
	struct sx_entry *e;

	if (amap == NULL || amap->seen == found.run)
		return;
	amap->seen = found.run;
	found.amaps++;
	spin_lock(&sx_lock);
	check_shares(amap, rep);
	for (; (e = sx_from_locked(amap, vpn)) != NULL; vpn = e->vpn + 1, n++) {
		check_anon(e->anon, rep);
		if ((e->mapped_in & ~amap->shares) != 0)
			report_bad(rep, "I18", "mapped_in %lx, shares %lx",
			    e->mapped_in, amap->shares);
		/* A copy that is not whole has no object yet. */
		if (amap->shares != 0 && sx_window_locked(amap, e->vpn) == NULL)
			report_bad(rep, "I18", "page %lx: no window", e->vpn);
	}
	if (n != amap->n)
		report_bad(rep, "I18", "an amap of %lu entries, counted %lu", n,
		    amap->n);
	found.entries += n;
	spin_unlock(&sx_lock);
}

static void
check_amaps(void *object, void *rep)
{
	check_amap(((struct sx_object *)object)->amap, rep);
	check_amap(((struct sx_object *)object)->copy, rep);
}

/* All spaces are done: shared->check_end.  Locks: freeze_spaces(). */
void
sx_check_end(struct vm_report *rep)
{
	uint32_t run = found.run + 1;

	found = (struct finding){ .run = run };
	anons_all_entries(&sx_anon_ops, check_amaps, rep);
	report_counted(rep, "I18", "anons", found.anons, EV_scalux_anon_live);
	report_counted(rep, "I18", "anons of files", found.files, EV_scalux_file_anons);
	report_counted(rep, "I18", "words map anons", found.mapped, EV_scalux_nmapped);
	report_counted(rep, "I18", "entries", found.entries, EV_scalux_entries);
	report_counted(rep, "I18", "amaps", found.amaps, EV_scalux_amap_live);
}

/* ---- the words of all anons ---- */

static void
say_anons(void *object, void *arg)
{
	struct sx_amap *amap = ((struct sx_object *)object)->amap;
	struct swap_walk *walk = arg;
	struct swap_words place;
	struct sx_entry *e;
	uint64_t vpn;

	if (amap->seen == found.run)
		return;
	amap->seen = found.run;
	spin_lock(&sx_lock);
	for (vpn = 0; (e = sx_from_locked(amap, vpn)) != NULL; vpn = e->vpn + 1) {
		if (e->anon->seen == found.run)
			continue;
		e->anon->seen = found.run;
		place = anons_place(HOME_SXANON, &e->anon->word, e->vpn);
		if (pte_is_away(word_get(&e->anon->word)))
			(void)walk->fn(walk, &place);
	}
	spin_unlock(&sx_lock);
}

/* walk->fn for the word of each anon, once: shared->swapped without a space.
 * Locks: freeze_spaces(). */
void
sx_each_swapped(struct swap_walk *walk)
{
	found.run++;
	anons_all_entries(&sx_anon_ops, say_anons, walk);
}
