/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/uvm_check.c: do words, pvs, slots and anons agree?
 *
 * Problem   An anon counts the slots of all spaces that name it, a page the words
 *           that map it.  A bug makes count and things disagree long before a
 *           program notices.
 *
 * Picture   uvm_check: each page of a space ─→ anon.met++, mapcount++, its pv
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

/* One space: [own]. */
struct space_check {
	struct aspace *as;
	struct vm_report *rep;
	uint64_t words, locked, late;
};

/* What as has of this design: an empty tree, if it has none, or has ended. */
static struct uvm_space *
ours(struct aspace *as)
{
	static struct uvm_space none = { .lock = SPIN_INIT(LR_OBJ) };

	return as->ops->pass == uvm_pass && as->dpriv != NULL ? as->dpriv : &none;
}

static void
bad(struct space_check *c, const char *inv, va_t va, uint64_t word,
    const char *what)
{
	report_bad(c->rep, inv, "as %u va %lx word %lx: %s", c->as->id, va, word,
	    what);
}

/* Each word has one pv. */
static void
check_pv(struct space_check *c, va_t va, uint64_t word)
{
	const struct vm_pv *p;
	unsigned n = 0;

	spin_lock(&pfn_lock);
	for (p = pv_first(pte_page(word)); p != NULL; p = pv_next(p))
		n += p->as == c->as && p->va == va;
	spin_unlock(&pfn_lock);
	if (n != 1)
		bad(c, "I18", va, word, "it has not one pv");
}

static void
check_rights(struct space_check *c, va_t va, uint64_t word, const struct vad *v)
{
	if (v == NULL)
		return;
	if (((word & MD_PTE_W) != 0 && (v->prot & PROT_W) == 0) ||
	    ((word & MD_PTE_NX) == 0 && (v->prot & PROT_X) == 0))
		bad(c, "I8", va, word, "more rights than the VAD");
}

static void
check_valid(struct space_check *c, va_t va, uint64_t word, struct vm_amap *amap,
    const struct vad *v)
{
	const struct vm_anon *anon = amap_lookup(amap, va >> PAGE_SHIFT);
	const struct vm_page *pg = pte_page(word);
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
		c->rep->mapcount[page_pfn(pg)]++;
	check_pv(c, va, word);
	if (pte_src(word) == SRC_FORK ? anon == NULL ||
	    word_get(&anon->word) != pte_make_trans(pg) : anon != NULL)
		bad(c, "I1", va, word, "it maps not what the slot has");
	if (w && anon != NULL && (anon->refs > 1 || amap->refs > 1))
		bad(c, "I7", va, word, "writable, and shared");
	check_rights(c, va, word, v);
	if (v == NULL)
		return;
	if (w && pte_src(word) == SRC_OBJ && (v->flags & VAD_SHARED) == 0)
		bad(c, "I7", va, word, "object's page, private VAD");
	if (((word & PTE_LOCK) != 0) != ((v->flags & VAD_LOCKED) != 0))
		bad(c, "I11", va, word, "locked, or the VAD is");
}

/* The anons of an entry: each slot has a reference, however many have the amap. */
static void
check_amap(struct space_check *c, struct uvm_entry *e)
{
	struct vm_anon *anon;
	uint64_t vpn = e->start, n = 0;
	bool first = e->amap->met++ == 0;

	AMAP_FOREACH(anon, e->amap, vpn, e->end) {
		anon->met += first;
		n++;
		c->late += amap_is_late(e->amap, vpn);
		if (word_get(&anon->word) == 0)
			bad(c, "I18", vpn << PAGE_SHIFT, 0, "its anon is empty");
	}
	if (n != e->amap->nanons)
		report_bad(c->rep, "I18", "as %u %lx: %lu anons, counted %lu",
		    c->as->id, e->start, n, e->amap->nanons);
}

