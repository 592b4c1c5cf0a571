/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swapfile.c: disks and files as swap areas
 *
 * Problem   The VM wants sectors; a user names a path.  While pages lie there,
 *           nobody else may write these sectors: not through the device, not
 *           as a file, not by another owner of freed blocks.
 *
 * Picture   path ─→ vnode ─┬→ disk: blkfile_claim, as a mount does
 *                          └→ file: swapped_to, its disk's blocks by
 *                             fstype.place
 *                  └─→ swap_on(header, where) … swap_off(number)
 *
 * Rules     1. A file that is swapped to is not written, cut or removed
 *              (-ETXTBSY, -EPERM as on Linux); the reference to its vnode
 *              keeps file and mount.
 *           2. A disk that is swapped to cannot be opened for writing, mounted
 *              or claimed again, nor can a part of it or the whole (-EBUSY).
 *           3. Its pages in the caches are written before, and dropped after:
 *              swapping bypasses the caches.
 *           4. The lock is not held while an area is emptied: `leaving` keeps
 *              others away.
 *
 * Read next vm/swap/swaparea.c, blkfile.c.  Book: ch13.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

struct swapfile {
	struct list_node all;    /* swapfiles.lock */
	struct vnode *vn;        /* [c] a file, referenced; NULL: a disk */
	struct bdev *dev;        /* [c] where the blocks are */
	unsigned no;             /* [c] of the area */
	bool leaving;            /* swapfiles.lock: swapoff is at it */
};

static struct {
	struct mutex lock;
	struct list all;         /* lock */
} swapfiles = {
	.lock = MUTEX_INIT(swapfiles.lock, LR_VNODE),
	.all = LIST_INIT(swapfiles.all),
};

static int begin(struct swapfile *s, const char *path, unsigned flags);
static int claim(struct swapfile *s);
static void release(struct swapfile *s);

/* ---- swapon ---- */

static int
file_run(void *client, uint64_t idx, uint64_t max, struct swap_run *run)
{
	struct vnode *v = client;

	return v->mnt->type->place(v, idx, max, run);
}

/* Read the first page of the area.  0, -EINVAL (too short), -EIO. */
static int
header_read(const struct swapfile *s, char *page)
{
	struct uio u;
	ssize_t n;

	if (s->vn == NULL) {
		n = blk_rw_bytes(s->dev, 0, page, PAGE_SIZE, BIO_READ);
	} else {
		uio_init_kernel(&u, page, PAGE_SIZE);
		n = vmo_read(s->vn->vmo, 0, &u);
	}
	return n == PAGE_SIZE ? 0 : n < 0 ? (int)n : -EINVAL;
}

/* Claimed: give it to the VM.  Locks: swapfiles.lock. */
static int
give_to_vm(struct swapfile *s, const char *path, unsigned flags)
{
	struct swap_source src = { .dev = s->dev, .path = path, .flags = flags };
	char *page = kmem_alloc(PAGE_SIZE);
	int r;

	HELD(&swapfiles.lock);
	if (page == NULL)
		return -ENOMEM;
	src.header = page;
	src.bytes = s->dev->sectors * SECTOR_SIZE;
	if (s->vn != NULL) {
		src.bytes = vmo_size(s->vn->vmo);
		src.run = file_run;
		src.client = s->vn;
	}
	r = header_read(s, page);
	if (r == 0)
		r = swap_on(&src, &s->no);
	kmem_free(page);
	return r;
}

static int
begin(struct swapfile *s, const char *path, unsigned flags)
{
	int r;

	mutex_lock(&swapfiles.lock);
	r = claim(s);
	if (r == 0) {
		r = give_to_vm(s, path, flags);
		if (r == 0)
			list_push_back(&swapfiles.all, &s->all);
		else
			release(s);
	}
	mutex_unlock(&swapfiles.lock);
	return r;
}

/* A disk or a file with blocks on one?  s->dev and s->vn, or -errno. */
static int
choose(struct vnode *v, struct swapfile *s)
{
	uint64_t dev = v->type == S_IFBLK ? v->rdev : v->mnt->dev;

	if (v->type == S_IFDIR)
		return -EISDIR;
	if (v->type == S_IFBLK && (v->mnt->flags & MS_NODEV) != 0)
		return -EACCES;
	if (v->type != S_IFBLK &&
	    (v->type != S_IFREG || v->mnt->type->place == NULL))
		return -EINVAL;
	if (v->type == S_IFREG)
		s->vn = v;
	s->dev = blk_find_number(dev_major(dev), dev_minor(dev));
	if (s->dev == NULL)
		return -ENXIO;
	return s->dev->readonly ||
	    (s->vn != NULL && (v->mnt->flags & MS_RDONLY) != 0) ? -EROFS : 0;
}

