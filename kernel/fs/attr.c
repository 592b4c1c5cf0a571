/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attr.c: attributes of a file: reading them, and who may change them
 *
 * Problem   Mode, owner, times and size have each their own rule of who may
 *           set them, and some of them change others (chown clears set-id).
 *
 * Rules     1. All checks of one call come before its first effect, and nothing may
 *              change in between: an owner who lost his file there would give
 *              away rights of the new owner.
 *           2. vnode->lock, held for writing, ensures that; a reader of attributes
 *              takes attr_lock only.
 *           3. The size is a call of its own, which needs the right to write.
 *
 * Read next vnode.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"


static int attr_check(struct vnode *v, const struct kattr *a);
static void attr_apply(struct vnode *v, const struct kattr *a);

/* Fill in all but the fields from the file system. */
void
vn_stat(struct vnode *v, struct kstat *st)
{
	memset(st, 0, sizeof(*st));
	st->dev = v->mnt->dev;
	st->mount = v->mnt->id;
	st->ino = v->ino;
	st->rdev = v->rdev;
	st->nlink = v->mnt->type->links != NULL ? v->mnt->type->links(v) :
	    atomic_load_relaxed(&v->nlink);
	st->blksize = v->mnt->block != 0 ? v->mnt->block : PAGE_SIZE;
	st->is_root = v == v->mnt->root;
	st->fsflags = v->fsflags;
	st->fsflags_kept = v->mnt->type->flags_kept;
	st->blocks = atomic_load_relaxed(&v->sectors);
	if (v->vmo != NULL) {
		st->size = vmo_size(v->vmo);
		if (v->inode == NULL)
			st->blocks = vmo_pages(v->vmo) * (PAGE_SIZE / 512);
	} else {
		st->size = v->link_bytes;
	}
	spin_lock(&v->attr_lock);
	st->mode = v->type | v->perm;
	st->uid = v->uid;
	st->gid = v->gid;
	st->atime = v->atime;
	st->mtime = v->mtime;
	st->ctime = v->ctime;
	st->btime = v->btime;
	spin_unlock(&v->attr_lock);
}

/* WALK_* for the calls that take AT_SYMLINK_NOFOLLOW. */
static unsigned
walk_flags_of(const struct path_at *at)
{
	return (at->flags & AT_SYMLINK_NOFOLLOW) != 0 ? WALK_NOFOLLOW : 0;
}

/* stat(2), lstat(2) (AT_SYMLINK_NOFOLLOW), and with AT_EMPTY_PATH fstat(2). */
int
fs_stat(const struct path_at *at, struct kstat *st)
{
	struct walk w = { 0 };
	int r = walk_path(&w, at, walk_flags_of(at));

	if (r != 0)
		return r;
	vn_stat(w.vn, st);
	walk_end(&w);
	return 0;
}

int
file_stat(struct file *f, struct kstat *st)
{
	vn_stat(f->vn, st);
	return 0;
}

int
fs_statfs(const struct path_at *at, struct kstatfs *st)
{
	struct walk w = { 0 };
	int r = walk_path(&w, at, walk_flags_of(at));

	if (r != 0)
		return r;
	mount_statfs(w.vn->mnt, st);
	walk_end(&w);
	return 0;
}

int
file_statfs(struct file *f, struct kstatfs *st)
{
	mount_statfs(f->vn->mnt, st);
	return 0;
}

/*
 * access(2): checked by the real ids, with AT_EACCESS by the effective ones.
 *
 * Returns:  0, -EACCES, -EROFS, and what lookup gives.
 */
int
fs_access(const struct path_at *at, unsigned want)
{
	struct cred real = *fs_cred();
	struct walk w = { .cred = &real };
	int r;

	if ((at->flags & AT_EACCESS) == 0) {
		real.fsuid = real.uid;
		real.fsgid = real.gid;
		real.caps.effective = real.uid == 0 ? real.caps.permitted : 0;
	}
	r = walk_path(&w, at, walk_flags_of(at));
	if (r != 0)
		return r;
	if ((want & VN_X) != 0 && w.vn->type == S_IFREG &&
	    (w.vn->mnt->flags & MS_NOEXEC) != 0)
		r = -EACCES;
	else if (want != 0)
		r = vn_permit(w.vn, &real, want);
	walk_end(&w);
	return r;
}

