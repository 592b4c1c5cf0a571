/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnode.c: life and name of a vnode
 *
 * Problem   A vnode lives as long as a name or a reference leads to it, and its
 *           path must be known at any time.
 *
 * Picture   child ──parent──→ directory ──parent──→ … ──→ root of the mount
 *             ↑ reference                                  │ mount->covered
 *           directory entry                                ↓
 *                                                  vnode of the mount above
 *
 * Rules     1. A child references its parent, so a walk upward needs no lock
 *              of the tree; names_lock guards the pointers while one looks.
 *              A directory's parent changes only under the tree lock for writing,
 *              except the first one, which a lookup sets.
 *           2. The name of a file with several links is the one by which it
 *              was found last; a directory has just one.
 *
 * Read next vnattr.c, namei.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

static struct kmem_cache vnode_cache = KMEM_CACHE("vnode", struct vnode);
static struct spinlock names_lock = SPIN_INIT(LR_LEAF);

static void vn_free(struct vnode *v);

/*
 * Has mnt no room for the last of n vnodes?  A further name of a file counts
 * as one: it takes memory as well, and there is no other end to names.
 */
bool
mount_is_full(const struct mount *mnt, uint64_t n)
{
	uint64_t max = atomic_load(&mnt->max_vnodes);

	return max != 0 && n + atomic_load_relaxed(&mnt->links) > max;
}

/*
 * A vnode of a mount, nameless, owned by root, nlink 0.
 *
 * Returns:  NULL: no memory, or the mount is full.
 * Owns:     the caller gets the reference.
 */
struct vnode *
vn_alloc(struct mount *mnt, const struct vnode_ops *ops, uint32_t mode)
{
	struct vnode *v;
	uint64_t n = atomic_add(&mnt->vnodes, 1);

	v = NULL;
	if (!mount_is_full(mnt, n))
		v = kmem_cache_zalloc(&vnode_cache);
	if (v == NULL) {
		atomic_sub(&mnt->vnodes, 1);
		return NULL;
	}
	v->ops = ops;
	v->mnt = mnt;
	v->ino = atomic_add(&mnt->next_ino, 1);
	v->type = mode & S_IFMT;
	v->perm = mode & S_PERM;
	v->refs = 1;
	rw_init(&v->lock, LR_VNODE);
	spin_init(&v->attr_lock, LR_LEAF);
	v->atime = v->mtime = v->ctime = v->btime = kts_now();
	return v;
}

/* One more reference.  Locks: none.  The caller has one already. */
void
vn_get(struct vnode *v)
{
	uint32_t n = atomic_add(&v->refs, 1);

	ASSERT(n > 1);
}

/*
 * Drop a reference; the last one ends the vnode, and perhaps its parents:
 * a loop, because the chain may be as long as a path.
 *
 * Locks:    no spin lock; a tree lock is allowed.
 * Context:  may sleep.
 */
void
vn_put(struct vnode *v)
{
	struct vnode *parent;

	while (v != NULL && atomic_sub(&v->refs, 1) == 0) {
		parent = v->parent;
		vn_free(v);
		v = parent;
	}
}

/*
 * vn_put() by who may be the last user of a file without names: if he is, its
 * room is free when this returns, and not only when somebody passes.  The root
 * is held instead, so that the mount stays for so long.
 *
 * Locks:    none.
 */
void
vn_put_last(struct vnode *v)
{
	struct vnode *root = NULL;

	if (v == NULL)
		return;
	if (atomic_load_relaxed(&v->nlink) == 0 && v->mnt->type->reap != NULL) {
		root = v->mnt->root;
		vn_get(root);
	}
	vn_put(v);
	if (root != NULL)
		root->mnt->type->reap(root->mnt);
	vn_put(root);
}

static void
vn_free(struct vnode *v)
{
	struct mount *mnt = v->mnt;

	ASSERT(v->mounted == NULL);
	flock_vnode_gone(v);
	if (v->ops->inactive != NULL)
		v->ops->inactive(v);
	kmem_free(v->name);
	kmem_cache_free(&vnode_cache, v);
	atomic_sub(&mnt->vnodes, 1);
}

/* A terminated copy for vn_set_name().  Returns: NULL: no memory. */
char *
vn_name_dup(const struct name *n)
{
	char *s = kmem_alloc(n->len + 1);

	if (s != NULL) {
		memcpy(s, n->s, n->len);
		s[n->len] = '\0';
	}
	return s;
}

/*
 * From now on v is called name in parent.
 *
 * Locks:    none of rank LR_LEAF or above.
 * Owns:     takes name; takes its own reference to parent.
 */
void
vn_set_name(struct vnode *v, struct vnode *parent, char *name)
{
	struct vnode *old_parent;
	char *old_name;

	vn_get(parent);
	spin_lock(&names_lock);
	old_parent = v->parent;
	old_name = v->name;
	v->parent = parent;
	v->name = name;
	spin_unlock(&names_lock);
	kmem_free(old_name);
	vn_put(old_parent);
}

/*
 * A file was found by this name: if it is another than the one remembered (a
 * file with several links), this one is now its name for /proc and getcwd.
 * Without memory the old one stays.
 *
 * Locks:    tree, where names are not made on demand; none of rank LR_LEAF or
 *           above.
 */
void
vn_note_name(struct vnode *v, struct vnode *parent, const struct name *n)
{
	char *s;
	bool same;

	ASSERT(parent->mnt->type->on_demand || rw_is_locked(&parent->mnt->tree));
	spin_lock(&names_lock);
	same = v->parent == parent && v->name != NULL &&
	    strlen(v->name) == n->len && memcmp(v->name, n->s, n->len) == 0;
	spin_unlock(&names_lock);
	if (same)
		return;
	s = vn_name_dup(n);
	if (s != NULL)
		vn_set_name(v, parent, s);
}

