/* SPDX-License-Identifier: BSD-2-Clause */
/* A correct solution that goes another way: no hints, runs within words of the map only; older slots go before new ones are looked for; neighbours that lie elsewhere are sent before the wanted page; pages learn of the end from the last to the first. */
#include "lib/bitmap.h"
#include "vm/frame/frame.h"
#include "vm/swap/swap.h"

#define WORD 64u
#define OTHERS 7u /* requests for neighbours, at most */
#define LOOK_AFTER 32u

struct swap_state swaps = { .lock = SPIN_INIT(LR_LEAF) };

/* ---- slots ---- */

/*
 * The longest run in one word of the map, n at most; bits behind the end of the
 * area count as taken.  Runs do not cross words.
 */
static unsigned
run_in_word(const struct swap_area *a, uint32_t word, unsigned n, uint32_t *at)
{
	uint64_t taken = a->map[word];
	unsigned best = 0, i, len, most;
	uint32_t slot;

	if (taken == UINT64_MAX)
		return 0;
	for (i = 0; i < WORD; i += len + 1) {
		slot = word * WORD + i;
		len = 0;
		if (slot == 0 || slot >= a->nslots || (taken >> i & 1) != 0)
			continue;
		most = MIN(n, MIN(WORD - i, swap_side_by_side(a, slot)));
		while (len < most && slot + len < a->nslots &&
		    (taken >> (i + len) & 1) == 0)
			len++;
		if (len > best) {
			best = len;
			*at = slot;
		}
		if (best == n)
			break;
	}
	return best;
}

/* From the word of the last success on, round the area once. */
static unsigned
find(struct swap_area *a, unsigned n, uint32_t *at)
{
	uint32_t words = (a->nslots + WORD - 1) / WORD, k, word, here = 0;
	unsigned best = 0, len;

	for (k = 0; k < words && best < n; k++) {
		word = (a->hint + k) % words;
		len = run_in_word(a, word, n, &here);
		if (len <= best)
			continue;
		best = len;
		*at = here;
	}
	a->hint = *at / WORD;
	return best;
}

/* [S].  n slots change sides: taken, or free. */
static void
count(struct swap_area *a, unsigned n, bool taken)
{
	if (taken) {
		a->nfree -= n;
		atomic_add(&swaps.used, n);
		atomic_sub(&swaps.room, n);
		return;
	}
	a->nfree += n;
	atomic_sub(&swaps.used, n);
	if (!a->closing)
		atomic_add(&swaps.room, n);
}

slot_t
swap_alloc(unsigned n, unsigned *got)
{
	struct swap_area *a;
	uint32_t at = 0;
	slot_t slot = 0;
	unsigned i;

	spin_lock(&swaps.lock);
	a = swap_area_to_fill(&n);
	if (a != NULL) {
		n = find(a, n, &at);
		for (i = 0; i < n; i++)
			bitmap_set(a->map, at + i);
		count(a, n, true);
		*got = n;
		slot = a->no << SWAP_INDEX_BITS | at;
		EVENT_ADD(swap_alloc, n);
	}
	spin_unlock(&swaps.lock);
	return slot;
}

void
swap_free(slot_t slot)
{
	struct swap_area *a;

	spin_lock(&swaps.lock);
	a = swap_area_of(slot);
	bitmap_clear(a->map, slot & SWAP_INDEX_MAX);
	count(a, 1, false);
	EVENT(swap_free, slot, 1, 0);
	spin_unlock(&swaps.lock);
}

static void
retire(slot_t slot)
{
	struct swap_area *a;

	spin_lock(&swaps.lock);
	a = swap_area_of(slot);
	a->nbad++;
	if (!a->closing)
		atomic_sub(&swaps.slots, 1);
	atomic_sub(&swaps.used, 1);
	atomic_add(&swaps.bad, 1);
	spin_unlock(&swaps.lock);
}

void
swap_drop(struct vm_page *pg)
{
	slot_t slot = pg->slot;

	if (slot == 0)
		return;
	if ((pg->flags & PF_WRITING) == 0) {
		page_set_slot(pg, 0);
		swap_free(slot);
	} else {
		pg->flags |= PF_SLOTSTALE;
		EVENT(swap_stale, slot, 1, page_pfn(pg));
	}
}

