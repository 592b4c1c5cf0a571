/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_words.c: do the words of a space agree with homes, VADs and counts?
 *
 * Problem   One page is recorded in several places: a PTE, its home, a counter
 *           of the space, one of the table.  A bug makes two of them disagree
 *           long before a program notices.
 *
 * Picture   space by space: words ─→ counts of the space (I11, I4, I7, I8)
 *                                └─→ shared->check_word: who shares, counts
 *
 * Rules     1. vm_check has locked all spaces and the kernel's words; nothing
 *              here changes anything or waits.
 *           2. A leaf table on swap: its parent's word says how many words it
 *              has.  A higher table on swap: nothing is known.  Then counts may
 *              be larger than what was found.
 */
#include "vm/design/design.h"
#include "vm/evidence/evidence.h"
#include "vm/frame/frame.h"
#include "vm/map/map.h"
#include "vm/pte/pte.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/vm.h"

#define LEVELS_BELOW (MD_PT_LEVELS - 1) /* the root */

/* Counts of one space while its words are walked. */
struct word_count {
	struct aspace *as;
	struct vm_report *rep;
	struct vad *vad;       /* of the last word */
	uint64_t unknown;      /* private words, the VAD is out */
	struct vm_found found;
	uint64_t n_priv, n_fork, n_swap;
	uint64_t tables, out;  /* in use; not */
	uint64_t idle;         /* of those in use */
	uint64_t words;        /* in leaf tables on swap: private ones, all of them */
	bool hidden;           /* a table above leaves is there: what is below? */
};

static int judge_word(void *arg, va_t va, uint64_t word, uint64_t pages);
static void check_tables(struct word_count *c);
static void judge_table(struct word_count *c, va_t va, struct vm_page *table,
    int level);
static void check_counts(struct word_count *c);

/* ---- one space ---- */

/*
 * The words, tables and counts of as, and what its design has beside them.
 *
 * Locks:    freeze_spaces().
 */
void
check_words(struct aspace *as, struct vm_report *rep)
{
	struct word_count c = { .as = as, .rep = rep };

	(void)pte_walk(as, 0, MD_USER_END >> PAGE_SHIFT, judge_word, &c);
	check_tables(&c);
	c.found.late += as->commit.pruned;
	c.hidden |= as_has_lost(as, LOST_TABLES);
	rep->partial |= c.hidden || c.words != 0;
	design_check_space(as, rep, &c.found);
	check_counts(&c);
}

/* found, and at most `more` that could not be seen. */
static bool
is_count(const struct word_count *c, uint64_t count, uint64_t found,
    uint64_t more)
{
	return found <= count && (c->hidden || count - found <= more);
}

/* What the walk has found is what the space keeps count of: I11, I12. */
static void
check_counts(struct word_count *c)
{
	uint64_t swapped = atomic_load(&c->as->words.swap);
	uint64_t late = atomic_load(&c->as->commit.late);
	struct aspace *as = c->as;

	if (c->found.ws != as->ws.pages || c->found.locked != as->words.locked)
		report_bad(c->rep, "I11", "as %lu: ws %lu locked %lu, found %lu %lu",
		    as->id, as->ws.pages, as->words.locked, c->found.ws,
		    c->found.locked);
	/* A word on swap is the one or the other, so the sum is exact. */
	if (c->n_priv > as->words.priv || c->n_fork > as->words.fork ||
	    !is_count(c, as->words.priv + as->words.fork, c->n_priv + c->n_fork +
	    c->words, 0))
		report_bad(c->rep, "I11", "as %lu: priv %lu fork %lu, found %lu "
		    "%lu and %lu in tables that are out", as->id, as->words.priv,
		    as->words.fork, c->n_priv, c->n_fork, c->words);
	if (!is_count(c, swapped, c->n_swap, c->words))
		report_bad(c->rep, "I11", "as %lu: words.swap %lu, found %lu", as->id,
		    swapped, c->n_swap);
	if (!is_count(c, late, c->found.late, c->words + c->unknown))
		report_bad(c->rep, "I12", "as %lu: late %lu, found %lu", as->id,
		    late, c->found.late);
	if (c->tables != as->table.n || c->idle != as->table.idle.n ||
	    !is_count(c, as->table.n_out, c->out, 0))
		report_bad(c->rep, "I11", "as %lu: table.n %lu idle %lu out %lu, "
		    "found %lu %lu %lu", as->id, as->table.n, as->table.idle.n,
		    as->table.n_out, c->tables, c->idle, c->out);
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
		report_word(c->rep, "I1", va, word, "the page has another home");
}

/* A word that others may share, or that maps an object's page: what the design knows
 * of it. */
static void
check_shared(struct word_count *c, va_t va, uint64_t word)
{
	if (!design_check_word(c->as, va, word, c->rep) &&
	    (pte_kind(word) == PTE_FORK || pte_src(word) == SRC_FORK))
		report_word(c->rep, "I17", va, word, "shared, in a design without");
}

/* What the VAD allows. */
static void
check_rights(struct word_count *c, va_t va, uint64_t word, const struct vad *v)
{
	bool w = (word & MD_PTE_W) != 0;

	if (v->prot == 0 && (word & MD_PTE_U) != 0)
		report_word(c->rep, "I8", va, word, "U, and the VAD allows nothing");
	if (pte_src(word) != SRC_SPEC && ((word & PTE_LOCK) != 0) !=
	    ((v->flags & VAD_LOCKED) != 0))
		report_word(c->rep, "I11", va, word, "locked, or the VAD is");
	if ((w && (v->prot & PROT_W) == 0) ||
	    ((word & MD_PTE_NX) == 0 && (v->prot & PROT_X) == 0))
		report_word(c->rep, "I8", va, word, "more rights than the VAD");
	if (pte_src(word) == SRC_OBJ && w && (v->flags & VAD_SHARED) == 0)
		report_word(c->rep, "I7", va, word, "object's page, private VAD");
}

