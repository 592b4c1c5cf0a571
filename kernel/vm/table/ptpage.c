/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptpage.c: page tables are pinned, go to swap and come back
 *
 * Problem   A program that has touched a few pages of a large range has more
 *           tables than pages in memory, and most of them describe pages on
 *           swap.  Such a table is not needed before one of its pages is.  A
 *           thread then waits for it with no lock, and the tables above stay.
 *
 * Picture   leaf table, no word names a frame: idle
 *
 *           parent's word  VALID ─ pt_evict, flush ─→ TRANS ─ steal ─→ SWAP
 *              ↑             └ table → MODIFIED ─→ slot ─→ STANDBY       │
 *              └────────────── pt_rescue ←─────── TRANS ←─ read ─ BUSY ←─┘
 *              pinned while its user waits: it stays
 *
 *           then the table above names no frame any more, and can follow; the
 *           root stays
 *
 * Rules     1. A table is evicted only if it is idle and not pinned, under [W], and
 *              is queued only after the flush, which includes CPUs that have the
 *              root loaded lazily: their page walkers may have cached the table.
 *           2. While it is on swap its parent's word keeps what the descriptor
 *              of its frame held: how many words it has, and who was charged.
 *           3. nres falls to 0 when a frame is reclaimed, without [W]; so the
 *              list of idle tables is guarded by [P].
 *           4. A fault brings one table in each pass (F10) and has those above
 *              pinned.  An operation on many words does so in a pt_hold, and
 *              has a structural token.
 *           5. An idle table without a word is freed.  PTEs of the zero page do
 *              not keep a table: they are cleared if they were not used.
 *           6. The last unpin frees the table if it has no word (ptab.c, rule 2).
 */
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/want/want.h"

static struct {
	uint64_t depth_max; /* [A] most tables read for one fault */
} ptpage;

void
ptpage_init(void)
{
	ev_set_gauge_word(EV_table_in_depth_max, &ptpage.depth_max);
}

/* First address of a table in use, found by its home, the parent's word, and so on
 * upwards.
 * Locks: [W] of its space. */
va_t
pt_va(const struct vm_page *table)
{
	va_t va = 0;
	int level;

	for (level = table->tbl.level; level <= LEVELS; level++) {
		pa_t word = page_home_payload(table);

		va |= (word & PAGE_MASK) / sizeof(uint64_t)
		    << (PAGE_SHIFT + 9 * level);
		table = page_of_pa(word);
	}
	return va;
}

/* ---- pins: a pinned table stays ---- */

/* Pin the tables of the path that are not among the n pinned ones.
 * Locks: [W] of its space.  Owns: pin, room for max.  Returns: how many it has now. */
uint8_t
path_pin(const struct pt_path *p, struct vm_page **pin, uint8_t n, unsigned max)
{
	uint8_t had = n;
	int level;

	spin_lock(&pfn_lock);
	for (level = LEVELS; level >= 1 && p->table[level] != NULL; level--) {
		if (pt_is_among(pin, had, p->table[level]))
			continue;
		ASSERT(n < max);
		page_pin_locked(p->table[level]);
		pin[n++] = p->table[level];
	}
	spin_unlock(&pfn_lock);
	EVENT_ADD(table_pin, n - had);
	return n;
}

/* The pass ends without the page: pin the tables of f->va that are in use, so that the
 * next pass finds them; pt_unpin() frees those that stay empty.
 * Locks: [W], still that of the pass.  Owns: f, the pins. */
void
pt_pin(struct fctx *f)
{
	struct pt_path p;

	HELD(&f->as->ws_lock);
	path_walk(f->as, f->va, &p);
	f->npin = path_pin(&p, f->pin, f->npin, FAULT_MAXPINS);
}

/* Drop all pins of f, on tables, entry pages and data.  A table that has become empty
 * and was kept only by the pin is freed here.
 * Locks: not [P]; takes [W] if there is such a table.
 * Context: thread, may sleep for [W]. */
