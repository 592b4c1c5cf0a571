/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_ws.c: lab 07, steps 1 and 2: the ring, and what a trim takes
 *
 * Problem   A count that is off by one, or a table that is on the ring without
 *           pages, is seen long afterwards and elsewhere: when the table's frame
 *           has become somebody's page.
 *
 * Picture   tables of a space ─ ws_insert_some, ws_remove_some ─→ model.n[]
 *           pages, unused ─ evict ─→ which words, queues, counts
 *
 * Rules     Step 2 stands without step 4: no page is used when a trim begins.
 *
 * Read next lab_wsset.c, lab_wsage.c.
 */
#include "lib/string.h"
#include "test/boot/swap/lab_swappages.h"
#include "test/boot/ws/lab_wsset.h"

#define TABLES 9u
#define LIMIT 64ul

/* ---- step 1: the ring ---- */

static struct {
	struct vm_page *leaf[TABLES];
	unsigned n[TABLES];
	uint64_t all, peak;
} model;

/* Tables without a page of the set: a load of what is not there maps zeros. */
static struct pages
tables_begin(void)
{
	struct pages p = wset_begin(TABLES * MD_PT_WORDS);
	uint64_t value;
	unsigned t;

	memset(&model, 0, sizeof(model));
	for (t = 0; t < TABLES; t++) {
		CHECK(family_load(p.as, pages_at(&p, t * MD_PT_WORDS),
		    &value) == 0);
		CHECK(wset_word(p.as, pages_at(&p, t * MD_PT_WORDS),
		    &model.leaf[t]) != NULL);
	}
	return p;
}

static void
enter(struct aspace *as, unsigned t, unsigned n)
{
	mutex_lock(&as->ws_lock);
	ws_insert_some(as, model.leaf[t], n);
	mutex_unlock(&as->ws_lock);
	model.n[t] += n;
	model.all += n;
	model.peak = MAX(model.peak, model.all);
}

static void
leave(struct aspace *as, unsigned t, unsigned n)
{
	mutex_lock(&as->ws_lock);
	ws_remove_some(as, model.leaf[t], n);
	mutex_unlock(&as->ws_lock);
	model.n[t] -= n;
	model.all -= n;
}

/* Counts and ring are those of the model; false: no use in going on. */
static bool
as_in_model(struct aspace *as)
{
	unsigned t, tables = 0;
	bool ok = as->ws.pages == model.all;

	CLAIM(ok, "%lu pages are in the set, and ws.pages says %lu", model.all,
	    as->ws.pages);
	CLAIM(as->ws.peak == model.peak, "the set had %lu pages once, and ws.peak "
	    "says %lu", model.peak, as->ws.peak);
	for (t = 0; ok && t < TABLES; t++) {
		ok = model.leaf[t]->tbl.nvalid == model.n[t];
		CLAIM(ok, "a table has %u pages, and its nvalid says %u",
		    model.n[t], model.leaf[t]->tbl.nvalid);
		tables += model.n[t] > 0;
	}
	if (!ok || !wset_ring(as, tables))
		return false;
	for (t = 0; ok && t < TABLES; t++) {
		ok = (wset_place(as, model.leaf[t]) >= 0) == (model.n[t] > 0);
		CLAIM(ok, "a table with %u pages is %son the ring", model.n[t],
		    model.n[t] > 0 ? "not " : "");
		CLAIM(model.n[t] > 0 || (model.leaf[t]->tbl.ws_next == 0 &&
		    model.leaf[t]->tbl.ws_prev == 0), "a table that has left the "
		    "ring still names its neighbours");
	}
	return ok;
}

