/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_last.c: lab 06, steps 1, 2 and 4: references that go and come, word by word
 *
 * Problem   A count that is wrong by one is seen late: as a page that is freed
 *           while somebody reads it, or as one that is never freed.
 *
 * Picture   n pages ─→ fork ─→ n entries of two ─→ munmap here or there ─→
 *           refs, nrefs, nptes, words.fork, frames and entry pages, each time
 *
 * Rules     1. What an entry holds is read by the kernel's own address of it,
 *              and only while one of the same page lives.
 *           2. vm_check(2) follows at the marks, the leak census at the end.
 *
 * Read next lab_laststeal.c; vm/design/fmo/fmo.c.
 */
#include "test/boot/fork/lab_family.h"

#define TRIES 500
#define TRY_NS 1000000ul

static struct {
	struct pages p, c;              /* of the parent; the same of the child */
	uint64_t index[FAMILY_PAGES];   /* of the entry of each */
	bool dead[FAMILY_PAGES];
} l;

static void
last_begin(uint64_t n)
{
	uint64_t i, word;

	l.p = family_pair(n, &l.c);
	for (i = 0; i < n; i++) {
		word = word_of(l.p.as, pages_at(&l.p, i));
		CHECK(word_is_forked(word));
		l.index[i] = word_index(word);
		l.dead[i] = false;
	}
}

static void
last_end(void)
{
	lab_space_end(l.c.as);
	lab_space_end(l.p.as);
	family_nothing_left();
}

static struct fmo_entry
entry_of(uint64_t i)
{
	return word_entry(fork_word(l.index[i]));
}

/* Does an entry of the same entry page still live? */
static bool
entry_page_lives(uint64_t i)
{
	uint64_t k, page = l.index[i] / FMO_PER_PAGE;

	for (k = 0; k < l.p.n; k++)
		if (!l.dead[k] && l.index[k] / FMO_PER_PAGE == page)
			return true;
	return false;
}

/* Of the object that holds entry i, as the space of q counts it. */
static void
judge_object(const struct pages *q, uint64_t i, uint64_t live, uint64_t nrefs,
    uint64_t nptes)
{
	struct fmo_ref *ref;

	mutex_lock(&q->as->ws_lock);
	ref = fmo_find_ref(q->as, l.index[i]);
	if (nptes == 0) {
		CLAIM(ref == NULL, "page %lu was the last of this process in its "
		    "object, and the process still has a reference to it", i);
	} else {
		CLAIM(ref != NULL, "page %lu: %lu words of the process name entries, "
		    "and its reference to the object is gone", i, nptes);
		if (ref != NULL)
			CLAIM(ref->fmo->live == live && ref->fmo->nrefs == nrefs &&
			    ref->nptes == nptes, "page %lu: live %u, nrefs %lu, "
			    "nptes %lu; it should be %lu, %lu, %lu", i,
			    ref->fmo->live, ref->fmo->nrefs, ref->nptes, live,
			    nrefs, nptes);
		CLAIM(q->as->words.fork == nptes, "page %lu: words.fork is %lu, and %lu "
		    "words of the process name entries", i, q->as->words.fork, nptes);
	}
	mutex_unlock(&q->as->ws_lock);
}

/* ---- step 1: one word that was mapped ---- */

/* The first of the two lets page i go: the other one has all of it. */
static void
first_goes(const struct pages *q, const struct pages *other, uint64_t i)
{
	uint64_t dead = ev_read(EV_fmo_entry_dead);
	struct fmo_entry e;

	CHECK(map_munmap(q->as, pages_at(q, i), PAGE_SIZE) == 0);
	e = entry_of(i);
	CLAIM(e.refs == 1 && e.word != 0, "page %lu: one of two has unmapped it, "
	    "and its entry has %u references and word %lx", i, e.refs, e.word);
	CLAIM(ev_read(EV_fmo_entry_dead) == dead, "page %lu: one of two has "
	    "unmapped it, and its entry is counted as dead", i);
	CLAIM(pages_reads(other, other->as, i), "page %lu: one of two has unmapped "
	    "it, and the other reads something else now", i);
}

