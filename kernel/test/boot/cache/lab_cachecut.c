/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_cachecut.c: lab 04, steps 4 and 5: pages go, and disks refuse
 *
 * Problem   A frame that goes while the disk has it is somebody else's when the
 *           bytes arrive.  A page that could not be read and stays is full of what
 *           the frame had before.
 *
 * Picture   [lo, hi): clean, dirty, pinned │ being read, being written: wait
 *           a request of 16 fails ─→ page by page ─→ one fails again
 *
 * Read next lab_cachedisk.c, vm/cache/fileend.c.
 */
#include "lib/string.h"
#include "test/boot/cache/lab_cachedisk.h"
#include "test/boot/fault/lab_faultpass.h"

#define FILE_PAGES 600u
#define NAPS_BUSY 30         /* so long a cut is seen waiting */

/* ---- pages go ---- */

static struct {
	struct cdisk *d;
	uint64_t lo, hi;
	_Atomic unsigned done;
	int r;
} cut;

static void
cutter(void *unused)
{
	cache_truncate(cut.d->vmo, cut.lo, cut.hi);
	atomic_add(&cut.done, 1);
}

static void
reads_page(void *unused)
{
	static struct vm_page *pg;

	pg = NULL;
	cut.r = cache_get(cut.d->vmo, cut.lo + 2, CACHE_READ, &pg);
	if (cut.r == 0)
		page_unpin(pg);
}

static void
writes_pages(void *unused)
{
	cut.r = vmo_sync(cut.d->vmo, cut.lo, cut.hi);
}

/* Pages [lo, hi) are cut while fn has page `at` of them at the disk, and others or not. */
static void
cut_while(struct cdisk *d, uint64_t lo, uint64_t hi, uint64_t at,
    void (*fn)(void *), const char *what)
{
	struct vm_page *pg;
	unsigned i;

	cut.d = d;
	cut.lo = lo;
	cut.hi = hi;
	atomic_store(&cut.done, 0);
	atomic_store(&d->hold, true);
	cd_run(fn, NULL);
	CLAIM(cd_until(&d->held, 1), "no page of [%lu, %lu) comes to the disk", lo,
	    hi);
	pg = cd_find(d, at);
	cd_run(cutter, NULL);
	for (i = 0; i < NAPS_BUSY; i++)
		cd_nap();
	CLAIM(atomic_load(&cut.done) == 0, "page %lu is being %s, and the cut does "
	    "not wait for that: its frame will be somebody else's when the disk "
	    "is ready", at, what);
	CLAIM(cd_find(d, at) == pg && pg != NULL, "page %lu is being %s, and "
	    "has left the tree", at, what);
	atomic_store(&d->hold, false);
	CLAIM(cd_ends(), "page %lu was %s, and the cut still waits", at, what);
	CLAIM(cut.r == 0 || cut.r == -ENXIO, "page %lu was %s, and that says %d",
	    at, what, cut.r);
	for (; lo < hi; lo++)
		CLAIM(cd_find(d, lo) == NULL, "page %lu was cut off, and is there",
		    lo);
}

static void
fill_file(struct cdisk *d)
{
	uint64_t i;

	for (i = 0; i < FILE_PAGES; i++)
		CLAIM(cd_find(d, i) != NULL ||
		    cache_readahead(d->vmo, i, CACHE_WINDOW, NULL) == 0, "pages "
		    "from %lu on cannot be read", i);
	for (i = 0; i < FILE_PAGES; i += 3)
		cd_store(d, i, 40000 + i);
}