static void
check_entry(struct space_check *c, struct uvm_entry *e, const struct vad *v)
{
	struct pmap_iter it = pmap_range(c->as, e->start, e->end);
	uint64_t *word;

	if (v != NULL && (v->start != e->start || v->end != e->end))
		report_bad(c->rep, "I18", "as %u: entry %lx-%lx, VAD %lx-%lx",
		    c->as->id, e->start, e->end, v->start, v->end);
	while (pmap_next_leaf(&it)) {
		word = pt_word(it.leaf, it.va);
		for (; it.va < it.stop; it.va += PAGE_SIZE, word++)
			if (word_get(word) != 0)
				check_valid(c, it.va, word_get(word),
				    e->amap, v);
	}
}

/*
 * The entries, words and counts of one space: ops->check.
 *
 * Locks:    freeze_spaces().
 * Returns:  0.
 */
int
uvm_check(struct aspace *as, struct vm_report *rep)
{
	struct space_check c = { .as = as, .rep = rep };
	struct uvm_entry *e;

	UVM_ENTRIES(e, ours(as), 0) {
		check_amap(&c, e);
		check_entry(&c, e, rep->no_vads ? NULL : e->vad);
	}
	if (c.words != as->ws_pages || c.locked != as->n_locked)
		report_bad(rep, "I11", "as %u: ws %lu locked %lu, found %lu %lu",
		    as->id, as->ws_pages, as->n_locked, c.words, c.locked);
	if (as->md.root_pa != 0 && as->ops->pass == uvm_pass)
		c.late += as->fed + as->pruned + pmap_late(as);
	if (c.late != atomic_load(&as->late))
		report_bad(rep, "I12", "as %u: late %lu, found %lu", as->id,
		    atomic_load(&as->late), c.late);
	found.words += c.words;
	return 0;
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
check_anons(struct aspace *as, void *rep)
{
	struct vm_anon *anon;
	struct uvm_entry *e;
	uint64_t vpn;

	UVM_ENTRIES(e, ours(as), 0) {
		check_shared(e->amap, rep);
		vpn = e->start;
		AMAP_FOREACH(anon, e->amap, vpn, e->end)
			check_anon(anon, rep);
	}
}

/*
 * All spaces are done: shared->check_end.
 *
 * Locks:    freeze_spaces().
 */
void
uvm_check_end(struct vm_report *rep)
{
	found.anons = 0;
	as_walk_locked(check_anons, rep);
	if (found.anons != ev_read(EV_uvm_anon_live))
		report_bad(rep, "I18", "%lu anons, counted %lu", found.anons,
		    ev_read(EV_uvm_anon_live));
	if (found.words != ev_read(EV_page_pv_live))
		report_bad(rep, "I18", "%lu words, %lu pvs", found.words,
		    ev_read(EV_page_pv_live));
	found.words = 0;
}

/* ---- the words of all anons ---- */

static void
mark_anons(struct aspace *as, void *arg)
{
	struct vm_anon *anon;
	struct uvm_entry *e;
	uint64_t vpn;

	UVM_ENTRIES(e, ours(as), 0) {
		vpn = e->start;
		AMAP_FOREACH(anon, e->amap, vpn, e->end)
			anon->met = 1;
	}
}

static void
say_anons(struct aspace *as, void *arg)
{
	struct swap_walk *walk = arg;
	struct swap_words place;
	struct vm_anon *anon;
	struct uvm_entry *e;
	uint64_t vpn;

	UVM_ENTRIES(e, ours(as), 0) {
		vpn = e->start;
		AMAP_FOREACH(anon, e->amap, vpn, e->end) {
			if (anon->met == 0)
				continue;
			anon->met = 0;
			place = uvm_anon_place(anon, vpn);
			if (pte_kind(anon->word) == PTE_SWAP ||
			    pte_kind(anon->word) == PTE_TRANS)
				(void)walk->fn(walk, &place);
		}
	}
}

/*
 * walk->fn for the word of each anon, once: shared->swapped without a space.
 *
 * Locks:    freeze_spaces().
 */
int
uvm_swapped_all(struct aspace *as, uint64_t word, struct swap_walk *walk)
{
	ASSERT(as == NULL);
	as_walk_locked(mark_anons, NULL);
	as_walk_locked(say_anons, walk);
	return 0;
}
