/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_lastrace.c: lab 06, step 5: a count changes while its object is locked
 *
 * Problem   Whoever counts down outside of the lock loses a reference only if
 *           another does the same within three instructions: in no schedule that
 *           could be waited for.  So one of the two is held back here, where he
 *           does harm.
 *
 * Picture   test       [F] ── waits, looks ── one word more ── gives [F] back
 *           other      lets go: ─ at [F], or already past it? ─→ counts down
 *                                 ^ refs is as it was            ^ from what it is now
 *           rival      on the other's processor, and is due there: comes when [F] is
 *                      given back, takes it, and counts: refs of all are nrefs
 *
 * Rules     1. The other one stands on its processor before the lock is taken,
 *              and gives it to nobody: so it can go on while the test does not.
 *           2. How long the test waits decides what it sees of a bug; what is
 *              right passes, however late the other one comes.
 *           3. One processor alone: the other one could not come; nothing is
 *              claimed.
 *
 * Read next lab_last.c; vm/design/fmo/fmo.c.
 */
#include "test/boot/fork/lab_family.h"

#define HELD_NS 200000ul  /* [F] is held so long once the other one has set out */
#define TOGETHER 8        /* pages of a range */

static struct {
	const struct pages *of;   /* [c] while it goes: whose pages, and which */
	uint64_t i, n;            /* [c] */
	bool store;               /* [c] to the first of them; else all are unmapped */
	_Atomic bool stands;      /* [A] on its processor */
	_Atomic bool go;          /* [A] */
	_Atomic bool done;        /* [A] */
	unsigned cpu;             /* [A] valid when it stands */
	int result;               /* [A] valid when done */
} other;

static struct {
	_Atomic bool stands;      /* [A] it goes where the other one is */
	_Atomic bool due;         /* [A] the other one waits for [F] */
	_Atomic bool done;        /* [A] */
} rival;

static void
other_main(void *unused)
{
	va_t va = pages_at(other.of, other.i);

	md_preempt_disable();
	other.cpu = md_cpu();
	atomic_store(&other.stands, true);
	while (!atomic_load(&other.go))
		md_pause();
	md_preempt_enable();
	other.result = other.store ? family_store(other.of->as, va, other.i) :
	    map_munmap(other.of->as, va, other.n * PAGE_SIZE);
	atomic_store(&other.done, true);
}

static void
wait_for(const _Atomic bool *flag)
{
	while (!atomic_load(flag)) {
		md_pause();
		sched_yield();
	}
}

/* Pages [i, i + n) of p will be let go by somebody on another processor. */
static void
other_stands(const struct pages *p, uint64_t i, uint64_t n, bool store)
{
	other.of = p;
	other.i = i;
	other.n = n;
	other.store = store;
	atomic_store(&other.stands, false);
	atomic_store(&other.go, false);
	atomic_store(&other.done, false);
	CHECK(thread_spawn("other", other_main, NULL) != NULL);
	wait_for(&other.stands);
}

static void
other_ends(void)
{
	wait_for(&other.done);
	CHECK(other.result == 0);
}

/* ---- the entries, and the hold ---- */

static struct {
	struct pages p, c;              /* of the parent; the same of the child */
	struct vm_page *page;           /* pinned: of the entries that are looked at */
	struct fmo *fmo;
	struct fmo_entry *e[TOGETHER];
	struct fmo_entry was[TOGETHER];
} h;

/* The entries of pages [i, i + n), which lie in one page of entries. */
static void
hold_entries(uint64_t i, uint64_t n)
{
	uint64_t k, first = word_index(word_of(h.c.as, pages_at(&h.c, i)));
	va_t kva = fork_entry(fork_word(first));
	struct fmo_ref *ref;

	CHECK(first / FMO_PER_PAGE == (first + n - 1) / FMO_PER_PAGE);
	CHECK(kpaged_pin(kva, &h.page) == 0);
	for (k = 0; k < n; k++) {
		CHECK(word_index(word_of(h.c.as, pages_at(&h.c, i + k))) == first + k);
		h.e[k] = (struct fmo_entry *)kpaged_ptr(h.page, kva) + k;
		h.was[k] = *h.e[k];
	}
	mutex_lock(&h.c.as->ws_lock);
	ref = fmo_find_ref(h.c.as, first);
	CHECK(ref != NULL);
	h.fmo = ref->fmo;
	CHECK(h.fmo->base % FMO_PER_PAGE + h.fmo->n <= FMO_PER_PAGE);
	mutex_unlock(&h.c.as->ws_lock);
}

/* Which entry is not what it was; n: all are. */
static uint64_t
changed(uint64_t n)
{
	uint64_t k;

	for (k = 0; k < n; k++)
		if (atomic_load(&h.e[k]->refs) != h.was[k].refs ||
		    word_get(&h.e[k]->word) != h.was[k].word)
			break;
	return k;
}

/*
 * Who holds [F] finds as many references as the object says, and as many entries that
 * live.
 */
