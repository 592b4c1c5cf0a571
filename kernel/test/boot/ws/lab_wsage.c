/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_wsage.c: lab 07, steps 3 to 5: taken back, grown older, asked to give
 *
 * Problem   A bit that is cleared where it should stay, or an age that stands
 *           still, shows in no single page: others go than should.
 *
 * Picture   pages used and unused by hand ─ ws_age, a trim ─→ bits, ages, who went
 *
 * Read next lab_wspolicy.c, lab_wsset.c; vm/ws/ws.c, vm/ws/balance.c.
 */
#include "lib/string.h"
#include "test/boot/swap/lab_swappages.h"
#include "test/boot/ws/lab_wsset.h"

#define NAP_NS 1000000ul
#define NAPS 3000u

/* ---- step 3: back from a queue ---- */

/* What ws_rescue makes of a page, by itself. */
static void
rescue(struct vm_page *pg, const char *was, unsigned standby, unsigned modified)
{
	uint64_t s = ev_read(EV_fault_rescue_standby);
	uint64_t m = ev_read(EV_fault_rescue_modified);
	uint32_t maps = pg->mapcount;

	spin_lock(&pfn_lock);
	ws_rescue(pg);
	CLAIM(pg->state == PG_ACTIVE, "a page was %s, is taken back, and is %s: "
	    "its frame can still be given away", was,
	    page_state_name(pg->state));
	CLAIM(pg->mapcount == maps, "to take a page back maps nothing: that is "
	    "the caller's");
	if (pg->state == PG_ACTIVE)
		page_pin_locked(pg);
	spin_unlock(&pfn_lock);
	CLAIM(ev_read(EV_fault_rescue_standby) == s + standby &&
	    ev_read(EV_fault_rescue_modified) == m + modified, "a page was %s, "
	    "and the rescues of standby went up by %lu, those of modified by %lu",
	    was, ev_read(EV_fault_rescue_standby) - s,
	    ev_read(EV_fault_rescue_modified) - m);
	if (pg->state == PG_ACTIVE)
		page_unpin(pg);
}

static void
taken_back(void)
{
	struct pages p = wset_begin(8);

	wset_fill(&p, 0, 8);
	wset_standby(&p);
	CHECK(pages_reads(&p, p.as, 1));
	swp_store(&p, 2, 5);
	wset_change(&p, 2, MD_PTE_A, 3ul << PTE_AGE_SHIFT);
	CHECK(wset_evict(&p, 1, 3) == 1);
	CHECK(swp_frame(&p, 0)->state == PG_STANDBY &&
	    swp_frame(&p, 2)->state == PG_MODIFIED);
	ev_mark(1);
	rescue(swp_frame(&p, 0), "on standby", 1, 0);
	rescue(swp_frame(&p, 2), "on the modified queue", 0, 1);
	rescue(swp_frame(&p, 1), "in use", 0, 0);
	CLAIM(swp_frame(&p, 0)->state == PG_STANDBY &&
	    swp_frame(&p, 2)->state == PG_MODIFIED, "pages that were taken back "
	    "and let go again stand on other queues than before");
	ev_mark(2);
	wset_end(&p);
}

/* Half of the pages on standby are taken back; the frames of the others go. */
static void
stolen(void)
{
	uint64_t n = lab_param("n", 300) / 2 * 2, i;
	struct pages p = wset_begin(n);
	struct vm_page *pg;

	wset_fill(&p, 0, n);
	wset_standby(&p);
	ev_mark(1);
	for (i = 0; i < n; i += 2)
		CLAIM(pages_reads(&p, p.as, i), "page %lu, taken back from "
		    "standby, has other bytes: it needs neither zeros nor the "
		    "disk", i);
	ev_mark(2);
	while (phys_reclaim())
		;
	ev_mark(3);
	for (i = 0; i < n; i++) {
		pg = swp_frame(&p, i);
		CLAIM((pg != NULL) == (i % 2 == 0), "page %lu was %s, and is %s",
		    i, i % 2 == 0 ? "taken back" : "left on standby",
		    pg != NULL ? "in memory, though its frame was wanted" :
		    "out: its frame was given away under its user");
		CLAIM(pg == NULL || pages_is(&p, i, pg), "page %lu was taken "
		    "back, and its frame has another's bytes", i);
	}
	for (i = 0; i < n; i++)
		CLAIM(pages_reads(&p, p.as, i), "page %lu has other bytes than "
		    "were stored", i);
	wset_books(&p, "after half was taken back and all was read again");
	wset_end(&p);
}

/* ---- step 4: ages and the second chance ---- */

static unsigned
age_of(const struct pages *p, uint64_t i)
{
	return pte_age(word_of(p->as, pages_at(p, i)));
}

static bool
is_used(const struct pages *p, uint64_t i)
{
	return (word_of(p->as, pages_at(p, i)) & MD_PTE_A) != 0;
}

