/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfile.c: disks and partitions as files: /dev/sda, /dev/vda1
 *
 * Problem   A program (mke2fs, dd) reads and writes a disk at any byte; a file
 *           system that is mounted from it has a cache of its own and must not
 *           be changed behind its back.
 *
 * Picture   vnode with rdev ─→ struct blkfile, one per bdev
 *             not mounted: vmo_read, vmo_write ⇄ cache ⇄ pager ⇄ disk
 *             mounted:     read from the disk itself; open for write: -EBUSY
 *
 * Rules     1. Whatever lies on the same sectors overlaps: a disk and each of
 *              its partitions.  A mount needs that no overlapping one is open
 *              for writing, and forbids that until it is undone.
 *           2. io is held while bytes move, so a mount never begins between a
 *              look at mounts and the page that follows.
 *           3. The last close for writing writes everything back.
 *
 * Read next devfs.c, ext2/super.c, dev/bdev.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define BLKROGET 0x125eu
#define BLKGETSIZE 0x1260u
#define BLKFLSBUF 0x1261u
#define BLKSSZGET 0x1268u
#define BLKBSZGET 0x80081270u
#define BLKGETSIZE64 0x80081272u

struct blkfile {
	struct list_node all;    /* [c] after boot */
	struct bdev *dev;        /* [c] */
	struct vmo *vmo;         /* [c] clean and empty while it is mounted */
	struct mutex io;         /* [c] rule 2 */
	unsigned mounts;         /* io and blkfiles.mutex: overlapping mounts */
	unsigned opens, writers; /* blkfiles.mutex */
};

static struct {
	struct mutex mutex;      /* [c] opens, closes, mounts: one at a time */
	struct list all;         /* [c] after boot */
} blkfiles = {
	.mutex = MUTEX_INIT(blkfiles.mutex, LR_VNODE),
	.all = LIST_INIT(blkfiles.all),
};

static const struct file_ops blk_file_ops;

/* ---- the pager of a disk ---- */

/*
 * n pages of the device from page idx on; the last may be cut off at bytes,
 * and shows zeros behind.
 *
 * Locks:    none of rank >= 2; sleeps.
 * Returns:  0, -EIO, -EROFS.
 */
int
blk_pages_rw(const struct blk_range *rg, struct vm_page **pages, int n,
    enum bio_dir dir)
{
	struct bio b;
	uint64_t at = rg->idx << PAGE_SHIFT, bytes;
	int i, r = 0;

	bio_init(&b, rg->dev, at >> 9, dir);
	for (i = 0; i < n && r == 0; i++, at += PAGE_SIZE) {
		bytes = MIN(PAGE_SIZE, rg->bytes - at);
		if (dir == BIO_READ && bytes < PAGE_SIZE)
			memset((char *)pa2va(page_pa(pages[i])) + bytes, 0,
			    PAGE_SIZE - bytes);
		bio_add(&b, pages[i], 0, (unsigned)bytes);
		if (b.nvecs < BIO_PAGES && i + 1 < n)
			continue;
		r = blk_submit_wait(&b);
		bio_init(&b, rg->dev, (at + PAGE_SIZE) >> 9, dir);
	}
	return r;
}

static uint64_t
bytes_of(const struct bdev *d)
{
	return d->sectors * SECTOR_SIZE;
}

static int
disk_in(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	struct bdev *d = obj;
	const struct blk_range rg = { d, bytes_of(d), idx };

	return blk_pages_rw(&rg, pages, n, BIO_READ);
}

static int
disk_out(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	struct bdev *d = obj;
	const struct blk_range rg = { d, bytes_of(d), idx };

	return blk_pages_rw(&rg, pages, n, BIO_WRITE);
}

static bool
disk_has(void *obj, uint64_t idx)
{
	return true;
}

static int
disk_extend(void *obj, uint64_t idx)
{
	return 0;
}

static const struct pager_ops disk_pager = {
	.in = disk_in, .out = disk_out, .has = disk_has, .extend = disk_extend
};

static void
disk_ident(void *client, struct vmo_ident *id)
{
	struct bdev *d = client;

	id->dev_major = d->major;
	id->dev_minor = d->minor;
	id->ino = 0;
	str_copy(id->path, d->name, sizeof(id->path));
}

