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
 *           the page is in memory, mapped or not.  An interior word is the
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
 *
 * Read next vm/vmo.c, vm/design/fmo/fault.c (f9_map_aobj).  Book: ch08.
 */
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

#define NLEVELS 4 /* 512^4 pages */

/* Where the way from the header to a page's word ends. */
enum anon_end {
	END_WORD,    /* slot is the owning word */
	END_MISSING, /* slot is an interior word that is 0 */
	END_AWAY     /* the table at away is not in memory */
};

struct anon_way {
	uint64_t *slot;
	uint64_t at;            /* page, counted from the first below its ind */
	struct vm_page *table;  /* pinned, holds slot; NULL: the header does */
	unsigned depth;         /* tables between slot and the owning word */
	va_t away;
};

/* One question about a page, and what it takes to answer it. */
struct anon_ask {
	uint64_t pgoff;
	struct vm_page *new;    /* zeroed frame; NULL when it was used */
	struct vm_page *page;   /* answer, pinned */
	va_t away;              /* -EAGAIN: pin this first */
	bool is_fault;          /* a page taken off a queue is a rescue */
};

/* Empty tables taken out of the tree, to be freed without [O]. */
struct dead_tables {
	va_t kva[NLEVELS], away; /* away: bring this one and try again, or 0 */
	unsigned n;
};

static enum anon_end anon_walk(struct vmo *vmo, uint64_t pgoff,
    struct anon_way *w);
static int anon_look(struct vmo *vmo, struct anon_ask *ask);
static int anon_take(struct vmo *vmo, struct anon_ask *ask, struct anon_way *w);
static int anon_make(struct vmo *vmo, struct anon_ask *ask, struct anon_way *w);
static int anon_add_table(struct vmo *vmo, uint64_t pgoff);
static void anon_prune(struct vmo *vmo, uint64_t pgoff);
static int anon_bring(va_t kva);
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
	ASSERT(vmo->a.n_pages == 0 && vmo->a.n_tables == 0);
	commit_uncharge(vmo->a.charged);
	EVENT(anon_free);
	vmo_free(vmo);
}

/* ---- the tree ---- */

/* Perhaps a word of it was written. */
static void
unpin_table(struct vm_page *table)
{
	if (table != NULL)
		kpaged_unpin(table, true);
}

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
		unpin_table(w.table);
		return NULL;
	case END_AWAY:
		*away = w.away;
		break;
	}
	return NULL;
}

/*
 * How many tables lie above a word, 0: it is in the header; and how many pages
 * below the same ind come before it.
 */
static unsigned
depth_of(uint64_t pgoff, uint64_t *at)
{
	unsigned depth = 1;

	*at = pgoff;
	if (pgoff < ANON_DIRECT)
		return 0;
	*at -= ANON_DIRECT;
	for (; *at >> (9 * depth) != 0; depth++)
		*at -= 1ul << (9 * depth);
	return depth;
}

/* The word of page at in a table that has depth tables from here on. */
static unsigned
word_in(uint64_t at, unsigned depth)
{
	return at >> (9 * (depth - 1)) & (MD_PT_WORDS - 1);
}

static va_t
table_kva(uint64_t slot)
{
	return MD_KPAGED_BASE + ((slot >> 1) << PAGE_SHIFT);
}

static enum anon_end
anon_walk(struct vmo *vmo, uint64_t pgoff, struct anon_way *w)
{
	unsigned depth = depth_of(pgoff, &w->at);
	struct vm_page *child;
	va_t kva;

	ASSERT(spin_is_mine(&vmo->lock));
	ASSERT(depth <= NLEVELS);
	w->table = NULL;
	w->slot = depth == 0 ? &vmo->a.direct[pgoff] : &vmo->a.ind[depth - 1];
	for (w->depth = depth; depth > 0; w->depth = --depth) {
		if (*w->slot == 0)
			return END_MISSING;
		kva = table_kva(*w->slot);
		child = kpaged_trypin(kva);
		unpin_table(w->table);
		w->table = child;
		w->away = kva;
		if (child == NULL)
			return END_AWAY;
		container_attach(child, KIND_AOBJ);
		w->slot = (uint64_t *)kpaged_ptr(child, kva) +
		    word_in(w->at, depth);
	}
	return END_WORD;
}

/*
 * Make the tables that lead to a page.
 *
 * Locks:    none of rank >= 3.
 * Context:  thread, may sleep.
 * Returns:  0; -ENOMEM (no commit, no address), -EINTR: nothing is left over.
 */
int
anon_make_path(struct vmo *vmo, uint64_t pgoff)
{
	struct anon_way w;
	enum anon_end end;
	int r = 0;

	while (r == 0) {
		spin_lock(&vmo->lock);
		end = anon_walk(vmo, pgoff, &w);
		spin_unlock(&vmo->lock);
		unpin_table(w.table);
		if (end == END_WORD)
			return 0;
		r = end == END_AWAY ? anon_bring(w.away) :
		    anon_add_table(vmo, pgoff);
	}
	anon_prune(vmo, pgoff);
	return r;
}

