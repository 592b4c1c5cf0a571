/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.c: making, removing and moving names
 *
 * Problem   mkdir, mknod, symlink, link, unlink, rmdir and rename change one
 *           or two directories at once, while others look names up.
 *
 * Picture   walk (no lock, finds the directories) → rights → tree lock for
 *           writing → look up again → check → vnode_ops → unlock
 *
 * Rules     1. A name that was found without the lock is a hint: under the
 *              tree lock every name is looked up again.
 *           2. All changes of one mount are one at a time; a lookup sees a
 *              rename wholly or not at all.
 *           3. A link at the end of a path is the name itself, even before a
 *              slash; the slash requires it to be a directory.
 *           4. Checks first: the file system's function runs only when nothing
 *              but memory can make it fail.
 *
 * Read next tmpfs.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

static int names_remove(struct walk *w, bool is_dir);

static unsigned
umask_now(void)
{
	struct fsctx *c = thread_current()->fsctx;

	return c == NULL ? 0 : atomic_load_relaxed(&c->umask);
}

/* Names in dir have changed: durable at once, where that is asked for. */
static int
names_settle(struct vnode *dir)
{
	struct mount *m = dir->mnt;

	if (m->type->sync == NULL || ((dir->fsflags & (FS_SYNC_FL | FS_DIRSYNC_FL)) == 0 &&
	    (m->flags & (MS_SYNCHRONOUS | MS_DIRSYNC)) == 0))
		return 0;
	return m->type->sync(m, dir);
}

/*
 * Make n->name in w->dir, where walk_path() found nothing; n->mode as it was
 * asked for, owner and umask come here.
 *
 * Locks:    takes the tree lock.
 * Returns:  0, -EACCES, -EROFS, -EEXIST (someone was faster), -ENOENT
 *           (the directory was removed), -EPERM, -ENOSPC, -ENOMEM.
 */
int
names_create(struct walk *w, struct vn_new *n, struct vnode **out)
{
	struct vnode *dir = w->dir;
	int r;

	n->uid = w->cred->fsuid;
	n->gid = w->cred->fsgid;
	if ((vn_mode(dir) & S_ISGID) != 0) {
		n->gid = atomic_load_relaxed(&dir->gid);
		if (S_ISDIR(n->mode))
			n->mode |= S_ISGID;
		else if ((n->mode & 010) != 0 && !vn_may_setgid(w->cred, n->gid))
			n->mode &= ~(uint32_t)S_ISGID;
	}
	if (!S_ISLNK(n->mode))
		n->mode &= ~umask_now();
	/* Where names come on demand, one that did not come cannot be made. */
	if (dir->ops->create == NULL && dir->mnt->type->on_demand)
		return n->name.len == 0 ? -EPERM : -ENOENT;
	r = vn_permit(dir, w->cred, VN_W | VN_X);
	if (r != 0)
		return r;
	/* As Linux: a regular file is refused by other words than all else. */
	if (dir->ops->create == NULL)
		return S_ISREG(n->mode) && n->name.len != 0 ? -EACCES : -EPERM;
	rw_lock_write(&dir->mnt->tree);
	if (dir->nlink == 0)
		r = -ENOENT;
	else
		r = dir->ops->create(dir, n, out);
	rw_unlock_write(&dir->mnt->tree);
	if (r != 0)
		return r;
	r = names_settle(dir);
	if (r != 0)
		vn_put(*out);
	return r;
}

/*
 * The error if the new name is not free, or not a valid name.
 *
 * Returns:  0: it is free.
 */
static int
name_is_free(const struct walk *w)
{
	if (w->vn != NULL || w->kind != LAST_NAME)
		return -EEXIST;
	return w->missing != -ENOENT || dir_is_removed(w->dir) ? w->missing : 0;
}