/* As many pages enter as `n` says, and all of them leave. */
static void
ring(void)
{
	uint64_t n = lab_param("n", 10000), seed = lab_param("seed", 1) | 1;
	struct pages p = tables_begin();
	uint64_t in = 0, r;
	bool ok = true;
	unsigned t, some;

	ev_mark(1);
	while (ok && in < n) {
		r = lab_random(&seed);
		t = (unsigned)(r % TABLES);
		some = (unsigned)(r >> 8) % 4;
		if ((r >> 16) % 2 == 0 && model.n[t] > 0)
			leave(p.as, t, (r >> 20) % 3 == 0 ? model.n[t] :
			    MIN(some, model.n[t]));
		else if (model.n[t] + some <= MD_PT_WORDS - 1 && in + some <= n) {
			enter(p.as, t, some);
			in += some;
		}
		ok = as_in_model(p.as);
	}
	for (t = 0; ok && t < TABLES; t++) {
		leave(p.as, t, model.n[t]);
		ok = as_in_model(p.as);
	}
	ev_mark(2);
	wset_end(&p);
}

/* The hand stands at a word of this table. */
static void
hand_at(struct aspace *as, unsigned t, unsigned index)
{
	as->ws.hand_tbl = page_pfn(model.leaf[t]);
	as->ws.hand_idx = (uint16_t)index;
}

static void
hand(void)
{
	struct pages p = tables_begin();
	struct aspace *as = p.as;
	unsigned t;

	ev_mark(1);
	for (t = 0; t < 3; t++)
		enter(as, t, 2);
	hand_at(as, 1, 77);
	enter(as, 3, 1);
	CLAIM(as->ws.hand_tbl == page_pfn(model.leaf[1]) && as->ws.hand_idx == 77,
	    "a table was put on the ring, and the hand has moved");
	CLAIM(pfdb[as->ws.hand_tbl].tbl.ws_prev == page_pfn(model.leaf[3]),
	    "a new table is not the one before the hand: its pages, just faulted "
	    "in, are looked at before older ones");
	enter(as, 1, 5);
	CLAIM(as->ws.hand_idx == 77, "more pages in a table that is on the ring, and "
	    "the hand has moved");
	leave(as, 0, 2);
	CLAIM(as->ws.hand_tbl == page_pfn(model.leaf[1]) && as->ws.hand_idx == 77,
	    "another table has left the ring, and the hand has moved");
	leave(as, 1, 7);
	CLAIM(as->ws.hand_tbl == page_pfn(model.leaf[2]), "the table under the hand "
	    "has left the ring: the hand goes to the next one, or it points at a "
	    "frame that will be somebody's page");
	CLAIM(as->ws.hand_idx == 0, "the hand came to another table in its midst: "
	    "index %u, and the words before it wait a whole round", as->ws.hand_idx);
	(void)as_in_model(as);
	leave(as, 2, 2);
	leave(as, 3, 1);
	(void)as_in_model(as);
	/* A set that was empty begins with a hand that stands at its first word. */
	as->ws.hand_idx = 5;
	enter(as, 4, 1);
	CLAIM(as->ws.hand_tbl == page_pfn(model.leaf[4]) && as->ws.hand_idx == 0,
	    "the first table on the ring, and the hand does not stand at its "
	    "first word");
	leave(as, 4, 1);
	(void)as_in_model(as);
	ev_mark(2);
	wset_end(&p);
}

/* ---- step 2: a limit ---- */

/* A fault at the limit gives up one page; all are used once, in order. */
static void
limit(void)
{
	uint64_t max = lab_param("limit", LIMIT), n = lab_param("n", 4 * LIMIT);
	struct pages p = wset_begin(n);
	uint64_t i, most = 0;

	as_set_rss(p.as, max * PAGE_SIZE);
	ev_mark(1);
	for (i = 0; i < n; i++) {
		pages_write(&p, i);
		wset_change(&p, i, MD_PTE_A, 0);
		most = MAX(most, p.as->ws.pages);
	}
	ev_mark(2);
	CLAIM(most <= max, "the limit is %lu pages, and %lu were in the set", max,
	    most);
	CLAIM(p.as->ws.peak <= max, "the limit is %lu pages, and ws.peak says %lu",
	    max, p.as->ws.peak);
	wset_books(&p, "after a process has met its limit");
	for (i = 0; i < n; i++)
		CLAIM(wset_is_in(&p, i) == (i >= n - max), "nobody used a page "
		    "twice, and page %lu of %lu is %s the set: the hand goes on "
		    "from where it stands, word by word", i, n,
		    wset_is_in(&p, i) ? "in" : "not in");
	as_set_rss(p.as, UINT64_MAX);
	wset_end(&p);
}

