/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anontab.c: the tables of anonymous objects: charges, walks, freeing
 *
 * Problem   A walk over the words of an object must skip tables that do not
 *           exist, and meets tables that are on swap; a fault wants only
 *           resident ones.  An empty table is freed, but its memory cannot be
 *           freed under the lock of the object.
 *
 * Picture   from above: pin, pin, pin ─→ the leaf is empty?  unlink it, [O]
 *           ─→ the one above is empty now?  unlink it ─→ … ─→ free, without [O]
 *
 * Rules     1. A table is unlinked under [O] when nused is 0, freed without.
 *           2. A commit page is charged for each table while it exists.  An object
 *              that is charged as a whole is charged for all its tables at the
 *              start: a touch of promised memory may not fail.
 *           3. A trimmed page of an object leaves ABSENT in the page table: mincore,
 *              smaps and pagemap ask the owning word.  To answer for one page no
 *              table is brought in: a table on swap has no word of a resident
 *              page.  A count over a range brings its tables, one at a time.
 *           4. A page that is written as a whole is filled before it is in the tree,
 *              with no lock held: it need not be cleared, and nobody sees half of it.
 */
#include "vm/object/object.h"

/* The path to a page, from which empty tables are removed: [own]. */
struct pruning {
	struct vmo *vmo;
	uint64_t pgoff, at;     /* at: counted from the first of its anon_top */
	struct want want;
	va_t dead[ANON_LEVELS]; /* out of the tree, to be freed without [O] */
	unsigned n;
};

void
anon_home_init(void)
{
	owner_add_home(HOME_AOBJ, (struct owner_home){ OWNER_DATA, 1,
		EV_swap_in_anon, EV_swap_out_anon, (unsigned)anon_top(0).end, NULL });
}

/* Unpin a table.  It is not made dirty here: anon_set_upper() and word_set() do that when
 * they store a word.
 * Locks: not [P]. */
void
anon_unpin_table(struct vm_page *table)
{
	if (table != NULL)
		kpaged_unpin(table);
}

/* Store to an interior word, in the header (table NULL) or in a pinned table, whose
 * nused follows.
 * Locks: [O] of its object; takes [P]. */
void
anon_set_upper(struct vm_page *table, uint64_t *slot, uint64_t new)
{
	int change = (new != 0) - (*slot != 0);

	*slot = new;
	if (table == NULL)
		return;
	spin_lock(&pfn_lock);
	table->nused = (uint16_t)(table->nused + change);
	page_dirty_locked(table);
	spin_unlock(&pfn_lock);
}

/* The end of the run of adjacent words that begins with pgoff's, which is below top. */
static uint64_t
run_end(const struct anon_top *top, uint64_t pgoff)
{
	return top->depth == 0 ? top->end :
	    ((pgoff - top->first) | (MD_PT_WORDS - 1)) + 1 + top->first;
}

/* See object.h.  Locks: any. */
uint64_t
anon_run_end(uint64_t pgoff)
{
	struct anon_top top = anon_top(pgoff);

	return run_end(&top, pgoff);
}

/* How many tables an object of so many pages has when all exist: of each of its trees
 * in the header, level by level. */
static uint64_t
tables_of(uint64_t pages)
{
	struct anon_top top = { .end = 0 };
	uint64_t n = 0, part, each;

	while (top.end < pages) {
		top = anon_top(top.end);
		part = MIN(pages, top.end) - top.first;
		for (each = MD_PT_WORDS; top.depth > 0; top.depth--) {
			n += (part + each - 1) / each;
			each *= MD_PT_WORDS;
		}
	}
	return n;
}

/* See object.h.  Locks: any. */
uint64_t
anon_price(uint64_t pages)
{
	return pages + tables_of(pages);
}

/* Rule 2: charge a table of vmo before it is made; if it is not made in the end call
 * anon_table_uncharge().
 * Locks: any.  Returns: 0, -ENOMEM. */
int
anon_table_charge(const struct vmo *vmo)
{
	return vmo->charged_whole ? 0 : commit_charge(1);
}