/* Devices are made by root; the one of number 0 leads nowhere. */
static int
mknod_permit(const struct walk *w, unsigned mode, uint64_t rdev)
{
	int r;

	if ((!S_ISCHR(mode) && (mode & S_IFMT) != S_IFBLK) ||
	    cred_may(w->cred, CAP_MKNOD) || (S_ISCHR(mode) && rdev == 0))
		return 0;
	r = vn_permit(w->dir, w->cred, VN_W | VN_X);
	return r != 0 ? r : -EPERM;
}

/* The name at gets a new file, which *out has a reference to. */
static int
name_make(const struct path_at *at, unsigned mode, uint64_t rdev, struct vnode **out)
{
	struct walk w = { 0 };
	struct vn_new n = { .rdev = rdev };
	int r;

	if ((mode & S_IFMT) == 0)
		mode |= S_IFREG;
	n.mode = mode;
	r = walk_path(&w, at, WALK_PARENT | WALK_NAME);
	if (r != 0)
		return r;
	r = name_is_free(&w);
	if (r == 0 && w.slash && !S_ISDIR(mode))
		r = -ENOENT;
	if (r == 0 && (mode & S_IFMT) != S_IFREG)
		r = mknod_permit(&w, mode, rdev);
	n.name = w.last;
	if (r == 0)
		r = names_create(&w, &n, out);
	walk_end(&w);
	return r;
}

/*
 * mknod(2) and mkdir(2) (S_IFDIR in mode).
 *
 * Returns:  0, -EEXIST, -EPERM (a device, not root), and what lookup gives.
 */
int
fs_mknod(const struct path_at *at, unsigned mode, uint64_t rdev)
{
	struct vnode *v;
	int r = name_make(at, mode, rdev, &v);

	if (r == 0)
		vn_put(v);
	return r;
}

/* The file of a socket that is bound to a path, of this mode; as fs_mknod().  Owns:
 * *out. */
int
names_make_socket(const struct path_at *at, uint32_t mode, struct vnode **out)
{
	return name_make(at, mode, 0, out);
}

/* symlink(2): target is any text but none.  0, -ENOENT, -EEXIST … */
int
fs_symlink(const char *target, const struct path_at *at)
{
	struct walk w = { 0 };
	struct vn_new n = { .mode = S_IFLNK | 0777, .target = target };
	struct vnode *v;
	int r;

	if (*target == '\0')
		return -ENOENT;
	r = walk_path(&w, at, WALK_PARENT | WALK_NAME);
	if (r != 0)
		return r;
	r = name_is_free(&w);
	if (r == 0 && w.slash)
		r = -ENOENT;
	n.name = w.last;
	if (r == 0)
		r = names_create(&w, &n, &v);
	if (r == 0)
		vn_put(v);
	walk_end(&w);
	return r;
}

/*
 * May cred take the name of v out of dir, as that of a directory or not?  In a
 * sticky directory only the owner of either.
 *
 * Returns:  0, -EACCES, -EROFS, -EPERM (also: swapped to), -ENOTDIR, -EISDIR,
 *           -EBUSY (a mount is on it).
 */
static int
may_remove(struct vnode *dir, struct vnode *v, const struct cred *c,
    bool is_dir)
{
	int r = vn_permit(dir, c, VN_W | VN_X);

	if (r != 0)
		return r;
	if ((dir->fsflags & FS_APPEND_FL) != 0 || (v->fsflags & FS_FIXED_FL) != 0 ||
	    ((vn_mode(dir) & S_ISVTX) != 0 && !vn_is_owner(dir, c) &&
	    !vn_is_owner(v, c)))
		return -EPERM;
	if (is_dir != (v->type == S_IFDIR))
		return is_dir ? -ENOTDIR : -EISDIR;
	if (atomic_load(&v->swapped_to))
		return -EPERM;
	return atomic_load(&v->mounted) != NULL ? -EBUSY : 0;
}

