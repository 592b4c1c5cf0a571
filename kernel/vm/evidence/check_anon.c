/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_anon.c: do words, pages and counts of an anonymous object agree?
 *
 * Problem   A word, the home of its page, the counts of its table and those of
 *           the object say the same thing in four places, and must agree.
 *
 * Picture   header ─→ tables, recounted ─→ words ─→ pages ─→ home == the word
 *
 * Rules     1. The machine is stopped at safe points and nothing is brought into
 *              memory: a table on swap is skipped, and then the totals are not
 *              compared.  A table that could not be read and that nobody has
 *              pinned since is skipped, too: its words are zero until then.
 */
#include "vm/evidence/evidence.h"
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/object/object.h"
#include "vm/evidence/report.h"

struct anon_count {
	struct vmo *vmo;
	struct vm_report *r;
	uint64_t pages, tables;
	bool partial;
};

static void check_leaf(struct anon_count *c, const uint64_t *words, unsigned n,
    uint64_t first);
static void check_table(struct anon_count *c, va_t kva, unsigned depth,
    uint64_t first);
static void check_totals(struct anon_count *c);

/*
 * I1, I10, I15 of one object.
 *
 * Locks:    the machine is stopped (vm_check).
 * Returns:  findings, also told to r.
 */
int
check_anon(struct vmo *vmo, struct vm_report *r)
{
	struct anon_count c = { .vmo = vmo, .r = r };
	struct anon_top top = { .end = 0 };
	unsigned before = r->findings;
	const uint64_t *word;

	while (top.end < VMO_MAX_PAGES) {
		top = anon_top(top.end);
		word = &vmo->a.words[top.word];
		if (top.depth == 0)
			check_leaf(&c, word, (unsigned)(top.end - top.first),
			    top.first);
		else if (*word != 0)
			check_table(&c, anon_table_kva(*word), top.depth,
			    top.first);
	}
	if (!c.partial && !vmo->a.lost)
		check_totals(&c);
	return (int)(r->findings - before);
}

/* One word of an anonymous object, and its page. */
static void
check_page(struct anon_count *c, const uint64_t *word, uint64_t pgoff)
{
	uint64_t w = word_get(word);
	const struct vm_page *pg;

	c->pages++;
	if (c->vmo->cuts == 0 && pgoff >= anon_end(c->vmo))
		report_bad(c->r, "I10", "object of %lu bytes has page %lu",
		    c->vmo->size, pgoff);
	if (pte_kind(w) == PTE_SWAP || pte_kind(w) == PTE_ERROR)
		return;
	if (pte_kind(w) != PTE_TRANS && pte_kind(w) != PTE_BUSY) {
		report_bad(c->r, "I1", "anonymous page %lu: word %lx", pgoff,
		    w);
		return;
	}
	pg = pte_page(w);
	if (page_home_kind(pg) != HOME_AOBJ ||
	    page_home_payload(pg) != va2pa(word) || pg->index != pgoff)
		report_bad(c->r, "I1", "anonymous page %lu: pfn %u has home "
		    "%lx index %lu", pgoff, page_pfn(pg), pg->home, pg->index);
}

static void
check_leaf(struct anon_count *c, const uint64_t *words, unsigned n,
    uint64_t first)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (words[i] != 0)
			check_page(c, &words[i], first + i);
}

/* The table at kva; depth 1 is a leaf.  Recursion ends after four. */
static void
check_table(struct anon_count *c, va_t kva, unsigned depth, uint64_t first)
{
	const uint64_t *words, *kpte = md_kpte(kva);
	const struct vm_page *table;
	unsigned i, used = 0, res = 0;

	c->tables++;
	if (kpte == NULL || !pte_names_frame(word_get(kpte))) {
		c->partial = true;
		return;
	}
	table = pte_page(word_get(kpte));
	if (page_hides_loss(table)) {
		c->partial = true;
		return;
	}
	words = pa2va(page_pa(table));
	for (i = 0; i < MD_PT_WORDS; i++) {
		if (words[i] == 0)
			continue;
		used += words[i] != AOBJ_LOST;
		res += depth == 1 && pte_names_frame(words[i]);
		if (depth > 1 && words[i] != AOBJ_LOST)
			check_table(c, MD_KPAGED_BASE + (words[i] >> 1 <<
			    PAGE_SHIFT), depth - 1,
			    first + ((uint64_t)i << 9 * (depth - 1)));
	}
	if (depth == 1)
		check_leaf(c, words, MD_PT_WORDS, first);
	/* Back from swap, and nobody has looked at it yet: not counted. */
	if ((table->flags & PF_CONTAINER) == 0 && res == 0)
		return;
	/* Without words: who has made it waits for the frame of its page. */
	if (used != table->nused || table->nres != res)
		report_bad(c->r, "I15", "table %lx: %u words, %u resident, "
		    "nused %u nres %u", kva, used, res, table->nused,
		    table->nres);
}

static void
check_totals(struct anon_count *c)
{
	const struct vmo *vmo = c->vmo;
	uint64_t due = vmo->charged_whole ?
	    anon_price(PAGE_UP(vmo->size) >> PAGE_SHIFT) :
	    c->pages + c->tables;

	if (vmo->n_resident != c->pages || vmo->a.n_tables != c->tables)
		report_bad(c->r, "I15", "object: %lu pages %lu tables, counted "
		    "%lu and %lu", vmo->n_resident, vmo->a.n_tables, c->pages,
		    c->tables);
	if (vmo->a.charged != due)
		report_bad(c->r, "I15", "object holds a charge of %lu, not %lu",
		    vmo->a.charged, due);
}
