/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pager.c: pages of files from and to the disk
 *
 * Problem   The page cache asks for pages and hands pages back; a page is one,
 *           two or four blocks, which may be holes or lie apart.
 *
 * Picture   page idx ──→ blocks idx * 4 …  ──bmap_run──→ runs ──→ one bio per
 *           16 pages that follow each other on the disk
 *
 * Rules     1. A page gets its blocks before it becomes dirty (extend), so a
 *              full disk is the writer's error and not the write-back's.
 *           2. Only blocks below the size exist: a page that is dirty while
 *              its file grows gets the rest when it is written, and only
 *              where it is not zero.
 *           3. What a page shows behind the end of the file is zero.
 *           4. Pages go first, then their blocks, and a write that began
 *              before is waited for: nobody may write a page to a block that
 *              has a new owner.
 *           5. Blocks behind the end that a cut could not free hold old bytes of
 *              the file: they are freed before it grows or leaves memory, and
 *              the operation fails if they cannot be.
 *
 * Read next bmap.c, vm/cache/pagecache.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

/* [own] Pages under way, and the request that is being put together. */
struct pageio {
	struct ext2_inode *ip;
	struct vm_page **pages;
	uint64_t idx;             /* of pages[0] */
	enum bio_dir dir;
	uint64_t next;            /* sector that would continue the bio */
	struct bio bio;
};

static int pager_in(void *obj, uint64_t idx, struct vm_page **pages, int n);
static int pager_out(void *obj, uint64_t idx, struct vm_page **pages, int n);
static int pager_free(void *obj, uint64_t idx, int n);
static bool pager_is_allocated(void *obj, uint64_t idx);
static uint64_t pager_hole(void *obj, uint64_t idx);
static int pager_extend(void *obj, uint64_t idx, struct vm_page *);
static int pager_sync(void *obj);

const struct pager_ops ext2_pager = {
	.in = pager_in, .out = pager_out, .free = pager_free,
	.is_allocated = pager_is_allocated, .hole = pager_hole, .extend = pager_extend,
	.sync = pager_sync
};

static unsigned
page_blocks_shift(const struct ext2_fs *fs)
{
	return PAGE_SHIFT - fs->bs_shift;
}

static uint64_t
blocks_of(const struct ext2_fs *fs, uint64_t bytes)
{
	return (bytes + fs->bs - 1) >> fs->bs_shift;
}

/* ---- putting requests together ---- */

static int
io_send(struct pageio *io)
{
	int r = 0;

	if (io->bio.nvecs != 0)
		r = io->dir == BIO_WRITE ? meta_submit(io->ip->fs, &io->bio) :
		    blk_submit_wait(&io->bio);
	/* The disk's node shows them from now on. */
	if (io->bio.nvecs != 0 && r == 0 && io->dir == BIO_WRITE)
		blkfile_wrote(&io->bio);
	io->bio.nvecs = 0;
	return r;
}

/* The page of block fblk, and the block's place in it. */
static struct vm_page *
io_page(const struct pageio *io, uint64_t fblk, unsigned *off)
{
	const struct ext2_fs *fs = io->ip->fs;
	uint64_t at = fblk << fs->bs_shift;

	*off = (unsigned)(at & PAGE_MASK);
	return io->pages[(at >> PAGE_SHIFT) - io->idx];
}

/* Block fblk lies at disk: one more piece of the request. */
static int
io_add(struct pageio *io, uint64_t fblk, uint32_t disk)
{
	struct ext2_fs *fs = io->ip->fs;
	uint64_t sector = (uint64_t)disk << (fs->bs_shift - SECTOR_SHIFT);
	struct bio *b = &io->bio;
	struct bio_vec *last = &b->vec[b->nvecs == 0 ? 0 : b->nvecs - 1];
	struct vm_page *pg;
	unsigned off;
	int r = 0;

	pg = io_page(io, fblk, &off);
	if (b->nvecs != 0 && sector == io->next && last->page == pg &&
	    last->offset + last->bytes == off) {
		last->bytes = (uint16_t)(last->bytes + fs->bs);
		io->next += fs->bs >> SECTOR_SHIFT;
		return 0;
	}
	if (b->nvecs == BIO_PAGES || (b->nvecs != 0 && sector != io->next))
		r = io_send(io);
	if (b->nvecs == 0)
		bio_init(b, fs->dev, sector, io->dir);
	bio_add(b, pg, off, fs->bs);
	io->next = sector + (fs->bs >> SECTOR_SHIFT);
	return r;
}

