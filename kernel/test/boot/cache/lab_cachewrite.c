/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_cachewrite.c: lab 04, step 3: what is dirty is written, and nothing else
 *
 * Problem   A page that is called clean too late loses what was stored while the
 *           disk was working; one that is called so too early was never written.
 *
 * Picture   dirty[] ─→ clusters that must come ─→ the disk's tags
 *           a store within the request ─→ dirty afterwards, and written again
 *
 * Read next lab_cachedisk.c, vm/cache/cachefile.c.
 */
#include "lib/string.h"
#include "test/boot/cache/lab_cachedisk.h"

#define FILE_PAGES 700u
#define FAR_PAGES 3000u      /* more than one hold of the lock looks at */

/* ---- which pages ---- */

static bool dirty[FILE_PAGES + 1];

/* The cluster that must come: its first page, in *idx, and how many. */
static unsigned
cluster_at(uint64_t *idx, uint64_t hi)
{
	unsigned n = 0;

	while (*idx < hi && !dirty[*idx])
		++*idx;
	while (*idx + n < hi && dirty[*idx + n] && n < CACHE_CLUSTER)
		n++;
	return n;
}

/* Is what came just that, clean, and WRITING? */
static bool
cluster_is(struct cdisk *d, uint64_t idx, struct vm_page **out, unsigned n,
    uint64_t were)
{
	bool ok = true;
	unsigned i;

	for (i = 0; i < n; i++) {
		ok &= out[i] == cd_find(d, idx + i);
		CLAIM(out[i] == cd_find(d, idx + i), "page %u of the cluster at "
		    "%lu is another one", i, idx);
		CLAIM(!ok || (out[i]->flags & PF_WRITING) != 0, "page %lu goes to "
		    "the disk and is not marked so: somebody else writes, or "
		    "cuts, it meanwhile", idx + i);
		CLAIM(!ok || (out[i]->flags & PF_DIRTY) == 0, "page %lu goes to "
		    "the disk and is dirty: who cleans it behind the write loses "
		    "what is stored meanwhile", idx + i);
	}
	CLAIM(d->vmo->n_dirty == were - n, "%u pages go to the disk, and n_dirty "
	    "has gone from %lu to %lu", n, were, d->vmo->n_dirty);
	return ok;
}

/* All clusters of [lo, hi). */
static void
clusters(struct cdisk *d, uint64_t lo, uint64_t hi)
{
	static struct vm_page *out[CACHE_CLUSTER];
	static uint64_t idx;
	uint64_t want = lo, were;
	unsigned n, i;
	int got;

	idx = lo;
	for (;;) {
		were = d->vmo->n_dirty;
		n = cluster_at(&want, hi);
		got = cache_collect_dirty(d->vmo, &idx, hi, out);
		CLAIM(got == (int)n, "[%lu, %lu): %u dirty pages follow each other "
		    "from page %lu on, and cache_collect_dirty gives %d", lo, hi,
		    n, want, got);
		if (got != (int)n || n == 0)
			return;
		CLAIM(idx == want, "the first dirty page is %lu, and *idx says "
		    "%lu", want, idx);
		if (idx != want || !cluster_is(d, idx, out, n, were))
			return;
		CLAIM(cache_writeback(d->vmo, idx, out, got) == 0, "a write that "
		    "went well is told as an error");
		for (i = 0; i < n; i++) {
			CLAIM(d->out[idx + i] == 1, "page %lu was collected, and "
			    "written %u times", idx + i, d->out[idx + i]);
			CLAIM(cd_is(d, idx + i, PG_STANDBY, 0), "page %lu was "
			    "written, and does not stand clean on its queue",
			    idx + i);
			dirty[idx + i] = false;
		}
		idx = want += n;
	}
}

