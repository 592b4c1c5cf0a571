/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_cacheread.c: lab 04, step 2: a page is got, and read once
 *
 * Problem   Many want a page that is not there.  One reads it; the others find
 *           it READING, wait, and begin from the tree again.
 *
 * Picture   eight threads ─→ cache_get ─→ one request, held until seven wait
 *           reads in order ─→ 4, 8, 16, 32, 32 …   elsewhere ─→ 1
 *
 * Read next lab_cachedisk.c, vm/cache/pagecache.c.
 */
#include "lib/string.h"
#include "test/boot/cache/lab_cachedisk.h"

#define GETTERS 8u

/* ---- one look, one page ---- */

/* One look at page idx; it is pinned by nobody else. */
static void
look_says(struct cdisk *d, uint64_t idx, enum cache_use use, int want,
    const char *what)
{
	static struct vm_page *pg;
	struct vm_page *there = cd_find(d, idx);
	uint32_t pins = there == NULL ? 0 : there->pins;
	uint64_t saved = ev_read(EV_fault_rescue_standby);
	int r;

	pg = (void *)1;
	r = cache_look(d->vmo, idx, use, &pg);
	saved = ev_read(EV_fault_rescue_standby) - saved;
	CLAIM(r == want, "page %lu %s, and cache_look says %d, not %d", idx, what,
	    r, want);
	if (r == 0 || r == -EAGAIN)
		CLAIM(pg == there, "page %lu %s, and cache_look gives another one",
		    idx, what);
	if (there == NULL)
		return;
	CLAIM(there->pins - pins == (r == 0), "page %lu %s: cache_look has pinned "
	    "it %d times", idx, what, (int)(there->pins - pins));
	CLAIM(saved == (use == CACHE_TOUCH && r == 0), "page %lu %s: a fault saves "
	    "it from its queue, a call does not, and %lu were saved", idx, what,
	    saved);
	if (r == 0)
		page_unpin(there);
}

static void
get_says(struct cdisk *d, uint64_t idx, enum cache_want how, int want,
    const char *what)
{
	static struct vm_page *pg;
	bool there = cd_find(d, idx) != NULL;
	int r;

	pg = NULL;
	r = cache_get(d->vmo, idx, how, &pg);
	CLAIM(r == want, "page %lu %s, and cache_get says %d, not %d", idx, what, r,
	    want);
	if (r != 0)
		return;
	CLAIM(pg != NULL && pg == cd_find(d, idx), "page %lu %s, and cache_get "
	    "gives one that is not in the tree", idx, what);
	if (pg == NULL)
		return;
	if (there)
		CLAIM(pg->pins == 1, "page %lu %s: it was found, and has %u pins "
		    "and one caller", idx, what, pg->pins);
	else
		CLAIM(pg->pins == 1, "page %lu %s: it was read, and has %u pins "
		    "and one caller", idx, what, pg->pins);
	CLAIM(pg->state == PG_ACTIVE && cd_page_has(pg, d->tag[idx]), "page %lu "
	    "%s: what cache_get gives has not the file's bytes", idx, what);
	page_unpin(pg);
	CLAIM(cd_is(d, idx, PG_STANDBY, 0), "page %lu %s: read, and let go, and it "
	    "is not clean and on standby", idx, what);
}