/* One table, the topmost that is missing.  0, -ENOMEM, -EINTR. */
static int
anon_add_table(struct vmo *vmo, uint64_t pgoff)
{
	struct vm_page *table;
	struct anon_way w;
	enum anon_end end;
	va_t kva;
	int r;

	if (commit_charge(1) != 0)
		return -ENOMEM;
	kva = kpaged_alloc(1);
	r = kva == 0 ? -ENOMEM : kpaged_pin(kva, &table);
	if (r != 0)
		goto undo_kva;
	container_attach(table, KIND_AOBJ);
	spin_lock(&vmo->lock);
	end = anon_walk(vmo, pgoff, &w);
	if (end == END_MISSING) {
		*w.slot = (kva - MD_KPAGED_BASE) >> PAGE_SHIFT << 1;
		if (w.table != NULL)
			w.table->nused++;
		vmo->a.n_tables++;
		vmo->a.charged++;
		EVENT(anon_table_alloc);
		EVENT_ADD(anon_tables, 1);
	}
	spin_unlock(&vmo->lock);
	unpin_table(w.table);
	unpin_table(table);
	if (end == END_MISSING)
		return 0;
	/* Somebody was faster, or the way is not in memory: look again. */
undo_kva:
	if (kva != 0)
		kpaged_free(kva, 1);
	commit_uncharge(1);
	return r;
}

/* Take the empty tables above pgoff out of the tree, from below.  [O] held. */
static void
prune_locked(struct vmo *vmo, uint64_t pgoff, struct dead_tables *dead)
{
	struct vm_page *table[NLEVELS + 1] = { NULL };
	uint64_t *slot[NLEVELS + 1];
	uint64_t at;
	unsigned top = depth_of(pgoff, &at), depth;

	ASSERT(spin_is_mine(&vmo->lock));
	dead->n = 0;
	dead->away = 0;
	for (depth = top; depth > 0; depth--) {
		slot[depth] = depth == top ? &vmo->a.ind[top - 1] :
		    (uint64_t *)pa2va(page_pa(table[depth + 1])) +
		    word_in(at, depth + 1);
		if (*slot[depth] == 0)
			break;
		table[depth] = kpaged_trypin(table_kva(*slot[depth]));
		if (table[depth] == NULL) {
			dead->away = table_kva(*slot[depth]);
			break;
		}
		container_attach(table[depth], KIND_AOBJ);
	}
	for (depth++; depth <= top && dead->away == 0 &&
	    table[depth]->nused == 0; depth++) {
		dead->kva[dead->n++] = table_kva(*slot[depth]);
		*slot[depth] = 0;
		if (depth < top)
			table[depth + 1]->nused--;
		vmo->a.n_tables--;
		vmo->a.charged--;
	}
	for (depth = 1; depth <= top; depth++)
		unpin_table(table[depth]);
}

/* Free the empty tables on the way to pgoff.  No lock of rank >= 3 held. */
static void
anon_prune(struct vmo *vmo, uint64_t pgoff)
{
	struct dead_tables dead;
	unsigned i;

	do {
		spin_lock(&vmo->lock);
		prune_locked(vmo, pgoff, &dead);
		spin_unlock(&vmo->lock);
	} while (dead.away != 0 && anon_bring(dead.away) == 0);
	for (i = 0; i < dead.n; i++)
		kpaged_free(dead.kva[i], 1);
	commit_uncharge(dead.n);
	EVENT_ADD(anon_tables, -(int64_t)dead.n);
}

/* ---- pages ---- */

static uint64_t
pages_of(uint64_t bytes)
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
 *           commit or no table; -EINTR (fatal signal while waiting).
 */
int
anon_page(struct vmo *vmo, uint64_t pgoff, enum anon_want want,
    struct vm_page **out)
{
	struct anon_ask ask = { .pgoff = pgoff };
	int r, miss;

	do {
		r = miss = anon_look(vmo, &ask);
		if (miss == -EAGAIN)
			r = anon_bring(ask.away);
		else if (want == ANON_FIND && miss == -ESRCH)
			r = -ENOENT;
		else if (want == ANON_CREATE && miss == -ESRCH)
			r = anon_make_path(vmo, pgoff);
		else if (want == ANON_CREATE && miss == -ENOENT)
			r = page_alloc_wait(PHYS_ZEROED, &ask.new);
	} while (miss != 0 && r == 0);
	if (ask.new != NULL)
		page_free(ask.new);
	if (r != 0 && want == ANON_CREATE)
		anon_prune(vmo, pgoff);
	*out = ask.page;
	return r == -ENOMEM ? -ENOSPC : r;
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
	struct anon_ask ask = { .is_fault = true };
	enum fault_outcome r = FAULT_DONE;
	int miss;

