/* SPDX-License-Identifier: BSD-2-Clause */
/* A correct solution that goes another way: candidates are collected first and sent out then; pins stand from the leaf upwards; a new hold keeps what both ways have; words are counted before a table is in use, and the read begins before the way is held. */
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/want/want.h"

#define SOME 24u /* candidates at a time */

static _Atomic uint64_t deepest; /* most tables read for one fault */

void
ptpage_init(void)
{
	ev_set_gauge_word(EV_table_in_depth_max, &deepest);
}

/* ---- where a table stands ---- */

static uint64_t *
above(const struct vm_page *table)
{
	return pa2va(page_home_payload(table));
}

static struct vm_page *
owner(const struct vm_page *table)
{
	if (table->tbl.level == LEVELS)
		return NULL;
	return page_of_pa(page_home_payload(table));
}

/* Its index among those above, times what one of them spans; and so on upwards. */
static va_t
begin_of(const struct vm_page *table, unsigned shift)
{
	pa_t word = page_home_payload(table);
	va_t here = (word % PAGE_SIZE / sizeof(uint64_t)) << shift;

	return owner(table) == NULL ? here :
	    here | begin_of(owner(table), shift + 9);
}

va_t
pt_va(const struct vm_page *table)
{
	return begin_of(table, PAGE_SHIFT + 9u * table->tbl.level);
}

/* ---- pins ---- */

uint8_t
path_pin(const struct pt_path *p, struct vm_page **pin, uint8_t n, unsigned max)
{
	struct vm_page *table;
	unsigned i, new = 0;
	int level;

	for (level = 1; level <= LEVELS; level++) {
		table = p->table[level];
		if (table == NULL)
			continue;
		for (i = 0; i < n && pin[i] != table; i++)
			;
		if (i < n)
			continue;
		ASSERT(n < max);
		spin_lock(&pfn_lock);
		page_pin_locked(table);
		spin_unlock(&pfn_lock);
		pin[n++] = table;
		new++;
	}
	EVENT_ADD(table_pin, new);
	return n;
}

void
pt_pin(struct fctx *f)
{
	struct pt_path way;

	path_walk(f->as, f->va, &way);
	f->npin = path_pin(&way, f->pin, f->npin, FAULT_MAXPINS);
}

/* One pin less.  True: it was a table, and now or earlier its words have gone. */
static bool
drop(struct vm_page *pg)
{
	bool table = page_home_kind(pg) == HOME_TABLE, empty, dead;

	spin_lock(&pfn_lock);
	table = page_home_kind(pg) == HOME_TABLE;
	empty = table && pg->nused == 0;
	dead = page_unpin_locked(pg);
	spin_unlock(&pfn_lock);
	if (table)
		EVENT_ADD(table_unpin, 1);
	if (dead)
		page_free(pg);
	return empty;
}

void
pt_unpin(struct fctx *f)
{
	bool prune = false;

	for (; f->npin > 0; f->npin--)
		if (drop(f->pin[f->npin - 1]))
			prune = true;
	if (!prune)
		return;
	mutex_lock(&f->as->ws_lock);
	if (f->as->md.root_pa != 0)
		pt_prune_now(f->as, f->va);
	mutex_unlock(&f->as->ws_lock);
}

bool
pt_let_go(struct pt_hold *h)
{
	bool empty = false;

	while (h->npin > 0)
		empty |= drop(h->pin[--h->npin]);
	return empty;
}

void
hold_path(struct aspace *as, va_t va, const struct pt_path *p, struct pt_hold *h)
{
	struct pt_hold gone = { .as = as, .pinned = h->pinned };
	struct pt_hold stays = { .as = as, .pinned = va };
	unsigned i;
	int level;

	for (i = 0; i < h->npin; i++) {
		for (level = LEVELS; level >= 1; level--)
			if (p->table[level] == h->pin[i])
				break;
		if (level == 0)
			gone.pin[gone.npin++] = h->pin[i];
		else
			stays.pin[stays.npin++] = h->pin[i];
	}
	stays.npin = path_pin(p, stays.pin, stays.npin, LEVELS);
	*h = stays;
	if (pt_let_go(&gone))
		pt_prune_now(as, gone.pinned);
}

/* ---- out ---- */

/* The next unpinned idle tables; they go to the end of the list. */
static unsigned
collect(struct aspace *as, struct vm_page **one, unsigned most, uint64_t *look)
{
	struct vm_page *table;
	unsigned n = 0;

	spin_lock(&pfn_lock);
	while (n < most && *look > 0) {
		--*look;
		if (as->table.idle.n == 0)
			break;
		table = &pfdb[as->table.idle.head];
		page_queue_remove(&as->table.idle, table);
		page_queue_append(&as->table.idle, table);
		if (table->pins == 0)
			one[n++] = table;
	}
	spin_unlock(&pfn_lock);
	return n;
}

/* False: a word of the zero page was used. */
static bool
without_zeros(struct aspace *as, struct vm_page *table)
{
	uint64_t *word = pt_words(table), vpn = pt_va(table) >> PAGE_SHIFT, w;
	bool used = false;
	unsigned i;

	for (i = 0; i < MD_PT_WORDS; i++) {
		w = word_get(&word[i]);
		if ((w & MD_PTE_P) != 0 && (w & MD_PTE_A) != 0) {
			used = true;
			word_change(&word[i], MD_PTE_A, 0);
			tlb_batch_cover(as->batch, vpn + i);
		}
	}
	for (i = 0; i < MD_PT_WORDS && !used; i++)
		if ((word_get(&word[i]) & MD_PTE_P) != 0)
			tlb_batch_put(as->batch, vpn + i,
			    word_set(table, &word[i], 0));
	return !used;
}