/* Is the last component one that can be removed?  0 or -errno. */
static int
removable_kind(const struct walk *w, bool is_dir)
{
	switch (w->kind) {
	case LAST_NAME:
	case LAST_JUMP:
		return 0;
	case LAST_DOT:
		return is_dir ? -EINVAL : -EISDIR;
	case LAST_DOTDOT:
		return is_dir ? -ENOTEMPTY : -EISDIR;
	case LAST_ROOT:
		return is_dir ? -EBUSY : -EISDIR;
	}
	return -EINVAL;
}

/* The name was found, where names may change.  0, -EROFS, -ENOENT, -ENAMETOOLONG. */
static int
changeable(const struct walk *w)
{
	if ((w->dir->mnt->flags & MS_RDONLY) != 0)
		return -EROFS;
	return w->vn == NULL ? w->missing : 0;
}

/*
 * unlink(2); with AT_REMOVEDIR in at->flags rmdir(2).
 *
 * Returns:  0, -EISDIR, -ENOTDIR, -ENOTEMPTY, -EBUSY, -EPERM …
 */
int
fs_unlink(const struct path_at *at)
{
	struct walk w = { 0 };
	bool is_dir = (at->flags & AT_REMOVEDIR) != 0;
	struct vnode *v;
	int r;

	r = walk_path(&w, at, WALK_PARENT | WALK_NAME | WALK_FORGET);
	if (r != 0)
		return r;
	r = removable_kind(&w, is_dir);
	if (r == 0)
		r = changeable(&w);
	if (r == 0 && w.slash && !is_dir)
		r = w.vn->type == S_IFDIR ? -EISDIR : -ENOTDIR;
	if (r == 0)
		r = names_remove(&w, is_dir);
	if (r == 0)
		r = names_settle(w.dir);
	v = w.vn;
	w.vn = NULL;
	walk_end(&w);
	vn_put_last(v);
	return r;
}

static int
names_remove(struct walk *w, bool is_dir)
{
	struct vnode *dir = w->dir, *v;
	int r;

	rw_lock_write(&dir->mnt->tree);
	r = dir_find_locked(dir, &w->last, &v);
	if (r != 0)
		goto undo_lock;
	r = may_remove(dir, v, w->cred, is_dir);
	if (r == 0)
		r = dir->ops->remove == NULL ? -EPERM :
		    dir->ops->remove(dir, &w->last, v);
	rw_unlock_write(&dir->mnt->tree);
	vn_put(v);
	return r;

undo_lock:
	rw_unlock_write(&dir->mnt->tree);
	return r;
}

/* Under the tree lock: may v have one more name, in dir? */
static int
link_locked(struct walk *to, struct vnode *v)
{
	HELD(&to->dir->mnt->tree);
	if (to->dir->nlink == 0)
		return -ENOENT;
	if (v->type == S_IFDIR || to->dir->ops->link == NULL)
		return -EPERM;
	if (v->nlink == 0 && !v->nameless)
		return -ENOENT;
	return to->dir->ops->link(to->dir, &to->last, v);
}

/*
 * May cred give v one more name?  Not to what it can neither own nor use: the
 * name would keep another's file, or one with his rights, for ever.
 */
static int
may_name(struct vnode *v, const struct cred *c)
{
	uint32_t mode = vn_mode(v);

	if ((v->fsflags & FS_FIXED_FL) != 0)
		return -EPERM;
	if (vn_is_owner(v, c))
		return 0;
	if (v->type != S_IFREG || (mode & S_ISUID) != 0 ||
	    (mode & (S_ISGID | 010)) == (S_ISGID | 010))
		return -EPERM;
	return vn_permit(v, c, VN_R | VN_W) != 0 ? -EPERM : 0;
}

/*
 * link(2).  from->flags: AT_SYMLINK_FOLLOW, AT_EMPTY_PATH (root only).
 *
 * Returns:  0, -EPERM (a directory), -EXDEV, -EEXIST, -ENOENT …
 */
