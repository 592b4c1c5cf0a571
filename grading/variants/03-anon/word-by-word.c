/* SPDX-License-Identifier: BSD-2-Clause */
/* A correct solution that goes another way: levels by recursion, tables made before the first look, nothing looked for at hand, words cut one by one, each in a hold of its own. */
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


struct vmo *
anon_create(uint64_t bytes)
{
	struct vmo *vmo = vmo_alloc(VMO_AOBJ, bytes);

	if (vmo == NULL)
		return NULL;
	EVENT(anon_create);
	return vmo;
}

/* One level down, and on; *way is where we are. */
static int
descend(struct vmo *vmo, uint64_t pgoff, struct anon_path *way, struct want *w)
{
	uint64_t word = *way->slot;
	struct vm_page *pg;
	va_t kva;

	if (way->depth == 0)
		return 0;
	if (word == 0 || word == AOBJ_LOST)
		return word == 0 ? -ENOENT : -EIO;
	kva = anon_table_kva(word);
	pg = kpaged_trypin(kva);
	anon_unpin_table(way->table);
	way->table = pg;
	if (pg == NULL)
		return kpaged_want(w, kva);
	anon_attach(vmo, pg, pgoff, way->depth);
	way->slot = kpaged_ptr(pg, kva);
	way->slot += way->at >> 9 * --way->depth & (MD_PT_WORDS - 1);
	return descend(vmo, pgoff, way, w);
}

/* Each range of pages is looked at in turn: five words, three leaves, two trees. */
struct anon_top
anon_top(uint64_t pgoff)
{
	struct anon_top top = { .word = 5, .depth = 1, .first = 5, .end = 5 + 512 };

	if (pgoff < 5)
		return (struct anon_top){ .word = (unsigned)pgoff, .end = 5 };
	while (pgoff >= top.end) {
		top.word++;
		top.depth = top.word < 8 ? 1 : top.word == 8 ? 2 : 4;
		top.first = top.end;
		top.end += 1ul << 9 * top.depth;
	}
	return top;
}

int
anon_walk(struct vmo *vmo, uint64_t pgoff, struct anon_path *way, struct want *w)
{
	struct anon_top top = anon_top(pgoff);

	*way = (struct anon_path){ .slot = &vmo->a.words[top.word],
		.depth = top.depth, .at = pgoff - top.first };
	return descend(vmo, pgoff, way, w);
}

/* ---- growth ---- */

/* Hang kva in if a table is missing.  0; 1: it is not needed; -EAGAIN, -EIO. */
static int
hang(struct vmo *vmo, uint64_t pgoff, va_t kva, struct want *w)
{
	struct anon_path way;
	int r;

	spin_lock(&vmo->lock);
	r = anon_walk(vmo, pgoff, &way, w);
	if (r == -ENOENT && kva != 0) {
		anon_set_upper(way.table, way.slot,
		    (kva - MD_KPAGED_BASE) / PAGE_SIZE * 2);
		EVENT(anon_table_alloc);
		EVENT_ADD(anon_tables, 1);
		vmo->a.n_tables++;
		if (!vmo->charged_whole)
			vmo->a.charged++;
	}
	spin_unlock(&vmo->lock);
	anon_unpin_table(way.table);
	return r == 0 ? 1 : r == -ENOENT && kva != 0 ? 0 : r;
}

/* A table in memory, charged.  0 and *kva; -ENOMEM, -EINTR. */
static int
new_table(struct vmo *vmo, va_t *kva, struct vm_page **pg)
{
	int r = anon_table_charge(vmo);

	*kva = 0;
	if (r != 0)
		return r;
	*kva = kpaged_alloc(1);
	r = *kva == 0 ? -ENOMEM : kpaged_pin(*kva, pg);
	if (r == 0)
		return 0;
	if (*kva != 0)
		kpaged_free(*kva, 1);
	anon_table_uncharge(vmo, 1);
	return r;
}

