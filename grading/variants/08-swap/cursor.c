/* SPDX-License-Identifier: BSD-2-Clause */
/* A correct solution that goes another way: one cursor runs round the map, which is read word by word; slots are found before any page is touched; reads are planned as a list of pieces, then begun from the last to the first. */
#include "lib/bitmap.h"
#include "vm/frame/frame.h"
#include "vm/swap/swap.h"

#define PIECES 8u
#define RUNS 100u
#define STEADY 16u

struct swap_state swaps = { .lock = SPIN_INIT(LR_LEAF) };

/* ---- slots: a->hint is the slot at which the next search begins ---- */

struct run {
	uint32_t at;
	unsigned n;
};

/* The first free run at or behind from, cut at n and at the end of its extent. */
static struct run
run_from(const struct swap_area *a, uint32_t from, uint32_t end, unsigned n)
{
	uint64_t word;
	struct run r = { from, 0 };

	while (r.at < end) {
		word = ~a->map[r.at / 64] >> r.at % 64;
		if (word != 0) {
			r.at += (uint32_t)__builtin_ctzl(word);
			break;
		}
		r.at = (r.at | 63) + 1;
	}
	if (r.at >= end)
		return r;
	n = MIN(n, MIN(end - r.at, swap_side_by_side(a, r.at)));
	while (r.n < n && !bitmap_test(a->map, r.at + r.n))
		r.n++;
	return r;
}

static struct run
longest_between(const struct swap_area *a, uint32_t from, uint32_t end,
    unsigned n)
{
	struct run best = { 0, 0 }, r;
	unsigned looked;

	/* The longest of so many is good enough. */
	for (looked = 0; looked < RUNS && from < end && best.n < n; looked++) {
		r = run_from(a, from, end, n);
		if (r.n == 0)
			break;
		if (r.n > best.n)
			best = r;
		from = r.at + r.n;
	}
	return best;
}

slot_t
swap_alloc(unsigned n, unsigned *got)
{
	struct swap_area *a;
	struct run r, low;
	unsigned i;

	spin_lock(&swaps.lock);
	a = swap_area_to_fill(&n);
	if (a == NULL) {
		spin_unlock(&swaps.lock);
		return 0;
	}
	if (a->hint == 0 || a->hint >= a->nslots)
		a->hint = 1;
	r = longest_between(a, a->hint, a->nslots, n);
	if (r.n < n) {
		low = longest_between(a, 1, a->hint, n);
		if (low.n > r.n)
			r = low;
	}
	ASSERT(r.n > 0);
	for (i = 0; i < r.n; i++)
		bitmap_set(a->map, r.at + i);
	a->hint = r.at + r.n;
	a->nfree -= r.n;
	atomic_sub(&swaps.room, r.n);
	atomic_add(&swaps.used, r.n);
	EVENT_ADD(swap_alloc, r.n);
	spin_unlock(&swaps.lock);
	*got = r.n;
	return a->no << SWAP_INDEX_BITS | r.at;
}

void
swap_free(slot_t slot)
{
	struct swap_area *a;

	spin_lock(&swaps.lock);
	a = swap_area_of(slot);
	ASSERT(bitmap_test(a->map, slot & SWAP_INDEX_MAX));
	if (!a->closing)
		atomic_add(&swaps.room, 1);
	atomic_sub(&swaps.used, 1);
	a->nfree++;
	bitmap_clear(a->map, slot & SWAP_INDEX_MAX);
	EVENT(swap_free, slot, 1, 0);
	spin_unlock(&swaps.lock);
}

/* The page has no slot from now on; bad: nobody has it any more. */
static void
lose_slot(struct vm_page *pg, bool bad)
{
	slot_t slot = pg->slot;
	struct swap_area *a;

	page_set_slot(pg, 0);
	if (!bad) {
		swap_free(slot);
		return;
	}
	spin_lock(&swaps.lock);
	a = swap_area_of(slot);
	a->nbad++;
	atomic_add(&swaps.bad, 1);
	atomic_sub(&swaps.used, 1);
	if (!a->closing)
		atomic_sub(&swaps.slots, 1);
	spin_unlock(&swaps.lock);
}

void
swap_drop(struct vm_page *pg)
{
	bool written = (pg->flags & PF_WRITING) != 0;

	if (pg->slot != 0 && !written)
		lose_slot(pg, false);
	if (pg->slot == 0)
		return;
	EVENT(swap_stale, pg->slot, 1, page_pfn(pg));
	pg->flags |= PF_SLOTSTALE;
}

