/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_shadow.c: lab 21, step 1: what a top sees
 *
 * Problem   A look that forgets a window, a distance of numbers or a hole shows the page
 *           of somebody else, or none, and a program notices long afterwards.
 *
 * Picture   level 0 ─→ 1 ─→ … 6      linked by hand, each with pages, holes, a window
 *              └ by arithmetic of this file, and by sh_look_locked(): the same?
 *
 * Rules     1. Nothing of the learner's makes or ends these chains.
 *           2. Each page has a frame, so vm_check at the marks finds what it expects.
 *
 * Read next lab_shadowkin.c; vm/design/shadow/shadow.c
 */
#include "test/boot/shadow/lab_shadow.h"
#include "lib/string.h"
#include "mem/mem.h"

static struct chain c;

/* ---- chains ---- */

void
shadow_lock(struct aspace *as)
{
	mutex_lock(&as->ws_lock);
	spin_lock(&sh_lock);
}

void
shadow_unlock(struct aspace *as)
{
	spin_unlock(&sh_lock);
	mutex_unlock(&as->ws_lock);
}

struct sh_page *
shadow_page(uint64_t tag)
{
	struct vm_page *pg = NULL, *from = NULL;
	struct sh_page *page = sh_page_new();

	CHECK(page != NULL);
	CHECK(page_alloc_wait(PHYS_ZEROED, &pg) == 0);
	CHECK(page_alloc_wait(PHYS_ZEROED, &from) == 0);
	*(uint64_t *)pa2va(page_pa(from)) = tag;
	page_install_copy(NULL, &page->word, HOME_SHADOW, pg, from);
	page_free(from);
	EVENT_ADD(shadow_pages, 1);
	return page;
}

void
chain_begin(struct chain *ch, uint64_t span)
{
	va_t va;

	CHECK(span <= LAB_SPAN);
	memset(ch, 0, sizeof(*ch));
	ch->as = lab_space_of(&shadow_design);
	va = lab_map(ch->as, span);
	ch->e = sh_entry_from(ch->as, va >> PAGE_SHIFT);
	CHECK(ch->e != NULL);
	ch->span = span;
	ch->n = 1;
	ch->level[0].o = ch->e->top;
	ch->level[0].base = va >> PAGE_SHIFT;
}

void
chain_extend(struct chain *ch, uint64_t off, uint64_t lo, uint64_t hi)
{
	struct level *front = &ch->level[ch->n - 1], *l = front + 1;

	CHECK(ch->n < LAB_LEVELS);
	l->o = sh_object_new();
	CHECK(l->o != NULL);
	l->base = front->base + off;
	front->lo = lo;
	front->hi = hi;
	shadow_lock(ch->as);
	front->o->parent = l->o;
	front->o->off = off;
	front->o->lo = front->base + lo;
	front->o->hi = front->base + hi;
	l->o->num_children = 1;
	l->o->children = (uintptr_t)front->o;
	shadow_unlock(ch->as);
	ch->n++;
}

static void
chain_add(struct chain *ch, unsigned l, uint64_t k, struct sh_page *page)
{
	CHECK(ch->level[l].at[k] == NULL);
	ch->level[l].at[k] = page;
	shadow_lock(ch->as);
	sh_add_locked(ch->level[l].o, page, ch->level[l].base + k);
	shadow_unlock(ch->as);
}

void
chain_page(struct chain *ch, unsigned l, uint64_t k)
{
	chain_add(ch, l, k, shadow_page(l << 16 | k));
}

void
chain_hole(struct chain *ch, unsigned l, uint64_t k)
{
	struct sh_page *hole = sh_page_new();

	CHECK(hole != NULL);
	chain_add(ch, l, k, hole);
}

static void
empty_level(struct level *l, uint64_t span)
{
	uint64_t k;

	for (k = 0; k < span; k++) {
		if (l->at[k] == NULL)
			continue;
		sh_take_locked(l->o, l->at[k]);
		sh_page_free(l->at[k]);
		l->at[k] = NULL;
	}
}