/* Runs of clean and dirty pages, all in memory but some. */
static void
make_dirty(struct cdisk *d, uint64_t *seed)
{
	uint64_t i = 0, end;
	bool on = false;

	memset(dirty, 0, sizeof(dirty));
	while (i < FILE_PAGES) {
		end = i + 1 + lab_random(seed) % 40;
		end = MIN(FILE_PAGES, end);
		for (on = !on; i < end; i++) {
			dirty[i] = on;
			if (on || i % 7 != 0)
				cd_store(d, i, 5000 + i);
		}
	}
	/* Those that are clean. */
	CLAIM(vmo_sync(d->vmo, 0, UINT64_MAX) == 0, "nothing is wrong with the "
	    "disk, and the file cannot be written");
	for (i = 0; i < FILE_PAGES; i++)
		if (dirty[i])
			cd_store(d, i, 9000 + i);
	cd_forget_counts(d);
}

static void
all_written(struct cdisk *d, uint64_t tag)
{
	uint64_t i;

	for (i = 0; i < FILE_PAGES; i++)
		if (d->out[i] != 0)
			CLAIM(d->tag[i] == tag + i, "page %lu was written, and the "
			    "disk has other bytes", i);
}

/* Behind many clean pages there is a dirty one. */
static void
far_away(void)
{
	static struct vm_page *out[CACHE_CLUSTER];
	static uint64_t idx;
	struct cdisk *d = cd_begin(1, CD_PAGES * PAGE_SIZE);
	uint64_t i;
	int n;

	idx = 3;
	for (i = 0; i < FAR_PAGES; i += CACHE_WINDOW)
		CLAIM(cache_readahead(d->vmo, i, CACHE_WINDOW, NULL) == 0, "pages "
		    "from %lu on cannot be read", i);
	cd_store(d, FAR_PAGES - 20, 1);
	n = cache_collect_dirty(d->vmo, &idx, UINT64_MAX, out);
	CLAIM(n == 1 && idx == FAR_PAGES - 20, "page %u is dirty, behind clean ones "
	    "only, and cache_collect_dirty gives %d, from page %lu on",
	    FAR_PAGES - 20, n, idx);
	if (n == 1)
		CLAIM(cache_writeback(d->vmo, idx, out, 1) == 0, "a write that "
		    "went well is told as an error");
	idx = 0;
	CLAIM(cache_collect_dirty(d->vmo, &idx, FAR_PAGES - 20, out) == 0, "no page "
	    "is dirty, and one is collected");
	cd_end(d);
}

/* Pages that somebody else is writing are waited for, dirty or not. */
static void
busy_ones(struct cdisk *d)
{
	static struct vm_page *out[CACHE_CLUSTER], *other[CACHE_CLUSTER];
	static uint64_t a, b, idx;
	int n, r;

	a = 100;
	cd_forget_counts(d);
	cd_store_all(d, 100, 110, 3);
	cd_store_all(d, 94, 98, 3);
	n = cache_collect_dirty(d->vmo, &a, 104, out);
	CLAIM(n == 4, "four pages of [100, 104) are dirty, and %d are collected", n);
	if (n != 4)
		return;
	idx = 100;
	r = cache_collect_dirty(d->vmo, &idx, 110, other);
	CLAIM(r == -EAGAIN && other[0] == out[0] && idx == 100, "page 100 is being "
	    "written: cache_collect_dirty says %d, from page %lu on", r, idx);
	idx = 98;
	r = cache_collect_dirty(d->vmo, &idx, 100, other);
	CLAIM(r == 0, "pages 98 and 99 are clean, and page 100, which is being "
	    "written, does not belong to what was asked for: cache_collect_dirty "
	    "says %d", r);
	cd_store(d, 100, 4);     /* dirty, and being written */
	cd_store(d, 102, 4);
	idx = 102;
	r = cache_collect_dirty(d->vmo, &idx, 110, other);
	CLAIM(r == -EAGAIN && other[0] == out[2], "page 102 is being written, and "
	    "dirty again: two writes of it at a time may end in any order, and "
	    "cache_collect_dirty says %d", r);
	cd_store_all(d, 98, 100, 3);
	b = 90;
	r = cache_collect_dirty(d->vmo, &b, UINT64_MAX, other);
	CLAIM(r == 6 && b == 94, "pages 94 to 99 are dirty, and page 100 is being "
	    "written: %d are collected, from page %lu on", r, b);
	if (r == 6)
		CLAIM(cache_writeback(d->vmo, b, other, r) == 0, "a write that "
		    "went well is told as an error");
	CLAIM(cache_writeback(d->vmo, a, out, n) == 0, "a write that went well is "
	    "told as an error");
	CLAIM(cd_is(d, 102, PG_MODIFIED, PF_DIRTY), "page 102 was stored to while "
	    "it was being written, and is not dirty behind it");
	CLAIM(vmo_sync(d->vmo, 0, UINT64_MAX) == 0 && d->tag[102] == 4 &&
	    d->tag[100] == 4 && d->tag[109] == 3 + 109, "what was left over is not written");
}