static void
looks(void)
{
	uint64_t n = lab_param("n", 60), k = n / 2, hits = ev_read(EV_cache_hit);
	struct cdisk *d;
	struct vm_page *pg = NULL;

	vm_leak_begin();
	d = cd_begin(0, n * PAGE_SIZE - 7);
	ev_mark(1);
	look_says(d, n, CACHE_HOLD, -ENXIO, "lies behind the end");
	look_says(d, n - 1, CACHE_HOLD, -ENOENT, "is not there");
	get_says(d, n, CACHE_READ, -ENXIO, "lies behind the end");
	get_says(d, k, CACHE_FIND, -ENOENT, "is not there");
	CLAIM(atomic_load(&d->reads) == 0, "nobody has asked for a page to be "
	    "read, and the disk was asked");
	get_says(d, k, CACHE_READ, 0, "is to be read");
	get_says(d, k, CACHE_FIND, 0, "is there");
	get_says(d, k, CACHE_READ, 0, "is there");
	CLAIM(ev_read(EV_cache_hit) - hits == 2, "two of five calls have "
	    "found a page, and cache.hit has moved by %lu", ev_read(EV_cache_hit) - hits);
	CLAIM(d->in[k] == 1, "page %lu was wanted three times, and read %u times",
	    k, d->in[k]);
	look_says(d, k, CACHE_HOLD, 0, "is on standby");
	look_says(d, k, CACHE_TOUCH, 0, "is on standby");
	get_says(d, n - 1, CACHE_READ, 0, "is the last of the file");
	/* One that is being read. */
	CHECK(page_alloc_wait(PHYS_ANY, &pg) == 0);
	if (cache_begin_insert(d->vmo, k + 5, pg)) {
		look_says(d, k + 5, CACHE_HOLD, -EAGAIN, "is being read");
		look_says(d, k + 5, CACHE_TOUCH, -EAGAIN, "is being read");
	}
	ev_mark(2);
	cd_end(d);
	CLAIM(vm_leak_end() == 0, "frames are left when the file has gone");
}

/* ---- several want it ---- */

static struct {
	struct cdisk *d;
	uint64_t idx;
	enum cache_want how;
	struct vm_page *got[GETTERS];
	int r[GETTERS];
	_Atomic unsigned next;
} want;

static void
getter(void *unused)
{
	static struct vm_page *pg[GETTERS];
	unsigned i = atomic_add(&want.next, 1) - 1;

	pg[i] = NULL;
	want.r[i] = cache_get(want.d->vmo, want.idx, want.how, &pg[i]);
	want.got[i] = pg[i];
}

/* GETTERS threads for page idx: the request ends when all others wait. */
static void
all_want(struct cdisk *d, uint64_t idx)
{
	uint64_t waits = ev_read(EV_cache_wait);
	unsigned i;

	memset(&want, 0, sizeof(want));
	want.d = d;
	want.idx = idx;
	want.how = CACHE_READ;
	atomic_store(&d->hold, true);
	for (i = 0; i < GETTERS; i++)
		cd_run(getter, NULL);
	CLAIM(cd_until_event(EV_cache_wait, waits + GETTERS - 1), "page %lu is "
	    "being read, seven more want it, and %lu wait", idx,
	    ev_read(EV_cache_wait) - waits);
	atomic_store(&d->hold, false);
	CLAIM(cd_ends(), "page %lu was read, and somebody still waits for it", idx);
	CLAIM(ev_read(EV_cache_wait) - waits == GETTERS - 1, "seven have waited for "
	    "page %lu, and cache.wait has moved by %lu: it counts each wait, once",
	    idx, ev_read(EV_cache_wait) - waits);
	CLAIM(d->in[idx] == 1, "eight want page %lu, and it was read %u times", idx,
	    d->in[idx]);
	for (i = 0; i < GETTERS; i++) {
		CLAIM(want.r[i] == 0, "page %lu can be read, and cache_get says %d",
		    idx, want.r[i]);
		CLAIM(want.r[i] != 0 || (want.got[i] == cd_find(d, idx) &&
		    cd_page_has(want.got[i], d->tag[idx])), "one of eight has got "
		    "a frame that has not the bytes of page %lu", idx);
		if (want.r[i] == 0)
			page_unpin(want.got[i]);
	}
	CLAIM(cd_is(d, idx, PG_STANDBY, 0) && cd_find(d, idx)->pins == 0, "all have "
	    "let page %lu go, and it is pinned, or dirty, or on no queue", idx);
}

