/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bounds.c: path walks within the bounds of openat2(2)
 *
 * Problem   A server opens a name that somebody else has chosen.  ".." in it, a link
 *           or a mount may lead anywhere, and others may move the directories
 *           through which the walk goes.
 *
 * Picture   dirfd ─ walk->root:  a/../b     stays below it
 *                                ../b       BENEATH: -EXDEV   IN_ROOT: root/b
 *
 * Rules     1. With BENEATH and IN_ROOT the root of the walk is where it begins.
 *              Nothing above it is looked at; IN_ROOT starts there again where a
 *              path or a link is absolute, BENEATH ends.
 *           2. A move of a directory may take the walk out of its root.  So after
 *              each ".." the walk checks that the root is still above
 *              (-EAGAIN: try again), and at the end once more (-EXDEV).
 *           3. A link of /proc leads anywhere: it is refused within a root, and to
 *              another mount with NO_XDEV.
 *           4. CACHED: a name on a disk is -EAGAIN, even if it is in memory.
 *
 * Read next namei.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"

#define RESOLVE_SCOPED (RESOLVE_BENEATH | RESOLVE_IN_ROOT)
/* Levels that are climbed at once, names_lock held; a path has fewer. */
#define LEVELS_MAX 4096u

static struct vnode *
above(const struct vnode *v)
{
	return v == v->mnt->root ? v->mnt->covered : atomic_load(&v->parent);
}

/* Is the root of the walk above v, or v itself?  Rule 2. */
static bool
is_within(const struct walk *w, const struct vnode *v)
{
	unsigned levels = 0;

	names_hold();
	while (v != NULL && v != w->root && levels++ < LEVELS_MAX)
		v = above(v);
	names_drop();
	return v == w->root;
}

/* The walk has its first directory: rule 1.  0, -ENOTDIR. */
int
bounds_begin(struct walk *w)
{
	if ((w->resolve & RESOLVE_SCOPED) == 0)
		return 0;
	vn_put(w->root);
	w->root = w->dir;
	vn_get(w->root);
	return w->dir->type != S_IFDIR && *w->rest != '\0' ? -ENOTDIR : 0;
}

/* From dir, NULL at the begin, to the root.  0, -EXDEV. */
int
bounds_to_root(const struct walk *w)
{
	if ((w->resolve & RESOLVE_BENEATH) != 0)
		return -EXDEV;
	return w->dir != NULL ? bounds_cross(w, w->dir, w->root) : 0;
}

/* From one vnode to the next.  0, -EXDEV. */
int
bounds_cross(const struct walk *w, const struct vnode *from,
    const struct vnode *to)
{
	return (w->resolve & RESOLVE_NO_XDEV) != 0 && from->mnt != to->mnt ?
	    -EXDEV : 0;
}

/* At the root dot-dot stays.  0, -EXDEV, -EAGAIN (CACHED, as on Linux). */
int
bounds_at_root(const struct walk *w)
{
	if ((w->resolve & RESOLVE_BENEATH) == 0)
		return 0;
	return (w->resolve & RESOLVE_CACHED) != 0 ? -EAGAIN : -EXDEV;
}

/* Dot-dot has led to v.  0, -EAGAIN. */
int
bounds_went_up(const struct walk *w, const struct vnode *v)
{
	if ((w->resolve & RESOLVE_SCOPED) == 0)
		return 0;
	return is_within(w, v) ? 0 : -EAGAIN;
}

/* A link is followed; one of /proc leads to `to`, another has a text (NULL).  0,
 * -ELOOP, -EXDEV. */
int
bounds_link(const struct walk *w, const struct vnode *to)
{
	if ((w->resolve & RESOLVE_NO_SYMLINKS) != 0)
		return -ELOOP;
	if (to == NULL)
		return 0;
	if ((w->resolve & RESOLVE_NO_MAGICLINKS) != 0)
		return -ELOOP;
	if ((w->resolve & RESOLVE_SCOPED) != 0)
		return -EXDEV;
	return bounds_cross(w, w->dir, to);
}

/* A name is looked up in dir: rule 4.  0, -EAGAIN. */
int
bounds_find(const struct walk *w)
{
	return (w->resolve & RESOLVE_CACHED) != 0 &&
	    w->dir->mnt->type->sync != NULL ? -EAGAIN : 0;
}

/* The walk is over: rule 2.  0, -EXDEV. */
int
bounds_end(const struct walk *w)
{
	const struct vnode *at = w->dir;

	if ((w->resolve & RESOLVE_SCOPED) == 0)
		return 0;
	if (w->vn != NULL && w->vn->type == S_IFDIR)
		at = w->vn;
	return is_within(w, at) ? 0 : -EXDEV;
}