void
pt_unpin(struct fctx *f)
{
	struct vm_page *pg, *dead[FAULT_MAXPINS];
	unsigned i, ndead = 0, ntables = 0;
	struct aspace *as = f->as;
	bool empty = false;

	spin_lock(&pfn_lock);
	for (i = 0; i < f->npin; i++) {
		pg = f->pin[i];
		if (page_home_kind(pg) == HOME_TABLE) {
			ntables++;
			empty |= pg->nused == 0;
		}
		if (page_unpin_locked(pg))
			dead[ndead++] = pg;
	}
	spin_unlock(&pfn_lock);
	f->npin = 0;
	EVENT_ADD(table_unpin, ntables);
	for (i = 0; i < ndead; i++)
		page_free(dead[i]);
	if (!empty)
		return;
	mutex_lock(&as->ws_lock);
	if (as->md.root_pa != 0)
		pt_prune_now(as, f->va);
	mutex_unlock(&as->ws_lock);
}

/* Pin the tables on the path to va that are in use, and no others.
 * Locks: [W], no batch of as under construction.
 * Owns: h, the pins, until pt_let_go() or pt_release(). */
void
hold_path(struct aspace *as, va_t va, const struct pt_path *p, struct pt_hold *h)
{
	struct pt_hold old = *h;

	HELD(&as->ws_lock);
	ASSERT(h->as == as && vm_may_hold());
	h->pinned = va;
	h->npin = path_pin(p, h->pin, 0, LEVELS);
	if (pt_let_go(&old))
		pt_prune_now(as, old.pinned);
}

/* Unpin the tables of h.
 * Locks: not [P].  Returns: true: one has no word: call pt_prune(h->pinned), with [W]. */
bool
pt_let_go(struct pt_hold *h)
{
	bool empty = false;
	unsigned i;

	if (h->npin == 0)
		return false;
	spin_lock(&pfn_lock);
	for (i = 0; i < h->npin; i++) {
		empty |= h->pin[i]->nused == 0;
		CHECK(!page_unpin_locked(h->pin[i]));
	}
	spin_unlock(&pfn_lock);
	EVENT_ADD(table_unpin, h->npin);
	h->npin = 0;
	return empty;
}

/* ---- idle tables ---- */

/* The first idle table that may leave, among the next *budget ones; those before it are
 * pinned.  [W]: no new pins meanwhile. */
static struct vm_page *
next_idle(struct aspace *as, uint64_t *budget)
{
	struct vm_page *table = NULL;

	spin_lock(&pfn_lock);
	for (; table == NULL && *budget > 0 && as->table.idle.n > 0; --*budget) {
		table = &pfdb[as->table.idle.head];
		if (table->pins == 0)
			continue;
		page_queue_remove(&as->table.idle, table);
		page_queue_append(&as->table.idle, table);
		table = NULL;
	}
	spin_unlock(&pfn_lock);
	return table;
}

/* ---- to swap ---- */

/* If a word was used, it and its table get a second chance. */
static bool
spare_used_words(struct aspace *as, struct vm_page *table)
{
	uint64_t *words = pt_words(table), vpn = pt_va(table) >> PAGE_SHIFT;
	bool used = false;
	unsigned i;

	for (i = 0; i < MD_PT_WORDS; i++) {
		if ((word_get(&words[i]) & (MD_PTE_P | MD_PTE_A)) !=
		    (MD_PTE_P | MD_PTE_A))
			continue;
		word_change(&words[i], MD_PTE_A, 0);
		tlb_batch_cover(as->batch, vpn + i);
		used = true;
	}
	return used;
}

/* Words that name the zero page become ABSENT.  False: some were used, and the table goes
 * to the end of the list. */
