/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_shadowkin.c: lab 21, steps 2 to 4: parents, children, and chains that get shorter
 *
 * Problem   A child that is counted once too often keeps memory for ever; a page that is
 *           counted as covered once too often is taken from a process that sees it.
 *
 * Picture   grandparent ←─ parent ←─┬─ top of space 0
 *                                   ├─ top of space 1     what each sees is remembered,
 *                                   └─ …                  and looked at again afterwards
 *
 * Rules     1. What is seen is found by following the links as they stand.
 *           2. Tops are those of mappings, so vm_check finds all objects.
 *
 * Read next lab_shadow.c; vm/design/shadow/shadow.c
 */
#include "test/boot/shadow/lab_shadow.h"
#include "lib/string.h"
#include "mem/mem.h"

#define KIN 4u

/* Spaces with a mapping each at one place, and an object that their tops see. */
static struct {
	unsigned n;
	uint64_t span, base;
	struct aspace *as[KIN];
	struct sh_entry *e[KIN];
	struct sh_object *parent, *grand;
	uint64_t off, further;          /* index of the parent; from there, of grand */
	struct sh_page *before[KIN][LAB_SPAN];
} f;

static struct sh_object *
top(unsigned i)
{
	return f.e[i]->top;
}

static void
kin_begin(unsigned n, uint64_t span)
{
	unsigned i;
	va_t va;

	memset(&f, 0, sizeof(f));
	f.n = n;
	f.span = MIN(span, (uint64_t)LAB_SPAN);
	for (i = 0; i < n; i++) {
		f.as[i] = lab_space_of(&shadow_design);
		va = lab_map(f.as[i], f.span);
		CHECK(i == 0 || va >> PAGE_SHIFT == f.base);
		f.base = va >> PAGE_SHIFT;
		f.e[i] = sh_entry_from(f.as[i], f.base);
		CHECK(f.e[i] != NULL && top(i) != NULL);
	}
	f.parent = sh_object_new();
	CHECK(f.parent != NULL);
}

static void
kin_ends(unsigned i)
{
	lab_space_end(f.as[i]);
	f.as[i] = NULL;
}

static void
kin_end(void)
{
	unsigned i;

	for (i = 0; i < f.n; i++)
		if (f.as[i] != NULL)
			kin_ends(i);
	CLAIM(ev_read(EV_shadow_live) == 0 && ev_read(EV_shadow_records) == 0,
	    "all spaces have ended, and %lu objects and %lu records are left",
	    ev_read(EV_shadow_live), ev_read(EV_shadow_records));
}

static void
give_record(struct sh_object *o, uint64_t index, struct sh_page *page)
{
	spin_lock(&sh_lock);
	sh_add_locked(o, page, index);
	spin_unlock(&sh_lock);
}

static void
link_top(unsigned i, uint64_t lo, uint64_t hi)
{
	spin_lock(&sh_lock);
	sh_link_locked(top(i), f.parent, f.off, f.base + lo, f.base + hi);
	spin_unlock(&sh_lock);
}

/* The record of a page, by the links as they stand.  s: as of sh_look_locked(). */
static struct sh_page *
follow(struct sh_object *o, uint64_t i, struct sh_seen *s)
{
	*s = (struct sh_seen){ .object = o, .vpn = i };
	while ((s->page = sh_find_locked(o, i)) == NULL && o->parent != NULL &&
	    i >= o->lo && i < o->hi && s->depth < LAB_LEVELS) {
		i += o->off;
		s->object = o = o->parent;
		s->depth++;
	}
	return s->page != NULL && s->page->word != 0 ? s->page : NULL;
}

static struct sh_page *
sees(unsigned i, uint64_t k, struct sh_seen *s)
{
	struct sh_page *page;

	spin_lock(&sh_lock);
	page = follow(top(i), f.base + k, s);
	spin_unlock(&sh_lock);
	return page;
}

static void
remember(void)
{
	struct sh_seen s;
	unsigned i;
	uint64_t k;

	for (i = 0; i < f.n; i++)
		for (k = 0; k < f.span; k++)
			f.before[i][k] = sees(i, k, &s);
}