/* The page that was waited for is another one afterwards. */
static void
gone_meanwhile(struct cdisk *d, uint64_t idx)
{
	uint64_t waits = ev_read(EV_cache_wait);
	struct vm_page *pg = NULL;
	bool last;

	CHECK(page_alloc_wait(PHYS_ANY, &pg) == 0);
	if (!cache_begin_insert(d->vmo, idx, pg))
		return;
	memset(&want, 0, sizeof(want));
	want.d = d;
	want.idx = idx;
	want.how = CACHE_READ;
	cd_run(getter, NULL);
	(void)cd_until_event(EV_cache_wait, waits + 1);
	/* It leaves the tree, full of other bytes, in the moment in which it is read. */
	spin_lock(&d->vmo->lock);
	spin_lock(&pfn_lock);
	page_filled_locked(pg);
	cache_erase(d->vmo, pg);
	last = page_disown_locked(pg);
	spin_unlock(&pfn_lock);
	spin_unlock(&d->vmo->lock);
	if (last)
		page_free(pg);
	CLAIM(cd_ends(), "page %lu is not there any more, and somebody still waits",
	    idx);
	CLAIM(want.r[0] == 0 && want.got[0] == cd_find(d, idx) &&
	    cd_page_has(want.got[0], d->tag[idx]), "page %lu has left the tree "
	    "while somebody waited for it, and the reader uses what it had found", idx);
	if (want.r[0] == 0)
		page_unpin(want.got[0]);
}

static void
one_reads(void)
{
	uint64_t rounds = lab_param("rounds", 4), i;
	struct cdisk *d;

	vm_leak_begin();
	d = cd_begin(0, 1000 * PAGE_SIZE);
	ev_mark(1);
	for (i = 0; i < rounds; i++)
		all_want(d, 10 + 50 * i);
	ev_mark(2);
	gone_meanwhile(d, 700);
	cd_end(d);
	CLAIM(vm_leak_end() == 0, "frames are left when the file has gone");
}

/* ---- ahead ---- */

/* n pages from lo on are read in order: by so many requests at most, which bring so many
 * pages. */
static void
in_order(struct cdisk *d, uint64_t lo, unsigned n, unsigned most, unsigned pages)
{
	static struct vm_page *pg;
	unsigned was = atomic_load(&d->reads);
	uint64_t had = cd_count(d), idx;

	for (idx = lo; idx < lo + n; idx++) {
		if (cache_get(d->vmo, idx, CACHE_READ, &pg) != 0) {
			CLAIM(false, "page %lu cannot be had", idx);
			return;
		}
		CLAIM(cd_page_has(pg, d->tag[idx]), "page %lu has other bytes", idx);
		page_unpin(pg);
		CLAIM(d->in[idx] == 1, "page %lu of those in order was read %u times",
		    idx, d->in[idx]);
	}
	CLAIM(atomic_load(&d->reads) - was <= most, "%u pages from %lu on, in order, took "
	    "%u requests, and %u are enough", n, lo, atomic_load(&d->reads) - was,
	    most);
	CLAIM(cd_count(d) - had <= pages, "%u pages from %lu on, in order: %lu were read, "
	    "and %u are enough", n, lo, cd_count(d) - had, pages);
}