/* Those of [lo, hi) have gone, all others are there. */
static void
gone_are(struct cdisk *d, uint64_t lo, uint64_t hi)
{
	struct vm_page *pg;
	uint64_t k = 0, dirty = 0;

	spin_lock(&d->vmo->lock);
	for (pg = page_tree_first(&d->vmo->v.pages); pg != NULL;
	     pg = page_tree_next(pg)) {
		k++;
		dirty += (pg->flags & PF_DIRTY) != 0;
		if (pg->index >= lo && pg->index < hi)
			break;
	}
	spin_unlock(&d->vmo->lock);
	CLAIM(pg == NULL, "pages [%lu, %lu) were cut off, and one of them is there",
	    lo, hi);
	CLAIM(pg != NULL || k == FILE_PAGES - (hi - lo), "pages [%lu, %lu) were cut "
	    "off, and of the %lu others %lu are there", lo, hi,
	    FILE_PAGES - (hi - lo), k);
	CLAIM(pg != NULL || d->vmo->n_dirty == dirty, "%lu of the pages that are "
	    "left are dirty, and n_dirty says %lu", dirty, d->vmo->n_dirty);
}

/* One of those that go is held: it stays, nobody's, until it is let go. */
static void
cut_held(struct cdisk *d, uint64_t lo, uint64_t hi)
{
	static struct vm_page *held[2];
	unsigned i;

	held[0] = held[1] = NULL;
	for (i = 0; i < 2; i++)
		if (cache_get(d->vmo, lo + 9 + i, CACHE_FIND, &held[i]) != 0)
			held[i] = NULL;
	CLAIM(held[0] != NULL && held[1] != NULL, "pages are not there");
	cache_truncate(d->vmo, lo, hi);
	gone_are(d, lo, hi);
	for (i = 0; i < 2 && held[i] != NULL; i++) {
		CLAIM(held[i]->pins == 1 && (held[i]->flags & PF_ORPHAN) != 0,
		    "page %lu was cut off while somebody holds it, and it is no "
		    "orphan of his: its frame is another's, or never freed",
		    lo + 9 + i);
		CLAIM(page_home_kind(held[i]) == HOME_NONE, "page %lu was cut off, "
		    "and its home is still the file", lo + 9 + i);
		page_unpin(held[i]);
	}
}

static void
cut_off(void)
{
	uint64_t lo = lab_param("lo", 100), hi = lab_param("hi", 400);
	struct cdisk *d;

	vm_leak_begin();
	d = cd_begin(0, FILE_PAGES * PAGE_SIZE);
	fill_file(d);
	ev_mark(1);
	cache_truncate(d->vmo, lo, lo);
	gone_are(d, lo, lo);
	cut_held(d, lo, hi);
	ev_mark(2);
	cut_while(d, lo, lo + 20, lo + 2, reads_page, "read");
	cd_store_all(d, lo, lo + 8, 7);
	cut_while(d, lo, lo + 8, lo, writes_pages, "written");
	cache_truncate(d->vmo, 0, UINT64_MAX);
	CLAIM(cd_count(d) == 0, "all was cut off, and %lu pages are there",
	    cd_count(d));
	CLAIM(d->vmo->n_dirty == 0 && d->vmo->n_resident == 0, "all was cut off, "
	    "and the file counts %lu pages, %lu dirty", d->vmo->n_resident,
	    d->vmo->n_dirty);
	cd_end(d);
	CLAIM(vm_leak_end() == 0, "all pages were cut off, and frames have not "
	    "come back");
}

/* ---- what cannot be read ---- */

static void
cannot_get(struct cdisk *d, uint64_t idx)
{
	static struct vm_page *pg;
	int r;

	pg = NULL;
	r = cache_get(d->vmo, idx, CACHE_READ, &pg);
	CLAIM(r == -EIO, "page %lu cannot be read, and cache_get says %d", idx, r);
	if (r == 0)
		page_unpin(pg);
	CLAIM(cd_find(d, idx) == NULL, "page %lu could not be read, and is in the "
	    "tree: the next one takes what the frame had before for the file's",
	    idx);
}

static void
can_get(struct cdisk *d, uint64_t idx)
{
	static struct vm_page *pg;
	int r;

	pg = NULL;
	r = cache_get(d->vmo, idx, CACHE_READ, &pg);
	CLAIM(r == 0 && cd_page_has(pg, d->tag[idx]), "page %lu can be read, and "
	    "cache_get says %d, or gives other bytes", idx, r);
	if (r == 0)
		page_unpin(pg);
}

