/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anon.c: open files without a name
 *
 * Problem   An epoll or an eventfd is no file of any file system, but a program may
 *           ask for the attributes of its descriptor.
 *
 * Picture   struct file ─ priv ─→ epoll, eventfd, …
 *                 └─ vn ─→ one vnode for all
 *
 * Read next epoll.c.
 */
#include "fs/event/event.h"
#include "mem/mem.h"

static const struct vnode_ops anon_ops;
static const struct fstype anon_type = { .name = "anon_inodefs", .magic = 0x09041934 };

static struct {
	struct mount mount;      /* [c] */
	struct vnode *vn;        /* [c] of all of them */
} anon = { .mount = { .type = &anon_type } };

/* The vnode.  Context:  boot; panics without memory. */
void
anon_init(void)
{
	rw_init(&anon.mount.tree, LR_VNODE);
	anon.mount.dev = dev_make(0, 253);
	anon.vn = vn_alloc(&anon.mount, &anon_ops, 0600);
	if (anon.vn == NULL)
		panic("anon: no memory");
	anon.vn->nlink = 1;
}

/* The room comes up.  Context: boot. */
void
event_init(void)
{
	anon_init();
	file_set_unwatch_fn(epoll_forget);
}

/*
 * An open file of that kind, whose priv are so many bytes of zeros.
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 * Owns:     the caller gets the reference; close() of the ops frees priv.
 */
int
anon_open(const struct file_ops *ops, size_t size, unsigned flags, struct file **out)
{
	void *priv = kmem_zalloc(size);
	struct file *f;
	int r = priv == NULL ? -ENOMEM : file_alloc(&f);

	if (r != 0) {
		kmem_free(priv);
		return r;
	}
	f->flags = O_RDWR | flags;
	f->ops = ops;
	f->priv = priv;
	f->knows = ops->write != NULL ? KNOWS_READ_NOWAIT : KNOWS_HINTS;
	vn_get(anon.vn);
	f->vn = anon.vn;
	*out = f;
	return 0;
}

/* A close() that has nothing else to do. */
void
anon_close(struct file *f)
{
	kmem_free(f->priv);
}