/* ---- step 2: where pages go ---- */

static void
queues(void)
{
	uint64_t n = lab_param("n", 200) / 2 * 2, i;
	struct pages p = wset_begin(n);
	struct vm_page *pg;

	wset_fill(&p, 0, n);
	wset_standby(&p);
	for (i = 0; i < n; i++) {
		CHECK(pages_reads(&p, p.as, i));
		if (i % 2 == 0)
			wset_change(&p, i, 0, MD_PTE_D);
	}
	wset_unused(&p);
	CLAIM(p.as->ws.trimmed == n, "%lu pages were trimmed, and ws.trimmed says "
	    "%lu", n, p.as->ws.trimmed);
	ev_mark(1);
	CLAIM(wset_evict(&p, SIZE_MAX, 0) == n, "nobody has used %lu pages, and "
	    "a trim of all does not take them", n);
	ev_mark(2);
	for (i = 0; i < n; i++) {
		pg = swp_frame(&p, i);
		CLAIM(pg != NULL && (pg->state == PG_STANDBY) == (i % 2 != 0),
		    "page %lu was %s, and is %s", i, i % 2 == 0 ? "stored to" :
		    "only read", pg == NULL ? "gone" :
		    page_state_name(pg->state));
	}
	wset_books(&p, "after a trim of all");
	wset_end(&p);
}

/* ---- step 2: one word ---- */

/* The pick of page i, or of none: said in words. */
static bool
picks(const struct pages *p, int min_age, uint64_t i)
{
	static uint64_t look;
	static struct ws_entry s;
	uint64_t *word;
	struct vm_page *leaf;
	bool found;

	s = (struct ws_entry){ 0 };
	word = wset_word(p->as, pages_at(p, MIN(i, p->n - 1)), &leaf);
	mutex_lock(&p->as->ws_lock);
	look = ws_look(p->as, min_age);
	tlb_batch_init(p->as->batch, p->as, BATCH_TRIM);
	found = ws_pick_victim(p->as, min_age, &look, &s);
	tlb_batch_end(p->as->batch);
	mutex_unlock(&p->as->ws_lock);
	if (i >= p->n)
		CLAIM(!found, "no page may go, and address %lx was picked", s.va);
	else
		CLAIM(found && s.word == word && s.leaf == leaf &&
		    s.va == pages_at(p, i) && s.index == md_pt_index(s.va, 1),
		    "page %lu is the next one, and what was picked is %lx, not "
		    "%lx, or its entry names another table or index", i,
		    found ? s.va : 0, pages_at(p, i));
	CLAIM(found || look == 0, "a search that finds nothing looks at all words "
	    "that it may, and %lu are left", look);
	return found;
}

