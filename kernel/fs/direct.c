/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * direct.c: O_DIRECT of a file on a disk
 *
 * Problem   A program that keeps a cache of its own (a database) wants the bytes on
 *           the disk when its write returns, and no second copy of them in memory;
 *           others read and map the same file by its pages.
 *
 * Picture   read:  pages ─→ user, then they are dropped
 *           write: user ─→ pages ─→ disk, then they are dropped
 *
 * Rules     1. Place, length and address of each piece are whole sectors, as on
 *              Linux: a program that satisfies Linux's disks runs here.
 *           2. The bytes go through the pages all the same: so a reader or a mapping
 *              of the file sees what was written last, by either way.
 *           3. Only the data are written.  fsync writes the size, the times and the
 *              blocks' numbers, without which they are not found after a power cut.
 *           4. The pages of the range are dropped, also for programs that had them
 *              in memory before: they read them again.
 *
 * Read next file.c.  Disks themselves: blkfile.c, rule 5.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"

/* Does v take O_DIRECT when it is opened? */
bool
vn_takes_direct(const struct vnode *v)
{
	return v->type == S_IFBLK ||
	    (v->type == S_IFREG && v->mnt->type->takes_direct);
}

/* And as F_SETFL gives it: in a pipe each write is a packet. */
bool
file_takes_direct(const struct file *f)
{
	return f->vn->type == S_IFIFO || vn_takes_direct(f->vn);
}

/* Rule 1; the kernel's own buffers lie where they want.  0, -EINVAL. */
int
direct_check(uint64_t off, const struct uio *u)
{
	uint64_t bits = off | u->left;
	unsigned i;

	for (i = 0; u->as != NULL && i < u->nvec; i++)
		bits |= u->vec[i].base | u->vec[i].len;
	return bits % SECTOR_SIZE != 0 ? -EINVAL : 0;
}

static uint64_t
page_behind(uint64_t off, ssize_t n)
{
	return PAGE_UP(off + (uint64_t)n) >> PAGE_SHIFT;
}

/*
 * Read v at off; at its end nothing is asked of the buffer.
 *
 * Locks:    vnode->lock held for reading.
 * Returns:  bytes, -EINVAL, what reading gives.
 */
ssize_t
direct_read(struct vnode *v, uint64_t off, struct uio *u)
{
	ssize_t n;

	HELD_SHARED(&v->lock);
	n = off < vmo_size(v->vmo) ? direct_check(off, u) : 0;
	if (n == 0)
		n = vmo_read(v->vmo, off, u);
	if (n > 0)
		vmo_drop_range(v->vmo, off >> PAGE_SHIFT, page_behind(off, n));
	return n;
}

/* n bytes of v at off were written: now they are on the disk.  0, -EIO, -EINTR.
 * Locks: none. */
int
direct_written(struct vnode *v, uint64_t off, ssize_t n)
{
	uint64_t lo = off >> PAGE_SHIFT, hi = page_behind(off, n);
	int r = vmo_sync(v->vmo, lo, hi);

	if (r == 0)
		vmo_drop_range(v->vmo, lo, hi);
	return r;
}
