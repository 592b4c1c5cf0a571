/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.c: an open file: life, position, read, write
 *
 * Problem   A descriptor reads bytes from wherever the file keeps them; reads
 *           and writes at the position move it, and a write is seen whole.
 *
 * Picture   file_read ─┬→ file_ops (pipe, device, /proc text)
 *                      ├→ directory: -EISDIR
 *                      └→ regular: vnode->lock ─ pos_lock ─ vmo_read()
 *
 * Rules     1. A regular file's size is its vmo's, changed under vnode->lock
 *              for writing; a write that grows the file resizes first and
 *              cuts the part again that could not be filled.
 *           2. The last open files of the limit are for root, who has to open
 *              some to see who holds the others.
 *           3. Faults of the user's buffer happen below these locks; a fault
 *              never takes one of them (book: locks R4).
 *
 * Read next direct.c, open.c, vm/object/vmo.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define FILES_MIN 1024ul        /* open files that every machine allows */
#define UNSET UINT64_MAX

static struct kmem_cache file_cache = KMEM_CACHE("file", struct file);

static struct {
	uint64_t open, max;      /* [A] in the system; max set at the first open */
	uint64_t (*fsize)(void); /* [c] RLIMIT_FSIZE of the current process */
	void (*unwatch)(struct file *); /* [c] the last reference is gone */
} files = { .max = UNSET };

static struct waitq alone = WAITQ_INIT(alone); /* for the end of any who is it */

static ssize_t reg_read(struct file *f, const uint64_t *at, struct uio *u);
static ssize_t ops_read(struct file *f, const uint64_t *at, struct uio *u);
static ssize_t reg_write(struct file *f, const uint64_t *at, struct uio *u,
    unsigned flags);
static ssize_t ops_write(struct file *f, const uint64_t *at, struct uio *u);

/* sys/ tells how to find RLIMIT_FSIZE. */
void
fs_set_fsize_fn(uint64_t (*fn)(void))
{
	files.fsize = fn;
}

/* event/ takes the items of f off. */
void
file_set_unwatch_fn(void (*fn)(struct file *))
{
	files.unwatch = fn;
}

/* One open file per 10 KiB of memory, as on Linux. */
uint64_t
files_max(void)
{
	struct phys_stat ps;

	if (atomic_load_relaxed(&files.max) == UNSET) {
		phys_stat(&ps);
		atomic_store(&files.max, MAX(FILES_MIN, ps.total * 4 / 10));
	}
	return atomic_load_relaxed(&files.max);
}

/* /proc/sys/fs/file-nr: in use, free ones that are kept, the limit. */
void
files_show_nr(struct out *out)
{
	out_printf(out, "%lu\t0\t%lu\n", atomic_load(&files.open), files_max());
}

/* /proc/sys/fs/file-max.  0, -EINVAL. */
int
files_set_max(uint64_t n)
{
	if (n > INT64_MAX)
		return -EINVAL;
	atomic_store(&files.max, n);
	return 0;
}

/*
 * A file that is open to nothing yet; root gets one beyond the limit, too.
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 */
int
file_alloc(struct file **out)
{
	bool may = atomic_add(&files.open, 1) <= files_max() || fs_may(CAP_SYS_ADMIN);
	struct file *f = may ? kmem_cache_zalloc(&file_cache) : NULL;

	if (f == NULL) {
		atomic_sub(&files.open, 1);
		return may ? -ENOMEM : -ENFILE;
	}
	f->refs = 1;
	mutex_init(&f->pos_lock, LR_VNODE);
	list_init(&f->items);
	*out = f;
	return 0;
}

struct file *
file_get(struct file *f)
{
	CHECK(atomic_add(&f->refs, 1) > 1);
	return f;
}

/*
 * Drop a reference; the last one closes the file.
 *
 * Locks:    no spin lock, none of LR_VNODE.
 * Context:  may sleep.
 */
