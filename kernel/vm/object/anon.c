/* SPDX-License-Identifier: BSD-2-Clause */
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
 *           the page is in memory, mapped or not, SWAP when it is not.  An interior word is the
 *           child's kpaged page number << 1, never a frame.
 *
 * Rules     1. [O] guards words, tables and counts.  Tables are pinned while
 *              their words are used, and made and freed without [O].
 *           2. A table is made when a page below it is, and freed with its
 *              last word: nused == 0.  Looking for a hole makes nothing.
 *           3. A page is found or made only below the size, read in the same
 *              hold of [O]; so none can appear behind a truncate (R7).  What
 *              fallocate(2) keeps behind it, below a.keep, no fault finds.
 *           4. a.charged == pages + tables; where the mapping paid for the
 *              whole object, size + tables.
 *           5. Pages count in the quota of the file system, if there is one
 *              (vmoquota.c); tables do not.
 *
 * Read next anontab.c (tables come and go), vmo.c,
 *           vm/pte/fault.c (f9_map_aobj).  Book: ch08.
 */
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/object/object.h"
#include "vm/swap/swap.h"
#include "vm/vm.h"
#include "vm/want/want.h"
#include "vm/ws/ws.h"

/* What a look at a page has found. */
enum anon_found {
	FOUND_PAGE,      /* in ask->page, pinned */
	FOUND_END,       /* beyond the end of the object */
	FOUND_HOLE,      /* never written: give a zeroed frame and it is made */
	FOUND_NO_TABLE,  /* the same, and no table leads there */
	FOUND_AWAY,      /* kpaged_pin(ask->away) */
	FOUND_READING,   /* wait for ask->wait; of a fault, ask->out */
	FOUND_ON_SWAP,   /* give a frame and it is read */
	FOUND_NO_BIO,    /* the same, once swap_wait() has waited for a bio */
	FOUND_LOST,      /* could not be read */
	FOUND_NO_COMMIT,
	FOUND_NO_QUOTA   /* its file system is full */
};

/* One question about a page, and what it takes to answer it. */
struct anon_ask {
	uint64_t pgoff;
	struct vm_page *new;    /* a frame; NULL when it was used */
	bool zeroed;            /* of new: all bytes 0 */
	struct vm_page *page;   /* answer, pinned */
	struct vm_page *wait;   /* FOUND_READING */
	va_t away;              /* FOUND_AWAY */
	struct fctx *f;         /* the fault that asks, or NULL */
	enum fault_outcome out; /* FOUND_READING, FOUND_LOST of a fault: its outcome */
};

static enum anon_found anon_look(struct vmo *vmo, struct anon_ask *ask);
static int anon_satisfy(struct vmo *vmo, struct anon_ask *ask,
    enum anon_found found, enum anon_want want);
static enum fault_outcome fault_answer(struct fctx *f, struct anon_ask *ask,
    enum anon_found found);
static enum anon_found anon_take(struct vmo *vmo, struct anon_ask *ask,
    struct anon_way *w);
static enum anon_found anon_make(struct vmo *vmo, struct anon_ask *ask,
    struct anon_way *w);
static enum anon_found anon_read(struct anon_ask *ask, struct anon_way *w);
static int anon_zeroed_frame(struct anon_ask *ask);
static uint64_t anon_clear_run(struct vmo *vmo, uint64_t lo, uint64_t hi);

/* ---- the object ---- */

/*
 * An anonymous object without pages.
 *
 * Locks:    none.
 * Owns:     the caller, the only reference.
 * Returns:  NULL: no memory.
 */
struct vmo *
anon_create(uint64_t bytes)
{
	struct vmo *vmo = vmo_alloc(VMO_AOBJ, bytes);

	if (vmo == NULL)
		return NULL;
	EVENT(anon_create);
	return vmo;
}

/*
 * The last reference is gone: pages, tables, charge and header go.
 *
 * Locks:    none of rank >= 3.
 */
void
anon_put(struct vmo *vmo)
{
	ASSERT(atomic_load(&vmo->refs) == 0);
	ASSERT(list_is_empty(&vmo->maps));
	anon_truncate(vmo, 0, VMO_MAX_PAGES);
	if (vmo->a.lost)
		anon_forget_lost(vmo);
	ASSERT(vmo->a.n_pages == 0 && vmo->a.n_tables == 0);
	commit_uncharge(vmo->a.charged);
	vmo_quota_put(vmo->a.quota);
	EVENT(anon_free);
	vmo_free(vmo);
}

/* ---- the tree ---- */

