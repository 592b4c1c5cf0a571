/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptab.c: user page tables: find, make, hold, move, free; the words of a range
 *
 * Problem   The word of an address lies three tables below the root, and each
 *           table can be absent.  A table must stay while somebody works on
 *           its words, and be freed with its last word.
 *           fork, munmap, mremap, truncate must see every word of a range, and some
 *           of the tables are on swap: they are read with no lock held, and must
 *           still be there when the lock is taken again.
 *
 * Picture   root ──word──→ table 3 ──word──→ table 2 ──word──→ leaf, level 1
 *          (WIRED)  512 GiB         1 GiB             2 MiB      512 words
 *                   a word is the home of the table below it and counts in
 *                   nres and nused of the table it stands in
 *
 *           fault: [W] pt_walk ──→ act ──→ done
 *                       └─ waits: pt_pin ─→ … ─→ pt_unpin   a pin keeps a table
 *           range: pt_iter_table ──→ pt_iter_word … ──→ the next table
 *                       └─ on swap: those above pinned ─→ want_get ─→ [W], goes on
 *                  the end: pt_release
 *           mremap: word of the parent ─→ 0 ─→ flush ─→ word of another parent
 *           munmap: words ─→ 0 ─→ pt_prune ─→ batch ─→ flush ─→ pt_free_chain
 *
 * Rules     1. [W] guards all words; a table is only unlinked under it, when
 *              nused == 0 and pins == 0, and is freed after the flush.
 *           2. pt_unpin() looks at nused in the hold of [P] in which it drops
 *              the pin; pt_prune() looks at pins under [P] after nused became
 *              0.  So one of the two frees the table, whichever comes last.
 *           3. A leaf table is charged with its VAD (VAD_CHARGED), else to
 *              as->commit.late when it is made; upper ones in the 4 pages of as_init,
 *              then to as->commit.late without the test.  tbl.late records which.
 *           4. A walk costs as much as the tables that exist, not as the range: an
 *              absent table is skipped at its level, and the words of one table
 *              are visited without a walk from the root.  Between two holds of
 *              [W] only the address is kept.
 *           5. A table on swap maps nothing, but its words name slots and shared
 *              entries: a walk that needs these sets hold and want, and brings it.
 *           6. An operation pins one path of tables at a time.  Others wait for
 *              memory meanwhile: so it has a structural token, taken before its
 *              first pin (vm/frame/token.c), and says for which space, h->as.
 *           7. A thread of another space opens the space first.  The end of the
 *              space waits for it, so it waits for frames and I/O only.
 *           8. A leaf table moves with all its words: unlinked, flushed, linked
 *              again, in one hold of [W]; some 900 instructions, not 65 for each
 *              word.  The words keep their place in memory: homes, I/O, the ring
 *              of the working set and the list of idle tables do not change.  A
 *              pinned table is not moved: its user will look for it at the old
 *              address.
 */
#include "vm/design/design.h"
#include "vm/table/table.h"

/* Sleepers until the last holder of a space, or its root, has gone; for all spaces. */
static struct waitq ending = WAITQ_INIT(ending);

/* The word of va, if its table is the one that this CPU met last; NULL: walk from the
 * root. A walk takes 100 instructions, and programs touch neighbouring pages.  [W]. */
static inline uint64_t *
near_word(struct aspace *as, va_t va, struct vm_page **leaf)
{
	unsigned cpu = md_cpu() % AS_NEAR;

	if (as->table.near_end[cpu] != pt_table_end(va))
		return NULL;
	*leaf = as->table.near[cpu];
	return pt_word(*leaf, va);
}

static uint64_t *
note_near(struct aspace *as, va_t va, struct vm_page *leaf)
{
	unsigned cpu = md_cpu() % AS_NEAR;

	as->table.near[cpu] = leaf;
	as->table.near_end[cpu] = pt_table_end(va);
	return pt_word(leaf, va);
}

/* ---- walking ---- */

