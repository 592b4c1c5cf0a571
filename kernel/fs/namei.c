/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * namei.c: from a path to a vnode
 *
 * Problem   "../a/link/b/" is walked component by component, through symbolic
 *           links and from mount to mount, with a right to search each
 *           directory; the caller wants the last vnode, or the directory and
 *           name at which to make one.
 *
 * Picture   root, cwd or dirfd → dir ──component──→ child ─┬─ directory: dir
 *                                 ↑                        ├─ link: its text
 *                                 └────────────────────────┘   before the rest
 *
 * Rules     1. Nothing is locked between components: a reference keeps dir.
 *              Changes look the name up again under the tree lock.
 *           2. At most LINKS_MAX links in one walk, and none of a mount with
 *              NOSYMFOLLOW, or -ELOOP.
 *           3. Dot-dot stops at the root of the thread, or where bounds.c says.
 *           4. Every lookup in a file system goes through dir_find_locked().
 *           5. A file's name is recorded while it cannot be renamed: an old name
 *              would hold a directory that may have been removed.
 *
 * Read next bounds.c, names.c, open.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

static int walk_start(struct walk *w, const struct path_at *at);
static int walk_component(struct walk *w, bool *done);
static int walk_follow(struct walk *w, struct vnode *link, bool is_last);

/*
 * Look a path up.
 *
 * Locks:    none held.
 * Returns:  0 (with WALK_PARENT w->vn may be NULL: the name is free), -ENOENT,
 *           -ENOTDIR, -EACCES, -ELOOP, -ENAMETOOLONG, -ENOMEM.
 * Owns:     w holds references; walk_end() after success only.
 */
int
walk_path(struct walk *w, const struct path_at *at, unsigned flags)
{
	bool done = false;
	int r;

	w->flags = flags;
	w->resolve = at->resolve;
	if (w->cred == NULL)
		w->cred = fs_cred();
	r = walk_start(w, at);
	while (r == 0 && !done)
		r = walk_component(w, &done);
	if (r == 0 && w->vn != NULL && w->slash && w->vn->type != S_IFDIR &&
	    (flags & WALK_NAME) == 0)
		r = -ENOTDIR;
	if (r == 0)
		r = bounds_end(w);
	if (r != 0)
		walk_end(w);
	return r;
}

/* Drop the references of walk_path(). */
void
walk_end(struct walk *w)
{
	vn_put(w->root);
	vn_put(w->dir);
	vn_put(w->vn);
	kmem_free(w->buf);
	w->root = w->dir = w->vn = NULL;
	w->buf = NULL;
}

/* Where the walk begins: dir and rest. */
static int
walk_start(struct walk *w, const struct path_at *at)
{
	w->rest = at->path;
	w->kind = LAST_ROOT;
	if (at->error != 0)
		return at->error;
	if (*at->path == '\0' && (at->flags & AT_EMPTY_PATH) == 0)
		return -ENOENT;
	w->root = fsctx_root();
	if (*at->path == '/' && (w->resolve & RESOLVE_IN_ROOT) == 0) {
		int r = bounds_to_root(w);

		if (r != 0)
			return r;
		w->dir = w->root;
		vn_get(w->dir);
	} else if (at->dirf != NULL) {
		w->dir = at->dirf->vn;
		vn_get(w->dir);
	} else {
		w->dir = fsctx_cwd();
	}
	if (strnlen(at->path, PATH_MAX) >= PATH_MAX)
		return -ENAMETOOLONG;
	return bounds_begin(w);
}

/* The walk ends at v itself (its reference is taken over). */
static int
walk_finish(struct walk *w, struct vnode *v, enum walk_last kind, bool *done)
{
	w->vn = v;
	w->kind = kind;
	*done = true;
	return 0;
}

/* Cut the next component off rest.  w->last.len 0: nothing is left. */
static void
walk_cut(struct walk *w, bool *is_last)
{
	const char *p = w->rest;

	while (*p == '/')
		p++;
	w->last.s = p;
	while (*p != '\0' && *p != '/')
		p++;
	w->last.len = (size_t)(p - w->last.s);
	w->slash = *p == '/';
	while (*p == '/')
		p++;
	w->rest = p;
	*is_last = *p == '\0';
}

/* Replace v by the root of the mount at v, if there is one, with its reference.  0,
 * -EXDEV, v dropped. */
static int
walk_cross(struct walk *w, struct vnode **v)
{
	struct vnode *from = *v;
	int r;

	vn_get(from);
	*v = mount_cross(from);
	r = bounds_cross(w, from, *v);
	vn_put(from);
	if (r != 0)
		vn_put(*v);
	return r;
}