int
fs_link(const struct path_at *from, const struct path_at *to)
{
	struct walk wf = { 0 }, wt = { 0 };
	int r;

	/* A descriptor from another process must not become a name. */
	if ((from->flags & AT_EMPTY_PATH) != 0 && !fs_may(CAP_DAC_READ_SEARCH))
		return -ENOENT;
	r = walk_path(&wf, from, (from->flags & AT_SYMLINK_FOLLOW) != 0 ? 0 :
	    WALK_NOFOLLOW);
	if (r != 0)
		return r;
	r = walk_path(&wt, to, WALK_PARENT | WALK_NAME);
	if (r != 0)
		goto undo_from;
	r = name_is_free(&wt);
	if (r == 0 && wt.slash)
		r = -ENOENT;
	if (r == 0 && (wt.dir->mnt->flags & MS_RDONLY) != 0)
		r = -EROFS;
	if (r == 0 && wf.vn->mnt != wt.dir->mnt)
		r = -EXDEV;
	if (r == 0)
		r = may_name(wf.vn, wf.cred);
	if (r == 0)
		r = vn_permit(wt.dir, wt.cred, VN_W | VN_X);
	if (r == 0) {
		rw_lock_write(&wt.dir->mnt->tree);
		r = link_locked(&wt, wf.vn);
		rw_unlock_write(&wt.dir->mnt->tree);
		if (r == 0)
			r = names_settle(wt.dir);
	}
	walk_end(&wt);
undo_from:
	walk_end(&wf);
	return r;
}

/* Under the tree lock: may m->dst be replaced by m->src, or go to its place? */
static int
may_replace(const struct vn_move *m, const struct cred *c)
{
	struct vnode *kind = m->exchange ? m->dst : m->src;

	if (m->dst == NULL)
		return vn_permit(m->to_dir, c, VN_W | VN_X);
	return may_remove(m->to_dir, m->dst, c, kind->type == S_IFDIR);
}

/* A directory that gets another parent is written: its dot-dot.  0, -EACCES. */
static int
may_move(const struct vn_move *m, struct vnode *v, const struct cred *c)
{
	return v == NULL || v->type != S_IFDIR || m->from_dir == m->to_dir ? 0 :
	    vn_permit(v, c, VN_W);
}

/* Only a directory's name may end in a slash; in an exchange each has its own. */
static int
slashes_fit(const struct vn_move *m, const struct walk *wf, const struct walk *wt)
{
	if (m->exchange && wt->slash && m->dst->type != S_IFDIR)
		return -ENOTDIR;
	return m->src->type != S_IFDIR &&
	    (wf->slash || (wt->slash && !m->exchange)) ? -ENOTDIR : 0;
}

/*
 * Look up, check and move; m->src and m->dst get references.  What the walks saw
 * of the names is old: another may have moved the one onto the other since.
 */
static int
rename_locked(struct vn_move *m, const struct walk *wf, const struct walk *wt,
    unsigned flags)
{
	const struct cred *c = wf->cred;
	int r;

	HELD(&m->from_dir->mnt->tree);
	if (m->to_dir->nlink == 0)
		return -ENOENT;
	r = dir_find_locked(m->from_dir, &m->from, &m->src);
	if (r != 0)
		return r;
	r = dir_find_locked(m->to_dir, &m->to, &m->dst);
	if (r != 0 && (r != -ENOENT || m->exchange))
		return r;
	if (r == 0 && (flags & RENAME_NOREPLACE) != 0)
		return -EEXIST;
	r = slashes_fit(m, wf, wt);
	if (r != 0)
		return r;
	if (vn_is_below(m->to_dir, m->src))
		return -EINVAL;
	if (m->dst != NULL && vn_is_below(m->from_dir, m->dst))
		return m->exchange ? -EINVAL : -ENOTEMPTY;
	if (m->src == m->dst)
		return 0;
	r = may_remove(m->from_dir, m->src, c, m->src->type == S_IFDIR);
	if (r == 0)
		r = may_replace(m, c);
	if (r == 0)
		r = may_move(m, m->src, c);
	if (r == 0 && m->exchange)
		r = may_move(m, m->dst, c);
	if (r == 0)
		r = m->from_dir->ops->rename(m);
	return r;
}