void
file_put(struct file *f)
{
	struct vnode *v;

	if (atomic_sub(&f->refs, 1) != 0)
		return;
	v = f->vn;
	if (!list_is_empty(&f->items))
		files.unwatch(f);
	if (v != NULL) {
		file_unlock_owner(f, f);
		if (f->async != NULL)
			async_drop(f);
		if (f->ops != NULL && f->ops->close != NULL)
			f->ops->close(f);
		if (file_can_write(f))
			vn_write_end(v);
		vn_put_last(v);
	}
	kmem_cache_free(&file_cache, f);
	atomic_sub(&files.open, 1);
}

static enum file_seek
seek_kind(const struct file *f)
{
	return f->ops == NULL ? SEEKS_POSITION : f->ops->seek;
}

/* Can it be read at all, and at an offset?  0, -EBADF, -EISDIR, -ESPIPE. */
static int
read_check(const struct file *f, const uint64_t *at)
{
	if (!file_can_read(f))
		return -EBADF;
	if (f->vn->type == S_IFDIR)
		return -EISDIR;
	if (at != NULL && seek_kind(f) < SEEKS_IGNORED)
		return -ESPIPE;
	return f->ops != NULL && f->ops->read == NULL ? -EINVAL : 0;
}

/* Does f want calls with 0 bytes?  Those of a vector are skipped. */
static bool
reads_nothing(const struct file *f, const struct uio *u)
{
	return f->ops != NULL && f->ops->reads_nothing && u->vec == &u->one;
}

static ssize_t
read_any(struct file *f, const uint64_t *at, struct uio *u)
{
	int r = read_check(f, at);

	if (r != 0 || (u->left == 0 && !reads_nothing(f, u)))
		return r;
	return f->ops != NULL ? ops_read(f, at, u) : reg_read(f, at, u);
}

/*
 * read(2) at the position, which moves.
 *
 * Locks:    none held.
 * Returns:  bytes, 0 at the end, -EBADF, -EISDIR, -EAGAIN, -EFAULT, …
 */
ssize_t
file_read(struct file *f, struct uio *u)
{
	return read_any(f, NULL, u);
}

/* pread(2).  Also -ESPIPE. */
ssize_t
file_pread(struct file *f, uint64_t off, struct uio *u)
{
	return read_any(f, &off, u);
}

/* The same into kernel memory. */
ssize_t
file_pread_kernel(struct file *f, uint64_t off, void *buf, size_t n)
{
	struct uio u;

	uio_init_kernel(&u, buf, n);
	return read_any(f, &off, &u);
}

static ssize_t
reg_read_at(struct file *f, uint64_t off, struct uio *u)
{
	if (UNLIKELY((f->flags & O_DIRECT) != 0))
		return direct_read(f->vn, off, u);
	return vmo_read(f->vn->vmo, off, u);
}

static ssize_t
reg_read(struct file *f, const uint64_t *at, struct uio *u)
{
	struct vnode *v = f->vn;
	ssize_t n;

	rw_lock_read(&v->lock);
	if (at == NULL) {
		mutex_lock_nested(&f->pos_lock);
		n = reg_read_at(f, f->pos, u);
		if (n > 0)
			f->pos += (uint64_t)n;
		mutex_unlock(&f->pos_lock);
	} else {
		n = reg_read_at(f, *at, u);
	}
	rw_unlock_read(&v->lock);
	if (n >= 0 && (f->flags & O_NOATIME) == 0)
		vn_touch(v, VN_ATIME);
	return n;
}

static bool
alone_try(struct file *f)
{
	return !atomic_xchg(&f->alone, true);
}

/*
 * One after the other, by the same open file; the position may move meanwhile.  No lock
 * of a rank is held: who has a text made of others' files may be the last to put one.
 *
 * Locks:    none held.
 */
void
file_alone_begin(struct file *f)
{
	if (!alone_try(f))
		(void)wait_until(&alone, WAIT_PLAIN, WAIT_FOREVER, alone_try(f));
}

