/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fileinfo.c: smaller operations on an open file
 *
 * Problem   exec, mmap, fcntl, getdents, sync and sendfile need more of a file
 *           than reading and writing.
 *
 * Rules     1. Of these operations only getdents and sendfile change the
 *              position.
 *           2. If several threads list a directory by one open file, they do so one
 *              after the other, and each name is returned to one of them.
 *
 * Read next file.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define SPLICE_BYTES 32768ul

/* The object to map, without a reference; NULL: it cannot be mapped. */
struct vmo *
file_vmo(struct file *f)
{
	ASSERT((f->flags & O_PATH) == 0);
	if (f->ops != NULL && f->ops->vmo != NULL)
		return f->ops->vmo(f);
	return f->vn->vmo;
}

/* The vnode of an open file, with a reference. */
struct vnode *
file_vnode(struct file *f)
{
	vn_get(f->vn);
	return f->vn;
}

/* The file of f was mapped: its access time changes as by a read. */
void
file_touch_mapped(struct file *f)
{
	if (f->vn->vmo != NULL && (f->flags & O_NOATIME) == 0)
		vn_touch(f->vn, VN_ATIME);
}

uint64_t
file_size(struct file *f)
{
	return f->vn->vmo != NULL ? vmo_size(f->vn->vmo) : 0;
}

/* As F_GETFL shows them. */
unsigned
file_flags(struct file *f)
{
	return atomic_load_relaxed(&f->flags);
}

/* F_SETFL: only these change; O_ASYNC by async.c.  O_DIRECT: where open() takes it. */
void
file_set_flags(struct file *f, unsigned flags)
{
	const unsigned may = O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT;
	unsigned old = atomic_load(&f->flags);

	while (!atomic_cas(&f->flags, &old, (old & ~may) | (flags & may)))
		;
}

uint32_t
file_mode(struct file *f)
{
	return vn_mode(f->vn);
}

uint32_t
file_uid(struct file *f)
{
	return atomic_load_relaxed(&f->vn->uid);
}

/* A chown clears set-id bits: a mode from before it with an owner from after it would
 * give rights that nobody has granted.  Locks: takes attr_lock. */
struct file_rights
file_rights(struct file *f)
{
	struct vnode *v = f->vn;
	struct file_rights r;

	spin_lock(&v->attr_lock);
	r = (struct file_rights){ v->type | v->perm, v->uid, v->gid };
	spin_unlock(&v->attr_lock);
	return r;
}

bool
file_is_path(struct file *f)
{
	return (f->flags & O_PATH) != 0;
}

/* Is it /dev/zero, whose mapping is anonymous memory? */
bool
file_is_zero_device(struct file *f)
{
	struct chr_dev *d = devfs_device(f);

	return d != NULL && d->is_zero;
}

/* Does lseek work on it? */
bool
file_is_seekable(struct file *f)
{
	return f->ops == NULL || f->ops->seek >= SEEKS_IGNORED;
}

/* Which flags of one call it knows. */
enum file_knows
file_knows(const struct file *f)
{
	return f->knows;
}

/* Can f be read, written, at all? */
bool
file_has_read(const struct file *f)
{
	return f->ops == NULL || f->ops->read != NULL;
}

bool
file_has_write(const struct file *f)
{
	return f->ops == NULL || f->ops->write != NULL;
}

/* Are both names of one mount? */
bool
file_same_mount(const struct file *a, const struct file *b)
{
	return a->vn->mnt == b->vn->mnt;
}

/* Is it on a mount from which nothing may be executed? */
bool
file_is_noexec(struct file *f)
{
	return (f->vn->mnt->flags & MS_NOEXEC) != 0;
}

/* May it be executed?  0, -EACCES (no x bit, no regular file, noexec). */
int
file_check_exec(struct file *f)
{
	if (f->vn->type != S_IFREG || f->vn->vmo == NULL || file_is_noexec(f))
		return -EACCES;
	return vn_permit(f->vn, fs_cred(), VN_X);
}

/*
 * The path of an open file, or what /proc shows instead: "pipe:[7]".
 *
 * Returns:  length, -ENAMETOOLONG.
 */
ssize_t
file_path(struct file *f, char *buf, size_t cap)
{
	struct vnode *v = f->vn;
	int n;

	if (v->type == S_IFIFO && v->mnt->root == NULL)
		n = snprintf(buf, cap, "pipe:[%lu]", v->ino);
	else if (v->type == S_IFSOCK && v->mnt->root == NULL)
		n = snprintf(buf, cap, "socket:[%lu]", v->ino);
	else if (f->ops != NULL && f->ops->name != NULL)
		n = snprintf(buf, cap, "anon_inode:%s", f->ops->name);
	else
		return vnode_path(v, buf, cap);
	return (size_t)n < cap ? n : -ENAMETOOLONG;
}

/*
 * Bits that hold now, and the list of their watches.  A file without a poll function is
 * always ready.
 */
unsigned
file_poll(struct file *f, struct ready **at)
{
	*at = NULL; /* of a device that is always ready nobody says more */
	if (f->ops != NULL && f->ops->poll != NULL)
		return f->ops->poll(f, at);
	return (f->flags & O_PATH) != 0 ? POLLNVAL : POLL_RD | POLL_WR;
}

/* Does it have something to wait for?  epoll takes no other. */
bool
file_can_wait(const struct file *f)
{
	struct chr_dev *d = devfs_device(f);

	return f->ops != NULL && f->ops->poll != NULL &&
	    (d == NULL || d->is_log || d->ops->poll != NULL);
}