/*
 * swapon(2); the caller is privileged.
 *
 * Locks:    none held.
 * Returns:  0, -EINVAL (no swap area, a file with holes or on no disk),
 *           -EBUSY (mounted, written or swapped to), -ENOENT, -EROFS, …
 */
int
fs_swapon(const struct path_at *at, unsigned flags)
{
	struct swapfile *s = kmem_zalloc(sizeof(*s));
	char *path = kmem_alloc(PATH_MAX);
	struct walk w = { 0 };
	int r = s == NULL || path == NULL ? -ENOMEM : 0;

	if (r == 0)
		r = walk_path(&w, at, 0);
	if (r != 0)
		goto undo_alloc;
	r = choose(w.vn, s);
	if (r == 0 && vn_full_path(w.vn, path, PATH_MAX) < 0)
		path[0] = '\0';
	if (r == 0)
		r = begin(s, path, flags);
	walk_end(&w);
	if (r == 0)
		s = NULL;
undo_alloc:
	kmem_free(path);
	kmem_free(s);
	return r;
}

/*
 * Boot word swap=.
 *
 * Context:  boot; there is no process yet.
 * Returns:  as fs_swapon(); -ENODEV: there is no such disk.
 */
int
fs_swapon_disk(const char *dev)
{
	struct swapfile *s = kmem_zalloc(sizeof(*s));
	char path[32];
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->dev = blk_find(dev);
	if (s->dev == NULL) {
		kmem_free(s);
		return -ENODEV;
	}
	snprintf(path, sizeof(path), "/dev/%s", s->dev->name);
	r = begin(s, path, 0);
	if (r != 0)
		kmem_free(s);
	return r;
}

/* ---- nobody else writes it ---- */

/* Rule 1.  0, -EBUSY, -ETXTBSY (it is executed), -EIO. */
static int
claim_file(struct vnode *v)
{
	int r = vn_write_begin(v);

	if (r != 0)
		return r;
	rw_lock_write_nested(&v->lock);
	if (v->swapped_to || vmo_mappings(v->vmo, MAPS_WRITABLE) != 0)
		r = -EBUSY;
	else
		atomic_store(&v->swapped_to, true);
	rw_unlock_write(&v->lock);
	if (r != 0)
		vn_write_end(v);
	return r;
}

static void
release_file(struct vnode *v)
{
	rw_lock_write_nested(&v->lock);
	vmo_drop_clean(v->vmo);
	atomic_store(&v->swapped_to, false);
	rw_unlock_write(&v->lock);
	vn_write_end(v);
	vn_put(v);
}

/* Locks: swapfiles.lock. */
static int
claim(struct swapfile *s)
{
	struct vnode *v = s->vn;
	int r;

	HELD(&swapfiles.lock);
	if (v == NULL)
		return blkfile_claim(s->dev);
	r = claim_file(v);
	if (r != 0)
		return r;
	vn_get(v);
	r = v->mnt->type->sync(v->mnt, v);
	if (r != 0)
		release_file(v);
	return r;
}

static void
release(struct swapfile *s)
{
	if (s->vn == NULL)
		blkfile_release(s->dev);
	else
		release_file(s->vn);
}

/* ---- swapoff ---- */

/* The one that v names, if nobody else is at it; now leaving.  NULL: none. */
static struct swapfile *
take_leaving(const struct vnode *v)
{
	struct swapfile *s, *found = NULL;

	mutex_lock(&swapfiles.lock);
	LIST_FOREACH(s, &swapfiles.all, all) {
		if (s->leaving)
			continue;
		if (s->vn != NULL ? s->vn == v : v->type == S_IFBLK &&
		    v->rdev == dev_make(s->dev->major, s->dev->minor))
			found = s;
	}
	if (found != NULL)
		found->leaving = true;
	mutex_unlock(&swapfiles.lock);
	return found;
}

/*
 * swapoff(2): sleeps until all its pages are back in memory.
 *
 * Locks:    none held.
 * Returns:  0, -EINVAL (not swapped to), -ENOMEM (no room for what lies
 *           there), -EINTR (a signal; it is swapped to as before).
 */
int
fs_swapoff(const struct path_at *at)
{
	struct walk w = { 0 };
	struct swapfile *s;
	int r;

	r = walk_path(&w, at, 0);
	if (r != 0)
		return r;
	s = take_leaving(w.vn);
	r = w.vn->type == S_IFDIR ? -EISDIR : -EINVAL;
	walk_end(&w);
	if (s == NULL)
		return r;
	r = swap_off(s->no);
	mutex_lock(&swapfiles.lock);
	s->leaving = false;
	if (r == 0) {
		list_remove(&s->all);
		release(s);
	}
	mutex_unlock(&swapfiles.lock);
	if (r == 0)
		kmem_free(s);
	return r;
}