/* Give back the charge of n tables of vmo.  Locks: any. */
void
anon_table_uncharge(const struct vmo *vmo, uint64_t n)
{
	if (!vmo->charged_whole)
		commit_uncharge(n);
}

/* Prepare a pinned table on the path to pgoff for use.  If it could not be read, its
 * words for pages below the end become ERROR; those behind stay 0: a file that grows
 * again reads zeros there.
 * Locks: [O]. */
void
anon_attach(struct vmo *vmo, struct vm_page *table, uint64_t pgoff,
    unsigned depth)
{
	const uint64_t most = MD_PT_WORDS, end = anon_end(vmo);
	unsigned shift = 9 * (depth - 1); /* a word leads to 1 << shift pages */
	uint64_t first, words = 0;

	HELD(&vmo->lock);
	if ((atomic_load(&table->flags) & PF_CONTAINER) != 0)
		return; /* as nearly always: it has been used before */
	first = pgoff - ((pgoff - anon_top(pgoff).first) & ((most << shift) - 1));
	if (end > first)
		words = MIN(((end - first - 1) >> shift) + 1, most);
	vmo->a.lost |= container_attach(table, depth == 1 ? KIND_AOBJ :
	    KIND_AOBJ_UPPER, (unsigned)words);
}

/* The table of slot, a word of `above` or of the header, and those below it on the path:
 * unlink the empty ones, from the leaf upwards.  [O] held.  0; -EAGAIN: one is on
 * swap. */
static int
prune_below(struct pruning *p, unsigned depth, struct vm_page *above, uint64_t *slot)
{
	va_t kva = anon_table_kva(*slot);
	struct vm_page *table;
	uint64_t *words;
	int r;

	if (depth == 0 || *slot == 0 || *slot == AOBJ_LOST)
		return 0;
	table = kpaged_trypin(kva);
	if (table == NULL)
		return kpaged_want(&p->want, kva);
	anon_attach(p->vmo, table, p->pgoff, depth);
	words = kpaged_ptr(table, kva);
	r = prune_below(p, depth - 1, table, &words[anon_word_in(p->at, depth)]);
	if (r == 0 && table->nused == 0) {
		p->dead[p->n++] = kva;
		anon_set_upper(above, slot, 0);
		p->vmo->a.n_tables--;
		p->vmo->a.charged -= !p->vmo->charged_whole;
	}
	anon_unpin_table(table);
	return r;
}

/* Free the empty tables on the path to pgoff.  Even a dying thread brings one that has
 * gone to swap meanwhile: nobody else would free it.
 * Locks: none of rank >= 3. */
void
anon_prune(struct vmo *vmo, uint64_t pgoff)
{
	const struct anon_top top = anon_top(pgoff);
	struct pruning p = { .vmo = vmo, .pgoff = pgoff, .at = pgoff - top.first };
	unsigned i;
	int r;

	do {
		spin_lock(&vmo->lock);
		r = prune_below(&p, top.depth, NULL, &vmo->a.words[top.word]);
		spin_unlock(&vmo->lock);
		if (r != 0)
			want_finish(&p.want);
	} while (r != 0);
	want_end(&p.want);
	for (i = 0; i < p.n; i++)
		kpaged_free(p.dead[i], 1);
	anon_table_uncharge(vmo, p.n);
	EVENT_ADD(anon_tables, -(int64_t)p.n);
}

/* The word of pgoff, which is below top; the words behind it up to run_end() are
 * adjacent. The tables are not pinned: while [P] is held they stay, and are only read.
 * Returns: NULL: a table does not exist, or is not in memory. */
static const uint64_t *
words_at_hand(struct vmo *vmo, const struct anon_top *top, uint64_t pgoff)
{
	const uint64_t *table, *word = &vmo->a.words[top->word];
	unsigned depth;

	for (depth = top->depth; depth > 0; depth--) {
		if (*word == 0 || *word == AOBJ_LOST)
			return NULL;
		table = kpaged_peek(anon_table_kva(*word));
		if (table == NULL)
			return NULL;
		word = table + anon_word_in(pgoff - top->first, depth);
	}
	return word;
}