void
chain_end(struct chain *ch)
{
	struct sh_object *o;
	unsigned l;

	shadow_lock(ch->as);
	for (l = 0; l < ch->n; l++) {
		o = ch->level[l].o;
		empty_level(&ch->level[l], ch->span);
		o->parent = NULL;
		o->off = o->lo = o->hi = 0;
		o->num_children = 0;
		o->children = 0;
		if (l > 0)
			sh_object_free(o);
	}
	shadow_unlock(ch->as);
	lab_space_end(ch->as);
}

/* ---- what is seen, by arithmetic ---- */

struct sh_page *
chain_sees(const struct chain *ch, unsigned from, uint64_t k, unsigned *depth)
{
	const struct level *l = &ch->level[0];

	for (*depth = 0;; ++*depth, l++) {
		if (*depth >= from && l->at[k] != NULL)
			return l->at[k];
		if (*depth + 1 == ch->n || k < l->lo || k >= l->hi)
			return NULL;
	}
}

static void
look_up_one(const struct chain *ch, uint64_t k, const char *when)
{
	unsigned depth;
	struct sh_page *page = chain_sees(ch, 0, k, &depth);
	bool there = page != NULL && page->word != 0, got;
	struct sh_seen s = { NULL, NULL, 0, 99 };

	shadow_lock(ch->as);
	got = sh_look_locked(ch->e->top, ch->level[0].base + k, &s);
	shadow_unlock(ch->as);
	CLAIM(got == there, "%s, page %lu: sh_look_locked says %s, and %s", when, k,
	    got ? "true" : "false", page == NULL ? "no object that is seen has it" :
	    there ? "one has it" : "there is a hole");
	CLAIM(s.page == page, "%s, page %lu: s->page is not %s", when, k,
	    page == NULL ? "NULL" : "its record");
	CLAIM(s.depth == depth && s.object == ch->level[depth].o &&
	    s.vpn == ch->level[0].base + k, "%s, page %lu: %u parents are passed, and "
	    "s says %u, or another object, or number", when, k, depth, s.depth);
}

void
chain_is_seen(const struct chain *ch, const char *when)
{
	uint64_t k;

	for (k = 0; k < ch->span; k++)
		look_up_one(ch, k, when);
}

/* ---- t01 ---- */

/* Pages that only the last object has, behind so many parents. */
static void
look_deep(unsigned depth, uint64_t n, uint64_t *state)
{
	struct sh_seen s;
	uint64_t k;
	unsigned l;

	chain_begin(&c, n);
	for (l = 0; l < depth; l++)
		chain_extend(&c, lab_random(state) % 1000 - 500, 0, n);
	for (k = 0; k < n; k++)
		chain_page(&c, depth, k);
	for (k = 0; k < n; k++) {
		shadow_lock(c.as);
		if (sh_look_locked(c.e->top, c.level[0].base + k, &s))
			sh_note_depth_locked(s.depth);
		shadow_unlock(c.as);
	}
	chain_is_seen(&c, "pages at the end of a chain");
	chain_end(&c);
}

/* Windows, pages and holes by chance. */
static void
make_any(uint64_t span, uint64_t *state)
{
	uint64_t lo = 0, hi = span, k;
	unsigned l;

	chain_begin(&c, span);
	for (l = 0; l + 1 < LAB_LEVELS; l++) {
		lo = lab_random(state) % 6;
		hi = span - lab_random(state) % 6;
		chain_extend(&c, lab_random(state) % 1000 - 500, lo, hi);
	}
	for (l = 0; l < c.n; l++)
		for (k = 0; k < span; k++)
			switch (lab_random(state) % 16) {
			case 0: case 1: case 2:
				chain_page(&c, l, k);
				break;
			case 3:
				chain_hole(&c, l, k);
				break;
			}
}

static void
shadow_look(void)
{
	uint64_t n = lab_param("n", 20), state = lab_param("seed", 7), round;
	unsigned depth;

	vm_leak_begin();
	ev_mark(1);
	for (depth = 0; depth < 7; depth++)
		look_deep(depth, n, &state);
	ev_mark(2);
	for (round = 0; round < 4; round++) {
		make_any(3 * n, &state);
		chain_is_seen(&c, "pages, holes and windows by chance");
		if (round == 0)
			ev_mark(3);
		chain_end(&c);
	}
	ev_mark(4);
}

