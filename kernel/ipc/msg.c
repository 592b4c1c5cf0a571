/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg.c: System V message queues
 *
 * Problem   Messages with a type wait in a queue; a reader takes the first, the first of
 *           a type, or the lowest; who finds no room or no message sleeps.
 *
 * Picture   msgsnd ─→ queue: message → message → … ─→ msgrcv, by type
 *           message: a page with its head, then pages with the rest
 *
 * Rules     1. A message is copied before the queue is looked at, and after it has been
 *              taken out: ipc_lock is held for neither.
 *           2. A queue holds no more than qbytes, and no more messages than that: an
 *              empty one has a head, too.
 *           3. Who sleeps holds a reference: a queue that is removed is freed by the
 *              last.
 *           4. Heads and bytes are the kernel's memory: of what a queue has above a
 *              page, all queues of one user together have a share of memory; -ENOMEM.
 *
 * Read next ipc.c.
 */
#include "ipc/ipc.h"

#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mem/mem.h"

struct msg_piece {
	struct msg_piece *next;  /* [c] */
	uint8_t bytes[];
};
#define PIECE_BYTES (2000 - sizeof(struct msg_piece))
#define FREE_COST 4096u          /* of a queue: rule 4 */
#define USER_SHARE 32            /* of memory: the rest of all queues of one user */

struct message {
	struct list_node node;   /* [I] queue->messages */
	int64_t type;            /* [c] > 0 */
	uint64_t n;              /* [c] bytes */
	struct msg_piece *pieces; /* [c] */
};

struct msg_queue {
	struct ipc ipc;          /* first */
	unsigned refs;           /* [I] the table's, and of each that sleeps */
	bool removed;            /* [I] */
	struct list messages;    /* [I] */
	uint64_t n, bytes, max;  /* [I] messages, bytes, and how many of both */
	uint64_t stime, rtime;   /* [I] s */
	int lspid, lrpid;        /* [I] */
	struct waitq senders, receivers;
};

static struct {
	struct ipc_ids ids;
	uint64_t n, bytes;       /* [I] of all */
} msgs = { .ids = IPC_NO_IDS };

static struct msg_queue *
queue_find_locked(int id)
{
	HELD(&ipc_lock);
	return (struct msg_queue *)ipc_find_locked(&msgs.ids, id);
}

/* ---- messages ---- */

static void
message_free(struct message *m)
{
	struct msg_piece *p, *next;

	for (p = m->pieces; p != NULL; p = next) {
		next = p->next;
		kmem_free(p);
	}
	kmem_free(m);
}

/* Copy it in.  0, -ENOMEM, -EFAULT. */
static int
message_read(va_t from, uint64_t n, struct message **out)
{
	struct message *m = kmem_zalloc(sizeof(*m));
	struct msg_piece **at, *p;
	uint64_t done, part;
	int r = m == NULL ? -ENOMEM : 0;

	if (r < 0)
		return r;
	list_node_init(&m->node);
	m->n = n;
	at = &m->pieces;
	for (done = 0; done < n && r == 0; done += part) {
		part = MIN(n - done, PIECE_BYTES);
		p = kmem_alloc(sizeof(*p) + part);
		if (p == NULL) {
			r = -ENOMEM;
			break;
		}
		p->next = NULL;
		*at = p;
		at = &p->next;
		r = copyin(p->bytes, from + done, part);
	}
	if (r < 0)
		message_free(m);
	else
		*out = m;
	return r;
}

static int
message_write(const struct message *m, va_t to, uint64_t n)
{
	const struct msg_piece *p = m->pieces;
	uint64_t done, part;
	int r = 0;

	for (done = 0; done < n && r == 0; done += part, p = p->next) {
		part = MIN(n - done, PIECE_BYTES);
		r = copyout(to + done, p->bytes, part);
	}
	return r;
}

/* ---- msgget ---- */

static int
queue_look_locked(int key, int flags)
{
	struct ipc *i;
	int r = ipc_look_locked(&msgs.ids, key, flags, &i);

	HELD(&ipc_lock);
	if (r < 0)
		return r;
	return ipc_may_locked(i, (unsigned)(flags >> 6 | flags >> 3 | flags) & 7) ?
	    i->id : -EACCES;
}