/* All but the size.  Locks: takes vnode->lock (rule 2). */
static int
vn_setattr(struct vnode *v, const struct kattr *a)
{
	int r;

	rw_lock_write(&v->lock);
	r = attr_check(v, a);
	if (r == 0)
		attr_apply(v, a);
	rw_unlock_write(&v->lock);
	return r != 0 ? r : vn_settle(v);
}

/* Rule 3.  A text of /proc has no size: any is as good. */
static int
vn_setsize(struct vnode *v, uint64_t bytes)
{
	int r = 0;

	if ((v->mnt->flags & MS_RDONLY) != 0)
		r = -EROFS;
	else if (v->ops->resize != NULL)
		r = vn_resize(v, bytes);
	if (r != 0)
		return r;
	vn_touch(v, VN_MTIME | VN_CTIME);
	return vn_settle(v);
}

/* Size by path needs the right to write; by descriptor it was checked. */
static int
truncate_by_path(struct walk *w, const struct kattr *a)
{
	int r = 0;

	if (w->vn->type == S_IFDIR)
		return -EISDIR;
	if (w->vn->type != S_IFREG)
		return -EINVAL;
	r = vn_permit(w->vn, w->cred, VN_W);
	if (r == 0 && (w->vn->fsflags & FS_APPEND_FL) != 0)
		r = -EPERM;
	if (r == 0)
		r = vn_write_begin(w->vn);
	if (r != 0)
		return r;
	r = vn_setsize(w->vn, a->size);
	vn_write_end(w->vn);
	return r;
}

/*
 * chmod, chown, utimensat, truncate by path.
 *
 * Returns:  0, -EPERM, -EACCES, -EROFS, -EFBIG, -ETXTBSY …
 */
int
fs_setattr(const struct path_at *at, const struct kattr *a)
{
	struct walk w = { 0 };
	int r = walk_path(&w, at, walk_flags_of(at));

	if (r != 0)
		return r;
	if ((a->valid & ATTR_SIZE) != 0)
		r = truncate_by_path(&w, a);
	else
		r = vn_setattr(w.vn, a);
	walk_end(&w);
	return r;
}

/* The same by descriptor; ftruncate wants one open for writing: -EINVAL. */
int
file_setattr(struct file *f, const struct kattr *a)
{
	unsigned acc = f->flags & O_ACCMODE;

	if ((a->valid & ATTR_SIZE) == 0)
		return vn_setattr(f->vn, a);
	if (f->vn->type != S_IFREG || (acc != O_WRONLY && acc != O_RDWR))
		return -EINVAL;
	if ((f->vn->fsflags & FS_APPEND_FL) != 0)
		return -EPERM;
	return vn_setsize(f->vn, a->size);
}

/* FS_*_FL of a file.  0, -ENOTTY: it keeps none. */
int
file_fsflags(struct file *f, uint32_t *flags)
{
	const struct vnode *v = f->vn;

	*flags = v->fsflags & FS_USER_VISIBLE;
	return v->mnt->type->flags_kept == 0 ||
	    (v->type != S_IFREG && v->type != S_IFDIR) ? -ENOTTY : 0;
}

/* Those that programs may set become flags.  0, -ENOTTY, -EROFS, -EPERM, -EOPNOTSUPP. */
int
file_set_fsflags(struct file *f, uint32_t flags)
{
	struct vnode *v = f->vn;
	uint32_t now, kept = v->mnt->type->flags_kept;
	int r = file_fsflags(f, &now);

	if (r == 0 && (v->mnt->flags & MS_RDONLY) != 0)
		r = -EROFS;
	if (r != 0)
		return r;
	if (!vn_is_owner(v, fs_cred()) ||
	    (((v->fsflags ^ flags) & FS_FIXED_FL) != 0 && !fs_may(CAP_LINUX_IMMUTABLE)))
		return -EPERM;
	if (v->inode == NULL && (flags & ~kept) != 0)
		return -EOPNOTSUPP;
	atomic_and(&v->fsflags, flags | ~kept);
	atomic_or(&v->fsflags, flags & kept);
	vn_touch(v, VN_CTIME);
	return vn_settle(v);
}

/*
 * chown: root may all; the owner may give his file to a group of his, and name
 * what it has already.
 */