static void
collect(void)
{
	uint64_t seed = lab_param("seed", 1) | 1;
	struct cdisk *d;

	vm_leak_begin();
	d = cd_begin(0, FILE_PAGES * PAGE_SIZE);
	make_dirty(d, &seed);
	ev_mark(1);
	clusters(d, 50, 333);
	clusters(d, 0, 50);
	clusters(d, 333, FILE_PAGES);
	ev_mark(2);
	all_written(d, 9000);
	clusters(d, 0, FILE_PAGES);      /* nothing is left */
	busy_ones(d);
	far_away();
	cd_end(d);
	CLAIM(vm_leak_end() == 0, "frames are left when the files have gone");
}

/* ---- while it is written ---- */

static uint64_t late;            /* the tag that comes then */

static void
store_late(struct cdisk *d, uint64_t idx, struct vm_page **pages, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		if ((idx + (uint64_t)i) % 3 != 0)
			continue;
		page_pin(pages[i]);
		cd_write_page(pages[i], late + idx + (uint64_t)i);
		page_unpin_dirty(pages[i]);
	}
}

static void
stored_meanwhile(void)
{
	uint64_t n = lab_param("n", 60), rounds = lab_param("rounds", 3), r, i;
	struct cdisk *d;
	unsigned again;

	vm_leak_begin();
	d = cd_begin(0, FILE_PAGES * PAGE_SIZE);
	ev_mark(1);
	for (r = 1; r <= rounds; r++) {
		cd_forget_counts(d);
		cd_store_all(d, 0, n, 1000 * r);
		late = 1000 * r + 500;
		d->during = store_late;
		CLAIM(vmo_sync(d->vmo, 0, UINT64_MAX) == 0, "nothing is wrong with "
		    "the disk, and the file cannot be written");
		d->during = NULL;
		for (i = 0; i < n; i++) {
			again = i % 3 == 0 ? PF_DIRTY : 0;
			CLAIM(cd_is(d, i, again != 0 ? PG_MODIFIED : PG_STANDBY,
			    again), again != 0 ? "page %lu was stored to while the "
			    "disk was working, and counts as clean: the store is "
			    "lost" : "page %lu was written, and does not stand "
			    "clean on its queue", i);
			CLAIM(d->out[i] == 1, "page %lu was written %u times by one "
			    "sync", i, d->out[i]);
		}
		CLAIM(vmo_sync(d->vmo, 0, UINT64_MAX) == 0, "the second sync fails");
		for (i = 0; i < n; i++)
			CLAIM(d->tag[i] == (i % 3 == 0 ? late : 1000 * r) + i &&
			    d->out[i] == (i % 3 == 0 ? 2 : 1), "page %lu was written "
			    "%u times, and the disk has %lu", i, d->out[i],
			    d->tag[i]);
	}
	ev_mark(2);
	cd_end(d);
	CLAIM(vm_leak_end() == 0, "frames are left when the file has gone");
}

