/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/check.c: do words, homes, entries and counts agree?
 *
 * Problem   One page is known in up to five places: a word, its home, an
 *           entry, a reference, a counter.  A bug makes two of them disagree
 *           long before a program notices.
 *
 * Picture   space by space: words ─→ counts of the space (I11, I4, I7, I8, I17)
 *                                └─→ census[entry]++
 *           at the end: census against entry.refs, live, nrefs (I6)
 *
 * Rules     1. vm_check has locked all spaces and the kernel's words; nothing
 *              here changes anything or waits.
 *           2. An entry page that is out is passed over.  Of a leaf table that is
 *              out the word above says how many words it has; of higher ones
 *              nothing is known.  Then counts may be more than what was found.
 *           3. Without memory for the census I6 is not checked, and the
 *              report says so.
 *
 * Read next vm/evidence/check.c.  Book: invariants.
 */
#include "vm/design/fmo/fmo.h"

#define LEVELS_BELOW (MD_PT_LEVELS - 1) /* the root */

struct census_row {
	struct fmo *fmo;
	uint64_t first;        /* counter of its entry 0 */
	uint64_t procs, nptes; /* references found */
};

/* [check lock of vm/evidence/check.c], for one run */
static struct {
	bool active, lost;
	bool partial;          /* some words are on swap */
	struct census_row *row;
	uint32_t *refs;        /* per entry: words that name it */
	size_t rows, max_rows, entries, row_pages, ref_pages;
} census;

/* Counts of one space while its words are walked. */
struct word_count {
	struct aspace *as;
	struct vm_report *rep;
	struct vad *vad;       /* of the last word */
	uint64_t unknown;      /* private words, the VAD is out */
	uint64_t ws, n_priv, n_fork, n_swap, n_locked, late;
	uint64_t tables, out;  /* in use; not */
	uint64_t idle;         /* of those in use */
	uint64_t words;        /* in leaf tables on swap: private ones, all of them */
	bool hidden;           /* a table above leaves is there: what is below? */
};

static void census_open(void);
static void census_close(struct vm_report *rep);
static int check_word(void *arg, va_t va, uint64_t word, uint64_t pages);
static void check_refs(struct aspace *as, struct vm_report *rep);
static void check_tables(struct word_count *c);
static void check_table(struct word_count *c, va_t va, struct vm_page *table,
    int level);
static void check_counts(struct word_count *c);

/* ---- census ---- */