void
file_alone_end(struct file *f)
{
	atomic_store(&f->alone, false);
	wake_all(&alone);
}

static ssize_t
alone_read(struct file *f, const uint64_t *at, struct uio *u)
{
	uint64_t off;
	ssize_t n;

	file_alone_begin(f);
	off = at != NULL ? *at : file_position(f);
	n = f->ops->read(f, &off, u);
	if (at == NULL)
		file_set_position(f, off);
	file_alone_end(f);
	return n;
}

static ssize_t
ops_read(struct file *f, const uint64_t *at, struct uio *u)
{
	uint64_t off = 0;
	ssize_t n;

	if (f->ops->seek != SEEKS_POSITION)
		return f->ops->read(f, &off, u);
	if (f->ops->reads_alone)
		return alone_read(f, at, u);
	mutex_lock(&f->pos_lock);
	off = at != NULL ? *at : f->pos;
	n = f->ops->read(f, &off, u);
	if (at == NULL)
		f->pos = off;
	mutex_unlock(&f->pos_lock);
	return n;
}

/* Must bytes written to v, and its attributes, be durable at return? */
static bool
vn_is_sync(const struct vnode *v)
{
	return (v->fsflags & FS_SYNC_FL) != 0 || (v->mnt->flags & MS_SYNCHRONOUS) != 0;
}

/*
 * v has changed: make it durable at once, if its mount or inode asks for it.
 *
 * Locks:    none held.
 * Returns:  0, -EIO, what fstype.sync gives.
 */
int
vn_settle(struct vnode *v)
{
	if (v->mnt->type->sync == NULL || !vn_is_sync(v))
		return 0;
	return v->mnt->type->sync(v->mnt, v);
}

/* fsync(2): the bytes and the name.  0, -EIO, -EBADF, -EINVAL: not a file. */
int
file_sync(struct file *f)
{
	if ((f->flags & O_PATH) != 0)
		return -EBADF;
	if (f->ops != NULL && f->ops->sync != NULL)
		return f->ops->sync(f);
	if (f->vn->mnt->type->on_demand ||
	    (f->vn->type != S_IFREG && f->vn->type != S_IFDIR))
		return -EINVAL;
	if (f->vn->mnt->type->sync == NULL)
		return 0;
	return f->vn->mnt->type->sync(f->vn->mnt, f->vn);
}

/* Bytes of f have changed; O_SYNC holds the bit of O_DSYNC. */
static int
written_settle(struct file *f, unsigned flags)
{
	if ((flags & O_DSYNC) == 0 && !vn_is_sync(f->vn))
		return 0;
	if (f->ops != NULL ? f->ops->sync == NULL : f->vn->type != S_IFREG)
		return 0;
	return file_sync(f);
}

/*
 * Bytes of f have changed.
 *
 * Locks:    none held.
 * Returns:  0, -EIO, what fsync gives.
 */
int
file_settle(struct file *f)
{
	return written_settle(f, f->flags);
}

/* The same of a write. */
static bool
writes_nothing(const struct file *f, const struct uio *u)
{
	return f->ops != NULL && f->ops->writes_nothing && u->vec == &u->one;
}

/*
 * pwritev2(2): at *at, or where the position is (NULL), with these flags of open(2)
 * besides its own: O_APPEND, O_DSYNC.  f can be written, where there is an offset by it.
 *
 * Locks:    none held.
 * Returns:  bytes, -ENOSPC, -EFBIG, -EPIPE (it was signalled), …
 */
ssize_t
file_write_as(struct file *f, const uint64_t *at, struct uio *u, unsigned flags)
{
	ssize_t n;
	int r;

	ASSERT(file_can_write(f) && (at == NULL || seek_kind(f) >= SEEKS_IGNORED));
	if (f->ops != NULL && f->ops->write == NULL)
		return -EINVAL;
	if (u->left == 0 && !writes_nothing(f, u))
		return 0;
	flags |= f->flags;
	n = f->ops != NULL ? ops_write(f, at, u) : reg_write(f, at, u, flags);
	r = n > 0 ? written_settle(f, flags) : 0;
	return r != 0 ? r : n;
}