static bool
drop_zero_words(struct aspace *as, struct vm_page *table)
{
	uint64_t *words = pt_words(table), vpn = pt_va(table) >> PAGE_SHIFT;
	unsigned i;

	if (spare_used_words(as, table)) {
		spin_lock(&pfn_lock);
		page_queue_remove(&as->table.idle, table);
		page_queue_append(&as->table.idle, table);
		spin_unlock(&pfn_lock);
		return false;
	}
	for (i = 0; i < MD_PT_WORDS; i++)
		if ((word_get(&words[i]) & MD_PTE_P) != 0)
			tlb_batch_add(as->batch, vpn + i,
			    word_set(table, &words[i], 0));
	return true;
}

static void
send_out(struct aspace *as, struct vm_page *table)
{
	uint64_t *word = owner_word(table), vpn = pt_va(table) >> PAGE_SHIFT;
	uint64_t out = pte_make_trans(table) |
	    (uint64_t)table->nused << PTE_TABLE_USED_SHIFT |
	    (table->tbl.late != 0 ? PTE_TABLE_LATE : 0);

	ASSERT(table->nres == 0 && table->tbl.nvalid == 0);
	spin_lock(&pfn_lock);
	page_queue_remove(&as->table.idle, table);
	word_set_locked(owner_container(table), word, out);
	spin_unlock(&pfn_lock);
	pt_forget_near(as);
	as->table.n--;
	as->table.n_out++;
	EVENT(table_out, va2pa(word), table->tbl.level, table->nused);
	tlb_batch_add_table(as->batch, &as->batch->out_chain, table, vpn);
}

/* Send up to `want` tables that name no frame to swap, longest idle ones first.
 * Locks: [W]; none of rank >= 7.  Returns: how many. */
size_t
pt_evict(struct aspace *as, size_t want)
{
	uint64_t budget = as->table.idle.n;
	struct vm_page *table;
	size_t done = 0;

	HELD(&as->ws_lock);
	tlb_batch_init(as->batch, as, BATCH_TRIM);
	while (done < want && (table = next_idle(as, &budget)) != NULL) {
		if (table->tbl.nspec != 0 && !drop_zero_words(as, table))
			continue;
		if (table->nused == 0)
			pt_prune(as, pt_va(table), as->batch);
		else
			send_out(as, table);
		done++;
	}
	tlb_batch_end(as->batch);
	return done;
}

/* Queue tables whose flush has been acknowledged: until now their counts made them look
 * like containers in use, so that nobody else queued them.
 * Locks: not [P]. */
void
pt_out_chain(pfn_t chain)
{
	struct vm_page *table;

	while (chain != 0) {
		table = &pfdb[chain];
		chain = table->qnext;
		spin_lock(&pfn_lock);
		table->qnext = 0;
		table->flags &= (uint8_t)~PF_CONTAINER;
		CHECK(!page_let_go_locked(table));
		spin_unlock(&pfn_lock);
	}
}

/* ---- back from a queue ---- */

static unsigned
count_words(struct vm_page *table)
{
	const uint64_t *words = pt_words(table);
	unsigned n = 0, i;

	for (i = 0; i < MD_PT_WORDS; i++) {
		ASSERT(!pte_names_frame(words[i]));
		n += words[i] != 0;
	}
	return n;
}

/* A table on a queue is put in use again.
 * Locks: [W]; takes [P], under which alone the word may be trusted.
 * Returns: false: the word is not TRANS. */
bool
pt_rescue(struct aspace *as, uint64_t *word, int level)
{
	struct vm_page *table = NULL;
	uint64_t w;

	HELD(&as->ws_lock);
	spin_lock(&pfn_lock);
	w = word_get(word);
	if (pte_kind(w) == PTE_TRANS) {
		table = pte_page(w);
		pq_activate(table);
		pt_init_table(as, table, level);
		table->tbl.late = (w & PTE_TABLE_LATE) != 0;
		table->nres = 0;
		table->nused = (uint16_t)pte_table_used(w);
		table->flags |= PF_CONTAINER;
		word_set_locked(word_table(word, level), word,
		    pte_make_valid(table, SRC_PRIV, MD_PTE_W));
		page_queue_append(&as->table.idle, table);
	}
	spin_unlock(&pfn_lock);
	if (table == NULL)
		return false;
	as->table.n++;
	as->table.n_out--;
	if (count_words(table) != table->nused)
		panic("ptpage: table %u has %u words, %u were written",
		    page_pfn(table), count_words(table), table->nused);
	return true;
}

