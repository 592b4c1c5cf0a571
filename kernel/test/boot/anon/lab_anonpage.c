/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_anonpage.c: lab 03, step 3: a page of an object, made and waited for
 *
 * Problem   Whoever asks may be in a fault, under locks, or in a write, and may
 *           wait; the page may be there, on swap, lost, not there, or not allowed.  A program sees few of these apart.
 *
 * Picture   anon_page, anon_look ─→ result, word, page, pins, counts, bytes
 *
 * Rules     1. To end an object is step 4: anon_object_end() does it by hand, after
 *              vm_check(2) has looked at it.
 *
 * Read next lab_anonlook.c, lab_anoncut.c; vm/object/anon.c.
 */
#include "test/boot/anon/lab_anon.h"

#define SIZE_PAGES (1ul << 34)   /* of most objects here: above all that is used */
#define FAR (1ul << 30)          /* from another page: the leaves are two */
#define HOLES 1000u
#define SOILED 400u
#define FORCED 64u       /* pages that are charged beyond the limit */

static bool
has_zeros(const struct vm_page *pg)
{
	const uint64_t *v = pa2va(page_pa(pg));
	unsigned i;

	for (i = 0; i < PAGE_SIZE / 8; i++)
		if (v[i] != 0)
			return false;
	return true;
}

/* ---- made, and found again ---- */

static void
made(struct vmo *vmo, uint64_t pgoff)
{
	static struct vm_page *got, *again;
	unsigned tables = anon_missing(vmo, pgoff);
	struct vm_page *pg;
	struct anon_books was = anon_books(vmo);
	int r;

	if (anon_word_of(vmo, pgoff) != 0)
		return;
	got = again = NULL;
	r = anon_page(vmo, pgoff, ANON_CREATE, &got);
	pg = got;
	CLAIM(r == 0 && pg != NULL, "page %lu cannot be made: %d", pgoff, r);
	if (r != 0 || pg == NULL)
		return;
	anon_is_owned("just made", vmo, pgoff, pg);
	CLAIM(has_zeros(pg), "page %lu is new and not zero: somebody else's bytes",
	    pgoff);
	CLAIM((pg->flags & PF_DIRTY) != 0, "page %lu is new and not dirty: its "
	    "bytes exist nowhere else", pgoff);
	anon_books_moved("a page was made", vmo, was, 1, tables, tables + 1);
	anon_write_tag(pg, pgoff);
	page_unpin_dirty(pg);
	r = anon_page(vmo, pgoff, ANON_FIND, &again);
	CLAIM(r == 0 && again == pg, "page %lu is there, and anon_page says %d or "
	    "gives another one", pgoff, r);
	if (r != 0 || again == NULL)
		return;
	anon_is_owned("found", vmo, again->index, again);
	CLAIM(anon_has_tag(again, pgoff), "page %lu has lost its bytes", pgoff);
	page_unpin(again);
}

static void
no_holes_made(struct vmo *vmo)
{
	static struct vm_page *pg;
	uint64_t seed = lab_param("seed", 1) | 1, at;
	struct anon_books was = anon_books(vmo);
	unsigned i;
	int r;

	for (i = 0; i < HOLES; i++) {
		at = 100000 + lab_random(&seed) % (SIZE_PAGES - 100000);
		r = anon_page(vmo, at, ANON_FIND, &pg);
		if (r != -ENOENT)
			break;
	}
	CLAIM(i == HOLES, "anon_page(ANON_FIND) of a hole says %d, not -ENOENT", r);
	anon_books_moved("holes were looked for", vmo, was, 0, 0, 0);
}