/* The tables on the path to va that are in use, and the word of the first one that is
 * not.
 * Locks: [W]. */
void
path_walk(struct aspace *as, va_t va, struct pt_path *p)
{
	uint64_t *words = pa2va(as->md.root_pa), w;
	pfn_t root = (pfn_t)(as->md.root_pa >> PAGE_SHIFT);
	struct vm_page *table;
	int level;

	HELD(&as->ws_lock);
	ASSERT(root != 0);
	p->table[1] = p->table[2] = p->table[LEVELS] = NULL;
	p->out = 0;
#pragma GCC unroll 3 /* constants for shifts and places */
	for (level = LEVELS; level >= 1; level--) {
		p->word[level] = &words[md_pt_index(va, level + 1)];
		w = word_get(p->word[level]);
		switch (pte_kind(w)) {
		case PTE_VALID:
			break;
		case PTE_ABSENT:
			return;
		case PTE_TRANS:
		case PTE_BUSY:
		case PTE_SWAP:
		case PTE_ERROR:
			p->out = level;
			return;
		case PTE_FORK:
			panic("ptab: word %lx of level %d at %lx", w, level, va);
		}
		p->table[level] = table = pte_page(w);
		ASSERT(table->tbl.root == root && table->tbl.level == level);
		words = pa2va(w & PTE_PFN_MASK);
	}
}

/* The word of va.
 * Locks: [W].
 * Returns: the word and its table in *leaf; NULL: there is no leaf table. */
uint64_t *
pt_find(struct aspace *as, va_t va, struct vm_page **leaf)
{
	uint64_t *word = near_word(as, va, leaf);
	struct pt_path p;

	HELD(&as->ws_lock);
	if (word != NULL)
		return word;
	ASSERT(va < MD_USER_END);
	if (design_owns(as, va))
		return NULL;
	path_walk(as, va, &p);
	if (p.table[1] == NULL)
		return NULL;
	*leaf = p.table[1];
	return note_near(as, va, *leaf);
}

/* ---- making: S1 of a fault (pt_walk), and many words ---- */

/* Charge a table, or a frame of records, that is not charged with a mapping; exec has
 * charged those of a program's text ahead.
 * Locks: [W].  Owns: as->commit.late, for the caller.  Returns: 0, -ENOMEM. */
int
pt_pay_late(struct fctx *f)
{
	HELD(&f->as->ws_lock);
	if (f->v.vmo == NULL || !commit_use_prepaid(f->as, 1))
		return commit_charge_late(f->as, 1);
	atomic_add(&f->as->commit.late, 1);
	EVENT_ADD(commit_late, 1);
	return 0;
}

/* The frame of w becomes the table at level.  A leaf table was charged before; an upper
 * one is among the few charged with the space, or is charged here. */
static void
table_link(struct aspace *as, va_t va, struct pt_path *p, int level, struct want *w)
{
	struct vm_page *table = w->frame;
	uint64_t *word = p->word[level];

	w->frame = NULL;
	pt_init_table(as, table, level);
	if (level > 1 && as->table.n_upper < UPPER_PAID) {
		as->table.n_upper++;
	} else if (level > 1) {
		table->tbl.late = 1;
		commit_charge_forced(as);
	}
	page_install(path_parent(p, level), word, table, HOME_TABLE,
	    pte_make_valid(table, SRC_PRIV, MD_PTE_W));
	as->table.n++;
	EVENT(table_alloc, va2pa(word), level, 0);
	p->table[level] = table;
	if (level > 1)
		p->word[level - 1] = &pt_words(table)[md_pt_index(va, level)];
}

static enum fault_outcome
path_add(struct fctx *f, struct pt_path *p, int level)
{
	bool late = level == 1 && (f->v.flags & VAD_CHARGED) == 0;

	if (!want_zeros(&f->want))
		return fault_missing(f);
	if (late && f->as->commit.pruned > 0)
		f->as->commit.pruned--;
	else if (late ? pt_pay_late(f) != 0 : !commit_may_touch())
		return fault_over_limit(f);
	f->want.frame->tbl.late = late;
	table_link(f->as, f->va, p, level, &f->want);
	return FAULT_DONE;
}