static void
sees_what_it_saw(unsigned i, const char *when)
{
	struct sh_page *page;
	struct sh_seen s;
	uint64_t k;

	for (k = 0; k < f.span; k++) {
		page = sees(i, k, &s);
		CLAIM(page == f.before[i][k], "%s: at page %lu the top sees %s, and it saw %s "
		    "before", when, k, page == NULL ? "nothing" : "another page",
		    f.before[i][k] == NULL ? "nothing" : "one");
	}
}

/* o has just the children that are tops of these spaces, or `also`; it is due if that is
 * one. */
static void
children_are(struct sh_object *o, unsigned set, struct sh_object *also,
    const char *when)
{
	uintptr_t all = (uintptr_t)also;
	unsigned i, n = also != NULL;
	bool due;

	for (i = 0; i < f.n; i++) {
		if ((set >> i & 1) == 0)
			continue;
		n++;
		all ^= (uintptr_t)top(i);
		CLAIM(top(i)->parent == o, "%s: top %u has another parent, or none", when, i);
	}
	CLAIM(o->num_children == n, "%s: of %u objects it is the parent, and num_children "
	    "is %u", when, n, o->num_children);
	CLAIM(o->children == all, "%s: children is not the XOR of the addresses of its %u "
	    "children", when, n);
	spin_lock(&sh_lock);
	due = list_is_linked(&o->due);
	spin_unlock(&sh_lock);
	CLAIM(due == (n == 1), "%s: the list sh_due has %s object, which has %u children", when,
	    due ? "the" : "not the", n);
}

/* ---- t11: who is counted ---- */

/* Top i has page k itself from now on, as behind a copy. */
static void
cover(unsigned i, uint64_t k)
{
	struct sh_seen s;

	(void)sees(i, k, &s);
	give_record(top(i), f.base + k, shadow_page(i << 16 | k));
	spin_lock(&sh_lock);
	if (s.page != NULL)
		sh_hide_locked(&s);
	spin_unlock(&sh_lock);
}

static uint32_t
unseen(uint64_t k)
{
	struct sh_page *page;

	spin_lock(&sh_lock);
	page = sh_find_locked(f.parent, f.base + f.off + k);
	spin_unlock(&sh_lock);
	return page == NULL ? UINT32_MAX : page->unseen;
}

static bool
is_alone(unsigned i, uint64_t k)
{
	struct sh_seen s;
	bool alone;

	(void)sees(i, k, &s);
	spin_lock(&sh_lock);
	alone = sh_is_alone_locked(&s);
	spin_unlock(&sh_lock);
	return alone;
}

/* All tops but the last cover page k, one after the other; then that takes it. */
static void
cover_in_turn(uint64_t k)
{
	struct sh_page *page;
	struct sh_seen s;
	unsigned i;

	for (i = 0; i + 1 < f.n; i++) {
		CLAIM(is_alone(f.n - 1, k) == (i + 1 == f.n), "page %lu: %u of %u children "
		    "have covered it, and sh_is_alone_locked says %s", k, i, f.n,
		    i + 1 == f.n ? "false" : "true");
		cover(i, k);
		CLAIM(unseen(k) == i + 1, "page %lu: %u of %u children have covered it, and "
		    "unseen is %ld", k, i + 1, f.n, (long)(int32_t)unseen(k));
	}
	CLAIM(is_alone(f.n - 1, k), "page %lu: all other children have covered it, and "
	    "sh_is_alone_locked says false", k);
	CLAIM(!is_alone(0, k), "page %lu: the top has it itself, and sh_is_alone_locked "
	    "says true", k);
	page = sees(f.n - 1, k, &s);
	spin_lock(&sh_lock);
	sh_raise_locked(top(f.n - 1), &s);
	CLAIM(sh_find_locked(top(f.n - 1), f.base + k) == page && page->unseen == 0,
	    "page %lu: raised, and it is not the top's record at its own number, unseen 0",
	    k);
	CLAIM(s.depth == 0 && s.object == top(f.n - 1), "page %lu: raised, and s does not "
	    "say that it is the top's", k);
	spin_unlock(&sh_lock);
	CLAIM(unseen(k) == UINT32_MAX, "page %lu: raised, and the parent has it still", k);
}

