/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_swap.c: has every slot that is used exactly one owner? (I5)
 *
 * Problem   If a slot has two owners, one of them loses its bytes; if it has
 *           none, it is never used again.  Nothing leads from a slot to its owner.
 *
 * Picture   words SWAP: spaces, entries, objects, kernel ─┐
 *           frames with a slot (also being written)      ─┼→ named[slot]
 *                                                          ▼
 *           map of the area ───────────────────────→ bit == named, but for
 *                                                     header and bad slots
 *
 * Rules     1. Words of spaces stand still (vm_check), but frames are stolen
 *              and pages of objects come in meanwhile: if the counters have
 *              moved, the slots are counted again, and given up after some tries.
 *           2. The last step, frames and maps, is one hold of [P].
 *           3. The words of a container on swap are unknown: then a slot
 *              without an owner is no finding.
 */
#include "lib/bitmap.h"
#include "vm/design/design.h"
#include "vm/design/designs.h"
#include "vm/evidence/evidence.h"
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/object/object.h"
#include "vm/evidence/report.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/want/want.h"

#define TRIES 5
#define ROWS 8           /* findings that are told, of each kind */

struct census {
	struct swap_walk walk;
	struct vm_report *rep;
	uint64_t *named[SWAP_AREAS];
	size_t pages[SWAP_AREAS];
	bool partial;            /* rule 3 */
	unsigned findings;       /* of this try */
	struct {
		slot_t slot;
		const char *what;
		uint64_t by;
	} row[ROWS];             /* the first of them */
};

static bool census_open(struct census *c);
static void census_close(struct census *c);
static void census_words(struct census *c);
static void census_frames(struct census *c);
static void compare_slots(struct census *c);
static void tell(struct census *c);

/* What moves when an owner changes. */
static uint64_t
moves(void)
{
	return ev_read(EV_swap_alloc) + ev_read(EV_swap_free) +
	    ev_read(EV_swap_in_pages) + ev_read(EV_page_reclaim_anon) +
	    ev_read(EV_swap_read_errors) + ev_read(EV_swap_write_errors);
}

/* One try.  True: it counts, nothing has moved. */
static bool
census_take(struct census *c)
{
	uint64_t before = moves();

	c->findings = 0;
	c->partial = false;
	census_words(c);
	spin_lock(&pfn_lock);
	census_frames(c);
	compare_slots(c);
	spin_unlock(&pfn_lock);
	return moves() == before;
}

/*
 * I5 of all areas.
 *
 * Locks:    freeze_spaces(); takes the areas lock, [O], [P].
 */
void
check_swap(struct vm_report *rep)
{
	struct census c = { .rep = rep };
	unsigned try, found = 0;
	bool still = false;

	mutex_lock_nested(&swap_areas_lock);
	for (try = 0; try < TRIES && found < 2; try++) {
		if (!census_open(&c))
			break;
		still = census_take(&c);
		census_close(&c);
		if (still && c.findings == 0)
			break;
		found += still;
	}
	if (found == 2)
		tell(&c);
	mutex_unlock(&swap_areas_lock);
}

/* Two tries in which nothing moved have found something. */
static void
tell(struct census *c)
{
	unsigned i;

	for (i = 0; i < MIN(c->findings, ROWS); i++)
		report_bad(c->rep, "I5", "slot %u of area %u: %s (%lx)",
		    c->row[i].slot & SWAP_INDEX_MAX,
		    c->row[i].slot >> SWAP_INDEX_BITS, c->row[i].what,
		    c->row[i].by);
}

/* ---- memory ---- */

/* A bit for each slot.  False: there is no area, or no memory. */
static bool
census_open(struct census *c)
{
	unsigned i, n = 0;
	size_t k;

	for (i = 0; i < SWAP_AREAS; i++) {
		const struct swap_area *a = swap_area(i);

		if (a == NULL)
			continue;
		n++;
		c->pages[i] = PAGE_UP(BITMAP_WORDS((size_t)a->nslots) * 8) >>
		    PAGE_SHIFT;
		c->named[i] = kva_alloc(c->pages[i]);
		if (c->named[i] == NULL) {
			out_printf(c->rep->out, "I5 not checked: no memory\n");
			census_close(c);
			return false;
		}
		for (k = 0; k < c->pages[i] * PAGE_SIZE / 8; k++)
			c->named[i][k] = 0;
	}
	return n > 0;
}

static void
census_close(struct census *c)
{
	unsigned i;

	for (i = 0; i < SWAP_AREAS; i++) {
		if (c->named[i] != NULL)
			kva_free(c->named[i], c->pages[i]);
		c->named[i] = NULL;
	}
}

/* ---- who names a slot ---- */

static void
bad_slot(struct census *c, slot_t slot, const char *what, uint64_t by)
{
	if (c->findings < ROWS) {
		c->row[c->findings].slot = slot;
		c->row[c->findings].what = what;
		c->row[c->findings].by = by;
	}
	c->findings++;
}

