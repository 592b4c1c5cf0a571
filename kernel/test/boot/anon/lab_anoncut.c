/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_anoncut.c: lab 03, step 4: pages and objects end
 *
 * Problem   A page that is cut off may be idle, pinned, on swap or lost; its
 *           neighbours in the same table stay.  And when the last reference goes
 *           nothing of the object may be left.
 *
 * Picture   words of each kind ─→ anon_truncate of a range ─→ what is gone, what
 *           stays, what is given back;  vmo_put ─→ leak census
 *
 * Read next lab_anonword.c; vm/object/anon.c, vm/access/vmobytes.c.
 */
#include "mem/mem.h"
#include "test/boot/anon/lab_anon.h"

#define SIZE_PAGES (1ul << 34)
#define LOST 60u
#define TRIES 500
#define TRY_NS 1000000ul

static uint64_t
slots_used(void)
{
	struct swap_stat st;

	swap_stat(&st);
	return st.used;
}

/* How many more than before, when the reads ahead that are under way have ended: a page
 * that is being read has its slot as long. */
static uint64_t
slots_kept(uint64_t before)
{
	unsigned try;

	for (try = 0; slots_used() != before && try < TRIES; try++)
		(void)sleep_until(md_time_ns() + TRY_NS, WAIT_PLAIN);
	return slots_used() - before;
}

/* Nothing of the object is left, now that it has ended. */
static void
nothing_left(void)
{
	CLAIM(vm_leak_end() == 0, "something of the object is left when its last "
	    "reference has gone: a page, a table, the header or a promise");
}

/* Pages of [0, n) with tags. */
static struct vmo *
object_of(uint64_t n)
{
	struct vmo *vmo = anon_object(SIZE_PAGES << PAGE_SHIFT);
	uint64_t i;

	for (i = 0; vmo != NULL && i < n; i++)
		if (anon_fill(vmo, i) != 0)
			return NULL;
	return vmo;
}

static void
gone(const char *what, struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	uint64_t i;

	for (i = lo; i < hi; i++)
		if (anon_word_of(vmo, i) != 0)
			break;
	CLAIM(i >= hi, "%s: page %lu of [%lu, %lu) is still there", what, i, lo,
	    hi);
}

static void
there(const char *what, struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	static struct vm_page *pg;
	uint64_t i;
	bool same;
	int r = 0;

	for (i = lo; i < hi; i++) {
		r = anon_page(vmo, i, ANON_FIND, &pg);
		if (r != 0)
			break;
		same = anon_has_tag(pg, i);
		page_unpin(pg);
		CLAIM(same, "%s: page %lu has other bytes", what, i);
	}
	CLAIM(i >= hi, "%s: page %lu of [%lu, %lu) should stay, and is gone: %d",
	    what, i, lo, hi, r);
}

/* ---- ranges ---- */

/* The first page of the leaf of a page. */
static uint64_t
leaf_begin(uint64_t pgoff)
{
	uint64_t first = anon_top(pgoff).first;

	return first + (pgoff - first) / MD_PT_WORDS * MD_PT_WORDS;
}