/* Where the name is that a walk ended at. */
static const struct mount *
walk_mount(const struct walk *w)
{
	return w->kind == LAST_NAME ? w->dir->mnt : w->vn->mnt;
}

/* Both names were walked to: check what needs no lock, in Linux's order, then rename. */
static int
rename_walked(struct walk *wf, struct walk *wt, unsigned flags)
{
	struct vn_move m = { .from_dir = wf->dir, .to_dir = wt->dir,
		.from = wf->last, .to = wt->last,
		.exchange = (flags & RENAME_EXCHANGE) != 0 };
	int r;

	/* "/" is a name of the mount whose root it is. */
	if (walk_mount(wf) != walk_mount(wt))
		return -EXDEV;
	if (wf->kind != LAST_NAME)
		return -EBUSY;
	if (wt->kind != LAST_NAME)
		return (flags & RENAME_NOREPLACE) != 0 ? -EEXIST : -EBUSY;
	r = changeable(wf);
	if (r != 0)
		return r;
	if (wf->dir->ops->rename == NULL)
		return wf->dir->mnt->type->on_demand && wt->vn == NULL ?
		    -ENOENT : -EPERM;
	if (wt->vn == NULL && (m.exchange || wt->missing != -ENOENT))
		return wt->missing;
	rw_lock_write(&wf->dir->mnt->tree);
	r = rename_locked(&m, wf, wt, flags);
	rw_unlock_write(&wf->dir->mnt->tree);
	vn_put(m.src);
	vn_put(m.dst);
	if (r == 0)
		r = names_settle(wt->dir);
	return r == 0 && (wf->dir->fsflags & (FS_SYNC_FL | FS_DIRSYNC_FL)) != 0 ?
	    names_settle(wf->dir) : r;
}

/*
 * renameat2(2) with RENAME_NOREPLACE, RENAME_EXCHANGE or 0.
 *
 * Returns:  0, -EBUSY (dot, dot-dot, a mount), -EXDEV, -EINVAL (below
 *           itself), -EISDIR, -ENOTDIR, -ENOTEMPTY, -EEXIST …
 */
int
fs_rename(const struct path_at *from, const struct path_at *to, unsigned flags)
{
	struct walk wf = { 0 }, wt = { 0 };
	struct vnode *over = NULL;
	int r;

	r = walk_path(&wf, from, WALK_PARENT | WALK_NAME | WALK_FORGET);
	if (r != 0)
		return r;
	r = walk_path(&wt, to, WALK_PARENT | WALK_NAME);
	if (r == 0) {
		r = rename_walked(&wf, &wt, flags);
		over = wt.vn;
		wt.vn = NULL;
		walk_end(&wt);
	}
	walk_end(&wf);
	vn_put_last(over);
	return r;
}

/*
 * readlink(2).  An empty path with AT_EMPTY_PATH names at->dirf itself.
 *
 * Returns:  length, cut at cap; -EINVAL: not a link.
 */
ssize_t
fs_readlink(const struct path_at *at, char *buf, size_t cap)
{
	struct walk w = { 0 };
	ssize_t n;
	int r;

	r = walk_path(&w, at, WALK_NOFOLLOW);
	if (r != 0)
		return r;
	n = *at->path == '\0' ? -ENOENT : -EINVAL;
	if (w.vn->type == S_IFLNK)
		n = w.vn->ops->readlink(w.vn, buf, cap);
	if (n > 0)
		vn_touch(w.vn, VN_ATIME);
	walk_end(&w);
	return n;
}