static uint64_t asked_end;   /* behind the last page that was asked for */

static void
note_end(struct cdisk *d, uint64_t idx, int n)
{
	asked_end = MAX(asked_end, idx + (uint64_t)n);
}

/* Of 16 pages at once one is bad: the others come, as many as were asked for, the bad
 * one does not. */
static void
one_of_many(struct cdisk *d, uint64_t idx, uint64_t bad)
{
	static struct vm_page *pg;
	uint64_t i;
	int r;

	pg = NULL;
	d->bad_in = bad;
	d->asked = note_end;
	r = cache_readahead(d->vmo, idx, 16, &pg);
	d->asked = NULL;
	CLAIM(r == (bad == idx ? -EIO : 0), "of pages %lu to %lu number %lu cannot "
	    "be read, and cache_readahead says %d for the first", idx, idx + 15,
	    bad, r);
	CLAIM(r != 0 || (pg != NULL && pg == cd_find(d, idx) && pg->pins == 1),
	    "page %lu was read, and is not given, pinned once", idx);
	if (r == 0 && pg != NULL)
		page_unpin(pg);
	for (i = idx; i < MIN(idx + 16, asked_end); i++) {
		if (i == bad)
			CLAIM(cd_find(d, i) == NULL, "page %lu could not be read, "
			    "and is in the tree", i);
		else
			CLAIM(cd_is(d, i, PG_STANDBY, 0) && d->in[i] <= 2 &&
			    cd_page_has(cd_find(d, i), d->tag[i]), "page %lu can "
			    "be read, alone; it is not there because another "
			    "could not", i);
	}
}

/* A load of a program. */
static void
faults(struct cdisk *d, uint64_t idx)
{
	struct aspace *as = lab_space();
	va_t va = pass_map(as, d->vmo, FILE_PAGES, P_RW, MAP_SHARED);
	uint64_t value = 0;
	ssize_t r;

	d->bad_in = idx;
	r = as_read(as, va + idx * PAGE_SIZE, &value, 8);
	CLAIM(r != 8, "page %lu cannot be read, and a load from its mapping has "
	    "got something", idx);
	CLAIM(cd_find(d, idx) == NULL, "page %lu could not be read by a fault, and "
	    "is in the tree", idx);
	d->bad_in = CD_NONE;
	r = as_read(as, va + idx * PAGE_SIZE, &value, 8);
	CLAIM(r == 8 && value == d->tag[idx], "page %lu can be read again, and a "
	    "load from its mapping fails", idx);
	lab_space_end(as);
}

#define WAITERS 4u

/* Several wait for it: each hears so by a try of his own. */
static struct {
	struct cdisk *d;
	uint64_t idx;
	_Atomic unsigned next, refused, ended;
} wait;

static void
is_refused(void *unused)
{
	static struct vm_page *pg[WAITERS];
	unsigned i = atomic_add(&wait.next, 1) - 1;

	if (cache_get(wait.d->vmo, wait.idx, CACHE_READ, &pg[i]) == 0)
		page_unpin(pg[i]);
	else
		atomic_add(&wait.refused, 1);
	atomic_add(&wait.ended, 1);
}

static void
many_wait(struct cdisk *d, uint64_t idx)
{
	uint64_t waits = ev_read(EV_cache_wait);
	unsigned i;

	wait.d = d;
	wait.idx = d->bad_in = idx;
	atomic_store(&wait.next, 0);
	atomic_store(&wait.refused, 0);
	atomic_store(&wait.ended, 0);
	atomic_store(&d->hold, true);
	for (i = 0; i < WAITERS; i++)
		cd_run(is_refused, NULL);
	(void)cd_until_event(EV_cache_wait, waits + WAITERS - 1);
	atomic_store(&d->hold, false);
	CLAIM(cd_ends(), "page %lu could not be read, and who waited for it is not "
	    "woken", idx);
	CLAIM(atomic_load(&wait.refused) == WAITERS, "four have asked for page %lu, which "
	    "cannot be read, and %u were told so", idx,
	    atomic_load(&wait.refused));
	CLAIM(cd_find(d, idx) == NULL, "page %lu could not be read, and is in the "
	    "tree", idx);
}