/* write(2) at the position or, O_APPEND, at the end. */
ssize_t
file_write(struct file *f, struct uio *u)
{
	return file_write_as(f, NULL, u, 0);
}

/* pwrite(2). */
ssize_t
file_pwrite(struct file *f, uint64_t off, struct uio *u)
{
	return file_write_as(f, &off, u, 0);
}

/* Grow or shrink; the caller holds vnode->lock for writing. */
static int
resize_locked(struct vnode *v, uint64_t bytes)
{
	int r = seal_resize(v, bytes);

	HELD(&v->lock);
	if (v->ops->resize == NULL)
		return -EINVAL;
	if (v->swapped_to && bytes < vmo_size(v->vmo))
		return -ETXTBSY;
	return r != 0 ? r : v->ops->resize(v, bytes);
}

/* Where a file of v's file system ends at the latest. */
static uint64_t
last_end(const struct vnode *v)
{
	return v->mnt->max_bytes != 0 ? v->mnt->max_bytes : FILE_MAX_BYTES;
}

/* How many of n bytes may be written at off; 0 or -EFBIG, -ENOSPC. */
static ssize_t
write_room(struct vnode *v, uint64_t off, uint64_t n)
{
	uint64_t limit = last_end(v);
	ssize_t sealed;

	if (files.fsize != NULL)
		limit = MIN(limit, files.fsize());
	if (off >= limit)
		return -EFBIG;
	sealed = seal_write(v, off, MIN(n, limit - off));
	if (sealed <= 0)
		return sealed;
	n = (uint64_t)sealed;
	if (v->ops->reserve != NULL)
		n = v->ops->reserve(v, off, n);
	return n == 0 ? -ENOSPC : (ssize_t)n;
}

/* Write room bytes of u at off; the file grows first, and back where it fails. */
static ssize_t
write_grown(struct vnode *v, uint64_t off, struct uio *u, ssize_t room)
{
	uint64_t size = vmo_size(v->vmo), end = off + (uint64_t)room, cut;
	ssize_t n;
	int r = 0;

	if (end > size)
		r = resize_locked(v, end);
	if (r != 0)
		return r;
	cut = u->left - (uint64_t)room;
	u->left = (uint64_t)room;
	n = vmo_write(v->vmo, off, u);
	u->left += cut;
	if (end > size && n < room)
		r = v->ops->resize(v, n > 0 ? MAX(size, off + (uint64_t)n) : size);
	return r != 0 && n <= 0 ? r : n;
}

/*
 * The source may be a mapping of v beyond its end, which the write would move:
 * page by page, and the bytes of each are there before the file grows for it.
 */
static ssize_t
write_mapped(struct vnode *v, uint64_t off, struct uio *u, ssize_t room)
{
	char *page = kmem_alloc(PAGE_SIZE);
	struct uio part;
	ssize_t done = 0, n = page == NULL ? -ENOMEM : 1;

	while (n > 0 && done < room) {
		n = MIN(room - done, (ssize_t)(PAGE_SIZE - (off & PAGE_MASK)));
		n = uio_get(u, page, (size_t)n);
		if (n <= 0)
			break;
		uio_init_kernel(&part, page, (size_t)n);
		n = write_grown(v, off, &part, n);
		if (n > 0) {
			done += n;
			off += (uint64_t)n;
		}
	}
	kmem_free(page);
	return done > 0 ? done : n;
}

/*
 * Write at off, growing the file if need be (rule 1).
 *
 * Locks:    vnode->lock held for writing.
 */
