/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_cache.c: lab 04, step 1: the tree of a file's pages against an array
 *
 * Problem   A page that is not found is read again, and then there are two; one
 *           that is found at a wrong number is another's bytes.
 *
 * Picture   random enter, leave, look ─→ cache_begin_insert, cache_erase, cache_next
 *                                 └────→ model.at[]
 *
 * Rules     1. Memory is ample: no page is reclaimed meanwhile.
 *           2. After a claim that does not hold the rest of a test is left out.
 *
 * Read next lab_cachedisk.c, vm/cache/pagecache.c.
 */
#include "lib/string.h"
#include "test/boot/cache/lab_cachedisk.h"

#define FILE_PAGES 3000u
#define ALIVE_MOST 1200u
#define HAND 16u

static struct {
	struct cdisk *d;
	struct vm_page *at[FILE_PAGES];
	uint64_t n, count;           /* pages; cache_pages without them */
	bool ok;
} model;

static bool
still_right(bool held)
{
	model.ok &= held;
	return held;
}

/* ---- what is there ---- */

static uint64_t
model_next(uint64_t idx)
{
	while (idx < FILE_PAGES && model.at[idx] == NULL)
		idx++;
	return idx;
}

static struct vm_page *
next_of(uint64_t idx)
{
	struct vm_page *pg;

	spin_lock(&model.d->vmo->lock);
	pg = cache_next(model.d->vmo, idx);
	spin_unlock(&model.d->vmo->lock);
	return pg;
}

static void
look(uint64_t idx)
{
	uint64_t want = model_next(idx);
	struct vm_page *pg = next_of(idx);

	if (want == FILE_PAGES)
		CLAIM(still_right(pg == NULL), "no page is at or after %lu, and "
		    "cache_next gives page %lu", idx, pg->index);
	else
		CLAIM(still_right(pg == model.at[want]), "the first page at or after %lu "
		    "is %lu, and cache_next gives %s %ld", idx, want,
		    pg == NULL ? "none," : "page", pg == NULL ? -1l :
		    (long)pg->index);
}

/* HAND pages from idx on, as read() asks for them. */
static void
at_hand(uint64_t idx)
{
	static struct vm_page *pages[HAND];
	struct vm_page *want;
	unsigned i;

	for (i = 0; i < HAND; i++)
		pages[i] = (void *)1;
	spin_lock(&model.d->vmo->lock);
	spin_lock(&pfn_lock);
	cache_at_hand(model.d->vmo, idx, HAND, pages);
	spin_unlock(&pfn_lock);
	spin_unlock(&model.d->vmo->lock);
	for (i = 0; model.ok && i < HAND; i++) {
		want = idx + i < FILE_PAGES ? model.at[idx + i] : NULL;
		CLAIM(still_right(pages[i] == want), "pages from %lu on: number %lu %s, "
		    "and cache_at_hand says otherwise", idx, idx + i,
		    want == NULL ? "is not there" : "is there");
	}
}

/* Every page, in order, and what is counted. */
static void
tree_agrees(void)
{
	uint64_t idx = 0, k = 0;
	struct vm_page *pg;

	spin_lock(&model.d->vmo->lock);
	for (pg = page_tree_first(&model.d->vmo->v.pages); pg != NULL && model.ok;
	     pg = page_tree_next(pg), k++) {
		CLAIM(still_right(k == 0 || pg->index >= idx), "the tree has page %lu "
		    "behind page %lu", pg->index, idx - 1);
		idx = pg->index + 1;
	}
	spin_unlock(&model.d->vmo->lock);
	CLAIM(still_right(k == model.n), "%lu pages have entered and not left, and the "
	    "tree has %lu", model.n, k);
	CLAIM(still_right(page_tree_is_well(&model.d->vmo->v.pages)), "a page of the "
	    "tree is at a wrong place: page_tree_insert() goes by its index, which "
	    "does not change while it is there");
	CLAIM(still_right(model.d->vmo->n_resident == model.n), "the file has %lu pages, "
	    "and n_resident says %lu", model.n, model.d->vmo->n_resident);
	CLAIM(still_right(atomic_load(&cache_pages) == model.count + model.n), "%lu pages have "
	    "entered and not left, and cache_pages has moved by %lu", model.n,
	    atomic_load(&cache_pages) - model.count);
}

