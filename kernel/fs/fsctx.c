/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsctx.c: root, working directory and umask of a thread
 *
 * Problem   A relative path begins at the working directory, an absolute one at
 *           the root; threads may share both (CLONE_FS).
 *
 * Rules     1. root and cwd are referenced directories; the lock is held only
 *              to exchange or to copy a pointer.
 *           2. A kernel thread without a context has the first root as its root,
 *              and acts as user root.
 *
 * Read next chdir.c, namei.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

static const struct cred kernel_cred = {
	.caps = { .effective = CAP_ALL, .permitted = CAP_ALL, .bounding = CAP_ALL } };

static struct {
	const struct cred *(*cred)(void); /* [c] set at init */
} hooks;

/* proc/ tells how to find the credentials of the current process. */
void
fs_set_cred_fn(const struct cred *(*fn)(void))
{
	hooks.cred = fn;
}

/* Credentials that file calls of the current thread act with. */
const struct cred *
fs_cred(void)
{
	const struct cred *c = hooks.cred != NULL ? hooks.cred() : NULL;

	return c != NULL ? c : &kernel_cred;
}

bool
fs_may(enum cap cap)
{
	return cred_may(fs_cred(), cap);
}

static struct fsctx *
fsctx_self(void)
{
	return thread_current()->fsctx;
}

/* A context at the first root, umask 022.  NULL: no memory. */
struct fsctx *
fsctx_create(void)
{
	struct fsctx *c = kmem_zalloc(sizeof(*c));

	if (c == NULL)
		return NULL;
	c->refs = 1;
	mutex_init(&c->lock, LR_VNODE);
	c->root = mount_root();
	c->cwd = mount_root();
	c->umask = 022;
	return c;
}

/* The same place, for a process that is forked.  NULL: no memory. */
struct fsctx *
fsctx_copy(struct fsctx *from)
{
	struct fsctx *c = kmem_zalloc(sizeof(*c));

	if (c == NULL)
		return NULL;
	c->refs = 1;
	mutex_init(&c->lock, LR_VNODE);
	mutex_lock(&from->lock);
	c->root = from->root;
	c->cwd = from->cwd;
	c->umask = from->umask;
	vn_get(c->root);
	vn_get(c->cwd);
	mutex_unlock(&from->lock);
	return c;
}

void
fsctx_get(struct fsctx *c)
{
	atomic_add(&c->refs, 1);
}

/* The last thread's put frees it.  May sleep. */
void
fsctx_put(struct fsctx *c)
{
	if (atomic_sub(&c->refs, 1) != 0)
		return;
	vn_put(c->root);
	vn_put(c->cwd);
	kmem_free(c);
}

/*
 * Where c stands now.
 *
 * Locks:    takes c's.
 * Owns:     the caller gets the reference.
 */
struct vnode *
fsctx_place(struct fsctx *c, enum fs_place place)
{
	struct vnode *v;

	mutex_lock(&c->lock);
	v = place == PLACE_CWD ? c->cwd : c->root;
	vn_get(v);
	mutex_unlock(&c->lock);
	return v;
}

/* The thread's root with a reference. */
struct vnode *
fsctx_root(void)
{
	struct fsctx *c = fsctx_self();

	return c == NULL ? mount_root() : fsctx_place(c, PLACE_ROOT);
}

/* The thread's root without a reference, to be compared only; NULL: the first root.
 * Locks: none. */
const struct vnode *
fsctx_root_seen(void)
{
	struct fsctx *c = fsctx_self();

	return c == NULL ? NULL : atomic_load_relaxed(&c->root);
}

/* The thread's working directory with a reference. */
struct vnode *
fsctx_cwd(void)
{
	struct fsctx *c = fsctx_self();

	return c == NULL ? mount_root() : fsctx_place(c, PLACE_CWD);
}

/*
 * The thread stands at the directory v from now on.
 *
 * Owns:     takes the reference to v, gives that of where it stood.
 */
struct vnode *
fsctx_exchange(enum fs_place place, struct vnode *v)
{
	struct fsctx *c = fsctx_self();
	struct vnode **slot = place == PLACE_CWD ? &c->cwd : &c->root, *old;

	mutex_lock(&c->lock);
	old = *slot;
	atomic_store(slot, v);
	mutex_unlock(&c->lock);
	return old;
}

/* Set the mask of new files' permission bits; returns the old one. */
unsigned
fs_umask(unsigned mask)
{
	struct fsctx *c = fsctx_self();
	unsigned old;

	mutex_lock(&c->lock);
	old = c->umask;
	c->umask = mask & 0777;
	mutex_unlock(&c->lock);
	return old;
}

/*
 * The absolute path of a vnode as the current root sees it, terminated.
 *
 * Locks:    none of LR_VNODE, nor of rank LR_LEAF or above.
 * Returns:  length, -ENAMETOOLONG.
 */
ssize_t
vnode_path(struct vnode *v, char *buf, size_t cap)
{
	struct vnode *root = fsctx_root();
	bool inside;
	ssize_t n = vn_path_from(v, root, buf, cap, &inside);

	vn_put(root);
	return n;
}