/* cache_readahead(idx, n): so many were read, from idx on. */
static void
ahead_reads(struct cdisk *d, uint64_t idx, unsigned n, unsigned want_n, bool first,
    const char *what)
{
	static struct vm_page *pg;
	uint64_t was = cd_count(d), i;
	int r;

	pg = (void *)1;
	r = cache_readahead(d->vmo, idx, n, first ? &pg : NULL);
	CLAIM(r == 0, "%u pages from %lu on, %s: cache_readahead says %d", n, idx,
	    what, r);
	CLAIM(cd_count(d) - was == want_n, "%u pages from %lu on, %s: %u are to be "
	    "read, and %lu were", n, idx, what, want_n, cd_count(d) - was);
	for (i = 0; i < want_n; i++)
		CLAIM(cd_find(d, idx + i) != NULL && d->in[idx + i] == 1, "%u "
		    "pages from %lu on, %s: page %lu was not read", n, idx, what,
		    idx + i);
	if (!first) {
		CLAIM(cd_is(d, idx, PG_STANDBY, 0), "page %lu was read for nobody, "
		    "and does not stand on its queue", idx);
		return;
	}
	CLAIM(want_n == 0 ? pg == NULL : pg == cd_find(d, idx), "%u pages from %lu "
	    "on, %s: *first is not %s", n, idx, what, want_n == 0 ? "NULL" :
	    "the first of them");
	if (want_n == 0 || pg != cd_find(d, idx))
		return;
	CLAIM(pg->pins == 1, "page %lu was read for one, and has %u pins", idx,
	    pg->pins);
	page_unpin(pg);
	for (i = 1; i < want_n; i++)
		CLAIM(cd_is(d, idx + i, PG_STANDBY, 0), "page %lu came along, and "
		    "does not stand on its queue", idx + i);
}

static void
reads_ahead(void)
{
	uint64_t end = lab_param("end", 2000);
	struct cdisk *d;

	vm_leak_begin();
	d = cd_begin(0, end * PAGE_SIZE - 9);
	ev_mark(1);
	in_order(d, 0, 256, 20, 320);
	ahead_reads(d, 500, 10, 10, true, "nothing is there");
	ahead_reads(d, 600, 3, 3, false, "nothing is there");
	ahead_reads(d, 500, 10, 0, true, "they are there");
	ahead_reads(d, 495, 10, 5, true, "five are missing and then one is there");
	ahead_reads(d, end - 3, 10, 3, true, "the file ends behind three");
	ahead_reads(d, 700, 100, 32, true, "more than one may ask for");
	CHECK(inject_set("FI_FRAME:3") == 0);
	ahead_reads(d, 750, 10, 2, true, "there is no third frame to spare");
	CHECK(inject_set("off") == 0);
	CHECK(cache_hole_begin(d->vmo, 804, 900) == 0);
	ahead_reads(d, 800, 10, 4, true, "a hole is being made behind four");
	CHECK(cache_hole_end(d->vmo) == 0);
	ev_mark(2);
	cd_end(d);
	CLAIM(vm_leak_end() == 0, "frames are left when the file has gone");
}

/* Two files, read in turn: each has its own place. */
static void
two_files(void)
{
	static struct vm_page *pg;
	uint64_t n = lab_param("n", 400), i;
	struct cdisk *d[2];
	unsigned k;

	vm_leak_begin();
	for (k = 0; k < 2; k++)
		d[k] = cd_begin(k, n * PAGE_SIZE);
	ev_mark(1);
	for (i = 0; i < 2 * n; i++) {
		k = i % 2;
		if (cache_get(d[k]->vmo, i / 2, CACHE_READ, &pg) != 0) {
			CLAIM(false, "page %lu of file %u cannot be had", i / 2, k);
			break;
		}
		CLAIM(cd_page_has(pg, d[k]->tag[i / 2]), "page %lu of file %u has "
		    "other bytes", i / 2, k);
		page_unpin(pg);
	}
	ev_mark(2);
	for (k = 0; k < 2; k++) {
		CLAIM(atomic_load(&d[k]->reads) <= n / 8, "file %u was read in "
		    "order, beside another, in %u requests for %lu pages", k,
		    atomic_load(&d[k]->reads), n);
		cd_end(d[k]);
	}
	CLAIM(vm_leak_end() == 0, "frames are left when the files have gone");
}

const struct selftest selftests_lab_cacheread[] = {
	{ "lab_cache_look", looks, "a look, and a page that is got" },
	{ "lab_cache_one", one_reads, "eight want a page: one reads" },
	{ "lab_cache_ahead", reads_ahead, "how far is read ahead" },
	{ "lab_cache_files", two_files, "two files are read in turn" },
	{ NULL, NULL, NULL },
};