static char *
io_bytes(const struct pageio *io, uint64_t fblk)
{
	unsigned off;
	struct vm_page *pg = io_page(io, fblk, &off);

	return (char *)pa2va(page_pa(pg)) + off;
}

static bool
is_zero(const char *p, size_t n)
{
	const uint64_t *w = (const uint64_t *)p;
	size_t i;

	for (i = 0; i < n / sizeof(*w); i++)
		if (w[i] != 0)
			return false;
	return true;
}

/* Rule 2: a block of a dirty page that has no place yet. */
static int
hole_out(struct pageio *io, uint64_t fblk)
{
	struct ext2_inode *ip = io->ip;
	uint32_t disk;
	int r;

	if (is_zero(io_bytes(io, fblk), ip->fs->bs))
		return 0;
	r = gate_begin(ip->fs, GATE_WRITEBACK);
	if (r != 0)
		return r;
	r = bmap_alloc(ip, fblk, &disk);
	ext2_end(ip->fs);
	return r != 0 ? r : io_add(io, fblk, disk);
}

static int
hole_io(struct pageio *io, uint64_t fblk)
{
	if (io->dir == BIO_WRITE)
		return hole_out(io, fblk);
	memset(io_bytes(io, fblk), 0, io->ip->fs->bs);
	return 0;
}

/*
 * Bytes that are cut off are not written: a cut sets the size, waits for writes
 * that began before it, and frees the blocks, which get other owners.
 */
static uint64_t
io_limit(const struct pageio *io)
{
	if (io->dir == BIO_READ)
		return UINT64_MAX;
	return blocks_of(io->ip->fs, vmo_size(io->ip->vn->vmo));
}

static int
io_pages(struct pageio *io, int n)
{
	unsigned shift = page_blocks_shift(io->ip->fs);
	uint64_t fblk = io->idx << shift, end = (io->idx + (uint64_t)n) << shift;
	uint32_t disk, run, i;
	int r = 0;

	end = MIN(end, io_limit(io));
	io->bio.nvecs = 0;
	for (; fblk < end && r == 0; fblk += run) {
		r = bmap_run(io->ip, fblk, (uint32_t)(end - fblk), &disk, &run);
		for (i = 0; i < run && r == 0; i++)
			r = disk == 0 ? hole_io(io, fblk + i) :
			    io_add(io, fblk + i, disk + i);
		if (r != 0)
			break;
	}
	return r != 0 ? r : io_send(io);
}

/* Rule 3. */
static void
tail_zero(const struct pageio *io, int n)
{
	uint64_t size = vmo_size(io->ip->vn->vmo);
	uint64_t pg = size >> PAGE_SHIFT;

	if ((size & PAGE_MASK) == 0 || pg < io->idx ||
	    pg >= io->idx + (uint64_t)n)
		return;
	memset((char *)pa2va(page_pa(io->pages[pg - io->idx])) +
	    (size & PAGE_MASK), 0, PAGE_SIZE - (size & PAGE_MASK));
}

/* pager_ops.in.  Locks: none of rank >= 2. */
static int
pager_in(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	struct pageio io = { .ip = obj, .pages = pages, .idx = idx,
		.dir = BIO_READ };
	int r = io_pages(&io, n);

	if (r == 0)
		tail_zero(&io, n);
	return r;
}

