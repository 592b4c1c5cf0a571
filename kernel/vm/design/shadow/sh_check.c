/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadow/sh_check.c: do words, windows and counts agree? and what /proc shows of chains
 *
 * Problem   An object counts its children, and each page the children that do not see it.
 *           A bug makes a count wrong long before a program notices.
 *
 * Picture   ../anons/anonscheck.c: each word ─→ what its top sees
 *           sh_check_end: each chain from its top up, each object once ─┬ num_children
 *                                                                       └ unseen (I19)
 *
 * Rules     1. vm_check has locked all spaces; nothing here waits.
 *           2. An object is met once from each child: `seen` is the number of the run in
 *              which it was met first.
 */
#include "lib/fmt.h"
#include "vm/design/shadow/shadow.h"

/* [check lock of vm/evidence/check.c], for one run */
static struct {
	uint32_t run;
	uint64_t objects, records, pages;
} found;

/*
 * A word against what its entry's top sees.
 *
 * Locks:    freeze_spaces(); takes [sh].
 */
void
sh_check_word(struct vm_report *rep, void *entry, va_t va, uint64_t word)
{
	struct sh_entry *e = entry;
	struct sh_seen s;
	bool sees;

	spin_lock(&sh_lock);
	sees = sh_look_locked(e->top, va >> PAGE_SHIFT, &s);
	spin_unlock(&sh_lock);
	if (pte_src(word) == SRC_FORK ? !sees || word_get(&s.page->word) !=
	    pte_make_trans(pte_page(word)) : sees)
		report_word(rep, "I1", va, word, "it maps not what the top sees");
	if (sees && (word & MD_PTE_W) != 0 && s.depth != 0)
		report_word(rep, "I7", va, word, "writable, and in a parent");
}

/*
 * The pages of an entry that were charged when touched.
 *
 * Locks:    freeze_spaces(); takes [sh].
 */
uint64_t
sh_check_entry(struct vm_report *rep, const struct anons_range *r)
{
	struct sh_object *top = ((struct sh_entry *)r->entry)->top;

	if (top->num_children != 0)
		report_bad(rep, "I19", "as %lu %lx: a top of %u children",
		    rep->as->id, r->start, top->num_children);
	if (top->parent != NULL && (top->lo < r->start || top->hi > r->end))
		report_bad(rep, "I19", "as %lu %lx-%lx: it sees %lx-%lx",
		    rep->as->id, r->start, r->end, top->lo, top->hi);
	return sh_count_late(top, r->start, r->end);
}

/* ---- each object once: [sh] ---- */

/* Pages of its parent that this child does not see. */
static void
meet_unseen(struct sh_object *o)
{
	struct sh_object *parent = o->parent;
	struct sh_page *page;
	uint64_t i = 0, own;

	for (; (page = sh_from_locked(parent, i)) != NULL; i = page->index + 1) {
		own = page->index - o->off;
		page->met += own < o->lo || own >= o->hi ||
		    sh_find_locked(o, own) != NULL;
	}
}

static void
begin_object(struct sh_object *o)
{
	struct sh_page *page;
	uint64_t i = 0;

	o->seen = found.run;
	o->met = 0;
	for (; (page = sh_from_locked(o, i)) != NULL; i = page->index + 1)
		page->met = 0;
}

/* All objects of a chain that were not met yet, and of the last of them its parent. */
static void
meet_chain(void *entry, void *unused)
{
	struct sh_object *o = ((struct sh_entry *)entry)->top;
	bool first = true;

	spin_lock(&sh_lock);
	begin_object(o);
	for (; first && o->parent != NULL; o = o->parent) {
		first = o->parent->seen != found.run;
		if (first)
			begin_object(o->parent);
		o->parent->met++;
		meet_unseen(o);
	}
	spin_unlock(&sh_lock);
}

static void
judge_page(struct sh_object *o, struct sh_page *page, struct vm_report *rep)
{
	found.records++;
	found.pages += page->word != 0;
	if (page->unseen > page->met)
		report_bad(rep, "I19", "page %lx: %u children do not see it, counted %u",
		    page->index, page->met, page->unseen);
	if (page->word == 0 && page->late)
		report_bad(rep, "I19", "page %lx: a hole that was charged",
		    page->index);
}

static void
judge_object(struct sh_object *o, struct vm_report *rep)
{
	uint64_t i = 0, n = 0, late = 0;
	struct sh_page *page;

	found.objects++;
	if (o->met != o->num_children)
		report_bad(rep, "I19", "an object of %u children, counted %u",
		    o->met, o->num_children);
	if (o->num_children == 1 &&
	    ((struct sh_object *)o->children)->parent != o)
		report_bad(rep, "I19", "its only child is another's");
	for (; (page = sh_from_locked(o, i)) != NULL; i = page->index + 1, n++) {
		judge_page(o, page, rep);
		late += page->late;
	}
	if (n != o->n || late != o->nlate)
		report_bad(rep, "I19", "an object of %lu pages, %lu late, counted "
		    "%lu, %lu", n, late, o->n, o->nlate);
}

