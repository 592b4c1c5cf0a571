/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pidfd.c: a process that is a file
 *
 * Problem   A number may be another process's by the time it is used, and poll
 *           does not know numbers.
 *
 * Picture   file ─→ struct pidfd ─ of ─→ process, with a reference
 *           its last thread ends ─→ pidfd_tell(process) ─→ bucket ─→ who watches
 *
 * Rules     1. fs/ knows no processes: what is asked of one is asked by pidfd_ops.
 *           2. Few processes have such a file, and none has room for it: they are
 *              found by the process's address, which it keeps while a file is open.
 *
 * Read next proc/pidfd.c.
 */
#include "fs/event/event.h"
#include "mem/mem.h"

#define BUCKETS 64u

struct pidfd {
	struct list_node node;       /* [P] */
	void *of;                    /* [c] a reference */
	struct ready ready;          /* who watches for its end */
};

/* [P]: pidfds.lock. */
static struct {
	struct spinlock lock;        /* LR_LEAF */
	const struct pidfd_ops *ops; /* [c] */
	struct list bucket[BUCKETS]; /* [P] */
} pidfds = { .lock = SPIN_INIT(LR_LEAF) };

/* proc/ tells what to ask.  Context: boot. */
void
pidfd_set_ops(const struct pidfd_ops *ops)
{
	unsigned i;

	pidfds.ops = ops;
	for (i = 0; i < BUCKETS; i++)
		list_init(&pidfds.bucket[i]);
}

static struct list *
bucket_of(const void *of)
{
	return &pidfds.bucket[((uintptr_t)of >> 6) % BUCKETS];
}

/* The process has ended.  Locks: any of rank < LR_LEAF. */
void
pidfd_tell(const void *of)
{
	struct list *l = bucket_of(of);
	struct pidfd *p;

	/* Who opens one now sees the end when he looks. */
	if (list_is_empty(l))
		return;
	spin_lock(&pidfds.lock);
	LIST_FOREACH(p, l, node)
		if (p->of == of)
			ready_tell(&p->ready, POLL_RD);
	spin_unlock(&pidfds.lock);
}

static unsigned
pidfd_poll(struct file *f, struct ready **at)
{
	struct pidfd *p = f->priv;

	*at = &p->ready;
	return pidfds.ops->has_ended(p->of) ? POLL_RD : 0;
}

static void
pidfd_show(struct file *f, struct out *o)
{
	struct pidfd *p = f->priv;

	pidfds.ops->show(p->of, o);
}

static void
pidfd_close(struct file *f)
{
	struct pidfd *p = f->priv;

	spin_lock(&pidfds.lock);
	list_remove(&p->node);
	spin_unlock(&pidfds.lock);
	pidfds.ops->put(p->of);
	kmem_free(p);
}

static const struct file_ops pidfd_file_ops = {
	.name = "[pidfd]",
	.seek = SEEKS_NEVER,
	.reads_nothing = true,
	.writes_nothing = true,
	.poll = pidfd_poll,
	.show = pidfd_show,
	.close = pidfd_close,
};

/*
 * A file of the process.
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 * Owns:     takes the reference of `of` on success; the caller gets that of the file.
 */
int
pidfd_create(void *of, unsigned flags, struct file **out)
{
	int r = anon_open(&pidfd_file_ops, sizeof(struct pidfd), flags, out);
	struct pidfd *p;

	if (r != 0)
		return r;
	p = (*out)->priv;
	p->of = of;
	ready_init(&p->ready);
	spin_lock(&pidfds.lock);
	list_push_back(bucket_of(of), &p->node);
	spin_unlock(&pidfds.lock);
	return 0;
}

/* The process of f, as long as that is open; NULL: it is another file. */
void *
pidfd_of(const struct file *f)
{
	const struct pidfd *p = f->priv;

	return f->ops == &pidfd_file_ops ? p->of : NULL;
}
