/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkfile.c: disks and partitions as files: /dev/sda, /dev/vda1
 *
 * Problem   A program (mke2fs, dd, a mapping) reads and writes a disk at any
 *           byte; a file system that is mounted from it changes it too, and
 *           neither may see or write back what the other has made stale.
 *
 * Picture   vnode with rdev ─→ struct blkfile, one per bdev
 *             read, write, mmap ─→ vmo ⇄ pager ⇄ disk
 *             mounted: the vmo is also ext2's cache of metadata (meta.c)
 *           data of files ─→ disk ─→ blkfile_wrote ─→ page of the vmo, if any
 *
 * Rules     1. Devices with common sectors overlap: a disk and each of its
 *              partitions.  A mount is refused while an overlapping device can be
 *              written (open or mapped so), and forbids that until the umount:
 *              only the file system writes.
 *           2. So a mounted disk's pages are never dirty to the VM, and what
 *              it reads is at least as new as the disk: metadata as the file
 *              system has it in memory, data of files as of their write-back.
 *           3. A write through one bdev updates the pages of all overlapping
 *              ones after it is on the disk: a thread that reads a sector at that
 *              time waits, or has read the new bytes.
 *           4. The last close for writing writes everything back.
 *           5. With O_DIRECT only whole sectors move, and written bytes are on
 *              the disk before the call ends (in its cache, if it has one: fsync).
 *              The bytes go through the pages all the same, so everybody reads
 *              what was written last; the address of the caller's buffer does
 *              not matter.
 *
 * Read next devfs.c, ext2/meta.c, dev/bdev.c.
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
	struct vmo *vmo;         /* [c] rule 2 */
	unsigned mounts;         /* blkfiles.mutex: of overlapping ones */
	unsigned opens, writers; /* blkfiles.mutex */
	bool owned;              /* blkfiles.mutex: it is the one that is mounted */
};

static struct {
	struct mutex mutex;      /* [c] opens, closes, mounts: one at a time */
	struct list all;         /* [c] after boot */
} blkfiles = {
	.mutex = MUTEX_INIT(blkfiles.mutex, LR_VNODE),
	.all = LIST_INIT(blkfiles.all),
};

static const struct file_ops blk_file_ops;

/* ---- what overlaps ---- */

static uint64_t
bytes_of(const struct bdev *d)
{
	return d->sectors * SECTOR_SIZE;
}

/* Rule 1. */
static bool
overlap(const struct bdev *a, const struct bdev *b)
{
	return a == b || a->disk == b || b->disk == a;
}

/* n bytes are on f's disk at byte `at` of it, perhaps before its begin. */
static void
piece_show(struct blkfile *f, int64_t at, const char *from, size_t n)
{
	size_t skip = at < 0 ? MIN((size_t)-at, n) : 0;

	if (skip < n)
		vmo_refresh(f->vmo, (uint64_t)at + skip, from + skip, n - skip);
}

/*
 * A request to write has ended well: rule 3.  Its pages are still the
 * caller's.
 *
 * Locks:    none of rank >= 2.
 * Context:  thread, may sleep.
 */
void
blkfile_wrote(const struct bio *b)
{
	struct blkfile *f;
	unsigned i;

	LIST_FOREACH(f, &blkfiles.all, all) {
		int64_t at = (int64_t)((b->dev->start + b->sector -
		    f->dev->start) * SECTOR_SIZE);

		if (!overlap(f->dev, b->dev))
			continue;
		for (i = 0; i < b->nvecs; i++) {
			const struct bio_vec *v = &b->vec[i];

			piece_show(f, at, (const char *)pa2va(
			    page_pa(v->page)) + v->offset, v->bytes);
			at += v->bytes;
		}
	}
}

/* ---- the pager of a disk ---- */

static int
pages_send(struct bio *b)
{
	int r = blk_submit_wait(b);

	if (r == 0 && b->dir == BIO_WRITE)
		blkfile_wrote(b);
	return r;
}

/*
 * n pages of d from page idx on; the last may be cut off by its end, and shows
 * zeros behind.
 *
 * Locks:    none of rank >= 2; sleeps.
 * Returns:  0, -EIO, -EROFS.
 */