/* The last child covers what all others have covered: it goes. */
static void
no_child_sees(uint64_t k)
{
	uint64_t gone = ev_read(EV_shadow_dropped);
	unsigned i;

	for (i = 0; i < f.n; i++)
		cover(i, k);
	CLAIM(unseen(k) == UINT32_MAX && ev_read(EV_shadow_dropped) == gone + 1,
	    "page %lu: no child sees it any more, and it is there", k);
}

/* A page of the top goes: one child more sees the parent's. */
static void
shown_again(uint64_t k)
{
	struct sh_page *page;

	cover(0, k);
	CLAIM(unseen(k) == 1, "page %lu: one child has covered it, and unseen is %u", k,
	    unseen(k));
	spin_lock(&sh_lock);
	page = sh_find_locked(top(0), f.base + k);
	sh_show_parents_locked(top(0), f.base + k);
	sh_take_locked(top(0), page);
	sh_page_free(page);
	spin_unlock(&sh_lock);
	CLAIM(unseen(k) == 0, "page %lu: the child's own page has gone, and unseen is %u", k,
	    unseen(k));
	spin_lock(&sh_lock);
	sh_show_parents_locked(top(0), f.base + k);
	spin_unlock(&sh_lock);
	CLAIM(unseen(k) == 0, "page %lu: unseen was 0, and is %u", k, unseen(k));
}

/* The children cut their windows and leave, one after the other. */
static void
leave_all(void)
{
	struct sh_object *left, *o = f.parent;
	uint64_t mid = f.base + f.span / 2;
	unsigned i, set = (1u << f.n) - 1;

	cover(0, 1);
	for (i = 0; i < f.n; i++) {
		spin_lock(&sh_lock);
		left = sh_cut_locked(top(i), i % 2 == 0 ? mid : 0,
		    i % 2 == 0 ? UINT64_MAX : mid);
		CLAIM(left == NULL && top(i)->parent == o && top(i)->lo == (i % 2 == 0 ?
		    mid : f.base) && top(i)->hi == (i % 2 == 0 ? f.base + f.span : mid),
		    "cut %u: it sees one half of its parent, and the window is another", i);
		left = i % 2 == 0 ? sh_leave_locked(top(i)) :
		    sh_cut_locked(top(i), mid, UINT64_MAX);
		spin_unlock(&sh_lock);
		set &= ~(1u << i);
		CLAIM(left == (set == 0 ? o : NULL), "the child that has left was%s the last "
		    "one, and %s is returned", set == 0 ? "" : " not",
		    left == NULL ? "NULL" : "an object");
		CLAIM(top(i)->parent == NULL, "it has left, and has a parent");
		children_are(o, set, NULL, "children leave");
		if (i == 0)
			CLAIM(unseen(1) == 0, "a child that had covered page 1 has left, and "
			    "unseen is %u", unseen(1));
	}
	f.parent = NULL;
	sh_release(o);
}

static void
shadow_kin(void)
{
	uint64_t n = lab_param("n", 40), state = lab_param("seed", 7), k;
	unsigned i, children = 2 + (unsigned)(lab_random(&state) % (KIN - 1)), set = 0;

	vm_leak_begin();
	kin_begin(children, n);
	f.off = lab_random(&state) % 1000 - 500;
	ev_mark(1);
	for (k = 0; k < n; k++)
		give_record(f.parent, f.base + f.off + k, shadow_page(k));
	for (i = 0; i < children; i++) {
		link_top(i, 7, 7);
		CLAIM(top(i)->parent == NULL, "an empty window: there is nothing to see, "
		    "and it has a parent");
		link_top(i, 0, n);
		set |= 1u << i;
		children_are(f.parent, set, NULL, "children come");
	}
	for (k = 2; k + 1 < n; k += 4) {
		cover_in_turn(k);
		shown_again(k + 1);
	}
	no_child_sees(0);
	ev_mark(2);
	leave_all();
	ev_mark(3);
	kin_end();
}

/* ---- t12: a fork ---- */

static void
shared_by(struct sh_object *front, uint64_t lo, uint64_t hi)
{
	shadow_lock(f.as[0]);
	sh_share_locked(f.e[0], front, top(1), f.base + lo, f.base + hi);
	shadow_unlock(f.as[0]);
}

