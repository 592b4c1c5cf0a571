/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stat_words.c: /proc/PID/vmstat, ws, pagemap: the words behind the mappings
 *
 * Problem   A design does its work in 64-bit words that no program can see.
 *           Print them, so that a test can ask for "FORK, two references"
 *           and a learner can watch the word become PRIV.
 *
 * Picture   leaf tables, word by word ─→ equal neighbours make one line:
 *           7f…000-7f…9000 kind=VALID src=FORK w=0 age=0 state=ACTIVE refs=2 home=FMO
 *
 * Rules     1. Tables that do not exist print nothing; ABSENT words of those
 *              that do are printed.
 *           2. ws_lock is held for one table at a time; each table is printed as
 *              it was at one moment, but not the whole space.
 *           3. A table on swap is one line, and is not brought in; pagemap
 *              brings it, or its pages would look as if there were none.
 *           4. An entry page on swap is not brought in either: refs=-.
 */
#include "mem/mem.h"
#include "lib/string.h"
#include "vm/design/design.h"
#include "vm/evidence/evidence.h"
#include "vm/map/map.h"
#include "vm/object/object.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/want/want.h"

/* The contents of one line; a run continues while they are equal. */
struct word_look {
	enum pte_kind kind;
	enum pte_src src;      /* VALID, and FORK for soft ones */
	bool w;
	unsigned age;
	int state;             /* enum page_state, -1: no page */
	int64_t refs;          /* -1: not known */
	int home;              /* enum page_home, -1: none */
	unsigned words;        /* of a table that is out; 0: this is a word of one */
};

struct word_run {
	struct aspace *as;
	va_t start, end;       /* start == end: no run yet */
	struct word_look look;
};

static void look_at(struct aspace *as, va_t va, uint64_t word, struct word_look *l);
static void put_run(const struct word_run *r, struct out *o);

static bool
looks_equal(const struct word_look *a, const struct word_look *b)
{
	return a->kind == b->kind && a->src == b->src && a->w == b->w &&
	    a->age == b->age && a->state == b->state && a->refs == b->refs &&
	    a->home == b->home && a->words == b->words;
}

/* 1: this word is of the next run. */
static int
run_word(void *arg, va_t va, uint64_t word, uint64_t pages)
{
	struct word_run *r = arg;
	struct word_look l;

	look_at(r->as, va, word, &l);
	if (r->start == r->end) {
		r->start = va;
		r->look = l;
	} else if (va != r->end || !looks_equal(&l, &r->look)) {
		return 1;
	}
	r->end = va + (pages << PAGE_SHIFT);
	return 0;
}

/*
 * One line per run of equal words.
 *
 * Locks:    none of rank >= 2.
 */
int
stat_vmstat(struct aspace *as, uint64_t *at, struct out *o)
{
	struct word_run r = { .as = as };

	rw_lock_read(&as->map_lock);
	as->school->walk(as, *at, MD_USER_END >> PAGE_SHIFT, run_word, &r);
	rw_unlock_read(&as->map_lock);
	if (r.start == r.end)
		return 0;
	put_run(&r, o);
	*at = r.end >> PAGE_SHIFT;
	return 1;
}

/* A VALID word of a device: what it names has no descriptor. */
static bool
names_device(uint64_t word)
{
	return pte_is_special(word) && !phys_is_ram(pte_pfn(word));
}

static void
look_at_page(const struct vm_page *pg, struct word_look *l)
{
	l->state = pg->state;
	l->home = page_home_kind(pg);
	l->refs = pg->mapcount;
}

/* [W] held. */
static void
look_at(struct aspace *as, va_t va, uint64_t word, struct word_look *l)
{
	uint64_t named;

	*l = (struct word_look){ .kind = pte_kind(word), .state = -1, .home = -1 };
	if (pte_is_table_out(word)) {
		l->words = pte_table_used(word);
		return;
	}
	switch (l->kind) {
	case PTE_VALID:
		l->src = pte_src(word);
		l->w = (word & MD_PTE_W) != 0;
		l->age = (unsigned)((word & PTE_AGE_MASK) >> PTE_AGE_SHIFT);
		if (!names_device(word))
			look_at_page(pte_page(word), l);
		break;
	case PTE_TRANS:
	case PTE_BUSY:
		l->src = SRC_PRIV;
		look_at_page(pte_page(word), l);
		l->refs = 1;
		break;
	case PTE_FORK:
		l->src = SRC_FORK;
		l->home = as->design->shared->home;
		break;
	case PTE_ABSENT:
	case PTE_SWAP:
	case PTE_ERROR:
		break;
	}
	if (l->src != SRC_FORK)
		return;
	l->refs = as->design->shared->refs(as, va, word, &named);
	if (pte_names_frame(named))
		l->state = pte_page(named)->state;
}

