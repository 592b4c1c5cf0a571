/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memfd.c: files of memory without a name, and seals on them
 *
 * Problem   Two programs that do not trust each other share memory: the reader
 *           must know that what it has checked cannot be changed or cut away
 *           under its hands.
 *
 * Picture   memfd_create ─→ vnode of tmpfs, in no directory ─→ descriptor
 *           seal SHRINK, GROW: resize;  WRITE: write, new mappings, mprotect
 *
 * Rules     1. Seals are added, never taken away, and SEAL ends that, too.
 *           2. They change under the vnode's lock for writing; a shared mapping
 *              is made with it held for reading, so either the mapping is
 *              counted when WRITE comes, or it sees the seal.
 *           3. A file of tmpfs with a name is born with SEAL.
 *
 * Read next tmpfs.c, file.c, vm/object/vmo.c (vmo_is_mapped_writable).
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"

#define NAME_BYTES 249

#define SEALS_ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | \
	F_SEAL_FUTURE_WRITE)
#define SEALS_WRITE (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

struct mount memfs = { .type = &tmpfs_type };  /* never mounted */

/* At fs_init(). */
void
memfd_init(void)
{
	rw_init(&memfs.tree, LR_VNODE);
	memfs.dev = dev_make(0, 254);
}

/*
 * memfd_create(2): a file that only its descriptors and mappings keep.
 *
 * Returns:  0, -EINVAL (name too long), -ENFILE, -ENOMEM.
 * Owns:     the caller gets the reference.
 */
int
fs_memfd(const char *text, enum memfd_seal seal, struct file **out)
{
	char buf[NAME_BYTES + 8];
	struct vnode *v;
	struct file *f;
	int r;

	if (strlen(text) > NAME_BYTES)
		return -EINVAL;
	snprintf(buf, sizeof(buf), "memfd:%s", text);
	v = tmpfs_nameless(&memfs, buf);
	f = file_alloc();
	r = v == NULL ? -ENOMEM : f == NULL ? -ENFILE : 0;
	if (r == 0 && seal == MEMFD_SEALABLE)
		v->seals = 0;
	if (r == 0)
		r = file_start(f, v, O_RDWR | O_LARGEFILE);
	if (v != NULL)
		vn_put(v);
	if (r == 0)
		*out = f;
	else if (f != NULL)
		file_put(f);
	return r;
}

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
	    vmo_is_mapped_writable(v->vmo))
		r = -EBUSY;
	else
		atomic_store(&v->seals, v->seals | seals);
	if (r == 0 && (v->seals & SEALS_WRITE) != 0)
		vmo_keep_whole(v->vmo);
	rw_unlock_write(&v->lock);
	return r;
}

/* May the size become `bytes`?  0, -EPERM.  Locks: vnode->lock. */
int
seal_resize(const struct vnode *v, uint64_t bytes)
{
	uint64_t size;

	if (!v->sealable)
		return 0;
	size = vmo_size(v->vmo);
	if (bytes < size && (v->seals & F_SEAL_SHRINK) != 0)
		return -EPERM;
	return bytes > size && (v->seals & F_SEAL_GROW) != 0 ? -EPERM : 0;
}

/*
 * How many of n bytes may be written at off: as Linux, whole pages only where
 * the file may not grow.  -EPERM: none.  Locks: vnode->lock.
 */
ssize_t
seal_write(const struct vnode *v, uint64_t off, uint64_t n)
{
	uint64_t size;

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

/* May bytes be changed other than by write?  0, -EPERM.  Locks: vnode->lock. */
int
seal_change(const struct vnode *v)
{
	return v->sealable && (v->seals & SEALS_WRITE) != 0 ? -EPERM : 0;
}

/*
 * A shared mapping of f is going to be made.
 *
 * Locks:    on success the vnode's, for reading, until file_map_end().
 * Returns:  0, *maxprot without PROT_W where that is sealed; -EPERM; -ETXTBSY
 *           where pages are swapped to the file.
 */
int
file_map_begin(struct file *f, unsigned prot, unsigned *maxprot)
{
	int r = -EPERM;

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