static int
queue_create(int key, int flags)
{
	struct msg_queue *q = kmem_zalloc(sizeof(*q));
	bool entered = false;
	int r;

	if (q == NULL)
		return -ENOMEM;
	q->refs = 1;
	q->max = MSG_QUEUE_BYTES;
	list_init(&q->messages);
	waitq_init(&q->senders);
	waitq_init(&q->receivers);
	spin_lock(&ipc_lock);
	r = queue_look_locked(key, flags);
	if (r == -ENOENT) {
		r = ipc_add_locked(&msgs.ids, &q->ipc, key, flags);
		entered = r >= 0;
	}
	spin_unlock(&ipc_lock);
	if (!entered)
		kmem_free(q);
	return r;
}

/*
 * msgget(2).
 *
 * Returns:  the id, or -errno.
 */
int
msg_get(int key, int flags)
{
	int r;

	spin_lock(&ipc_lock);
	r = queue_look_locked(key, flags);
	spin_unlock(&ipc_lock);
	return r == -ENOENT && (key == IPC_PRIVATE || (flags & IPC_CREAT) != 0) ?
	    queue_create(key, flags) : r;
}

/* ---- sending and receiving ---- */

/* A queue with a reference.  NULL: *r is -EINVAL, -EACCES. */
static struct msg_queue *
queue_of(int id, unsigned access, int *r)
{
	struct msg_queue *q;

	spin_lock(&ipc_lock);
	q = queue_find_locked(id);
	*r = q == NULL ? -EINVAL : !ipc_may_locked(&q->ipc, access) ? -EACCES : 0;
	if (*r == 0)
		q->refs++;
	spin_unlock(&ipc_lock);
	return *r == 0 ? q : NULL;
}

static void
queue_release(struct msg_queue *q)
{
	struct list_node *n;
	bool last;

	spin_lock(&ipc_lock);
	last = --q->refs == 0;
	spin_unlock(&ipc_lock);
	if (!last)
		return;
	while ((n = list_pop_front(&q->messages)) != NULL)
		message_free(LIST_ENTRY(n, struct message, node));
	kmem_free(q);
}

/* [own] a call under way */
struct msg_work {
	struct msg_queue *q;
	struct message *m;       /* to be sent; or what was received */
	int64_t type;            /* wanted: as the program said it */
	uint64_t room;           /* of the reader */
	int flags;
};

static uint64_t
cost_of(const struct msg_queue *q)
{
	return q->bytes + q->n * sizeof(struct message);
}

/* Rule 4. */
static bool
is_paid_locked(struct msg_queue *to, const struct message *m)
{
	uint64_t sum = cost_of(to) + m->n + sizeof(*m);
	const struct msg_queue *q;
	struct phys_stat st;
	struct rb_node *n;

	HELD(&ipc_lock);
	if (sum <= FREE_COST)
		return true;
	for (n = rb_first(&msgs.ids.all); n != NULL; n = rb_next(n)) {
		q = CONTAINER_OF(n, struct msg_queue, ipc.node);
		if (q != to && q->ipc.cuid == to->ipc.cuid && cost_of(q) > FREE_COST)
			sum += cost_of(q) - FREE_COST;
	}
	phys_stat(&st);
	return sum <= st.total * PAGE_SIZE / USER_SHARE;
}

/* Rule 2.  1: no room; 0; -EIDRM, -EACCES, -ENOMEM. */
static int
try_send(struct msg_work *w)
{
	struct msg_queue *q = w->q;
	int r;

	spin_lock(&ipc_lock);
	if (q->removed) {
		r = -EIDRM;
	} else if (!ipc_may_locked(&q->ipc, IPC_W)) {
		r = -EACCES;
	} else if (w->m->n + q->bytes > q->max || q->n + 1 > q->max) {
		r = 1;
	} else if (!is_paid_locked(q, w->m)) {
		r = -ENOMEM;
	} else {
		list_push_back(&q->messages, &w->m->node);
		q->n++;
		q->bytes += w->m->n;
		msgs.n++;
		msgs.bytes += w->m->n;
		q->stime = ipc_now();
		q->lspid = proc_current()->pid;
		wake_all(&q->receivers);
		r = 0;
	}
	spin_unlock(&ipc_lock);
	return r;
}