/* ---- what changes ---- */

static void
has_entered(struct vm_page *pg, uint64_t idx)
{
	CLAIM(still_right(pg->state == PG_READING), "page %lu has just entered, and is "
	    "%s: who finds it takes it for filled", idx,
	    page_state_name(pg->state));
	CLAIM(still_right(page_home_kind(pg) == HOME_VNODE &&
	    page_home_payload(pg) == va2pa(model.d->vmo)), "page %lu has entered, "
	    "and its home is not the file", idx);
	CLAIM(still_right(pg->index == idx), "page %lu has entered, and its index is %lu",
	    idx, pg->index);
}

static void
page_enters(uint64_t idx)
{
	struct vm_page *pg = NULL;
	bool in;

	CHECK(page_alloc_wait(PHYS_ANY, &pg) == 0);
	in = cache_begin_insert(model.d->vmo, idx, pg);
	CLAIM(still_right(in == (model.at[idx] == NULL)), "page %lu is %s, and "
	    "cache_begin_insert says %s", idx, model.at[idx] == NULL ?
	    "not there" : "there already", in ? "true" : "false");
	if (!in) {
		page_free(pg);
		return;
	}
	has_entered(pg, idx);
	if (!model.ok)
		return;
	at_hand(idx);            /* READING: not at hand */
	model.at[idx] = pg;
	model.n++;
	spin_lock(&pfn_lock);
	page_filled_locked(pg);
	spin_unlock(&pfn_lock);
}

static void
page_leaves(uint64_t idx)
{
	struct vm_page *pg = model.at[idx];
	bool last;

	spin_lock(&model.d->vmo->lock);
	spin_lock(&pfn_lock);
	cache_erase(model.d->vmo, pg);
	last = page_disown_locked(pg);
	spin_unlock(&pfn_lock);
	spin_unlock(&model.d->vmo->lock);
	model.at[idx] = NULL;
	model.n--;
	if (last)
		page_free(pg);
}

static void
tree_begin(void)
{
	memset(&model, 0, sizeof(model));
	model.d = cd_begin(0, FILE_PAGES * PAGE_SIZE);
	model.count = atomic_load(&cache_pages);
	model.ok = true;
}

/* n pages enter; others are looked for, and leave. */
static void
index_of_pages(void)
{
	uint64_t n = lab_param("n", 5000), seed = lab_param("seed", 1) | 1;
	uint64_t entered = 0, was, idx, k;

	vm_leak_begin();
	tree_begin();
	ev_mark(1);
	for (k = 0; model.ok && entered < n; k++) {
		idx = lab_random(&seed) % FILE_PAGES;
		was = model.n;
		if (model.n >= ALIVE_MOST || lab_random(&seed) % 3 == 0) {
			idx = model_next(idx);
			if (idx < FILE_PAGES)
				page_leaves(idx);
		} else {
			page_enters(idx);
		}
		entered += model.n > was;
		if (model.ok && (k < 16 || k % 512 == 0))
			tree_agrees();
		if (model.ok)
			look(lab_random(&seed) % FILE_PAGES);
		if (model.ok && k % 8 == 0)
			at_hand(lab_random(&seed) % FILE_PAGES);
	}
	if (model.ok)
		tree_agrees();
	ev_mark(2);
	if (model.ok)
		look(FILE_PAGES - 1);
	cd_end(model.d);
	CLAIM(vm_leak_end() == 0, "frames are left when the file has gone");
}

/* ---- read() of what is there ---- */