/* What must stay: locked, pinned, too young, without a place to go to. */
static void
must_stay(const struct pages *p)
{
	struct vm_page *pg = swp_frame(p, 1);
	uint64_t i;

	wset_change(p, 0, 0, PTE_LOCK);
	page_pin(pg);
	wset_change(p, 2, 0, MD_PTE_A);
	(void)picks(p, 1, p->n);
	CLAIM(wset_evict(p, SIZE_MAX, 1 | WS_HAS_PLACE) == 0 &&
	    wset_evict(p, SIZE_MAX, WS_AGE) == 0, "pages of age 0 were taken, and "
	    "older ones were asked for");
	wset_change(p, 0, 0, 2ul << PTE_AGE_SHIFT);
	wset_change(p, 1, 0, 2ul << PTE_AGE_SHIFT);
	wset_change(p, 2, 0, 2ul << PTE_AGE_SHIFT);
	wset_change(p, 3, 0, 2ul << PTE_AGE_SHIFT);
	CLAIM(wset_evict(p, SIZE_MAX, 2 | WS_HAS_PLACE) == 0, "a page without a "
	    "slot was taken, though only those that need none were asked for");
	CLAIM(wset_evict(p, SIZE_MAX, 3) == 0, "pages of age 2 were taken, and "
	    "older ones were asked for");
	(void)picks(p, 2, 3);
	CLAIM(wset_evict(p, SIZE_MAX, 2) == 1 && !wset_is_in(p, 3), "of four pages "
	    "of age 2 one is locked, one pinned, one in use: the fourth goes");
	CLAIM(wset_is_in(p, 0), "a page that mlock holds was taken");
	CLAIM(wset_is_in(p, 1), "a page that somebody has pinned was taken: a "
	    "disk may be writing to it");
	CLAIM(wset_is_in(p, 2), "a page that was used was taken");
	page_unpin(pg);
	for (i = 0; i < 3; i++)
		if (wset_is_in(p, i))
			wset_change(p, i, PTE_LOCK | MD_PTE_A | PTE_AGE_MASK, 0);
}

/* Page i goes, whatever a policy says of it. */
static size_t
goes(const struct pages *p, uint64_t i)
{
	uint64_t vpn = pages_at(p, i) >> PAGE_SHIFT;

	return pte_trim_range(p->as, vpn, vpn + 1);
}

/* What a page counts as when it goes, by its age. */
static void
counted(const struct pages *p)
{
	static const enum ev_id by_age[] = {
		EV_ws_trimmed_0, EV_ws_trimmed_1, EV_ws_trimmed_2,
		EV_ws_trimmed_3,
	};
	uint64_t was[WS_AGES + 1], ages;
	unsigned a, k;

	for (a = 0; a < WS_AGES; a++) {
		wset_change(p, 10 + a, 0, (uint64_t)a << PTE_AGE_SHIFT);
		p->as->ws.ages[a] = 5;
	}
	for (a = WS_AGES; a-- > 0;) {
		for (k = 0; k < WS_AGES; k++)
			was[k] = ev_read(by_age[k]);
		was[WS_AGES] = ev_read(EV_ws_trimmed);
		CLAIM(goes(p, 10 + a) == 1, "a page of age %u was taken out of the "
		    "set, and ws_taken does not say 1", a);
		for (k = 0; k < WS_AGES; k++)
			CLAIM(ev_read(by_age[k]) == was[k] + (k == a), "a page of "
			    "age %u went, and ws.trimmed_%u went up by %lu", a, k,
			    ev_read(by_age[k]) - was[k]);
		CLAIM(ev_read(EV_ws_trimmed) == was[WS_AGES] + 1, "one page went, "
		    "and ws.trimmed went up by %lu", ev_read(EV_ws_trimmed) -
		    was[WS_AGES]);
		ages = p->as->ws.ages[a];
		CLAIM(ages == 4, "five pages were of age %u, one went, and "
		    "ws.ages says %lu", a, ages);
	}
	p->as->ws.ages[0] = 0;
	CLAIM(goes(p, 14) == 1 && p->as->ws.ages[0] == 0, "a page came in "
	    "since the last age pass and went: ws.ages[0], which does not know "
	    "it, is %lu", p->as->ws.ages[0]);
}