static __attribute__((noinline)) enum fault_outcome
walk_far(struct fctx *f)
{
	enum fault_outcome r = FAULT_DONE;
	struct pt_path p;
	int level;

	path_walk(f->as, f->va, &p);
	if (p.out != 0)
		r = pt_fault_in(f, &p);
	for (level = LEVELS; level >= 1 && r == FAULT_DONE; level--)
		if (p.table[level] == NULL)
			r = path_add(f, &p, level);
	if (r != FAULT_DONE)
		return r;
	f->leaf = p.table[1];
	f->word = note_near(f->as, f->va, f->leaf);
	return FAULT_DONE;
}

/* Walk to the word of f->va and make missing tables: S1 (book: fault).  The tables stay
 * while [W] is held, without which none is unlinked or freed; for longer by
 * pt_pin().
 * Locks: [M] of f->as, [W] of f->as, kept.
 * Returns: FAULT_DONE with f->leaf and f->word; FAULT_NEEDMEM (no frame for a table);
 * FAULT_SIGNAL (no commit for one); if one is on swap, the outcome of F10 or F6. */
enum fault_outcome
pt_walk(struct fctx *f)
{
	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	f->word = near_word(f->as, f->va, &f->leaf);
	return f->word != NULL ? FAULT_DONE : walk_far(f);
}

/* False: there is no frame; the tables above, which may be empty, are pinned. */
static bool
make_table(struct aspace *as, va_t va, struct pt_path *p, int level,
    struct pt_hold *h, struct want *w)
{
	if (!want_zeros(w)) {
		hold_path(as, va, p, h);
		return false;
	}
	w->frame->tbl.late = level == 1 && h->late;
	if (w->frame->tbl.late)
		commit_charge_forced(as);
	table_link(as, va, p, level, w);
	return true;
}

/* Give up a table that could not be read, with all that its words named: pages on swap,
 * references to entries.  Their slots stay taken.
 * Locks: [W]. */
static void
pt_forget_lost(struct aspace *as, uint64_t *word, int level)
{
	uint64_t old = word_get(word);

	HELD(&as->ws_lock);
	ASSERT(pte_kind(old) == PTE_ERROR);
	word_set(word_table(word, level), word, 0);
	as->table.n_out--;
	as_lose(as, LOST_TABLES);
	if ((old & PTE_TABLE_LATE) != 0)
		commit_uncharge_late(as, 1);
}

/* A table on the path to va is out: take it back from its queue, or give it up if it is
 * lost.  False: it is on swap, and w brings it. */
static bool
path_back(struct aspace *as, va_t va, struct pt_path *p, struct pt_hold *h,
    struct want *w)
{
	path_walk_in(as, va, p);
	if (path_is_lost(p)) {
		h->lost = true;
		pt_forget_lost(as, p->word[p->out], p->out);
		path_walk(as, va, p);
	}
	if (p->out != 0)
		(void)pt_bring(as, va, p, h, w);
	return p->out == 0;
}

/* The tables on the path to va down to `level`; missing ones are made.
 * Locks: [W].
 * Owns: h, pins of the tables that exist, if some are missing.
 * Returns: p, the path, and h->lost if a lost table was given up; false: w says what is
 * missing, a frame or a table on swap; tables that were made stay. */
static bool
path_make(struct aspace *as, va_t va, struct pt_path *p, int level,
    struct pt_hold *h, struct want *w)
{
	int i;

	HELD(&as->ws_lock);
	path_walk(as, va, p);
	if (p->out != 0 && !path_back(as, va, p, h, w))
		return false;
	for (i = LEVELS; i >= level; i--)
		if (p->table[i] == NULL && !make_table(as, va, p, i, h, w))
			return false;
	return true;
}

