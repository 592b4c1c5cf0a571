/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seal.c: seals on files in memory
 *
 * Problem   A program that maps another's file must be sure that it is not cut or
 *           changed meanwhile: F_ADD_SEALS, and what each seal forbids.
 *
 * Picture   seal SHRINK, GROW: resize;  WRITE: write, new mappings, mprotect
 *
 * Rules     1. Seals are added, never taken away, and SEAL ends that, too.
 *           2. They change under the vnode's lock for writing; a shared mapping
 *              is made with it held for reading, so either the mapping is
 *              counted when WRITE comes, or it sees the seal.
 *           3. A file of tmpfs with a name is born with SEAL.
 *
 * Read next memfd.c, file.c, vm/object/maplink.c (vmo_mappings).
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"

#define SEALS_ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | \
	F_SEAL_FUTURE_WRITE)
#define SEALS_WRITE (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

/* F_GET_SEALS.  -EINVAL: a file that has none. */
int
file_seals(struct file *f)
{
	return f->vn->sealable ? (int)atomic_load(&f->vn->seals) : -EINVAL;
}

/*
 * F_ADD_SEALS.
 *
 * Returns:  0; -EINVAL, -EPERM (sealed against that, or not open for writing),
 *           -EBUSY (mapped writable).
 */
int
file_add_seals(struct file *f, unsigned seals)
{
	struct vnode *v = f->vn;
	int r = 0;

	if ((f->flags & O_ACCMODE) != O_RDWR &&
	    (f->flags & O_ACCMODE) != O_WRONLY)
		return -EPERM;
	if ((seals & ~SEALS_ALL) != 0 || !v->sealable)
		return -EINVAL;
	rw_lock_write(&v->lock);
	if ((v->seals & F_SEAL_SEAL) != 0)
		r = -EPERM;
	else if ((seals & ~v->seals & F_SEAL_WRITE) != 0 &&
	    vmo_mappings(v->vmo, MAPS_WRITABLE) != 0)
		r = -EBUSY;
	else
		atomic_store(&v->seals, v->seals | seals);
	if (r == 0 && (v->seals & SEALS_WRITE) != 0)
		vmo_keep_whole(v->vmo);
	rw_unlock_write(&v->lock);
	return r;
}

/* May the size become `bytes`?  0, -EPERM.  Locks: vnode->lock held for writing. */
int
seal_resize(const struct vnode *v, uint64_t bytes)
{
	uint64_t size;

	HELD(&v->lock);
	if (!v->sealable)
		return 0;
	size = vmo_size(v->vmo);
	if (bytes < size && (v->seals & F_SEAL_SHRINK) != 0)
		return -EPERM;
	return bytes > size && (v->seals & F_SEAL_GROW) != 0 ? -EPERM : 0;
}

/*
 * How many of n bytes may be written at off: as Linux, whole pages only where
 * the file may not grow.  -EPERM: none.  Locks: vnode->lock held for writing.
 */
ssize_t
seal_write(const struct vnode *v, uint64_t off, uint64_t n)
{
	uint64_t size;

	HELD(&v->lock);
	if (!v->sealable)
		return (ssize_t)n;
	if ((v->seals & SEALS_WRITE) != 0)
		return -EPERM;
	size = vmo_size(v->vmo);
	if ((v->seals & F_SEAL_GROW) == 0 || off + n <= size)
		return (ssize_t)n;
	size = PAGE_DOWN(size);
	return off < size ? (ssize_t)(size - off) : -EPERM;
}

/* May bytes be changed other than by write?  0, -EPERM.  Locks: vnode->lock held for reading. */
int
seal_change(const struct vnode *v)
{
	HELD_SHARED(&v->lock);
	return v->sealable && (v->seals & SEALS_WRITE) != 0 ? -EPERM : 0;
}

/*
 * A shared mapping of f is going to be made.
 *
 * Locks:    on success the vnode's, for reading, until file_map_end().
 * Returns:  0, *maxprot without PROT_W where that is sealed; -EPERM; -EACCES
 *           where f would only append; -ETXTBSY
 *           where pages are swapped to the file.
 */
int
file_map_begin(struct file *f, unsigned prot, unsigned *maxprot)
{
	int r = -EPERM;

	if ((f->vn->fsflags & FS_APPEND_FL) != 0 && file_can_write(f))
		return -EACCES;
	rw_lock_read(&f->vn->lock);
	if (f->vn->swapped_to && (*maxprot & PROT_W) != 0)
		r = -ETXTBSY;
	else if (seal_change(f->vn) == 0)
		return 0;
	*maxprot &= ~(unsigned)PROT_W;
	if (r == -EPERM && (prot & PROT_W) == 0)
		return 0;
	rw_unlock_read(&f->vn->lock);
	return r;
}

void
file_map_end(struct file *f)
{
	rw_unlock_read(&f->vn->lock);
}