/*
 * The parent of dir, over mount points; at the root, also at one that something is
 * mounted on, dir itself, or what is mounted there.  0, -EXDEV, -EAGAIN.
 */
static int
walk_dotdot(struct walk *w)
{
	struct vnode *v = w->dir, *to = NULL;
	int r;

	vn_get(v);
	v = mount_above(v, w->root);
	if (v != w->root)
		to = vn_parent(v);
	r = to == NULL ? bounds_at_root(w) : bounds_cross(w, w->dir, v);
	vn_put(v);
	if (to == NULL) {
		to = w->dir;
		vn_get(to);
	}
	if (r != 0)
		vn_put(to);
	else
		r = walk_cross(w, &to);
	if (r != 0)
		return r;
	vn_put(w->dir);
	w->dir = to;
	return bounds_went_up(w, to);
}

/* The tree lock, for reading, where names are not made on demand. */
void
tree_lock_read(struct mount *m)
{
	if (!m->type->on_demand)
		rw_lock_read(&m->tree);
}

void
tree_unlock_read(struct mount *m)
{
	if (!m->type->on_demand)
		rw_unlock_read(&m->tree);
}

/* Has the directory no names any more, and gets none? */
bool
dir_is_removed(const struct vnode *dir)
{
	return dir->nlink == 0 && !dir->mnt->type->on_demand;
}

/*
 * Look n up in the directory dir, without crossing mounts.  One that was removed has
 * no names, whatever its file system still keeps of it: rule 4.
 *
 * Locks:    tree, where names are not made on demand.
 * Returns:  0 with a reference, -ENOENT, -ENAMETOOLONG, -ENOMEM.
 */
int
dir_find_locked(struct vnode *dir, const struct name *n, struct vnode **out)
{
	ASSERT(dir->mnt->type->on_demand || rw_is_locked(&dir->mnt->tree));
	if (dir_is_removed(dir))
		return -ENOENT;
	if (n->len > NAME_MAX)
		return -ENAMETOOLONG;
	return dir->ops->lookup(dir, n, out);
}

/* The same.  Locks: takes the tree lock shared. */
int
dir_find(struct vnode *dir, const struct name *n, struct vnode **out)
{
	int r;

	tree_lock_read(dir->mnt);
	r = dir_find_locked(dir, n, out);
	tree_unlock_read(dir->mnt);
	return r;
}

bool
name_is(const struct name *n, const char *s)
{
	return n->len == strlen(s) && memcmp(n->s, s, n->len) == 0;
}

/* dir becomes v; the walk goes on there. */
static int
walk_enter(struct walk *w, struct vnode *v)
{
	if (v->type != S_IFDIR) {
		vn_put(v);
		return -ENOTDIR;
	}
	vn_put(w->dir);
	w->dir = v;
	return 0;
}

/* Does the walk go on where the child v leads? */
static bool
walk_follows(const struct walk *w, const struct vnode *v, bool is_last)
{
	bool is_end = is_last && ((w->flags & WALK_NAME) != 0 ||
	    (!w->slash && (w->flags & WALK_NOFOLLOW) != 0));

	return v->type == S_IFLNK && !is_end;
}

/* dir_find() of a walk: a file at its end is called so from now on.  Rule 5. */
static int
walk_find(struct walk *w, bool is_last, struct vnode **out)
{
	struct mount *m = w->dir->mnt;
	int r = bounds_find(w);

	if (r != 0)
		return r;
	tree_lock_read(m);
	r = dir_find_locked(w->dir, &w->last, out);
	if (r == 0 && is_last && (*out)->type != S_IFDIR &&
	    !walk_follows(w, *out, is_last) && (w->flags & WALK_FORGET) == 0)
		vn_note_name(*out, w->dir, &w->last);
	tree_unlock_read(m);
	return r;
}

/* The child v was found (reference taken over). */
static int
walk_child(struct walk *w, struct vnode *v, bool is_last, bool *done)
{
	int r;

	if (walk_follows(w, v, is_last)) {
		r = walk_follow(w, v, is_last);
		if (r == 0 && w->vn != NULL)
			*done = true;
		return r;
	}
	r = walk_cross(w, &v);
	if (r != 0)
		return r;
	return is_last ? walk_finish(w, v, LAST_NAME, done) : walk_enter(w, v);
}