/* ---- t02 ---- */

typedef bool next_fn(struct sh_object *, uint64_t vpn, uint64_t end, struct sh_seen *);

/* All pages of [lo, hi), by one that says the next; from: levels that do not count. */
static void
walk_range(next_fn *next, unsigned from, uint64_t lo, uint64_t hi, const char *name)
{
	uint64_t base = c.level[0].base, k;
	struct sh_seen s = { NULL, NULL, 0, 0 };
	struct sh_page *page;
	unsigned depth;
	bool more;

	shadow_lock(c.as);
	for (k = lo; k < hi; k++) {
		page = chain_sees(&c, from, k, &depth);
		if (page == NULL || page->word == 0)
			continue;
		more = next(c.e->top, base + lo, base + hi, &s);
		CLAIM(more && s.vpn == base + k, "%s of [%lu, %lu): the first page is "
		    "%lu, and it says %s %lu", name, lo, hi, k,
		    more ? "page" : "that there is none, not", more ? s.vpn - base : k);
		CLAIM(!more || (s.page == page && s.depth == depth &&
		    s.object == c.level[depth].o), "%s, page %lu: %u parents are passed, "
		    "and s says %u, or another record or object", name, k, depth,
		    s.depth);
		if (more && from == 0)
			sh_note_depth_locked(s.depth);
		lo = k + 1;
	}
	more = next(c.e->top, base + lo, base + hi, &s);
	CLAIM(!more, "%s of [%lu, %lu): it says page %ld, and there is none", name, lo, hi,
	    (long)(s.vpn - base));
	shadow_unlock(c.as);
}

/* Pages of the middle of the chain are on swap: their records stay where they are. */
static void
send_out(void)
{
	unsigned l, tries;
	uint64_t k, left = 1;

	for (tries = 0; left != 0 && tries < 100; tries++) {
		left = 0;
		for (l = 1; l < c.n; l++)
			for (k = l % 3; k < c.span; k += 3)
				if (c.level[l].at[k] != NULL && pte_kind(word_get(
				    &c.level[l].at[k]->word)) != PTE_SWAP &&
				    c.level[l].at[k]->word != 0) {
					(void)pageout_word(&c.level[l].at[k]->word);
					left++;
				}
		sleep_until(md_time_ns() + 1000000, WAIT_PLAIN);
	}
	CHECK(left == 0);
}

/* Of the pages that have frames each third is late, or none. */
static void
set_charged(enum charged when)
{
	struct sh_page *page;
	unsigned l;
	uint64_t k;

	shadow_lock(c.as);
	for (l = 0; l < c.n; l++)
		for (k = 0; k < c.span; k++) {
			page = c.level[l].at[k];
			if (page != NULL && page->word != 0 && (l + k) % 3 == 0)
				sh_set_late_locked(c.level[l].o, page, when);
		}
	shadow_unlock(c.as);
}

/* sh_count_late() counts what is seen, each once. */
static void
count_late(uint64_t lo, uint64_t hi)
{
	uint64_t base = c.level[0].base, k, late = 0, got;
	struct sh_page *page;
	unsigned depth;

	for (k = lo; k < hi; k++) {
		page = chain_sees(&c, 0, k, &depth);
		late += page != NULL && page->word != 0 && page->late;
	}
	mutex_lock(&c.as->ws_lock);
	got = sh_count_late(c.e->top, base + lo, base + hi);
	mutex_unlock(&c.as->ws_lock);
	CLAIM(got == late, "sh_count_late of [%lu, %lu): %lu pages that are seen are late, and "
	    "it says %lu", lo, hi, late, got);
}

/* In a range that takes more than one hold of [sh]. */
static void
count_one_and_many(void)
{
	shadow_lock(c.as);
	sh_set_late_locked(c.level[0].o, c.level[0].at[1], CHARGED_LATE);
	shadow_unlock(c.as);
	count_late(0, c.span);
	set_charged(CHARGED_LATE);
	count_late(0, c.span);
	set_charged(CHARGED_AHEAD);
	shadow_lock(c.as);
	sh_set_late_locked(c.level[0].o, c.level[0].at[1], CHARGED_AHEAD);
	shadow_unlock(c.as);
}