static const struct vmo_client_ops disk_client = { .ident = disk_ident };

/* ---- which there are ---- */

/*
 * Let d be opened as a file.
 *
 * Context:  boot; panics without memory.
 */
void
blkfile_add(struct bdev *d)
{
	struct blkfile *b = kmem_zalloc(sizeof(*b));

	if (b != NULL)
		b->vmo = vmo_create_file(&disk_pager, d, bytes_of(d),
		    &disk_client, d);
	if (b == NULL || b->vmo == NULL)
		panic("blkfile: %s: no memory", d->name);
	b->dev = d;
	mutex_init(&b->io, LR_VNODE);
	list_push_back(&blkfiles.all, &b->all);
}

static struct blkfile *
blkfile_find(uint64_t rdev)
{
	struct blkfile *b;

	LIST_FOREACH(b, &blkfiles.all, all)
		if (dev_make(b->dev->major, b->dev->minor) == rdev)
			return b;
	return NULL;
}

/* Rule 1. */
static bool
overlap(const struct bdev *a, const struct bdev *b)
{
	return a == b || a->disk == b || b->disk == a;
}

/*
 * A file system is going to be mounted from d, which must hold what was
 * written to it.
 *
 * Locks:    LR_VNODE ones at most.
 * Returns:  0, -EBUSY: someone may write it, -EIO.
 */
int
blkfile_claim(struct bdev *d)
{
	struct blkfile *b;
	int r = 0;

	mutex_lock_nested(&blkfiles.mutex);
	LIST_FOREACH(b, &blkfiles.all, all) {
		if (r == 0 && overlap(b->dev, d))
			r = b->writers != 0 ? -EBUSY :
			    vmo_sync(b->vmo, 0, UINT64_MAX);
	}
	LIST_FOREACH(b, &blkfiles.all, all) {
		if (r != 0 || !overlap(b->dev, d))
			continue;
		mutex_lock_nested(&b->io);
		b->mounts++;
		vmo_drop_clean(b->vmo);
		mutex_unlock(&b->io);
	}
	mutex_unlock(&blkfiles.mutex);
	return r;
}

/* The counterpart. */
void
blkfile_release(struct bdev *d)
{
	struct blkfile *b;

	mutex_lock_nested(&blkfiles.mutex);
	LIST_FOREACH(b, &blkfiles.all, all) {
		if (!overlap(b->dev, d))
			continue;
		mutex_lock_nested(&b->io);
		ASSERT(b->mounts != 0);
		b->mounts--;
		mutex_unlock(&b->io);
	}
	mutex_unlock(&blkfiles.mutex);
}

/* sync(2), power-off: all that was written to a disk itself.  0, -EIO. */
int
blkfiles_sync(void)
{
	struct blkfile *b;
	int r = 0, one;

	LIST_FOREACH(b, &blkfiles.all, all) {
		one = vmo_sync(b->vmo, 0, UINT64_MAX);
		if (r == 0)
			r = one;
	}
	return r;
}

/* ---- open files ---- */

static struct blkfile *
blkfile_of(const struct file *f)
{
	return f->priv;
}