/* See object.h.  Locks: [O], [P]. */
void
anon_at_hand(struct vmo *vmo, uint64_t pgoff, unsigned n, struct vm_page **pages)
{
	uint64_t end = pgoff + n, run, w;
	const uint64_t *word;
	struct anon_top top;

	HELD(&vmo->lock);
	HELD(&pfn_lock);
	while (pgoff < end) {
		top = anon_top(pgoff);
		word = words_at_hand(vmo, &top, pgoff);
		for (run = MIN(end, run_end(&top, pgoff)); pgoff < run; pgoff++) {
			w = word == NULL ? 0 : word_get(word++);
			*pages++ = pte_is_trans(w) ? pte_page(w) : NULL;
		}
	}
}

/* The number of pages from path's on that have no table, by path->slot and the words
 * behind it in the same table.
 * Locks: [O] of its object. */
static uint64_t
absent_from(const struct anon_path *path)
{
	const uint64_t span = 1ul << (9 * path->depth), *slot = path->slot;
	uint64_t pages = span - (path->at & (span - 1));
	unsigned i = path->table == NULL ? MD_PT_WORDS :
	    anon_word_in(path->at, path->depth + 1) + 1;

	for (slot++; i < MD_PT_WORDS && (*slot == 0 || *slot == AOBJ_LOST);
	    i++, slot++)
		pages += span;
	return pages;
}

/* Move *pgoff to the first index at or after it whose word exists.  An absent subtree
 * costs a look at its word, and adjacent ones together one walk.
 * Locks: [O].  Owns: the caller, a pin on *table unless that is NULL.
 * Returns: 0 with the word: it and the ones behind it up to anon_run_end() may be read;
 * or NULL: there is none; -EAGAIN, NULL: a table is out. */
int
anon_next_word(struct vmo *vmo, uint64_t *pgoff, struct want *w,
    struct vm_page **table, uint64_t **word)
{
	struct anon_path path;
	int r;

	HELD(&vmo->lock);
	*word = NULL;
	*table = NULL;
	while (*pgoff < VMO_MAX_PAGES) {
		r = anon_walk(vmo, *pgoff, &path, w);
		if (r == 0) {
			*table = path.table;
			*word = path.slot;
			return 0;
		}
		if (r != -EAGAIN)
			*pgoff += absent_from(&path);
		anon_unpin_table(path.table);
		if (r == -EAGAIN)
			return r;
	}
	return 0;
}

/* Call walk->fn for each used word in [walk->at, end), which may be a huge range.
 * Locks: none of rank >= 7; [O] is held around fn, and let go after the words of each
 * leaf.
 * Returns: 0: all done; what fn has returned; -EAGAIN: get walk->want, then go on at
 * walk->at. */
int
anon_words(struct vmo *vmo, uint64_t end, struct swap_walk *walk)
{
	struct swap_words w = { .step = 1, .home = HOME_AOBJ };
	uint64_t stop;
	int r = 0;

	end = MIN(end, VMO_MAX_PAGES);
	while (r == 0 && walk->at < end) {
		spin_lock(&vmo->lock);
		r = anon_next_word(vmo, &walk->at, &walk->want, &w.container,
		    &w.word);
		stop = w.word == NULL ? 0 : MIN(end, anon_run_end(walk->at));
		for (; walk->at < stop; walk->at++, w.word++) {
			w.max = (unsigned)(stop - walk->at);
			w.index = walk->at;
			if (word_get(w.word) != 0)
				r = walk->fn(walk, &w);
			if (r != 0)
				break;
		}
		anon_unpin_table(w.container);
		spin_unlock(&vmo->lock);
	}
	return r;
}

/* Free the tables whose words are all lost.  No lock of rank >= 3. */
static void
prune_lost(struct vmo *vmo)
{
	struct want w = { .what = WANT_AGAIN };
	uint64_t pgoff = 0, span;
	struct anon_path path;
	int r;

	while (pgoff < VMO_MAX_PAGES) {
		spin_lock(&vmo->lock);
		r = anon_walk(vmo, pgoff, &path, &w);
		spin_unlock(&vmo->lock);
		anon_unpin_table(path.table);
		span = 1ul << (9 * path.depth);
		if (r == -EAGAIN)
			want_finish(&w);
		else if (r == -EIO)
			anon_prune(vmo, pgoff);
		else if (r == -ENOENT)
			pgoff += span - (path.at & (span - 1));
		else
			pgoff = anon_run_end(pgoff);
	}
	want_end(&w);
}