/*
 * O_ASYNC of f, called fd, goes on or off.
 *
 * Locks:    none held.
 * Returns:  0 (also when it was so), -ENOTTY: it tells nobody that it is ready, or as
 *           eventfd and its kin not by signals; -ENOMEM.
 */
int
file_set_async(struct file *f, int fd, bool on)
{
	struct ready *at = NULL;

	if (((file_flags(f) & O_ASYNC) != 0) == on)
		return 0;
	if (file_can_wait(f) && f->ops->name == NULL)
		file_poll(f, &at);
	return at == NULL ? -ENOTTY : async_switch(f, fd, at, on);
}

/* The requests of ioctl(2) that are not generic.  -ENOTTY: unknown. */
int64_t
file_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	if (f->ops == NULL || f->ops->ioctl == NULL)
		return -ENOTTY;
	return f->ops->ioctl(f, cmd, arg);
}

/*
 * getdents64(2): entries from the position on, which moves behind the last
 * one that sink took.
 *
 * Locks:    the tree lock is held while sink runs: it may copy to the user,
 *           nothing else.
 * Returns:  0, -ENOTDIR, -EBADF, -ENOENT (removed).
 */
int
file_readdir(struct file *f, struct dirsink *sink)
{
	struct vnode *v = f->vn;
	uint64_t pos;
	int r;

	if ((f->flags & O_PATH) != 0)
		return -EBADF;
	if (v->type != S_IFDIR || v->ops->readdir == NULL)
		return -ENOTDIR;
	file_alone_begin(f);
	pos = file_position(f);
	tree_lock_read(v->mnt);
	r = v->nlink == 0 ? -ENOENT : v->ops->readdir(v, &pos, sink);
	tree_unlock_read(v->mnt);
	file_set_position(f, pos);
	file_alone_end(f);
	if (r == 0 && (f->flags & O_NOATIME) == 0)
		vn_touch(v, VN_ATIME);
	return r;
}

/* sync(2), or syncfs(2) of the file system where f is.  0, -EIO. */
int
fs_sync(struct file *f)
{
	int r, disks;

	if (f == NULL) {
		r = mounts_sync();
		disks = blkfiles_sync();
		return r != 0 ? r : disks;
	}
	if (f->vn->mnt->type->sync == NULL)
		return 0;
	return f->vn->mnt->type->sync(f->vn->mnt, NULL);
}

/* What can be moved without a buffer of the user's: a file, or what has no end. */
static int
splice_check(const struct file *in)
{
	struct chr_dev *d = devfs_device(in);

	return in->vn->type == S_IFREG || (d != NULL && d->is_endless) ? 0 : -EINVAL;
}

struct splice {
	const struct splice_call *c;
	uint64_t pos;            /* in c->in */
	char *buf;
	size_t size;
};

/* One piece of at most n bytes.  Bytes that arrived in out, or -errno. */
static ssize_t
splice_piece(struct splice *s, size_t n)
{
	struct file *out = s->c->out;
	ssize_t got;

	n = MIN(n, s->size);
	if (out->ops != NULL) /* a socket: each page of in is a message */
		n = MIN(n, PAGE_SIZE - (s->pos & PAGE_MASK));
	got = file_pread_kernel(s->c->in, s->pos, s->buf, n);
	if (got <= 0)
		return got;
	if (!file_takes_splice(out))
		return -EINVAL;
	got = file_put_at(out, s->c->out_off, s->buf, (size_t)got);
	s->pos += (uint64_t)MAX(got, 0);
	return got;
}

/* Pieces, until one ends it.  Bytes, or -errno; c->end as below. */
static ssize_t
splice_pieces(struct splice *s, struct splice_call *c)
{
	size_t done = 0;
	ssize_t r = 0;

	s->size = MIN(c->n, SPLICE_BYTES);
	s->buf = kmem_alloc(s->size);
	if (s->buf == NULL && s->size > PAGE_SIZE) /* adjacent frames are rare */
		s->buf = kmem_alloc(s->size = PAGE_SIZE);
	if (s->buf == NULL)
		return -ENOMEM;
	do {
		r = splice_piece(s, c->n - done);
		done += r > 0 ? (size_t)r : 0;
	} while (r > 0 && done < c->n && !splice_is_ended(done, (size_t)r));
	kmem_free(s->buf);
	c->end = r < 0 ? (int)r : 0;
	return done > 0 ? (ssize_t)done : r;
}

/*
 * sendfile(2), copy_file_range(2): up to n bytes from in, which must be
 * seekable so that nothing is lost when out, no pipe, takes less than was read.
 *
 * Returns:  bytes, -EINVAL, -EBADF, and what reading and writing give; c->end:
 *           that error, or 0, also where some bytes were moved before.
 */
ssize_t
file_splice(struct splice_call *c)
{
	struct file *in = c->in;
	struct splice s = { .c = c,
		.pos = c->in_off != NULL ? *c->in_off : file_position(in) };
	ssize_t r = 0;

	c->end = 0;
	if (c->n != 0 || (in->ops != NULL && in->ops->seek == SEEKS_NEVER))
		r = splice_check(in);
	if (r != 0 || c->n == 0)
		return r;
	r = splice_pieces(&s, c);
	if (c->in_off != NULL)
		*c->in_off = s.pos;
	else
		file_set_position(in, s.pos);
	return r;
}