static void
count_fmo(struct fmo *fmo, void *arg)
{
	census.max_rows++;
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

static void *
zeroed_pages(size_t bytes, size_t *pages)
{
	uint64_t *mem;
	size_t i;

	*pages = PAGE_UP(MAX(bytes, 1ul)) >> PAGE_SHIFT;
	mem = kva_alloc(*pages);
	for (i = 0; mem != NULL && i < *pages * PAGE_SIZE / sizeof(*mem); i++)
		mem[i] = 0;
	return mem;
}

static void
census_open(void)
{
	uint64_t first = 0;
	size_t i;

	census.active = true;
	census.lost = false;
	census.partial = ev_read(EV_table_in_errors) != 0;
	census.rows = census.max_rows = census.entries = 0;
	fmo_walk(count_fmo, NULL);
	census.row = zeroed_pages(census.max_rows * sizeof(*census.row),
	    &census.row_pages);
	census.refs = zeroed_pages(census.entries * sizeof(*census.refs),
	    &census.ref_pages);
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

/* A word of as names entry `index`. */
static void
census_word(struct word_count *c, va_t va, uint64_t index)
{
	struct census_row *r;

	if (fmo_find_ref(c->as, index) == NULL)
		report_bad(c->rep, "I17", "as %u va %lx: entry %lx, but no "
		    "reference", c->as->id, va, index);
	if (census.lost)
		return;
	r = find_row(index);
	if (r == NULL)
		report_bad(c->rep, "I17", "as %u va %lx: entry %lx of no object",
		    c->as->id, va, index);
	else
		census.refs[r->first + (index - r->fmo->base)]++;
}

/* Is the count right, as far as can be seen? */
static bool
may_be(uint64_t found, uint64_t count)
{
	return found == count || (census.partial && found < count);
}

static void
check_entry(struct census_row *r, struct vm_report *rep,
    const struct fmo_entry *e, uint64_t i)
{
	uint32_t found = census.refs[r->first + i];

	/* Its page was on swap and could not be read. */
	if (e->refs >= FMO_REFS_LOST / 2)
		return;
	if (!may_be(found, e->refs))
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

	/* Could not be read, and nobody has looked at it yet: all are lost. */
	if (page_hides_loss(pg))
		return;
	for (i = 0; i < FMO_PER_PAGE; i++) {
		check_entry(r, rep, &e[i], first + i);
		nres += pte_names_frame(e[i].word);
		nused += e[i].word != 0;
	}
	/* Back from swap, and nobody has looked at it yet: not counted. */
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
	if (!may_be(nrefs, fmo->nrefs) || !may_be(live, fmo->live))
		report_bad(rep, "I6", "fmo %lx: nrefs %lu live %u, found %lu %lu",
		    fmo->base, fmo->nrefs, fmo->live, nrefs, live);
	if (!may_be(r->procs, atomic_load(&fmo->procs)) ||
	    !may_be(r->nptes, fmo->nrefs))
		report_bad(rep, "I6", "fmo %lx: procs %u, %lu refs with %lu words",
		    fmo->base, atomic_load(&fmo->procs), r->procs, r->nptes);
	for (i = 0; i < fmo->npages; i++) {
		if (!kpaged_is_resident(kva + i * PAGE_SIZE))
			continue;
		pg = pte_page(word_get(md_kpte(kva + i * PAGE_SIZE)));
		check_page(r, rep, pg, i * FMO_PER_PAGE);
	}
}

static void
census_close(struct vm_report *rep)
{
	size_t i;

	for (i = 0; i < census.rows && !census.lost; i++)
		check_object(&census.row[i], rep);
	if (census.lost)
		out_printf(rep->out, "I6 not checked: no memory\n");
	if (census.row != NULL)
		kva_free(census.row, census.row_pages);
	if (census.refs != NULL)
		kva_free(census.refs, census.ref_pages);
	census.active = false;
}

/* ---- one space ---- */

/*
 * The words, tables and references of as; NULL: all spaces are done, compare
 * the objects.  ops->check.
 *
 * Locks:    as_lock_all().
 * Returns:  0; findings go to the report.
 */
int
fmo_check(struct aspace *as, struct vm_report *rep)
{
	struct word_count c = { .as = as, .rep = rep };

	if (!census.active)
		census_open();
	if (as == NULL) {
		census_close(rep);
		return 0;
	}
	if (as->md.root_pa == 0)
		return 0;
	fmo_walk_words(as, 0, MD_USER_END >> PAGE_SHIFT, check_word, &c);
	check_tables(&c);
	c.hidden |= as->lost;
	census.partial |= c.hidden || c.words != 0;
	check_refs(as, rep);
	check_counts(&c);
	return 0;
}

/* found, and at most `more` that could not be seen. */
static bool
is_count(const struct word_count *c, uint64_t count, uint64_t found,
    uint64_t more)
{
	return found <= count && (c->hidden || count - found <= more);
}

static void
check_counts(struct word_count *c)
{
	uint64_t swapped = atomic_load(&c->as->n_swap);
	uint64_t late = atomic_load(&c->as->late);
	struct aspace *as = c->as;

	if (c->ws != as->ws_pages || c->n_locked != as->n_locked)
		report_bad(c->rep, "I11", "as %u: ws %lu locked %lu, found %lu %lu",
		    as->id, as->ws_pages, as->n_locked, c->ws, c->n_locked);
	/* A word on swap is the one or the other, so the sum is exact. */
	if (c->n_priv > as->n_priv || c->n_fork > as->n_fork ||
	    !is_count(c, as->n_priv + as->n_fork, c->n_priv + c->n_fork +
	    c->words, 0))
		report_bad(c->rep, "I11", "as %u: priv %lu fork %lu, found %lu "
		    "%lu and %lu in tables that are out", as->id, as->n_priv,
		    as->n_fork, c->n_priv, c->n_fork, c->words);
	if (!is_count(c, swapped, c->n_swap, c->words))
		report_bad(c->rep, "I11", "as %u: n_swap %lu, found %lu", as->id,
		    swapped, c->n_swap);
	if (!is_count(c, late, c->late, c->words + c->unknown))
		report_bad(c->rep, "I12", "as %u: late %lu, found %lu", as->id,
		    late, c->late);
	if (c->tables != as->n_table || c->idle != as->n_idle ||
	    !is_count(c, as->n_table_out, c->out, 0))
		report_bad(c->rep, "I11", "as %u: n_table %lu idle %lu out %lu, "
		    "found %lu %lu %lu", as->id, as->n_table, as->n_idle,
		    as->n_table_out, c->tables, c->idle, c->out);
}

static void
check_refs(struct aspace *as, struct vm_report *rep)
{
	uint64_t sum = 0, n = 0;
	struct census_row *row;
	struct rb_node *node;

	for (node = rb_first(&as->fmo_refs); node != NULL; node = rb_next(node)) {
		struct fmo_ref *ref = CONTAINER_OF(node, struct fmo_ref, rb);

		n++;
		sum += ref->nptes;
		if (ref->nptes == 0)
			report_bad(rep, "I6", "as %u: idle reference to %lx",
			    as->id, ref->fmo->base);
		row = census.lost ? NULL : find_row(ref->fmo->base);
		if (row != NULL) {
			row->procs++;
			row->nptes += ref->nptes;
		}
	}
	if (sum != as->n_fork || n != as->nfmo)
		report_bad(rep, "I6", "as %u: n_fork %lu in %u objects, found %lu "
		    "in %lu", as->id, as->n_fork, as->nfmo, sum, n);
}

/* The VAD of va, or NULL: words come in order, so look around the last. */
static struct vad *
vad_of(struct word_count *c, va_t va)
{
	uint64_t vpn = va >> PAGE_SHIFT;

	if (c->vad == NULL || vpn < c->vad->start || vpn >= c->vad->end)
		c->vad = vad_find(c->as, vpn);
	return c->vad;
}

static void
bad_word(struct word_count *c, const char *inv, va_t va, uint64_t word,
    const char *what)
{
	report_bad(c->rep, inv, "as %u va %lx word %lx: %s", c->as->id, va, word,
	    what);
}

static uint64_t *
count_word_at(struct word_count *c, va_t va)
{
	struct vm_page *leaf;

	return pt_find(c->as, va, &leaf);
}

/* The private page of a word: its home must be the word. */
static void
check_owned(struct word_count *c, va_t va, uint64_t word)
{
	const struct vm_page *pg = pte_page(word);

	c->n_priv++;
	if (pg->home != ((uint64_t)HOME_PTE << 60 | word_pa(count_word_at(c, va))))
		bad_word(c, "I1", va, word, "the page has another home");
}

/* What the VAD allows. */
static void
check_rights(struct word_count *c, va_t va, uint64_t word, const struct vad *v)
{
	bool w = (word & MD_PTE_W) != 0;

	if (v->prot == 0 && (word & MD_PTE_U) != 0)
		bad_word(c, "I8", va, word, "U, and the VAD allows nothing");
	if (pte_src(word) != SRC_SPEC && ((word & PTE_LOCK) != 0) !=
	    ((v->flags & VAD_LOCKED) != 0))
		bad_word(c, "I11", va, word, "locked, or the VAD is");
	if ((w && (v->prot & PROT_W) == 0) ||
	    ((word & MD_PTE_NX) == 0 && (v->prot & PROT_X) == 0))
		bad_word(c, "I8", va, word, "more rights than the VAD");
	if (pte_src(word) == SRC_OBJ && w && (v->flags & VAD_SHARED) == 0)
		bad_word(c, "I7", va, word, "object's page, private VAD");
}

/* v NULL: it is out. */
static void
check_valid(struct word_count *c, va_t va, uint64_t word, const struct vad *v)
{
	const struct vm_page *pg = pte_page(word);
	bool w = (word & MD_PTE_W) != 0;

	if ((word & PTE_ZERO_MASK) != 0 || (word & (MD_PTE_U | PTE_LOCK)) == 0)
		bad_word(c, "I8", va, word, "reserved bits, or U");
	if (v != NULL)
		check_rights(c, va, word, v);
	c->n_locked += (word & PTE_LOCK) != 0;
	if (pte_src(word) == SRC_SPEC) {
		if (w || pg != page_zero_frame())
			bad_word(c, "I7", va, word, "zero page");
		return;
	}
	c->ws++;
	if (c->rep->mapcount != NULL)
		c->rep->mapcount[page_pfn(pg)]++;
	switch (pte_src(word)) {
	case SRC_PRIV:
		check_owned(c, va, word);
		break;
	case SRC_FORK:
		c->n_fork++;
		if (w)
			bad_word(c, "I7", va, word, "writable and forked");
		if (page_home_kind(pg) != HOME_FMO)
			bad_word(c, "I1", va, word, "home is no entry");
		else
			census_word(c, va, fmo_index_of(fmo_entry_of_page(pg)));
		break;
	case SRC_OBJ:
		/* An orphan: a hole is being made, and zaps the word next. */
		if (page_home_kind(pg) != HOME_AOBJ &&
		    page_home_kind(pg) != HOME_VNODE &&
		    (pg->flags & PF_ORPHAN) == 0)
			bad_word(c, "I1", va, word, "home is no object");
		break;
	case SRC_SPEC:
		break;
	}
}

static int
check_word(void *arg, va_t va, uint64_t word, uint64_t pages)
{
	struct word_count *c = arg;
	const struct vad *v;
	bool private = false;

	/* Tables that are out: check_out(). */
	if (word == 0 || pte_is_table_out(word))
		return 0;
	v = c->rep->no_vads ? NULL : vad_of(c, va);
	if (v == NULL && !c->rep->no_vads) {
		bad_word(c, "I8", va, word, "in no VAD");
		return 0;
	}
	switch (pte_kind(word)) {
	case PTE_ABSENT:
		break;
	case PTE_VALID:
		check_valid(c, va, word, v);
		private = pte_src(word) == SRC_PRIV || pte_src(word) == SRC_FORK;
		break;
	case PTE_TRANS:
	case PTE_BUSY:
		check_owned(c, va, word);
		private = true;
		break;
	case PTE_SWAP:
		c->n_swap++;
		c->n_priv++;
		private = true;
		break;
	case PTE_ERROR:
		c->n_priv++;
		private = true;
		break;
	case PTE_FORK:
		c->n_fork++;
		census_word(c, va, fork_index(word));
		private = true;
		break;
	}
	if (private && v == NULL)
		c->unknown++;
	else if (private && (v->flags & VAD_CHARGED) == 0)
		c->late++;
	return 0;
}

/* ---- tables: I4, I14 ---- */

/*
 * A table that is out.  In memory, its words can be seen: none names a frame,
 * and there are as many as the word above says.
 */
static void
check_out(struct word_count *c, va_t va, uint64_t word, int level)
{
	unsigned used = 0, i;
	uint64_t w;

	c->out++;
	c->late += (word & PTE_TABLE_LATE) != 0;
	if (pte_kind(word) != PTE_TRANS) {
		c->hidden |= level > 1;
		c->words += level > 1 ? 0 : pte_table_used(word);
		return;
	}
	for (i = 0; i < MD_PT_WORDS; i++) {
		w = word_get(&pt_words(pte_page(word))[i]);
		used += w != 0;
		if (pte_names_frame(w))
			bad_word(c, "I4", va, w, "names a frame, its table is out");
		else if (w != 0 && level > 1)
			check_out(c, va, w, level - 1);
		else if (w != 0)
			(void)check_word(c, va, w, 1);
		va += 1ul << (PAGE_SHIFT + 9 * (level - 1));
	}
	if (used != pte_table_used(word))
		bad_word(c, "I4", va, word, "has another number of words");
}

static void
check_below(struct word_count *c, va_t va, uint64_t word, int level)
{
	if (pte_kind(word) == PTE_VALID)
		check_table(c, va, pte_page(word), level);
	else if (word != 0)
		check_out(c, va, word, level);
}

/* Counts of one table against its words. */
static void
check_table(struct word_count *c, va_t va, struct vm_page *table, int level)
{
	const uint64_t *words = pt_words(table);
	unsigned nres = 0, nused = 0, i;

	for (i = 0; i < MD_PT_WORDS; i++) {
		nres += pte_names_frame(words[i]);
		nused += words[i] != 0;
		if (level > 1)
			check_below(c, va, words[i], level - 1);
		va += 1ul << (PAGE_SHIFT + 9 * (level - 1));
	}
	c->tables++;
	c->idle += nres == table->tbl.nspec;
	c->late += table->tbl.late;
	if (table->tbl.as != c->as || table->tbl.level != level)
		report_bad(c->rep, "I14", "as %u: table pfn %u level %u of as %p",
		    c->as->id, page_pfn(table), table->tbl.level,
		    (void *)table->tbl.as);
	if (nres != table->nres || nused != table->nused)
		report_bad(c->rep, "I4", "as %u: table pfn %u nres %u nused %u, "
		    "has %u %u", c->as->id, page_pfn(table), table->nres,
		    table->nused, nres, nused);
}

static void
check_tables(struct word_count *c)
{
	const uint64_t *root = pa2va(c->as->md.root_pa);
	va_t va = 0;
	unsigned i;

	for (i = 0; i < MD_PT_WORDS / 2; i++) {
		check_below(c, va, root[i], LEVELS_BELOW);
		va += 1ul << (PAGE_SHIFT + 9 * LEVELS_BELOW);
	}
}