/* pager_ops.out.  Locks: none of rank >= 2. */
static int
pager_out(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	struct pageio io = { .ip = obj, .pages = pages, .idx = idx,
		.dir = BIO_WRITE };
	int r = io_pages(&io, n);

	atomic_store(&io.ip->fs->written, true);
	return r;
}

/* Is any block of the page there?  An error counts as yes: in() says it. */
static bool
pager_is_allocated(void *obj, uint64_t idx)
{
	struct ext2_inode *ip = obj;
	unsigned shift = page_blocks_shift(ip->fs);
	uint32_t disk, n, max = 1u << shift;

	if (bmap_run(ip, idx << shift, max, &disk, &n) != 0)
		return true;
	return disk != 0 || n < max;
}

/* Whole pages from idx on without any block, as far as one look tells. */
static uint64_t
pager_hole(void *obj, uint64_t idx)
{
	struct ext2_inode *ip = obj;
	unsigned shift = page_blocks_shift(ip->fs);
	uint32_t disk, n;

	if (bmap_run(ip, idx << shift, UINT32_MAX, &disk, &n) != 0 || disk != 0)
		return 0;
	return n >> shift;
}

/*
 * pager_ops.extend: rule 1.
 *
 * Locks:    none of rank >= 2; takes gate and bmap.
 * Returns:  0, -ENOSPC, -EROFS, -EIO, -EUCLEAN, -ENOMEM.
 */
static int
pager_extend(void *obj, uint64_t idx, struct vm_page *pg)
{
	struct ext2_inode *ip = obj;
	unsigned tries = 0;
	int r;

	do {
		r = ext2_begin(ip->fs);
		if (r != 0)
			return r;
		r = bmap_alloc_page(ip, idx, pg);
		ext2_end(ip->fs);
	} while (ext2_relieve(ip->fs, r, &tries));
	return r;
}

/*
 * The blocks [from, to) of a file are freed; commits may come between.
 *
 * Locks:    none of rank >= 2; takes gate and bmap.
 * Returns:  0, -EROFS, -EIO, -EUCLEAN, -ENOMEM.
 */
static int
blocks_free(struct ext2_inode *ip, uint64_t from, uint64_t to)
{
	int r;

	do {
		r = ext2_begin(ip->fs);
		if (r != 0)
			return r;
		r = bmap_free(ip, from, to);
		ext2_end(ip->fs);
	} while (r == -EAGAIN);
	return r;
}

/* pager_ops.free: a hole is punched.  As blocks_free(). */
static int
pager_free(void *obj, uint64_t idx, int n)
{
	struct ext2_inode *ip = obj;
	unsigned shift = page_blocks_shift(ip->fs);

	return blocks_free(ip, idx << shift, (idx + (uint64_t)n) << shift);
}

/* ---- sizes ---- */

/*
 * Rule 5: nothing is left behind the end of a file.
 *
 * Locks:    vnode->lock held for writing, or nobody else uses it; takes the gate.
 * Returns:  0, -EROFS, -EIO, -EUCLEAN, -ENOMEM: there is still something.
 */
int
ext2_cut_tail(struct ext2_inode *ip)
{
	int r;

	if (!ip->tail)
		return 0;
	r = blocks_free(ip, blocks_of(ip->fs, vmo_size(ip->vn->vmo)),
	    UINT64_MAX);
	atomic_store(&ip->tail, r != 0);
	return r;
}

/*
 * vnode_ops.resize.  After an error the file may have its new size, if it is
 * shorter, and a tail.
 *
 * Locks:    vnode->lock held for writing; takes the gate.
 * Returns:  0, -EINVAL, -EFBIG, -EROFS, -EIO, -EUCLEAN, -ENOMEM.
 */