static int
pages_rw(struct bdev *d, uint64_t idx, struct vm_page **pages, int n,
    enum bio_dir dir)
{
	struct bio b;
	uint64_t at = idx << PAGE_SHIFT, bytes;
	int i, r = 0;

	bio_init(&b, d, at >> SECTOR_SHIFT, dir);
	for (i = 0; i < n && r == 0; i++, at += PAGE_SIZE) {
		bytes = MIN(PAGE_SIZE, bytes_of(d) - at);
		if (dir == BIO_READ && bytes < PAGE_SIZE)
			memset((char *)pa2va(page_pa(pages[i])) + bytes, 0,
			    PAGE_SIZE - bytes);
		bio_add(&b, pages[i], 0, (unsigned)bytes);
		if (b.nvecs < BIO_PAGES && i + 1 < n)
			continue;
		r = pages_send(&b);
		bio_init(&b, d, (at + PAGE_SIZE) >> SECTOR_SHIFT, dir);
	}
	return r;
}

static int
disk_in(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	return pages_rw(obj, idx, pages, n, BIO_READ);
}

static int
disk_out(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	return pages_rw(obj, idx, pages, n, BIO_WRITE);
}

static bool
disk_is_allocated(void *obj, uint64_t idx)
{
	return true;
}

static int
disk_extend(void *obj, uint64_t idx, struct vm_page *pg)
{
	return 0;
}

static int
disk_sync(void *obj)
{
	return blk_flush(obj);
}

static const struct pager_ops disk_pager = {
	.in = disk_in, .out = disk_out, .is_allocated = disk_is_allocated, .extend = disk_extend,
	.sync = disk_sync
};

static void
disk_ident(void *client, struct vmo_ident *id)
{
	struct bdev *d = client;

	id->dev_major = d->major;
	id->dev_minor = d->minor;
	id->ino = 0;
	(void)snprintf(id->path, id->room, "/dev/%s", d->name);
}

static const struct vmo_client_ops disk_client = { .ident = disk_ident };

/* ---- which there are ---- */

/*
 * Let d be opened as a file; a call of blk_walk().
 *
 * Context:  boot; panics without memory.
 */