static const char *
kind_name(enum pte_kind k)
{
	static const char *const names[] = {
		[PTE_ABSENT] = "ABSENT", [PTE_VALID] = "VALID",
		[PTE_TRANS] = "TRANS", [PTE_BUSY] = "BUSY",
		[PTE_SWAP] = "SWAP", [PTE_FORK] = "FORK", [PTE_ERROR] = "ERROR",
	};

	return names[k];
}

static const char *
src_name(const struct word_look *l)
{
	static const char *const names[] = {
		[SRC_OBJ] = "OBJ", [SRC_PRIV] = "PRIV", [SRC_FORK] = "FORK",
		[SRC_SPEC] = "SPEC",
	};

	return l->kind == PTE_ABSENT || l->kind == PTE_SWAP ||
	    l->kind == PTE_ERROR ? "-" : names[l->src];
}

static const char *
home_name(int home)
{
	static const char *const names[HOME_COUNT] = {
		[HOME_NONE] = "NONE", [HOME_PTE] = "PTE", [HOME_FMO] = "FMO",
		[HOME_AOBJ] = "AOBJ", [HOME_VNODE] = "VNODE", [HOME_TABLE] = "TABLE",
		[HOME_KPAGED] = "KPAGED", [HOME_ANON] = "ANON", [HOME_TEST] = "TEST",
		[HOME_FRAME] = "FRAME", [HOME_KERNEL] = "KERNEL", [HOME_IO] = "IO",
		[HOME_SXANON] = "SXANON", [HOME_SHADOW] = "SHADOW",
	};

	return home < 0 ? "-" : names[home];
}

static void
put_run(const struct word_run *r, struct out *o)
{
	const struct word_look *l = &r->look;

	if (l->words != 0) {
		out_printf(o, "%lx-%lx table-out kind=%s words=%u\n",
		    r->start, r->end, kind_name(l->kind), l->words);
		return;
	}
	out_printf(o, "%lx-%lx kind=%s src=%s w=%d age=%u state=%s ",
	    r->start, r->end, kind_name(l->kind), src_name(l), l->w, l->age,
	    l->state < 0 ? "-" : page_state_name((enum page_state)l->state));
	if (l->refs < 0)
		out_printf(o, "refs=- home=%s\n", home_name(l->home));
	else
		out_printf(o, "refs=%ld home=%s\n", l->refs,
		    home_name(l->home));
}

/* ---- ws ---- */

static int
age_word(void *arg, va_t va, uint64_t word, uint64_t pages)
{
	uint64_t *n = arg;

	if (pte_kind(word) == PTE_VALID && pte_src(word) != SRC_SPEC)
		n[(word & PTE_AGE_MASK) >> PTE_AGE_SHIFT] += pages;
	return 0;
}

/*
 * Limits, pages per age, the clock's hand; pages trimmed so far, and for how
 * long age passes have found none used.
 *
 * Locks:    none of rank >= 2.
 */
void
stat_ws(struct aspace *as, struct out *o)
{
	uint64_t n[4] = { 0, 0, 0, 0 };
	unsigned i;

	rw_lock_read(&as->map_lock);
	as->school->walk(as, 0, MD_USER_END >> PAGE_SHIFT, age_word, n);
	rw_unlock_read(&as->map_lock);
	out_printf(o, "pages=%lu peak=%lu min=%lu max=%lu\n", as->ws.pages,
	    as->ws.peak, as->ws.min, as->ws.max);
	for (i = 0; i < ARRAY_LEN(n); i++)
		out_printf(o, "age=%u pages=%lu\n", i, n[i]);
	out_printf(o, "hand=%u index=%u\n", as->ws.hand_tbl, as->ws.hand_idx);
	out_printf(o, "trimmed=%lu unused_ms=%lu\n", as->ws.trimmed,
	    (md_time_ns() - as->ws.used_ns) / 1000000);
}

/* ---- pagemap ---- */

#define PM_PRESENT BIT(63)     /* in memory, if perhaps not mapped just now */
#define PM_SWAPPED BIT(62)
#define PM_FILE BIT(61)        /* page of a file or shared object */
#define PM_EXCLUSIVE BIT(56)   /* mapped here only */
#define PM_OFFSET_SHIFT 5

struct pagemap {
	struct aspace *as;
	uint64_t vpn;          /* of words[0] */
	uint64_t *words;
	enum pagemap_pfn pfn;
};

/* The bits for a page that is in memory. */
static uint64_t
present_word(const struct pagemap *m, const struct vm_page *pg)
{
	uint64_t w = PM_PRESENT;

	if (page_home_kind(pg) == HOME_VNODE || page_home_kind(pg) == HOME_AOBJ)
		w |= PM_FILE;
	if (pg->mapcount == 1)
		w |= PM_EXCLUSIVE;
	return m->pfn == PAGEMAP_PFN ? w | page_pfn(pg) : w;
}

/* A slot as Linux packs it: the area in bits 4:0, the place in 54:5.  Where that is says
 * as much as a frame. */