static int
chown_check(struct vnode *v, const struct kattr *a, const struct cred *c)
{
	bool is_his = c->fsuid == atomic_load_relaxed(&v->uid);

	if (cred_may(c, CAP_CHOWN) && (a->valid & (ATTR_UID | ATTR_GID)) != 0)
		return 0;
	/* Nothing is given away; but it may take set-id bits. */
	if ((a->valid & (ATTR_UID | ATTR_GID)) == 0)
		return vn_is_owner(v, c) || v->type == S_IFDIR ||
		    vn_lost_setid(c, vn_mode(v), atomic_load_relaxed(&v->gid)) ==
		    0 ? 0 : -EPERM;
	if (!is_his)
		return -EPERM;
	if ((a->valid & ATTR_UID) != 0 && a->uid != c->fsuid)
		return -EPERM;
	if ((a->valid & ATTR_GID) != 0 && !cred_in_group(c, a->gid) &&
	    a->gid != atomic_load_relaxed(&v->gid))
		return -EPERM;
	return 0;
}

/* Are both times to be "now", and nothing else? */
static bool
is_touch(const struct kattr *a)
{
	return a->valid == (ATTR_NOW_A | ATTR_NOW_M);
}

/* Times: both "now" needs the right to write only, anything else the owner. */
static int
times_check(struct vnode *v, const struct kattr *a, const struct cred *c)
{
	if (vn_is_owner(v, c))
		return 0;
	if (!is_touch(a))
		return -EPERM;
	return vn_permit(v, c, VN_W);
}

static int
attr_check(struct vnode *v, const struct kattr *a)
{
	const struct cred *c = fs_cred();
	int r = 0;

	if ((v->mnt->flags & MS_RDONLY) != 0)
		return -EROFS;
	if ((v->fsflags & (is_touch(a) ? FS_IMMUTABLE_FL : FS_FIXED_FL)) != 0)
		return -EPERM;
	/* A mode that comes with each lookup cannot be kept. */
	if (v->mnt->type->on_demand && v != v->mnt->root &&
	    (a->valid & ATTR_MODE) != 0)
		return -EPERM;
	if (v->type == S_IFLNK && (a->valid & ATTR_MODE) != 0)
		return -EOPNOTSUPP;
	if ((a->valid & ATTR_MODE) != 0 && !vn_is_owner(v, c))
		return -EPERM;
	if ((a->valid & (ATTR_UID | ATTR_GID | ATTR_CHOWN)) != 0)
		r = chown_check(v, a, c);
	if (r == 0 && (a->valid & (ATTR_ATIME | ATTR_MTIME | ATTR_NOW_A |
	    ATTR_NOW_M)) != 0)
		r = times_check(v, a, c);
	return r;
}

/* Owner and mode.  Locks: attr_lock held. */
static void
owner_apply_locked(struct vnode *v, const struct kattr *a)
{
	const struct cred *c = fs_cred();

	HELD(&v->attr_lock);
	/* A new owner does not inherit the right to act as the old one. */
	if ((a->valid & (ATTR_UID | ATTR_GID | ATTR_CHOWN)) != 0 &&
	    v->type != S_IFDIR)
		v->perm &= ~vn_lost_setid(c, v->perm, v->gid);
	if ((a->valid & ATTR_UID) != 0)
		v->uid = a->uid;
	if ((a->valid & ATTR_GID) != 0)
		v->gid = a->gid;
	if ((a->valid & ATTR_MODE) == 0)
		return;
	v->perm = a->mode & S_PERM;
	/* Of a directory, too: it would give its group to what is made in it. */
	if (!vn_may_setgid(c, v->gid))
		v->perm &= ~(uint32_t)S_ISGID;
}

static void
attr_apply(struct vnode *v, const struct kattr *a)
{
	const struct kts now = vn_time(v, kts_now());
	const struct kts atime = vn_time(v, a->atime);
	const struct kts mtime = vn_time(v, a->mtime);

	spin_lock(&v->attr_lock);
	owner_apply_locked(v, a);
	if ((a->valid & ATTR_ATIME) != 0)
		v->atime = atime;
	if ((a->valid & ATTR_NOW_A) != 0)
		v->atime = now;
	if ((a->valid & ATTR_MTIME) != 0)
		v->mtime = mtime;
	if ((a->valid & ATTR_NOW_M) != 0)
		v->mtime = now;
	v->ctime = now;
	atomic_store(&v->rests_ns, 0);
	spin_unlock(&v->attr_lock);
}
