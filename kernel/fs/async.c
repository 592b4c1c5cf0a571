/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * async.c: a signal when a file becomes ready
 *
 * Problem   O_ASYNC: a program that sets it does not sleep for the file; SIGIO tells it
 *           that there is something to read, or room to write.  Files become ready
 *           in interrupts and under locks, where no signal can be sent.
 *
 * Picture   F_SETOWN, F_SETSIG ─→ struct async ─ O_ASYNC: watch in the pipe's list
 *             ready_tell() ─→ told: on the list `due` ─┬→ async_send_due() by the teller
 *                                                      └→ kworker, if it cannot
 *                                            proc/sigio.c ←┘
 *
 * Rules     1. An end is told only what it can use: a reader is not told of room.
 *           2. It is on `due` once: several events are one signal until it is sent, as
 *              a signal that is pending twice is one.
 *           3. The signal is sent by a copy: the file may be closed meanwhile.
 *           4. The signal is a hint, as in ready.c: somebody may have read the bytes.
 *           5. Who tells that a file is ready goes on when its signal is sent: if kworker
 *              has begun to send it, the teller waits.
 *
 * Read next proc/sigio.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "mem/mem.h"

/* Of a file whose owner or signal was ever set; [R]: ready_lock. */
struct async {
	struct watch watch;          /* [R] linked: O_ASYNC is on */
	struct list_node due;        /* [R] */
	unsigned told;               /* [R] POLL*, not sent yet */
	unsigned hears;              /* [c] rule 1 */
	bool hangs_up;               /* [c] a socket, whose end is told as such */
	struct file_owner to;        /* [R] */
};

uint32_t async_due;                  /* [R], read without: on `due`, or being sent */

static struct {
	struct mutex sending;        /* rule 5; LR_VNODE, below pipe->lock */
	struct list due;             /* [R] */
	struct work work;            /* [c] */
	async_send_fn *send;         /* [c] NULL until proc/ registers */
} asyncs;

static void
send_all(void *arg)
{
	async_send();
}

/* At fs_init(). */
void
async_init(void)
{
	mutex_init(&asyncs.sending, LR_VNODE);
	list_init(&asyncs.due);
	work_init(&asyncs.work, send_all, NULL);
}

/* proc/ tells how to send. */
void
fs_set_async_fn(async_send_fn *fn)
{
	asyncs.send = fn;
}

/* ---- told, and sent ---- */

static void
due_remove_locked(struct async *a)
{
	HELD(&ready_lock);
	list_remove(&a->due);
	a->told = 0;
}

/* Rule 2. */
static bool
async_told(struct watch *w, unsigned bits)
{
	struct async *a = CONTAINER_OF(w, struct async, watch);

	HELD(&ready_lock);
	if ((bits & a->hears) == 0)
		return false;
	a->told |= bits == READY_ALL && a->hangs_up ? POLLHUP : bits & a->hears;
	if (!list_is_linked(&a->due)) {
		list_push_back(&asyncs.due, &a->due);
		async_due++;
		work_queue(&asyncs.work);
	}
	return true;
}

/* A copy of the first that is due; it stays counted until it is sent.  Its events, or 0:
 * there is none. */
static unsigned
take_due(struct file_owner *to)
{
	uint64_t flags = spin_lock_irq(&ready_lock);
	struct list_node *n = list_first(&asyncs.due);
	struct async *a;
	unsigned told = 0;

	if (n != NULL) {
		a = LIST_ENTRY(n, struct async, due);
		told = a->told;
		*to = a->to;
		due_remove_locked(a);
	}
	spin_unlock_irq(&ready_lock, flags);
	return told;
}

/*
 * Send the signals that are due.
 *
 * Locks:    none but of rank LR_VNODE.
 * Context:  thread; may sleep.
 */
void
async_send(void)
{
	struct file_owner to;
	unsigned told;

	mutex_lock_nested(&asyncs.sending);
	while ((told = take_due(&to)) != 0) {
		if (to.id != 0)
			asyncs.send(&to, told);
		(void)UNDER_IRQ(&ready_lock, async_due--);
	}
	mutex_unlock(&asyncs.sending);
}

/* ---- of a file ---- */

/* f's, made if it has none.  NULL: no memory. */
static struct async *
async_of(struct file *f)
{
	struct async *a = atomic_load(&f->async), *none = NULL;

	if (a != NULL)
		return a;
	a = kmem_zalloc(sizeof(*a));
	if (a == NULL)
		return NULL;
	a->watch.tell = async_told;
	list_node_init(&a->watch.node);
	list_node_init(&a->due);
	a->hears = (file_can_read(f) ? POLL_RD : 0) |
	    (file_can_write(f) ? POLL_WR : 0);
	a->hangs_up = f->vn->type == S_IFSOCK;
	if (atomic_cas(&f->async, &none, a))
		return a;
	kmem_free(a);
	return none;
}

static void
off_locked(struct async *a)
{
	HELD(&ready_lock);
	if (list_is_linked(&a->watch.node))
		list_remove(&a->watch.node);
	if (list_is_linked(&a->due)) {
		due_remove_locked(a);
		async_due--;
	}
}

/* The last reference to f is gone.  Locks: none of rank >= LR_DEV. */
void
async_drop(struct file *f)
{
	struct async *a = f->async;
	uint64_t flags = spin_lock_irq(&ready_lock);

	off_locked(a);
	spin_unlock_irq(&ready_lock, flags);
	kmem_free(a);
}

/* The receiver of f's signals; all 0: none was ever set. */
void
file_owner(struct file *f, struct file_owner *out)
{
	struct async *a = atomic_load(&f->async);

	*out = a == NULL ? (struct file_owner){ 0 } : UNDER_IRQ(&ready_lock, a->to);
}

/* Set the receiver; signal and descriptor stay.  0, -ENOMEM. */
int
file_set_owner(struct file *f, const struct file_owner *to)
{
	struct async *a = async_of(f);
	struct file_owner was;
	uint64_t flags;

	if (a == NULL)
		return -ENOMEM;
	flags = spin_lock_irq(&ready_lock);
	was = a->to;
	a->to = *to;
	a->to.signo = was.signo;
	a->to.fd = was.fd;
	spin_unlock_irq(&ready_lock, flags);
	return 0;
}

/* F_SETSIG; 0: SIGIO, and nothing with it.  0, -ENOMEM. */
int
file_set_signal(struct file *f, int signo)
{
	struct async *a = async_of(f);

	if (a == NULL)
		return -ENOMEM;
	(void)UNDER_IRQ(&ready_lock, a->to.signo = signo);
	return 0;
}

/*
 * O_ASYNC of f, called fd, goes on or off: the watch and the flag together.
 *
 * Locks:    none held.
 * Returns:  0, -ENOMEM.
 */
int
async_switch(struct file *f, int fd, struct ready *at, bool on)
{
	struct async *a = async_of(f);
	uint64_t flags;

	if (a == NULL)
		return -ENOMEM;
	flags = spin_lock_irq(&ready_lock);
	if (on) {
		a->to.fd = fd;
		if (!list_is_linked(&a->watch.node))
			ready_watch_locked(at, &a->watch);
		(void)atomic_or(&f->flags, O_ASYNC);
	} else {
		off_locked(a);
		(void)atomic_and(&f->flags, ~(unsigned)O_ASYNC);
	}
	spin_unlock_irq(&ready_lock, flags);
	return 0;
}