/* A write makes a page for which there is no block. */
static void
no_room(struct cdisk *d, uint64_t idx)
{
	static uint64_t buf[PAGE_SIZE / 8];
	uint64_t dirty = d->vmo->n_dirty;
	struct uio u;
	ssize_t r;

	d->no_room = true;
	uio_init_kernel(&u, buf, PAGE_SIZE);
	r = vmo_write(d->vmo, idx << PAGE_SHIFT, &u);
	CLAIM(r == -ENOSPC, "there is no block for page %lu, and the write of it "
	    "says %ld", idx, r);
	CLAIM(cd_find(d, idx) == NULL && d->vmo->n_dirty == dirty, "there is no "
	    "block for page %lu, and it is in the tree", idx);
	d->no_room = false;
	can_get(d, idx);
}

static void
unread(void)
{
	uint64_t k = lab_param("k", 77);
	struct cdisk *d;

	vm_leak_begin();
	d = cd_begin(0, FILE_PAGES * PAGE_SIZE);
	d->bad_in = k;
	ev_mark(1);
	cannot_get(d, k);
	cannot_get(d, k);
	d->bad_in = CD_NONE;
	ev_mark(2);
	can_get(d, k);
	ev_mark(3);
	one_of_many(d, k + 100, k + 105);
	one_of_many(d, k + 140, k + 140);
	one_of_many(d, k + 180, k + 195);
	faults(d, k + 220);
	many_wait(d, k + 230);
	d->bad_in = CD_NONE;
	can_get(d, k + 230);
	can_get(d, k + 105);
	no_room(d, k + 240);
	cd_end(d);
	CLAIM(vm_leak_end() == 0, "frames are left when the file has gone");
}

/* ---- what cannot be written ---- */

static void
unwritten(void)
{
	uint64_t n = lab_param("n", 60), k = n / 2, i;
	struct cdisk *d;

	vm_leak_begin();
	d = cd_begin(0, FILE_PAGES * PAGE_SIZE);
	cd_store_all(d, 0, n, 600);
	d->bad_out = k;
	ev_mark(1);
	CLAIM(vmo_sync(d->vmo, 0, n) == -EIO, "page %lu cannot be written, and "
	    "nobody is told", k);
	for (i = 0; i < n; i++) {
		if (i == k)
			continue;
		CLAIM(cd_is(d, i, PG_STANDBY, 0) && d->tag[i] == 600 + i, "page "
		    "%lu can be written, alone; it is not on the disk because "
		    "another could not", i);
	}
	CLAIM(cd_is(d, k, PG_MODIFIED, PF_DIRTY), "page %lu could not be written, "
	    "and is not dirty any more: its bytes are lost", k);
	CLAIM(vmo_sync(d->vmo, 0, n) == -EIO && cd_is(d, k, PG_MODIFIED, PF_DIRTY),
	    "page %lu could not be written alone, and counts as written", k);
	CLAIM(d->vmo->n_dirty == 1, "one page could not be written, and %lu are "
	    "dirty", d->vmo->n_dirty);
	d->bad_out = CD_NONE;
	CLAIM(vmo_sync(d->vmo, 0, n) == 0 && d->tag[k] == 600 + k, "page %lu can be "
	    "written again, and is not", k);
	ev_mark(2);
	cd_end(d);
	CLAIM(vm_leak_end() == 0, "frames are left when the file has gone");
}

const struct selftest selftests_lab_cachecut[] = {
	{ "lab_cache_cut", cut_off, "pages go, but not from under the disk" },
	{ "lab_cache_unread", unread, "what cannot be read is not there" },
	{ "lab_cache_unwritten", unwritten, "what cannot be written stays dirty" },
	{ NULL, NULL, NULL },
};
