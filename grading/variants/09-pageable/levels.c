/* SPDX-License-Identifier: BSD-2-Clause */
/* A correct solution that goes another way: each table is looked at by itself, with its place; the words of a table are looked at once, from the last to the first; dead frames are a chain; what a fault does is decided by the kind in one place. */
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/want/want.h"

#define USED(w) (((w) & (MD_PTE_P | MD_PTE_A)) == (MD_PTE_P | MD_PTE_A))

static struct {
	_Atomic uint64_t most;
} depth;

void
ptpage_init(void)
{
	ev_set_gauge_word(EV_table_in_depth_max, &depth.most);
}

/* The word above a table, the table that it stands in, the first address. */
struct place {
	uint64_t *word;
	struct vm_page *in;
	uint64_t vpn;
};

va_t
pt_va(const struct vm_page *table)
{
	va_t va = 0;
	int level = table->tbl.level;

	while (level <= LEVELS) {
		pa_t at = page_home_payload(table);

		va += ((at & (PAGE_SIZE - 1)) >> 3) << (12 + 9 * level++);
		table = page_of_pa(at);
	}
	return va;
}

static struct place
place_of(const struct vm_page *table)
{
	struct place at = { pa2va(page_home_payload(table)), NULL,
		pt_va(table) >> PAGE_SHIFT };

	if (table->tbl.level < LEVELS)
		at.in = page_of_pa(page_home_payload(table));
	return at;
}

/* ---- held ---- */

uint8_t
path_pin(const struct pt_path *p, struct vm_page **pin, uint8_t n, unsigned max)
{
	struct vm_page *new[LEVELS];
	unsigned k = 0, i;
	int level;

	for (level = LEVELS; level >= 1 && p->table[level] != NULL; level--)
		if (!pt_is_among(pin, n, p->table[level]))
			new[k++] = p->table[level];
	if (k == 0)
		return n;
	ASSERT(n + k <= max);
	spin_lock(&pfn_lock);
	for (i = k; i > 0; i--)
		page_pin_locked(new[i - 1]);
	spin_unlock(&pfn_lock);
	for (i = 0; i < k; i++)
		pin[n++] = new[i];
	EVENT_ADD(table_pin, k);
	return n;
}

void
pt_pin(struct fctx *f)
{
	struct pt_path p;

	path_walk(f->as, f->va, &p);
	f->npin = path_pin(&p, f->pin, f->npin, FAULT_MAXPINS);
}

/*
 * Drop n pins.  *tables of them were of tables; frames that nobody holds any more are
 * linked from *dead.  Returns: one of the tables has no word.
 */
static bool
let_all_go(struct vm_page **pin, unsigned n, unsigned *tables, pfn_t *dead)
{
	bool empty = false;

	*tables = 0;
	*dead = 0;
	spin_lock(&pfn_lock);
	while (n-- > 0) {
		if (page_home_kind(pin[n]) == HOME_TABLE) {
			++*tables;
			if (pin[n]->nused == 0)
				empty = true;
		}
		if (page_unpin_locked(pin[n])) {
			pin[n]->qnext = *dead;
			*dead = page_pfn(pin[n]);
		}
	}
	spin_unlock(&pfn_lock);
	EVENT_ADD(table_unpin, *tables);
	return empty;
}

void
pt_unpin(struct fctx *f)
{
	unsigned tables;
	pfn_t dead;
	bool empty = let_all_go(f->pin, f->npin, &tables, &dead);

	f->npin = 0;
	if (empty) {
		mutex_lock(&f->as->ws_lock);
		if (f->as->md.root_pa != 0)
			pt_prune_now(f->as, f->va);
		mutex_unlock(&f->as->ws_lock);
	}
	if (dead != 0)
		page_free_chain(dead);
}

bool
pt_let_go(struct pt_hold *h)
{
	unsigned n = h->npin, tables;
	pfn_t dead;

	h->npin = 0;
	return n != 0 && let_all_go(h->pin, n, &tables, &dead);
}