/* ---- out ---- */

unsigned
swap_out(struct vm_page **pg, unsigned n, enum swap_then then)
{
	struct swap_bio *b = NULL;
	unsigned got = 0, i;
	slot_t first;

	first = swap_bio_is_idle() ? swap_alloc(n, &got) : 0;
	if (first != 0)
		b = swap_bio_take(first, BIO_WRITE);
	if (b == NULL) {
		while (first != 0 && got > 0)
			swap_free(first + --got);
		return 0;
	}
	b->then = then;
	/* All leave their queue before any of them has its new slot. */
	for (i = 0; i < got; i++) {
		if (pg[i]->slot != 0)
			lose_slot(pg[i], false);
		page_writing_locked(pg[i]);
	}
	for (i = 0; i < got; i++) {
		page_set_slot(pg[i], first + i);
		swap_bio_join(b, pg[i]);
	}
	EVENT(swap_out, first, got, page_pfn(pg[0]));
	EVENT(swap_out_bios);
	EVENT_ADD(swap_out_pages, got);
	swap_bio_send(b);
	return got;
}

static bool
write_ended(struct vm_page *pg, bool ok, enum swap_then then)
{
	bool unwanted = (pg->flags & (PF_SLOTSTALE | PF_ORPHAN)) != 0, free;

	if (ok && unwanted)
		EVENT(swap_free_deferred);
	if (!ok)
		EVENT(swap_write_errors);
	if (!ok || unwanted)
		lose_slot(pg, !ok);
	pg->flags &= (uint8_t)~PF_SLOTSTALE;
	free = page_written_locked(pg, ok);
	if (pg->state == PG_STANDBY && then == SWAP_FREE)
		(void)pq_release(pg);
	return free;
}

/* ---- in ---- */

/* Words whose slots follow one another: one request. */
struct piece {
	struct swap_bio *b;
	unsigned first, n;       /* of plan.word[] */
};

struct plan {
	unsigned word[SWAP_RUN]; /* numbers of the words that are read */
	slot_t slot[SWAP_RUN];
	unsigned n;
	struct piece piece[PIECES];
	unsigned pieces;
};

static uint64_t *
word_ptr(const struct swap_words *w, unsigned i)
{
	return w->word + w->step * i;
}

/* The words that are on swap, as far as one may look and there are frames. */
static void
plan_words(struct plan *p, const struct swap_words *w, unsigned frames)
{
	unsigned i, span = MIN(w->max, swaps.window);
	uint64_t word;

	p->n = 0;
	for (i = 0; i < MAX(span, 1u) && p->n < frames; i++) {
		word = word_get(word_ptr(w, i));
		if (pte_kind(word) != PTE_SWAP)
			continue;
		p->slot[p->n] = swap_slot(word);
		p->word[p->n++] = i;
	}
}

/* A bio for each piece; what gets none is left out. */
static void
plan_pieces(struct plan *p)
{
	unsigned i = 0, from;
	struct piece *e;

	for (p->pieces = 0; i < p->n && p->pieces < PIECES; p->pieces++) {
		e = &p->piece[p->pieces];
		from = i++;
		e->b = swap_bio_take(p->slot[from], BIO_READ);
		if (e->b == NULL)
			break;
		while (i < p->n && p->slot[i] == p->slot[i - 1] + 1 &&
		    i - from < swap_side_by_side(e->b->area,
		    p->slot[from] & SWAP_INDEX_MAX))
			i++;
		e->first = from;
		e->n = i - from;
	}
	p->n = i;
	if (p->pieces < PIECES && p->n > 0 && p->pieces > 0)
		p->n = p->piece[p->pieces - 1].first +
		    p->piece[p->pieces - 1].n;
	if (p->pieces == 0)
		p->n = 0;
}

static void
begin_word(struct swap_bio *b, const struct swap_words *w, unsigned i,
    slot_t slot, struct vm_page *pg)
{
	uint64_t *word = word_ptr(w, i), keep = word_get(word) & PTE_TABLE_MASK;

	page_reading_locked(pg, w->home, word_pa(word), swap_index(w, i));
	pg->swp.ahead = i != 0;
	page_set_slot(pg, slot);
	owner_count_out(w->home, w->container, -1);
	word_set_locked(w->container, word,
	    keep | pte_make_soft(PTE_BUSY, page_pfn(pg)));
	swap_bio_join(b, pg);
}