/* A hole in the middle of a leaf, then all from a page on. */
static void
ranges(void)
{
	uint64_t n = lab_param("n", 700), a = n / 3, b = 2 * n / 3, freed, last;
	int64_t pages, tables;
	struct anon_books was;
	struct vmo *vmo;

	vm_leak_begin();
	vmo = object_of(n);
	if (vmo == NULL)
		return;
	ev_mark(1);
	was = anon_books(vmo);
	freed = ev_read(EV_page_free);
	anon_truncate(vmo, a, b);
	freed = ev_read(EV_page_free) - freed;
	gone("a hole was cut", vmo, a, b);
	there("below the hole", vmo, 0, a);
	there("behind the hole", vmo, b, n);
	anon_books_moved("a hole was cut", vmo, was, -(int64_t)(b - a), 0,
	    -(int64_t)(b - a));
	CLAIM(freed >= b - a, "%lu frames came back, and %lu pages were cut", freed,
	    b - a);
	anon_truncate(vmo, a, b);
	anon_truncate(vmo, n + 5000, SIZE_PAGES);
	anon_books_moved("what is not there was cut again", vmo, was,
	    -(int64_t)(b - a), 0, -(int64_t)(b - a));
	/* The last leaf goes with its last word, and the one above it. */
	was = anon_books(vmo);
	last = leaf_begin(n - 1);
	pages = (int64_t)(n - MAX(last, b));
	tables = (int64_t)(anon_price(n) - n - (anon_price(last) - last));
	anon_truncate(vmo, last, VMO_MAX_PAGES);
	there("below the cut", vmo, 0, a);
	gone("all was cut from a page on", vmo, last, n);
	anon_books_moved("all was cut from a page on", vmo, was, -pages, -tables,
	    -pages - tables);
	anon_truncate(vmo, 0, UINT64_MAX);
	CLAIM(vmo->n_resident == 0 && vmo->a.n_tables == 0 && vmo->a.charged == 0,
	    "all was cut: %lu pages, %lu tables and a charge of %lu are left",
	    vmo->n_resident, vmo->a.n_tables, vmo->a.charged);
	ev_mark(2);
	vmo_put(vmo);
	nothing_left();
}

/* ---- kinds ---- */

/* Pinned while it is cut: whoever pins it keeps it, and frees it. */
static void
pinned(struct vmo *vmo, uint64_t pgoff)
{
	static struct vm_page *pg;
	uint64_t free = ev_read(EV_page_free), limbo;
	int r;

	r = anon_page(vmo, pgoff, ANON_FIND, &pg);
	CHECK(r == 0);
	limbo = page_count(PG_LIMBO);
	anon_truncate(vmo, pgoff, pgoff + 1);
	gone("a pinned page was cut off", vmo, pgoff, pgoff + 1);
	CLAIM(pg->state == PG_LIMBO && page_home_kind(pg) == HOME_NONE &&
	    page_count(PG_LIMBO) == limbo + 1 && ev_read(EV_page_free) == free,
	    "a page that is pinned was cut off: it loses its owner, and its frame "
	    "stays with who pins it");
	if (pg->state == PG_LIMBO && pg->pins > 0) {
		CLAIM(anon_has_tag(pg, pgoff), "a pinned page has lost its bytes");
		page_unpin_dirty(pg);
		CLAIM(ev_read(EV_page_free) == free + 1, "the last pin of a page "
		    "that was cut off is gone, and its frame does not come back");
	}
}

static void
cut_kinds(void)
{
	uint64_t n = lab_param("n", 700), used, kept, i;
	struct vmo_quota *quota = vmo_quota_create();
	struct anon_books was;
	struct vmo *vmo;

	CHECK(quota != NULL);
	vm_leak_begin();
	used = slots_used();
	vmo = anon_object(SIZE_PAGES << PAGE_SHIFT);
	if (vmo == NULL)
		return;
	vmo_set_quota(vmo, quota);
	for (i = 0; i < n; i++)
		if (anon_fill(vmo, i) != 0)
			return;
	ev_mark(1);
	pinned(vmo, 3);
	pinned(vmo, 100);
	anon_swap_out(vmo, 0, n / 2);
	was = anon_books(vmo);
	CHECK(inject_set("TRYPIN:1:5") == 0);
	anon_truncate(vmo, 200, n / 2);
	CHECK(inject_set("off") == 0);
	gone("pages on swap were cut off", vmo, 200, n / 2);
	anon_books_moved("pages on swap were cut off", vmo, was,
	    -(int64_t)(n / 2 - 200), 0, -(int64_t)(n / 2 - 200));
	there("on swap, below the cut", vmo, 101, 200);
	spin_lock(&vmo->lock);
	vmo->size = 100 * PAGE_SIZE; /* as vmo_resize() has done by then */
	spin_unlock(&vmo->lock);
	anon_truncate(vmo, 100, VMO_MAX_PAGES);
	CLAIM(vmo->n_resident == 99, "of 100 pages 99 were there, and %lu are left",
	    vmo->n_resident);
	ev_mark(2);
	vmo_put(vmo);
	kept = slots_kept(used);
	CLAIM(kept == 0, "%lu slots of swap are in use for pages that are gone", kept);
	CLAIM(vmo_quota(quota, QUOTA_USED) == 0 && vmo_quota(quota, QUOTA_REFS) == 1,
	    "the object is gone: its file system still counts %lu pages and %lu "
	    "references", vmo_quota(quota, QUOTA_USED), vmo_quota(quota, QUOTA_REFS) - 1);
	nothing_left();
	vmo_quota_put(quota);
}