static void
shadow_share(void)
{
	uint64_t n = lab_param("n", 40), hi = n - 5, k;
	struct sh_object *o, *front;
	struct vm_page *pinned = NULL;
	struct sh_page *page;
	struct sh_seen s;

	vm_leak_begin();
	kin_begin(3, n);
	sh_release(f.parent);
	o = f.parent = top(0);
	ev_mark(1);
	for (k = 0; k < n; k += 2)
		give_record(top(0), f.base + k, shadow_page(k));
	remember();
	page = sees(0, 4, &s);
	pinned = pmap_rec_pin(&page->word);
	CHECK(pinned != NULL);
	front = sh_object_new();
	CHECK(front != NULL);
	shared_by(front, 0, hi);
	CLAIM(top(0) == front, "the parent's entry has not the new top");
	children_are(o, 3, NULL, "behind a fork");
	sees_what_it_saw(0, "the parent, behind a fork");
	for (k = 0; k < n; k++) {
		page = sees(1, k, &s);
		CLAIM(page == (k < hi && k != 4 ? f.before[0][k] : NULL), "page %lu of a "
		    "fork, which gives [0, %lu) but not page 4: the child sees %s", k, hi,
		    page == NULL ? "nothing" : "a page");
	}
	page = sees(0, 4, &s);
	CLAIM(page == f.before[0][4] && s.depth == 0, "page 4 was pinned at the fork: it is "
	    "not in the parent's new top");
	page_unpin(pinned);
	/* A second fork: nothing was stored since. */
	kin_ends(1);
	f.as[1] = f.as[2];
	f.e[1] = f.e[2];
	f.n = 2;
	shadow_lock(f.as[0]);
	page = sh_find_locked(front, f.base + 4);
	sh_take_locked(front, page);
	sh_page_free(page);
	shadow_unlock(f.as[0]);
	if (top(0)->parent != o)
		o = NULL; /* it has collapsed: step 3 is there */
	shared_by(o == NULL ? sh_object_new() : NULL, 2, hi);
	if (o != NULL)
		children_are(o, 3, NULL, "behind a fork without a page of the top");
	for (k = 0; k < n; k++) {
		page = sees(1, k, &s);
		CLAIM(page == (k >= 2 && k < hi && k != 4 ? f.before[0][k] : NULL),
		    "page %lu of a second fork, which gives [2, %lu): the child sees %s", k,
		    hi, page == NULL ? "nothing" : "a page");
	}
	ev_mark(2);
	kin_end();
}

/* ---- t13: collapse ---- */

/* Pages and holes by chance: of the tops, the parent, the grandparent. */
static void
fill_any(struct sh_object *o, uint64_t base, unsigned of16, uint64_t *state)
{
	uint64_t k, x;

	for (k = 0; k < f.span; k++) {
		x = lab_random(state) % 16;
		if (x < of16)
			give_record(o, base + k, shadow_page(k));
		else if (x == 15)
			give_record(o, base + k, sh_page_new());
	}
}

/* How top 0 sees the parent, and that its parent. */
enum shape {
	OVER,   /* through windows that overlap */
	APART,  /* through windows that have nothing in common */
	WHOLE,  /* all of it, and top 0 has nothing itself */
};

/* grand ←─ parent ←─ tops 0, 1; top 2 sees grand, too, if there is one. */
static void
kin_of_three(uint64_t span, bool third, enum shape shape, uint64_t *state)
{
	uint64_t mid = span / 2;
	unsigned i;

	kin_begin(third ? 3 : 2, span);
	f.off = lab_random(state) % 1000 - 500;
	f.further = lab_random(state) % 1000 - 500;
	f.grand = sh_object_new();
	CHECK(f.grand != NULL);
	fill_any(f.grand, f.base + f.off + f.further, 10, state);
	/* In long ones more than move in one hold of [sh]. */
	fill_any(f.parent, f.base + f.off, span > SH_STEP ? 15 : 8, state);
	for (i = shape == WHOLE; i < f.n; i++)
		fill_any(top(i), f.base, 5, state);
	spin_lock(&sh_lock);
	sh_link_locked(f.parent, f.grand, f.further, f.base + f.off +
	    (shape == APART ? mid : 3), f.base + f.off + span - 2);
	if (third)
		sh_link_locked(top(2), f.grand, f.off + f.further, f.base, f.base + span);
	spin_unlock(&sh_lock);
	link_top(0, shape != WHOLE, shape == APART ? mid : shape == OVER ? span - 4 : span);
	link_top(1, 0, span);
	remember();
}