/* The message that is wanted; NULL: there is none. */
static struct message *
choose_locked(struct msg_queue *q, int64_t type, int flags)
{
	struct message *m, *best = NULL;
	int64_t most = type == INT64_MIN ? INT64_MAX : -type;
	int64_t n = 0;

	HELD(&ipc_lock);
	LIST_FOREACH(m, &q->messages, node) {
		if ((flags & MSG_COPY) != 0) {
			if (n++ == type)
				return m;
		} else if (type >= 0) {
			if (type == 0 || (m->type == type) != ((flags & MSG_EXCEPT) != 0))
				return m;
		} else if (m->type <= most && (best == NULL || m->type < best->type)) {
			best = m;
		}
	}
	return best;
}

/* 1: no message; 0; -EIDRM, -EACCES, -E2BIG. */
static int
try_receive(struct msg_work *w)
{
	struct msg_queue *q = w->q;
	struct message *m;
	int r = 1;

	spin_lock(&ipc_lock);
	m = q->removed ? NULL : choose_locked(q, w->type, w->flags);
	if (q->removed) {
		r = -EIDRM;
	} else if (!ipc_may_locked(&q->ipc, IPC_R)) {
		r = -EACCES;
	} else if (m != NULL && w->room < m->n && (w->flags & MSG_NOERROR) == 0) {
		r = -E2BIG;
	} else if (m != NULL) {
		list_remove(&m->node);
		q->n--;
		q->bytes -= m->n;
		msgs.n--;
		msgs.bytes -= m->n;
		q->rtime = ipc_now();
		q->lrpid = proc_current()->pid;
		wake_all(&q->senders);
		w->m = m;
		r = 0;
	}
	spin_unlock(&ipc_lock);
	return r;
}

/* Again and again, until it is done or may not be waited for. */
static int
until_done(struct msg_work *w, struct waitq *at, int (*try)(struct msg_work *),
    int would_wait)
{
	struct waiter wait;
	int r, why = 0;

	for (;;) {
		wait_prepare(at, &wait);
		r = try(w);
		if (r == 1 && (w->flags & IPC_NOWAIT) != 0)
			r = would_wait;
		else if (r == 1 && why < 0)
			r = -ERESTARTNOHAND;
		else if (r == 1)
			why = wait_sleep(&wait, WAIT_INTR, WAIT_FOREVER);
		wait_finish(&wait);
		if (r != 1)
			return r;
	}
}

/*
 * msgsnd(2): n bytes at from, behind the type.
 *
 * Context:  sleeps until there is room.
 * Returns:  0, -EINVAL, -EACCES, -EAGAIN, -EIDRM, -ERESTARTNOHAND, -ENOMEM, -EFAULT.
 */
int
msg_send(int id, int64_t type, va_t from, uint64_t n, int flags)
{
	struct msg_work w = { .flags = flags };
	int r;

	if (n > MSG_BYTES_MAX || id < 0 || type < 1)
		return -EINVAL;
	r = message_read(from, n, &w.m);
	if (r < 0)
		return r;
	w.m->type = type;
	w.q = queue_of(id, IPC_W, &r);
	if (w.q != NULL) {
		r = until_done(&w, &w.q->senders, try_send, -EAGAIN);
		queue_release(w.q);
	}
	if (r < 0)
		message_free(w.m);
	return r;
}

/*
 * msgrcv(2): at most n bytes to to + 8, the type before.
 *
 * Context:  sleeps until there is one.
 * Returns:  how many; -EINVAL, -EACCES, -ENOMSG, -E2BIG, -EIDRM, -ERESTARTNOHAND,
 *           -EFAULT: the message is gone, as on Linux.
 */
ssize_t
msg_receive(int id, va_t to, uint64_t n, int64_t type, int flags)
{
	struct msg_work w = { .type = type, .room = n, .flags = flags };
	uint64_t part;
	int r;

	if (id < 0 || (int64_t)n < 0)
		return -EINVAL;
	if ((flags & MSG_COPY) != 0)
		return (flags & MSG_EXCEPT) != 0 || (flags & IPC_NOWAIT) == 0 ?
		    -EINVAL : -ENOSYS;
	w.q = queue_of(id, IPC_R, &r);
	if (w.q == NULL)
		return r;
	r = until_done(&w, &w.q->receivers, try_receive, -ENOMSG);
	queue_release(w.q);
	if (r < 0)
		return r;
	part = MIN(n, w.m->n);
	if (copyout(to, &w.m->type, sizeof(w.m->type)) < 0 ||
	    message_write(w.m, to + sizeof(w.m->type), part) < 0)
		r = -EFAULT;
	message_free(w.m);
	return r < 0 ? r : (ssize_t)part;
}

