/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte/move.c: mremap moves words, not bytes
 *
 * Problem   A mapping gets another address.  Its private pages move with it in
 *           whatever state: resident or not, shared by fork or not, dirty or not.
 *
 * Picture   from: VALID/PRIV  VALID/FORK  TRANS  SWAP  FORK   VALID/OBJ, SPEC
 *             to: the same word; home of a private            dropped, faulted
 *                 page = the new word                         in again
 *           BUSY: waited for, then looked at again
 *
 * Rules     1. Tables of source and target are brought or made on the way, and
 *              pinned while words move from one to the other.  A thread waits for
 *              them even when it is dying, so that the move cannot fail.
 *           2. A VALID word is stored at the target at once; the old addresses of
 *              a table are flushed together before [W] is given back.  Until then a
 *              sibling may write by the old address, but to the same page, which
 *              nobody can reclaim without [W].  The new word has its D bit already:
 *              a CPU that has yet to set D looks at the old word, which is 0.
 *           3. The target's maplink is listed already; a word beyond the end
 *              of the object is not moved and goes with the source (R7).
 *           4. A leaf table whose words keep their indexes moves as a whole, if
 *              there is no object: a truncate may have passed the target already.
 *              If only a part of its range moves, it moves as a whole when all its
 *              words are in that part and both mappings are charged alike.
 */
#include "vm/pte/pte.h"

#define MOVE_RUN 64 /* words moved in one hold of [P] */

struct move_work {
	struct aspace *as;
	struct pt_hold from, to;       /* tables held */
	struct want want;              /* the move stops for this */
	struct pt_iter at;             /* the source, and its table */
	struct vm_page *made;          /* [W] the table of the target */
	va_t delta;                    /* target = source + delta */
	va_t limit;                    /* end of the object, as a source address */
	bool whole;                    /* tables may move as a whole */
};

/* Free a table without words, and drop the pin on it.  [W]. */
static void
move_prune(struct move_work *m, struct vm_page *leaf, va_t va,
    struct pt_hold *h)
{
	if (leaf->nused != 0)
		return;
	(void)pt_let_go(h);
	pt_prune(m->as, va, m->as->batch);
}

/* The place at the target for a source address. */
static struct pte_ref
target_of(struct move_work *m, va_t va)
{
	struct pte_ref t = { .as = m->as, .va = va + m->delta,
		.leaf = m->made };

	t.word = &pt_words(t.leaf)[md_pt_index(t.va, 1)];
	ASSERT(word_get(t.word) == 0);
	return t;
}

/* 0; -EAGAIN: the page is being read. */
static int
move_soft(struct move_work *m, const struct pte_ref *s)
{
	struct pte_ref t = target_of(m, s->va);
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_get(s->word);
	if (pte_kind(word) == PTE_BUSY) {
		spin_unlock(&pfn_lock);
		return want_page(&m->want, pte_page(word));
	}
	word_set_locked(s->leaf, s->word, 0);
	if (pte_kind(word) == PTE_TRANS)
		page_set_home(pte_page(word), HOME_PTE, word_pa(t.word));
	word_set_locked(t.leaf, t.word, word);
	spin_unlock(&pfn_lock);
	return 0;
}

/* Move the private words from s on that follow one another to the target.
 * m->at is behind them. */
static void
move_run(struct move_work *m, const struct pte_ref *s)
{
	unsigned room = (unsigned)((m->at.stop - s->va) >> PAGE_SHIFT), n;
	uint64_t *to = target_of(m, s->va).word;

	spin_lock(&pfn_lock);
	n = word_move_run(s->leaf, s->word, m->made, to, MIN(room, MOVE_RUN));
	spin_unlock(&pfn_lock);
	ws_remove_some(m->as, s->leaf, n);
	ws_insert_some(m->as, m->made, n);
	m->at.va += (va_t)n << PAGE_SHIFT;
	m->at.left -= n;
}

/* Move one leaf table of the source, as far as possible.  Words of an object, and special
 * ones, are cleared: a touch faults them in again.  [W], the batch.  0, -EAGAIN. */
