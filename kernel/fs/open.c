/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open.c: from a path and flags to an open file
 *
 * Problem   open() finds or makes a file, checks it, and may empty it; and two
 *           openers with O_CREAT may race for one name.
 *
 * Picture   file_alloc → open_find ─┬→ exists: open_check ─┬→ file_start → truncate
 *                ↑ -EEXIST (race)   └→ missing: create ────┘
 *                └──────────────────────────┘
 *
 * Rules     1. A file that this call made is not checked against its own mode.
 *           2. O_TRUNC is the last step, when nothing else can fail.
 *           3. O_PATH opens nothing: no rights, no device, no FIFO.
 *
 * Read next file.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define OPEN_TRIES 16   /* races for one name, lost in a row */

/* The state of one open(). */
struct open_req {
	const struct path_at *at;
	unsigned flags, mode;
	struct walk w;
	struct vnode *vn;       /* found or made; referenced */
	bool made;
};

static int open_find(struct open_req *o);
static int open_create(struct open_req *o);
static int open_check(struct open_req *o);
static int open_begin(struct open_req *o, struct file *f);

/* Bits that mean nothing without O_PATH, or contradict each other. */
static int
flags_check(unsigned *flags)
{
	unsigned acc = *flags & O_ACCMODE;

	if ((*flags & O_PATH) != 0) {
		*flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
		return 0;
	}
	if ((*flags & O_TMPFILE & ~O_DIRECTORY) != 0 &&
	    (*flags & O_DIRECTORY) == 0)
		return -EINVAL;
	if ((*flags & O_TMPFILE) == O_TMPFILE)
		return (*flags & O_CREAT) != 0 || acc == O_RDONLY ? -EINVAL : 0;
	if ((*flags & O_CREAT) != 0 && (*flags & O_DIRECTORY) != 0)
		return -EINVAL;
	return 0;
}

/* Do these flags go together?  0, -EINVAL. */
int
fs_open_check(unsigned flags)
{
	return flags_check(&flags);
}

/*
 * open(2).
 *
 * Locks:    none held.
 * Context:  may sleep, for a FIFO until the other end comes.
 * Returns:  0 and a file with one reference; -errno (book: abi 6).
 */
int
fs_open(const struct path_at *at, unsigned flags, unsigned mode,
    struct file **out)
{
	struct open_req o = { .at = at, .flags = flags, .mode = mode };
	struct file *f;
	int r, tries = 0;

	r = flags_check(&o.flags);
	if (r != 0)
		return r;
	r = file_alloc(&f);
	if (r != 0)
		return r;
	do
		r = open_find(&o);
	while (r == -EEXIST && (o.flags & O_EXCL) == 0 && ++tries < OPEN_TRIES);
	if (r == 0) {
		r = open_begin(&o, f);
		vn_put(o.vn);
	}
	if (r != 0) {
		file_put(f);
		return r;
	}
	*out = f;
	return 0;
}

/* open(2) for the kernel itself: exec, init, console. */
int
file_open_path(const char *path, unsigned flags, unsigned mode,
    struct file **out)
{
	const struct path_at at = { .path = path };

	return fs_open(&at, flags, mode, out);
}

/*
 * O_CREAT found what the directory's owner has not made, nor this user, where all may
 * make names and none may take another's away: as on Linux no device, socket or link.
 */
static bool
is_strangers(const struct walk *w)
{
	uint32_t mode = vn_mode(w->dir), uid = atomic_load_relaxed(&w->vn->uid);

	return (mode & (S_ISVTX | 0002)) == (S_ISVTX | 0002) &&
	    w->vn->type != S_IFREG && w->vn->type != S_IFIFO &&
	    uid != atomic_load_relaxed(&w->dir->uid) && uid != w->cred->fsuid;
}