/* The file is read as a program would, so many bytes a call; all there? */
static void
reads_file(struct cdisk *d, size_t bytes)
{
	static uint64_t buf[2 * PAGE_SIZE / 8];
	uint64_t off;
	struct uio u;
	ssize_t r;

	for (off = 0; off < d->pages << PAGE_SHIFT && model.ok; off += bytes) {
		uio_init_kernel(&u, buf, bytes);
		r = vmo_read(d->vmo, off, &u);
		CLAIM(still_right(r == (ssize_t)bytes), "all pages are in memory, and a "
		    "read of page %lu gives %ld", off >> PAGE_SHIFT, r);
		CLAIM(still_right(buf[0] == d->tag[off >> PAGE_SHIFT] &&
		    buf[(bytes - PAGE_SIZE) / 8] == d->tag[(off + bytes - 1) >>
		    PAGE_SHIFT]), "page %lu or the next was read, and these are "
		    "other bytes", off >> PAGE_SHIFT);
	}
}

/* Twice; no page comes from the disk. */
static void
read_at_hand(void)
{
	uint64_t n = lab_param("n", 200) & ~1ul, i;
	struct cdisk *d = cd_begin(0, n * PAGE_SIZE);
	bool all = true;

	model.ok = true;
	for (i = n; i > 0 && all; i--)
		all = cd_enter(d, i - 1) != NULL;
	CLAIM(still_right(all), "page %lu does not enter a tree that has not got it", i);
	ev_mark(1);
	reads_file(d, PAGE_SIZE);
	reads_file(d, 2 * PAGE_SIZE);
	ev_mark(2);
	CLAIM(atomic_load(&d->reads) == 0, "all pages are in memory, and the disk "
	    "was asked %u times", atomic_load(&d->reads));
	cd_end(d);
}

/* ---- who may not enter ---- */

static void
may_enter(struct cdisk *d, uint64_t idx, bool may, const char *why)
{
	uint64_t was = cd_count(d);
	struct vm_page *pg = NULL;
	bool in;

	CHECK(page_alloc_wait(PHYS_ANY, &pg) == 0);
	in = cache_begin_insert(d->vmo, idx, pg);
	CLAIM(in == may, "page %lu %s, and cache_begin_insert says %s", idx, why,
	    in ? "true" : "false");
	CLAIM(cd_count(d) - was == in && d->vmo->n_resident == cd_count(d),
	    "page %lu %s: the tree has %lu pages, n_resident says %lu", idx, why,
	    cd_count(d), d->vmo->n_resident);
	if (in)
		return;
	CLAIM(pg->state == PG_LIMBO && page_home_kind(pg) == HOME_NONE, "page %lu "
	    "%s: it did not enter, and its frame is not the caller's any more",
	    idx, why);
	page_free(pg);
}

static void
who_may_enter(void)
{
	uint64_t n = lab_param("n", 50), k = n / 2;
	struct cdisk *d;

	vm_leak_begin();
	d = cd_begin(0, n * PAGE_SIZE - 100);
	ev_mark(1);
	may_enter(d, k, true, "is not there");
	may_enter(d, k, false, "is there already, being read");
	(void)cd_enter(d, k + 1);
	may_enter(d, k + 1, false, "is there already");
	may_enter(d, k + 2, true, "lies behind one that is there");
	may_enter(d, 0, true, "is the first of the file");
	may_enter(d, n - 1, true, "has the last bytes of the file");
	may_enter(d, n, false, "lies behind the end");
	may_enter(d, n + 1000000, false, "lies far behind the end");
	CHECK(cache_hole_begin(d->vmo, 5, 8) == 0);
	may_enter(d, 4, true, "lies before a hole that is being made");
	may_enter(d, 5, false, "is the first of a hole that is being made");
	may_enter(d, 7, false, "is the last of a hole that is being made");
	may_enter(d, 8, true, "lies behind a hole that is being made");
	CHECK(cache_hole_end(d->vmo) == 0);
	may_enter(d, 5, true, "was in a hole, which has been made");
	ev_mark(2);
	cd_end(d);
	CLAIM(vm_leak_end() == 0, "frames are left when the file has gone");
}

const struct selftest selftests_lab_cache[] = {
	{ "lab_cache_index", index_of_pages, "the tree of pages against an array" },
	{ "lab_cache_hand", read_at_hand, "what is in memory is read from there" },
	{ "lab_cache_enter", who_may_enter, "no page twice, behind the end, in a hole" },
	{ NULL, NULL, NULL },
};