/* One look of a fault makes the page, but no table: at is a hole whose leaf exists. */
static void
one_look(struct vmo *vmo, uint64_t at)
{
	static struct want w;
	static struct vm_page *pg;
	struct anon_books was = anon_books(vmo);
	int r;

	w = (struct want){ .what = WANT_AGAIN };
	pg = NULL;
	r = anon_look(vmo, at / 2, ANON_TOUCH, &w, &pg);
	CLAIM(r == -ENOENT, "no table leads to the page: anon_look says %d, not "
	    "-ENOENT: a fault makes tables without its locks", r);
	r = anon_look(vmo, at, ANON_FIND, &w, &pg);
	CLAIM(r == -ENOENT, "a hole: anon_look(ANON_FIND) says %d, not -ENOENT", r);
	want_end(&w);
	anon_books_moved("looks that made nothing", vmo, was, 0, 0, 0);
	anon_refuse("FRAME", 1);
	r = anon_look(vmo, at, ANON_TOUCH, &w, &pg);
	CHECK(inject_set("off") == 0);
	CLAIM(r == -EAGAIN && w.what == WANT_ZEROS, "there is no frame: anon_look "
	    "says %d, not -EAGAIN with WANT_ZEROS", r);
	anon_books_moved("there was no frame", vmo, was, 0, 0, 0);
	CHECK(want_get(&w) == 0);
	r = anon_look(vmo, at, ANON_TOUCH, &w, &pg);
	CLAIM(r == 0 && w.frame == NULL, "the wait has brought a frame: anon_look "
	    "says %d, and w->frame is %s", r, w.frame == NULL ? "taken" :
	    "still there: it would be freed under the page");
	want_end(&w);
	if (r != 0)
		return;
	anon_is_owned("made by one look", vmo, at, pg);
	CLAIM(has_zeros(pg), "page %lu is new and not zero: somebody else's bytes",
	    at);
	page_unpin(pg);
}

static void
make(void)
{
	const uint64_t far = lab_param("far", 1ul << 33);
	struct vmo *vmo = anon_object(SIZE_PAGES << PAGE_SHIFT);
	struct anon_top top = { .end = 0 };
	unsigned i;

	if (vmo == NULL)
		return;
	anon_soil_frames(SOILED);
	ev_mark(1);
	for (i = 1; i < ANON_WORDS + 2; i++)
		made(vmo, i);
	for (i = 0; top.end < SIZE_PAGES; i++) {
		top = anon_top(top.end);
		made(vmo, top.first);
		if (top.end - top.first > MD_PT_WORDS && i < ANON_WORDS)
			made(vmo, top.first + 600);
	}
	made(vmo, far);
	no_holes_made(vmo);
	one_look(vmo, top.first + ((far - top.first) ^ 1));
	ev_mark(2);
	EXPECT_IS(vm_check(2), ==, 0);
	anon_object_end(vmo);
}

/* ---- what may not be ---- */

static void
says(const char *what, struct vmo *vmo, uint64_t pgoff, enum anon_want how,
    int want)
{
	static struct vm_page *pg;
	int r;

	pg = NULL;
	r = anon_page(vmo, pgoff, how, &pg);
	CLAIM(r == want, "%s: page %lu: anon_page says %d, not %d", what, pgoff, r,
	    want);
	if (r == 0 && pg != NULL)
		page_unpin(pg);
}

static void
past_the_end(void)
{
	struct vmo *vmo = anon_object(3 * PAGE_SIZE + 1);
	struct anon_books was;

	if (vmo == NULL)
		return;
	was = anon_books(vmo);
	says("behind the end", vmo, 4, ANON_CREATE, -ENXIO);
	says("behind the end", vmo, 4, ANON_FIND, -ENXIO);
	anon_touch_says("behind the end", vmo, 4, -ENXIO);
	says("far behind the end", vmo, 1ul << 30, ANON_CREATE, -ENXIO);
	anon_books_moved("behind the end nothing is made", vmo, was, 0, 0, 0);
	says("the last page is begun by one byte", vmo, 3, ANON_CREATE, 0);
	EXPECT_IS(vmo_allocate(vmo, 5), ==, 0);
	says("fallocate keeps it behind the end", vmo, 5, ANON_FIND, 0);
	anon_touch_says("a fault finds nothing behind the end", vmo, 5, -ENXIO);
	EXPECT_IS(vm_check(2), ==, 0);
	anon_object_end(vmo);
}

