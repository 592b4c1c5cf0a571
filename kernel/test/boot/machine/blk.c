/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blk.c: self-tests of disks and their drivers
 *
 * Problem   What was written must come back, from each driver, in any size,
 *           with many at once; what is wrong must end with an error.
 *
 * Rules     1. Only disks that begin with SCRATCH are written: a test that
 *              finds none has nothing to show and says so.
 *           2. A sector's words follow from its number and a seed, so a
 *              sector in the wrong place is seen too.
 *
 * Read next test/boot/machine/part.c, test/cases/disk/blk.sh.
 */
#include "test/boot/selftest.h"
#include "dev/dev.h"
#include "kern/kern.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "test/boot/machine/scratch.h"

#define NTHREADS 8u
#define NBIOS 40u
#define NBYTES (20 * SECTOR_SIZE)
#define PER_SECTOR (SECTOR_SIZE / 8)

static struct {
	_Atomic unsigned left, bad;
	struct waitq done;
	struct bdev *disk;
} crew;

/* ---- disks ---- */

struct disk_walk {
	void (*fn)(struct bdev *);
	unsigned n;
};

static void
one_disk(void *arg, struct bdev *d)
{
	char first[sizeof(SCRATCH)];
	struct disk_walk *w = arg;

	if (d->disk != d || blk_rw_bytes(d, 0, first, sizeof(first) - 1,
	    BIO_READ) != sizeof(first) - 1)
		return;
	if (memcmp(first, SCRATCH, sizeof(first) - 1) != 0)
		return;
	klog("selftest: on %s", d->name);
	w->n++;
	w->fn(d);
}

/* Rule 1. */
void
scratch_walk(void (*fn)(struct bdev *))
{
	struct disk_walk w = { .fn = fn };

	blk_walk(one_disk, &w);
	if (w.n == 0)
		klog("selftest: no scratch disk");
}

/* ---- patterns ---- */

static uint64_t
pattern_word(uint64_t sector, unsigned i, uint64_t seed)
{
	return (sector * PER_SECTOR + i + seed) * 0x9e3779b97f4a7c15ul;
}

static void
fill_bio(const struct bio *b, uint64_t seed)
{
	uint64_t sector = b->sector, *p;
	unsigned v, i;

	for (v = 0; v < b->nvecs; v++) {
		p = (uint64_t *)((char *)pa2va(page_pa(b->vec[v].page)) +
		    b->vec[v].offset);
		for (i = 0; i < b->vec[v].bytes / 8u; i++)
			p[i] = pattern_word(sector + i / PER_SECTOR, i % PER_SECTOR,
			    seed);
		sector += b->vec[v].bytes / SECTOR_SIZE;
	}
}

static bool
agrees(const struct bio *b, uint64_t seed)
{
	uint64_t sector = b->sector, *p;
	unsigned v, i;

	for (v = 0; v < b->nvecs; v++) {
		p = (uint64_t *)((char *)pa2va(page_pa(b->vec[v].page)) +
		    b->vec[v].offset);
		for (i = 0; i < b->vec[v].bytes / 8u; i++) {
			if (p[i] != pattern_word(sector + i / PER_SECTOR,
			    i % PER_SECTOR, seed))
				return false;
		}
		sector += b->vec[v].bytes / SECTOR_SIZE;
	}
	return true;
}

/* ---- pages ---- */

struct bio_pages {
	struct vm_page *page[BIO_PAGES];
};

static void
pages_get(struct bio_pages *p, unsigned n)
{
	unsigned i;

	*p = (struct bio_pages){ { NULL } };
	for (i = 0; i < n; i++) {
		p->page[i] = phys_alloc(PHYS_KERNEL, PHYS_ANY);
		if (p->page[i] == NULL)
			panic("selftest: no frame");
	}
}

static void
pages_put(struct bio_pages *p)
{
	unsigned i;

	for (i = 0; i < BIO_PAGES; i++) {
		if (p->page[i] != NULL)
			phys_free(p->page[i]);
	}
}

static void
pages_add(struct bio *b, const struct bio_pages *p, unsigned n, unsigned offset,
    unsigned bytes)
{
	unsigned i;

	for (i = 0; i < n; i++)
		bio_add(b, p->page[i], offset, bytes);
}

/* ---- sizes ---- */

/* n pieces written at sector; read back as they are, and as bytes. */
static void
write_and_read(struct bdev *d, uint64_t sector, unsigned n, unsigned offset,
    unsigned bytes)
{
	static char buf[300];
	struct bio_pages p;
	struct bio b;

	pages_get(&p, n);
	bio_init(&b, d, sector, BIO_WRITE);
	pages_add(&b, &p, n, offset, bytes);
	fill_bio(&b, n);
	EXPECT_IS(blk_submit_wait(&b), ==, 0);
	memcpy(buf, (char *)pa2va(page_pa(p.page[0])) + offset, sizeof(buf));
	b.dir = BIO_READ;
	b.sector = sector;
	fill_bio(&b, n + 1);
	EXPECT_IS(blk_submit_wait(&b), ==, 0);
	EXPECT(agrees(&b, n));
	EXPECT_IS(memcmp(buf, (char *)pa2va(page_pa(p.page[0])) + offset, sizeof(buf)),
	    ==, 0);
	pages_put(&p);
}

