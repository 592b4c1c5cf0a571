/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ahead.c: how far to read ahead, from swap and from files, and which way
 *
 * Problem   A program that reads memory in order wants many pages by one request.
 *           One that reads at random wants one page: each other page that is read
 *           takes the frame of a useful one.  Only the last reads tell which it is.
 *
 * Picture   wanted     40   41      43         47               9   55
 *           read       40   41 42   43 … 46    47 … 54          9   55 …
 *                      ├ 1 ─┴─ 2 ───┴── 4 ─────┴─ 8 ─ …         1   └ 16
 *                      └─ a sequence: goes on where the last read ended
 *
 *           pages read ahead: wanted, or given up ─→ swaps.window 2 … 16
 *                                                    swaps.file.window 2 … 32
 *
 * Rules     1. A page that belongs to no sequence is read alone.  Neighbours, up or
 *              down, are a sequence, and so are three pages at equal distances.
 *           2. Each read of a sequence is twice as long as the one before, of a file
 *              four times.  It is only as long if it begins within that one: there
 *              were no frames for all of its pages, or they are gone again.
 *           3. No read is longer than the window of swap, or of files, which learns
 *              how many pages were used: swap_learn().
 *           4. A space has a few sequences at a time, and so has a file for all its
 *              readers, by calls or by faults.  A page without a sequence replaces
 *              the oldest one.  A sequence counts as younger than its last read, for
 *              others read at random between its reads.
 *           5. A reader of the first page of a file is taken for a sequence.  Strides
 *              over a file are read page by page: one request has adjacent pages.
 *           6. A read continues a sequence only if the page that it comes from is in
 *              memory; on swap, if the last page of the read before was touched.  So
 *              an abandoned sequence is not continued by a random read.
 *           7. A call for many pages of a file reads as many by one request, without
 *              a sequence, too; if it begins where one ends, it continues that one.
 *
 * Read next want_swap_in() in vm/want/want.c, read_ahead() in swap.c, cache_window() in
 *           vm/cache/pagecache.c, cache_read() in vm/cache/cachefile.c.
 */
#include "vm/swap/swap.h"

#define APART_MAX 16         /* the largest distance in a sequence */
#define YOUNGER 64           /* reads, of rule 4 */

/* How the reads of a sequence grow, in pages. */
struct growth {
	uint8_t times, most;
};

static const struct growth of_swap = { 2, SWAP_RUN };
static const struct growth of_files = { 4, AHEAD_FILE };

/* A page to be read: of these words, or of a file.  Are the pages before and behind it in
 * memory? */
struct wanted {
	uint64_t at;
	const struct swap_words *words;
	unsigned has;           /* enum neighbours */
};

/* ---- how many of the pages were used ---- */

/* A page that was read ahead is used, or its frame is reclaimed before.
 * Locks: [P]. */
void
swap_ahead_ended(struct vm_page *pg, enum ahead_end how)
{
	bool is_file = page_home_kind(pg) == HOME_VNODE;
	struct ahead_count *c = is_file ? &swaps.file.count : &swaps.count;

	HELD(&pfn_lock);
	if (how == AHEAD_WANTED) {
		ev_add(is_file ? EV_cache_ra_hits : EV_swap_ra_hits, 1);
		c->hits++;
	} else {
		c->misses++;
	}
	if (is_file) {
		pg->flags &= (uint8_t)~PF_AHEAD;
		swap_learn(&swaps.file.window, of_files.most, c);
	} else {
		pg->swp.ahead = false;
		swap_learn(&swaps.window, of_swap.most, c);
	}
}

/* ---- sequences ---- */

/* The number of words before that of w that belong to it. */
static unsigned
words_before(const struct swap_words *w)
{
	if (w->container == NULL && w->home != HOME_KPAGED)
		return 0;
	return (unsigned)(word_pa(w->word) % PAGE_SIZE / sizeof(*w->word) /
	    (unsigned long)w->step);
}

/* Its page was touched, or is mapped. */
static bool
is_used(uint64_t word)
{
	return pte_kind(word) == PTE_VALID ||
	    (pte_is_trans(word) && !page_is_ahead(pte_page(word)));
}

/* Has the reader of w already used the page `before` words before it (< 0: behind)?  For
 * a word in another table it is not known. */
static bool
was_there(const struct swap_words *w, int64_t before)
{
	if (before > (int64_t)words_before(w) || -before >= (int64_t)w->max)
		return true;
	return is_used(word_get(w->word - before * w->step));
}

/* Rule 6.  The page lies this number of steps behind the first page of the last read of
 * s. */
static bool
comes_from(const struct wanted *w, const struct read_ahead *s, int64_t steps)
{
	int64_t since = steps - MIN(steps, s->read) + 1;

	if (w->words != NULL)
		return steps == 0 || was_there(w->words, since * s->apart);
	return (w->has & (s->apart < 0 ? HAS_BEHIND : HAS_BEFORE)) != 0;
}

