/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ahead.c: how far to read ahead, and which way
 *
 * Problem   Who goes through memory in order wants many pages by one request.  Who
 *           jumps about wants one: each that comes along unasked has pushed out
 *           another.  Which of the two it is, only the last reads can tell.
 *
 * Picture   wanted     40   41      43         47               9   55
 *           read       40   41 42   43 … 46    47 … 54          9   55 …
 *                      ├ 1 ─┴─ 2 ───┴── 4 ─────┴─ 8 ─ …         1   └ 16
 *                      └─ a sequence: goes on where the last read has ended
 *
 *           pages read ahead: wanted, or given up ─→ swaps.window 2 … 16
 *
 * Rules     1. A page that stands alone is read alone.  Neighbours, upwards or
 *              downwards, are a sequence, and so are three at equal distances.
 *           2. Each read of a sequence is twice as long as the one before; as long,
 *              where it begins within that one: there were no frames for all of it, or
 *              they are gone again.
 *           3. No read is longer than swaps.window, which is doubled where most of
 *              what was read ahead was wanted, and halved where little was.
 *           4. A space has a few sequences at a time.  A page that stands alone takes
 *              the place of the oldest, and a sequence is younger than its last read
 *              says: others jump about between its reads.
 *
 * Read next want_swap_in() in vm/want/want.c, read_ahead() in swap.c.
 */
#include "vm/swap/swap.h"

#define WINDOW_MIN 2
#define WINDOW_MAX SWAP_RUN  /* pages of one read */
#define WINDOW_START 8
#define WINDOW_JUDGE 64      /* pages read ahead between two looks at the hits */
#define APART_MAX 16         /* pages between two of a sequence */
#define YOUNGER 64           /* reads of the space, of rule 4 */

/* ---- how much of it was wanted ---- */

/* [P]. */
static void
judge_window(void)
{
	unsigned all = swaps.hits + swaps.misses;

	if (all < WINDOW_JUDGE)
		return;
	if (swaps.hits * 4 < all)
		swaps.window = MAX(swaps.window / 2, WINDOW_MIN);
	else if (swaps.hits * 4 >= all * 3)
		swaps.window = MIN(swaps.window * 2, WINDOW_MAX);
	swaps.hits = 0;
	swaps.misses = 0;
}

/* A page that was read ahead is wanted (hits), or its frame is given away before
 * (misses).
 * Locks: [P]. */
static void
ahead_ends(struct vm_page *pg, unsigned *count)
{
	HELD(&pfn_lock);
	pg->swp.ahead = false;
	++*count;
	judge_window();
}

/* Locks: [P]. */
void
swap_ahead_hit(struct vm_page *pg)
{
	HELD(&pfn_lock);
	EVENT(swap_ra_hits);
	ahead_ends(pg, &swaps.hits);
}

/* Locks: [P]. */
void
swap_ahead_miss(struct vm_page *pg)
{
	HELD(&pfn_lock);
	ahead_ends(pg, &swaps.misses);
}

void
swap_ahead_init(void)
{
	swaps.window = WINDOW_START;
}

/* ---- sequences ---- */

/* May a read of page at belong to the sequence, or make one of it?  s knows then how
 * long and which way.  [S]. */
static bool
goes_with(struct read_ahead *s, uint64_t at)
{
	int64_t apart = (int64_t)(at - s->at), steps;

	if (s->window == 0)
		return false;
	if (s->window > 1 && apart % s->apart == 0) {
		steps = apart / s->apart;
		if (steps >= s->read && steps <= s->read + s->window) {
			s->window = (uint8_t)MIN(2 * s->window, WINDOW_MAX);
			return true;
		}
		if (steps >= 0 && steps < s->read)
			return true;
	}
	if (s->window > 1 || apart == 0 || apart < -APART_MAX ||
	    apart > APART_MAX)
		return false;
	if (apart == 1 || apart == -1 || apart == s->apart)
		s->window = WINDOW_MIN;
	s->apart = (int8_t)apart;
	return true;
}

static uint32_t
age_of(const struct aspace *as, const struct read_ahead *s)
{
	uint32_t reads = as->reads - s->when;

	return s->window > 1 && reads != 0 ? reads - MIN(reads, YOUNGER) : reads;
}

/* The sequence that a read of page at belongs to, or a new one.  [S]. */
static struct read_ahead *
sequence_of(struct aspace *as, uint64_t at)
{
	struct read_ahead *s, *oldest = as->ahead;
	unsigned i;

	for (i = 0; i < AS_SEQUENCES; i++) {
		s = &as->ahead[i];
		if (goes_with(s, at))
			return s;
		if (age_of(as, s) > age_of(as, oldest))
			oldest = s;
	}
	*oldest = (struct read_ahead){ .window = 1 };
	return oldest;
}

/* Words that stand before that of w and belong to it. */
static unsigned
words_before(const struct swap_words *w)
{
	if (w->container == NULL && w->home != HOME_KPAGED)
		return 0;
	return (unsigned)(word_pa(w->word) % PAGE_SIZE / sizeof(*w->word) /
	    (unsigned long)w->step);
}

/* The page of a word is to be read for this thread: which others shall come along?
 * w names the first page, and all words behind it; then those to be read.
 * Locks: the container's; takes [S]. */
void
swap_look_ahead(struct swap_words *w)
{
	struct md_space *space = thread_current()->space;
	struct aspace *as = space == NULL ? &kernel_as :
	    CONTAINER_OF(space, struct aspace, md);
	unsigned room;
	struct read_ahead *s;

	if (owner_homes[w->home].kind != OWNER_DATA ||
	    owner_homes[w->home].step == 0)
		return;
	spin_lock(&swaps.lock);
	s = sequence_of(as, w->index);
	room = s->apart < 0 ? words_before(w) / (unsigned)-s->apart :
	    s->apart > 0 ? (w->max - 1) / (unsigned)s->apart : 0;
	w->max = MIN(MIN(s->window, swaps.window), room + 1);
	w->step *= s->apart == 0 ? 1 : s->apart;
	s->at = w->index;
	s->read = (uint8_t)w->max;
	s->when = ++as->reads;
	spin_unlock(&swaps.lock);
}
