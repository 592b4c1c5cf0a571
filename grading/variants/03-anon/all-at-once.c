/* SPDX-License-Identifier: BSD-2-Clause */
/* A correct solution that goes another way: the digits of an index first, all missing tables in one go, the frame before the look, dead pages in an array, pages cut from behind. */
/*
 * anon.c: anonymous objects, pages that belong to an object and no process
 *
 * Problem   tmpfs files, memfds and shared anonymous memory have pages which
 *           outlive each mapping, at any index up to 256 TiB, most of them
 *           absent.  An object of 1130 GiB with 3 pages must cost 3 pages and
 *           a few tables, and growing must not copy anything.
 *
 * Picture   vmo ─┬ direct[0…5]                      words of pages 0 … 5
 *                ├ ind[0] ─→ leaf                   the next 512
 *                ├ ind[1] ─→ table ─→ leaf          the next 512²
 *                ├ ind[2] ─→ table ─→ table ─→ leaf the next 512³
 *                └ ind[3] ─→ … four tables          the rest of 256 TiB
 *
 *           tables are kpaged pages; a leaf has 512 owning words: TRANS while
 *           the page is in memory, mapped or not, SWAP when it is not.  An
 *           interior word is the child's kpaged page number << 1, never a frame.
 *
 * Rules     1. [O] guards words, tables and counts.  Tables are pinned while
 *              their words are used, and made and freed without [O].
 *           2. A table is made when a page below it is, and freed with its
 *              last word: nused == 0.  Looking for a hole makes nothing.  One
 *              table at a time, from above: another may have made it meanwhile.
 *           3. A page is found or made only below the size, read in the same
 *              hold of [O]; so none can appear behind a truncate (R7).  What
 *              fallocate(2) keeps behind it, below a.keep, no fault finds.
 *           4. a.charged == pages + tables; where the mapping paid for the
 *              whole object, size + tables.
 *           5. Pages count in the quota of the file system, if there is one
 *              (vmo.c); tables do not.
 */
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/object/object.h"
#include "vm/swap/swap.h"
#include "vm/vm.h"
#include "vm/want/want.h"
#include "vm/ws/ws.h"


#define DEAD_MAX 48

/* An index as the digits of its way, the topmost last. */
struct digits {
	uint64_t at;
	unsigned n, digit[ANON_LEVELS];
};

/* Tables that are on their way into a tree. */
struct new_tables {
	unsigned n, used;
	va_t kva[ANON_LEVELS];
	struct vm_page *page[ANON_LEVELS];
};

/* What a truncate has taken out of a leaf. */
struct dead_pages {
	unsigned n;
	uint64_t words;
	struct vm_page *page[DEAD_MAX];
};

/* Seven pages, a leaf, a tree of two levels, and all the rest. */
struct anon_top
anon_top(uint64_t pgoff)
{
	static const struct anon_top tops[] = {
		{ .word = 7, .depth = 1, .first = 7, .end = 7 + 512 },
		{ .word = 8, .depth = 2, .first = 519, .end = 519 + 512 * 512 },
		{ .word = 9, .depth = 4, .first = 262663, .end = 262663 + (1ul << 36) }
	};
	unsigned i;

	if (pgoff < 7)
		return (struct anon_top){ .word = (unsigned)pgoff, .end = 7 };
	for (i = 0; pgoff >= tops[i].end; i++)
		;
	return tops[i];
}

static struct digits
digits_of(uint64_t pgoff)
{
	struct anon_top top = anon_top(pgoff);
	struct digits d = { .at = pgoff - top.first, .n = top.depth };
	uint64_t rest;
	unsigned i;

	for (i = 0, rest = d.at; i < d.n; i++, rest /= MD_PT_WORDS)
		d.digit[i] = (unsigned)(rest % MD_PT_WORDS);
	return d;
}

struct vmo *
anon_create(uint64_t bytes)
{
	struct vmo *vmo = vmo_alloc(VMO_AOBJ, bytes);

	if (vmo != NULL)
		EVENT(anon_create);
	return vmo;
}

int
anon_walk(struct vmo *vmo, uint64_t pgoff, struct anon_path *way, struct want *w)
{
	struct digits d = digits_of(pgoff);
	struct vm_page *next;
	va_t kva;

	*way = (struct anon_path){ .at = d.at, .depth = d.n,
		.slot = vmo->a.words + anon_top(pgoff).word };
	while (way->depth > 0) {
		if (*way->slot == 0)
			return -ENOENT;
		if (*way->slot == AOBJ_LOST)
			return -EIO;
		kva = anon_table_kva(*way->slot);
		next = kpaged_trypin(kva);
		if (next == NULL)
			return kpaged_want(w, kva);
		anon_unpin_table(way->table);
		way->table = next;
		anon_attach(vmo, next, pgoff, way->depth);
		way->depth--;
		way->slot = (uint64_t *)kpaged_ptr(next, kva) +
		    d.digit[way->depth];
	}
	return 0;
}

/* ---- growth ---- */