/* As path_walk(); tables on a queue are put in use again.  Locks: [W]. */
void
path_walk_in(struct aspace *as, va_t va, struct pt_path *p)
{
	HELD(&as->ws_lock);
	do
		path_walk(as, va, p);
	while (p->out != 0 && pt_rescue(as, p->word[p->out], p->out));
}

/* ---- it cannot be read: lost ---- */

/* Does the path end at a lost table?
 * Locks: [W] of its space.  Returns: true: its word is ERROR, it could not be read. */
bool
path_is_lost(const struct pt_path *p)
{
	return p->out != 0 &&
	    pte_kind(word_get(p->word[p->out])) == PTE_ERROR;
}

/* Another thread reads the table: wait; or it is lost, and the process with it. */
static enum fault_outcome
busy_or_lost(struct fctx *f, uint64_t word)
{
	if (pte_kind(word) == PTE_BUSY)
		return fault_busy(f, word, pte_page(word));
	klog("ptpage: a table of %s at %lx could not be read: killed",
	    thread_current()->name, f->va);
	return fault_signal(f, SIGKILL, 0);
}

/* ---- back from swap ---- */

static void
note_depth(unsigned n)
{
	uint64_t max = atomic_load(&ptpage.depth_max);

	while (n > max && !atomic_cas(&ptpage.depth_max, &max, n))
		;
}

/* F10: the table is on swap, and its read begins; the next pass finds it. */
static enum fault_outcome
read_table(struct fctx *f, const struct pt_path *p)
{
	const struct swap_words place = path_place(p);
	uint64_t word = word_get(place.word);
	enum fault_outcome r;

	r = fault_swap_in(f, &place);
	if (r == FAULT_WAIT) {
		EVENT(table_in, va2pa(place.word), p->out, pte_table_used(word));
		note_depth(++f->tables_in);
	}
	return r;
}

/* A table on f's path is out: F10.  One on a queue is put in use at once; one on
 * swap is found in memory by the next pass.
 * Locks: [M], [W], kept; takes [P].
 * Returns: FAULT_DONE, with the path in p; FAULT_WAIT, FAULT_NEEDMEM, FAULT_RESTART;
 * FAULT_SIGNAL (SIGKILL: it is lost, and with it the process). */
enum fault_outcome
pt_fault_in(struct fctx *f, struct pt_path *p)
{
	uint64_t word;

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	path_walk_in(f->as, f->va, p);
	if (p->out == 0)
		return FAULT_DONE;
	word = word_get(p->word[p->out]);
	switch (pte_kind(word)) {
	case PTE_SWAP:
		return read_table(f, p);
	case PTE_BUSY:
	case PTE_ERROR:
		return busy_or_lost(f, word);
	case PTE_ABSENT:
	case PTE_VALID:
	case PTE_TRANS: /* the read has ended meanwhile */
	case PTE_FORK:
		break;
	}
	return FAULT_RESTART;
}

/* The next table on the path to va is on swap: begin to read it, and pin those above.
 * Locks: [W], no batch of as under construction.  Returns: -EAGAIN. */
int
pt_bring(struct aspace *as, va_t va, const struct pt_path *p, struct pt_hold *h,
    struct want *w)
{
	const struct swap_words place = path_place(p);
	uint64_t word = word_get(place.word);

	HELD(&as->ws_lock);
	if (h->as != as) /* ptab.c, rule 6: the token first */
		return want_again(w);
	hold_path(as, va, p, h);
	if (pte_kind(word) == PTE_BUSY)
		return want_page(w, pte_page(word));
	if (want_swap_in(w, &place))
		EVENT(table_in, va2pa(place.word), p->out, pte_table_used(word));
	return -EAGAIN;
}