/* Look up, make if wanted and missing; o->vn gets a reference. */
static int
open_find(struct open_req *o)
{
	unsigned walk = 0;
	int r;

	o->w = (struct walk){ 0 };
	o->made = false;
	if ((o->flags & O_NOFOLLOW) != 0 ||
	    (o->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		walk |= WALK_NOFOLLOW;
	if ((o->flags & O_CREAT) != 0)
		walk |= WALK_PARENT;
	r = walk_path(&o->w, o->at, walk);
	if (r != 0)
		return r;
	if (o->w.vn == NULL || (o->flags & O_TMPFILE) == O_TMPFILE)
		r = open_create(o);
	else if ((o->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		r = -EEXIST;
	else if (o->w.vn->type == S_IFDIR && (o->flags & O_CREAT) != 0)
		r = -EISDIR;
	else if ((o->flags & O_CREAT) != 0 && is_strangers(&o->w))
		r = -EACCES;
	if (r == 0 && o->vn == NULL) {
		o->vn = o->w.vn;
		vn_get(o->vn);
	}
	walk_end(&o->w);
	return r;
}

/* Make the missing regular file, or a nameless one in the directory found. */
static int
open_create(struct open_req *o)
{
	struct vn_new n = { .name = o->w.last,
		.mode = S_IFREG | (o->mode & S_PERM) };
	int r;

	if (o->w.vn != NULL) {
		if (o->w.vn->type != S_IFDIR)
			return -ENOTDIR;
		vn_put(o->w.dir);
		o->w.dir = o->w.vn;
		o->w.vn = NULL;
		n.name.len = 0;
	}
	r = names_create(&o->w, &n, &o->vn);
	if (r == -EPERM && (o->flags & O_TMPFILE) == O_TMPFILE)
		r = -EOPNOTSUPP;
	o->made = r == 0;
	/* A file without a name that may never get one. */
	if (o->made && n.name.len == 0 && (o->flags & O_EXCL) != 0)
		o->vn->nameless = false;
	return r;
}

/* Which rights an open file of these flags needs. */
static unsigned
rights_of(unsigned flags)
{
	static const unsigned by_mode[] = { VN_R, VN_W, VN_R | VN_W, VN_R | VN_W };
	unsigned want = by_mode[flags & O_ACCMODE];

	return (flags & O_TRUNC) != 0 ? want | VN_W : want;
}

/* May the file that exists be opened so? */
static int
open_check(struct open_req *o)
{
	struct vnode *v = o->vn;
	unsigned want = rights_of(o->flags);
	int r = 0;

	if ((o->flags & O_DIRECTORY) != 0 && v->type != S_IFDIR &&
	    (o->flags & O_TMPFILE) != O_TMPFILE)
		return -ENOTDIR;
	if ((o->flags & O_PATH) != 0)
		return 0;
	if (v->type == S_IFLNK)
		return -ELOOP;
	if (v->type == S_IFDIR && (want & VN_W) != 0)
		return -EISDIR;
	if (!o->made) {
		r = vn_permit(v, fs_cred(), want);
		if (r == 0 && (v->fsflags & FS_APPEND_FL) != 0 && (want & VN_W) != 0 &&
		    (o->flags & (O_APPEND | O_TRUNC)) != O_APPEND)
			r = -EPERM;
		if (r == 0 && (o->flags & O_NOATIME) != 0 &&
		    !vn_is_owner(v, fs_cred()))
			r = -EPERM;
	}
	if (r == 0 && (o->flags & O_DIRECT) != 0 && !vn_takes_direct(v))
		r = -EINVAL;
	return r;
}

/* The part of opening that depends on the type. */
static int
start_type(struct file *f, struct vnode *v, unsigned flags)
{
	switch (v->type) {
	case S_IFCHR:
		return (v->mnt->flags & MS_NODEV) != 0 ? -EACCES :
		    devfs_opened(v, f, flags);
	case S_IFIFO:
		return pipe_opened(v, f);
	case S_IFBLK:
		return (v->mnt->flags & MS_NODEV) != 0 ? -EACCES :
		    blkfile_opened(v, f);
	case S_IFSOCK:
		return -ENXIO;
	}
	return v->ops->opened != NULL ? v->ops->opened(v, f) : 0;
}

/*
 * f becomes an open file of v; rights were checked.
 *
 * Context:  may sleep (FIFO).
 * Returns:  0, -ETXTBSY, -ENXIO, -ENOMEM, -ERESTARTSYS (FIFO).
 * Owns:     f gets its own reference to v, on success only.
 */
int
file_start(struct file *f, struct vnode *v, unsigned flags)
{
	int r = 0;

	f->flags = flags & ~(unsigned)(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY |
	    O_CLOEXEC);
	if ((flags & O_PATH) == 0) {
		f->ops = v->fops;
		if (file_can_write(f))
			r = vn_write_begin(v);
		if (r != 0)
			return r;
		r = start_type(f, v, flags);
		if (r != 0)
			goto undo_write;
	}
	vn_get(v);
	f->vn = v;
	return 0;

undo_write:
	if (file_can_write(f))
		vn_write_end(v);
	return r;
}

/*
 * An open file of v, to which rights were checked.
 *
 * Context:  may sleep.
 * Returns:  0, -ENFILE, -ENOMEM, what file_start() gives.
 * Owns:     the caller gets the reference to the file, and keeps that to v.
 */
int
file_open_vnode(struct vnode *v, unsigned flags, struct file **out)
{
	struct file *f;
	int r = file_alloc(&f);

	if (r != 0)
		return r;
	r = file_start(f, v, flags);
	if (r == 0)
		*out = f;
	else
		file_put(f);
	return r;
}

/* Checks, the type's own opening, and O_TRUNC. */
static int
open_begin(struct open_req *o, struct file *f)
{
	struct vnode *v = o->vn;
	int r = open_check(o);

	if (r != 0)
		return r;
	r = file_start(f, v, o->flags);
	if (r != 0 || (o->flags & (O_TRUNC | O_PATH)) != O_TRUNC ||
	    v->type != S_IFREG || o->made)
		return r;
	if ((o->flags & O_ACCMODE) == O_RDONLY) {
		r = vn_write_begin(v);
		if (r != 0)
			return r;
	}
	if (v->ops->resize != NULL)
		r = vn_resize(v, 0);
	if ((o->flags & O_ACCMODE) == O_RDONLY)
		vn_write_end(v);
	if (r != 0)
		return r;
	vn_touch(v, VN_MTIME | VN_CTIME);
	return vn_settle(v);
}