/* ---- the end of an object ---- */

/*
 * An object ends, and a table of it, which is on swap, cannot be read: a leaf, whose
 * pages are counted all the same; then the table above a leaf, and nobody knows what it
 * named.  That is taken back here: slots, and the leaf.
 */
static void
ends_with_lost(unsigned depth)
{
	uint64_t first = anon_first_below(depth);
	uint64_t pages = ev_read(EV_anon_pages), tables = ev_read(EV_anon_tables);
	uint64_t frees = ev_read(EV_anon_free), commit = commit_total(), i;
	struct vmo *vmo = anon_object(SIZE_PAGES << PAGE_SHIFT);
	struct anon_place leaf;
	slot_t slot[LOST];
	va_t kva;

	for (i = 0; vmo != NULL && i < LOST; i++)
		if (anon_fill(vmo, first + i) != 0)
			return;
	if (vmo == NULL)
		return;
	leaf = anon_place(vmo, first);
	kva = MD_KPAGED_BASE + (leaf.table->index << PAGE_SHIFT);
	anon_place_end(&leaf);
	anon_swap_out(vmo, first, first + LOST);
	for (i = 0; i < LOST; i++)
		slot[i] = swap_slot(anon_word_of(vmo, first + i));
	anon_table_out(vmo, first, depth);
	CHECK(inject_set("FI_SWAPIN:1:1:100") == 0);
	vmo_put(vmo);
	CHECK(inject_set("off") == 0);
	for (i = 0; i < LOST; i++)
		swap_free(slot[i]);
	if (depth > 1)
		kpaged_free(kva, 1);
	CLAIM(ev_read(EV_anon_free) == frees + 1, "an object ended whose table could "
	    "not be read, and anon.free does not say so");
	CLAIM(ev_read(EV_anon_pages) == pages && ev_read(EV_anon_tables) == tables &&
	    commit_total() == commit, "an object of %u pages ended, and a table of "
	    "level %u could not be read: %ld pages, %ld tables and a promise of %ld "
	    "are left", LOST, depth, ev_read(EV_anon_pages) - pages,
	    ev_read(EV_anon_tables) - tables, commit_total() - commit);
}

static void
ends(void)
{
	uint64_t far = lab_param("far", 1ul << 33), frees;
	struct vmo *vmo;

	vm_leak_begin();
	frees = ev_read(EV_anon_free);
	ev_mark(1);
	/* Nothing in it; all over the tree; on swap with its table; paid for as a whole. */
	vmo = anon_object(1);
	if (vmo != NULL)
		vmo_put(vmo);
	vmo = object_of(ANON_WORDS + 3);
	if (vmo == NULL)
		return;
	EXPECT(anon_fill(vmo, far) == 0 && anon_fill(vmo, far + 5000) == 0);
	EXPECT_IS(anon_fill(vmo, anon_first_below(2) + 5000), ==, 0);
	vmo_put(vmo);
	vmo = object_of(60);
	if (vmo == NULL)
		return;
	anon_swap_out(vmo, 0, 60);
	anon_table_out(vmo, 59, 1);
	vmo_put(vmo);
	CHECK(commit_charge(anon_price(1000)) == 0);
	vmo = vmo_create_anon(1000 * PAGE_SIZE, anon_price(1000), NULL, NULL);
	CHECK(vmo != NULL);
	EXPECT(anon_fill(vmo, 2) == 0 && anon_fill(vmo, 800) == 0);
	anon_truncate(vmo, 2, 3);
	CLAIM(vmo->a.charged == anon_price(1000), "what was paid for as a whole is "
	    "given back as a whole: %lu of %lu are still charged",
	    vmo->a.charged, anon_price(1000));
	vmo_put(vmo);
	ev_mark(2);
	CLAIM(ev_read(EV_anon_free) - frees == 4, "four objects have ended, and "
	    "anon.free says %lu", ev_read(EV_anon_free) - frees);
	nothing_left();
	ends_with_lost(1);
	ends_with_lost(2);
}

