/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anon.c: anonymous objects: pages that belong to an object, not to a process
 *
 * Problem   tmpfs files, memfds and shared anonymous memory have pages that
 *           outlive each mapping, at any index up to 256 TiB, most of them
 *           absent.  An object of 1130 GiB with 3 pages must cost 3 pages and
 *           a few tables, and growing must not copy anything.
 *
 * Picture   vmo ─→ a.words[0…9], each of them:   the word of a page
 *                                            or  ─→ leaf           512 pages
 *                                            or  ─→ table ─→ leaf  512² pages
 *                                            …   anon_top() says which
 *
 *           tables are kpaged pages; a leaf has 512 owning words: TRANS while
 *           the page is in memory, mapped or not, SWAP when it is not.  An
 *           interior word is the child's kpaged page number << 1, never a frame.
 *
 * Rules     1. [O] guards words, tables and counts.  Tables are pinned while
 *              their words are used, and made and freed without [O].
 *           2. A table is made when a page below it is, and freed with its
 *              last word: nused == 0.  A search makes no table.  Tables are made
 *              one at a time, from the top: another thread may have made one.
 *           3. A page is found or made only below the size, read in the same
 *              hold of [O]; so none can appear behind a truncate (R7).  Pages
 *              that fallocate(2) keeps behind it, below a.keep, no fault finds.
 *           4. a.charged == pages + tables; if the whole object was charged,
 *              size + tables.
 *           5. Pages count in the quota of the file system, if there is one
 *              (quota.c); tables do not.
 */
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/object/object.h"
#include "vm/swap/swap.h"
#include "vm/want/want.h"
#include "vm/ws/ws.h"

/* One request for a page. */
struct anon_request {
	uint64_t pgoff;
	enum anon_want how;
	struct want *want;
	struct vm_page *page;   /* answer, pinned */
};

/* ---- the object ---- */

/* An anonymous object without pages.
 * Owns: the caller, the only reference.  Returns: NULL: no memory. */
struct vmo *
anon_create(uint64_t bytes)
{
	struct vmo *vmo = vmo_alloc(VMO_AOBJ, bytes);

	if (vmo == NULL)
		return NULL;
	EVENT(anon_create);
	return vmo;
}

/* The last reference is gone: free pages, tables, charge and header.
 * Locks: none of rank >= 3. */
void
anon_put(struct vmo *vmo)
{
	ASSERT(atomic_load(&vmo->refs) == 0);
	ASSERT(list_is_empty(&vmo->maps));
	anon_truncate(vmo, 0, VMO_MAX_PAGES);
	if (vmo->a.lost)
		anon_forget_lost(vmo);
	ASSERT(vmo->n_resident == 0 && vmo->a.n_tables == 0);
	commit_uncharge(vmo->a.charged);
	vmo_quota_put(vmo->a.quota);
	EVENT(anon_free);
	vmo_free(vmo);
}

/* ---- the tree ---- */

/* Which word of the header leads to a page, and through how many tables?
 * Locks: any; it knows no object. */
struct anon_top
anon_top(uint64_t pgoff)
{
	const unsigned direct = 6;
	struct anon_top top = { .word = (unsigned)pgoff, .end = direct };

	/* Like the blocks of a file in Unix: a few in the header, then trees, each a
	 * level deeper than the one before. */
	ASSERT(pgoff < VMO_MAX_PAGES);
	if (pgoff < direct)
		return top;
	while (pgoff >= top.end) {
		top.depth++;
		top.first = top.end;
		top.end += 1ul << (9 * top.depth);
	}
	top.word = direct + top.depth - 1;
	return top;
}

/* The path from the header to the owning word, as far as it exists.
 * Locks: [O].  Owns: the caller, a pin on path->table unless that is NULL.
 * Returns: 0: path->slot is the word; -ENOENT, -EIO: an interior one, which is 0 or could
 * not be read; -EAGAIN: w says which table is on swap. */