/*
 * The owning word of a page, if tables lead there.
 *
 * Locks:    [O].
 * Owns:     the caller, a pin on *table unless that is NULL.
 * Returns:  the word; NULL with *away == 0: a hole; else: kpaged_pin(*away)
 *           without locks, then again.
 */
uint64_t *
anon_word(struct vmo *vmo, uint64_t pgoff, struct vm_page **table, va_t *away)
{
	struct anon_way w;

	*away = 0;
	*table = NULL;
	switch (anon_walk(vmo, pgoff, &w)) {
	case END_WORD:
		*table = w.table;
		return w.slot;
	case END_MISSING:
	case END_LOST:
		anon_unpin_table(w.table);
		return NULL;
	case END_AWAY:
		*away = w.away;
		break;
	}
	return NULL;
}

/*
 * The way from the header to the owning word, as far as it goes.
 *
 * Locks:    [O].
 * Owns:     the caller, a pin on w->table unless that is NULL.
 */
enum anon_end
anon_walk(struct vmo *vmo, uint64_t pgoff, struct anon_way *w)
{
	unsigned depth = anon_depth_of(pgoff, &w->at);
	struct vm_page *child;
	va_t kva;

	ASSERT(spin_is_mine(&vmo->lock));
	ASSERT(depth <= ANON_LEVELS);
	w->table = NULL;
	w->slot = depth == 0 ? &vmo->a.direct[pgoff] : &vmo->a.ind[depth - 1];
	for (w->depth = depth; depth > 0; w->depth = --depth) {
		if (*w->slot == 0)
			return END_MISSING;
		if (*w->slot == AOBJ_LOST)
			return END_LOST;
		kva = anon_table_kva(*w->slot);
		child = kpaged_trypin(kva);
		anon_unpin_table(w->table);
		w->table = child;
		w->away = kva;
		if (child == NULL)
			return END_AWAY;
		anon_attach(vmo, child, pgoff, depth);
		w->slot = (uint64_t *)kpaged_ptr(child, kva) +
		    anon_word_in(w->at, depth);
	}
	return END_WORD;
}

/* ---- pages ---- */

static uint64_t
anon_pages_of(uint64_t bytes)
{
	return PAGE_UP(bytes) >> PAGE_SHIFT;
}

/*
 * The page at pgoff, found or made.
 *
 * Locks:    none of rank >= 3.
 * Context:  thread, may sleep.
 * Owns:     the caller, a pin in *out.
 * Returns:  0; -ENXIO beyond the end; -ENOENT a hole (ANON_FIND); -ENOSPC no
 *           commit or no table; -EIO the page is lost; -EINTR (fatal signal
 *           while waiting).
 */
int
anon_page(struct vmo *vmo, uint64_t pgoff, enum anon_want want,
    struct vm_page **out)
{
	struct anon_ask ask = { .pgoff = pgoff };
	enum anon_found found;
	int r;

	do {
		found = anon_look(vmo, &ask);
		r = anon_satisfy(vmo, &ask, found, want);
	} while (found != FOUND_PAGE && r == 0);
	if (ask.new != NULL)
		page_free(ask.new);
	if (r != 0 && want == ANON_CREATE)
		anon_prune(vmo, pgoff);
	*out = ask.page;
	return r == -ENOMEM ? -ENOSPC : r;
}

/* Get what the look has missed, without locks.  0: look again; -errno. */
static int
anon_satisfy(struct vmo *vmo, struct anon_ask *ask, enum anon_found found,
    enum anon_want want)
{
	switch (found) {
	case FOUND_PAGE:
		return 0;
	case FOUND_END:
		return -ENXIO;
	case FOUND_HOLE:
		return want == ANON_FIND ? -ENOENT : anon_zeroed_frame(ask);
	case FOUND_NO_TABLE:
		return want == ANON_FIND ? -ENOENT :
		    anon_make_path(vmo, ask->pgoff);
	case FOUND_AWAY:
		return anon_bring(ask->away);
	case FOUND_READING:
		return page_wait(ask->wait);
	case FOUND_ON_SWAP:
		return page_alloc_wait(PHYS_ANY, &ask->new);
	case FOUND_NO_BIO:
		return swap_wait();
	case FOUND_LOST:
		return -EIO;
	case FOUND_NO_COMMIT:
	case FOUND_NO_QUOTA:
		return -ENOSPC;
	}
	panic("anon: found %u", found);
}

/* Have a frame full of zeros.  0, -EINTR. */
static int
anon_zeroed_frame(struct anon_ask *ask)
{
	int r = 0;

	if (ask->new == NULL)
		r = page_alloc_wait(PHYS_ZEROED, &ask->new);
	else if (!ask->zeroed)
		page_zero(ask->new);
	ask->zeroed = r == 0;
	return r;
}