static void
collapse_one(uint64_t span, bool third, bool apart, uint64_t *state)
{
	uint64_t n, moved, took, most = third && !apart ? 1 : 2;

	kin_of_three(span, third, apart ? APART : OVER, state);
	n = f.parent->n;
	moved = ev_read(EV_shadow_migrated) + ev_read(EV_shadow_dropped);
	took = ev_read(EV_shadow_collapse);
	kin_ends(1);
	moved = ev_read(EV_shadow_migrated) + ev_read(EV_shadow_dropped) - moved;
	took = ev_read(EV_shadow_collapse) - took;
	sees_what_it_saw(0, "one of two children has ended");
	/* Apart: if the parent is joined first, nobody sees the grandparent. */
	CLAIM(took <= most && took + (!third && apart) >= most, "%lu objects had one child "
	    "left, and there were %lu collapses", most, took);
	CLAIM(moved >= n, "the parent had %lu records, and %lu have moved to its child, or "
	    "gone", n, moved);
	CLAIM(top(0)->parent == (third && !apart ? f.grand : NULL), "the only child of a "
	    "parent sees, behind a collapse, %s", top(0)->parent == NULL ? "nothing more" :
	    "still a parent");
	if (third && !apart)
		children_are(f.grand, 5, NULL, "behind a collapse");
	if (third)
		sees_what_it_saw(2, "another child of the grandparent");
	ev_mark(2);
	kin_end();
}

static void
shadow_collapse(void)
{
	uint64_t n = lab_param("n", 300), state = lab_param("seed", 7);
	unsigned round;

	vm_leak_begin();
	ev_mark(1);
	for (round = 0; round < 8; round++)
		collapse_one(round < 4 ? n : 24, round % 2 == 1, round % 4 >= 2, &state);
	ev_mark(3);
}

/* ---- t15: a bypass ---- */

/* Each page once, in an order by chance. */
static void
shuffle(uint64_t *order, uint64_t n, uint64_t *state)
{
	uint64_t i, j, x;

	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n - 1; i > 0; i--) {
		j = lab_random(state) % (i + 1);
		x = order[i];
		order[i] = order[j];
		order[j] = x;
	}
}

/* The record of the parent that top 0 would see at page k, if it had none. */
static struct sh_page *
parents(struct sh_object *parent, uint64_t k)
{
	struct sh_object *o = top(0);
	uint64_t i = f.base + k;

	return i < o->lo || i >= o->hi ? NULL : sh_find_locked(parent, i + f.off);
}

/* Has top 0 all that it would see of the parent? */
static bool
is_covered(struct sh_object *parent)
{
	uint64_t k;

	for (k = 0; k < f.span; k++)
		if (parents(parent, k) != NULL &&
		    sh_find_locked(top(0), f.base + k) == NULL)
			return false;
	return true;
}

/* Asked, as behind a store.  Has it gone past? */
static bool
ask_past(struct sh_object *parent)
{
	bool covered, past;

	spin_lock(&sh_lock);
	covered = is_covered(parent);
	sh_bypass_locked(top(0));
	past = top(0)->parent != parent;
	spin_unlock(&sh_lock);
	CLAIM(covered || !past, "it has not all that it would see of its parent, and went "
	    "past it");
	sees_what_it_saw(0, "a store later");
	return past;
}

/* Is it to be covered: not there, and (whole) in the parent? */
static bool
is_to_cover(struct sh_object *parent, uint64_t k, enum shape shape)
{
	bool is;

	spin_lock(&sh_lock);
	is = sh_find_locked(top(0), f.base + k) == NULL &&
	    (shape != WHOLE || parents(parent, k) != NULL);
	spin_unlock(&sh_lock);
	return is;
}