int
anon_walk(struct vmo *vmo, uint64_t pgoff, struct anon_path *path, struct want *w)
{
	struct anon_top top = anon_top(pgoff);
	va_t kva;

	HELD(&vmo->lock);
	path->table = NULL;
	path->slot = &vmo->a.words[top.word];
	path->at = pgoff - top.first;
	for (path->depth = top.depth; path->depth > 0; path->depth--) {
		if (*path->slot == 0)
			return -ENOENT;
		if (*path->slot == AOBJ_LOST)
			return -EIO;
		kva = anon_table_kva(*path->slot);
		anon_unpin_table(path->table);
		path->table = kpaged_trypin(kva);
		if (path->table == NULL)
			return kpaged_want(w, kva);
		anon_attach(vmo, path->table, pgoff, path->depth);
		path->slot = (uint64_t *)kpaged_ptr(path->table, kva) +
		    anon_word_in(path->at, path->depth);
	}
	return 0;
}

/* Add the topmost table that is missing: it is made without [O], and linked with [O] if
 * it is still missing, else freed.  0, -ENOMEM, -EINTR. */
static int
anon_add_table(struct vmo *vmo, uint64_t pgoff, struct want *w)
{
	struct vm_page *table;
	struct anon_path path;
	bool missing;
	va_t kva;
	int r;

	want_end(w); /* R9: no frame, for it waits for another */
	if (anon_table_charge(vmo) != 0)
		return -ENOMEM;
	kva = kpaged_alloc(1);
	r = kva == 0 ? -ENOMEM : kpaged_pin(kva, &table);
	if (r != 0)
		goto undo_kva;
	spin_lock(&vmo->lock);
	missing = anon_walk(vmo, pgoff, &path, w) == -ENOENT;
	if (missing) {
		anon_set_upper(path.table, path.slot,
		    (kva - MD_KPAGED_BASE) >> PAGE_SHIFT << 1);
		vmo->a.n_tables++;
		vmo->a.charged += !vmo->charged_whole;
		EVENT(anon_table_alloc);
		EVENT_ADD(anon_tables, 1);
	}
	spin_unlock(&vmo->lock);
	anon_unpin_table(path.table);
	anon_unpin_table(table);
	if (missing)
		return 0;
	/* Another thread was faster, or a table is on swap: look again. */
undo_kva:
	if (kva != 0)
		kpaged_free(kva, 1);
	anon_table_uncharge(vmo, 1);
	return r;
}

/* Make the tables that lead to a page.
 * Locks: none of rank >= 3.
 * Returns: 0; -ENOMEM (no commit, no address), -EIO (one is lost), -EINTR: nothing is
 * left over. */
int
anon_make_path(struct vmo *vmo, uint64_t pgoff)
{
	struct want w = { .what = WANT_AGAIN };
	struct anon_path path;
	int r;

	do {
		spin_lock(&vmo->lock);
		r = anon_walk(vmo, pgoff, &path, &w);
		spin_unlock(&vmo->lock);
		anon_unpin_table(path.table);
		if (r == -EAGAIN)
			r = want_get(&w);
		else if (r == -ENOENT)
			r = anon_add_table(vmo, pgoff, &w);
		else
			break;
	} while (r == 0);
	want_end(&w);
	if (r != 0)
		anon_prune(vmo, pgoff);
	return r;
}

/* ---- pages ---- */

/* The page is in memory: pin it for the caller.  [P]. */
static void
pin_found(struct anon_request *req, struct vm_page *pg)
{
	if (req->how == ANON_TOUCH)
		ws_rescue(pg);
	page_pin_locked(pg);
	req->page = pg;
}

/* Nearly always the page and the tables above it are in memory: then they need no pins.
 * [O] held.  False: a table or the page is on swap, or does not exist. */
static bool
pin_at_hand(struct vmo *vmo, struct anon_request *req)
{
	struct vm_page *pg;

	spin_lock(&pfn_lock);
	anon_at_hand(vmo, req->pgoff, 1, &pg);
	if (pg != NULL)
		pin_found(req, pg);
	spin_unlock(&pfn_lock);
	return pg != NULL;
}