/* The leaf table of va, made if there is none: as path_make().
 * Locks: [W].  Returns: NULL: as path_make(). */
struct vm_page *
pt_make(struct aspace *as, va_t va, struct pt_hold *h, struct want *w)
{
	struct pt_path p;

	HELD(&as->ws_lock);
	return path_make(as, va, &p, 1, h, w) ? p.table[1] : NULL;
}

/* ---- the words of a range ---- */

/* Bytes of address space for each word of a table one level above `level`. */
static va_t
span(int level)
{
	return 1ul << (PAGE_SHIFT + 9 * level);
}

/* [W]: a word that is 0 stays so, and one that is not does not become 0. */
static bool
eight_are_absent(const uint64_t *w)
{
	return (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7]) == 0;
}

/* The address where the run of absent words ends that begins at word, which is for va and
 * names tables of this level: at most the end of its table, or of the range.  Eight words
 * are tested at a time.
 * Locks: [W] of its space. */
static va_t
pt_skip_absent(const uint64_t *word, va_t va, va_t end, int level)
{
	uint64_t left = MD_PT_WORDS - md_pt_index(va, level + 1), n;
	unsigned shift = PAGE_SHIFT + 9 * (unsigned)level;

	n = left = MIN(left, ((end - 1) >> shift) - (va >> shift) + 1);
	for (; left >= 8 && eight_are_absent(word); left -= 8)
		word += 8;
	for (; left > 0 && word_get(word) == 0; left--)
		word++;
	return ((va >> shift) + n - left) << shift;
}

/* The first leaf table of the rest of the range, in use or out.
 * Locks: [W].
 * Returns: true with va moved up to it: leaf, or out and level; false: there is none,
 * va is end. */
bool
pt_iter_place(struct pt_iter *it)
{
	struct pt_path p;
	int level;

	HELD(&it->as->ws_lock);
	it->leaf = NULL;
	it->out = NULL;
	while (it->va < it->end && it->as->md.root_pa != 0) {
		if (design_owns(it->as, it->va)) {
			it->va = MIN(it->end, it->as->design->own->end);
			continue;
		}
		if (near_word(it->as, it->va, &it->leaf) == NULL) {
			path_walk(it->as, it->va, &p);
			it->leaf = p.table[1];
		}
		if (it->leaf != NULL) {
			(void)note_near(it->as, it->va, it->leaf);
			it->left = it->leaf->nused;
			it->stop = MIN(it->end, pt_table_end(it->va));
			return true;
		}
		for (level = LEVELS; level > 1 && p.table[level] != NULL;)
			level--;
		if (p.out != 0) {
			it->out = p.word[level];
			it->level = level;
			it->stop = MIN(it->end, (it->va | (span(level) - 1)) + 1);
			return true;
		}
		it->va = pt_skip_absent(p.word[level], it->va, it->end, level);
	}
	it->va = it->end;
	return false;
}

/* The walk meets a table on swap.  0: va is behind it, or it is in use by now; -EAGAIN:
 * it is being brought. */
static int
out_met(struct pt_iter *it)
{
	bool lost = pte_kind(word_get(it->out)) == PTE_ERROR;
	struct pt_path p;

	if (it->hold == NULL || (lost && !it->hold->forget)) {
		if (it->hold != NULL)
			it->hold->lost = true;
		it->va = it->stop;
		return 0;
	}
	if (lost) {
		pt_forget_lost(it->as, it->out, it->level);
		(void)pt_let_go(it->hold);
		pt_prune_now(it->as, it->va);
		return 0;
	}
	if (pt_rescue(it->as, it->out, it->level))
		return 0;
	path_walk(it->as, it->va, &p);
	return pt_bring(it->as, it->va, &p, it->hold, it->want);
}