/* The first page of another mapping: with other flags, else it would be the same. */
static uint64_t
map_another(void)
{
	struct map_args a = { .len = LAB_SPAN * PAGE_SIZE, .prot = PROT_R,
		.maxprot = PROT_R | PROT_W | PROT_X, .flags = MAP_PRIVATE | MAP_ANONYMOUS };
	va_t va = 0;

	CHECK(map_mmap(c.as, &a, &va) == 0);
	return va >> PAGE_SHIFT;
}

/* Pages lo … hi - 1 of the top go to the top of another mapping, where some are already;
 * more than move in one hold of [sh]. */
static void
move_pages(uint64_t lo, uint64_t hi)
{
	static struct sh_page *old[LAB_SPAN]; /* of the other top, and then what it should have */
	struct sh_page *had, *now;
	uint64_t base, to, k, records, replaced = 0;
	struct sh_object *other;

	chain_begin(&c, LAB_SPAN);
	base = c.level[0].base;
	to = map_another();
	other = sh_entry_from(c.as, to)->top;
	CHECK(other != c.e->top);
	memset(old, 0, sizeof(old));
	for (k = 0; k < LAB_SPAN; k++) {
		if (k % 9 != 0)
			chain_page(&c, 0, k);
		if (k % 7 != 0)
			continue;
		old[k] = shadow_page(k);
		shadow_lock(c.as);
		sh_add_locked(other, old[k], to + k);
		shadow_unlock(c.as);
		replaced += k >= lo && k < hi && k % 9 != 0;
	}
	count_one_and_many();
	records = ev_read(EV_shadow_records);
	mutex_lock(&c.as->ws_lock);
	sh_move(other, c.e->top, base + lo, base + hi, to - base);
	mutex_unlock(&c.as->ws_lock);
	shadow_lock(c.as);
	for (k = 0; k < LAB_SPAN; k++) {
		had = c.level[0].at[k];
		if (k >= lo && k < hi && had != NULL) {
			old[k] = had;
			c.level[0].at[k] = had = NULL;
		}
		now = sh_find_locked(c.e->top, base + k);
		CLAIM(now == had, "sh_move of [%lu, %lu): at page %lu the top has %s", lo, hi, k,
		    now == NULL ? "nothing any more" : "a record still");
		now = sh_find_locked(other, to + k);
		CLAIM(now == old[k], "sh_move of [%lu, %lu): at page %lu the other top has not "
		    "the record that should be there", lo, hi, k);
	}
	shadow_unlock(c.as);
	CLAIM(ev_read(EV_shadow_records) == records - replaced, "sh_move: %lu records were "
	    "there that others took the place of, and %lu went", replaced, records -
	    ev_read(EV_shadow_records));
	chain_end(&c);
}

static void
shadow_next(void)
{
	uint64_t n = lab_param("n", 60), state = lab_param("seed", 7), round;

	vm_leak_begin();
	make_any(n, &state);
	send_out();
	ev_mark(1);
	chain_is_seen(&c, "pages on swap");
	walk_range(sh_next_locked, 0, 0, n, "sh_next_locked");
	walk_range(sh_next_below_locked, 1, 0, n, "sh_next_below_locked");
	ev_mark(2);
	for (round = 0; round < 20; round++) {
		uint64_t lo = lab_random(&state) % n;
		uint64_t hi = lo + lab_random(&state) % (n - lo + 1);

		walk_range(sh_next_locked, 0, lo, hi, "sh_next_locked");
		walk_range(sh_next_below_locked, 1, lo, hi, "sh_next_below_locked");
		set_charged(CHARGED_LATE);
		count_late(lo, hi);
		set_charged(CHARGED_AHEAD);
	}
	ev_mark(3);
	chain_end(&c);
	move_pages(5, LAB_SPAN - 11);
}

const struct selftest selftests_lab_shadow[] = {
	{ "lab_shadow_look", shadow_look, "what a top sees of a chain" },
	{ "lab_shadow_next", shadow_next, "which page it sees next" },
	{ NULL, NULL, NULL },
};
