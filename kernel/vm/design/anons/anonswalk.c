/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anons/anonswalk.c: the words of a space, for /proc
 *
 * Problem   A page that is not mapped, in memory or on swap, has no word in a page
 *           table: only its anon names it.
 *
 * Picture   each page:  word of the table, if it maps one
 *                       else FORK(anon) ─→ shared->refs ─→ TRANS, SWAP, …
 *
 * Rules     1. [W] is held for the whole walk: nothing in it waits.  An anon that other
 *              processes have, too, may be freed: only shared->refs reads one.
 *           2. A FORK word is in no table here: the walk makes it for its caller, and
 *              it means what it means in other designs: the page is elsewhere.
 */
#include "vm/design/anons/anons.h"

/* A page that exists: [own]. */
struct seen_page {
	uint64_t vpn;          /* behind the range: no page */
	uint64_t word;
};

/* The first page of [lo, hi) that a word of the tables maps.  [W]. */
static struct seen_page
first_mapped(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct pt_iter it = pt_range(as, lo, hi);
	uint64_t *word;

	while (pt_iter_table(&it))
		PT_FOREACH(word, &it)
			return (struct seen_page){ it.va >> PAGE_SHIFT,
				word_get(word) };
	return (struct seen_page){ .vpn = hi };
}

static int
take_first(void *arg, uint64_t vpn, uint64_t *word)
{
	*(struct seen_page *)arg = (struct seen_page){ vpn,
		pte_make_soft(PTE_FORK, va2pa(word) / 8) };
	return 1;
}

/* The first page of [lo, hi) that has an anon.  [W]. */
static struct seen_page
first_anon(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct seen_page s = { .vpn = hi };

	(void)anons_each(as, lo, hi, take_first, &s);
	return s;
}

/* [W]. */
static int
walk_pages(struct aspace *as, uint64_t lo, uint64_t hi, vm_walk_fn *fn, void *arg)
{
	struct seen_page anon = first_anon(as, lo, hi), at;
	struct seen_page map = first_mapped(as, lo, hi);
	int r = 0;

	while (r == 0 && MIN(anon.vpn, map.vpn) < hi) {
		at = map.vpn <= anon.vpn ? map : anon;
		r = fn(arg, at.vpn << PAGE_SHIFT, at.word, 1);
		if (anon.vpn == at.vpn)
			anon = first_anon(as, at.vpn + 1, hi);
		if (map.vpn == at.vpn)
			map = first_mapped(as, at.vpn + 1, hi);
	}
	return r;
}

/* Call fn for each page of [lo, hi) vpn that is mapped, or has an anon: school->walk.
 * Locks: [M]; takes [W], unless the caller has it.
 * Returns: 0, or what fn returned to end the walk. */
int
anons_walk(struct aspace *as, uint64_t lo, uint64_t hi, vm_walk_fn *fn, void *arg)
{
	bool held = mutex_is_mine(&as->ws_lock);
	int r = 0;

	HELD_SHARED(&as->map_lock);
	if (!held)
		mutex_lock(&as->ws_lock);
	if (as->dpriv != NULL)
		r = walk_pages(as, lo, hi, fn, arg);
	if (!held)
		mutex_unlock(&as->ws_lock);
	return r;
}

/* The page at va: school->named.
 * Locks: [M], [W].
 * Returns: the word that maps it; a FORK word, for shared->refs, if it is not mapped; 0:
 * there is no page. */
uint64_t
anons_named(struct aspace *as, va_t va)
{
	uint64_t vpn = va >> PAGE_SHIFT;
	struct seen_page at;

	HELD_SHARED(&as->map_lock);
	HELD(&as->ws_lock);
	at = first_mapped(as, vpn, vpn + 1);
	return at.word != 0 ? at.word : first_anon(as, vpn, vpn + 1).word;
}

/* The anon that a FORK word names, or whose page a VALID/FORK word maps, in a design in
 * which no other process takes it from the space.
 * Locks: [W] of the word's space.
 * Returns: its word; NULL: the page has no anon any more. */
uint64_t *
anons_of(const struct aspace *as, uint64_t word)
{
	const struct vm_page *pg;

	if (pte_kind(word) != PTE_VALID)
		return pa2va(pte_payload(PTE_FORK, word) * 8);
	pg = pte_page(word);
	return page_home_kind(pg) != as->design->shared->home ? NULL :
	    pa2va(page_home_payload(pg));
}

/* Print the entry of a space from page *at on, if it has anons; for all spaces nothing:
 * the counters have the sums.  shared->show.
 * Locks: none of rank >= 5; takes [W].
 * Returns: 1, *at is behind it; 0: there is none. */
int
anons_show(struct aspace *as, uint64_t *at, struct out *o)
{
	struct anons_range r;
	bool found;

	if (as == NULL)
		return 0;
	mutex_lock(&as->ws_lock);
	found = anons_next(as, *at, &r);
	if (found) {
		as->design->anons->show(r.entry, o);
		*at = r.end;
	}
	mutex_unlock(&as->ws_lock);
	return found;
}