/* The end of an object some of whose tables could not be read from swap: the pages that
 * they named are lost, with their slots.
 * Locks: none of rank >= 3; nobody else knows the object. */
void
anon_forget_lost(struct vmo *vmo)
{
	prune_lost(vmo);
	klog("anon: %lu pages and %lu tables were lost on swap",
	    vmo->n_resident, vmo->a.n_tables);
	EVENT_ADD(anon_pages, -(int64_t)vmo->n_resident);
	EVENT_ADD(anon_tables, -(int64_t)vmo->a.n_tables);
	quota_give(vmo->a.quota, vmo->n_resident);
	vmo->a.n_tables = 0;
	vmo->n_resident = 0;
}

/* ---- which pages are in memory, which on swap ---- */

/* The owning word of a page at this moment.
 * Locks: takes [O].
 * Returns: 0: a hole, behind the end, or its table is not in memory. */
uint64_t
anon_peek(struct vmo *vmo, uint64_t pgoff)
{
	struct want unmet = { .what = WANT_AGAIN };
	struct anon_path path = { .table = NULL };
	uint64_t w = 0;

	spin_lock(&vmo->lock);
	if (pgoff < VMO_MAX_PAGES && anon_walk(vmo, pgoff, &path, &unmet) == 0)
		w = word_get(path.slot);
	anon_unpin_table(path.table);
	spin_unlock(&vmo->lock);
	return w;
}

/* The frame could be charged, or the object was charged as a whole.  [O] held. */
static bool
page_is_paid(struct vmo *vmo)
{
	if (!quota_take(vmo->a.quota))
		return false;
	if (vmo->charged_whole ? !commit_may_touch() : commit_charge(1) != 0) {
		quota_give(vmo->a.quota, 1);
		return false;
	}
	vmo->a.charged += !vmo->charged_whole;
	return true;
}

/* Rule 4.  No wait and no error: if it returns false the caller uses anon_page().
 * Locks: none of rank >= 7; takes [O], [P].
 * Owns: true: the object, the frame, as a dirty page that nobody maps. */
bool
anon_enter(struct vmo *vmo, uint64_t pgoff, struct vm_page *pg)
{
	struct want unmet = { .what = WANT_AGAIN };
	struct anon_path path = { .table = NULL };
	bool enters;

	spin_lock(&vmo->lock);
	enters = pgoff < anon_end(vmo) &&
	    anon_walk(vmo, pgoff, &path, &unmet) == 0 &&
	    word_get(path.slot) == 0 && page_is_paid(vmo);
	if (enters) {
		spin_lock(&pfn_lock);
		page_adopt_locked(pg, HOME_AOBJ, word_pa(path.slot), pgoff);
		page_pin_locked(pg);
		word_set_locked(path.table, path.slot, pte_make_trans(pg));
		CHECK(!page_unpin_dirty_locked(pg));
		spin_unlock(&pfn_lock);
		vmo->n_resident++;
		EVENT(anon_page_new);
		EVENT_ADD(anon_pages, 1);
	}
	spin_unlock(&vmo->lock);
	anon_unpin_table(path.table);
	return enters;
}

static int
push_out(struct swap_walk *walk, const struct swap_words *w)
{
	walk->left += pageout_word(w->word) != PAGEOUT_ENDED;
	return 0;
}

/* Write out the pages [lo, hi) that are not mapped; or begin to read those that are on
 * swap.
 * Locks: none of rank >= 3; may sleep.  Returns: how many are still on their way out. */
uint64_t
anon_move(struct vmo *vmo, uint64_t lo, uint64_t hi, enum anon_way way)
{
	struct swap_walk walk = { .at = lo,
		.fn = way == ANON_OUT ? push_out : swap_ahead };

	while (anon_words(vmo, hi, &walk) == -EAGAIN)
		want_finish(&walk.want);
	want_end(&walk.want);
	return walk.left;
}
