/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * payer.c: how much of the kernel's memory the messages of one user may take
 *
 * Problem   Each socket is bounded, but a user may have thousands; and descriptors that
 *           are under way are open without a number that a limit counts.
 *
 * Rules     1. Who pays is who has sent, until it is read.
 *           2. Root has no limit.
 *
 * Read next message.c.
 */
#include "fs/unix/unix.h"
#include "mem/mem.h"

#define MEMORY_SHARE 8       /* of memory: messages of one user */

struct sock_payer {
	struct list_node node;   /* lock */
	uint32_t uid;            /* [c] */
	unsigned messages;       /* lock */
	uint64_t bytes, files;   /* lock */
};

static struct {
	struct spinlock lock;    /* rank LR_LEAF */
	struct list all;         /* lock; those with messages */
	uint64_t max;            /* [c] bytes of one */
} payers = {
	.lock = SPIN_INIT(LR_LEAF),
	.all = LIST_INIT(payers.all),
};

/* At sock_init(). */
void
payer_init(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	payers.max = ps.total * PAGE_SIZE / MEMORY_SHARE;
}

/* That of uid, or fresh, which becomes his.  Locks: payers.lock held. */
static struct sock_payer *
payer_of_locked(uint32_t uid, struct sock_payer *fresh)
{
	struct sock_payer *o;

	HELD(&payers.lock);
	LIST_FOREACH(o, &payers.all, node)
		if (o->uid == uid)
			return o;
	if (fresh != NULL) {
		fresh->uid = uid;
		list_push_back(&payers.all, &fresh->node);
	}
	return fresh;
}

/*
 * The current user has one message more.  As on Linux, who has not more descriptors
 * under way than files_max may send as many more as a message takes.
 *
 * Locks:    none of rank >= LR_LEAF.
 * Returns:  0, -ENOBUFS, -ETOOMANYREFS.
 * Owns:     *out until payer_give() of as much.
 */
int
payer_take(uint32_t bytes, uint32_t files, uint64_t files_max, struct sock_payer **out)
{
	bool is_root = fs_cred()->euid == 0;
	struct sock_payer *fresh = kmem_zalloc(sizeof(*fresh)), *o;
	int r = 0;

	spin_lock(&payers.lock);
	o = payer_of_locked(fs_cred()->uid, fresh);
	if (o == NULL || (!is_root && o->bytes + bytes > payers.max))
		r = -ENOBUFS;
	else if (files > 0 && o->files > files_max)
		r = -ETOOMANYREFS;
	if (r == 0) {
		o->messages++;
		o->bytes += bytes;
		o->files += files;
		*out = o;
	}
	if (o == fresh && r != 0 && o != NULL)
		list_remove(&o->node);
	spin_unlock(&payers.lock);
	if (o != fresh || r != 0)
		kmem_free(fresh);
	return r;
}

/* One message less.  Locks: none of rank >= LR_LEAF. */
void
payer_give(struct sock_payer *o, uint32_t bytes, uint32_t files)
{
	spin_lock(&payers.lock);
	o->bytes -= bytes;
	o->files -= files;
	if (--o->messages == 0)
		list_remove(&o->node);
	else
		o = NULL;
	spin_unlock(&payers.lock);
	kmem_free(o);
}