static void
begin_piece(const struct plan *p, const struct piece *e,
    const struct swap_words *w, struct vm_page **frame)
{
	unsigned k;

	for (k = e->first; k < e->first + e->n; k++)
		begin_word(e->b, w, p->word[k], p->slot[k], frame[k]);
	EVENT_ADD(swap_in_pages, e->n);
	EVENT(swap_in_bios);
	EVENT(swap_in, e->b->slot, e->n, page_pfn(frame[e->first]));
}

enum swap_in_result
swap_in(const struct swap_words *w, struct vm_page **frame,
    struct vm_page **wait)
{
	unsigned frames = 1, i, used = 0, span = MIN(w->max, swaps.window);
	enum swap_in_result r = SWAPIN_STARTED;
	struct vm_page *pg[SWAP_RUN];
	struct plan p;

	for (i = 1; i < span; i++) {
		if (pte_kind(word_get(word_ptr(w, i))) != PTE_SWAP)
			continue;
		pg[frames] = page_alloc_ahead();
		if (pg[frames] == NULL)
			break;
		frames++;
	}
	spin_lock(&pfn_lock);
	if (pte_kind(word_get(w->word)) != PTE_SWAP) {
		r = SWAPIN_CHANGED;
	} else {
		plan_words(&p, w, frames);
		plan_pieces(&p);
		used = p.n;
		if (used == 0)
			r = SWAPIN_NOBIO;
	}
	if (used > 0) {
		pg[0] = *wait = *frame;
		*frame = NULL;
		for (i = p.pieces; i > 0; i--)
			begin_piece(&p, &p.piece[i - 1], w, pg);
		if (w->pin)
			page_pin_locked(pg[0]);
		EVENT_ADD(swap_ra_pages, used - 1);
		for (i = 0; i < p.pieces; i++)
			swap_bio_send(p.piece[i].b);
	}
	spin_unlock(&pfn_lock);
	for (i = MAX(used, 1u); i < frames; i++)
		page_free(pg[i]);
	return r;
}

static bool
read_ended(struct vm_page *pg, bool ok)
{
	bool orphan = (pg->flags & PF_ORPHAN) != 0;

	if (ok && !orphan) {
		owner_set_word(pg, pte_make_trans(pg));
		page_filled_locked(pg);
		return false;
	}
	lose_slot(pg, !ok);
	if (!ok)
		EVENT(swap_read_errors);
	if (!ok && !orphan) {
		owner_set_word(pg, (uint64_t)EIO << PTE_ERRNO_SHIFT |
		    pte_make_soft(PTE_ERROR, 0));
		if (page_home_kind(pg) == HOME_KPAGED)
			owner_count_out(HOME_KPAGED, NULL, 1);
	}
	return page_unfilled_locked(pg);
}

/* ---- the end of a request ---- */

void
swap_done(struct bio *io)
{
	struct swap_bio *b = io->arg;
	struct vm_page *dead[SWAP_RUN], *pg;
	bool ok = io->status == 0, free;
	unsigned n = 0, end = b->at + b->len;

	if (!ok && (b->len > 1 || swap_read_again(b))) {
		b->len = 1;
		swap_bio_send(b);
		return;
	}
	spin_lock(&pfn_lock);
	while (b->at < end) {
		pg = b->page[b->at++];
		free = io->dir == BIO_WRITE ? write_ended(pg, ok, b->then) :
		    read_ended(pg, ok);
		if (free)
			dead[n++] = pg;
	}
	spin_unlock(&pfn_lock);
	while (n > 0)
		page_free(dead[--n]);
	b->again = 0;
	b->len = 1;
	if (b->at == b->n)
		swap_bio_give(b);
	else
		swap_bio_send(b);
}

/* No look at every so many: the window moves as soon as one side is well ahead, up by a
 * half, down by a half. */
void
swap_learn(unsigned *window, unsigned most, struct ahead_count *c)
{
	if (c->hits >= c->misses * 2 + STEADY) {
		*window = MIN(*window + *window / 2, most);
		c->hits = c->misses = 0;
	} else if (c->misses >= c->hits * 2 + STEADY) {
		*window = MAX(*window / 2, 2u);
		c->hits = c->misses = 0;
	}
}