static void
judge_chain(void *entry, void *rep)
{
	struct sh_object *o = ((struct sh_entry *)entry)->top;

	spin_lock(&sh_lock);
	for (; o != NULL && o->seen == found.run; o = o->parent) {
		o->seen = 0;
		judge_object(o, rep);
	}
	spin_unlock(&sh_lock);
}

static uint32_t
next_run(void)
{
	return found.run == UINT32_MAX ? 1 : found.run + 1;
}

/*
 * All spaces are done: shared->check_end.
 *
 * Locks:    freeze_spaces(); takes [sh].
 */
void
sh_check_end(struct vm_report *rep)
{
	found.run = next_run();
	found.objects = found.records = found.pages = 0;
	anons_all_entries(&sh_anon_ops, meet_chain, NULL);
	anons_all_entries(&sh_anon_ops, judge_chain, rep);
	report_counted(rep, "I19", "objects", found.objects, EV_shadow_live);
	report_counted(rep, "I19", "records", found.records, EV_shadow_records);
	report_counted(rep, "I19", "pages", found.pages, EV_shadow_pages);
}

/* ---- the words of all pages ---- */

static void
say_chain(void *entry, void *arg)
{
	struct sh_object *o = ((struct sh_entry *)entry)->top;
	struct swap_walk *walk = arg;
	struct swap_words place;
	struct sh_page *page;
	uint64_t i;

	spin_lock(&sh_lock);
	for (; o != NULL && o->seen != found.run; o = o->parent) {
		o->seen = found.run;
		for (i = 0; (page = sh_from_locked(o, i)) != NULL;
		    i = page->index + 1) {
			place = sh_place(page, page->index);
			if (pte_is_away(word_get(&page->word)))
				(void)walk->fn(walk, &place);
		}
	}
	spin_unlock(&sh_lock);
}

/*
 * walk->fn for the word of each page, once: shared->swapped without a space.
 *
 * Locks:    freeze_spaces(); takes [sh].
 */
void
sh_each_swapped(struct swap_walk *walk)
{
	found.run = next_run();
	anons_all_entries(&sh_anon_ops, say_chain, walk);
}

/* ---- for /proc ---- */

/*
 * How many have the page of a FORK or VALID/FORK word of va, as far as its chain tells:
 * shared->refs.
 *
 * Locks:    [W]; takes [sh].
 * Returns:  at least so many, with the page's word in *named.
 */
int64_t
sh_refs(struct aspace *as, va_t va, uint64_t word, uint64_t *named)
{
	struct sh_entry *e = sh_entry_from(as, va >> PAGE_SHIFT);
	struct sh_object *o;
	struct sh_seen s;
	int64_t n = 1;

	HELD(&as->ws_lock);
	*named = 0;
	if (e == NULL)
		return n;
	spin_lock(&sh_lock);
	if (sh_look_locked(e->top, va >> PAGE_SHIFT, &s)) {
		*named = word_get(&s.page->word);
		for (o = e->top; o != s.object; o = o->parent)
			n += o->parent->num_children - 1;
		n -= s.page->unseen;
	}
	spin_unlock(&sh_lock);
	return MAX(n, 1);
}

/* " LO-HI/CHILDREN:PAGES", an object and what is seen of it. */
static void
put_object(struct out *o, const struct sh_object *obj, uint64_t lo, uint64_t hi)
{
	out_printf(o, " %lx-%lx/%u:%lu", lo << PAGE_SHIFT, hi << PAGE_SHIFT,
	    obj->num_children, obj->n);
}

/*
 * One line for an entry that sees pages: its chain, from the top.
 *
 * Locks:    [W] of its space; takes [sh].
 */
void
sh_show(void *entry, struct out *o)
{
	struct sh_entry *e = entry;
	uint64_t lo = e->start, hi = e->end;
	struct sh_object *obj = e->top;
	unsigned depth = 0;

	HELD(&e->as->ws_lock);
	if (obj->n == 0 && obj->parent == NULL)
		return;
	spin_lock(&sh_lock);
	for (; obj->parent != NULL; obj = obj->parent)
		depth++;
	out_printf(o, "%lx-%lx as=%lu depth=%u chain", lo << PAGE_SHIFT,
	    hi << PAGE_SHIFT, e->as->id, depth);
	for (obj = e->top; obj != NULL; obj = obj->parent) {
		put_object(o, obj, lo, hi);
		lo = MAX(lo, obj->lo) + obj->off;
		hi = MIN(hi, obj->hi) + obj->off;
	}
	out_printf(o, "\n");
	spin_unlock(&sh_lock);
}
