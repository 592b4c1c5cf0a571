/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/fmo_check.c: do the words that name entries agree with the entries?
 *
 * Problem   An entry counts the words of all processes that name it.  A bug
 *           makes count and words disagree long before a program notices.
 *
 * Picture   fmo_check_word: a FORK word, VALID/FORK word ─→ census[entry]++
 *           fmo_check_space: references of the space (I17)
 *           fmo_check_end: census against entry.refs, live, nrefs (I6)
 *
 * Rules     1. vm_check has locked all spaces and the kernel's words; nothing
 *              here changes anything or waits.
 *           2. An entry page on swap is skipped.  Where words could not be
 *              seen (rep->partial), counts may be larger than what was found.
 *           3. Without memory for the census I6 is not checked, and the
 *              report says so.
 */
#include "vm/design/fmo/fmo.h"

struct census_row {
	struct fmo *fmo;
	uint64_t first;        /* counter of its entry 0 */
	uint64_t procs, nptes; /* references found */
};

/* [check lock of vm/evidence/check.c], for one run */
static struct {
	bool active, lost;
	struct census_row *row;
	uint32_t *refs;        /* per entry: words that name it */
	size_t rows, row_bytes, entries, ref_bytes;
} census;

/* ---- census ---- */

static void
count_fmo(struct fmo *fmo, void *arg)
{
	census.rows++;
	census.entries += fmo->npages * FMO_PER_PAGE;
}

/* Rows stay sorted by base: insertion, there are few. */
static void
add_row(struct fmo *fmo, void *arg)
{
	size_t i = census.rows++;

	for (; i > 0 && census.row[i - 1].fmo->base > fmo->base; i--)
		census.row[i] = census.row[i - 1];
	census.row[i] = (struct census_row){ .fmo = fmo };
}

static void
census_open(void)
{
	uint64_t first = 0;
	size_t i;

	census.active = true;
	census.lost = false;
	census.rows = census.entries = 0;
	fmo_walk(count_fmo, NULL);
	/* One more row, for there may be no object. */
	census.row_bytes = (census.rows + 1) * sizeof(*census.row);
	census.ref_bytes = (census.entries + 1) * sizeof(*census.refs);
	census.row = room_alloc(census.row_bytes);
	census.refs = room_alloc(census.ref_bytes);
	census.rows = 0;
	if (census.row == NULL || census.refs == NULL) {
		census.lost = true;
		return;
	}
	fmo_walk(add_row, NULL);
	for (i = 0; i < census.rows; i++) {
		census.row[i].first = first;
		first += census.row[i].fmo->npages * FMO_PER_PAGE;
	}
}

/* The row that holds entry `index`; NULL. */
static struct census_row *
find_row(uint64_t index)
{
	size_t lo = 0, hi = census.rows, mid;
	struct census_row *r;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		r = &census.row[mid];
		if (index < r->fmo->base)
			hi = mid;
		else if (index - r->fmo->base >= r->fmo->npages * FMO_PER_PAGE)
			lo = mid + 1;
		else
			return r;
	}
	return NULL;
}

/* A word of as that names an entry, or maps an object's page: shared->check_word.
 * Locks: freeze_spaces(). */
void
fmo_check_word(struct aspace *as, va_t va, uint64_t word,
    struct vm_report *rep)
{
	struct census_row *r;
	uint64_t index;

	if (!census.active)
		census_open();
	if (pte_kind(word) == PTE_VALID && pte_src(word) != SRC_FORK)
		return;
	if (pte_kind(word) == PTE_VALID && (word & MD_PTE_W) != 0)
		report_word(rep, "I7", va, word, "writable and forked");
	if (pte_kind(word) == PTE_VALID &&
	    page_home_kind(pte_page(word)) != HOME_FMO) {
		report_word(rep, "I1", va, word, "home is no entry");
		return;
	}
	index = (fork_entry(word) - MD_KPAGED_BASE) / sizeof(struct fmo_entry);
	if (fmo_find_ref(as, index) == NULL)
		report_bad(rep, "I17", "as %lu va %lx: entry %lx, but no "
		    "reference", as->id, va, index);
	if (census.lost)
		return;
	r = find_row(index);
	if (r == NULL)
		report_bad(rep, "I17", "as %lu va %lx: entry %lx of no object",
		    as->id, va, index);
	else
		census.refs[r->first + (index - r->fmo->base)]++;
}

/* Is the count right, as far as the words were seen? */
static bool
may_be(const struct vm_report *rep, uint64_t found, uint64_t count)
{
	return found == count || (rep->partial && found < count);
}

