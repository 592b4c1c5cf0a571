/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_cachedisk.c: a file whose disk is an array, and says how it was asked
 *
 * Problem   Who reads a page, how often, and in which state it is meanwhile, no
 *           program sees; and a real disk does not wait until all have come.
 *
 * Picture   cache ─→ cd_in, cd_out ─→ tag[], in[], out[]
 *                      └ hold: stays in the request until the test lets it go
 *
 * Rules     1. What the cache owes its pager is claimed at each request: pages
 *              READING and in the tree, or clean and WRITING; no spin lock held.
 *           2. Nothing here waits for ever: what does not come is a claim that
 *              does not hold.
 *
 * Read next lab_cache.c, lab_cacheread.c, lab_cachewrite.c, lab_cachecut.c.
 */
#include "lib/string.h"
#include "mem/mem.h"
#include "test/boot/cache/lab_cachedisk.h"

#define NAP_NS 100000ul
#define NAPS 3000

static struct cdisk disks[2];
static unsigned in_use;              /* of them */
static _Atomic unsigned idle_rounds; /* of the thread that writes old pages */
static _Atomic unsigned running;

/* ---- pages ---- */

uint64_t
cd_tag(const struct cdisk *d, uint64_t idx)
{
	return 1000000ul * (unsigned)(d - disks + 1) + idx;
}

void
cd_write_page(struct vm_page *pg, uint64_t tag)
{
	uint64_t *p = pa2va(page_pa(pg));

	p[0] = tag;
	p[PAGE_SIZE / 8 - 1] = ~tag;
}

bool
cd_page_has(const struct vm_page *pg, uint64_t tag)
{
	const uint64_t *p = pa2va(page_pa(pg));

	return p[0] == tag && p[PAGE_SIZE / 8 - 1] == ~tag;
}

/* ---- the pager ---- */

static void
wait_while_held(struct cdisk *d)
{
	unsigned i;

	if (!atomic_load(&d->hold))
		return;
	atomic_add(&d->held, 1);
	for (i = 0; atomic_load(&d->hold) && i < NAPS; i++)
		cd_nap();
	atomic_sub(&d->held, 1);
}

static void
holds_no_lock(const struct cdisk *d, const char *what)
{
	CLAIM(!spin_is_mine(&d->vmo->lock) && !spin_is_mine(&pfn_lock), "the pager "
	    "%s pages, which takes long, and a lock is held meanwhile", what);
}

static int
cd_in(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	struct cdisk *d = obj;
	int i;

	atomic_add(&d->reads, 1);
	if (d->asked != NULL)
		d->asked(d, idx, n);
	holds_no_lock(d, "reads");
	for (i = 0; i < n; i++) {
		CLAIM(pages[i]->state == PG_READING && pages[i]->index ==
		    idx + (uint64_t)i, "page %lu is being read, and its frame is "
		    "not READING with this index: others take it for filled",
		    idx + (uint64_t)i);
		CLAIM(cd_find(d, idx + (uint64_t)i) == pages[i], "page %lu is "
		    "being read, and is not in the tree: who comes now reads it "
		    "again", idx + (uint64_t)i);
	}
	wait_while_held(d);
	for (i = 0; i < n; i++) {
		if (idx + (uint64_t)i == d->bad_in)
			return -EIO;
		memset(pa2va(page_pa(pages[i])), 0, PAGE_SIZE);
		d->in[idx + (uint64_t)i]++;
		cd_write_page(pages[i], d->tag[idx + (uint64_t)i]);
	}
	return 0;
}

static int
cd_out(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	struct cdisk *d = obj;
	const uint64_t *p;
	int i;

	atomic_add(&d->writes, 1);
	if (d->asked != NULL)
		d->asked(d, idx, n);
	holds_no_lock(d, "writes");
	for (i = 0; i < n; i++)
		CLAIM((pages[i]->flags & PF_WRITING) != 0 && pages[i]->index ==
		    idx + (uint64_t)i, "page %lu is handed to the pager, and its "
		    "frame is not WRITING with this index", idx + (uint64_t)i);
	for (i = 0; i < n; i++) {
		if (idx + (uint64_t)i == d->bad_out)
			return -EIO;
		p = pa2va(page_pa(pages[i]));
		d->tag[idx + (uint64_t)i] = p[0];
		d->out[idx + (uint64_t)i]++;
	}
	if (d->during != NULL)
		d->during(d, idx, pages, n);
	wait_while_held(d);
	return 0;
}

static bool
cd_has(void *obj, uint64_t idx)
{
	return true;
}

static int
cd_extend(void *obj, uint64_t idx, struct vm_page *pg)
{
	struct cdisk *d = obj;

	atomic_add(&d->extended, 1);
	return d->no_room ? -ENOSPC : 0;
}

static int
cd_free(void *obj, uint64_t idx, int n)
{
	return 0;
}

static const struct pager_ops cd_ops = {
	.in = cd_in, .out = cd_out, .is_allocated = cd_has, .extend = cd_extend,
	.free = cd_free,
};

/* ---- a file ---- */

static void
write_nothing(uint64_t older_than_ns)
{
	atomic_add(&idle_rounds, 1);
}

/*
 * A page is written when the test says so, and else stays dirty: a round that is
 * under way now has ended behind this.
 */
static void
hold_writer(void)
{
	unsigned rounds = atomic_load(&idle_rounds);

	pageout_set_files(write_nothing);
	while (atomic_load(&idle_rounds) == rounds) {
		pageout_wake();
		cd_nap();
	}
}

void
cd_forget_counts(struct cdisk *d)
{
	memset(d->in, 0, sizeof(d->in));
	memset(d->out, 0, sizeof(d->out));
	atomic_store(&d->reads, 0);
	atomic_store(&d->writes, 0);
}