static int
get_table(struct vmo *vmo, struct new_tables *t)
{
	int r = -ENOMEM;
	va_t kva;

	if (anon_table_charge(vmo) != 0)
		return r;
	kva = kpaged_alloc(1);
	if (kva != 0)
		r = kpaged_pin(kva, &t->page[t->n]);
	if (r == 0) {
		t->kva[t->n++] = kva;
		return 0;
	}
	if (kva != 0)
		kpaged_free(kva, 1);
	anon_table_uncharge(vmo, 1);
	return r;
}

/* Hang in as many as are missing now. */
static void
hang_tables(struct vmo *vmo, uint64_t pgoff, struct new_tables *t,
    struct want *w)
{
	struct digits d = digits_of(pgoff);
	struct anon_path way;
	struct vm_page *above;
	uint64_t *slot;
	unsigned depth;
	bool missing;

	spin_lock(&vmo->lock);
	missing = anon_walk(vmo, pgoff, &way, w) == -ENOENT;
	above = way.table;
	slot = way.slot;
	for (depth = way.depth; missing && depth > 0 && t->used < t->n;) {
		anon_set_upper(above, slot,
		    (t->kva[t->used] - MD_KPAGED_BASE) >> PAGE_SHIFT << 1);
		above = t->page[t->used];
		anon_attach(vmo, above, pgoff, depth);
		depth--;
		slot = (uint64_t *)kpaged_ptr(above, t->kva[t->used++]) +
		    d.digit[depth];
		EVENT(anon_table_alloc);
		EVENT_ADD(anon_tables, 1);
	}
	vmo->a.n_tables += t->used;
	vmo->a.charged += vmo->charged_whole ? 0 : t->used;
	spin_unlock(&vmo->lock);
	anon_unpin_table(way.table);
}

/* Those that nobody needed go. */
static void
let_tables_go(struct vmo *vmo, struct new_tables *t)
{
	unsigned i;

	for (i = 0; i < t->n; i++) {
		anon_unpin_table(t->page[i]);
		if (i >= t->used)
			kpaged_free(t->kva[i], 1);
	}
	anon_table_uncharge(vmo, t->n - t->used);
}

static int
add_tables(struct vmo *vmo, uint64_t pgoff, unsigned missing, struct want *w)
{
	struct new_tables t = { .n = 0 };
	int r = 0;

	want_end(w);
	while (r == 0 && t.n < missing)
		r = get_table(vmo, &t);
	if (r == 0)
		hang_tables(vmo, pgoff, &t, w);
	let_tables_go(vmo, &t);
	return r;
}

int
anon_make_path(struct vmo *vmo, uint64_t pgoff)
{
	struct want w = { .what = WANT_AGAIN };
	struct anon_path way;
	int r;

	for (;;) {
		spin_lock(&vmo->lock);
		r = anon_walk(vmo, pgoff, &way, &w);
		spin_unlock(&vmo->lock);
		anon_unpin_table(way.table);
		if (r == -ENOENT)
			r = add_tables(vmo, pgoff, way.depth, &w);
		else if (r == -EAGAIN)
			r = want_get(&w);
		else
			break;
		if (r != 0)
			break;
	}
	want_end(&w);
	return r;
}

/* ---- pages ---- */

static int
new_page(struct vmo *vmo, uint64_t pgoff, struct anon_path *way,
    struct want *w, struct vm_page **out)
{
	bool whole = vmo->charged_whole;

	if (w->frame == NULL || !w->zeroed) {
		w->what = WANT_ZEROS;
		return -EAGAIN;
	}
	if (whole && !commit_may_touch())
		return -ENOMEM;
	if (!whole && commit_charge(1) != 0)
		return -ENOMEM;
	if (!quota_take(vmo->a.quota)) {
		commit_uncharge(!whole);
		return -ENOSPC;
	}
	*out = w->frame;
	w->frame = NULL;
	spin_lock(&pfn_lock);
	word_set_locked(way->table, way->slot, pte_make_trans(*out));
	page_adopt_locked(*out, HOME_AOBJ, word_pa(way->slot), pgoff);
	page_pin_locked(*out);
	spin_unlock(&pfn_lock);
	vmo->a.charged += !whole;
	vmo->n_resident++;
	EVENT(anon_page_new);
	EVENT_ADD(anon_pages, 1);
	return 0;
}

/* What the word says; [O]. */
static int
by_word(struct vmo *vmo, uint64_t pgoff, enum anon_want how,
    struct anon_path *way, struct want *w, struct vm_page **out)
{
	struct swap_words words = { .container = way->table, .word = way->slot,
		.step = 1, .home = HOME_AOBJ, .index = pgoff,
		.max = (unsigned)(anon_run_end(pgoff) - pgoff) };
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_get(way->slot);
	if (pte_is_trans(word)) {
		*out = pte_page(word);
		if (how == ANON_TOUCH)
			ws_rescue(*out);
		page_pin_locked(*out);
	}
	spin_unlock(&pfn_lock);
	if (*out != NULL)
		return 0;
	switch (pte_kind(word)) {
	case PTE_ABSENT:
		return how == ANON_FIND ? -ENOENT :
		    new_page(vmo, pgoff, way, w, out);
	case PTE_SWAP:
		(void)want_swap_in(w, &words);
		return -EAGAIN;
	case PTE_BUSY:
		return want_page(w, pte_page(word));
	case PTE_ERROR:
		return -EIO;
	case PTE_TRANS:
	case PTE_VALID:
	case PTE_FORK:
		break;
	}
	panic("anon: word %lx of page %lu", word, pgoff);
}