/* ---- out ---- */

unsigned
swap_out(struct vm_page **pg, unsigned n, enum swap_then then)
{
	struct swap_bio *b;
	unsigned i, got = 0;
	slot_t slot;

	if (!swap_bio_is_idle())
		return 0;
	/* Older slots first: the new ones may be the same. */
	for (i = 0; i < n; i++)
		swap_drop(pg[i]);
	slot = swap_alloc(n, &got);
	if (slot == 0)
		return 0;
	b = swap_bio_take(slot, BIO_WRITE);
	if (b == NULL) {
		for (i = 0; i < got; i++)
			swap_free(slot + i);
		return 0;
	}
	EVENT(swap_out_bios);
	EVENT_ADD(swap_out_pages, got);
	EVENT(swap_out, slot, got, page_pfn(pg[0]));
	for (i = 0; i < got; i++) {
		page_writing_locked(pg[i]);
		page_set_slot(pg[i], slot + i);
		swap_bio_join(b, pg[i]);
	}
	b->then = then;
	swap_bio_send(b);
	return got;
}

/* ---- in ---- */

static uint64_t *
nth(const struct swap_words *w, unsigned i)
{
	return &w->word[w->step * i];
}

static bool
is_out(const struct swap_words *w, unsigned i)
{
	return pte_kind(word_get(nth(w, i))) == PTE_SWAP;
}

static void
begin(struct swap_bio *b, const struct swap_words *w, unsigned i,
    struct vm_page *pg)
{
	uint64_t *word = nth(w, i), old = word_get(word), busy;

	busy = pte_make_soft(PTE_BUSY, page_pfn(pg)) | (old & PTE_TABLE_MASK);
	page_reading_locked(pg, w->home, word_pa(word), swap_index(w, i));
	word_set_locked(w->container, word, busy);
	page_set_slot(pg, swap_slot(old));
	owner_count_out(w->home, w->container, -1);
	pg->swp.ahead = i > 0;
	swap_bio_join(b, pg);
}

static void
send(struct swap_bio *b)
{
	EVENT(swap_in, b->slot, b->n, page_pfn(b->page[0]));
	EVENT_ADD(swap_in_pages, b->n);
	EVENT(swap_in_bios);
	swap_bio_send(b);
}

/* Does word i lie behind what b has? */
static bool
follows(const struct swap_bio *b, const struct swap_words *w, unsigned i)
{
	return swap_slot(word_get(nth(w, i))) == b->slot + b->n &&
	    swap_side_by_side(b->area, b->slot & SWAP_INDEX_MAX) > b->n;
}

/* Others than those that come with main, each piece by itself.  Frames used. */
static unsigned
others(const struct swap_words *w, unsigned i, unsigned span,
    struct vm_page **more, unsigned have)
{
	struct swap_bio *b = NULL;
	unsigned used = 0, bios = 0;

	for (; i < span && used < have; i++) {
		if (!is_out(w, i))
			continue;
		if (b == NULL || !follows(b, w, i)) {
			if (b != NULL)
				send(b);
			b = bios++ == OTHERS ? NULL :
			    swap_bio_take(swap_slot(word_get(nth(w, i))),
			    BIO_READ);
			if (b == NULL)
				return used;
		}
		begin(b, w, i, more[used++]);
	}
	if (b != NULL)
		send(b);
	return used;
}

/* [P].  The first, and what lies behind it. */
static unsigned
read_words(struct swap_bio *main, const struct swap_words *w,
    struct vm_page *first, struct vm_page **more, unsigned have)
{
	unsigned span = MIN(w->max, swaps.window), used = 0, i;

	begin(main, w, 0, first);
	for (i = 1; i < span && used < have; i++) {
		if (!is_out(w, i))
			continue;
		if (!follows(main, w, i))
			break;
		begin(main, w, i, more[used++]);
	}
	used += others(w, i, span, more + used, have - used);
	send(main);
	EVENT_ADD(swap_ra_pages, used);
	return used;
}