int
anon_make_path(struct vmo *vmo, uint64_t pgoff)
{
	struct want w = { .what = WANT_AGAIN };
	struct vm_page *pg;
	va_t kva;
	int r;

	while ((r = hang(vmo, pgoff, 0, &w)) != 1) {
		if (r == -EAGAIN) {
			r = want_get(&w);
		} else if (r == -ENOENT) {
			want_end(&w);
			r = new_table(vmo, &kva, &pg);
			if (r != 0)
				break;
			r = hang(vmo, pgoff, kva, &w);
			anon_unpin_table(pg);
			if (r != 0) {
				kpaged_free(kva, 1);
				anon_table_uncharge(vmo, 1);
			}
			r = 0;
		}
		if (r != 0)
			break;
	}
	want_end(&w);
	if (r == 1)
		return 0;
	anon_prune(vmo, pgoff);
	return r;
}

/* ---- pages ---- */

static int
pay(struct vmo *vmo)
{
	int r = 0;

	if (!quota_take(vmo->a.quota))
		return -ENOSPC;
	if (!vmo->charged_whole)
		r = commit_charge(1);
	else if (!commit_may_touch())
		r = -ENOMEM;
	if (r != 0)
		quota_give(vmo->a.quota, 1);
	else
		vmo->a.charged += !vmo->charged_whole;
	return r;
}

/* A hole becomes a page.  [O]. */
static int
fill(struct vmo *vmo, uint64_t pgoff, struct anon_path *way, struct want *w)
{
	struct vm_page *pg = w->frame;
	int r;

	if (pg == NULL || !w->zeroed) {
		w->what = WANT_ZEROS;
		return -EAGAIN;
	}
	r = pay(vmo);
	if (r != 0)
		return r;
	w->frame = NULL;
	spin_lock(&pfn_lock);
	page_adopt_locked(pg, HOME_AOBJ, word_pa(way->slot), pgoff);
	page_pin_locked(pg);
	word_set_locked(way->table, way->slot, pte_make_trans(pg));
	spin_unlock(&pfn_lock);
	vmo->n_resident++;
	EVENT(anon_page_new);
	EVENT_ADD(anon_pages, 1);
	return 0;
}

/* Pin what the word names; NULL: it names no page in memory. */
static struct vm_page *
pin_named(uint64_t *slot, enum anon_want how)
{
	struct vm_page *pg = NULL;

	spin_lock(&pfn_lock);
	if (pte_is_trans(word_get(slot))) {
		pg = pte_page(word_get(slot));
		if (how == ANON_TOUCH)
			ws_rescue(pg);
		page_pin_locked(pg);
	}
	spin_unlock(&pfn_lock);
	return pg;
}

static int
bring(uint64_t pgoff, struct anon_path *way, struct want *w)
{
	struct swap_words words = { .container = way->table,
		.word = way->slot, .step = 1, .max = 1,
		.home = HOME_AOBJ, .index = pgoff };

	(void)want_swap_in(w, &words);
	return -EAGAIN;
}

static int
look_once(struct vmo *vmo, uint64_t pgoff, enum anon_want how,
    struct want *w, struct vm_page **out)
{
	uint64_t end = PAGE_UP(vmo->size) / PAGE_SIZE, word;
	struct anon_path way;
	int r;

	if (how != ANON_TOUCH && end < vmo->a.keep)
		end = vmo->a.keep;
	if (pgoff >= end)
		return -ENXIO;
	r = anon_walk(vmo, pgoff, &way, w);
	if (r == 0) {
		word = word_get(way.slot);
		*out = pin_named(way.slot, how);
		if (*out != NULL)
			r = 0;
		else if (word == 0 && how == ANON_FIND)
			r = -ENOENT;
		else if (word == 0 && (r = fill(vmo, pgoff, &way, w)) == 0)
			*out = pin_named(way.slot, ANON_FIND);
		else if (word == 0)
			;
		else if (pte_kind(word) == PTE_ERROR)
			r = -EIO;
		else if (pte_kind(word) == PTE_SWAP)
			r = bring(pgoff, &way, w);
		else if (pte_kind(word) == PTE_BUSY)
			r = want_page(w, pte_page(word));
		else
			r = want_again(w);
		if (r == 0 && word == 0)
			page_unpin(*out); /* fill() has one, too */
	}
	anon_unpin_table(way.table);
	return r;
}

