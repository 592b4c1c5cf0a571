/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_lastpace.c: lab 06, step 2: what it costs to let a range of words go
 *
 * Problem   In which order words are dropped, and how many in one hold of their
 *           object's lock, is the learner's choice: no way of it is right or wrong.
 *           What can be said is how long it takes, where words lie well and where
 *           they do not.
 *
 * Picture   one fork      words  a a a a a a a a …    one page of entries, or two
 *           eight forks   words  a b c d e f g h a b c d …    eight objects, by turns
 *
 * Rules     1. The numbers are those of the seed: time is instructions here.
 *           2. Who is quick and wrong gets nothing: each count is looked at.
 *
 * Read next lab_last.c; vm/design/fmo/fmo.c.
 */
#include "test/boot/fork/lab_family.h"

#define FORKS 8u
#define CHILDREN 8u       /* that let their words go */
#define IN_ORDER 260u     /* instructions a word */
#define BY_TURNS 1000u
#define BADGE 300u        /* by turns */

static struct {
	struct pages p;                       /* of the parent */
	struct aspace *maker[FORKS];          /* children: each fork enters some pages */
	struct aspace *child[CHILDREN];       /* then these, for which no entry is made */
	uint32_t refs[FAMILY_PAGES];          /* of the entry of each page, before */
} r;

static uint32_t
refs_now(uint64_t i)
{
	return word_entry(word_of(r.p.as, pages_at(&r.p, i))).refs;
}

static struct aspace *
fork_of_parent(void)
{
	struct aspace *child = family_fork(r.p.as);

	CHECK(child != NULL);
	return child;
}

/* The entry of page i is made by fork i % forks. */
static void
forked_by_turns(uint64_t n, unsigned forks)
{
	unsigned f;
	uint64_t i;

	r.p = family_pages(lab_space(), n);
	for (f = 0; f < forks; f++) {
		for (i = 0; i < n; i++)
			if (f == 0 || i % forks == f)
				pages_write(&r.p, i);
		r.maker[f] = fork_of_parent();
	}
	for (f = 0; f < CHILDREN; f++)
		r.child[f] = fork_of_parent();
	for (i = 0; i < n; i++)
		r.refs[i] = refs_now(i);
}

/* Words of the children go, all but the first and the last two.  Instructions a word. */
static uint64_t
ranges_take(uint64_t n, unsigned forks, unsigned mark)
{
	uint64_t gone = ev_read(EV_fmo_deref), lo = 1, hi = n - 2, i, took;
	uint64_t words = CHILDREN * (hi - lo);
	uint32_t want;
	unsigned f;

	ev_mark(mark);
	took = md_time_ns();
	for (f = 0; f < CHILDREN; f++)
		CHECK(map_munmap(r.child[f], pages_at(&r.p, lo),
		    (hi - lo) * PAGE_SIZE) == 0);
	took = md_time_ns() - took;
	ev_mark(mark + 1);
	gone = ev_read(EV_fmo_deref) - gone;
	CLAIM(gone == words, "%lu words that name entries were unmapped, of %u forks "
	    "by turns, and %lu references given up", words, forks, gone);
	for (i = 0; i < n; i++) {
		want = r.refs[i] - (i >= lo && i < hi ? CHILDREN : 0);
		CLAIM(refs_now(i) == want, "page %lu, of %u forks by turns: its entry has "
		    "%u references, and %u words name it", i, forks, refs_now(i), want);
	}
	return took / words;
}

static uint64_t
pace_of(uint64_t n, unsigned forks, unsigned mark)
{
	uint64_t took;
	unsigned f;

	forked_by_turns(n, forks);
	took = ranges_take(n, forks, mark);
	for (f = 0; f < CHILDREN; f++)
		lab_space_end(r.child[f]);
	for (f = 0; f < forks; f++)
		lab_space_end(r.maker[f]);
	lab_space_end(r.p.as);
	return took;
}

static void
last_pace(void)
{
	uint64_t asked = lab_param("n", 0), n = asked != 0 ? asked : 450, order, turns;

	vm_leak_begin();
	order = pace_of(n, 1, 1);
	turns = pace_of(n, FORKS, 3);
	lab_show("instructions a word, of %lu: %lu of one fork (at most %u), %lu of %u "
	    "forks by turns (%u)", n - 3, order, IN_ORDER, turns, FORKS, BY_TURNS);
	/* Who asks for a size judges, and has a clock of instructions. */
	CLAIM(asked == 0 || order <= IN_ORDER, "slow: %lu words whose entries lie side by side cost "
	    "%lu instructions each, and %u are allowed", n - 3, order, IN_ORDER);
	CLAIM(asked == 0 || turns <= BY_TURNS, "slow: %lu words whose entries are of %u forks by turns "
	    "cost %lu instructions each, and %u are allowed", n - 3, FORKS, turns,
	    BY_TURNS);
	lab_show(turns <= BADGE ? "badge: by turns, %lu are less than %u" :
	    "no badge yet: by turns, %lu are more than %u", turns, BADGE);
	family_nothing_left();
}

const struct selftest selftests_lab_lastpace[] = {
	{ "lab_last_pace", last_pace, "what it costs to let a range of words go" },
	{ NULL, NULL, NULL },
};