/* ---- pages made by a write ---- */

static struct {
	struct cdisk *d;
	struct vm_page *pg;
	int r;
} reader;

static void
read_seven(void *unused)
{
	static struct vm_page *pg;

	pg = NULL;
	reader.r = cache_get(reader.d->vmo, 7, CACHE_READ, &pg);
	reader.pg = pg;
}

/* Page 7 is being made when somebody asks for it. */
static void
asked_meanwhile(struct cdisk *d)
{
	uint64_t waits = ev_read(EV_cache_wait);
	struct vm_page *pg = NULL;

	CHECK(page_alloc_wait(PHYS_ANY, &pg) == 0);
	cd_write_page(pg, 77);
	if (!cache_begin_insert(d->vmo, 7, pg))
		return;
	reader.d = d;
	cd_run(read_seven, NULL);
	CLAIM(cd_until_event(EV_cache_wait, waits + 1), "page 7 is being made, and "
	    "who asks for it does not wait");
	cache_end_insert(d->vmo, pg, 0);
	CLAIM(cd_ends(), "page 7 was made, and somebody still waits for it");
	CLAIM(reader.r == 0 && reader.pg == pg && pg->pins == 1, "page 7 was made "
	    "by a write: who waited has another one, or it has %u pins", pg->pins);
	if (reader.r == 0)
		page_unpin(reader.pg);
	CLAIM(cd_is(d, 7, PG_MODIFIED, PF_DIRTY), "page 7 was made by a write, and "
	    "is not dirty on its queue");
}

static void
whole_pages(void)
{
	static uint64_t buf[PAGE_SIZE / 8];
	uint64_t n = lab_param("n", 100), i, reads;
	struct cdisk *d;
	struct uio u;

	vm_leak_begin();
	d = cd_begin(0, FILE_PAGES * PAGE_SIZE);
	asked_meanwhile(d);
	reads = ev_read(EV_cache_read_pages);
	ev_mark(1);
	for (i = 0; i < n; i++) {
		buf[0] = 300 + i;
		buf[PAGE_SIZE / 8 - 1] = ~buf[0];
		uio_init_kernel(&u, buf, PAGE_SIZE);
		CLAIM(vmo_write(d->vmo, (10 + i) << PAGE_SHIFT, &u) ==
		    (ssize_t)PAGE_SIZE, "page %lu cannot be written as a whole",
		    10 + i);
		CLAIM(cd_is(d, 10 + i, PG_MODIFIED, PF_DIRTY), "page %lu was "
		    "written by a call, and is not dirty on its queue", 10 + i);
	}
	CLAIM(vmo_sync(d->vmo, 0, UINT64_MAX) == 0, "nothing is wrong with the "
	    "disk, and the file cannot be written");
	ev_mark(2);
	CLAIM(ev_read(EV_cache_read_pages) == reads, "whole pages were written, and "
	    "%lu were read for that", ev_read(EV_cache_read_pages) - reads);
	CLAIM(d->tag[7] == 77, "page 7 is not on the disk");
	for (i = 0; i < n; i++)
		CLAIM(d->tag[10 + i] == 300 + i && d->out[10 + i] == 1, "page %lu "
		    "was written %u times, and the disk has %lu", 10 + i,
		    d->out[10 + i], d->tag[10 + i]);
	cd_end(d);
	CLAIM(vm_leak_end() == 0, "frames are left when the file has gone");
}

const struct selftest selftests_lab_cachewrite[] = {
	{ "lab_cache_collect", collect, "dirty pages come in clusters, clean" },
	{ "lab_cache_late", stored_meanwhile, "stores within a write are not lost" },
	{ "lab_cache_whole", whole_pages, "what a write makes is not read" },
	{ NULL, NULL, NULL },
};