/* The passes: pages below `used` are used before each. */
static void
grow_old(const struct pages *p, uint64_t used)
{
	uint64_t i, pass, want, was;

	for (i = 0; i < p->n; i++)
		wset_change(p, i, MD_PTE_A | PTE_AGE_MASK, 0);
	for (pass = 1; pass <= WS_AGES; pass++) {
		for (i = 0; i < used; i++)
			(void)wset_use(p, i);
		was = p->as->ws.used_ns;
		(void)sleep_until(md_time_ns() + NAP_NS, WAIT_PLAIN);
		wset_age(p);
		want = MIN(pass, WS_AGES - 1ul);
		for (i = 0; i < p->n; i++) {
			CLAIM(!is_used(p, i), "after an age pass page %lu still has A: "
			    "at the next one it would look used again", i);
			CLAIM(age_of(p, i) == (i < used ? 0 : want), "pass %lu: page "
			    "%lu was %sused, and is of age %u, not %lu", pass, i,
			    i < used ? "" : "never ", age_of(p, i),
			    i < used ? 0 : want);
		}
		CLAIM(p->as->ws.ages[0] == used && p->as->ws.ages[want] ==
		    p->n - used, "pass %lu: %lu pages are of age 0, %lu of age "
		    "%lu; ws.ages says %lu and %lu", pass, used, p->n - used, want,
		    p->as->ws.ages[0], p->as->ws.ages[want]);
		CLAIM((p->as->ws.used_ns != was) == (used != 0), "pass %lu: %lu "
		    "pages were used, and ws.used_ns %s: by it one tells who "
		    "sleeps", pass, used, used != 0 ? "stays" : "has moved");
	}
}

/* Words that map zeros are of no age. */
static void
ages_of_zeros(const struct pages *p)
{
	struct pages q = { .as = p->as, .va = lab_map(p->as, 4), .n = 4 };
	uint64_t value;

	pages_write(&q, 0);
	CHECK(family_load(q.as, pages_at(&q, 1), &value) == 0);
	wset_age(p);
	CLAIM(p->as->ws.ages[0] == 1, "one page was used, and a word that maps "
	    "zeros; ws.ages[0] is %lu", p->as->ws.ages[0]);
}

/* All are used: a trim finds one all the same, and the flush covers what it spared. */
static void
chance(const struct pages *p, uint64_t want)
{
	static uint64_t look;
	static struct ws_entry s;
	struct tlb_batch *b = p->as->batch;
	uint64_t i, first = p->va >> PAGE_SHIFT, spared = 0, lo, hi;
	bool found;

	for (i = 0; i < p->n; i++)
		wset_change(p, i, PTE_AGE_MASK, MD_PTE_A |
		    2ul << PTE_AGE_SHIFT);
	CLAIM(wset_evict(p, SIZE_MAX, 1) == 0, "all pages were used, and a trim of "
	    "old ones took some");
	for (i = 0; i < p->n; i++)
		CLAIM(is_used(p, i) && age_of(p, i) == 2, "page %lu was used, and "
		    "a trim of old pages, which takes none, has forgotten that",
		    i);
	mutex_lock(&p->as->ws_lock);
	look = ws_look(p->as, 0);
	p->as->ws.hand_tbl = p->as->ws.head;
	p->as->ws.hand_idx = 0;
	tlb_batch_init(b, p->as, BATCH_TRIM);
	found = ws_pick_victim(p->as, 0, &look, &s);
	lo = b->lo;
	hi = b->hi;
	tlb_batch_end(b);
	mutex_unlock(&p->as->ws_lock);
	CLAIM(found, "all pages were used since the hand was here last, each may "
	    "go after a second chance, and none was found");
	for (i = 0; i < p->n; i++) {
		if (is_used(p, i))
			continue;
		spared++;
		CLAIM(lo <= first + i && first + i < hi, "A was cleared in the "
		    "word of page %lx, and the flush covers %lx to %lx: a CPU that "
		    "has such a word does not set A again", first + i, lo, hi);
		CLAIM(age_of(p, i) <= 1, "page %lu was used, has lost A, and is of "
		    "age %u: bsm would send it out before pages that nobody uses",
		    i, age_of(p, i));
	}
	CLAIM(spared > 0, "all pages were used, one was found to go, and none has "
	    "lost A: it was not given a second chance");
	CLAIM(wset_evict(p, want, 0) == want, "each page may go when the hand comes "
	    "again, and a trim of %lu does not find so many", want);
}

static void
ages(void)
{
	uint64_t n = lab_param("n", 700) / 3 * 3;
	struct pages p = wset_begin(n);

	wset_fill(&p, 0, n);
	ev_mark(1);
	grow_old(&p, n / 7);
	grow_old(&p, 0);
	chance(&p, n / 3);
	(void)wset_evict(&p, SIZE_MAX, 0);
	(void)wset_evict(&p, SIZE_MAX, 0);
	CLAIM(p.as->ws.pages == 0, "a trim of all, twice, and %lu pages are left",
	    p.as->ws.pages);
	if (p.as->ws.pages == 0)
		ages_of_zeros(&p);
	ev_mark(2);
	wset_end(&p);
}