/* The page is on swap: begin to read it, and pages behind it.  [O] held. */
static int
anon_read(struct anon_request *req, struct anon_path *path)
{
	const struct swap_words words = { .container = path->table,
		.word = path->slot, .step = 1,
		.max = (unsigned)(anon_run_end(req->pgoff) - req->pgoff),
		.home = HOME_AOBJ, .index = req->pgoff };

	(void)want_swap_in(req->want, &words);
	return -EAGAIN;
}

/* The hole at path becomes a page, in the zeroed frame of req->want: charged and counted;
 * req->page, with a pin for the caller.  0; -ENOSPC no quota, -ENOMEM no
 * commit: nothing has changed.  [O] held. */
static int
anon_make(struct vmo *vmo, struct anon_request *req, struct anon_path *path)
{
	struct vm_page *pg;

	if (!quota_take(vmo->a.quota))
		return -ENOSPC;
	if (vmo->charged_whole ? !commit_may_touch() : commit_charge(1) != 0) {
		quota_give(vmo->a.quota, 1);
		return -ENOMEM;
	}
	if (!vmo->charged_whole)
		vmo->a.charged++;
	pg = req->want->frame;
	req->want->frame = NULL;
	req->page = pg;
	spin_lock(&pfn_lock);
	page_adopt_locked(pg, HOME_AOBJ, word_pa(path->slot), req->pgoff);
	page_pin_locked(pg);
	word_set_locked(path->table, path->slot, pte_make_trans(pg));
	spin_unlock(&pfn_lock);
	vmo->n_resident++;
	EVENT(anon_page_new);
	EVENT_ADD(anon_pages, 1);
	return 0;
}

/* Pin the page of the word at path, or make it, or begin to read it.  [O] held. */
static int
anon_take(struct vmo *vmo, struct anon_request *req, struct anon_path *path)
{
	struct want *w = req->want;
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_get(path->slot);
	if (pte_kind(word) == PTE_TRANS)
		pin_found(req, pte_page(word));
	spin_unlock(&pfn_lock);
	switch (pte_kind(word)) {
	case PTE_TRANS:
		return 0;
	case PTE_ABSENT:
		if (req->how == ANON_FIND)
			return -ENOENT;
		if (w->frame != NULL && w->zeroed)
			return anon_make(vmo, req, path);
		w->what = WANT_ZEROS;
		return -EAGAIN;
	case PTE_BUSY:
		return want_page(w, pte_page(word));
	case PTE_SWAP:
		return anon_read(req, path);
	case PTE_ERROR:
		return -EIO;
	case PTE_VALID:
	case PTE_FORK:
		break;
	}
	panic("anon: word %lx of page %lu", word, req->pgoff);
}

static int
look(struct vmo *vmo, struct anon_request *req)
{
	struct anon_path path = { .table = NULL };
	int r = -ENXIO;
	uint64_t end;

	spin_lock(&vmo->lock);
	end = PAGE_UP(vmo->size) >> PAGE_SHIFT;
	if (req->how != ANON_TOUCH)
		end = MAX(end, vmo->a.keep);
	if (req->pgoff < end)
		r = 0;
	if (r == 0 && !pin_at_hand(vmo, req)) {
		r = anon_walk(vmo, req->pgoff, &path, req->want);
		if (r == 0)
			r = anon_take(vmo, req, &path);
	}
	spin_unlock(&vmo->lock);
	anon_unpin_table(path.table);
	return r;
}

/* One look at a page; it is made, or its read begun, if need be.
 * Locks: at most [W]; takes [O], [P].  Owns: the caller, a pin in *out.
 * Returns: 0; -EAGAIN; -ENXIO beyond the end; -ENOENT a hole (ANON_FIND), or no table
 * leads there; -EIO it is lost; -ENOMEM no commit, -ENOSPC no quota. */