static void
no_money(void)
{
	struct vmo *vmo = anon_object(SIZE_PAGES << PAGE_SHIFT);
	struct vmo_quota *quota = vmo_quota_create();
	uint64_t first = anon_first_below(ANON_LEVELS), next = first + 1;
	uint64_t far = first + FAR;
	struct anon_books was;
	unsigned tables;

	CHECK(quota != NULL);
	if (vmo == NULL)
		return;
	vmo_set_quota(vmo, quota);
	says("within the quota", vmo, first, ANON_CREATE, 0);
	tables = anon_missing(vmo, far);
	was = anon_books(vmo);
	CHECK(vmo_quota_limit(quota, 1) == 0);
	says("the file system is full", vmo, next, ANON_CREATE, -ENOSPC);
	anon_touch_says("the file system is full", vmo, next, -ENOSPC);
	says("the file system is full", vmo, far, ANON_CREATE, -ENOSPC);
	anon_books_moved("the file system is full", vmo, was, 0, 0, 0);
	CHECK(vmo_quota_limit(quota, 100) == 0);
	anon_refuse("COMMIT", 1);
	says("nobody pays for the page", vmo, next, ANON_CREATE, -ENOSPC);
	anon_refuse("COMMIT", 1);
	anon_touch_says("nobody pays for the page", vmo, next, -ENOMEM);
	anon_refuse("COMMIT", tables);
	says("nobody pays for a table", vmo, far, ANON_CREATE, -ENOSPC);
	anon_refuse("COMMIT", tables + 1);
	says("nobody pays for the page", vmo, far, ANON_CREATE, -ENOSPC);
	anon_refuse("KPAGED", 2);
	says("no address for a table", vmo, far, ANON_CREATE, -ENOSPC);
	CHECK(inject_set("off") == 0);
	anon_books_moved("what was refused left nothing", vmo, was, 0, 0, 0);
	says("all is well again", vmo, far, ANON_CREATE, 0);
	anon_books_moved("a page and its tables", vmo, was, 1, tables, tables + 1);
	EXPECT_IS(vm_check(2), ==, 0);
	anon_object_end(vmo);
	vmo_quota_put(quota);
}

/* More has been promised than there is, and no place is left for one page: not even
 * what was paid for can be touched for the first time. */
static void
paid_without_room(struct vmo *vmo)
{
	struct aspace *as = lab_space();
	uint64_t n = commit_limit() - commit_total(), places = commit_limit(), i;
	struct anon_books was;

	CHECK(commit_charge(n) == 0);
	for (i = 0; i < FORCED; i++)
		commit_charge_forced(as);
	atomic_store(&commit_overdrawn, true);
	EVENT_ADD(kpaged_pages, places);
	CHECK(!commit_may_touch());
	was = anon_books(vmo);
	says("paid for, and no room for it", vmo, 3, ANON_CREATE, -ENOSPC);
	anon_touch_says("paid for, and no room for it", vmo, 3, -ENOMEM);
	says("a page that is there needs no room", vmo, 2, ANON_CREATE, 0);
	anon_books_moved("there was no room: nothing is left over", vmo, was, 0, 0,
	    0);
	EVENT_ADD(kpaged_pages, -(int64_t)places);
	commit_uncharge_late(as, FORCED);
	commit_uncharge(n);
	lab_space_end(as);
	says("there is room again", vmo, 3, ANON_CREATE, 0);
}

static void
paid_for(void)
{
	struct anon_books was;
	struct vmo *vmo;
	unsigned tables;

	CHECK(commit_charge(anon_price(1000)) == 0);
	vmo = vmo_create_anon(1000 * PAGE_SIZE, anon_price(1000), NULL, NULL);
	if (vmo == NULL)
		return;
	was = anon_books(vmo);
	tables = anon_missing(vmo, 2);
	says("paid for as a whole", vmo, 2, ANON_CREATE, 0);
	tables += anon_missing(vmo, 900);
	says("paid for as a whole", vmo, 900, ANON_CREATE, 0);
	anon_books_moved("paid for as a whole: nothing is charged again", vmo,
	    was, 2, tables, 0);
	paid_without_room(vmo);
	EXPECT_IS(vm_check(2), ==, 0);
	anon_object_end(vmo);
}

static void
limits(void)
{
	ev_mark(1);
	past_the_end();
	no_money();
	paid_for();
	ev_mark(2);
}

/* ---- where pages are ---- */

/*
 * On swap, or on its way from there with its neighbours: one look begins to read it,
 * or says that it is busy; anon_page() waits for it.
 */