static ssize_t
write_locked(struct vnode *v, uint64_t off, struct uio *u)
{
	ssize_t room = write_room(v, off, u->left);

	HELD(&v->lock);
	if (v->swapped_to)
		return -ETXTBSY;
	if (room < 0)
		return room;
	return off + (uint64_t)room > vmo_size(v->vmo) &&
	    vmo_mappings(v->vmo, MAPS_ALL) != 0 ?
	    write_mapped(v, off, u, room) : write_grown(v, off, u, room);
}

/* A file that another than root has changed runs with nobody's rights. */
void
vn_strip_setid(struct vnode *v)
{
	if ((vn_mode(v) & (S_ISUID | S_ISGID)) == 0 || fs_may(CAP_FSETID))
		return;
	spin_lock(&v->attr_lock);
	v->perm &= ~vn_lost_setid(fs_cred(), v->perm, v->gid);
	spin_unlock(&v->attr_lock);
}

/*
 * A write to a regular file, at *at or at the position, which it then moves.  With
 * O_APPEND the place is the end: nobody moves that under vnode->lock, so appended pieces
 * never overlap.
 *
 * Locks:    takes vnode->lock for writing, then pos_lock if the position counts.
 */
static ssize_t
reg_write(struct file *f, const uint64_t *at, struct uio *u, unsigned flags)
{
	struct vnode *v = f->vn;
	bool direct = (flags & O_DIRECT) != 0;
	uint64_t off;
	ssize_t n;
	int r = 0;

	rw_lock_write(&v->lock);
	if (at == NULL)
		mutex_lock_nested(&f->pos_lock);
	off = at != NULL ? *at : f->pos;
	if ((flags & O_APPEND) != 0)
		off = vmo_size(v->vmo);
	n = direct ? direct_check(off, u) : 0;
	if (n == 0)
		n = write_locked(v, off, u);
	if (at == NULL) {
		if (n > 0)
			f->pos = off + (uint64_t)n;
		mutex_unlock(&f->pos_lock);
	}
	rw_unlock_write(&v->lock);
	if (n > 0) {
		vn_strip_setid(v);
		vn_touch(v, VN_MTIME | VN_CTIME);
		if (direct)
			r = direct_written(v, off, n);
	}
	return r != 0 ? r : n;
}

static ssize_t
ops_write(struct file *f, const uint64_t *at, struct uio *u)
{
	uint64_t off = 0;
	ssize_t n;

	if (f->ops->seek != SEEKS_POSITION || f->ops->writes_alone)
		return f->ops->write(f, &off, u);
	mutex_lock(&f->pos_lock);
	off = at != NULL ? *at : f->pos;
	n = f->ops->write(f, &off, u);
	if (at == NULL)
		f->pos = off;
	mutex_unlock(&f->pos_lock);
	return n;
}

/* Would v grow to so many bytes, and beyond the caller's RLIMIT_FSIZE? */
bool
vn_is_limited(struct vnode *v, uint64_t bytes)
{
	return files.fsize != NULL && v->vmo != NULL &&
	    bytes > vmo_size(v->vmo) && bytes > files.fsize();
}

/* Set the size of a regular file: truncate, O_TRUNC.  0, -EFBIG, -EINVAL … */
int
vn_resize(struct vnode *v, uint64_t bytes)
{
	int r;

	if (bytes > FILE_MAX_BYTES)
		return -EFBIG;
	if (vn_is_limited(v, bytes))
		return -EFBIG;
	rw_lock_write(&v->lock);
	r = resize_locked(v, bytes);
	rw_unlock_write(&v->lock);
	if (r == 0)
		vn_strip_setid(v);
	return r;
}

/* First byte at or behind off that is data, or hole; a directory (vmo NULL) of so many
 * bytes is all data.  -ENXIO: none. */
