/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_laststeal.c: lab 06, steps 3, 5 and 6: who is alone takes page or slot back
 *
 * Problem   A page that is taken back changes its owner while somebody may send
 *           it, read it, or write it to swap.  Each of these is met here, one by
 *           one, without a fault that would hide it.
 *
 * Picture   entry {TRANS or SWAP, refs} ─ fmo_try_steal ─→ word, home, counts;
 *           or nothing at all has changed
 *
 * Rules     1. vm_check(2) follows at the marks, the leak census at the end.
 *
 * Read next lab_last.c; vm/design/fmo/fmo.c.
 */
#include "test/boot/fork/lab_family.h"

/* What a call of fmo_try_steal() found, and what it left. */
struct asked {
	bool took;
	uint64_t before, after;       /* the word */
	pa_t at;                      /* where it stands */
	struct fmo_entry was, is;
	struct family_books old, new;
};

static struct asked
ask(const struct pages *q, uint64_t i)
{
	struct pte_ref s = { .as = q->as, .va = pages_at(q, i) };
	struct asked a = { .before = word_of(q->as, s.va),
		.old = family_books(q->as) };
	va_t kva = fork_entry(a.before);
	struct fmo_entry *e;
	struct vm_page *page;

	CHECK(kpaged_pin(kva, &page) == 0);
	e = kpaged_ptr(page, kva);
	mutex_lock(&q->as->ws_lock);
	s.word = pt_find(q->as, s.va, &s.leaf);
	CHECK(s.word != NULL);
	a.at = word_pa(s.word);
	a.was = *e;
	a.took = fmo_try_steal(&s, e, STEAL_WRITE);
	a.is = *e;
	a.after = word_get(s.word);
	mutex_unlock(&q->as->ws_lock);
	kpaged_unpin(page);
	a.new = family_books(q->as);
	return a;
}

static void
judge_refused(const struct asked *a, uint64_t i, const char *why)
{
	CLAIM(!a->took, "page %lu, %s: it was taken all the same", i, why);
	CLAIM(a->is.refs == a->was.refs && a->is.word == a->was.word &&
	    a->after == a->before, "page %lu, %s: it was not taken, and its word "
	    "or its entry has changed", i, why);
	CLAIM(a->new.n_priv == a->old.n_priv && a->new.n_fork == a->old.n_fork,
	    "page %lu, %s: it was not taken, and words.priv or words.fork has changed", i,
	    why);
}

static void
judge_taken(const struct asked *a, uint64_t i, const char *what)
{
	CLAIM(a->took, "page %lu, %s: one word names its entry, and it is not taken "
	    "back", i, what);
	if (!a->took)
		return;
	CLAIM(a->is.refs == 0 && a->is.word == 0, "page %lu, %s: it was taken back, "
	    "and its entry has %u references and word %lx", i, what, a->is.refs,
	    a->is.word);
	CLAIM(a->new.n_priv == a->old.n_priv + 1 &&
	    a->new.n_fork + 1 == a->old.n_fork, "page %lu, %s: words.priv goes up and "
	    "words.fork down by one; they went from %lu and %lu to %lu and %lu", i,
	    what, a->old.n_priv, a->old.n_fork, a->new.n_priv, a->new.n_fork);
	CLAIM(a->new.entries + 1 == a->old.entries, "page %lu, %s: its entry is "
	    "not counted as dead", i, what);
}

static void
judge_home(const struct asked *a, uint64_t i, const char *what)
{
	struct vm_page *pg = a->took ? word_frame(a->after) : NULL;

	if (!a->took)
		return;
	CLAIM(pg != NULL && page_home_kind(pg) == HOME_PTE &&
	    page_home_payload(pg) == a->at, "page %lu, %s: it was taken back, and "
	    "its home is not the word that owns it: who writes it to swap would "
	    "change another word", i, what);
}

/* ---- step 3: pages ---- */

enum { MAPPED, TRIMMED, PINNED, COMMON, GROUPS };

static struct {
	struct pages p, c;
	struct vm_page *pin[FAMILY_PAGES];
} t;

/* Of four pages one each; of all but the last the parent is the last owner. */
static void
four_groups(uint64_t n)
{
	uint64_t i, vpn;

	t.p = family_pair(n, &t.c);
	for (i = 0; i < n; i++) {
		vpn = pages_at(&t.p, i) >> PAGE_SHIFT;
		if (i % GROUPS == TRIMMED)
			(void)pte_trim_range(t.p.as, vpn, vpn + 1);
		if (i % GROUPS == PINNED)
			CHECK(vm_pin_user(t.p.as, pages_at(&t.p, i), ACCESS_READ,
			    &t.pin[i]) == 0);
		if (i % GROUPS != COMMON)
			CHECK(map_munmap(t.c.as, pages_at(&t.c, i), PAGE_SIZE) == 0);
	}
}