static void
bypass_one(uint64_t span, bool third, enum shape shape, uint64_t *state)
{
	static uint64_t order[LAB_SPAN];
	struct sh_object *parent;
	bool past = false;
	uint64_t i;

	kin_of_three(span, third, shape, state);
	parent = f.parent;
	shuffle(order, span, state);
	for (i = 0; i < span && !past; i++) {
		past = ask_past(parent);
		if (past || !is_to_cover(parent, order[i], shape))
			continue;
		cover(0, order[i]);
		remember();
	}
	past = past || ask_past(parent);
	CLAIM(past || shape != WHOLE, "it has a record for each of its parent's, and no "
	    "other, and has not gone past");
	if (past)
		CLAIM(top(0)->parent == f.grand, "it went past its parent, to another one "
		    "than the grandparent");
	sees_what_it_saw(1, "the other child");
	ev_mark(2);
	sh_collapse_due();
	sees_what_it_saw(0, "behind bypass and collapse");
	sees_what_it_saw(1, "the other child, behind bypass and collapse");
	kin_end();
}

static void
shadow_bypass(void)
{
	uint64_t n = lab_param("n", 40), state = lab_param("seed", 7);
	unsigned round;

	vm_leak_begin();
	ev_mark(1);
	for (round = 0; round < 6; round++)
		bypass_one(n, round % 2 == 1, round < 2 ? OVER : WHOLE, &state);
	ev_mark(3);
}

/* ---- t14: what a bypass costs ---- */

#define STORE_COST 2500u  /* instructions a store */
#define BADGE 1000u

/* Top 0 stores to what its parent has, page by page; instructions a store. */
static uint64_t
bypass_pace(uint64_t n, bool upwards, uint64_t *state)
{
	static uint64_t order[LAB_SPAN];
	struct sh_page *page;
	struct sh_seen s;
	uint64_t i, took = 0, from;

	kin_begin(2, n);
	for (i = 0; i < n; i++) {
		give_record(f.parent, f.base + i, sh_page_new());
		order[i] = i;
	}
	link_top(0, 0, n);
	link_top(1, 0, n);
	if (!upwards)
		shuffle(order, n, state);
	for (i = 0; i < n; i++) {
		page = sh_page_new();
		CHECK(page != NULL);
		from = md_time_ns();
		spin_lock(&sh_lock);
		(void)sh_look_locked(top(0), f.base + order[i], &s);
		sh_add_locked(top(0), page, f.base + order[i]);
		sh_hide_locked(&s);
		sh_bypass_locked(top(0));
		spin_unlock(&sh_lock);
		took += md_time_ns() - from;
	}
	CLAIM(top(0)->parent == NULL, "it has all %lu records that its parent would show, "
	    "and as many as that, and has not gone past it", n);
	kin_end();
	return took / n;
}

static void
shadow_pace(void)
{
	uint64_t asked = lab_param("n", 0), n = asked != 0 ? asked : 300;
	uint64_t state = lab_param("seed", 7), up, any;

	vm_leak_begin();
	ev_mark(1);
	up = bypass_pace(n, true, &state);
	ev_mark(2);
	any = bypass_pace(n, false, &state);
	ev_mark(3);
	lab_show("instructions a store, of %lu: %lu upwards, %lu in any order (at most %u)",
	    n, up, any, STORE_COST);
	/* Who asks for a size judges, and has a clock of instructions. */
	CLAIM(asked == 0 || MAX(up, any) <= STORE_COST, "slow: a store to a page that a parent "
	    "has costs %lu instructions with the bypass, and %u are allowed", MAX(up, any),
	    STORE_COST);
	lab_show(MAX(up, any) <= BADGE ? "badge: %lu are less than %u" :
	    "no badge yet: %lu are more than %u", MAX(up, any), BADGE);
}

const struct selftest selftests_lab_shadowkin[] = {
	{ "lab_shadow_kin", shadow_kin, "who is counted as a child, and who covers a page" },
	{ "lab_shadow_share", shadow_share, "what a fork gives to the child" },
	{ "lab_shadow_collapse", shadow_collapse, "a collapse loses no page" },
	{ "lab_shadow_bypass", shadow_bypass, "a bypass loses no page" },
	{ "lab_shadow_pace", shadow_pace, "what it costs to ask for a bypass" },
	{ NULL, NULL, NULL },
};
