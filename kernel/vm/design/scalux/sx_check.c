/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_check.c: do words, mapped_in, nmapped, refs and shares agree?
 *
 * Problem   An anon counts the entries that name it and the words that map it, an
 *           amap who shares it.  A bug makes count and things disagree long before
 *           a program notices.
 *
 * Picture   sx_check: each word ─→ entry, its bit; anon.met++, mapcount++
 *           sx_check_end: each amap, once; each anon, once: refs == entries,
 *                         nmapped == bits == met (I18)
 *
 * Rules     1. vm_check has locked all spaces; nothing here waits.
 *           2. An amap or an anon is met in each space that has it: `seen` is the
 *              number of the run in which it was judged.
 */
#include "vm/design/scalux/scalux.h"

/* [check lock of vm/evidence/check.c], for one run */
static struct finding {
	uint32_t run;
	uint64_t anons, files, mapped, amaps, entries;
} found;

/* One space: [own]. */
struct sx_space_check {
	struct aspace *as;
	struct vm_report *rep;
	uint64_t words, locked, late;
};

/* The first object of as, if it has this design and has not ended. */
static struct sx_object *
first_object(struct aspace *as)
{
	return as->ops->pass == sx_pass && as->dpriv != NULL ?
	    sx_object_from(as, 0) : NULL;
}

#define ALL_OBJECTS(o, as) \
	for ((o) = first_object(as); (o) != NULL; (o) = sx_object_from(as, (o)->end))

static void
bad(struct sx_space_check *c, const char *inv, va_t va, uint64_t word,
    const char *what)
{
	report_bad(c->rep, inv, "as %u va %lx word %lx: %s", c->as->id, va, word,
	    what);
}

/* A word against its entry.  [sx]. */
static void
check_mapped(struct sx_space_check *c, struct sx_object *o, va_t va, uint64_t word,
    struct sx_entry *e)
{
	const struct vm_page *pg = pte_page(word);
	bool w = (word & MD_PTE_W) != 0;

	if (e == NULL) {
		/* A truncate has just taken it; or the mapping is shared. */
		if (pte_src(word) == SRC_FORK && (pg->flags & PF_ORPHAN) == 0)
			bad(c, "I1", va, word, "a page without an entry");
		return;
	}
	e->anon->met++;
	if ((e->mapped_in >> o->share & 1) == 0)
		bad(c, "I18", va, word, "mapped, and mapped_in says no");
	if (e->anon->pager == SX_OBJECT ? e->anon->page != pg ||
	    pte_src(word) != SRC_OBJ :
	    pte_src(word) != SRC_FORK ||
	    word_get(&e->anon->word) != pte_make_trans(pg))
		bad(c, "I1", va, word, "it maps not what the anon has");
	if (w && (e->anon->refs > 1 || sx_is_shared(o->amap)))
		bad(c, "I7", va, word, "writable, and shared");
}

static void
check_rights(struct sx_space_check *c, va_t va, uint64_t word, const struct vad *v)
{
	if (v == NULL)
		return;
	if (((word & MD_PTE_W) != 0 && (v->prot & PROT_W) == 0) ||
	    ((word & MD_PTE_NX) == 0 && (v->prot & PROT_X) == 0))
		bad(c, "I8", va, word, "more rights than the VAD");
}

static void
check_valid(struct sx_space_check *c, struct sx_object *o, va_t va, uint64_t word,
    const struct vad *v)
{
	bool w = (word & MD_PTE_W) != 0;
	const char *why;

	if (pte_is_special(word)) {
		why = vad_bad_special(v, va, word);
		if (why != NULL)
			bad(c, "I7", va, word, why);
		check_rights(c, va, word, v);
		return;
	}
	c->words++;
	c->locked += (word & PTE_LOCK) != 0;
	if (c->rep->mapcount != NULL)
		c->rep->mapcount[page_pfn(pte_page(word))]++;
	spin_lock(&sx_lock);
	check_mapped(c, o, va, word, sx_find_locked(o->amap, va >> PAGE_SHIFT));
	spin_unlock(&sx_lock);
	check_rights(c, va, word, v);
	if (v == NULL)
		return;
	if (w && pte_src(word) == SRC_OBJ && (v->flags & VAD_SHARED) == 0)
		bad(c, "I7", va, word, "object's page, private VAD");
	if (((word & PTE_LOCK) != 0) != ((v->flags & VAD_LOCKED) != 0))
		bad(c, "I11", va, word, "locked, or the VAD is");
}

