/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pidfd.c: a file that stands for a process
 *
 * Problem   Between a look at a process and a signal to its number the process may
 *           end and another may get the number.  And poll cannot wait for a number.
 *
 * Picture   file ─→ struct pidfd ─→ struct proc, referenced: LIVE, ZOMBIE, at last DEAD
 *           its last thread ends ─→ pidfd_tell(process) ─→ bucket ─→ watches
 *
 * Rules     1. It is readable from the end of the last thread on, once tracers have
 *              seen the ends of all but the first, whether anybody has waited for the
 *              process or not.
 *           2. clone makes the file before the process can be seen: it is PROC_NEW
 *              then, and never becomes LIVE if the clone fails.
 *           3. Few processes have such a file, and struct proc has no field for it: a
 *              hash table finds it by the process's address, fixed while it is open.
 *
 * Read next fs/event/README.md, sys/sys_pidfd.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "fs/event/event.h"
#include "lib/errno.h"
#include "mem/mem.h"

#define BUCKETS 64u

struct pidfd {
	struct list_node node;       /* pidfds.lock */
	struct proc *of;             /* [c] a reference */
	struct ready ready;          /* watches for its end */
};

static struct {
	struct spinlock lock;        /* LR_LEAF */
	struct list bucket[BUCKETS]; /* lock */
} pidfds = { .lock = SPIN_INIT(LR_LEAF) };

/* Locks: none; boot. */
void
pidfd_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&pidfds.bucket[i]);
}

static struct list *
bucket_of(const struct proc *p)
{
	return &pidfds.bucket[((uintptr_t)p >> 6) % BUCKETS];
}

/* The process has ended, for all to see.  Locks: any of rank < LR_LEAF. */
void
pidfd_tell(const struct proc *p)
{
	struct list *l = bucket_of(p);
	struct pidfd *d;

	/* A pidfd that is opened now shows the end at once. */
	if (list_is_empty(l))
		return;
	spin_lock(&pidfds.lock);
	LIST_FOREACH(d, l, node)
		if (d->of == p)
			ready_tell(&d->ready, POLL_RD);
	spin_unlock(&pidfds.lock);
}

static bool
is_process_locked(const struct proc *p)
{
	HELD(&proc_lock);
	return p->state == PROC_LIVE || p->state == PROC_ZOMBIE;
}

static unsigned
pidfd_poll(struct file *f, struct ready **at)
{
	struct pidfd *d = f->priv;

	*at = &d->ready;
	return UNDER(&proc_lock, d->of->state == PROC_DEAD ||
	    (d->of->state == PROC_ZOMBIE && d->of->nended == 0)) ? POLL_RD : 0;
}

/* Both lines, as where there are namespaces. */
static void
pidfd_show(struct file *f, struct out *o)
{
	const struct proc *p = pidfd_of(f);
	int pid = UNDER(&proc_lock, is_process_locked(p) ? p->pid : -1);

	out_printf(o, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static void
pidfd_close(struct file *f)
{
	struct pidfd *d = f->priv;

	spin_lock(&pidfds.lock);
	list_remove(&d->node);
	spin_unlock(&pidfds.lock);
	proc_put(d->of);
	kmem_free(d);
}

static const struct file_ops pidfd_ops = {
	.name = "[pidfd]",
	.seek = SEEKS_NEVER,
	.reads_nothing = true,
	.writes_nothing = true,
	.poll = pidfd_poll,
	.show = pidfd_show,
	.close = pidfd_close,
};

/*
 * A file of p; flags: O_NONBLOCK.
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 * Owns:     the file has a reference of p, the caller that of the file.
 */
int
pidfd_create(struct proc *p, unsigned flags, struct file **out)
{
	int r = anon_open(&pidfd_ops, sizeof(struct pidfd), flags, out);
	struct pidfd *d;

	if (r != 0)
		return r;
	d = (*out)->priv;
	proc_get(d->of = p);
	ready_init(&d->ready);
	spin_lock(&pidfds.lock);
	list_push_back(bucket_of(p), &d->node);
	spin_unlock(&pidfds.lock);
	return 0;
}

/* The process of f, as long as that is open; NULL: it is another file. */
struct proc *
pidfd_of(const struct file *f)
{
	const struct pidfd *d = f->priv;

	return f->ops == &pidfd_ops ? d->of : NULL;
}

/*
 * A file of the process with that number.
 *
 * Locks:    takes proc_lock.
 * Returns:  as pidfd_create(); -ESRCH; -EINVAL: it is the number of a thread.
 */
int
pidfd_open(int pid, unsigned flags, struct file **out)
{
	struct proc *p;
	int r;

	spin_lock(&proc_lock);
	p = proc_find_locked(pid);
	if (p != NULL)
		proc_get(p);
	r = p == NULL && task_find_locked(pid) == NULL ? -ESRCH : -EINVAL;
	spin_unlock(&proc_lock);
	if (p == NULL)
		return r;
	r = pidfd_create(p, flags, out);
	proc_put(p);
	return r;
}

/*
 * kill(2) for the process, even if its number has a new bearer.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -ESRCH, -EINVAL, -EPERM, -EAGAIN.
 */
int
pidfd_kill(struct proc *p, const struct siginfo *si)
{
	return UNDER(&proc_lock, is_process_locked(p) ? sig_kill_locked(p, si) : -ESRCH);
}

/*
 * The file open as fd in p's first thread.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -ESRCH: that thread has ended; -EPERM: p is not for the caller to
 *           look at; -EBADF.
 * Owns:     the caller gets the reference.
 */
int
pidfd_file(struct proc *p, int fd, struct file **out)
{
	struct fdtab *t = NULL;
	struct task *tk;
	int r = 0;

	spin_lock(&proc_lock);
	if (!is_process_locked(p)) {
		r = -ESRCH;
	} else if (!proc_may_look_locked(p, LOOK_BY_REAL)) {
		r = -EPERM;
	} else {
		tk = task_find_locked(p->pid);
		if (tk != NULL && tk->proc == p && tk->fdtab != NULL)
			t = fdtab_look(tk->fdtab);
	}
	spin_unlock(&proc_lock);
	if (t == NULL)
		return r != 0 ? r : -ESRCH;
	*out = fdtab_file(t, fd);
	fdtab_look_end(t);
	return *out != NULL ? 0 : -EBADF;
}