static void
leave(struct aspace *as, struct vm_page *table)
{
	uint64_t vpn = pt_va(table) >> PAGE_SHIFT, *word = above(table);
	struct vm_page *up = owner(table);
	uint64_t out = pte_make_trans(table);

	if (table->tbl.late)
		out |= PTE_TABLE_LATE;
	out += (uint64_t)table->nused << PTE_TABLE_USED_SHIFT;
	EVENT(table_out, va2pa(word), table->tbl.level, table->nused);
	as->table.n_out++;
	as->table.n--;
	pt_forget_near(as);
	spin_lock(&pfn_lock);
	word_set_locked(up, word, out);
	page_queue_remove(&as->table.idle, table);
	spin_unlock(&pfn_lock);
	tlb_batch_add_table(as->batch, &as->batch->out_chain, table, vpn);
}

size_t
pt_evict(struct aspace *as, size_t want)
{
	struct vm_page *one[SOME];
	uint64_t look = as->table.idle.n;
	unsigned i, n = SOME;
	size_t done = 0;

	tlb_batch_init(as->batch, as, BATCH_TRIM);
	while (done < want && n > 0) {
		n = collect(as, one, (unsigned)MIN(want - done, SOME), &look);
		for (i = 0; i < n; i++) {
			/* A table that was pruned took those above along. */
			if (page_home_kind(one[i]) != HOME_TABLE ||
			    (one[i]->flags & PF_CONTAINER) == 0 ||
			    word_get(above(one[i])) == 0)
				continue;
			if (one[i]->tbl.nspec != 0 && !without_zeros(as, one[i]))
				continue;
			if (one[i]->nused == 0)
				pt_prune(as, pt_va(one[i]), as->batch);
			else
				leave(as, one[i]);
			done++;
		}
	}
	tlb_batch_end(as->batch);
	return done;
}

void
pt_out_chain(pfn_t chain)
{
	struct vm_page *table;

	spin_lock(&pfn_lock);
	for (; chain != 0;) {
		table = &pfdb[chain];
		chain = table->qnext;
		table->flags &= (uint8_t)~PF_CONTAINER;
		table->qnext = 0;
		(void)page_let_go_locked(table);
	}
	spin_unlock(&pfn_lock);
}

/* ---- back ---- */

static unsigned
words_of(struct vm_page *table)
{
	const uint64_t *w = pt_words(table), *end = w + MD_PT_WORDS;
	unsigned n = 0;

	while (w < end)
		n += *w++ != 0;
	return n;
}

bool
pt_rescue(struct aspace *as, uint64_t *word, int level)
{
	struct vm_page *table;
	uint64_t w;

	spin_lock(&pfn_lock);
	w = word_get(word);
	if (pte_kind(w) != PTE_TRANS) {
		spin_unlock(&pfn_lock);
		return false;
	}
	table = pte_page(w);
	if (words_of(table) != pte_table_used(w))
		panic("table %u: %u words, not %u", page_pfn(table),
		    words_of(table), pte_table_used(w));
	pq_activate(table);
	pt_init_table(as, table, level);
	table->nused = (uint16_t)words_of(table);
	table->nres = 0;
	table->tbl.late = (w & PTE_TABLE_LATE) != 0;
	table->flags |= PF_CONTAINER;
	page_queue_append(&as->table.idle, table);
	word_set_locked(word_table(word, level), word,
	    pte_make_valid(table, SRC_PRIV, MD_PTE_W));
	spin_unlock(&pfn_lock);
	as->table.n_out--;
	as->table.n++;
	return true;
}

void
path_walk_in(struct aspace *as, va_t va, struct pt_path *p)
{
	for (path_walk(as, va, p); p->out != 0; path_walk(as, va, p))
		if (!pt_rescue(as, p->word[p->out], p->out))
			return;
}

/* ---- the disk ---- */

bool
path_is_lost(const struct pt_path *p)
{
	if (p->out == 0)
		return false;
	return pte_kind(word_get(p->word[p->out])) == PTE_ERROR;
}

enum fault_outcome
pt_fault_in(struct fctx *f, struct pt_path *p)
{
	enum fault_outcome r;
	struct swap_words at;
	uint64_t w;

	path_walk_in(f->as, f->va, p);
	if (p->out == 0)
		return FAULT_DONE;
	at = path_place(p);
	w = word_get(at.word);
	if (pte_kind(w) == PTE_ERROR)
		return fault_signal(f, SIGKILL, 0);
	if (pte_kind(w) == PTE_BUSY)
		return fault_busy(f, w, pte_page(w));
	if (pte_kind(w) != PTE_SWAP)
		return FAULT_RESTART;
	r = fault_swap_in(f, &at);
	if (r != FAULT_WAIT)
		return r;
	f->tables_in++;
	if (f->tables_in > atomic_load(&deepest))
		atomic_store(&deepest, f->tables_in);
	EVENT(table_in, va2pa(at.word), p->out, pte_table_used(w));
	return r;
}

int
pt_bring(struct aspace *as, va_t va, const struct pt_path *p, struct pt_hold *h,
    struct want *w)
{
	struct swap_words at = path_place(p);
	uint64_t old = word_get(at.word);

	if (h->as != as)
		return want_again(w);
	if (pte_kind(old) == PTE_BUSY)
		(void)want_page(w, pte_page(old));
	else if (want_swap_in(w, &at))
		EVENT(table_in, va2pa(at.word), p->out, pte_table_used(old));
	hold_path(as, va, p, h);
	return -EAGAIN;
}