enum swap_in_result
swap_in(const struct swap_words *w, struct vm_page **frame,
    struct vm_page **wait)
{
	unsigned have = 0, used = 0, i;
	struct vm_page *more[SWAP_RUN];
	struct swap_bio *b;
	bool out;

	for (i = 1; i < MIN(w->max, swaps.window); i++)
		if (is_out(w, i) && (more[have] = page_alloc_ahead()) != NULL)
			have++;
	spin_lock(&pfn_lock);
	out = is_out(w, 0);
	b = out ? swap_bio_take(swap_slot(word_get(w->word)), BIO_READ) : NULL;
	if (b != NULL) {
		*wait = *frame;
		used = read_words(b, w, *frame, more, have);
		*frame = NULL;
		if (w->pin)
			page_pin_locked(*wait);
	}
	spin_unlock(&pfn_lock);
	for (i = used; i < have; i++)
		page_free(more[i]);
	if (!out)
		return SWAPIN_CHANGED;
	return b != NULL ? SWAPIN_STARTED : SWAPIN_NOBIO;
}

/* ---- the end ---- */

enum end { END_KEPT, END_FREE };

static enum end
write_ends(struct swap_bio *b, struct vm_page *pg, bool ok)
{
	slot_t slot = pg->slot;
	bool wanted = (pg->flags & (PF_ORPHAN | PF_SLOTSTALE)) == 0, last;

	if (!ok || !wanted) {
		page_set_slot(pg, 0);
		pg->flags &= (uint8_t)~PF_SLOTSTALE;
	}
	last = page_written_locked(pg, ok);
	if (!ok) {
		retire(slot);
		EVENT(swap_write_errors);
	} else if (!wanted) {
		swap_free(slot);
		EVENT(swap_free_deferred);
	}
	if (b->then == SWAP_FREE && pg->state == PG_STANDBY)
		(void)pq_release(pg);
	return last ? END_FREE : END_KEPT;
}

static enum end
read_ends(struct vm_page *pg, bool ok)
{
	bool orphan = (pg->flags & PF_ORPHAN) != 0;
	slot_t slot = pg->slot;

	if (ok && !orphan) {
		owner_set_word(pg, pte_make_trans(pg));
		page_filled_locked(pg);
		return END_KEPT;
	}
	page_set_slot(pg, 0);
	if (ok) {
		swap_free(slot);
		return page_unfilled_locked(pg) ? END_FREE : END_KEPT;
	}
	retire(slot);
	EVENT(swap_read_errors);
	if (!orphan) {
		if (page_home_kind(pg) == HOME_KPAGED)
			owner_count_out(HOME_KPAGED, NULL, 1);
		owner_set_word(pg, pte_make_soft(PTE_ERROR, 0) |
		    (uint64_t)EIO << PTE_ERRNO_SHIFT);
	}
	return page_unfilled_locked(pg) ? END_FREE : END_KEPT;
}

void
swap_done(struct bio *io)
{
	struct swap_bio *b = io->arg;
	bool ok = io->status == 0;
	struct vm_page *pg;
	enum end end;
	pfn_t dead = 0;
	unsigned i;

	if (ok || (b->len == 1 && !swap_read_again(b))) {
		spin_lock(&pfn_lock);
		for (i = b->at + b->len; i > b->at; i--) {
			pg = b->page[i - 1];
			end = io->dir == BIO_READ ? read_ends(pg, ok) :
			    write_ends(b, pg, ok);
			if (end == END_KEPT)
				continue;
			pg->qnext = dead;
			dead = page_pfn(pg);
		}
		spin_unlock(&pfn_lock);
		page_free_chain(dead);
		b->at += b->len;
		b->again = 0;
		if (b->at == b->n) {
			swap_bio_give(b);
			return;
		}
	}
	b->len = 1;
	swap_bio_send(b);
}

void
swap_learn(unsigned *window, unsigned most, struct ahead_count *c)
{
	unsigned all = c->hits + c->misses;

	if (all < LOOK_AFTER)
		return;
	if (c->misses > c->hits * 2)
		*window = *window > 5 ? *window / 2 : 2;
	else if (c->hits > c->misses * 2)
		*window = *window * 2 > most ? most : *window * 2;
	c->hits = c->misses = 0;
}
