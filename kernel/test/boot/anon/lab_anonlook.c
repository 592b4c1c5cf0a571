/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_anonlook.c: lab 03, step 2: one look at a page of an object
 *
 * Problem   Whoever looks may hold a lock, so it does not wait; the page may be in
 *           memory, idle on a queue, on swap, lost, not there, or behind the end.
 *
 * Picture   anon_enter ─→ page ─→ anon_look ─→ result, pins, queue, what is wanted
 *
 * Rules     1. Pages come by anon_enter(), which is given: to make one is step 3, and
 *              to end an object step 4.
 *
 * Read next lab_anonpage.c; vm/object/anon.c.
 */
#include "test/boot/anon/lab_anon.h"

#define SIZE_PAGES (1ul << 34)   /* of most objects here: above all that is used */
#define FAR (1ul << 30)          /* from another page: the leaves are two */
#define LOOKS 100u               /* at one page, until it is there */
#define LOST 5u                  /* this page */

/* The page is the object's own, by its word, and the caller's pin is the only one. */
void
anon_is_owned(const char *what, struct vmo *vmo, uint64_t pgoff,
    const struct vm_page *pg)
{
	struct anon_place p = anon_place(vmo, pgoff);

	CLAIM(p.missing == 0 && pte_kind(word_get(p.slot)) == PTE_TRANS &&
	    pte_page(word_get(p.slot)) == pg, "%s: page %lu: its word does not "
	    "name the page: who looks next makes another one", what, pgoff);
	CLAIM(page_home_kind(pg) == HOME_AOBJ &&
	    page_home_payload(pg) == va2pa(p.slot), "%s: page %lu: its home is "
	    "not its word, so it cannot go to swap", what, pgoff);
	CLAIM(pg->index == pgoff, "%s: page %lu says that it is page %lu", what,
	    pgoff, pg->index);
	CLAIM(pg->pins == 1 && pg->mapcount == 0, "%s: page %lu has %u pins and "
	    "is mapped %u times; the caller owns one pin", what, pgoff, pg->pins,
	    pg->mapcount);
	anon_place_end(&p);
}

void
anon_touch_says(const char *what, struct vmo *vmo, uint64_t pgoff, int want)
{
	static struct want w;
	static struct vm_page *pg;
	int r;

	w = (struct want){ .what = WANT_AGAIN };
	pg = NULL;
	r = anon_look(vmo, pgoff, ANON_TOUCH, &w, &pg);
	want_end(&w);
	CLAIM(r == want, "%s: page %lu: anon_look(ANON_TOUCH) says %d, not %d",
	    what, pgoff, r, want);
	if (r == 0 && pg != NULL)
		page_unpin(pg);
}

static void
find_says(const char *what, struct vmo *vmo, uint64_t pgoff, int want)
{
	static struct want w;
	static struct vm_page *pg;
	int r;

	w = (struct want){ .what = WANT_AGAIN };
	pg = NULL;
	r = anon_look(vmo, pgoff, ANON_FIND, &w, &pg);
	want_end(&w);
	CLAIM(r == want, "%s: page %lu: anon_look(ANON_FIND) says %d, not %d", what,
	    pgoff, r, want);
	if (r == 0 && pg != NULL)
		page_unpin(pg);
}

/* The page is there, idle, with its tag; what step 3 writes is not called. */
static void
idle_page(struct vmo *vmo, uint64_t pgoff)
{
	struct vm_page *pg = NULL;

	CHECK(anon_make_path(vmo, pgoff) == 0);
	CHECK(page_alloc_wait(PHYS_ANY, &pg) == 0);
	anon_write_tag(pg, pgoff);
	CHECK(anon_enter(vmo, pgoff, pg));
}

/* ---- what is there, and what is not ---- */

/* What a look finds on a queue: a fault has saved it, others have not. */
static void
on_a_queue(struct vmo *vmo, uint64_t pgoff)
{
	static struct want w;
	static struct vm_page *pg;
	uint64_t rescues = ev_read(EV_fault_rescue_modified);
	int r;

	w = (struct want){ .what = WANT_AGAIN };
	r = anon_look(vmo, pgoff, ANON_FIND, &w, &pg);
	CLAIM(r == 0, "page %lu is idle in memory: anon_look says %d", pgoff, r);
	if (r != 0)
		return;
	anon_is_owned("from a queue", vmo, pgoff, pg);
	CLAIM(pg->state == PG_ACTIVE, "page %lu is pinned and still on a queue: its "
	    "frame can be taken", pgoff);
	CLAIM(anon_has_tag(pg, pgoff), "page %lu has lost its bytes", pgoff);
	page_unpin(pg);
	CLAIM(ev_read(EV_fault_rescue_modified) == rescues, "page %lu: a look that "
	    "is no fault counts as a rescue of its page (ws_rescue)", pgoff);
	r = anon_look(vmo, pgoff, ANON_TOUCH, &w, &pg);
	CLAIM(r == 0 && ev_read(EV_fault_rescue_modified) == rescues + 1, "page "
	    "%lu: a touch saves it from the queue (ws_rescue): %lu rescues, not 1",
	    pgoff,
	    ev_read(EV_fault_rescue_modified) - rescues);
	if (r == 0)
		page_unpin(pg);
	want_end(&w);
}