static void
sizes_on(struct bdev *d)
{
	unsigned n;

	write_and_read(d, 1, 1, 0, SECTOR_SIZE);
	write_and_read(d, 2, 1, 3584, SECTOR_SIZE);
	write_and_read(d, 7, 3, 1024, 1024);
	for (n = 1; n <= BIO_PAGES; n++)
		write_and_read(d, 64 + 128 * n, n, 0, PAGE_SIZE);
	write_and_read(d, d->sectors - 1, 1, 512, SECTOR_SIZE);
	write_and_read(d, d->sectors - 8 * BIO_PAGES, BIO_PAGES, 0, PAGE_SIZE);
}

static void
sizes(void)
{
	scratch_walk(sizes_on);
}

/* ---- bytes ---- */

static void
bytes_on(struct bdev *d)
{
	uint64_t at = 1003 * SECTOR_SIZE, end = d->sectors * SECTOR_SIZE;
	char *in = kmem_alloc(NBYTES), *out = kmem_alloc(NBYTES);
	unsigned i;

	if (in == NULL || out == NULL)
		panic("selftest: no memory");
	for (i = 0; i < NBYTES; i++)
		in[i] = (char)(i * 7 + i / 256);
	EXPECT_IS(blk_rw_bytes(d, at, in, NBYTES, BIO_WRITE), ==, NBYTES);
	EXPECT_IS(blk_rw_bytes(d, at + 3, out, NBYTES - 8, BIO_READ), ==, NBYTES - 8);
	EXPECT_IS(memcmp(in + 3, out, NBYTES - 8), ==, 0);
	EXPECT_IS(blk_rw_bytes(d, end - 10, out, 100, BIO_READ), ==, 10);
	EXPECT_IS(blk_rw_bytes(d, end, out, 100, BIO_READ), ==, 0);
	EXPECT_IS(blk_rw_bytes(d, UINT64_MAX, out, 100, BIO_WRITE), ==, 0);
	kmem_free(in);
	kmem_free(out);
}

static void
bytes(void)
{
	scratch_walk(bytes_on);
}

/* ---- many at once ---- */

static void
blk_crew_leave(void)
{
	if (atomic_sub(&crew.left, 1) == 0)
		wake_all(&crew.done);
}

static void
blk_crew_wait(void)
{
	struct waiter w;

	while (atomic_load(&crew.left) != 0) {
		wait_prepare(&crew.done, &w);
		if (atomic_load(&crew.left) != 0)
			(void)wait_sleep(&w, WAIT_PLAIN, WAIT_FOREVER);
		wait_finish(&w);
	}
}

static void
crew_expect(bool holds)
{
	if (!holds)
		atomic_add(&crew.bad, 1);
}

/* A MiB of its own, written in random pieces and read in others. */
static void
one_writer(void *arg)
{
	uint64_t base = 4096 + 2048 * (uintptr_t)arg, x = (uintptr_t)arg + 1;
	unsigned done, n, pass;
	struct bio_pages p;
	struct bio b;

	pages_get(&p, BIO_PAGES);
	for (pass = 0; pass < 4; pass++) {
		for (done = 0; done < 2048; done += 8 * n) {
			x = x * 6364136223846793005ul + 1442695040888963407ul;
			n = MIN((unsigned)(x >> 33) % BIO_PAGES + 1,
			    (2048 - done) / 8);
			bio_init(&b, crew.disk, base + done,
			    pass % 2 == 0 ? BIO_WRITE : BIO_READ);
			pages_add(&b, &p, n, 0, PAGE_SIZE);
			fill_bio(&b, pass % 2 == 0 ? base + pass : 0);
			crew_expect(blk_submit_wait(&b) == 0);
			crew_expect(agrees(&b, base + (pass & ~1u)));
		}
	}
	pages_put(&p);
	blk_crew_leave();
}

static void
threads_on(struct bdev *d)
{
	unsigned i;

	crew.disk = d;
	crew.bad = 0;
	crew.left = NTHREADS;
	waitq_init(&crew.done);
	for (i = 0; i < NTHREADS; i++) {
		if (thread_spawn("selftest", one_writer,
		    (void *)(uintptr_t)i) == NULL) {
			selftest_fail(__FILE__, __LINE__, "no thread %u", i);
			blk_crew_leave();
		}
	}
	blk_crew_wait();
	EXPECT_IS(crew.bad, ==, 0);
}

static void
threads(void)
{
	scratch_walk(threads_on);
}

static void
one_done(struct bio *b)
{
	crew_expect(b->status == 0);
	blk_crew_leave();
}