/* The last name was not found, for r: is that for the caller to judge? */
static bool
walk_may_miss(const struct walk *w, int r)
{
	if ((w->flags & WALK_NAME) != 0)
		return r == -ENOENT || r == -ENAMETOOLONG;
	return (w->flags & WALK_PARENT) != 0 && r == -ENOENT &&
	    !dir_is_removed(w->dir);
}

/* One step: the next component of w->rest is looked up in w->dir, and followed if it is
 * a link.  *done: it was the last one; w->vn is the result. */
static int
walk_component(struct walk *w, bool *done)
{
	struct vnode *v = NULL;
	bool is_last;
	int r;

	walk_cut(w, &is_last);
	if (w->last.len == 0) {
		vn_get(w->dir);
		return walk_finish(w, w->dir, w->kind, done);
	}
	if (w->dir->type != S_IFDIR)
		return -ENOTDIR;
	r = vn_permit(w->dir, w->cred, VN_X);
	if (r != 0)
		return r;
	if (name_is(&w->last, ".") || name_is(&w->last, "..")) {
		w->kind = w->last.len == 1 ? LAST_DOT : LAST_DOTDOT;
		if (w->last.len == 2)
			r = walk_dotdot(w);
		if (r != 0 || !is_last)
			return r;
		vn_get(w->dir);
		return walk_finish(w, w->dir, w->kind, done);
	}
	/* A slash behind what open would make: before anybody looks for it. */
	if (is_last && w->slash &&
	    (w->flags & (WALK_PARENT | WALK_NAME)) == WALK_PARENT)
		return -EISDIR;
	r = walk_find(w, is_last, &v);
	if (r == 0)
		return walk_child(w, v, is_last, done);
	if (!is_last || !walk_may_miss(w, r))
		return r;
	w->missing = r;
	return walk_finish(w, NULL, LAST_NAME, done);
}

/*
 * The text of link, in a buffer of its own with room for `more` bytes: each text may be
 * as long as a path, whatever comes behind it.  Length, -ENOENT (it is empty), -ENOMEM …
 */
static ssize_t
link_text(struct vnode *link, size_t more, char **out)
{
	char *text = kmem_alloc(PATH_MAX), *longer;
	ssize_t n = text == NULL ? -ENOMEM :
	    link->ops->readlink(link, text, PATH_MAX);

	if (n == 0)
		n = -ENOENT;
	if (n > 0 && (size_t)n + more > PATH_MAX) {
		longer = kmem_alloc((size_t)n + more);
		if (longer != NULL)
			memcpy(longer, text, (size_t)n);
		else
			n = -ENOMEM;
		kmem_free(text);
		text = longer;
	}
	if (n < 0)
		kmem_free(text);
	else
		*out = text;
	return n;
}

/* The text of link, then "/" and what was left of the path, is what is left now. */
static int
link_expand(struct walk *w, struct vnode *link)
{
	size_t left = strlen(w->rest);
	char *buf;
	ssize_t n = link_text(link, left + 2, &buf);
	int r;

	if (n < 0)
		return (int)n;
	if (w->slash)
		buf[n++] = '/';
	memcpy(buf + n, w->rest, left + 1);
	kmem_free(w->buf);
	w->buf = buf;
	w->rest = buf;
	if (*buf != '/')
		return 0;
	r = bounds_to_root(w);
	if (r != 0)
		return r;
	vn_put(w->dir);
	w->dir = w->root;
	vn_get(w->dir);
	return 0;
}

/* A link that leads to a vnode directly. */
static int
link_jump(struct walk *w, struct vnode *link, bool is_last)
{
	struct vnode *v;
	int r = link->ops->jump(link, &v);

	if (r != 0)
		return r;
	r = bounds_link(w, v);
	if (r != 0) {
		vn_put(v);
		return r;
	}
	if (!is_last)
		return walk_enter(w, v);
	w->vn = v;
	w->kind = LAST_JUMP;
	return 0;
}

/*
 * Go on where link leads; w->vn is set only when the walk is over by it.
 *
 * Owns:     drops the reference to link.
 */
static int
walk_follow(struct walk *w, struct vnode *link, bool is_last)
{
	int r = bounds_link(w, NULL);

	w->kind = LAST_ROOT;
	if (++w->nlinks > LINKS_MAX || (link->mnt->flags & MS_NOSYMFOLLOW) != 0)
		r = -ELOOP;
	if (r != 0) {
		vn_put(link);
		return r;
	}
	r = link->ops->jump != NULL ? link_jump(w, link, is_last) :
	    link_expand(w, link);
	if (r == 0)
		vn_touch(link, VN_ATIME);
	vn_put(link);
	return r;
}