/* May a read of the page belong to s, or make a sequence of it?  Then s has the length
 * and the direction. */
static bool
goes_with(struct read_ahead *s, const struct wanted *w, const struct growth *g)
{
	int64_t apart = (int64_t)(w->at - s->at), steps;

	if (s->window == 0)
		return false;
	if (s->window > 1 && apart % s->apart == 0) {
		steps = apart / s->apart;
		if (steps >= 0 && steps <= s->read + s->window &&
		    comes_from(w, s, steps)) {
			if (steps >= s->read)
				s->window = (uint8_t)MIN(g->times * s->window, g->most);
			return true;
		}
	}
	if (s->window > 1 || apart == 0 || apart < -APART_MAX ||
	    apart > APART_MAX)
		return false;
	if (apart == s->read)
		apart = 1;
	if (apart == 1 || apart == -1 || apart == s->apart)
		s->window = (uint8_t)MIN(g->times * MAX(s->read, 1), g->most);
	s->apart = (int8_t)apart;
	return true;
}

static uint32_t
age_of(const struct sequences *all, const struct read_ahead *s)
{
	uint32_t reads = all->reads - s->when;

	return s->window > 1 && reads != 0 ? reads - MIN(reads, YOUNGER) : reads;
}

/* The sequence that a read of the page belongs to, or a new one. */
static struct read_ahead *
sequence_of(struct sequences *all, const struct wanted *w, const struct growth *g)
{
	struct read_ahead *s, *oldest = all->last;
	uint32_t most = 0, age;
	unsigned i;

	for (i = 0; i < SEQUENCES; i++) {
		s = &all->last[i];
		if (goes_with(s, w, g))
			return s;
		age = age_of(all, s);
		if (age > most) {
			most = age;
			oldest = s;
		}
	}
	*oldest = (struct read_ahead){ .window = 1 };
	return oldest;
}

static void
has_read(struct sequences *all, struct read_ahead *s, uint64_t at, unsigned n)
{
	s->at = at;
	s->read = (uint8_t)n;
	s->when = ++all->reads;
}

/* The page of a word must be read for this thread: which others are read with it?
 * w names the first page, and all words behind it; afterwards those to be read.
 * Locks: the container's; takes [S]. */
void
swap_look_ahead(struct swap_words *w)
{
	struct md_space *space = thread_current()->space;
	struct aspace *as = space == NULL ? &kernel_as :
	    CONTAINER_OF(space, struct aspace, md);
	struct wanted first = { .at = w->index, .words = w };
	unsigned room;
	struct read_ahead *s;

	if (owner_homes[w->home].kind != OWNER_DATA ||
	    owner_homes[w->home].step == 0)
		return;
	spin_lock(&swaps.lock);
	s = sequence_of(&as->ahead, &first, &of_swap);
	room = s->apart < 0 ? words_before(w) / (unsigned)-s->apart :
	    s->apart > 0 ? (w->max - 1) / (unsigned)s->apart : 0;
	w->max = MIN(MIN(s->window, swaps.window), room + 1);
	w->step *= s->apart == 0 ? 1 : s->apart;
	has_read(&as->ahead, s, w->index, w->max);
	spin_unlock(&swaps.lock);
}

/* The same for page idx of a file, with the file's sequences; has: which neighbours are
 * in memory.
 * Locks: [O] of the file.
 * Returns: the number of pages, with idx; < 0: downwards. */
int
swap_look_ahead_file(struct sequences *all, uint64_t idx, unsigned has)
{
	struct wanted w = { .at = idx, .has = has };
	struct read_ahead *s = sequence_of(all, &w, &of_files);
	unsigned n;
	bool down;

	if (idx == 0)
		*s = (struct read_ahead){ .window = 8, .apart = 1 };
	n = s->apart == 1 || s->apart == -1 ?
	    MIN(s->window, swaps.file.window) : 1;
	down = s->apart == -1;
	if (all->asked_at == ASKED_AT(idx) && all->asked > n) {
		n = all->asked;
		down = false;
	}
	all->asked = 0;
	has_read(all, s, idx, n);
	return down ? -(int)n : (int)n;
}

/* ---- read-ahead on request (WILLNEED) ---- */

/* swap_walk.fn: begin to read the page of a SWAP word, and some behind it, without a
 * wait.
 * Locks: the container's; takes [P].
 * Returns: 0; 1: there is no frame or no bio just now, and the walk ends. */
int
swap_ahead(struct swap_walk *unused, const struct swap_words *w)
{
	struct vm_page *frame, *wait;
	enum swap_in_result r;

	if (pte_kind(word_get(w->word)) != PTE_SWAP)
		return 0;
	frame = page_alloc(PHYS_ANY);
	if (frame == NULL)
		return 1;
	r = swap_in(w, &frame, &wait);
	if (frame != NULL)
		page_free(frame);
	return r == SWAPIN_NOBIO;
}