struct cdisk *
cd_begin(unsigned file, uint64_t bytes)
{
	struct cdisk *d = &disks[file];
	uint64_t i;

	if (in_use++ == 0)
		hold_writer();
	memset(d, 0, sizeof(*d));
	d->pages = PAGE_UP(bytes) >> PAGE_SHIFT;
	CHECK(d->pages <= CD_PAGES);
	d->bad_in = d->bad_out = CD_NONE;
	for (i = 0; i < CD_PAGES; i++)
		d->tag[i] = cd_tag(d, i);
	d->vmo = vmo_create_file(&cd_ops, d, bytes, NULL, NULL);
	CHECK(d->vmo != NULL);
	return d;
}

/* The test's own way: what the learner has not written yet is not called. */
static void
drop_all(struct cdisk *d)
{
	struct vm_page *pg;
	bool last;

	for (;;) {
		spin_lock(&d->vmo->lock);
		pg = page_tree_first(&d->vmo->v.pages);
		if (pg == NULL)
			break;
		spin_lock(&pfn_lock);
		if (pg->state == PG_READING)
			page_filled_locked(pg);
		page_tree_remove(&d->vmo->v.pages, pg);
		d->vmo->n_resident--;
		atomic_sub(&cache_pages, 1);
		last = page_disown_locked(pg);
		spin_unlock(&pfn_lock);
		spin_unlock(&d->vmo->lock);
		if (last)
			page_free(pg);
	}
	spin_unlock(&d->vmo->lock);
}

void
cd_end(struct cdisk *d)
{
	struct vmo *vmo = d->vmo;

	d->during = NULL;
	atomic_store(&d->hold, false);
	drop_all(d);
	CLAIM(vmo->n_resident == 0, "the file has no page any more, and counts %lu",
	    vmo->n_resident);
	CLAIM(vmo->n_dirty == 0, "the file has no page any more, and %lu are dirty",
	    vmo->n_dirty);
	vmo->n_resident = 0;
	vmo_forget_client(vmo);
	vmo_put(vmo);
	if (--in_use == 0)
		pageout_set_files(cache_flush_old);
}

/* ---- looked at ---- */

struct vm_page *
cd_find(struct cdisk *d, uint64_t idx)
{
	struct vm_page *pg, *found = NULL;

	spin_lock(&d->vmo->lock);
	for (pg = page_tree_first(&d->vmo->v.pages); pg != NULL;
	     pg = page_tree_next(pg))
		if (pg->index == idx)
			found = pg;
	spin_unlock(&d->vmo->lock);
	return found;
}

uint64_t
cd_count(struct cdisk *d)
{
	const struct vm_page *pg;
	uint64_t k = 0;

	spin_lock(&d->vmo->lock);
	for (pg = page_tree_first(&d->vmo->v.pages); pg != NULL;
	     pg = page_tree_next(pg))
		k++;
	spin_unlock(&d->vmo->lock);
	return k;
}

bool
cd_is(struct cdisk *d, uint64_t idx, enum page_state state, unsigned flags)
{
	struct vm_page *pg = cd_find(d, idx);

	return pg != NULL && pg->state == state &&
	    (pg->flags & (PF_DIRTY | PF_WRITING)) == flags;
}

struct vm_page *
cd_enter(struct cdisk *d, uint64_t idx)
{
	struct vm_page *pg = NULL;

	CHECK(page_alloc_wait(PHYS_ANY, &pg) == 0);
	cd_write_page(pg, d->tag[idx]);
	if (!cache_begin_insert(d->vmo, idx, pg)) {
		page_free(pg);
		return NULL;
	}
	spin_lock(&pfn_lock);
	if (pg->state == PG_READING)
		page_filled_locked(pg);
	spin_unlock(&pfn_lock);
	return pg;
}

void
cd_store(struct cdisk *d, uint64_t idx, uint64_t tag)
{
	static struct vm_page *pg;

	if (cache_get(d->vmo, idx, CACHE_READ, &pg) != 0) {
		CLAIM(false, "page %lu cannot be had", idx);
		return;
	}
	cd_write_page(pg, tag);
	page_unpin_dirty(pg);
}

void
cd_store_all(struct cdisk *d, uint64_t lo, uint64_t hi, uint64_t tag)
{
	for (; lo < hi; lo++)
		cd_store(d, lo, tag + lo);
}

/* ---- threads ---- */

struct cd_job {
	void (*fn)(void *);
	void *arg;
};

static void
job_main(void *arg)
{
	struct cd_job job = *(struct cd_job *)arg;

	kmem_free(arg);
	job.fn(job.arg);
	atomic_sub(&running, 1);
}

void
cd_run(void (*fn)(void *), void *arg)
{
	struct cd_job *job = kmem_alloc(sizeof(*job));

	CHECK(job != NULL);
	*job = (struct cd_job){ fn, arg };
	atomic_add(&running, 1);
	CHECK(thread_spawn("lab", job_main, job) != NULL);
}

void
cd_nap(void)
{
	(void)sleep_until(md_time_ns() + NAP_NS, WAIT_PLAIN);
}

bool
cd_ends(void)
{
	unsigned i;

	for (i = 0; atomic_load(&running) > 0 && i < NAPS; i++)
		cd_nap();
	return atomic_load(&running) == 0;
}

bool
cd_until(_Atomic unsigned *what, unsigned n)
{
	unsigned i;

	for (i = 0; atomic_load(what) < n && i < NAPS; i++)
		cd_nap();
	return atomic_load(what) >= n;
}

bool
cd_until_event(enum ev_id e, uint64_t n)
{
	unsigned i;

	for (i = 0; ev_read(e) < n && i < NAPS; i++)
		cd_nap();
	return ev_read(e) >= n;
}