static void
check_object(struct sx_space_check *c, struct sx_object *o, const struct vad *v)
{
	struct pmap_iter it = pmap_range(c->as, o->start, o->end);
	uint64_t *word;

	if (v != NULL && (v->start != o->start || v->end != o->end))
		report_bad(c->rep, "I18", "as %u: window %lx-%lx, VAD %lx-%lx",
		    c->as->id, o->start, o->end, v->start, v->end);
	while (pmap_next_leaf(&it)) {
		word = pt_word(it.leaf, it.va);
		for (; it.va < it.stop; it.va += PAGE_SIZE, word++)
			if (word_get(word) != 0)
				check_valid(c, o, it.va, word_get(word), v);
	}
	c->late += sx_count_late(o->amap, o->start, o->end);
}

/*
 * The objects, words and counts of one space: ops->check.
 *
 * Locks:    freeze_spaces().
 * Returns:  0.
 */
int
sx_check(struct aspace *as, struct vm_report *rep)
{
	struct sx_space_check c = { .as = as, .rep = rep };
	struct sx_object *o;

	ALL_OBJECTS(o, as)
		check_object(&c, o, rep->no_vads ? NULL : o->vad);
	if (c.words != as->ws_pages || c.locked != as->n_locked)
		report_bad(rep, "I11", "as %u: ws %lu locked %lu, found %lu %lu",
		    as->id, as->ws_pages, as->n_locked, c.words, c.locked);
	if (as->md.root_pa != 0 && as->ops->pass == sx_pass)
		c.late += as->fed + as->pruned + pmap_late(as);
	if (c.late != atomic_load(&as->late))
		report_bad(rep, "I12", "as %u: late %lu, found %lu", as->id,
		    atomic_load(&as->late), c.late);
	return 0;
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
		bits += sx_bits(e->mapped_in);
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
	}
	if (n != amap->n)
		report_bad(rep, "I18", "an amap of %lu entries, counted %lu", n,
		    amap->n);
	found.entries += n;
	spin_unlock(&sx_lock);
}

static void
check_amaps(struct aspace *as, void *rep)
{
	struct sx_object *o;

	ALL_OBJECTS(o, as) {
		check_amap(o->amap, rep);
		check_amap(o->copy, rep);
	}
}

static void
compare(struct vm_report *rep, const char *what, uint64_t n, enum ev_id counted)
{
	if (n != ev_read(counted))
		report_bad(rep, "I18", "%lu %s, counted %lu", n, what,
		    ev_read(counted));
}

/*
 * All spaces are done: shared->check_end.
 *
 * Locks:    freeze_spaces().
 */
void
sx_check_end(struct vm_report *rep)
{
	uint32_t run = found.run + 1;

	found = (struct finding){ .run = run };
	as_walk_locked(check_amaps, rep);
	compare(rep, "anons", found.anons, EV_scalux_anon_live);
	compare(rep, "anons of files", found.files, EV_scalux_file_anons);
	compare(rep, "words map anons", found.mapped, EV_scalux_nmapped);
	compare(rep, "entries", found.entries, EV_scalux_entries);
	compare(rep, "amaps", found.amaps, EV_scalux_amap_live);
}

/* ---- the words of all anons ---- */

static void
say_anons(struct aspace *as, void *arg)
{
	struct swap_walk *walk = arg;
	struct swap_words place;
	struct sx_object *o;
	struct sx_entry *e;
	uint64_t vpn;

	ALL_OBJECTS(o, as) {
		if (o->amap->seen == found.run)
			continue;
		o->amap->seen = found.run;
		spin_lock(&sx_lock);
		for (vpn = 0; (e = sx_from_locked(o->amap, vpn)) != NULL;
		    vpn = e->vpn + 1) {
			if (e->anon->seen == found.run)
				continue;
			e->anon->seen = found.run;
			place = sx_place(e->anon, e->vpn);
			if (pmap_rec_is_away(&e->anon->word))
				(void)walk->fn(walk, &place);
		}
		spin_unlock(&sx_lock);
	}
}

/*
 * walk->fn for the word of each anon, once: shared->swapped without a space.
 *
 * Locks:    freeze_spaces().
 */
int
sx_swapped_all(struct aspace *as, uint64_t word, struct swap_walk *walk)
{
	ASSERT(as == NULL);
	found.run++;
	as_walk_locked(say_anons, walk);
	return 0;
}
