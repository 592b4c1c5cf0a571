/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_forkagain.c: lab 05, step 6: forks of forks, and forks that are refused
 *
 * Problem   A word that is FORK already must lead parent, child and grandchild
 *           to one entry, until one of them is left alone with it.  And a fork
 *           that gets no memory must leave all of that as it was.
 *
 * Picture   fork, fork, exit, munmap, fork … ─→ entries, references, objects
 *           fork, fork, fork, fork … ─→ many objects, and pages taken back
 *           refuse the first, second … allocation ─→ as_dup ─→ nothing has changed
 *
 * Rules     1. No fault of the child is taken: step 6 stands without F4 and F8.
 *           2. vm_check(2) follows at the marks, the leak census at the end.
 *
 * Read next lab_forkpages.c, lab_family.c; vm/design/fmo/fork.c.
 */
#include "test/boot/fork/lab_family.h"

#define SOME 8 /* pages, that a claim per page is worth it */

/* ---- forks of forks ---- */

/* Page i of both is one entry, of so many references, and has its bytes. */
static void
common(const struct pages *p, struct aspace *child, uint64_t i, uint32_t refs)
{
	const struct vm_page *pg;
	struct fmo_entry e;

	if (!family_shares(p, child, i))
		return;
	e = word_entry(word_of(child, pages_at(p, i)));
	CLAIM(e.refs == refs, "page %lu: its entry has %u references, %u words "
	    "name it", i, e.refs, refs);
	pg = word_frame(word_of(child, pages_at(p, i)));
	CLAIM(pg != NULL && pages_is(p, i, pg), "page %lu: its entry does not "
	    "lead to what was written", i);
}

/* Fork p once more: of so many words those of private pages are new entries.  Which of
 * the others are entered anew is the learner's choice. */
static struct aspace *
fork_again(const struct pages *p, uint64_t fresh, uint64_t words)
{
	uint64_t e = ev_read(EV_fork_entries), r = ev_read(EV_fork_rerefs);
	struct aspace *child;

	family_note(p);
	child = family_fork(p->as);
	e = ev_read(EV_fork_entries) - e;
	r = ev_read(EV_fork_rerefs) - r;
	CLAIM(e >= fresh && e + r == words, "%lu entries are new and %lu got a "
	    "reference more; it should be %lu together, of which %lu were private",
	    e, r, words, fresh);
	CHECK(child != NULL);
	return child;
}

static void
all_common(const struct pages *p, struct aspace *child, uint64_t from,
    uint64_t to, uint32_t refs)
{
	uint64_t i;

	for (i = from; i < to; i++)
		common(p, child, i, refs);
}

/* Each fork leaves one object more, of a fresh page written since the last, from the
 * one with this number on; then one that finds no private page. */
static void
many_objects(const struct pages *p, const struct pages *fresh, uint64_t first)
{
	struct aspace *child;
	uint64_t i;

	for (i = 0; i <= FORK_OBJECTS; i++) {
		if (i < FORK_OBJECTS)
			pages_write(fresh, first + i);
		child = fork_again(p, i < FORK_OBJECTS, p->n + first +
		    MIN(i + 1, (uint64_t)FORK_OBJECTS));
		all_common(p, child, 0, p->n, 2);
		lab_space_end(child);
	}
}

/*
 * Every second page has another owner, too: it is entered by one reference more,
 * and only those between may be taken back.
 */
static void
some_common(void)
{
	struct pages p = family_pages(lab_space(), 64), fresh;
	struct aspace *stays, *child;
	uint64_t i;

	fresh = family_pages(p.as, FORK_OBJECTS);
	for (i = 0; i < p.n; i++)
		pages_write(&p, i);
	stays = fork_again(&p, p.n, p.n);
	for (i = 1; i < p.n; i += 2)
		CHECK(map_munmap(stays, pages_at(&p, i), PAGE_SIZE) == 0);
	for (i = 0; i + 1 < FORK_OBJECTS; i++) {
		pages_write(&fresh, i);
		lab_space_end(fork_again(&p, 1, p.n + i + 1));
	}
	child = fork_again(&p, 0, p.n + i);
	for (i = 0; i < p.n; i++)
		common(&p, child, i, i % 2 == 0 ? 3 : 2);
	lab_space_end(child);
	lab_space_end(stays);
	lab_space_end(p.as);
}