int
anon_look(struct vmo *vmo, uint64_t pgoff, enum anon_want how, struct want *w,
    struct vm_page **out)
{
	struct anon_request req = { .pgoff = pgoff, .how = how, .want = w };
	int r = look(vmo, &req);

	/* Pages are zeroed without [O]. */
	if (r == -EAGAIN && w->what == WANT_ZEROS && want_zeros(w))
		r = look(vmo, &req);
	*out = req.page;
	return r;
}

/* The page at pgoff, found or made.
 * Locks: none of rank >= 3.  Owns: the caller, a pin in *out.
 * Returns: 0; -ENXIO beyond the end; -ENOENT a hole (ANON_FIND); -ENOSPC no commit, no
 * quota, no table; -EIO the page is lost; -EINTR (fatal signal while waiting). */
int
anon_page(struct vmo *vmo, uint64_t pgoff, enum anon_want how,
    struct vm_page **out)
{
	struct want w = { .what = WANT_AGAIN };
	int r;

	do {
		r = anon_look(vmo, pgoff, how, &w, out);
		if (r == -EAGAIN) {
			r = want_get(&w);
		} else if (r == -ENOENT && how == ANON_CREATE) {
			want_end(&w); /* no frame: it waits for its own */
			r = anon_make_path(vmo, pgoff);
		} else {
			break;
		}
	} while (r == 0);
	want_end(&w);
	if (r != 0 && how == ANON_CREATE)
		anon_prune(vmo, pgoff);
	return r == -ENOMEM ? -ENOSPC : r;
}

/* ---- the end of pages ---- */

/* Clear one word and free its page or slot.  [O] held. */
static void
anon_clear(struct vm_page *table, uint64_t *at, pfn_t *dead)
{
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_set_locked(table, at, 0);
	if (pte_kind(word) == PTE_SWAP)
		swap_free(swap_slot(word));
	if (pte_names_frame(word) && page_disown_locked(pte_page(word)))
		page_chain(dead, pte_page(word));
	spin_unlock(&pfn_lock);
}

/* Clear the words of one leaf table, or of the header; *lo moves on.  0, -EAGAIN. */
static int
anon_clear_run(struct vmo *vmo, uint64_t *lo, uint64_t hi, struct want *w)
{
	uint64_t first, end, at, *word, n = 0;
	struct vm_page *table;
	pfn_t dead = 0;
	int r;

	spin_lock(&vmo->lock);
	r = anon_next_word(vmo, lo, w, &table, &word);
	if (word == NULL) {
		spin_unlock(&vmo->lock);
		*lo = r == 0 ? UINT64_MAX : *lo;
		return r;
	}
	first = *lo;
	end = MIN(hi, anon_run_end(first));
	for (at = first; at < end; at++, word++) {
		if (word_get(word) == 0)
			continue;
		anon_clear(table, word, &dead);
		n++;
	}
	/* A table that could not be read has more words than there were pages. */
	n = MIN(n, vmo->n_resident);
	vmo->n_resident -= n;
	vmo->a.charged -= vmo->charged_whole ? 0 : n;
	spin_unlock(&vmo->lock);
	anon_unpin_table(table);
	page_free_chain(dead);
	commit_uncharge(vmo->charged_whole ? 0 : n);
	quota_give(vmo->a.quota, n);
	EVENT_ADD(anon_pages, -(int64_t)n);
	anon_prune(vmo, first);
	*lo = end;
	return 0;
}

/* Free the pages of [lo, hi) and tables that become empty.  A page that is still mapped
 * or pinned loses its owner, and is freed with its last mapping or pin.
 * Locks: none of rank >= 3. */
void
anon_truncate(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	struct want w = { .what = WANT_AGAIN };

	hi = MIN(hi, VMO_MAX_PAGES);
	while (lo < hi)
		if (anon_clear_run(vmo, &lo, hi, &w) != 0)
			want_finish(&w);
	want_end(&w);
}