static int
move_table(struct move_work *m)
{
	struct pte_ref s = { .as = m->as, .leaf = m->at.leaf };
	struct words_cleared gone = { .by_bits = { 0 } };
	va_t first = m->at.va, stop = m->at.stop;
	int r = 0;

	m->at.stop = MAX(first, MIN(stop, m->limit));
	for (s.word = pt_iter_at(&m->at); r == 0; s.word = pt_iter_at(&m->at)) {
		s.word = pt_iter_word(&m->at, s.word);
		if (s.word == NULL)
			break;
		s.va = m->at.va;
		if (pte_is_private(word_get(s.word))) {
			move_run(m, &s);
			continue;
		}
		if (pte_kind(word_get(s.word)) == PTE_VALID)
			tlb_batch_add(m->as->batch, s.va >> PAGE_SHIFT,
			    word_take(s.word, &gone));
		else
			r = move_soft(m, &s);
		if (r == 0) {
			m->at.va += PAGE_SIZE;
			m->at.left--;
		}
	}
	word_settle(m->at.leaf, &gone);
	ws_remove_some(m->as, m->at.leaf, words_cleared_of(&gone, SRC_OBJ));
	tlb_flush_range(m->as, first >> PAGE_SHIFT, m->at.va >> PAGE_SHIFT);
	if (r == 0)
		m->at.va = stop;
	return r;
}

/* Can the table move as a whole?  [W]. */
static bool
moves_whole(const struct move_work *m)
{
	const struct vm_page *leaf = m->at.leaf;
	const uint64_t *word = pt_iter_at(&m->at);
	va_t n = (m->at.stop - m->at.va) >> PAGE_SHIFT;
	unsigned used = 0;

	if (!m->whole || n == MD_PT_WORDS)
		return m->whole;
	if (leaf->nused > n || leaf->tbl.late != m->to.late)
		return false;
	while (n-- > 0)
		used += word_get(word++) != 0;
	return used == leaf->nused;
}

/* Move words that lie in one table to one table.  [W].  0: m->at is behind them;
 * -EAGAIN: go on from there. */
static int
move_some(struct move_work *m)
{
	va_t first, base;
	int r = -EBUSY;

	if (!pt_iter_table(&m->at))
		return m->at.r;
	first = m->at.va;
	base = first & ~(PT_SPAN - 1);
	if (moves_whole(m))
		r = pt_move(m->as, m->at.leaf, base, base + m->delta, &m->to, &m->want);
	if (r == 0)
		m->at.va = m->at.stop;
	if (r != -EBUSY)
		return r;
	m->made = pt_make(m->as, first + m->delta, &m->to, &m->want);
	if (m->made == NULL)
		return -EAGAIN;
	m->at.stop = MIN(m->at.stop, pt_table_end(first + m->delta) - m->delta);
	tlb_batch_init(m->as->batch, m->as, BATCH_ZAP);
	r = move_table(m);
	move_prune(m, m->at.leaf, first, &m->from);
	move_prune(m, m->made, first + m->delta, &m->to);
	tlb_batch_end(m->as->batch);
	return r;
}

/* The words of the first n pages of `from` become those of `to`: school->move.
 * Locks: [M] exclusive; takes [W]; waits with a structural token.  Returns: 0. */
int
pte_move(struct aspace *as, struct vad *from, struct vad *to, uint64_t n)
{
	const struct vad copy = *to; /* [W]: no paged memory */
	struct move_work m = { .as = as, .from.as = as, .to.as = as,
		.to.late = (copy.flags & VAD_CHARGED) == 0,
		.at = pt_range(as, from->start, from->start + n),
		.delta = (copy.start - from->start) << PAGE_SHIFT };
	int r;

	HELD(&as->map_lock);
	m.whole = copy.vmo == NULL && (m.delta & (PT_SPAN - 1)) == 0;
	m.at.hold = &m.from;
	m.at.want = &m.want;
	while (m.at.va < m.at.end) {
		mutex_lock(&as->ws_lock);
		m.limit = MAX(pte_limit(&copy), copy.start << PAGE_SHIFT) -
		    m.delta;
		r = move_some(&m);
		mutex_unlock(&as->ws_lock);
		if (r != 0)
			want_finish(&m.want);
	}
	pt_release(&m.from);
	pt_release(&m.to);
	want_end(&m.want);
	/* Lost words would read as zeros: the process must not go on. */
	if (m.from.lost || m.to.lost)
		as_lose(as, LOST_MOVED);
	EVENT(vad_move, copy.start, copy.end, copy.flags, copy.off);
	return 0;
}