/* After a wait for a table pin it: else it could be evicted again meanwhile. */
static void
hold_brought(struct pt_iter *it)
{
	struct pt_hold *h = it->hold;
	struct pt_path p;

	if (h->as != it->as || h->pinned != it->va ||
	    pt_is_among(h->pin, h->npin, it->leaf))
		return;
	path_walk(it->as, it->va, &p);
	hold_path(it->as, it->va, &p, h);
}

/* The first leaf table in use in the rest of the range.  With hold: the first one that
 * exists; one that could not be read is skipped, and hold->lost says so.
 * Locks: [W]; with hold no batch of as under construction.
 * Returns: true with leaf, va moved up to it; false with r, 0: there is none and va is
 * end; -EAGAIN: the next one is being brought, it->want. */
bool
pt_iter_table(struct pt_iter *it)
{
	HELD(&it->as->ws_lock);
	it->r = 0;
	while (it->r == 0 && pt_iter_place(it)) {
		if (it->leaf != NULL) {
			if (it->hold != NULL && it->hold->npin != 0)
				hold_brought(it);
			return true;
		}
		it->r = out_met(it);
	}
	return false;
}

/* See table.h.  Locks: none of rank >= 5 but what it has taken. */
bool
pt_iter_next(struct pt_iter *it)
{
	bool found = false;

	if (it->leaf != NULL)
		mutex_unlock(&it->as->ws_lock);
	it->leaf = NULL;
	if (it->r == 0 && it->va < it->end) {
		mutex_lock(&it->as->ws_lock);
		found = pt_iter_table(it);
		if (!found)
			mutex_unlock(&it->as->ws_lock);
	}
	return found;
}

/* ---- freeing ---- */

/* Without [P] the test may see a short pin by swapoff. */
static bool
table_is_empty(const struct vm_page *table)
{
	bool empty;

	if (table->nused != 0)
		return false;
	spin_lock(&pfn_lock);
	empty = table->pins == 0;
	spin_unlock(&pfn_lock);
	return empty;
}

/* Unlink the tables of va that are empty and not pinned, from below, into the batch.
 * Locks: [W].  Owns: b, the tables, freed after its flush. */
void
pt_prune(struct aspace *as, va_t va, struct tlb_batch *b)
{
	struct vm_page *table;
	struct pt_path p;
	int level;

	HELD(&as->ws_lock);
	path_walk(as, va, &p);
	for (level = 1; level <= LEVELS; level++) {
		table = p.table[level];
		if (table == NULL)
			continue;
		if (!table_is_empty(table))
			return;
		pt_forget_near(as);
		spin_lock(&pfn_lock);
		page_queue_remove(&as->table.idle, table);
		word_set_locked(path_parent(&p, level), p.word[level], 0);
		spin_unlock(&pfn_lock);
		as->table.n--;
		EVENT(table_free, va2pa(p.word[level]), level, 0);
		tlb_batch_add_table(b, &b->table_chain, table, va >> PAGE_SHIFT);
	}
}

/* The same in a batch of its own.  Locks: [W], no batch of as under construction. */
void
pt_prune_now(struct aspace *as, va_t va)
{
	HELD(&as->ws_lock);
	tlb_batch_init(as->batch, as, BATCH_ZAP);
	pt_prune(as, va, as->batch);
	tlb_batch_end(as->batch);
}

/* Unlinked tables whose flush has been acknowledged.  Locks: as [W]; not [P]. */
void
pt_free_chain(struct aspace *as, pfn_t chain)
{
	struct vm_page *table;
	bool last;

	while (chain != 0) {
		table = &pfdb[chain];
		chain = table->qnext;
		table->qnext = 0;
		ASSERT(table_is_empty(table) && table->nres == 0);
		ASSERT(table->tbl.nvalid == 0);
		if (table->tbl.late)
			commit_uncharge_late(as, 1);
		else if (table->tbl.level > 1)
			as->table.n_upper--;
		spin_lock(&pfn_lock);
		last = page_disown_locked(table);
		spin_unlock(&pfn_lock);
		if (last) /* all of its words are 0 */
			phys_free_zeroed(table);
	}
}