static void
on_swap(struct vmo *vmo, uint64_t pgoff)
{
	static struct want w;
	static struct vm_page *pg;
	struct anon_books was = anon_books(vmo);
	bool here = pte_kind(anon_word_of(vmo, pgoff)) == PTE_TRANS;
	int r;

	w = (struct want){ .what = WANT_AGAIN };
	pg = NULL;
	r = anon_look(vmo, pgoff, ANON_TOUCH, &w, &pg);
	CLAIM(here || (r == -EAGAIN && (w.what == WANT_PAGE || want_is_frame(&w) ||
	    w.what == WANT_OTHER)), "page %lu is on swap: anon_look says %d; it "
	    "begins to read, -EAGAIN", pgoff,
	    r);
	if (r == 0 && pg != NULL)
		page_unpin(pg);
	want_end(&w);
	r = anon_page(vmo, pgoff, ANON_FIND, &pg);
	CLAIM(r == 0, "page %lu is being read: anon_page says %d, and should wait",
	    pgoff, r);
	if (r != 0)
		return;
	anon_is_owned("from swap", vmo, pgoff, pg);
	CLAIM(anon_has_tag(pg, pgoff), "page %lu came back from swap with other "
	    "bytes", pgoff);
	page_unpin(pg);
	anon_books_moved("a page came from swap", vmo, was, 0, 0, 0);
}

static void
no_page_is(const char *what, struct vmo *vmo, uint64_t pgoff)
{
	says(what, vmo, pgoff, ANON_FIND, -EIO);
	says(what, vmo, pgoff, ANON_CREATE, -EIO);
	anon_touch_says(what, vmo, pgoff, -EIO);
}

/* What could not be read is not made anew: that would hide the loss. */
static void
lost_page(struct vmo *vmo)
{
	struct anon_books was = anon_books(vmo);
	uint64_t error = pte_make_soft(PTE_ERROR, 5);
	uint64_t far = anon_first_below(ANON_LEVELS) + FAR;
	uint64_t *top = &vmo->a.words[anon_top(far).word], word = *top;
	struct anon_place p = anon_place(vmo, 5);

	spin_lock(&vmo->lock);
	word_set(p.table, p.slot, error);
	spin_unlock(&vmo->lock);
	no_page_is("its word says ERROR", vmo, 5);
	spin_lock(&vmo->lock);
	word_set(p.table, p.slot, 0);
	*top = AOBJ_LOST;
	spin_unlock(&vmo->lock);
	no_page_is("its table is lost", vmo, far + 9);
	*top = word;
	anon_place_end(&p);
	anon_books_moved("a page is lost", vmo, was, 0, 0, 0);
}

static void
wherever(void)
{
	uint64_t n = lab_param("n", 40), i;
	struct vmo *vmo = anon_object(SIZE_PAGES << PAGE_SHIFT);

	if (vmo == NULL)
		return;
	for (i = 0; i < n; i++)
		if (i != 5 && anon_fill(vmo, i) != 0)
			return;
	ev_mark(1);
	lost_page(vmo);
	anon_swap_out(vmo, 0, n);
	anon_table_out(vmo, n - 1, 1);
	CHECK(inject_set("TRYPIN:3:5") == 0);
	for (i = 0; i < n; i++)
		if (i % 3 == 0)
			on_swap(vmo, i);
	CHECK(inject_set("off") == 0);
	/* Those between may have come along: they are read as well. */
	for (i = 0; i < n; i++)
		if (i % 3 != 0 && i != 5) {
			says("from swap", vmo, i, ANON_TOUCH, 0);
			CLAIM(anon_word_of(vmo, i) != 0, "page %lu is gone", i);
		}
	ev_mark(2);
	EXPECT_IS(vm_check(2), ==, 0);
	anon_object_end(vmo);
}

const struct selftest selftests_lab_anonpage[] = {
	{ "lab_anon_make", make, "a page is made once, zero, with all that a page has" },
	{ "lab_anon_limits", limits, "no page behind the end, over the quota, unpaid" },
	{ "lab_anon_places", wherever, "a page is waited for wherever it is" },
	{ NULL, NULL, NULL },
};