int
ext2_resize(struct vnode *v, uint64_t bytes)
{
	struct ext2_inode *ip = ext2_inode_of(v);
	uint64_t old;
	int r = 0;

	HELD(&v->lock);
	if (v->vmo == NULL)
		return -EINVAL;
	if (bytes > v->mnt->max_bytes)
		return -EFBIG;
	if (atomic_load(&ip->fs->readonly))
		return -EROFS;
	old = vmo_size(v->vmo);
	if (bytes >= old)
		r = ext2_cut_tail(ip);
	if (r == 0)
		r = vmo_resize(v->vmo, bytes);
	if (r != 0 || bytes >= old)
		return r;
	atomic_store(&ip->tail, true);
	return ext2_cut_tail(ip);
}

/* msync: the pages are written; now the inode, as fsync does. */
static int
pager_sync(void *obj)
{
	struct ext2_fs *fs = ((struct ext2_inode *)obj)->fs;

	if (atomic_load(&fs->readonly))
		return atomic_load(&fs->failed) ? -EIO : 0;
	return ext2_commit(fs);
}

/* Has every block of page idx below the size its place? */
static bool
page_is_full(struct ext2_inode *ip, uint64_t idx)
{
	unsigned shift = page_blocks_shift(ip->fs);
	uint64_t fblk = idx << shift, end = (idx + 1) << shift;
	uint32_t disk, n;

	end = MIN(end, blocks_of(ip->fs, vmo_size(ip->vn->vmo)));
	for (; fblk < end; fblk += n)
		if (bmap_run(ip, fblk, (uint32_t)(end - fblk), &disk, &n) != 0 ||
		    disk == 0)
			return false;
	return true;
}

/*
 * fstype.allocate.  New blocks hold old bytes, so the page is written.
 *
 * Locks:    vnode->lock held for writing; takes gate and bmap.
 * Returns:  0, -ENOSPC, -EROFS, -EIO, -EUCLEAN, -ENOMEM, -EINTR.
 */
int
ext2_allocate(struct vnode *v, uint64_t idx)
{
	struct ext2_inode *ip = ext2_inode_of(v);
	struct vm_page *pg;
	int r;

	HELD(&v->lock);
	if (page_is_full(ip, idx))
		return 0;
	r = cache_page(v->vmo, idx, &pg);
	if (r != 0)
		return r;
	r = pager_extend(ip, idx, pg);
	/* A dirty page has its blocks: its write needs no new ones. */
	cache_unpin(pg, r == 0 ? PAGE_DIRTY : PAGE_CLEAN);
	return r;
}

/* The blocks of a page are in pieces, so it is no place for swap: are those from fblk on
 * there?  -EAGAIN: all are, the caller looks at the next page; else as ext2_place(). */
static int
pieces_check(struct ext2_inode *ip, uint64_t fblk, uint64_t end)
{
	uint32_t disk, n;
	int r;

	for (; fblk < end; fblk += n) {
		r = bmap_run(ip, fblk, (uint32_t)(end - fblk), &disk, &n);
		if (r != 0 || disk == 0)
			return r != 0 ? r : -EINVAL;
	}
	return -EAGAIN;
}

/*
 * fstype.place: for swap, which bypasses the cache.
 *
 * Locks:    none of rank >= 2; takes bmap.
 * Returns:  0, -EINVAL (a hole), -EAGAIN (page idx is in pieces), -EIO, -EUCLEAN.
 */
int
ext2_place(struct vnode *v, uint64_t idx, uint64_t max, struct swap_run *run)
{
	struct ext2_inode *ip = ext2_inode_of(v);
	unsigned shift = page_blocks_shift(ip->fs);
	uint64_t fblk = idx << shift;
	uint32_t disk, n;
	int r;

	max = MIN(max, UINT32_MAX >> shift) << shift;
	r = bmap_run(ip, fblk, (uint32_t)max, &disk, &n);
	if (r != 0)
		return r;
	if (disk == 0)
		return -EINVAL;
	if (n >> shift == 0)
		return pieces_check(ip, fblk + n, (idx + 1) << shift);
	run->pages = n >> shift;
	run->sector = (uint64_t)disk << (ip->fs->bs_shift - SECTOR_SHIFT);
	return 0;
}