/*
 * F9: the page of a fault on a mapping of the object, made if it is absent.
 *
 * Locks:    f->as [W]; kept.
 * Owns:     the caller, a pin in *out.
 * Returns:  FAULT_DONE; FAULT_NEEDMEM (frame, table, or a table's page);
 *           FAULT_SIGNAL (SIGBUS: beyond the end, over the commit limit).
 */
enum fault_outcome
anon_fault(struct fctx *f, struct vm_page **out)
{
	struct anon_ask ask = { .f = f };
	enum anon_found found;

	ASSERT(mutex_is_mine(&f->as->ws_lock));
	ask.pgoff = f->v.off + (f->va >> PAGE_SHIFT) - f->v.start;
	found = anon_look(f->v.vmo, &ask);
	if (found == FOUND_HOLE) {
		ask.new = fault_take_spare(f, FRAME_ZEROED);
		if (ask.new == NULL)
			return FAULT_NEEDMEM;
		ask.zeroed = true;
		found = anon_look(f->v.vmo, &ask);
	}
	/* Made and swapped out by others meanwhile: its read has kept a frame. */
	if (ask.new != NULL && f->spare != NULL)
		page_free(ask.new);
	else if (ask.new != NULL)
		fault_keep_spare(f, ask.new, FRAME_ZEROED);
	*out = ask.page;
	return fault_answer(f, &ask, found);
}

/* The outcome of a fault whose page was looked for. */
static enum fault_outcome
fault_answer(struct fctx *f, struct anon_ask *ask, enum anon_found found)
{
	switch (found) {
	case FOUND_PAGE:
		return FAULT_DONE;
	case FOUND_NO_TABLE:
		f->need = NEED_PATH;
		return FAULT_NEEDMEM;
	case FOUND_AWAY:
		return fault_need_kpaged(f, ask->away);
	case FOUND_READING:
	case FOUND_LOST:
		return ask->out;
	case FOUND_HOLE:
		return FAULT_RESTART;
	case FOUND_END:
		return fault_signal(f, SIGBUS, BUS_ADRERR);
	case FOUND_NO_QUOTA:
		return fault_signal(f, SIGBUS, BUS_ADRERR);
	case FOUND_NO_COMMIT:
		return fault_over_limit(f);
	case FOUND_ON_SWAP: /* a fault has its own way: fault_swap_in() */
	case FOUND_NO_BIO:
		break;
	}
	panic("anon: fault at %lx found %u", f->va, found);
}

/* One look at a page; it is made or read in if ask->new is given. */
static enum anon_found
anon_look(struct vmo *vmo, struct anon_ask *ask)
{
	struct anon_way w = { .table = NULL };
	enum anon_found r = FOUND_END;

	spin_lock(&vmo->lock);
	if (ask->pgoff >= anon_pages_of(vmo->size) &&
	    (ask->f != NULL || ask->pgoff >= vmo->a.keep))
		goto out;
	switch (anon_walk(vmo, ask->pgoff, &w)) {
	case END_WORD:
		r = anon_take(vmo, ask, &w);
		break;
	case END_MISSING:
		r = FOUND_NO_TABLE;
		break;
	case END_LOST:
		r = FOUND_LOST;
		if (ask->f != NULL)
			ask->out = fault_lost(ask->f, word_get(ask->f->word));
		break;
	case END_AWAY:
		ask->away = w.away;
		r = FOUND_AWAY;
		break;
	}
out:
	spin_unlock(&vmo->lock);
	anon_unpin_table(w.table);
	return r;
}

/* Pin the page of the word at w, or make it, or begin to read it.  [O] held. */
static enum anon_found
anon_take(struct vmo *vmo, struct anon_ask *ask, struct anon_way *w)
{
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_get(w->slot);
	if (pte_kind(word) == PTE_TRANS) {
		ask->page = pte_page(word);
		if (ask->f != NULL)
			ws_rescue(ask->page);
		page_pin_locked(ask->page);
	}
	spin_unlock(&pfn_lock);
	if (ask->page != NULL)
		return FOUND_PAGE;
	switch (pte_kind(word)) {
	case PTE_ABSENT:
		/* A frame to read into is of no use if the page has gone since. */
		return ask->new == NULL || !ask->zeroed ? FOUND_HOLE :
		    anon_make(vmo, ask, w);
	case PTE_BUSY:
		ask->wait = pte_page(word);
		if (ask->f != NULL)
			ask->out = fault_busy(ask->f, word, ask->wait);
		return FOUND_READING;
	case PTE_SWAP:
		return anon_read(ask, w);
	case PTE_ERROR:
		if (ask->f != NULL)
			ask->out = fault_lost(ask->f, word);
		return FOUND_LOST;
	case PTE_TRANS:
	case PTE_VALID:
	case PTE_FORK:
		break;
	}
	panic("anon: word %lx of page %lu", word, ask->pgoff);
}