static int64_t
seek_data(struct vmo *vmo, uint64_t size, uint64_t off, int whence)
{
	uint64_t pg = off >> PAGE_SHIFT, next;

	if (off >= size)
		return -ENXIO;
	if (vmo == NULL)
		return (int64_t)(whence == SEEK_DATA ? off : size);
	next = vmo_next_page(vmo, pg);
	if (whence == SEEK_DATA) {
		if (next == UINT64_MAX || next << PAGE_SHIFT >= size)
			return -ENXIO;
		return (int64_t)MAX(off, next << PAGE_SHIFT);
	}
	while (next == pg && !thread_is_killed())
		next = vmo_next_page(vmo, ++pg);
	return (int64_t)MIN(size, MAX(off, pg << PAGE_SHIFT));
}

static bool
is_sized(const struct file *f)
{
	return f->ops != NULL && f->ops->size != NULL;
}

/* Has a directory an end to seek from?  Not where its names are in memory only. */
static bool
ends_somewhere(const struct vnode *v)
{
	return v->type == S_IFDIR && (v->inode != NULL || v->mnt->type->on_demand);
}

/* Where the file ends that lseek goes by. */
static uint64_t
seek_end(struct file *f)
{
	if (is_sized(f))
		return f->ops->size(f);
	return f->vn->vmo != NULL ? vmo_size(f->vn->vmo) :
	    atomic_load_relaxed(&f->vn->link_bytes);
}

/* The last position: a disk does not grow; of a directory any may have been told. */
static uint64_t
seek_last(struct file *f)
{
	const struct vnode *v = f->vn;

	if (is_sized(f))
		return f->ops->size(f);
	return v->vmo != NULL && v->mnt->max_bytes != 0 ? v->mnt->max_bytes : INT64_MAX;
}

/* Where lseek goes, from position pos. */
static int64_t
seek_target(struct file *f, uint64_t pos, int64_t off, int whence)
{
	struct vmo *vmo = f->vn->vmo;
	bool ends = vmo != NULL || ends_somewhere(f->vn);
	int64_t base = 0;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = (int64_t)pos;
		break;
	case SEEK_END:
		if (!ends && !is_sized(f))
			return -EINVAL;
		base = (int64_t)seek_end(f);
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (!ends)
			return -EINVAL;
		return off < 0 ? -ENXIO :
		    seek_data(vmo, seek_end(f), (uint64_t)off, whence);
	default:
		return -EINVAL;
	}
	if (off > INT64_MAX - base || base + off < 0 ||
	    (uint64_t)(base + off) > seek_last(f))
		return -EINVAL;
	return base + off;
}

/* lseek(2): the new position; -ESPIPE, -EINVAL, -ENXIO. */
int64_t
file_lseek(struct file *f, int64_t off, int whence)
{
	int64_t r;

	ASSERT((f->flags & O_PATH) == 0);
	if (seek_kind(f) == SEEKS_NEVER)
		return -ESPIPE;
	if (seek_kind(f) != SEEKS_POSITION)
		return f->ops->seek_to != NULL ? f->ops->seek_to(f, off, whence) : 0;
	rw_lock_read(&f->vn->lock);
	mutex_lock_nested(&f->pos_lock);
	r = seek_target(f, f->pos, off, whence);
	if (r >= 0)
		f->pos = (uint64_t)r;
	mutex_unlock(&f->pos_lock);
	rw_unlock_read(&f->vn->lock);
	return r;
}

/* The next read or write begins there. */
void
file_set_position(struct file *f, uint64_t at)
{
	mutex_lock(&f->pos_lock);
	f->pos = at;
	mutex_unlock(&f->pos_lock);
}

/* Where the next read or write begins, unless somebody else's comes first.  No lock. */
uint64_t
file_position(const struct file *f)
{
	return atomic_load_relaxed(&f->pos);
}

/* The same, for who is told of it: what has no position is at 0.  No lock. */
uint64_t
file_told_position(const struct file *f)
{
	return seek_kind(f) == SEEKS_POSITION ? file_position(f) : 0;
}