static uint64_t
swapped_word(const struct pagemap *m, slot_t slot)
{
	if (m->pfn != PAGEMAP_PFN)
		return PM_SWAPPED;
	return PM_SWAPPED | (uint64_t)(slot & SWAP_INDEX_MAX) << PM_OFFSET_SHIFT |
	    slot >> SWAP_INDEX_BITS;
}

/* For an owning word, or one that maps its page. */
static uint64_t
owning_word(const struct pagemap *m, uint64_t word)
{
	switch (pte_kind(word)) {
	case PTE_VALID:
		if (names_device(word))
			return PM_PRESENT | (m->pfn == PAGEMAP_PFN ?
			    pte_pfn(word) : 0);
		if (pte_is_unread_zero(word))
			return 0;
		return present_word(m, pte_page(word));
	case PTE_TRANS:
		return present_word(m, pte_page(word));
	case PTE_BUSY: /* the page keeps the slot it is read from */
		return swapped_word(m, pte_page(word)->slot);
	case PTE_SWAP:
		return swapped_word(m, swap_slot(word));
	case PTE_ABSENT:
	case PTE_FORK:
	case PTE_ERROR:
		break;
	}
	return 0;
}

/* [W] held. */
static int
pagemap_word(void *arg, va_t va, uint64_t word, uint64_t pages)
{
	struct pagemap *m = arg;
	uint64_t *w = &m->words[(va >> PAGE_SHIFT) - m->vpn], named;

	if (pte_is_table_out(word))
		return 0; /* lost */
	if (pte_kind(word) != PTE_FORK)
		*w = owning_word(m, word);
	else if (m->as->design->shared->refs(m->as, va, word, &named) < 0)
		*w = PM_SWAPPED; /* so is the entry; who knows where */
	else
		*w = owning_word(m, named);
	return 0;
}

/* Pages of anonymous objects that have left no word here.  [M]. */
static void
pagemap_objects(struct pagemap *m, unsigned n)
{
	struct vad *v = vad_find_above(m->as, m->vpn);
	uint64_t vpn, word;

	for (; v != NULL && v->start < m->vpn + n; v = vad_next(v)) {
		if (v->vmo == NULL || v->vmo->type != VMO_AOBJ)
			continue;
		vpn = MAX(v->start, m->vpn);
		for (; vpn < MIN(v->end, m->vpn + n); vpn++) {
			if (m->words[vpn - m->vpn] != 0)
				continue;
			word = anon_peek(v->vmo, v->off + (vpn - v->start));
			if (pte_kind(word) == PTE_SWAP)
				m->words[vpn - m->vpn] = owning_word(m, word) |
				    PM_FILE;
		}
	}
}

/*
 * Have the tables of va that exist in use, and hold them.
 *
 * Locks:    [W], no batch of as under construction.
 * Owns:     h, the pins, until pt_let_go() or pt_release().
 * Returns:  0, -EAGAIN.
 */
int
stat_hold_va(struct aspace *as, va_t va, struct pt_hold *h, struct want *w)
{
	struct pt_path p;

	HELD(&as->ws_lock);
	if (design_owns(as, va))
		return 0;
	path_walk_in(as, va, &p);
	if (p.out != 0 && !path_is_lost(&p))
		return pt_bring(as, va, &p, h, w);
	hold_path(as, va, &p, h);
	return 0;
}

/* The same, waited for.  0, -EINTR. */
static int
tables_in(struct aspace *as, va_t va, struct pt_hold *h, struct want *w)
{
	int r;

	do {
		mutex_lock(&as->ws_lock);
		r = stat_hold_va(as, va, h, w);
		mutex_unlock(&as->ws_lock);
	} while (r == -EAGAIN && (r = want_get(w)) == 0);
	return r;
}

/*
 * What is behind n pages from vpn on; pages without a mapping or a word: 0.
 *
 * Locks:    none of rank >= 2.
 */
void
stat_pagemap(struct aspace *as, uint64_t vpn, uint64_t *words, unsigned n,
    enum pagemap_pfn pfn)
{
	struct pagemap m = { as, vpn, words, pfn };
	struct pt_hold tables = { .as = as };
	struct want want = { .what = WANT_AGAIN };
	uint64_t lo, hi;

	memset(words, 0, n * sizeof(*words));
	if (!pt_open_space(as))
		return;
	/* In this order: who has the token may not wait for a map_lock. */
	rw_lock_read(&as->map_lock);
	structural_begin();
	for (lo = vpn; lo < vpn + n; lo = hi) {
		hi = MIN(vpn + n, (lo | (MD_PT_WORDS - 1)) + 1);
		if (lo << PAGE_SHIFT >= MD_USER_END ||
		    tables_in(as, lo << PAGE_SHIFT, &tables, &want) != 0)
			break;
		as->school->walk(as, lo, hi, pagemap_word, &m);
	}
	pt_release(&tables);
	want_end(&want);
	structural_end();
	pagemap_objects(&m, n);
	rw_unlock_read(&as->map_lock);
	pt_close_space(as);
}