	ASSERT(mutex_is_mine(&f->as->ws_lock));
	ask.pgoff = f->v.off + (f->va >> PAGE_SHIFT) - f->v.start;
	miss = anon_look(f->v.vmo, &ask);
	if (miss == -ENOENT) {
		ask.new = fault_take_spare(f, FRAME_ZEROED);
		if (ask.new == NULL)
			return FAULT_NEEDMEM;
		miss = anon_look(f->v.vmo, &ask);
	}
	if (miss == -ESRCH) {
		f->need = NEED_PATH;
		r = FAULT_NEEDMEM;
	} else if (miss == -EAGAIN) {
		r = fault_need_kpaged(f, ask.away);
	} else if (miss != 0) {
		r = miss == -ENOSPC ? fault_over_limit(f) :
		    fault_signal(f, SIGBUS, BUS_ADRERR);
	}
	if (ask.new != NULL)
		page_free(ask.new);
	*out = ask.page;
	return r;
}

/*
 * One look at a page; it is made where it is absent and ask->new is given.
 * 0; -ENXIO beyond the end; -ENOENT absent; -ESRCH no tables; -EAGAIN bring
 * ask->away; -ENOSPC no commit.
 */
static int
anon_look(struct vmo *vmo, struct anon_ask *ask)
{
	struct anon_way w = { .table = NULL };
	int r = -ENXIO;

	spin_lock(&vmo->lock);
	if (ask->pgoff >= pages_of(vmo->size) &&
	    (ask->is_fault || ask->pgoff >= vmo->a.keep))
		goto out;
	switch (anon_walk(vmo, ask->pgoff, &w)) {
	case END_WORD:
		r = anon_take(vmo, ask, &w);
		break;
	case END_MISSING:
		r = -ESRCH;
		break;
	case END_AWAY:
		ask->away = w.away;
		r = -EAGAIN;
		break;
	}
out:
	spin_unlock(&vmo->lock);
	unpin_table(w.table);
	return r;
}

/* Pin the page of the word at w, or make it.  [O] held. */
static int
anon_take(struct vmo *vmo, struct anon_ask *ask, struct anon_way *w)
{
	uint64_t word = word_get(w->slot);

	if (word == 0)
		return ask->new == NULL ? -ENOENT : anon_make(vmo, ask, w);
	spin_lock(&pfn_lock);
	word = word_get(w->slot);
	if (pte_kind(word) != PTE_TRANS)
		panic("anon: %s word %lx of page %lu",
		    pte_kind_name(pte_kind(word)), word, ask->pgoff);
	ask->page = pte_page(word);
	if (ask->is_fault)
		ws_rescue(ask->page);
	page_pin_locked(ask->page);
	spin_unlock(&pfn_lock);
	return 0;
}

static int
anon_make(struct vmo *vmo, struct anon_ask *ask, struct anon_way *w)
{
	struct vm_page *pg = ask->new;

	if (!vmo->charged_whole) {
		if (commit_charge(1) != 0)
			return -ENOSPC;
		vmo->a.charged++;
	}
	ask->new = NULL;
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
	return 0;
}

/* Bring the table at kva into memory; the next look finds it.  0, -EINTR. */
static int
anon_bring(va_t kva)
{
	struct vm_page *pg;
	int r = kpaged_pin(kva, &pg);

	if (r == 0)
		kpaged_unpin(pg, false);
	return r;
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

/* The words of one leaf table, or of the header; where to go on. */
static uint64_t
anon_clear_run(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	uint64_t end, at, *word, n = 0;
	struct vm_page *table, *pg;
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
		spin_lock(&pfn_lock);
		pg = pte_page(word_set_locked(table, word, 0));
		if (page_disown_locked(pg)) {
			pg->qnext = dead;
			dead = page_pfn(pg);
		}
		spin_unlock(&pfn_lock);
		n++;
	}
	vmo->a.n_pages -= n;
	vmo->n_resident -= n;
	vmo->a.charged -= vmo->charged_whole ? 0 : n;
	spin_unlock(&vmo->lock);
	unpin_table(table);
	page_free_chain(dead);
	commit_uncharge(vmo->charged_whole ? 0 : n);
	EVENT_ADD(anon_pages, -(int64_t)n);
	anon_prune(vmo, lo);
	return end;
}

/*
 * Move on to the first index at or after *pgoff whose word exists.  An absent
 * subtree costs one step.
 *
 * Locks:    [O]; dropped and taken again while a table is brought.
 * Owns:     the caller, a pin on *table unless that is NULL.
 * Returns:  the word; it and the ones behind it up to anon_run_end() may be
 *           read; NULL: there is none.
 */
uint64_t *
anon_next_word(struct vmo *vmo, uint64_t *pgoff, struct vm_page **table)
{
	struct anon_way w;
	uint64_t span;

	while (*pgoff < VMO_MAX_PAGES) {
		switch (anon_walk(vmo, *pgoff, &w)) {
		case END_WORD:
			*table = w.table;
			return w.slot;
		case END_MISSING:
			unpin_table(w.table);
			span = 1ul << (9 * w.depth);
			*pgoff += span - (w.at & (span - 1));
			break;
		case END_AWAY:
			spin_unlock(&vmo->lock);
			while (anon_bring(w.away) != 0)
				sched_yield();
			spin_lock(&vmo->lock);
			break;
		}
	}
	return NULL;
}
