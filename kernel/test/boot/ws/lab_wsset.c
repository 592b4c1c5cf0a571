/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_wsset.c: a working set, looked at without what lab 07 writes
 *
 * Problem   Which pages a trim takes depends on bits that a CPU sets and a
 *           thread clears at times of its own.  A test must know them.
 *
 * Picture   space off the list of all ─→ bsm passes it by
 *           wset_use: A on ─→ wset_age, wset_evict ─→ words, ring, counts
 *
 * Rules     1. No CPU runs on the space: A and D are set by hand alone.
 *           2. Of the learner's functions only ws_age and, by way of a trim,
 *              the choice are called here.
 *
 * Read next lab_ws.c, lab_wsage.c; vm/ws/ws.c.
 */
#include "test/boot/swap/lab_swappages.h"
#include "test/boot/ws/lab_wsset.h"

#define PUSHES 1000 /* of 5 ms each */

void
wset_hide(const struct pages *p)
{
	as_unpublish(p->as);
}

void
wset_show(const struct pages *p)
{
	as_publish(p->as);
}

struct pages
wset_begin(uint64_t n)
{
	struct pages p = { .n = n, .seed = lab_param("seed", 1) | 1 };

	vm_leak_begin();
	p.as = lab_space();
	p.va = lab_map(p.as, n);
	wset_hide(&p);
	return p;
}

void
wset_end(const struct pages *p)
{
	wset_show(p);
	lab_space_end(p->as);
	CLAIM(vm_leak_end() == 0, "the space has ended, and frames of it are "
	    "left");
}

/* ---- words ---- */

uint64_t *
wset_word(struct aspace *as, va_t va, struct vm_page **leaf)
{
	uint64_t *word;

	mutex_lock(&as->ws_lock);
	word = pt_find(as, va, leaf);
	mutex_unlock(&as->ws_lock);
	return word;
}

static uint64_t
value_of(const struct pages *p, uint64_t i)
{
	struct vm_page *leaf;
	uint64_t *word = wset_word(p->as, pages_at(p, i), &leaf);

	return word == NULL ? 0 : word_get(word);
}

bool
wset_is_in(const struct pages *p, uint64_t i)
{
	return (value_of(p, i) & MD_PTE_P) != 0;
}

void
wset_change(const struct pages *p, uint64_t i, uint64_t off, uint64_t on)
{
	struct vm_page *leaf;
	uint64_t *word;

	mutex_lock(&p->as->ws_lock);
	word = pt_find(p->as, pages_at(p, i), &leaf);
	CHECK(word != NULL && (word_get(word) & MD_PTE_P) != 0);
	word_change(word, off, on);
	mutex_unlock(&p->as->ws_lock);
}

bool
wset_use(const struct pages *p, uint64_t i)
{
	bool there = wset_is_in(p, i);

	if (there)
		wset_change(p, i, 0, MD_PTE_A);
	else
		pages_write(p, i);
	return !there;
}

void
wset_fill(const struct pages *p, uint64_t lo, uint64_t hi)
{
	uint64_t i;

	for (i = lo; i < hi; i++)
		pages_write(p, i);
	wset_unused(p);
}

void
wset_unused(const struct pages *p)
{
	uint64_t i;

	for (i = 0; i < p->n; i++)
		if (wset_is_in(p, i))
			wset_change(p, i, MD_PTE_A, 0);
}

static bool
all_are_on_standby(const struct pages *p)
{
	struct vm_page *pg;
	uint64_t i;

	for (i = 0; i < p->n; i++) {
		pg = swp_frame(p, i);
		if (pg == NULL || pg->state != PG_STANDBY)
			return false;
	}
	return swp_settle();
}

void
wset_standby(const struct pages *p)
{
	unsigned i;

	wset_show(p);
	for (i = 0; i < PUSHES && !all_are_on_standby(p); i++)
		swp_push(p, 0);
	wset_hide(p);
	CHECK(all_are_on_standby(p));
}

size_t
wset_evict(const struct pages *p, size_t want, int min_age)
{
	size_t done;

	mutex_lock(&p->as->ws_lock);
	done = p->as->school->evict(p->as, want, min_age);
	mutex_unlock(&p->as->ws_lock);
	return done;
}

void
wset_age(const struct pages *p)
{
	mutex_lock(&p->as->ws_lock);
	ws_age(p->as);
	mutex_unlock(&p->as->ws_lock);
}

/* ---- ring and counts ---- */

int
wset_place(struct aspace *as, const struct vm_page *leaf)
{
	pfn_t at = as->ws.head;
	unsigned i;

	for (i = 0; at != 0 && i < as->ws.tables; i++) {
		if (at == page_pfn(leaf))
			return (int)i;
		at = pfdb[at].tbl.ws_next;
	}
	return -1;
}

bool
wset_ring(struct aspace *as, uint64_t n)
{
	pfn_t at = as->ws.head, next;
	bool ok, hand = false;
	uint64_t i;

	ok = as->ws.tables == n && (at == 0) == (n == 0);
	CLAIM(ok, "%lu tables have pages, ws.tables says %u, and ws.head is %u", n,
	    as->ws.tables, at);
	for (i = 0; ok && i < n; i++) {
		next = pfdb[at].tbl.ws_next;
		ok = next != 0 && pfdb[next].tbl.ws_prev == at;
		CLAIM(ok, "the ring is broken behind table %u: its ws_next is %u, "
		    "and does not lead back", at, next);
		hand |= at == as->ws.hand_tbl;
		at = next;
		if (ok && i + 1 < n) {
			ok = at != as->ws.head;
			CLAIM(ok, "the ring comes back to its first table after "
			    "%lu of %lu", i + 1, n);
		}
	}
	if (ok && n > 0) {
		ok = at == as->ws.head;
		CLAIM(ok, "the ring has more than its %lu tables: one is on it "
		    "twice, or one without pages", n);
		CLAIM(hand, "the hand points at table %u, which is not on the "
		    "ring", as->ws.hand_tbl);
	}
	CLAIM(n != 0 || as->ws.hand_tbl == 0, "no table is on the ring, and the hand "
	    "points at %u", as->ws.hand_tbl);
	return ok && (hand || n == 0);
}

void
wset_books(const struct pages *p, const char *when)
{
	uint64_t i, word, here = 0, all = 0, tables = 0;
	struct vm_page *leaf = NULL, *last = NULL;

	for (i = 0; i < p->n; i++) {
		(void)wset_word(p->as, pages_at(p, i), &leaf);
		word = value_of(p, i);
		if (leaf != last)
			here = 0;
		last = leaf;
		if ((word & MD_PTE_P) == 0 || pte_src(word) == SRC_SPEC)
			continue;
		tables += here == 0;
		here++;
		all++;
	}
	CLAIM(p->as->ws.pages == all, "%s, %lu words are VALID, and ws.pages says "
	    "%lu", when, all, p->as->ws.pages);
	(void)wset_ring(p->as, tables);
}