void
hold_path(struct aspace *as, va_t va, const struct pt_path *p, struct pt_hold *h)
{
	struct pt_hold new = *h;

	new.pinned = va;
	new.npin = path_pin(p, new.pin, 0, LEVELS);
	if (pt_let_go(h))
		pt_prune_now(as, h->pinned);
	*h = new;
}

/* ---- out ---- */


static struct vm_page *
take_first(struct aspace *as)
{
	struct vm_page *table = NULL;

	spin_lock(&pfn_lock);
	if (as->table.idle.n != 0)
		table = &pfdb[as->table.idle.head];
	spin_unlock(&pfn_lock);
	return table;
}

/* To the end of the list; how many have been met so is counted by the caller. */
static void
to_the_end(struct aspace *as, struct vm_page *table)
{
	spin_lock(&pfn_lock);
	page_queue_remove(&as->table.idle, table);
	page_queue_append(&as->table.idle, table);
	spin_unlock(&pfn_lock);
}

static bool
is_pinned(const struct vm_page *table)
{
	bool pinned;

	spin_lock(&pfn_lock);
	pinned = table->pins != 0;
	spin_unlock(&pfn_lock);
	return pinned;
}

/* Any of them used? then all are spared; from the last word to the first. */
static bool
zero_page_stays(struct aspace *as, struct vm_page *table, const struct place *at)
{
	uint64_t *words = pt_words(table);
	unsigned i, n = 0;

	for (i = MD_PT_WORDS; i-- > 0;)
		if (USED(word_get(&words[i]))) {
			word_change(&words[i], MD_PTE_A, 0);
			tlb_batch_cover(as->batch, at->vpn + i);
			n++;
		}
	if (n != 0)
		return true;
	for (i = MD_PT_WORDS; i-- > 0;)
		if ((word_get(&words[i]) & MD_PTE_P) != 0)
			tlb_batch_put(as->batch, at->vpn + i,
			    word_set(table, &words[i], 0));
	return false;
}

static uint64_t
word_of_absent(const struct vm_page *table)
{
	uint64_t late = table->tbl.late ? PTE_TABLE_LATE : 0;

	return pte_make_trans(table) | late |
	    ((uint64_t)table->nused << PTE_TABLE_USED_SHIFT & PTE_TABLE_USED_MASK);
}

static void
go(struct aspace *as, struct vm_page *table, const struct place *at)
{
	spin_lock(&pfn_lock);
	word_set_locked(at->in, at->word, word_of_absent(table));
	page_queue_remove(&as->table.idle, table);
	spin_unlock(&pfn_lock);
	tlb_batch_add_table(as->batch, &as->batch->out_chain, table, at->vpn);
	EVENT(table_out, va2pa(at->word), table->tbl.level, table->nused);
	as->table.n--;
	as->table.n_out++;
	pt_forget_near(as);
}

size_t
pt_evict(struct aspace *as, size_t want)
{
	struct vm_page *table;
	struct place at;
	size_t done = 0;
	uint64_t met;

	tlb_batch_init(as->batch, as, BATCH_TRIM);
	for (met = as->table.idle.n; met != 0 && done != want; met--) {
		table = take_first(as);
		if (table == NULL)
			break;
		at = place_of(table);
		if (is_pinned(table) || (table->tbl.nspec != 0 &&
		    zero_page_stays(as, table, &at))) {
			to_the_end(as, table);
			continue;
		}
		done++;
		if (table->nused != 0)
			go(as, table, &at);
		else
			pt_prune(as, at.vpn << PAGE_SHIFT, as->batch);
	}
	tlb_batch_end(as->batch);
	return done;
}