/* The page is on swap: begin to read it, and those behind it.  [O] held. */
static enum anon_found
anon_read(struct anon_ask *ask, struct anon_way *w)
{
	const struct swap_words words = { .container = w->table,
		.word = w->slot, .step = 1,
		.max = (unsigned)(anon_run_end(ask->pgoff) - ask->pgoff),
		.home = HOME_AOBJ, .index = ask->pgoff };

	if (ask->f != NULL) {
		ask->out = fault_swap_in(ask->f, &words);
		return FOUND_READING;
	}
	if (ask->new == NULL)
		return FOUND_ON_SWAP;
	ask->zeroed = false;
	if (swap_in(&words, &ask->new, &ask->wait) == SWAPIN_STARTED)
		return FOUND_READING;
	return FOUND_NO_BIO;
}

static enum anon_found
anon_make(struct vmo *vmo, struct anon_ask *ask, struct anon_way *w)
{
	struct vm_page *pg = ask->new;

	ASSERT(ask->zeroed);
	if (!quota_take(vmo->a.quota))
		return FOUND_NO_QUOTA;
	if (vmo->charged_whole ? !commit_may_touch() : commit_charge(1) != 0) {
		quota_give(vmo->a.quota, 1);
		return FOUND_NO_COMMIT;
	}
	if (!vmo->charged_whole)
		vmo->a.charged++;
	ask->new = NULL;
	ask->zeroed = false;
	ask->page = pg;
	spin_lock(&pfn_lock);
	page_adopt_locked(pg, HOME_AOBJ, word_pa(w->slot), ask->pgoff);
	page_pin_locked(pg);
	word_set_locked(w->table, w->slot, pte_make_trans(pg));
	spin_unlock(&pfn_lock);
	vmo->n_resident++;
	vmo->a.n_pages++;
	EVENT(anon_page_new);
	EVENT_ADD(anon_pages, 1);
	return FOUND_PAGE;
}

/* ---- the end of pages ---- */

/*
 * Pages of [lo, hi) and the tables that become empty go.  A page that is still
 * mapped or pinned loses its owner, and is freed by its last holder.
 *
 * Locks:    none of rank >= 3.
 * Context:  thread, may sleep.
 */
void
anon_truncate(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	hi = MIN(hi, VMO_MAX_PAGES);
	while (lo < hi)
		lo = anon_clear_run(vmo, lo, hi);
}

/* One word goes, with its page or slot.  [O] held. */
static void
anon_clear(struct vm_page *table, uint64_t *at, pfn_t *dead)
{
	struct vm_page *pg;
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_set_locked(table, at, 0);
	if (pte_kind(word) == PTE_SWAP)
		swap_free(swap_slot(word));
	if (pte_names_frame(word)) {
		pg = pte_page(word);
		if (page_disown_locked(pg)) {
			pg->qnext = *dead;
			*dead = page_pfn(pg);
		}
	}
	spin_unlock(&pfn_lock);
}

/* The words of one leaf table, or of the header; where to go on. */
static uint64_t
anon_clear_run(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	uint64_t end, at, *word, n = 0;
	struct vm_page *table;
	pfn_t dead = 0;

	spin_lock(&vmo->lock);
	word = anon_next_word(vmo, &lo, &table);
	if (word == NULL) {
		spin_unlock(&vmo->lock);
		return UINT64_MAX;
	}
	end = MIN(hi, anon_run_end(lo));
	for (at = lo; at < end; at++, word++) {
		if (word_get(word) == 0)
			continue;
		anon_clear(table, word, &dead);
		n++;
	}
	/* A table that could not be read has more words than there were pages. */
	n = MIN(n, vmo->a.n_pages);
	vmo->a.n_pages -= n;
	vmo->n_resident -= n;
	vmo->a.charged -= vmo->charged_whole ? 0 : n;
	spin_unlock(&vmo->lock);
	anon_unpin_table(table);
	page_free_chain(dead);
	commit_uncharge(vmo->charged_whole ? 0 : n);
	quota_give(vmo->a.quota, n);
	EVENT_ADD(anon_pages, -(int64_t)n);
	anon_prune(vmo, lo);
	return end;
}