static void
sums_agree(void)
{
	const struct fmo_entry *e = fmo_entries(h.page);
	uint64_t refs = 0, nrefs, k, first = h.fmo->base % FMO_PER_PAGE;
	uint32_t live = 0, nlive;

	spin_lock(&h.fmo->lock);
	for (k = first; k < first + h.fmo->n; k++) {
		refs += e[k].refs;
		live += e[k].refs > 0;
	}
	nrefs = h.fmo->nrefs;
	nlive = h.fmo->live;
	spin_unlock(&h.fmo->lock);
	CLAIM(refs == nrefs && live == nlive, "%lu words name %u entries, and who "
	    "takes the object's lock finds nrefs %lu, live %u: what is counted "
	    "without it can be lost", refs, live, nrefs, nlive);
}

/* On the processor of the other one: comes there when that one gives [F] back. */
static void
rival_main(void *unused)
{
	atomic_store(&thread_current()->affinity, BIT(other.cpu));
	atomic_store(&rival.stands, true);
	while (!atomic_load(&rival.due))
		sched_yield();
	sums_agree();
	atomic_store(&rival.done, true);
}

static void
rival_stands(void)
{
	atomic_store(&rival.stands, false);
	atomic_store(&rival.due, false);
	atomic_store(&rival.done, false);
	CHECK(thread_spawn("rival", rival_main, NULL) != NULL);
	wait_for(&rival.stands);
}

/* [F].  One word more names each of them, of a third process. */
static void
third_process_comes(uint64_t n)
{
	uint64_t k;

	for (k = 0; k < n; k++)
		h.e[k]->refs++;
	h.fmo->nrefs += n;
}

/* It has gone, as has the other one: right from now on, whatever was lost. */
static void
third_process_ends(uint64_t n)
{
	uint64_t k;

	spin_lock(&h.fmo->lock);
	for (k = 0; k < n; k++)
		h.e[k]->refs = h.was[k].refs - 1;
	h.fmo->nrefs -= n;
	spin_unlock(&h.fmo->lock);
}

/*
 * The other one lets pages [i, i + n) go while their object is locked: its counts
 * stay meanwhile.  third: a word more comes to each, at the end of the hold.
 */
static void
lock_is_held(uint64_t i, uint64_t n, bool third, const char *what)
{
	uint64_t until, k;
	uint32_t refs;

	rival_stands();
	spin_lock(&h.fmo->lock);
	atomic_store(&other.go, true);
	until = md_time_ns() + HELD_NS;
	while ((k = changed(n)) == n && md_time_ns() < until)
		md_pause();
	refs = k < n ? h.e[k]->refs : 0;
	if (third)
		third_process_comes(n);
	atomic_store(&rival.due, true);
	md_send_resched(other.cpu);
	spin_unlock(&h.fmo->lock);
	CLAIM(k == n, "page %lu, %s: another processor holds the object's lock, and "
	    "the count of its entry went from %u to %u all the same", i + k, what,
	    k < n ? h.was[k].refs : 0, refs);
	other_ends();
	wait_for(&rival.done);
}

/* What the other one counts down is what the third process has counted up. */
static void
counts_in_the_hold(const struct pages *q, uint64_t i, uint64_t n, const char *what)
{
	uint64_t k;

	hold_entries(i, n);
	other_stands(q, i, n, false);
	lock_is_held(i, n, true, what);
	k = changed(n);
	third_process_ends(n);
	CLAIM(k == n, "page %lu, %s: while one waited for the object's lock to count "
	    "down, another counted one up, and that one is lost: what was read "
	    "before the lock was held is old", i + k, what);
	kpaged_unpin(h.page);
}

/* The last owner takes the page back: not while the object is locked. */
static void
taken_in_the_hold(uint64_t i)
{
	hold_entries(i, 1);
	CHECK(h.was[0].refs == 1);
	other_stands(&h.c, i, 1, true);
	lock_is_held(i, 1, false, "taken back");
	CLAIM(h.e[0]->refs == 0 && h.e[0]->word == 0, "page %lu: its last owner has "
	    "stored to it, and its entry has %u references and word %lx", i,
	    h.e[0]->refs, h.e[0]->word);
	kpaged_unpin(h.page);
}

static void
last_held(void)
{
	uint64_t n = lab_param("n", 8) * TOGETHER, i;

	if (md_ncpus() < 2)
		return;
	vm_leak_begin();
	h.p = family_pair(n, &h.c);
	ev_mark(1);
	for (i = 0; i < n; i += TOGETHER) {
		counts_in_the_hold(&h.p, i, 1, "mapped");
		taken_in_the_hold(i);
		counts_in_the_hold(&h.c, i + 1, TOGETHER - 1, "a range");
	}
	ev_mark(2);
	for (i = 0; i < n; i++)
		CLAIM(i % TOGETHER == 0 || pages_reads(&h.p, h.p.as, i), "page %lu: "
		    "the child has unmapped it, and the parent reads something else "
		    "now", i);
	lab_space_end(h.c.as);
	lab_space_end(h.p.as);
	family_nothing_left();
}

const struct selftest selftests_lab_lastrace[] = {
	{ "lab_last_held", last_held, "counts change while the object is locked" },
	{ NULL, NULL, NULL },
};