static void
check_entry(struct census_row *r, struct vm_report *rep,
    const struct fmo_entry *e, uint64_t i)
{
	uint32_t found = census.refs[r->first + i];

	/* Its page was on swap and could not be read. */
	if (e->refs >= FMO_REFS_LOST / 2)
		return;
	if (!may_be(rep, found, e->refs))
		report_bad(rep, "I6", "entry %lx: refs %u, %u words name it",
		    r->fmo->base + i, e->refs, found);
	if ((e->refs == 0) != (e->word == 0))
		report_bad(rep, "I6", "entry %lx: refs %u word %lx",
		    r->fmo->base + i, e->refs, e->word);
	if (!pte_names_frame(e->word))
		return;
	if (pte_page(e->word)->home !=
	    ((uint64_t)HOME_FMO << 60 | va2pa(e)))
		report_bad(rep, "I1", "entry %lx: pfn %u has home %lx",
		    r->fmo->base + i, pte_pfn(e->word), pte_page(e->word)->home);
}

/* One entry page: its entries, nres and nused. */
static void
check_page(struct census_row *r, struct vm_report *rep, struct vm_page *pg,
    uint64_t first)
{
	const struct fmo_entry *e = pa2va(page_pa(pg));
	unsigned nres = 0, nused = 0, i;

	/* It could not be read, and nobody has pinned it since: all entries are lost. */
	if (page_hides_loss(pg))
		return;
	for (i = 0; i < FMO_PER_PAGE; i++) {
		check_entry(r, rep, &e[i], first + i);
		nres += pte_names_frame(e[i].word);
		nused += e[i].word != 0;
	}
	/* Back from swap, and nobody has pinned it since: its counts are not set. */
	if ((pg->flags & PF_CONTAINER) == 0 && nres == 0)
		return;
	if (nres != pg->nres || nused != pg->nused)
		report_bad(rep, "I4", "entry page %lx: nres %u nused %u, has %u %u",
		    r->fmo->base + first, pg->nres, pg->nused, nres, nused);
}

static void
check_object(struct census_row *r, struct vm_report *rep)
{
	struct fmo *fmo = r->fmo;
	va_t kva = MD_KPAGED_BASE + fmo->base * sizeof(struct fmo_entry);
	uint64_t i, nrefs = 0, live = 0;
	struct vm_page *pg;

	for (i = 0; i < fmo->npages * FMO_PER_PAGE; i++) {
		nrefs += census.refs[r->first + i];
		live += census.refs[r->first + i] != 0;
	}
	if (!may_be(rep, nrefs, fmo->nrefs) || !may_be(rep, live, fmo->live))
		report_bad(rep, "I6", "fmo %lx: nrefs %lu live %u, found %lu %lu",
		    fmo->base, fmo->nrefs, fmo->live, nrefs, live);
	if (!may_be(rep, r->procs, atomic_load(&fmo->procs)) ||
	    !may_be(rep, r->nptes, fmo->nrefs))
		report_bad(rep, "I6", "fmo %lx: procs %u, %lu refs with %lu words",
		    fmo->base, atomic_load(&fmo->procs), r->procs, r->nptes);
	for (i = 0; i < fmo->npages; i++) {
		if (!kpaged_is_resident(kva + i * PAGE_SIZE))
			continue;
		pg = pte_page(word_get(md_kpte(kva + i * PAGE_SIZE)));
		check_page(r, rep, pg, i * FMO_PER_PAGE);
	}
}

/* All spaces are done: compare the objects.  shared->check_end.
 * Locks: freeze_spaces(). */
void
fmo_check_end(struct vm_report *rep)
{
	size_t i;

	if (!census.active)
		census_open();
	for (i = 0; i < census.rows && !census.lost; i++)
		check_object(&census.row[i], rep);
	if (census.lost)
		out_printf(rep->out, "I6 not checked: no memory\n");
	room_free(census.row, census.row_bytes);
	room_free(census.refs, census.ref_bytes);
	census.active = false;
}

/* ---- references ---- */

/* The words of a space are done: do its references agree?  shared->check_space.
 * Locks: freeze_spaces(). */
void
fmo_check_space(struct aspace *as, struct vm_report *rep, struct vm_found *found)
{
	uint64_t sum = 0, n = 0;
	struct census_row *row;
	struct rb_node *node;

	if (!census.active)
		census_open();
	for (node = rb_first(&as->shared.refs); node != NULL; node = rb_next(node)) {
		struct fmo_ref *ref = CONTAINER_OF(node, struct fmo_ref, rb);

		n++;
		sum += ref->nptes;
		if (ref->nptes == 0)
			report_bad(rep, "I6", "as %lu: idle reference to %lx",
			    as->id, ref->fmo->base);
		row = census.lost ? NULL : find_row(ref->fmo->base);
		if (row != NULL) {
			row->procs++;
			row->nptes += ref->nptes;
		}
	}
	if (sum != as->words.fork || n != as->shared.n)
		report_bad(rep, "I6", "as %lu: words.fork %lu in %u objects, found %lu "
		    "in %lu", as->id, as->words.fork, as->shared.n, sum, n);
}