/*
 * Name n of v in dir was removed, others are left: forget it, so that v does
 * not hold dir.  Until it is found again, v has no name.
 *
 * Locks:    none of rank LR_LEAF or above.
 */
void
vn_forget_name(struct vnode *v, const struct vnode *dir, const struct name *n)
{
	struct vnode *parent = NULL;
	char *name = NULL;

	spin_lock(&names_lock);
	if (v->parent == dir && strlen(v->name) == n->len &&
	    memcmp(v->name, n->s, n->len) == 0) {
		parent = v->parent;
		name = v->name;
		v->parent = NULL;
		v->name = NULL;
	}
	spin_unlock(&names_lock);
	kmem_free(name);
	vn_put(parent);
}

/* names_lock for mount.c, whose links are guarded by it too. */
void
names_hold(void)
{
	spin_lock(&names_lock);
}

void
names_drop(void)
{
	spin_unlock(&names_lock);
}

/* The parent with a reference; NULL: v is a root.  Locks: none. */
struct vnode *
vn_parent(struct vnode *v)
{
	struct vnode *p;

	spin_lock(&names_lock);
	p = v->parent;
	if (p != NULL)
		vn_get(p);
	spin_unlock(&names_lock);
	return p;
}

/*
 * Is the directory v top itself or below it, in one mount?  The way up is as long
 * as users make it, so nobody else may wait for its end: no names_lock.
 *
 * Locks:    tree for writing: no directory gets another parent.
 */
bool
vn_is_below(const struct vnode *v, const struct vnode *top)
{
	HELD(&v->mnt->tree);
	if (top->type != S_IFDIR)
		return false;
	while (v != NULL && v != top)
		v = atomic_load_relaxed(&v->parent);
	return v != NULL;
}

/*
 * Put "/name" of v in front of *end; "/#ino" for a file without a name.
 *
 * Locks:    names_lock held.
 * Returns:  false: no room.
 */
static bool
path_prepend(const struct vnode *v, char *start, char **end)
{
	char nameless[24];
	const char *name = v->name;
	size_t n;

	HELD(&names_lock);
	if (name == NULL) {
		snprintf(nameless, sizeof(nameless), "#%lu", v->ino);
		name = nameless;
	}
	n = strlen(name);
	if ((size_t)(*end - start) < n + 1)
		return false;
	*end -= n;
	memcpy(*end, name, n);
	*--*end = '/';
	return true;
}

/*
 * Write the path from root (NULL: the first root) to v to the end of buf.  Where v is
 * not below root, *inside is false, and it is the path from the first root.
 *
 * Locks:    takes names_lock.
 * Returns:  where it begins, or NULL: too long.
 */
static char *
path_build(struct vnode *v, const struct vnode *root, char *buf, size_t cap,
    bool *inside)
{
	char *end = buf + cap;
	bool fits = true;

	spin_lock(&names_lock);
	while (fits && v != NULL && v != root) {
		if (v == v->mnt->root) {
			v = v->mnt->covered;
			continue;
		}
		fits = path_prepend(v, buf, &end);
		v = v->parent == NULL ? v->mnt->root : v->parent;
	}
	spin_unlock(&names_lock);
	*inside = v == root;
	if (fits && end == buf + cap && end > buf)
		*--end = '/';
	return fits ? end : NULL;
}

/*
 * The absolute path of a vnode as root sees it, terminated; NULL: the first root.
 * *inside: path_build().
 *
 * Locks:    none of rank LR_LEAF or above.
 * Returns:  length, -ENAMETOOLONG.
 */
ssize_t
vn_path_from(struct vnode *v, const struct vnode *root, char *buf, size_t cap,
    bool *inside)
{
	static const char gone[] = " (deleted)";
	size_t n, tail;
	char *start = NULL;

	tail = atomic_load_relaxed(&v->nlink) == 0 ? sizeof(gone) - 1 : 0;
	if (tail + 1 < cap)
		start = path_build(v, root, buf, cap - tail - 1, inside);
	if (start == NULL)
		return -ENAMETOOLONG;
	n = (size_t)(buf + cap - tail - 1 - start);
	memmove(buf, start, n);
	memcpy(buf + n, gone, tail);
	buf[n + tail] = '\0';
	return (ssize_t)(n + tail);
}

/* The same from the first root.  Locks: none of rank LR_LEAF or above. */
ssize_t
vn_full_path(struct vnode *v, char *buf, size_t cap)
{
	bool inside;

	return vn_path_from(v, NULL, buf, cap, &inside);
}

/*
 * vmo_client_ops.ident of files; the path is that from the caller's root, as of links
 * in /proc.
 *
 * Locks:    [O] of its object; takes names_lock.
 */
void
vn_ident(void *client, struct vmo_ident *id)
{
	const struct vnode *root = fsctx_root_seen();
	struct vnode *v = client;
	bool inside;

	id->dev_major = dev_major(v->mnt->dev);
	id->dev_minor = dev_minor(v->mnt->dev);
	id->ino = v->ino;
	id->is_short = vn_path_from(v, root, id->path, id->room, &inside) < 0;
	if (id->is_short)
		str_copy(id->path, "...", id->room);
}

/*
 * vmo_client_ops.hold of files.
 *
 * Locks:    [O] of its object.
 * Owns:     on success a reference, for vn_punch().
 * Returns:  false: the last reference is gone.
 */
bool
vn_hold(void *client)
{
	struct vnode *v = client;
	uint32_t n = atomic_load(&v->refs);

	while (n != 0 && !atomic_cas(&v->refs, &n, n + 1))
		;
	return n != 0;
}