int
anon_look(struct vmo *vmo, uint64_t pgoff, enum anon_want how, struct want *w,
    struct vm_page **out)
{
	int r;

	do {
		*out = NULL;
		spin_lock(&vmo->lock);
		r = look_once(vmo, pgoff, how, w, out);
		spin_unlock(&vmo->lock);
	} while (r == -EAGAIN && w->what == WANT_ZEROS && want_zeros(w));
	return r;
}

/* Tables first, where a page may have to be made. */
int
anon_page(struct vmo *vmo, uint64_t pgoff, enum anon_want how,
    struct vm_page **out)
{
	struct want w = { .what = WANT_AGAIN };
	int r = 0;

	for (;;) {
		if (how == ANON_CREATE)
			r = anon_make_path(vmo, pgoff);
		if (r == 0)
			r = anon_look(vmo, pgoff, how, &w, out);
		if (r != -EAGAIN && (r != -ENOENT || how != ANON_CREATE))
			break;
		r = r == -EAGAIN ? want_get(&w) : 0;
		if (r != 0)
			break;
	}
	want_end(&w);
	if (r != 0 && how == ANON_CREATE)
		anon_prune(vmo, pgoff);
	return r == -ENOMEM ? -ENOSPC : r;
}

/* ---- the end ---- */

/* One word, if it is still in use: its page, slot and price. */
static void
cut_word(struct vmo *vmo, struct vm_page *table, uint64_t *slot)
{
	struct vm_page *pg = NULL;
	bool last = false;
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_set_locked(table, slot, 0);
	if (word != 0 && pte_names_frame(word)) {
		pg = pte_page(word);
		last = page_disown_locked(pg);
	} else if (word != 0 && pte_kind(word) == PTE_SWAP) {
		swap_free(swap_slot(word));
	}
	spin_unlock(&pfn_lock);
	if (word != 0 && vmo->n_resident > 0) {
		vmo->n_resident--;
		quota_give(vmo->a.quota, 1);
		EVENT_ADD(anon_pages, -1);
		if (!vmo->charged_whole) {
			vmo->a.charged--;
			commit_uncharge(1);
		}
	}
	if (last)
		page_free(pg);
}

/* The next word of [*at, hi) goes; at the end of its leaf empty tables, too. */
static int
cut_next(struct vmo *vmo, uint64_t *at, uint64_t hi, struct want *w)
{
	struct vm_page *table;
	uint64_t *word, was;
	int r;

	spin_lock(&vmo->lock);
	r = anon_next_word(vmo, at, w, &table, &word);
	was = *at;
	if (r == 0 && (word == NULL || was >= hi))
		*at = hi;
	else if (r == 0) {
		if (word_get(word) != 0)
			cut_word(vmo, table, word);
		++*at;
	}
	spin_unlock(&vmo->lock);
	anon_unpin_table(table);
	if (r == 0 && was < hi && (*at == hi || *at == anon_run_end(was)))
		anon_prune(vmo, was);
	return r;
}

void
anon_truncate(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	struct want w = { .what = WANT_AGAIN };

	if (hi > VMO_MAX_PAGES)
		hi = VMO_MAX_PAGES;
	while (lo < hi)
		if (cut_next(vmo, &lo, hi, &w) != 0)
			want_finish(&w);
	want_end(&w);
}

void
anon_put(struct vmo *vmo)
{
	anon_truncate(vmo, 0, UINT64_MAX);
	if (vmo->a.lost)
		anon_forget_lost(vmo);
	vmo_quota_put(vmo->a.quota);
	commit_uncharge(vmo->a.charged);
	EVENT(anon_free);
	vmo_free(vmo);
}