/* A hole is none, with a table or without; a touch says what it lacks. */
static void
hole_is_none(struct vmo *vmo, uint64_t at, uint64_t far)
{
	static struct want w;
	static struct vm_page *pg;
	struct anon_books was = anon_books(vmo);
	int r;

	find_says("a hole", vmo, at, -ENOENT);
	find_says("no table leads to it", vmo, far, -ENOENT);
	anon_touch_says("no table leads to it", vmo, far, -ENOENT);
	w = (struct want){ .what = WANT_AGAIN };
	anon_refuse("FRAME", 1);
	r = anon_look(vmo, at, ANON_TOUCH, &w, &pg);
	CHECK(inject_set("off") == 0);
	CLAIM(r == -EAGAIN && w.what == WANT_ZEROS, "there is no frame: anon_look "
	    "says %d, not -EAGAIN with WANT_ZEROS", r);
	want_end(&w);
	anon_books_moved("holes were looked at", vmo, was, 0, 0, 0);
}

/* A fault knows only the size; what fallocate keeps behind it others find. */
static void
end_is_end(void)
{
	struct vmo *vmo = anon_object(3 * PAGE_SIZE + 1);

	if (vmo == NULL)
		return;
	spin_lock(&vmo->lock);
	vmo->a.keep = 6;
	spin_unlock(&vmo->lock);
	idle_page(vmo, 3);
	idle_page(vmo, 5);
	find_says("the last page is begun by one byte", vmo, 3, 0);
	anon_touch_says("the last page is begun by one byte", vmo, 3, 0);
	find_says("fallocate keeps it behind the end", vmo, 5, 0);
	anon_touch_says("a fault finds nothing behind the end", vmo, 5, -ENXIO);
	find_says("behind the end", vmo, 6, -ENXIO);
	anon_touch_says("behind the end", vmo, 1ul << 30, -ENXIO);
	anon_object_end(vmo);
}

static void
look_in(void)
{
	uint64_t n = lab_param("n", 40), i;
	uint64_t far = anon_first_below(ANON_LEVELS) + FAR;
	struct vmo *vmo = anon_shape_holds() ?
	    anon_object(SIZE_PAGES << PAGE_SHIFT) : NULL;

	if (vmo == NULL)
		return;
	for (i = 0; i < n; i++)
		idle_page(vmo, i);
	idle_page(vmo, far);
	ev_mark(1);
	for (i = 0; i < n; i++)
		on_a_queue(vmo, i);
	on_a_queue(vmo, far);
	hole_is_none(vmo, far + 1, far + FAR);
	end_is_end();
	ev_mark(2);
	EXPECT_IS(vm_check(2), ==, 0);
	anon_object_end(vmo);
}

/* ---- what is out ---- */

/* A look begins to read it, or says who does; after each wait another, until it is
 * there. */
static void
comes_from_swap(struct vmo *vmo, uint64_t pgoff)
{
	static struct want w;
	static struct vm_page *pg;
	struct anon_books was = anon_books(vmo);
	unsigned i;
	int r = -EAGAIN;

	w = (struct want){ .what = WANT_AGAIN };
	pg = NULL;
	for (i = 0; i < LOOKS && r == -EAGAIN; i++) {
		r = anon_look(vmo, pgoff, ANON_TOUCH, &w, &pg);
		CLAIM(r != -EAGAIN || w.what == WANT_PAGE || w.what == WANT_OTHER ||
		    want_is_frame(&w), "page %lu is on swap, or being read: "
		    "anon_look says -EAGAIN, and not what it waits for", pgoff);
		if (r == -EAGAIN)
			CHECK(want_get(&w) == 0);
	}
	want_end(&w);
	CLAIM(r == 0, "page %lu is on swap: anon_look says %d, and %u waits have not "
	    "brought it", pgoff, r, i);
	if (r != 0)
		return;
	anon_is_owned("from swap", vmo, pgoff, pg);
	CLAIM(anon_has_tag(pg, pgoff), "page %lu came back from swap with other "
	    "bytes", pgoff);
	page_unpin(pg);
	anon_books_moved("a page came from swap", vmo, was, 0, 0, 0);
}

/* What could not be read is an error, not a hole. */
static void
lost_is_lost(struct vmo *vmo)
{
	uint64_t far = anon_first_below(ANON_LEVELS);
	uint64_t *top = &vmo->a.words[anon_top(far).word], word = *top;
	struct anon_place p = anon_place(vmo, LOST);

	spin_lock(&vmo->lock);
	word_set(p.table, p.slot, pte_make_soft(PTE_ERROR, 5));
	*top = AOBJ_LOST;
	spin_unlock(&vmo->lock);
	find_says("its word says ERROR", vmo, LOST, -EIO);
	anon_touch_says("its word says ERROR", vmo, LOST, -EIO);
	find_says("its table is lost", vmo, far, -EIO);
	anon_touch_says("its table is lost", vmo, far, -EIO);
	spin_lock(&vmo->lock);
	word_set(p.table, p.slot, 0);
	*top = word;
	spin_unlock(&vmo->lock);
	anon_place_end(&p);
}

static void
look_out(void)
{
	uint64_t n = lab_param("n", 40), i;
	struct vmo *vmo = anon_shape_holds() ?
	    anon_object(SIZE_PAGES << PAGE_SHIFT) : NULL;

	if (vmo == NULL)
		return;
	for (i = 0; i < n; i++)
		if (i != LOST)
			idle_page(vmo, i);
	ev_mark(1);
	lost_is_lost(vmo);
	anon_swap_out(vmo, 0, n);
	anon_table_out(vmo, n - 1, 1);
	CHECK(inject_set("TRYPIN:3:5") == 0);
	for (i = 0; i < n; i++)
		if (i != LOST)
			comes_from_swap(vmo, i);
	CHECK(inject_set("off") == 0);
	ev_mark(2);
	EXPECT_IS(vm_check(2), ==, 0);
	anon_object_end(vmo);
}

const struct selftest selftests_lab_anonlook[] = {
	{ "lab_anon_look", look_in, "what is there is found, a hole is none" },
	{ "lab_anon_out", look_out, "what is out is asked for, what is lost an error" },
	{ NULL, NULL, NULL },
};
