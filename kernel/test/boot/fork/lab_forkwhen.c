/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_forkwhen.c: lab 05, step 6: what a fork of a fork makes anew, and what it costs
 *
 * Problem   Which pages a fork takes back from old objects, and enters in its new one,
 *           is the learner's choice: no fork is right or wrong by it.  Who never does
 *           keeps an object for each fork there ever was; who always does pays for all
 *           pages, each time.
 *
 * Picture   store to new pages, fork, an old child ends, store, fork …
 *             ├→ instructions a word of the forks
 *             └→ pages of entries that stand, beside those that words need
 *
 * Rules     1. The numbers are those of the seed: time is instructions here.
 *           2. No fault of a child is taken: step 6 stands without F4 and F8.
 *           3. Who is quick and wrong gets nothing: words and entries are looked at.
 *
 * Read next lab_forkagain.c; vm/design/fmo/fork.c.
 */
#include "test/boot/fork/lab_family.h"

#define ROUNDS 40u
#define TOGETHER 5u       /* children that end at the same time, where they stay */
#define WORD_COST 900u    /* instructions a word of the forks, on average, at most */
#define PAGES_MOST 350u   /* pages of entries by those that the words need, percent */
#define BADGE_COST 300u   /* both */
#define BADGE_PAGES 250u

struct forked {
	uint64_t words, took;   /* all forks: words, instructions */
	uint64_t stand, need;   /* all rounds: pages of entries */
};

/* A page of the child is one entry with the parent's, and the count is that of the words
 * that name it. */
static void
is_counted(const struct pages *p, struct aspace *child, uint64_t i, uint32_t least)
{
	const struct vm_page *pg;
	uint32_t refs;

	if (!family_shares(p, child, i))
		return;
	refs = word_entry(word_of(child, pages_at(p, i))).refs;
	pg = word_frame(word_of(child, pages_at(p, i)));
	CLAIM(refs >= least, "page %lu: its entry has %u references, %u words and more "
	    "name it", i, refs, least);
	CLAIM(pg != NULL && pages_is(p, i, pg), "page %lu: its entry does not lead to "
	    "what was written", i);
}

/* Forks of a parent that has written more pages before each; so many children end
 * together. */
static struct forked
rounds(uint64_t base, uint64_t more, unsigned together)
{
	struct pages p = family_pages(lab_space(), base + ROUNDS * more);
	struct aspace *child[TOGETHER];
	struct forked f = { 0 };
	uint64_t n = 0, t;
	unsigned k, i;

	CHECK(together <= TOGETHER && ROUNDS % together == 0);
	for (k = 0; k < ROUNDS; k++) {
		while (n < base + k * more)
			pages_write(&p, n++);
		family_note(&p);
		t = md_time_ns();
		child[k % together] = family_fork(p.as);
		f.took += md_time_ns() - t;
		CHECK(child[k % together] != NULL);
		f.words += n;
		f.stand += ev_read(EV_fmo_pages_live);
		f.need += (n + FMO_PER_PAGE - 1) / FMO_PER_PAGE;
		is_counted(&p, child[k % together], 0, 2);
		is_counted(&p, child[k % together], n - 1, 2);
		for (i = 0; k % together == together - 1 && i < together; i++)
			lab_space_end(child[i]);
	}
	lab_space_end(p.as);
	return f;
}

static void
judge_forks(const struct forked *f, const char *what, bool timed)
{
	uint64_t cost = f->took / f->words, stand = f->stand * 100 / f->need;

	lab_show("%s: %lu instructions a word (at most %u), %lu pages for 100 (%u)", what, cost, WORD_COST, stand, PAGES_MOST);
	CLAIM(!timed || cost <= WORD_COST, "slow: %u forks, %s, cost %lu instructions for each word, "
	    "and %u are allowed", ROUNDS, what, cost, WORD_COST);
	CLAIM(stand <= PAGES_MOST, "kept: of %u forks, %s, %lu pages of entries stand where "
	    "100 would do, and %u are allowed", ROUNDS, what, stand, PAGES_MOST);
}

static void
fork_when(void)
{
	uint64_t asked = lab_param("base", 0), base = asked != 0 ? asked : 250;
	uint64_t more = lab_param("more", 8);
	struct forked one, many;

	vm_leak_begin();
	ev_mark(1);
	one = rounds(base, more, 1);
	many = rounds(base, more, TOGETHER);
	ev_mark(2);
	/* Time is instructions where the grader asks, and the host's elsewhere. */
	judge_forks(&one, "child by child", asked != 0);
	judge_forks(&many, "five by five", asked != 0);
	lab_show((one.took + many.took) / (one.words + many.words) <= BADGE_COST &&
	    (one.stand + many.stand) * 100 / (one.need + many.need) <= BADGE_PAGES ?
	    "badge: not more than %u instructions and %u pages, together" :
	    "no badge yet: %u instructions and %u pages, together", BADGE_COST,
	    BADGE_PAGES);
	family_nothing_left();
}

const struct selftest selftests_lab_forkwhen[] = {
	{ "lab_fork_when", fork_when, "what a fork of a fork makes anew" },
	{ NULL, NULL, NULL },
};
