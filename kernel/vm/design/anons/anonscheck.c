/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anons/anonscheck.c: do words, mappings and counts of a space agree?
 *
 * Problem   A word of a page table is a copy of what mapping and anon say.  A bug
 *           makes them disagree long before a program notices.
 *
 * Picture   each entry ─┬ range against its VAD; ops->anons->check_entry: its anons
 *                       └ each VALID word ─┬ rights, lock: against the VAD
 *                                          └ ops->anons->check_word: against its anon
 *
 * Rules     1. vm_check has locked all spaces; nothing here waits.
 */
#include "vm/design/anons/anons.h"

/*
 * An offence of one word.
 *
 * Locks:    freeze_spaces().
 */
void
anons_bad(struct anons_check *c, const char *inv, va_t va, uint64_t word,
    const char *what)
{
	report_bad(c->rep, inv, "as %u va %lx word %lx: %s", c->as->id, va, word,
	    what);
}

static void
check_rights(struct anons_check *c, va_t va, uint64_t word, const struct vad *v)
{
	if (v == NULL)
		return;
	if (((word & MD_PTE_W) != 0 && (v->prot & PROT_W) == 0) ||
	    ((word & MD_PTE_NX) == 0 && (v->prot & PROT_X) == 0))
		anons_bad(c, "I8", va, word, "more rights than the VAD");
}

static void
check_special(struct anons_check *c, va_t va, uint64_t word, const struct vad *v)
{
	const char *why = vad_special_error(v, va, word);

	if (why != NULL)
		anons_bad(c, "I7", va, word, why);
}

/* A word that maps a page which can leave. */
static void
check_page(struct anons_check *c, va_t va, uint64_t word, const struct vad *v)
{
	bool w = (word & MD_PTE_W) != 0, locked = (word & PTE_LOCK) != 0;

	c->found->ws++;
	c->found->locked += locked;
	if (c->rep->mapcount != NULL)
		c->rep->mapcount[page_pfn(pte_page(word))]++;
	if (v == NULL)
		return;
	if (w && pte_src(word) == SRC_OBJ && (v->flags & VAD_SHARED) == 0)
		anons_bad(c, "I7", va, word, "object's page, private VAD");
	if (locked != ((v->flags & VAD_LOCKED) != 0))
		anons_bad(c, "I11", va, word, "locked, or the VAD is");
}

static void
check_word(struct anons_check *c, const struct anons_range *r, va_t va,
    uint64_t word)
{
	check_rights(c, va, word, r->vad);
	if (pte_is_special(word)) {
		check_special(c, va, word, r->vad);
	} else {
		check_page(c, va, word, r->vad);
		c->as->ops->anons->check_word(c, r->entry, va, word);
	}
}

static void
check_range(struct anons_check *c, const struct anons_range *r)
{
	struct pt_iter it = pt_range(c->as, r->start, r->end);
	const struct vad *v = r->vad;
	uint64_t *word;

	if (v != NULL && (v->start != r->start || v->end != r->end))
		report_bad(c->rep, "I18", "as %u: entry %lx-%lx, VAD %lx-%lx",
		    c->as->id, r->start, r->end, v->start, v->end);
	c->as->ops->anons->check_entry(c, r);
	while (pt_iter_table(&it))
		PT_FOREACH(word, &it)
			check_word(c, r, it.va, word_get(word));
}

/*
 * The entries and words of one space: ops->check.
 *
 * Locks:    freeze_spaces().
 */
void
anons_check(struct aspace *as, struct vm_report *rep, struct vm_found *found)
{
	struct anons_check c = { .as = as, .rep = rep, .found = found };
	struct anons_range r;

	ANONS_ENTRIES(r, as) {
		if (rep->no_vads)
			r.vad = NULL;
		check_range(&c, &r);
	}
	found->late += as->fed;
}