/* What is wrong with a SPEC word at va in v, NULL: v is out.  It names no page but that
 * of zeros, or memory of a device.  NULL: nothing. */
static const char *
special_error(const struct vad *v, va_t va, uint64_t word)
{
	uint64_t rights = word & ~(PTE_PFN_MASK | PTE_SRC_MASK), pgoff;

	if (v == NULL)
		return NULL;
	if ((word & PTE_LOCK) != 0)
		return "locked, and special";
	if (!vmo_is_device(v->vmo))
		return (word & MD_PTE_W) != 0 ||
		    pte_page(word) != page_zero_frame() ? "zero page" : NULL;
	if ((word & MD_PTE_PCD) == 0)
		return "a device, cached";
	pgoff = v->off + (va >> PAGE_SHIFT) - v->start;
	return word != vmo_device_word(v->vmo, pgoff, rights) ||
	    vmo_device_check(v->vmo, pgoff, 1) != 0 ?
	    "not the page of the device" : NULL;
}

/* v NULL: it is out. */
static void
check_valid(struct word_count *c, va_t va, uint64_t word, const struct vad *v)
{
	const struct vm_page *pg = pte_page(word);
	const char *why;

	if ((word & PTE_ZERO_MASK) != 0 || (word & (MD_PTE_U | PTE_LOCK)) == 0)
		report_word(c->rep, "I8", va, word, "reserved bits, or U");
	if (v != NULL)
		check_rights(c, va, word, v);
	c->found.locked += (word & PTE_LOCK) != 0;
	if (pte_src(word) == SRC_SPEC) {
		why = special_error(v, va, word);
		if (why != NULL)
			report_word(c->rep, "I7", va, word, why);
		return;
	}
	c->found.ws++;
	if (c->rep->mapcount != NULL)
		c->rep->mapcount[page_pfn(pg)]++;
	switch (pte_src(word)) {
	case SRC_PRIV:
		check_owned(c, va, word);
		break;
	case SRC_FORK:
		c->n_fork += !c->as->school->is_cache;
		check_shared(c, va, word);
		break;
	case SRC_OBJ:
		/* An orphan: a hole is being made, and zaps the word next. */
		if (page_home_kind(pg) != HOME_AOBJ &&
		    page_home_kind(pg) != HOME_VNODE &&
		    (pg->flags & PF_ORPHAN) == 0)
			report_word(c->rep, "I1", va, word, "home is no object");
		check_shared(c, va, word);
		break;
	case SRC_SPEC:
		break;
	}
}

/* vm_walk_fn: one word.  It lies in a VAD (I8), is counted by its kind, and by its owner's
 * rule if it names a page. */
static int
judge_word(void *arg, va_t va, uint64_t word, uint64_t pages)
{
	struct word_count *c = arg;
	const struct vad *v;
	bool private = false;

	/* Tables that are out: check_out(). */
	if (word == 0 || pte_is_table_out(word))
		return 0;
	v = c->rep->no_vads ? NULL : vad_of(c, va);
	if (v == NULL && !c->rep->no_vads) {
		report_word(c->rep, "I8", va, word, "in no VAD");
		return 0;
	}
	switch (pte_kind(word)) {
	case PTE_ABSENT:
		break;
	case PTE_VALID:
		check_valid(c, va, word, v);
		private = !c->as->school->is_cache &&
		    (pte_src(word) == SRC_PRIV || pte_src(word) == SRC_FORK);
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
		check_shared(c, va, word);
		private = true;
		break;
	}
	if (private && v == NULL)
		c->unknown++;
	else if (private && (v->flags & VAD_CHARGED) == 0)
		c->found.late++;
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
	c->found.late += (word & PTE_TABLE_LATE) != 0;
	if (pte_kind(word) != PTE_TRANS) {
		c->hidden |= level > 1;
		c->words += level > 1 ? 0 : pte_table_used(word);
		return;
	}
	for (i = 0; i < MD_PT_WORDS; i++) {
		w = word_get(&pt_words(pte_page(word))[i]);
		used += w != 0;
		if (pte_names_frame(w))
			report_word(c->rep, "I4", va, w,
			    "names a frame, its table is out");
		else if (w != 0 && level > 1)
			check_out(c, va, w, level - 1);
		else if (w != 0)
			(void)judge_word(c, va, w, 1);
		va += 1ul << (PAGE_SHIFT + 9 * (level - 1));
	}
	if (used != pte_table_used(word))
		report_word(c->rep, "I4", va, word, "has another number of words");
}

static void
check_below(struct word_count *c, va_t va, uint64_t word, int level)
{
	if (pte_kind(word) == PTE_VALID)
		judge_table(c, va, pte_page(word), level);
	else if (word != 0)
		check_out(c, va, word, level);
}

/* Counts of one table against its words. */
static void
judge_table(struct word_count *c, va_t va, struct vm_page *table, int level)
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
	c->found.late += table->tbl.late;
	if (!as_has_table(c->as, table) || table->tbl.level != level)
		report_bad(c->rep, "I14", "as %lu: table pfn %u level %u of root "
		    "pfn %u", c->as->id, page_pfn(table), table->tbl.level,
		    table->tbl.root);
	if (nres != table->nres || nused != table->nused)
		report_bad(c->rep, "I4", "as %lu: table pfn %u nres %u nused %u, "
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
		if (!design_owns(c->as, va))
			check_below(c, va, root[i], LEVELS_BELOW);
		va += 1ul << (PAGE_SHIFT + 9 * LEVELS_BELOW);
	}
}