static bool
writes(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

/*
 * Opening a block device.
 *
 * Returns:  0, -ENXIO (no such disk), -EACCES (cannot be written), -EBUSY.
 */
int
blkfile_opened(struct vnode *v, struct file *f)
{
	struct blkfile *b = blkfile_find(v->rdev);
	int r = 0;

	if (b == NULL)
		return -ENXIO;
	if (writes(f) && b->dev->readonly)
		return -EACCES;
	mutex_lock(&blkfiles.mutex);
	if (writes(f) && b->mounts != 0)
		r = -EBUSY;
	if (r == 0) {
		b->opens++;
		b->writers += writes(f) ? 1 : 0;
	}
	mutex_unlock(&blkfiles.mutex);
	f->priv = b;
	f->ops = &blk_file_ops;
	return r;
}

/* Rule 3; the last of all gives the memory back, too. */
static void
blk_close(struct file *f)
{
	struct blkfile *b = blkfile_of(f);

	mutex_lock(&blkfiles.mutex);
	if (writes(f) && --b->writers == 0 &&
	    vmo_sync(b->vmo, 0, UINT64_MAX) != 0)
		klog("%s: not all could be written", b->dev->name);
	if (--b->opens == 0)
		vmo_drop_clean(b->vmo);
	mutex_unlock(&blkfiles.mutex);
}

/* From the disk, past its cache. */
static ssize_t
read_disk(struct blkfile *b, uint64_t off, struct uio *u)
{
	char *buf = kmem_alloc(PAGE_SIZE);
	ssize_t n, done = 0;

	if (buf == NULL)
		return -ENOMEM;
	do {
		n = blk_rw_bytes(b->dev, off + (uint64_t)done, buf,
		    MIN(u->left, PAGE_SIZE), BIO_READ);
		n = n > 0 ? uio_put(u, buf, (size_t)n) : n;
		done += n > 0 ? n : 0;
	} while (n > 0 && u->left > 0 && thread_current()->pending == 0);
	kmem_free(buf);
	return done > 0 ? done : n;
}

static ssize_t
blk_read(struct file *f, uint64_t *off, struct uio *u)
{
	struct blkfile *b = blkfile_of(f);
	ssize_t n;

	mutex_lock_nested(&b->io);
	n = b->mounts != 0 ? read_disk(b, *off, u) : vmo_read(b->vmo, *off, u);
	mutex_unlock(&b->io);
	*off += n > 0 ? (uint64_t)n : 0;
	return n;
}

/* A device does not grow. */
static ssize_t
blk_write(struct file *f, uint64_t *off, struct uio *u)
{
	struct blkfile *b = blkfile_of(f);
	uint64_t end = bytes_of(b->dev), cut = 0;
	ssize_t n;

	if (*off >= end)
		return -ENOSPC;
	if (u->left > end - *off)
		cut = u->left - (end - *off);
	u->left -= cut;
	mutex_lock_nested(&b->io);
	n = vmo_write(b->vmo, *off, u);
	mutex_unlock(&b->io);
	u->left += cut;
	*off += n > 0 ? (uint64_t)n : 0;
	return n;
}

static uint64_t
blk_size(struct file *f)
{
	return bytes_of(blkfile_of(f)->dev);
}

static int
blk_sync(struct file *f)
{
	struct blkfile *b = blkfile_of(f);
	int r = vmo_sync(b->vmo, 0, UINT64_MAX);

	return r != 0 ? r : blk_flush(b->dev);
}

/* BLKFLSBUF: written, and forgotten. */
static int64_t
flush_buffers(struct file *f)
{
	struct blkfile *b = blkfile_of(f);
	int r;

	if (fs_cred()->euid != 0)
		return -EACCES;
	r = vmo_sync(b->vmo, 0, UINT64_MAX);
	if (r == 0)
		vmo_drop_clean(b->vmo);
	return r;
}

static int64_t
blk_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct bdev *d = blkfile_of(f)->dev;
	uint64_t v;

	switch (cmd) {
	case BLKFLSBUF:
		return flush_buffers(f);
	case BLKGETSIZE:
		return copyout(arg, &d->sectors, sizeof(d->sectors));
	case BLKGETSIZE64:
		v = bytes_of(d);
		return copyout(arg, &v, sizeof(v));
	case BLKROGET:
		v = d->readonly;
		return copyout(arg, &v, sizeof(int));
	case BLKSSZGET:
		v = SECTOR_SIZE;
		return copyout(arg, &v, sizeof(int));
	case BLKBSZGET:
		v = PAGE_SIZE;
		return copyout(arg, &v, sizeof(int));
	}
	return -ENOTTY;
}

static const struct file_ops blk_file_ops = {
	.seek = SEEKS_POSITION,
	.read = blk_read,
	.write = blk_write,
	.size = blk_size,
	.sync = blk_sync,
	.ioctl = blk_ioctl,
	.close = blk_close,
};

/* ---- /proc/partitions ---- */

/* Text of /proc/partitions: sizes in KiB. */
void
partitions_show(struct out *out)
{
	struct blkfile *b;

	out_printf(out, "major minor  #blocks  name\n\n");
	LIST_FOREACH(b, &blkfiles.all, all)
		out_printf(out, "%4u  %7u %10lu %s\n", b->dev->major,
		    b->dev->minor, b->dev->sectors / 2, b->dev->name);
}