static int
one_pass(struct vmo *vmo, uint64_t pgoff, enum anon_want how, struct want *w,
    struct vm_page **out)
{
	struct anon_path way = { .table = NULL };
	uint64_t end;
	int r;

	*out = NULL;
	spin_lock(&vmo->lock);
	end = how == ANON_TOUCH ? PAGE_UP(vmo->size) >> PAGE_SHIFT :
	    anon_end(vmo);
	r = pgoff >= end ? -ENXIO : anon_walk(vmo, pgoff, &way, w);
	if (r == 0)
		r = by_word(vmo, pgoff, how, &way, w, out);
	spin_unlock(&vmo->lock);
	anon_unpin_table(way.table);
	return r;
}

int
anon_look(struct vmo *vmo, uint64_t pgoff, enum anon_want how, struct want *w,
    struct vm_page **out)
{
	int r = one_pass(vmo, pgoff, how, w, out);

	while (r == -EAGAIN && w->what == WANT_ZEROS && want_zeros(w))
		r = one_pass(vmo, pgoff, how, w, out);
	return r;
}

int
anon_page(struct vmo *vmo, uint64_t pgoff, enum anon_want how,
    struct vm_page **out)
{
	struct want w = { .what = WANT_AGAIN };
	int r;

	for (;;) {
		r = anon_look(vmo, pgoff, how, &w, out);
		if (r == -EAGAIN)
			r = want_get(&w);
		else if (r != -ENOENT || how != ANON_CREATE)
			break;
		else
			r = anon_make_path(vmo, pgoff);
		if (r != 0)
			break;
	}
	want_end(&w);
	if (r < 0)
		anon_prune(vmo, pgoff);
	return r == -ENOMEM ? -ENOSPC : r;
}

/* ---- the end ---- */

/* Words of [lo, hi) from behind, until the array is full; the first not done. */
static uint64_t
bury(struct vm_page *table, uint64_t *word, uint64_t lo, uint64_t hi,
    struct dead_pages *dead)
{
	struct vm_page *pg;
	uint64_t old;

	spin_lock(&pfn_lock);
	for (; hi > lo && dead->n < DEAD_MAX; hi--) {
		if (word_get(&word[hi - 1 - lo]) == 0)
			continue;
		old = word_set_locked(table, &word[hi - 1 - lo], 0);
		dead->words++;
		if (pte_kind(old) == PTE_SWAP)
			swap_free(swap_slot(old));
		if (!pte_names_frame(old))
			continue;
		pg = pte_page(old);
		if (page_disown_locked(pg))
			dead->page[dead->n++] = pg;
	}
	spin_unlock(&pfn_lock);
	return hi;
}

/* Words of the leaf in which *lo lies; *lo moves on when all of them are gone. */
static int
cut_leaf(struct vmo *vmo, uint64_t *lo, uint64_t hi, struct want *w)
{
	struct dead_pages dead = { .n = 0 };
	struct vm_page *table;
	uint64_t *word, first, left;
	int r;

	spin_lock(&vmo->lock);
	r = anon_next_word(vmo, lo, w, &table, &word);
	first = *lo;
	if (word == NULL || first >= hi) {
		spin_unlock(&vmo->lock);
		anon_unpin_table(table);
		if (r == 0)
			*lo = hi;
		return r;
	}
	hi = MIN(hi, anon_run_end(first));
	left = bury(table, word, first, hi, &dead);
	dead.words = MIN(dead.words, vmo->n_resident);
	vmo->n_resident -= dead.words;
	if (!vmo->charged_whole)
		vmo->a.charged -= dead.words;
	spin_unlock(&vmo->lock);
	anon_unpin_table(table);
	while (dead.n > 0)
		page_free(dead.page[--dead.n]);
	if (!vmo->charged_whole)
		commit_uncharge(dead.words);
	quota_give(vmo->a.quota, dead.words);
	EVENT_ADD(anon_pages, -(int64_t)dead.words);
	if (left == first) {
		anon_prune(vmo, first);
		*lo = hi;
	}
	return 0;
}

void
anon_truncate(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	struct want w = { .what = WANT_AGAIN };

	hi = MIN(hi, VMO_MAX_PAGES);
	while (lo < hi)
		if (cut_leaf(vmo, &lo, hi, &w) == -EAGAIN)
			want_finish(&w);
	want_end(&w);
}

void
anon_put(struct vmo *vmo)
{
	struct vmo_quota *quota = vmo->a.quota;
	uint64_t charged;

	anon_truncate(vmo, 0, VMO_MAX_PAGES);
	if (vmo->a.lost)
		anon_forget_lost(vmo);
	charged = vmo->a.charged;
	ASSERT(vmo->a.n_tables == 0);
	vmo_free(vmo);
	vmo_quota_put(quota);
	commit_uncharge(charged);
	EVENT(anon_free);
}