/* ---- msgctl ---- */

/* IPC_STAT, MSG_STAT, MSG_STAT_ANY.  0 or the id of a slot; -EINVAL, -EACCES. */
int
msg_stat(int id, enum ipc_stat_by by, struct ipc_view *v)
{
	struct msg_queue *q;
	int r;

	spin_lock(&ipc_lock);
	q = (struct msg_queue *)ipc_stat_locked(&msgs.ids, id, by, &r);
	if (q != NULL) {
		*v = (struct ipc_view){ .is = q->ipc };
		v->n[MSGV_STIME] = q->stime;
		v->n[MSGV_RTIME] = q->rtime;
		v->n[MSGV_BYTES] = q->bytes;
		v->n[MSGV_N] = q->n;
		v->n[MSGV_MAX] = q->max;
		v->n[MSGV_LSPID] = (uint64_t)q->lspid;
		v->n[MSGV_LRPID] = (uint64_t)q->lrpid;
	}
	spin_unlock(&ipc_lock);
	return r;
}

/* IPC_SET: more than MSG_QUEUE_BYTES is root's to give.  0, -EINVAL, -EPERM. */
int
msg_set(int id, const struct ipc_set *set)
{
	struct msg_queue *q;
	int r;

	spin_lock(&ipc_lock);
	q = queue_find_locked(id);
	r = q == NULL ? -EINVAL : !ipc_owns_locked(&q->ipc) ||
	    (set->qbytes > MSG_QUEUE_BYTES && proc_current()->cred.euid != 0) ?
	    -EPERM : 0;
	if (r == 0) {
		q->max = set->qbytes;
		ipc_set_locked(&q->ipc, set);
		wake_all(&q->senders);
		wake_all(&q->receivers);
	}
	spin_unlock(&ipc_lock);
	return r;
}

/* IPC_RMID: who sleeps is told.  0, -EINVAL, -EPERM. */
int
msg_remove(int id)
{
	struct msg_queue *q;
	int r;

	spin_lock(&ipc_lock);
	q = queue_find_locked(id);
	r = q == NULL ? -EINVAL : !ipc_owns_locked(&q->ipc) ? -EPERM : 0;
	if (r == 0) {
		ipc_remove_locked(&msgs.ids, &q->ipc);
		q->removed = true;
		msgs.n -= q->n;
		msgs.bytes -= q->bytes;
		wake_all(&q->senders);
		wake_all(&q->receivers);
	}
	spin_unlock(&ipc_lock);
	if (r == 0)
		queue_release(q);
	return r;
}

/* MSG_INFO: the highest slot in use, and how many there are. */
int
msg_sum(unsigned *queues, unsigned *messages, unsigned *bytes)
{
	int last;

	spin_lock(&ipc_lock);
	*queues = msgs.ids.n;
	*messages = (unsigned)msgs.n;
	*bytes = (unsigned)msgs.bytes;
	last = ipc_last_locked(&msgs.ids);
	spin_unlock(&ipc_lock);
	return last;
}

/* A line of /proc/sysvipc/msg; the first is there without a queue, too. */
static int
queue_next_line(uint64_t *at, struct out *o)
{
	struct ipc_view v;
	uint64_t slot;

	if (*at == 0) {
		out_printf(o, "       key      msqid perms      cbytes       qnum lspid "
		    "lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n");
		*at = 1;
		return 1;
	}
	slot = *at - 1;
	if (!ipc_next(&msgs.ids, &slot) || msg_stat((int)slot - 1, BY_SLOT_ANY, &v) < 0)
		return 0;
	*at = slot + 1;
	out_printf(o, "%10d %10d  %4o  %10lu %10lu %5lu %5lu %5u %5u %5u %5u %10lu "
	    "%10lu %10lu\n", v.is.key, v.is.id, v.is.mode, v.n[MSGV_BYTES],
	    v.n[MSGV_N], v.n[MSGV_LSPID], v.n[MSGV_LRPID], v.is.uid, v.is.gid,
	    v.is.cuid, v.is.cgid, v.n[MSGV_STIME], v.n[MSGV_RTIME], v.is.ctime);
	return 1;
}

/* Boot. */
void
msg_init(void)
{
	static const struct procfs_row rows[] = {
		{ "sysvipc/msg", 0444, .next = queue_next_line },
	};

	procfs_register(rows, ARRAY_LEN(rows));
}