/* The last one does: entry, frame, and with the last of a page that go. */
static void
last_goes(const struct pages *q, uint64_t i)
{
	uint64_t dead = ev_read(EV_fmo_entry_dead), out = ev_read(EV_page_free);
	uint64_t pages = ev_read(EV_fmo_pages_live);
	struct fmo_entry e;

	CHECK(map_munmap(q->as, pages_at(q, i), PAGE_SIZE) == 0);
	l.dead[i] = true;
	CLAIM(ev_read(EV_fmo_entry_dead) == dead + 1, "page %lu: the last word that "
	    "named its entry is gone, and the entry lives: it dies at 0, not "
	    "below", i);
	CLAIM(ev_read(EV_page_free) > out, "page %lu: nobody refers to it, and its "
	    "frame is not free", i);
	if (ev_read(EV_fmo_entry_dead) != dead + 1)
		return;
	if (entry_page_lives(i)) {
		e = entry_of(i);
		CLAIM(e.refs == 0 && e.word == 0, "page %lu: its entry is dead, and "
		    "has %u references and word %lx", i, e.refs, e.word);
		CLAIM(ev_read(EV_fmo_pages_live) == pages, "page %lu: a page of "
		    "entries was given back, and some of them live", i);
	} else {
		CLAIM(ev_read(EV_fmo_pages_live) < pages, "page %lu: all entries of "
		    "a page are dead, and the page is not given back", i);
	}
}

static void
last_words(void)
{
	uint64_t n = lab_param("n", 400), i;

	vm_leak_begin();
	last_begin(n);
	for (i = 0; i < n; i++)
		CLAIM(pages_reads(&l.c, l.c.as, i), "page %lu: the child does not "
		    "read what its parent has written", i);
	ev_mark(1);
	for (i = 0; i < n; i++) {
		if (i % 2 == 0) {
			first_goes(&l.c, &l.p, i);
			judge_object(&l.p, i, n - i, 2 * (n - i) - 1, n - i);
			last_goes(&l.p, i);
			judge_object(&l.c, i, n - i - 1, 2 * (n - i - 1), n - i - 1);
		} else {
			first_goes(&l.p, &l.c, i);
			judge_object(&l.c, i, n - i, 2 * (n - i) - 1, n - i);
			last_goes(&l.c, i);
			judge_object(&l.p, i, n - i - 1, 2 * (n - i - 1), n - i - 1);
		}
	}
	ev_mark(2);
	CLAIM(ev_read(EV_fmo_live) == 0, "no word names an entry, and %lu objects "
	    "live", ev_read(EV_fmo_live));
	last_end();
}

/* ---- step 2: a range of words, mapped or not ---- */

/* q unmaps [lo, hi): so many words named an entry until now. */
static void
range_goes(const struct pages *q, uint64_t lo, uint64_t hi, uint64_t words)
{
	uint64_t n = ev_read(EV_fmo_deref);

	CHECK(map_munmap(q->as, pages_at(q, lo), (hi - lo) * PAGE_SIZE) == 0);
	n = ev_read(EV_fmo_deref) - n;
	CLAIM(n == words, "%lu words that name entries were unmapped, and %lu "
	    "references given up", words, n);
}

/* The parent has trimmed; of the child every third is mapped, some are its own. */
static uint64_t
mix_child(uint64_t lo, uint64_t hi)
{
	uint64_t i, words = 0;

	family_trim(&l.p);
	for (i = 0; i < l.c.n; i++) {
		if (i % 3 == 0)
			CHECK(pages_reads(&l.c, l.c.as, i));
		if (i % 5 == 1)
			CHECK(family_store(l.c.as, pages_at(&l.c, i), 1) == 0);
	}
	for (i = lo; i < hi; i++)
		words += word_is_forked(word_of(l.c.as, pages_at(&l.c, i)));
	return words;
}

static void
judge_refs(uint64_t lo, uint64_t hi)
{
	uint64_t i;
	uint32_t want;

	for (i = 0; i < l.p.n; i++) {
		want = (i >= lo && i < hi) ||
		    !word_is_forked(word_of(l.c.as, pages_at(&l.c, i))) ? 1 : 2;
		CLAIM(entry_of(i).refs == want, "page %lu: its entry has %u "
		    "references, and %u words name it", i, entry_of(i).refs, want);
	}
}

/* Entries and all that they lead to are on swap. */
static void
entry_page_goes(void)
{
	va_t kva = fork_entry(fork_word(l.index[0]));
	unsigned try;

	family_swap_out(&l.p);
	for (try = 0; !kpaged_is_out(kva) && try < TRIES; try++) {
		(void)kpaged_trim();
		pageout_push();
		(void)sleep_until(md_time_ns() + TRY_NS, WAIT_PLAIN);
		while (phys_reclaim())
			;
	}
	CHECK(kpaged_is_out(kva));
}