void
blkfile_add(void *arg, struct bdev *d)
{
	struct blkfile *b = kmem_zalloc(sizeof(*b));

	(void)arg;
	if (b != NULL)
		b->vmo = vmo_create_file(&disk_pager, d, bytes_of(d),
		    &disk_client, d);
	if (b == NULL || b->vmo == NULL)
		panic("blkfile: %s: no memory", d->name);
	b->dev = d;
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

/*
 * The source of mount(2): a disk's own name, or the path of a node.
 *
 * Locks:    none of a tree.
 * Returns:  0, -ENOTBLK, -ENXIO (no such disk), -ENOENT and what lookup gives.
 */
int
blkfile_named(const char *source, struct bdev **out)
{
	const struct path_at at = { .path = source };
	struct walk w = { 0 };
	struct blkfile *b;
	int r = 0;

	*out = blk_find(source);
	if (*out != NULL)
		return 0;
	r = walk_path(&w, &at, 0);
	if (r != 0)
		return r;
	b = blkfile_find(w.vn->rdev);
	if (w.vn->type != S_IFBLK)
		r = -ENOTBLK;
	else if ((w.vn->mnt->flags & MS_NODEV) != 0)
		r = -EACCES;
	else if (b == NULL)
		r = -ENXIO;
	else
		*out = b->dev;
	walk_end(&w);
	return r;
}

/* The pages of d, without a reference; d was added.  Any context. */
struct vmo *
blkfile_vmo(const struct bdev *d)
{
	struct blkfile *b = blkfile_find(dev_make(d->major, d->minor));

	ASSERT(b != NULL);
	return b->vmo;
}

/* Nobody can write b, and the disk has all that was written. */
static int
settle(struct blkfile *b)
{
	HELD(&blkfiles.mutex);
	if (b->owned || b->writers != 0 || vmo_mappings(b->vmo, MAPS_WRITABLE) != 0)
		return -EBUSY;
	return vmo_sync(b->vmo, 0, UINT64_MAX);
}

/*
 * A file system is going to be mounted from d, or pages swapped to it; it must
 * hold what was written to it.
 *
 * Locks:    LR_VNODE ones at most.
 * Returns:  0, -EBUSY: someone may write it, or has claimed it, -EIO.
 */
int
blkfile_claim(struct bdev *d)
{
	struct blkfile *b;
	int r = 0;

	mutex_lock_nested(&blkfiles.mutex);
	LIST_FOREACH(b, &blkfiles.all, all)
		if (r == 0 && overlap(b->dev, d))
			r = settle(b);
	LIST_FOREACH(b, &blkfiles.all, all)
		if (r == 0 && overlap(b->dev, d)) {
			b->mounts++;
			b->owned = b->dev == d;
		}
	mutex_unlock(&blkfiles.mutex);
	return r;
}

/* The counterpart; pages of a disk that nobody has open are dropped. */
void
blkfile_release(struct bdev *d)
{
	struct blkfile *b;

	mutex_lock_nested(&blkfiles.mutex);
	LIST_FOREACH(b, &blkfiles.all, all) {
		if (!overlap(b->dev, d))
			continue;
		ASSERT(b->mounts != 0);
		if (b->dev == d)
			b->owned = false;
		if (--b->mounts == 0 && b->opens == 0)
			vmo_drop_clean(b->vmo);
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

/* Rule 4; the last of all gives the memory back, too. */
static void
blk_close(struct file *f)
{
	struct blkfile *b = blkfile_of(f);

	mutex_lock(&blkfiles.mutex);
	if (writes(f) && --b->writers == 0 &&
	    vmo_sync(b->vmo, 0, UINT64_MAX) != 0)
		klog("%s: not all could be written", b->dev->name);
	if (--b->opens == 0 && b->mounts == 0)
		vmo_drop_clean(b->vmo);
	mutex_unlock(&blkfiles.mutex);
}

static bool
is_direct(const struct file *f)
{
	return (atomic_load_relaxed(&f->flags) & O_DIRECT) != 0;
}

/* Rule 5: may f move n bytes at off, which is before the end? */
static bool
is_movable(const struct file *f, uint64_t off, uint64_t n)
{
	return !is_direct(f) || (off | n) % SECTOR_SIZE == 0;
}

static ssize_t
blk_read(struct file *f, uint64_t *off, struct uio *u)
{
	struct blkfile *b = blkfile_of(f);
	uint64_t end = bytes_of(b->dev);
	ssize_t n;

	if (*off < end && !is_movable(f, *off, MIN(u->left, end - *off)))
		return -EINVAL;
	n = vmo_read(b->vmo, *off, u);
	*off += n > 0 ? (uint64_t)n : 0;
	return n;
}

/* n bytes at off were written through f: rule 5.  0, -EIO, -EINTR (dying). */
static int
written(const struct file *f, uint64_t off, ssize_t n)
{
	if (n <= 0 || !is_direct(f))
		return 0;
	return vmo_sync(blkfile_of(f)->vmo, off >> PAGE_SHIFT,
	    PAGE_UP(off + (uint64_t)n) >> PAGE_SHIFT);
}

/* A device does not grow. */
static ssize_t
blk_write(struct file *f, uint64_t *off, struct uio *u)
{
	struct blkfile *b = blkfile_of(f);
	uint64_t end = bytes_of(b->dev), cut = 0;
	ssize_t n;
	int r;

	if (*off >= end)
		return -ENOSPC;
	if (u->left > end - *off)
		cut = u->left - (end - *off);
	if (!is_movable(f, *off, u->left - cut))
		return -EINVAL;
	u->left -= cut;
	n = vmo_write(b->vmo, *off, u);
	u->left += cut;
	r = written(f, *off, n);
	if (r != 0)
		return r;
	*off += n > 0 ? (uint64_t)n : 0;
	return n;
}

static uint64_t
blk_size(struct file *f)
{
	return bytes_of(blkfile_of(f)->dev);
}

static struct vmo *
blk_vmo(struct file *f)
{
	return blkfile_of(f)->vmo;
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

	if (!fs_may(CAP_SYS_ADMIN))
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
	.vmo = blk_vmo,
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