/* by: the word, or the number of the frame. */
static void
name_slot(struct census *c, slot_t slot, uint64_t by)
{
	const struct swap_area *a = swap_area(slot >> SWAP_INDEX_BITS);
	uint32_t i = slot & SWAP_INDEX_MAX;
	uint64_t *named = c->named[slot >> SWAP_INDEX_BITS];

	if (a == NULL || named == NULL || i == 0 || i >= a->nslots) {
		bad_slot(c, slot, "there is none", by);
		return;
	}
	if (bitmap_test(named, i))
		bad_slot(c, slot, "has two owners", by);
	bitmap_set(named, i);
}

static void
name_word(struct census *c, uint64_t word)
{
	if (pte_kind(word) == PTE_SWAP)
		name_slot(c, swap_slot(word), word);
}

/* vm_walk_fn: private words of a space. */
static int
space_word(void *arg, va_t va, uint64_t word, uint64_t pages)
{
	name_word(arg, word);
	return 0;
}

static void
space_words(struct aspace *as, struct census *c)
{
	if (as->md.root_pa == 0)
		return;
	c->partial |= as->table.n_out != 0;
	as->school->walk(as, 0, MD_USER_END >> PAGE_SHIFT, space_word, c);
}

/* swap_walk.fn: words that belong to no space. */
static int
shared_word(struct swap_walk *walk, const struct swap_words *w)
{
	name_word(CONTAINER_OF(walk, struct census, walk), word_get(w->word));
	return 0;
}

/* The words of a table of an object; depth 1: its leaf.  At most 4 deep. */
static void
object_table(struct census *c, va_t kva, unsigned depth)
{
	const uint64_t *words, *kpte = md_kpte(kva);
	unsigned i;

	if (kpte == NULL || !pte_names_frame(word_get(kpte))) {
		c->partial = true;
		return;
	}
	words = pa2va(page_pa(pte_page(word_get(kpte))));
	for (i = 0; i < MD_PT_WORDS; i++) {
		if (depth == 1)
			name_word(c, word_get(&words[i]));
		else if (words[i] != 0 && words[i] != AOBJ_LOST)
			object_table(c, anon_table_kva(words[i]), depth - 1);
	}
}

static void
census_object(struct vmo *vmo, struct census *c)
{
	struct anon_top top = { .end = 0 };
	const uint64_t *word;

	if (vmo->type != VMO_AOBJ)
		return;
	spin_lock(&vmo->lock);
	while (top.end < VMO_MAX_PAGES) {
		top = anon_top(top.end);
		word = &vmo->a.words[top.word];
		if (top.depth > 0 && *word != 0)
			object_table(c, anon_table_kva(*word), top.depth);
		for (; top.depth == 0 && top.first < top.end; top.first++)
			name_word(c, word_get(word++));
	}
	spin_unlock(&vmo->lock);
}

/* Kernel memory that is out: what its pages hold is not known. */
static void
kernel_words(struct census *c)
{
	va_t kva, top = kpaged_top;

	for (kva = MD_KPAGED_BASE; kva < top; kva += PAGE_SIZE) {
		const uint64_t *word = md_kpte(kva);

		if (word == NULL) {
			kva |= (1ul << 21) - PAGE_SIZE;
			continue;
		}
		if (pte_kind(word_get(word)) != PTE_SWAP)
			continue;
		name_word(c, word_get(word));
		c->partial = true;
	}
}

static void
census_words(struct census *c)
{
	const struct design *design;
	const struct shared_ops *s;
	struct aspace *as;
	struct vmo *vmo;

	/* The slots of words that could not be read are taken for ever. */
	c->partial |= atomic_load(&owner_lost_words);
	LIST_FOREACH(as, &as_list, all)
		space_words(as, c);
	c->walk.fn = shared_word;
	FOR_EACH_SHARED(s, design)
		s->swapped(&c->walk);
	LIST_FOREACH(vmo, &vmo_list, all)
		census_object(vmo, c);
	kernel_words(c);
}

static void
census_frames(struct census *c)
{
	struct phys_stat ps;
	pfn_t pfn;

	phys_stat(&ps);
	for (pfn = 1; pfn <= ps.max_pfn; pfn++)
		if (phys_is_ram(pfn) && pfdb[pfn].slot != 0)
			name_slot(c, pfdb[pfn].slot, pfn);
}

/* ---- against the maps ---- */

static void
compare_area(struct census *c, const struct swap_area *a)
{
	uint32_t i, lost = 0;

	for (i = 0; i < a->nslots; i++) {
		bool named = bitmap_test(c->named[a->no], i);

		if (named && !bitmap_test(a->map, i))
			bad_slot(c, a->no << SWAP_INDEX_BITS | i,
			    "has an owner, and is free", 0);
		lost += !named && bitmap_test(a->map, i);
	}
	/* The header and the bad slots have no name. */
	if (!c->partial && lost != 1 + a->nbad)
		bad_slot(c, a->no << SWAP_INDEX_BITS,
		    "so many are used, bad ones too, and have no owner", lost);
}

static void
compare_slots(struct census *c)
{
	unsigned i;

	for (i = 0; i < SWAP_AREAS; i++)
		if (c->named[i] != NULL)
			compare_area(c, swap_area(i));
}