/* The entries' page is on swap when the child unmaps: it is brought, and no other. */
static void
range_behind_swap(uint64_t n)
{
	uint64_t i;

	last_begin(n);
	family_trim(&l.p);
	entry_page_goes();
	range_goes(&l.c, 0, n, n);
	CLAIM(!kpaged_is_out(fork_entry(fork_word(l.index[0]))), "entries were on "
	    "swap, and their counts have changed without them");
	for (i = 0; i < n; i++) {
		CLAIM(entry_of(i).refs == 1 && pte_kind(entry_of(i).word) == PTE_SWAP,
		    "page %lu: the child has unmapped it; its entry, which was on "
		    "swap, has %u references and is %s", i, entry_of(i).refs,
		    word_name(entry_of(i).word));
	}
	entry_page_goes();
	for (i = 0; i < n; i++)
		CLAIM(entry_of(i).refs == 1, "page %lu: the child has unmapped it; its "
		    "entry was on swap since, and came back with %u references: who "
		    "changes a page of entries says so (refs_changed)", i,
		    entry_of(i).refs);
	for (i = 0; i < n; i++)
		CLAIM(pages_reads(&l.p, l.p.as, i), "page %lu: the child has "
		    "unmapped it, and the parent reads something else now", i);
	lab_space_end(l.c.as);
	lab_space_end(l.p.as);
}

static void
last_range(void)
{
	uint64_t n = lab_param("n", 500), lo = n / 7, hi = n - n / 9, dead, i;

	vm_leak_begin();
	last_begin(n);
	ev_mark(1);
	range_goes(&l.c, lo, hi, mix_child(lo, hi));
	judge_refs(lo, hi);
	for (i = 0; i < n; i++)
		CLAIM(pages_is(&l.p, i, word_frame(word_of(l.p.as,
		    pages_at(&l.p, i)))), "page %lu: the child has unmapped pages, "
		    "and the parent's is not what it was", i);
	dead = ev_read(EV_fmo_entry_dead);
	range_goes(&l.p, lo, hi, hi - lo);
	dead = ev_read(EV_fmo_entry_dead) - dead;
	CLAIM(dead == hi - lo, "nobody refers to %lu pages, and %lu of their entries "
	    "are dead", hi - lo, dead);
	for (i = 0; i < n; i++)
		if (i < lo || i >= hi)
			CLAIM(entry_of(i).word != 0, "page %lu is not in the range "
			    "that was unmapped, and its entry is dead", i);
	ev_mark(2);
	lab_space_end(l.c.as);
	lab_space_end(l.p.as);
	range_behind_swap(FMO_PER_PAGE / 2);
	family_nothing_left();
}

/* ---- step 4: one more word ---- */

static void
judge_generation(const struct pages *q, uint32_t refs, const char *whose)
{
	uint64_t i, n = q->n;

	for (i = 0; i < n; i++) {
		uint64_t word = word_of(q->as, pages_at(q, i));

		CLAIM(word_is_forked(word) && word_index(word) == l.index[i],
		    "page %lu: the word of the %s does not name the entry of the "
		    "first fork", i, whose);
		CLAIM(entry_of(i).refs == refs, "page %lu: its entry has %u "
		    "references, %u words name it", i, entry_of(i).refs, refs);
	}
	judge_object(q, 0, n, refs * n, n);
}

static void
last_again(void)
{
	uint64_t n = lab_param("n", 300);
	struct pages second, grandchild;

	vm_leak_begin();
	last_begin(n);
	second = grandchild = l.p;
	ev_mark(1);
	second.as = family_fork(l.p.as);
	CHECK(second.as != NULL);
	judge_generation(&second, 3, "second child");
	grandchild.as = family_fork(l.c.as);
	CHECK(grandchild.as != NULL);
	judge_generation(&grandchild, 4, "grandchild");
	judge_generation(&l.c, 4, "child");
	ev_mark(2);
	CLAIM(ev_read(EV_fmo_live) == 1, "%lu objects live, and one fork had "
	    "something to enter", ev_read(EV_fmo_live));
	lab_space_end(second.as);
	judge_generation(&l.p, 3, "parent");
	lab_space_end(grandchild.as);
	judge_generation(&l.p, 2, "parent");
	last_end();
}

const struct selftest selftests_lab_last[] = {
	{ "lab_last_words", last_words, "a word that is gone counts one entry down" },
	{ "lab_last_range", last_range, "so does each of a range, mapped or not" },
	{ "lab_last_again", last_again, "a fork of a fork counts one up" },
	{ NULL, NULL, NULL },
};