/* ---- what is refused, and then comes ---- */

/* A store to a shared mapping, and bytes written to a file, where memory fails. */
static void
store_refused(struct aspace *as, va_t va, struct vmo *vmo, const char *point,
    uint64_t nth, int want)
{
	struct anon_books was = anon_books(vmo);
	uint64_t value = 7;
	ssize_t r;

	anon_refuse(point, nth);
	r = as_write(as, va, &value, 8);
	CHECK(inject_set("off") == 0);
	CLAIM(r == want, "%s refuses the %lu-th time: a store to a mapping gives "
	    "%ld, not %d", point, nth, r, want);
	anon_books_moved("a store was refused", vmo, was, 0, 0, 0);
}

static void
write_refused(struct vmo *vmo, uint64_t off, const char *point, uint64_t nth)
{
	struct anon_books was = anon_books(vmo);
	uint64_t value = 7;
	struct uio u;
	ssize_t r;

	uio_init_kernel(&u, &value, 8);
	anon_refuse(point, nth);
	r = vmo_write(vmo, off, &u);
	CHECK(inject_set("off") == 0);
	CLAIM(r == -ENOSPC, "%s refuses the %lu-th time: a write gives %ld, not "
	    "-ENOSPC", point, nth, r);
	anon_books_moved("a write was refused", vmo, was, 0, 0, 0);
}

static va_t
map_object(struct aspace *as, struct vmo *vmo, uint64_t pages, uint64_t off)
{
	struct map_args a = { .len = pages * PAGE_SIZE, .off = off << PAGE_SHIFT,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W,
		.flags = MAP_SHARED, .vmo = vmo };
	va_t va = 0;

	CHECK(map_mmap(as, &a, &va) == 0);
	return va;
}

static void
refused_then_made(void)
{
	uint64_t n = lab_param("n", 40), at = 3ul << 28, value = 7, i, free;
	struct aspace *as = lab_space();
	struct vmo *vmo = anon_object(SIZE_PAGES << PAGE_SHIFT);
	struct uio u;
	unsigned tables;
	va_t va;

	if (vmo == NULL)
		return;
	va = map_object(as, vmo, n, at);
	tables = anon_missing(vmo, at);
	ev_mark(1);
	for (i = 1; i <= tables; i++) {
		store_refused(as, va, vmo, "KPAGED", i, -EFAULT);
		store_refused(as, va, vmo, "COMMIT", i, -EFAULT);
		write_refused(vmo, at << PAGE_SHIFT, "KPAGED", i);
		write_refused(vmo, at << PAGE_SHIFT, "COMMIT", i);
	}
	write_refused(vmo, at << PAGE_SHIFT, "COMMIT", tables + 1);
	for (i = 0; i < n; i++)
		EXPECT_IS(as_write(as, va + i * PAGE_SIZE, &value, 8), ==, 8);
	uio_init_kernel(&u, &value, 8);
	EXPECT_IS(vmo_write(vmo, (at + n) << PAGE_SHIFT, &u), ==, 8);
	CLAIM(vmo->n_resident == n + 1, "all was tried again: %lu pages are there, "
	    "not %lu", vmo->n_resident, n + 1);
	ev_mark(2);
	lab_space_end(as);
	free = ev_read(EV_page_free);
	vmo_put(vmo);
	CLAIM(ev_read(EV_page_free) - free >= n + 1, "the object has ended, and %lu "
	    "frames came back, of %lu pages", ev_read(EV_page_free) - free,
	    n + 1);
}

const struct selftest selftests_lab_anoncut[] = {
	{ "lab_anon_ranges", ranges, "a range goes, its neighbours stay" },
	{ "lab_anon_kinds", cut_kinds, "what is cut off goes, wherever it is" },
	{ "lab_anon_ends", ends, "nothing is left of an object" },
	{ "lab_anon_retried", refused_then_made, "what was refused is tried again, and comes" },
	{ NULL, NULL, NULL },
};
