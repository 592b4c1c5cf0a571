/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsctx.c: where a thread stands: root, working directory, umask
 *
 * Problem   A relative path begins somewhere, an absolute one too; threads
 *           may share that place (CLONE_FS).
 *
 * Rules     1. root and cwd are referenced directories; the lock is held only
 *              to exchange or to copy a pointer.
 *           2. A kernel thread without a context stands at the first root and
 *              acts as root.
 *
 * Read next namei.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

static const struct cred kernel_cred;   /* all ids 0 */

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

/* The thread's working directory with a reference. */
struct vnode *
fsctx_cwd(void)
{
	struct fsctx *c = fsctx_self();

	return c == NULL ? mount_root() : fsctx_place(c, PLACE_CWD);
}

/* Put the thread at the directory which at names. */
static int
fsctx_move(const struct path_at *at, enum fs_place place)
{
	struct fsctx *c = fsctx_self();
	struct walk w = { 0 };
	struct vnode **slot, *old;
	int r;

	r = walk_path(&w, at, 0);
	if (r != 0)
		return r;
	if (w.vn->type != S_IFDIR)
		r = -ENOTDIR;
	else
		r = vn_permit(w.vn, w.cred, VN_X);
	/* What is wrong with the path is told to everybody. */
	if (r == 0 && place == PLACE_ROOT && w.cred->euid != 0)
		r = -EPERM;
	if (r == 0) {
		mutex_lock(&c->lock);
		slot = place == PLACE_CWD ? &c->cwd : &c->root;
		old = *slot;
		*slot = w.vn;
		mutex_unlock(&c->lock);
		w.vn = old;
	}
	walk_end(&w);
	return r;
}

/* chdir(2), and fchdir(2) with AT_EMPTY_PATH. */
int
fs_chdir(const struct path_at *at)
{
	return fsctx_move(at, PLACE_CWD);
}

/* chroot(2), for root only: -EPERM, after what the path has to say. */
int
fs_chroot(const struct path_at *at)
{
	return fsctx_move(at, PLACE_ROOT);
}

/*
 * getcwd(2).
 *
 * Returns:  length without NUL; -ENOENT: the directory was removed;
 *           -ENAMETOOLONG: it has not room in cap.
 */
ssize_t
fs_getcwd(char *buf, size_t cap)
{
	struct vnode *cwd = fsctx_cwd();
	ssize_t n;

	n = cwd->nlink == 0 ? -ENOENT : vnode_path(cwd, buf, cap);
	vn_put(cwd);
	return n;
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