void
pt_out_chain(pfn_t chain)
{
	pfn_t next;

	for (; chain != 0; chain = next) {
		spin_lock(&pfn_lock);
		next = pfdb[chain].qnext;
		pfdb[chain].qnext = 0;
		pfdb[chain].flags &= (uint8_t)~PF_CONTAINER;
		if (page_let_go_locked(&pfdb[chain]))
			panic("table %u has no home", chain);
		spin_unlock(&pfn_lock);
	}
}

/* ---- in ---- */

/* The table of a TRANS word, off its queue, as its word remembers it.  [P]. */
static void
in_use_again(struct aspace *as, struct vm_page *table, uint64_t w, int level)
{
	pt_init_table(as, table, level);
	pq_activate(table);
	table->flags |= PF_CONTAINER;
	table->tbl.late = (w & PTE_TABLE_LATE) != 0;
	table->nused = (uint16_t)pte_table_used(w);
	table->nres = 0;
	page_queue_append(&as->table.idle, table);
}

bool
pt_rescue(struct aspace *as, uint64_t *word, int level)
{
	struct vm_page *table;
	unsigned i, n = 0;
	uint64_t w;
	bool mine;

	spin_lock(&pfn_lock);
	w = word_get(word);
	mine = pte_kind(w) == PTE_TRANS;
	if (mine) {
		in_use_again(as, pte_page(w), w, level);
		word_set_locked(word_table(word, level), word,
		    pte_make_valid(pte_page(w), SRC_PRIV, MD_PTE_W));
		as->table.n++;
		as->table.n_out--;
	}
	spin_unlock(&pfn_lock);
	if (!mine)
		return false;
	table = pte_page(w);
	for (i = MD_PT_WORDS; i-- > 0;)
		n += pt_words(table)[i] != 0;
	if (n != pte_table_used(w))
		panic("a table has %u words, and had %u", n, pte_table_used(w));
	return true;
}

void
path_walk_in(struct aspace *as, va_t va, struct pt_path *p)
{
	bool again = true;

	while (again) {
		path_walk(as, va, p);
		again = p->out != 0 && pt_rescue(as, p->word[p->out], p->out);
	}
}

bool
path_is_lost(const struct pt_path *p)
{
	return p->out > 0 && pte_kind(*p->word[p->out]) == PTE_ERROR;
}

static void
deep(struct fctx *f)
{
	uint64_t most = atomic_load(&depth.most);

	f->tables_in++;
	while (most < f->tables_in &&
	    !atomic_cas(&depth.most, &most, f->tables_in))
		;
}

enum fault_outcome
pt_fault_in(struct fctx *f, struct pt_path *p)
{
	enum fault_outcome r = FAULT_RESTART;
	struct swap_words at;
	enum pte_kind kind;
	uint64_t w;

	path_walk_in(f->as, f->va, p);
	if (p->out == 0)
		return FAULT_DONE;
	at = path_place(p);
	w = word_get(at.word);
	kind = pte_kind(w);
	if (kind == PTE_SWAP)
		r = fault_swap_in(f, &at);
	else if (kind == PTE_BUSY)
		r = fault_busy(f, w, pte_page(w));
	else if (kind == PTE_ERROR)
		r = fault_signal(f, SIGKILL, 0);
	if (kind == PTE_SWAP && r == FAULT_WAIT) {
		deep(f);
		EVENT(table_in, va2pa(at.word), p->out, pte_table_used(w));
	}
	return r;
}

int
pt_bring(struct aspace *as, va_t va, const struct pt_path *p, struct pt_hold *h,
    struct want *w)
{
	struct swap_words at = path_place(p);
	uint64_t was = word_get(at.word);

	if (h->as != as)
		return want_again(w);
	hold_path(as, va, p, h);
	if (pte_kind(was) == PTE_BUSY)
		return want_page(w, pte_page(was));
	if (!want_swap_in(w, &at))
		return -EAGAIN;
	EVENT(table_in, va2pa(at.word), p->out, pte_table_used(was));
	return -EAGAIN;
}