static void
again(void)
{
	uint64_t n = lab_param("n", 300), half = lab_param("half", 140);
	struct aspace *first, *second, *third, *grandchild;
	struct pages p, q, fresh;
	uint64_t i;

	vm_leak_begin();
	p = family_pages(lab_space(), n);
	for (i = 0; i < n; i++)
		pages_write(&p, i);
	ev_mark(1);
	first = fork_again(&p, n, n);
	second = fork_again(&p, 0, n);
	ev_mark(2);
	all_common(&p, second, 0, n, 3);
	CLAIM(ev_read(EV_fmo_live) == 1, "a fork that entered nothing has left "
	    "an object");
	lab_space_end(first);
	/* Of the first pages the parent is the only owner now. */
	CHECK(map_munmap(second, p.va, half * PAGE_SIZE) == 0);
	CHECK(inject_set("TRYPIN:2:3") == 0);
	third = fork_again(&p, 0, n);
	CHECK(inject_set("off") == 0);
	ev_mark(3);
	all_common(&p, third, 0, half, 2);
	all_common(&p, third, half, n, 3);
	lab_space_end(second);
	q = p;
	q.as = third;
	grandchild = fork_again(&q, 0, n);
	ev_mark(4);
	all_common(&q, grandchild, 0, n, 3);
	lab_space_end(p.as);
	lab_space_end(third);
	q.as = grandchild;
	fresh = family_pages(q.as, 2 * FORK_OBJECTS);
	many_objects(&q, &fresh, 0);
	many_objects(&q, &fresh, FORK_OBJECTS);
	lab_space_end(grandchild);
	some_common();
	family_nothing_left();
}

/* ---- what a fork that fails leaves ---- */

static bool
same_books(const struct family_books *a, const struct family_books *b)
{
	return a->n_priv == b->n_priv && a->n_fork == b->n_fork &&
	    a->nfmo == b->nfmo && a->n_swap == b->n_swap && a->late == b->late;
}

static bool
same_words(const struct pages *p)
{
	uint64_t i;

	for (i = 0; i < p->n; i++)
		if ((word_of(p->as, pages_at(p, i)) ^ family_word_before(i)) &
		    ~(MD_PTE_A | PTE_AGE_MASK))
			return false;
	return true;
}

/* It was refused: is everything as it was? */
static void
judge_refusal(const struct pages *p, const struct family_books *before,
    const char *what, uint64_t hit, int r)
{
	struct family_books now = family_books(p->as);

	CLAIM(r == -ENOMEM, "%s %lu was refused, and fork says %d, not -ENOMEM",
	    what, hit, r);
	CLAIM(now.commit == before->commit, "%s %lu was refused: %ld pages of "
	    "promises are left of a child that is not there", what, hit,
	    (long)(now.commit - before->commit));
	CLAIM(now.objects == before->objects && now.entries == before->entries,
	    "%s %lu was refused: the new object is left", what, hit);
	CLAIM(same_books(&now, before) && same_words(p), "%s %lu was refused: "
	    "the parent is not as it was: words.priv %lu words.fork %lu objects %u, "
	    "before %lu %lu %u", what, hit, now.n_priv, now.n_fork, now.nfmo,
	    before->n_priv, before->n_fork, before->nfmo);
}

/*
 * Refuse the first, the second … allocation of this kind that a fork makes, until
 * one makes no more.  What the kernel can do without is no refusal.
 *
 * Returns:  how many forks were refused.
 */
static uint64_t
refuse_each(const struct pages *p, const char *point)
{
	uint64_t hit = 1, refused = 0, fired;
	struct family_books before;
	struct aspace *child;
	int r;

	do {
		family_note(p);
		before = family_books(p->as);
		fired = ev_read(EV_inject_hits);
		family_inject(point, hit, 0);
		r = as_dup(p->as, &child);
		CHECK(inject_set("off") == 0);
		fired = ev_read(EV_inject_hits) - fired;
		if (r == 0) {
			as_attach_user(child);
			lab_space_end(child);
		} else {
			judge_refusal(p, &before, point, hit, r);
			refused++;
		}
		hit++;
	} while (fired != 0);
	return refused;
}

static void
refusals(const struct pages *p)
{
	/* As many as a fork has things to allocate: none may be passed over. */
	CLAIM(refuse_each(p, "COMMIT") >= 2, "a fork charges nothing: what the "
	    "child may touch is not promised to it");
	CLAIM(refuse_each(p, "KPAGED") >= 1, "a fork reserves no entries");
	CLAIM(refuse_each(p, "SLAB") >= 5, "a fork makes no object, or no "
	    "reference to one");
}

static void
fork_refused(void)
{
	uint64_t n = lab_param("n", 60), i;
	struct aspace *first, *child;
	struct pages p;

	vm_leak_begin();
	p = family_pages(lab_space(), n);
	for (i = 0; i < n; i += 2)
		pages_write(&p, i);
	first = family_fork(p.as);
	for (i = 1; i < n; i += 2)
		pages_write(&p, i);
	family_note(&p);
	ev_mark(1);
	refusals(&p);
	ev_mark(2);
	/* And it goes on as if nothing had been. */
	child = family_fork(p.as);
	for (i = 0; child != NULL && i < MIN(n, SOME); i++)
		common(&p, child, i, 2 + (i % 2 == 0));
	ev_mark(3);
	if (child != NULL)
		lab_space_end(child);
	if (first != NULL)
		lab_space_end(first);
	lab_space_end(p.as);
	family_nothing_left();
}

const struct selftest selftests_lab_forkagain[] = {
	{ "lab_fork_again", again, "forks of forks refer to the same entries" },
	{ "lab_fork_refused", fork_refused, "a fork that fails leaves nothing" },
	{ NULL, NULL, NULL },
};
