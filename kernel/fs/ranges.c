/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ranges.c: ranges of a file: holes are made, and filled
 *
 * Problem   fallocate(2) and MADV_REMOVE change where a file has bytes without
 *           writing any; a call that fails must leave the file as it was.
 *
 * Rules     A hole is made, and filled, under vnode->lock for writing, and only
 *           where no seal and no swap area forbid it.
 *
 * Read next file.c, vm/object/vmo.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"

#define FALLOC_KEEP_SIZE 1u
#define FALLOC_COLLAPSE_RANGE 8u
#define FALLOC_ZERO_RANGE 16u
#define FALLOC_INSERT_RANGE 32u
#define FALLOC_UNSHARE_RANGE 64u
#define FALLOC_PUNCH_HOLE 2u

static int fill_holes(struct vnode *v, uint64_t off, uint64_t end);
static int fill_kept(struct vnode *v, uint64_t off, uint64_t end);

/* A hole in [off, off + len). */
static int
punch_hole(struct vnode *v, uint64_t off, uint64_t len)
{
	int r = seal_change(v);

	return r != 0 ? r : vmo_punch(v->vmo, off, len);
}

/*
 * vmo_client_ops.punch of files: MADV_REMOVE, from a mapping that is writable.
 *
 * Locks:    takes vnode->lock.
 * Owns:     drops the reference of vn_hold().
 * Returns:  0, -EPERM (sealed), -ETXTBSY (swapped to), -EOPNOTSUPP, -EIO.
 */
int
vn_punch(void *client, uint64_t off, uint64_t len)
{
	struct vnode *v = client;
	int r;

	rw_lock_write(&v->lock);
	r = v->swapped_to ? -ETXTBSY : punch_hole(v, off, len);
	rw_unlock_write(&v->lock);
	if (r == 0) {
		vn_strip_setid(v);
		vn_touch(v, VN_MTIME | VN_CTIME);
	}
	vn_put(v);
	return r;
}

/* Is it a mode at all?  Which of them there are is asked later. */
static int
falloc_mode_check(unsigned mode)
{
	const unsigned all = FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE |
	    FALLOC_COLLAPSE_RANGE | FALLOC_ZERO_RANGE | FALLOC_INSERT_RANGE |
	    FALLOC_UNSHARE_RANGE;
	const unsigned alone = FALLOC_COLLAPSE_RANGE | FALLOC_INSERT_RANGE;

	if ((mode & ~all) != 0 ||
	    (mode & (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE)) == FALLOC_PUNCH_HOLE ||
	    ((mode & FALLOC_PUNCH_HOLE) != 0 && (mode & FALLOC_ZERO_RANGE) != 0))
		return -EOPNOTSUPP;
	if ((mode & alone) != 0 && (mode & (mode - 1)) != 0)
		return -EINVAL;
	if ((mode & FALLOC_UNSHARE_RANGE) != 0 &&
	    (mode & ~(FALLOC_UNSHARE_RANGE | FALLOC_KEEP_SIZE)) != 0)
		return -EINVAL;
	return 0;
}

/*
 * fallocate(2): mode 0 fills holes, KEEP_SIZE leaves the size as it is,
 * PUNCH_HOLE makes one.
 *
 * Returns:  0, -EBADF, -EINVAL, -ESPIPE, -ENODEV, -EFBIG, -EOPNOTSUPP, -ENOSPC,
 *           -ETXTBSY (swapped to), -EINTR (dying).
 */
int
file_fallocate(struct file *f, unsigned mode, uint64_t off, uint64_t len)
{
	uint64_t most = (mode & FALLOC_PUNCH_HOLE) != 0 ? INT64_MAX : FILE_MAX_BYTES;
	struct vnode *v = f->vn;
	int r = 0;

	if ((f->flags & O_PATH) != 0)
		r = -EBADF;
	else if ((int64_t)off < 0 || (int64_t)len <= 0)
		r = -EINVAL;
	if (r == 0)
		r = falloc_mode_check(mode);
	if (r != 0)
		return r;
	if (!file_can_write(f))
		return -EBADF;
	if (v->type == S_IFIFO)
		return -ESPIPE;
	if ((v->fsflags & ((mode & ~FALLOC_KEEP_SIZE) != 0 ? FS_FIXED_FL : FS_IMMUTABLE_FL))
	    != 0)
		return -EPERM;
	if (v->vmo == NULL)
		return v->type == S_IFREG ? -EOPNOTSUPP : -ENODEV;
	if (off > most || len > most - off)
		return -EFBIG;
	if ((mode & ~(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE)) != 0)
		return -EOPNOTSUPP;
	if ((mode & FALLOC_PUNCH_HOLE) == 0 && vn_is_limited(v, off + len))
		return -EFBIG;
	rw_lock_write(&v->lock);
	if (v->swapped_to)
		r = -ETXTBSY;
	else if ((mode & FALLOC_PUNCH_HOLE) != 0)
		r = punch_hole(v, off, len);
	else if ((mode & FALLOC_KEEP_SIZE) != 0)
		r = fill_kept(v, off, off + len);
	else
		r = fill_holes(v, off, off + len);
	rw_unlock_write(&v->lock);
	if (r != 0)
		return r;
	vn_strip_setid(v);
	vn_touch(v, VN_MTIME | VN_CTIME);
	return file_settle(f);
}

/* Page pg of v has a place where its bytes will be kept. */
static int
fill_hole(struct vnode *v, uint64_t pg)
{
	if (v->mnt->type->allocate != NULL)
		return v->mnt->type->allocate(v, pg);
	if (vmo_next_page(v->vmo, pg) == pg)
		return 0;
	return vmo_allocate(v->vmo, pg);
}

/* Fill the holes of [off, end).  Minutes of work: a fatal signal ends it. */
static int
fill_range(struct vnode *v, uint64_t off, uint64_t end)
{
	uint64_t pg;
	int r = 0;

	/* In memory, what cannot be had whole is not begun. */
	if (v->mnt->type->allocate == NULL && v->ops->reserve != NULL &&
	    v->ops->reserve(v, off, end - off) < end - off)
		return -ENOSPC;
	for (pg = off >> PAGE_SHIFT; r == 0 && pg << PAGE_SHIFT < end; pg++)
		r = thread_is_killed() ? -EINTR : fill_hole(v, pg);
	return r;
}

/* Make all pages of [off, end); the size grows to end if it is below. */
static int
fill_holes(struct vnode *v, uint64_t off, uint64_t end)
{
	uint64_t size = vmo_size(v->vmo);
	int r = seal_resize(v, MAX(end, size));

	if (r == 0 && end > size)
		r = v->ops->resize(v, end);
	if (r == 0)
		r = fill_range(v, off, end);
	if (r != 0 && vmo_size(v->vmo) > size && v->ops->resize(v, size) != 0)
		klog("fs: a file could not be cut back to %lu", size);
	return r;
}

/*
 * Make all pages of [off, end), also where the file does not reach: there they
 * wait for it to grow.  On a disk e2fsck would take them for a wrong size.
 */
static int
fill_kept(struct vnode *v, uint64_t off, uint64_t end)
{
	uint64_t behind = MAX(off, PAGE_UP(vmo_size(v->vmo)));
	int r = seal_resize(v, MAX(end, vmo_size(v->vmo)));

	if (r != 0)
		return r;
	if (behind < end && v->mnt->type->allocate != NULL)
		return -EOPNOTSUPP;
	r = fill_range(v, off, end);
	if (r != 0 && behind < end &&
	    vmo_punch(v->vmo, behind, end - behind) != 0)
		klog("fs: pages behind an end could not be freed");
	return r;
}