/* ---- step 5: who gives ---- */

/* What a space with so many pages is asked for. */
static void
adjusted(const struct pages *p)
{
	uint64_t was = ev_read(EV_ws_adjust), n = p->as->ws.pages;
	uint64_t min = p->as->ws.min;
	int round;

	for (round = 0; round < WS_AGES; round++) {
		p->as->ws.min = n / 3;
		CLAIM(ws_adjust(p->as, round) == (round > 0 ? n - n / 3 : n),
		    "round %d: a space of %lu pages with a minimum of %lu gives "
		    "%lu", round, n, n / 3, ws_adjust(p->as, round));
		p->as->ws.min = n;
		CLAIM(ws_adjust(p->as, round) == (round > 0 ? 0 : n), "round %d: "
		    "a space that has its minimum, %lu, gives %lu", round, n,
		    ws_adjust(p->as, round));
		p->as->ws.min = n + 1;
		CLAIM(ws_adjust(p->as, round) == (round > 0 ? 0 : n), "round %d: "
		    "a space of %lu pages, below its minimum, gives %lu", round,
		    n, ws_adjust(p->as, round));
	}
	p->as->ws.min = min;
	CLAIM(ev_read(EV_ws_adjust) >= was + 3 * WS_AGES, "a space was asked, and "
	    "ws.adjust does not say so");
}

static void
use_all(const struct pages *p)
{
	uint64_t i;

	for (i = 0; i < p->n; i++)
		(void)wset_use(p, i);
}

/* There are frames, or bsm has made some; false: none come. */
static bool
frames_come(void)
{
	unsigned k;

	for (k = 0; frames_available() <= phys_marks.low / 2 && k < NAPS; k++)
		(void)sleep_until(md_time_ns() + NAP_NS, WAIT_PLAIN);
	return k < NAPS;
}

/* A third space takes memory until n pages were trimmed. */
static bool
make_short(const struct pages *idle, const struct pages *busy, uint64_t n)
{
	struct pages e = { .as = lab_space(), .seed = 9,
		.n = 2 * (frames_available() + n) };
	uint64_t i;
	bool ok = true;

	e.va = lab_map(e.as, e.n);
	for (i = 0; ok && i < e.n && idle->as->ws.trimmed +
	    busy->as->ws.trimmed < n; i++) {
		if (i % 256 == 0)
			use_all(busy);
		ok = frames_come();
		if (ok)
			pages_write(&e, i);
	}
	CLAIM(ok, "memory is short, bsm asks each space in each round, and nobody "
	    "gives a page");
	CLAIM(!ok || i < e.n, "all of memory went round twice, and %lu pages were "
	    "trimmed of two spaces that have %lu",
	    idle->as->ws.trimmed + busy->as->ws.trimmed, 2 * idle->n);
	ok = ok && i < e.n;
	lab_space_end(e.as);
	return ok;
}

static void
idle(void)
{
	uint64_t n = lab_param("n", 600), k, a, b, i;
	struct pages p = wset_begin(2 * n), q;

	wset_fill(&p, 0, 2 * n);
	q = (struct pages){ .as = lab_space(), .n = 2 * n, .seed = 5 };
	q.va = lab_map(q.as, q.n);
	wset_hide(&q);
	use_all(&q);
	adjusted(&p);
	for (k = 0; k < WS_AGES; k++) {
		use_all(&q);
		wset_age(&q);
		wset_age(&p);
	}
	use_all(&q);
	ev_mark(1);
	wset_show(&p);
	wset_show(&q);
	(void)make_short(&p, &q, n);
	ev_mark(2);
	a = p.as->ws.trimmed;
	b = q.as->ws.trimmed;
	CLAIM(a * 100 >= (a + b) * 80, "%lu pages were trimmed, %lu of them of the "
	    "space that sleeps: the other uses all of its own", a + b, a);
	for (i = 0; i < 2 * n; i++)
		CLAIM(pages_reads(&p, p.as, i) && pages_reads(&q, q.as, i),
		    "page %lu has other bytes than were stored", i);
	lab_space_end(q.as);
	wset_hide(&p);
	wset_end(&p);
}

const struct selftest selftests_lab_wsage[] = {
	{ "lab_ws_rescued", taken_back, "a page is taken back from its queue" },
	{ "lab_ws_stolen", stolen, "frames of standby go, those taken back stay" },
	{ "lab_ws_ages", ages, "who is used is young" },
	{ "lab_ws_idle", idle, "who sleeps gives" },
	{ NULL, NULL, NULL },
};