static void
one_is_asked(uint64_t i)
{
	struct asked a = ask(&t.p, i);
	uint64_t rights = ~(PTE_SRC_MASK | MD_PTE_A | MD_PTE_D);

	switch (i % GROUPS) {
	case MAPPED:
		judge_taken(&a, i, "mapped");
		judge_home(&a, i, "mapped");
		if (a.took)
			CLAIM(pte_kind(a.after) == PTE_VALID &&
			    pte_src(a.after) == SRC_PRIV &&
			    (a.after & rights) == (a.before & rights), "page %lu: it "
			    "was mapped and is taken back: VALID, source PRIV, all "
			    "else as it was; %lx became %lx", i, a.before, a.after);
		break;
	case TRIMMED:
		judge_taken(&a, i, "mapped by nobody");
		judge_home(&a, i, "mapped by nobody");
		if (a.took)
			CLAIM(pte_kind(a.after) == PTE_TRANS, "page %lu: it was "
			    "mapped by nobody and is taken back: TRANS, not %s", i,
			    word_name(a.after));
		break;
	case PINNED:
		judge_refused(&a, i, "with pins");
		break;
	default:
		judge_refused(&a, i, "with two owners");
	}
}

static void
last_steal(void)
{
	uint64_t n = lab_param("n", 200), i;

	vm_leak_begin();
	four_groups(n);
	ev_mark(1);
	for (i = 0; i < n; i++)
		one_is_asked(i);
	ev_mark(2);
	for (i = 0; i < n; i++) {
		CLAIM(pages_reads(&t.p, t.p.as, i), "page %lu: its owner reads "
		    "something else than it has written", i);
		if (i % GROUPS == COMMON)
			CLAIM(pages_reads(&t.c, t.c.as, i), "page %lu: the child "
			    "reads something else than its parent has written", i);
		if (i % GROUPS == PINNED)
			page_unpin(t.pin[i]);
	}
	lab_space_end(t.c.as);
	CLAIM(vm_check(2) == 0, "vm_check() finds something behind pages that were "
	    "taken back");
	lab_space_end(t.p.as);
	family_nothing_left();
}

/* ---- step 6: slots, and frames that are not there ---- */

static void
last_swapped(void)
{
	uint64_t n = lab_param("n", 200), i, slots;

	vm_leak_begin();
	t.p = family_pair(n, &t.c);
	family_swap_out(&t.p);
	slots = ev_read(EV_swap_free);
	ev_mark(1);
	lab_space_end(t.c.as);
	CLAIM(ev_read(EV_swap_free) == slots, "one of two has ended, and %lu slots "
	    "of their common pages are free", ev_read(EV_swap_free) - slots);
	lab_space_end(t.p.as);
	slots = ev_read(EV_swap_free) - slots;
	CLAIM(slots == n, "nobody refers to %lu pages that are on swap, and %lu of "
	    "their slots are free", n, slots);
	ev_mark(2);
	t.p = family_pair(n, &t.c);
	family_swap_out(&t.p);
	lab_space_end(t.c.as);
	ev_mark(3);
	for (i = 0; i < n; i++) {
		struct asked a = ask(&t.p, i);

		judge_taken(&a, i, "on swap");
		CLAIM(!a.took || a.after == a.was.word, "page %lu: it is on swap and "
		    "was taken back; the word is the entry's, not %lx but %lx", i,
		    a.after, a.was.word);
		CLAIM(!a.took || a.new.n_swap == a.old.n_swap + 1, "page %lu: its "
		    "word is SWAP now, and words.swap has not grown", i);
	}
	ev_mark(4);
	for (i = 0; i < n; i++)
		CLAIM(pages_reads(&t.p, t.p.as, i), "page %lu: it came back from "
		    "swap, and is not what was written", i);
	lab_space_end(t.p.as);
	family_nothing_left();
}

static uint32_t
refs_of(const struct pages *q, uint64_t i)
{
	return word_entry(word_of(q->as, pages_at(q, i))).refs;
}

/* Each store of the child waits for a frame; what it refers to stays meanwhile. */
static void
last_waits(void)
{
	uint64_t n = lab_param("n", 40), i;

	vm_leak_begin();
	t.p = family_pair(n, &t.c);
	ev_mark(1);
	for (i = 0; i < n; i++) {
		family_inject("FRAME", 1, 0);
		CLAIM(family_store(t.c.as, pages_at(&t.c, i), i) == 0, "page %lu: "
		    "no store, and memory is ample", i);
		CHECK(inject_set("off") == 0);
		CLAIM(refs_of(&t.p, i) == 1, "page %lu: the child has its copy, and "
		    "the entry has %u references: it gives one up, once, whatever "
		    "the store had to wait for", i, refs_of(&t.p, i));
		CLAIM(pages_reads(&t.p, t.p.as, i), "page %lu: the child has its "
		    "copy, and the parent reads something else now", i);
	}
	lab_space_end(t.c.as);
	lab_space_end(t.p.as);
	ev_mark(2);
	family_nothing_left();
}

const struct selftest selftests_lab_laststeal[] = {
	{ "lab_last_steal", last_steal, "the last owner takes its page back" },
	{ "lab_last_swapped", last_swapped, "slots go with their entries, unread" },
	{ "lab_last_waits", last_waits, "a store that waits keeps its reference" },
	{ NULL, NULL, NULL },
};