/* Words that map zeros go, too, and are pages of nobody. */
static void
zeros(const struct pages *p)
{
	uint64_t value, pages = p->as->ws.pages, trimmed = p->as->ws.trimmed;
	uint64_t i, last = 30;

	CHECK(family_load(p->as, pages_at(p, last), &value) == 0);
	CHECK(pte_is_special(word_of(p->as, pages_at(p, last))));
	wset_change(p, last, MD_PTE_A, 0);
	for (i = 0; i < last; i++)
		if (wset_is_in(p, i))
			wset_change(p, i, 0, MD_PTE_A);
	CLAIM(wset_evict(p, SIZE_MAX, 1) == 0 && wset_is_in(p, last), "a word that "
	    "maps zeros is younger than what was asked for, and went");
	wset_change(p, last, 0, 3ul << PTE_AGE_SHIFT);
	CLAIM(wset_evict(p, SIZE_MAX, 1) == 0, "the zero page was counted as a "
	    "page that a trim has won");
	CLAIM(!wset_is_in(p, last), "an old word that maps zeros stays: its table "
	    "will never be empty");
	CLAIM(p->as->ws.pages == pages && p->as->ws.trimmed == trimmed, "the zero "
	    "page was taken out of a set in which it is not");
	wset_unused(p);
}

/* Shared memory: the word becomes 0, and the table without words goes. */
static void
pruned(struct pages *p)
{
	struct map_args a = { .len = PT_SPAN * 2, .prot = PROT_R | PROT_W,
		.maxprot = PROT_R | PROT_W,
		.flags = MAP_SHARED | MAP_ANONYMOUS };
	struct pages q = { .as = p->as, .n = 1, .seed = 3 };
	struct vm_page *leaf;
	uint64_t tables;

	CHECK(map_mmap(p->as, &a, &q.va) == 0);
	q.va = pt_table_end(q.va) + PAGE_SIZE;
	pages_write(&q, 0);
	wset_unused(&q);
	tables = p->as->table.n;
	(void)wset_evict(p, SIZE_MAX, 0);
	CLAIM(wset_word(p->as, q.va, &leaf) == NULL && p->as->table.n < tables,
	    "the last word of a table became 0, and the table stays: who frees "
	    "pages is to free tables, too (pt_prune)");
	CLAIM(pages_reads(&q, p->as, 0), "shared memory that was trimmed has other "
	    "bytes");
	wset_unused(&q);
	(void)wset_evict(p, SIZE_MAX, 0);
}

/* The hand goes on where it stood, from table to table, and round. */
static void
goes_round(const struct pages *p)
{
	uint64_t i, step = MD_PT_WORDS / 2;

	CHECK(p->as->ws.pages == 0);
	for (i = 0; i < p->n; i += step)
		pages_write(p, i);
	wset_unused(p);
	p->as->ws.hand_tbl = p->as->ws.head;
	p->as->ws.hand_idx = 0;
	for (i = 0; i < p->n && picks(p, 0, i); i += step)
		;
	(void)picks(p, 0, 0);
	(void)picks(p, 0, step);
	(void)wset_evict(p, SIZE_MAX, 0);
	wset_books(p, "when all have gone");
}

static void
taken(void)
{
	struct pages p = wset_begin(3 * MD_PT_WORDS);
	uint64_t i;

	/* From the first word of a table on. */
	p.va = pt_table_end(p.va);
	p.n = 2 * MD_PT_WORDS;
	wset_fill(&p, 0, 20);
	ev_mark(1);
	must_stay(&p);
	counted(&p);
	zeros(&p);
	pruned(&p);
	CLAIM(p.as->ws.pages == 0, "nobody uses a page, all were trimmed, and %lu "
	    "are left", p.as->ws.pages);
	if (p.as->ws.pages == 0)
		goes_round(&p);
	for (i = 0; i < 20; i++)
		CLAIM(pages_reads(&p, p.as, i), "page %lu came back with other "
		    "bytes", i);
	ev_mark(2);
	wset_end(&p);
}

const struct selftest selftests_lab_ws[] = {
	{ "lab_ws_ring", ring, "counts and ring are those of the pages" },
	{ "lab_ws_hand", hand, "the hand stands on the ring" },
	{ "lab_ws_limit", limit, "a process keeps its limit" },
	{ "lab_ws_queues", queues, "clean pages to standby, dirty ones to modified" },
	{ "lab_ws_taken", taken, "which word goes, and what is counted" },
	{ NULL, NULL, NULL },
};