/* ---- a leaf table gets another address ---- */

/* The leaf table of va becomes that of `to`, with all its words.
 * Locks: [W], no batch of as under construction; takes [P].
 * Owns: h, as path_make().
 * Returns: 0; -EAGAIN: w says what is missing for the tables above `to`; -EBUSY: move
 * word by word, for there is a table at `to`, or this one is pinned. */
int
pt_move(struct aspace *as, struct vm_page *leaf, va_t va, va_t to, struct pt_hold *h,
    struct want *w)
{
	uint64_t *from = pa2va(page_home_payload(leaf)), word = 0;
	struct vm_page *above = word_table(from, 1);
	struct pt_path target;

	HELD(&as->ws_lock);
	ASSERT(((va | to) & (PT_SPAN - 1)) == 0);
	if (!path_make(as, to, &target, 2, h, w))
		return -EAGAIN;
	if (target.table[1] != NULL)
		return -EBUSY;
	spin_lock(&pfn_lock);
	if (leaf->pins == 0)
		word = word_set_locked(above, from, 0);
	spin_unlock(&pfn_lock);
	if (word == 0)
		return -EBUSY;
	ASSERT(pte_page(word) == leaf);
	md_tlb_flush(&as->md, va, va + PT_SPAN, FLUSH_TABLES);
	spin_lock(&pfn_lock);
	page_set_home(leaf, HOME_TABLE, word_pa(target.word[1]));
	word_set_locked(target.table[2], target.word[1], word);
	spin_unlock(&pfn_lock);
	pt_forget_near(as);
	EVENT(table_move, va2pa(from), va2pa(target.word[1]));
	if (above->nused == 0)
		pt_prune_now(as, va);
	return 0;
}

/* ---- pins of an operation on many words ---- */

/* Unpin the tables of h, if the operation had to pin any, and free those that have
 * become empty.
 * Locks: none of rank >= 5; takes [W] if there is such a table. */
void
pt_release(struct pt_hold *h)
{
	struct aspace *as = h->as;

	if (!pt_let_go(h))
		return;
	mutex_lock(&as->ws_lock);
	if (as->md.root_pa != 0)
		pt_prune_now(as, h->pinned);
	mutex_unlock(&as->ws_lock);
}

/* A thread that does not run on the space is going to pin tables of it.
 * Locks: none; the caller has a reference.
 * Owns: the caller, until pt_close_space().
 * Returns: false: it is being torn down. */
bool
pt_open_space(struct aspace *as)
{
	uint32_t n = atomic_load(&as->holders);

	do {
		if ((n & AS_CLOSING) != 0)
			return false;
	} while (!atomic_cas(&as->holders, &n, n + 1));
	return true;
}

void
pt_close_space(struct aspace *as)
{
	if (atomic_sub(&as->holders, 1) == AS_CLOSING)
		wake_all(&ending);
}

/* The space is to be torn down: wait until nobody else pins a table of it.  Those threads
 * wait for frames and I/O only.
 * Locks: none of rank >= 2, no token. */
void
pt_end_space(struct aspace *as)
{
	uint32_t n = atomic_load(&as->holders);

	while (!atomic_cas(&as->holders, &n, n | AS_CLOSING))
		;
	if (n != 0)
		(void)wait_until(&ending, WAIT_PLAIN, WAIT_FOREVER,
		    atomic_load(&as->holders) == AS_CLOSING);
}

/* Its root has gone: wake the sleepers of pt_wait_ended().  Locks: any of rank <
 * LR_WAIT. */
void
pt_space_ended(void)
{
	wake_all(&ending);
}

/* pt_open_space() has failed, the space is being torn down: wait until it has no words.
 * Locks: none of rank >= 3, no token; the caller has a reference. */
void
pt_wait_ended(struct aspace *as)
{
	(void)wait_until(&ending, WAIT_PLAIN, WAIT_FOREVER,
	    atomic_load(&as->md.root_pa) == 0);
}