/* More than a device takes; nobody waits between them. */
static void
queue_on(struct bdev *d)
{
	struct bio *bio = kmem_alloc(NBIOS * sizeof(*bio));
	struct bio_pages p;
	unsigned i;

	if (bio == NULL)
		panic("selftest: no memory");
	pages_get(&p, BIO_PAGES);
	crew.bad = 0;
	crew.left = NBIOS;
	waitq_init(&crew.done);
	for (i = 0; i < NBIOS; i++) {
		bio_init(&bio[i], d, 8 * i, BIO_READ);
		pages_add(&bio[i], &p, 1, 0, PAGE_SIZE);
		bio[i].done = one_done;
		blk_submit(&bio[i]);
	}
	blk_crew_wait();
	EXPECT_IS(crew.bad, ==, 0);
	pages_put(&p);
	kmem_free(bio);
}

static void
queue(void)
{
	scratch_walk(queue_on);
}

/* ---- flush, counters ---- */

static void
flush_on(struct bdev *d)
{
	uint64_t reads = ev_read(EV_io_reads), writes = ev_read(EV_io_writes);

	write_and_read(d, 100, 2, 0, PAGE_SIZE);
	EXPECT_IS(blk_flush(d), ==, 0);
	EXPECT_IS(ev_read(EV_io_reads), ==, reads + 1);
	EXPECT_IS(ev_read(EV_io_writes), ==, writes + 1);
}

static void
flush(void)
{
	scratch_walk(flush_on);
}

/* ---- errors ---- */

static int
read_at(struct bdev *d, uint64_t sector, unsigned pages, enum bio_use use)
{
	struct bio_pages p;
	struct bio b;
	int r;

	pages_get(&p, pages);
	bio_init(&b, d, sector, BIO_READ);
	b.use = use;
	pages_add(&b, &p, pages, 0, PAGE_SIZE);
	r = blk_submit_wait(&b);
	pages_put(&p);
	return r;
}

static void
bounds_on(struct bdev *d)
{
	uint64_t errors = ev_read(EV_io_errors);

	EXPECT_IS(read_at(d, d->sectors - 8, 1, BIO_FILE), ==, 0);
	EXPECT_IS(read_at(d, d->sectors - 7, 1, BIO_FILE), ==, -EIO);
	EXPECT_IS(read_at(d, d->sectors, 1, BIO_FILE), ==, -EIO);
	EXPECT_IS(read_at(d, UINT64_MAX, 1, BIO_FILE), ==, -EIO);
	EXPECT_IS(read_at(d, UINT64_MAX - 7, 2, BIO_FILE), ==, -EIO);
	EXPECT_IS(read_at(d, 0, 0, BIO_FILE), ==, -EIO);
	EXPECT_IS(ev_read(EV_io_errors), ==, errors + 5);
}

static void
bounds(void)
{
	scratch_walk(bounds_on);
}

static void
inject_on(struct bdev *d)
{
	static char sector[SECTOR_SIZE];
	uint64_t start;

	EXPECT_IS(inject_set("FI_FILEIN:2"), ==, 0);
	EXPECT_IS(read_at(d, 0, 1, BIO_SWAP), ==, 0);
	EXPECT_IS(read_at(d, 0, 1, BIO_FILE), ==, 0);
	EXPECT_IS(read_at(d, 0, 1, BIO_FILE), ==, -EIO);
	EXPECT_IS(read_at(d, 0, 1, BIO_FILE), ==, 0);
	EXPECT_IS(inject_set("FI_SWAPIN:1"), ==, 0);
	EXPECT_IS(read_at(d, 0, 1, BIO_FILE), ==, 0);
	EXPECT_IS(read_at(d, 0, 1, BIO_SWAP), ==, -EIO);
	EXPECT_IS(inject_set("FI_FILEOUT:1"), ==, 0);
	EXPECT_IS(blk_rw_bytes(d, 0, sector, SECTOR_SIZE, BIO_WRITE), ==, -EIO);
	EXPECT_IS(inject_set("FI_IO_DELAY:1"), ==, 0);
	start = md_time_ns();
	EXPECT_IS(read_at(d, 0, 1, BIO_FILE), ==, 0);
	EXPECT_IS(md_time_ns() - start, >=, 900000000);
	EXPECT_IS(inject_set("off"), ==, 0);
}

static void
injected(void)
{
	scratch_walk(inject_on);
}

const struct selftest selftests_blk[] = {
	{ "blk_sizes", sizes, "what is written comes back, in all sizes" },
	{ "blk_bytes", bytes, "so do bytes at any place" },
	{ "blk_threads", threads, "eight threads do not disturb one another" },
	{ "blk_queue", queue, "forty requests at once all end" },
	{ "blk_flush", flush, "a flush ends; requests are counted" },
	{ "blk_bounds", bounds, "nothing outside of a disk is read" },
	{ "blk_inject", injected, "injected errors arrive, delays too" },
	{ NULL, NULL, NULL },
};
