/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg.c: System V message queues
 *
 * Problem   Messages with a type wait in a queue; a reader takes the first, the first of
 *           a type, or the lowest; a thread that finds no room or no message sleeps.
 *
 * Picture   msgsnd ─→ queue: message → message → … ─→ msgrcv, by type
 *                └──→ a reader who sleeps for it
 *
 * Rules     1. A message is copied before the queue is looked at, and after it has been
 *              taken out: ipc_lock is held for neither.
 *           2. A queue holds no more than qbytes, and no more messages than that: an
 *              empty one has a head, too.
 *           3. Heads and bytes are kernel memory: all queues of one user may have a
 *              share of memory; then -ENOMEM.
 *           4. A message goes at once to the first reader that waits for it, as on
 *              Linux: the reader has it, even if the queue is removed before it runs.
 *
 * Read next ipc.c.
 */
#include "ipc/ipc.h"

#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mem/mem.h"

#define MSG_NOERROR 010000
#define MSG_EXCEPT 020000
#define MSG_COPY 040000

struct message {
	struct list_node node;   /* [I] queue->messages */
	int64_t type;            /* [c] > 0 */
	uint64_t n;              /* [c] bytes */
	void *bytes;             /* [c] n */
};

struct msg_queue {
	struct ipc ipc;          /* first */
	struct list messages;    /* [I] what ipc.msg counts */
	struct list sleepers;    /* [I] msg_work of readers, in their order */
	struct waitq senders, receivers;
};

static struct msg_queue *
queue_of(struct ipc *i)
{
	return CONTAINER_OF(i, struct msg_queue, ipc);
}

/* ---- messages ---- */

static void
message_free(struct message *m)
{
	room_free(m->bytes, m->n);
	kmem_free(m);
}

/* Copy it in.  0, -ENOMEM, -EFAULT. */
static int
message_read(va_t from, uint64_t n, struct message **out)
{
	struct message *m = kmem_zalloc(sizeof(*m));
	int r;

	if (m == NULL)
		return -ENOMEM;
	list_node_init(&m->node);
	m->n = n;
	m->bytes = room_alloc_raw(MAX(n, 1ul));
	r = m->bytes == NULL ? -ENOMEM : copyin(m->bytes, from, n);
	if (r < 0)
		message_free(m);
	else
		*out = m;
	return r;
}

/* ---- queues ---- */

/* Rule 3: who has made q pays for m from now on, by 1, or no more, by -1.  false: he
 * has too much. */
static bool
pays_for(struct msg_queue *q, const struct message *m, int by)
{
	int64_t cost = by * (int64_t)(m->n + sizeof(*m));

	if (user_count(q->ipc.payer, USE_QUEUE_BYTES, cost) <=
	    user_max[USE_QUEUE_BYTES] || by < 0)
		return true;
	(void)user_count(q->ipc.payer, USE_QUEUE_BYTES, -cost);
	return false;
}

static int
queue_make(const struct ipc_want *w, struct ipc **out)
{
	struct msg_queue *q = kmem_zalloc(sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	q->ipc.msg.max = MSG_QUEUE_BYTES;
	q->ipc.weight = 1;
	list_init(&q->messages);
	list_init(&q->sleepers);
	waitq_init(&q->senders);
	waitq_init(&q->receivers);
	*out = &q->ipc;
	return 0;
}

static void
queue_free(struct ipc *i)
{
	struct msg_queue *q = queue_of(i);
	struct list_node *next;
	struct message *m;

	LIST_FOREACH_SAFE(m, next, &q->messages, node) {
		(void)pays_for(q, m, -1);
		message_free(m);
	}
	ipc_free(&msg_ids, i);
}

/* Both sides look again. */
static void
wake_both_locked(struct msg_queue *q)
{
	HELD(&ipc_lock);
	wake_all(&q->senders);
	wake_all(&q->receivers);
}

static void
queue_removed_locked(struct ipc *i)
{
	HELD(&ipc_lock);
	ipc_remove_locked(&msg_ids, i);
	wake_both_locked(queue_of(i));
}

/* More than MSG_QUEUE_BYTES is root's to give. */
static int
queue_set_locked(struct ipc *i, const struct ipc_set *set)
{
	HELD(&ipc_lock);
	if (set->qbytes > MSG_QUEUE_BYTES && !proc_may(CAP_SYS_RESOURCE))
		return -EPERM;
	i->msg.max = set->qbytes;
	wake_both_locked(queue_of(i));
	return 0;
}

/* ---- sending and receiving ---- */

#define SLEEPS 1                 /* a result: it cannot be done yet */

/* A call under way, on the stack of its thread. */
struct msg_work {
	struct msg_queue *q;     /* [own] */
	int64_t type;            /* [c] wanted: as the program said it */
	uint64_t room;           /* [c] of the reader */
	int flags;               /* [c] */
	int pid;                 /* [c] */
	struct message *m;       /* [I] to be sent; or what was received */
	struct list_node node;   /* [I] q->sleepers */
	int result;              /* [I] of a reader, since it sleeps */
};

static bool
fits(const struct message *m, int64_t type, int flags)
{
	if (type < 0)
		return m->type <= (type == INT64_MIN ? INT64_MAX : -type);
	return type == 0 || (m->type == type) != ((flags & MSG_EXCEPT) != 0);
}

/* w's reader gets m, which is in no queue.  0, -E2BIG: he does not. */
static int
give_locked(struct msg_work *w, struct message *m)
{
	HELD(&ipc_lock);
	if (w->room < m->n && (w->flags & MSG_NOERROR) == 0)
		return -E2BIG;
	w->m = m;
	w->q->ipc.msg.rtime = ipc_now();
	w->q->ipc.msg.lrpid = w->pid;
	return 0;
}

/* Rule 4.  Is m the message that somebody waits for?  Who has no room for it is told. */
static bool
hand_over_locked(struct msg_queue *q, struct message *m)
{
	struct list_node *next;
	struct msg_work *w;

	HELD(&ipc_lock);
	LIST_FOREACH_SAFE(w, next, &q->sleepers, node) {
		if (!fits(m, w->type, w->flags))
			continue;
		list_remove(&w->node);
		w->result = give_locked(w, m);
		wake_all(&q->receivers);
		if (w->result == 0)
			return true;
	}
	return false;
}

/* Rule 2.  SLEEPS: no room; 0; -ENOMEM. */
static int
try_send_locked(struct msg_work *w)
{
	struct msg_queue *q = w->q;

	HELD(&ipc_lock);
	if (w->m->n + q->ipc.msg.bytes > q->ipc.msg.max || q->ipc.msg.n + 1 > q->ipc.msg.max)
		return SLEEPS;
	if (!pays_for(q, w->m, 1))
		return -ENOMEM;
	q->ipc.msg.stime = ipc_now();
	q->ipc.msg.lspid = w->pid;
	if (hand_over_locked(q, w->m)) {
		(void)pays_for(q, w->m, -1);
		return 0;
	}
	list_push_back(&q->messages, &w->m->node);
	q->ipc.msg.n++;
	q->ipc.msg.bytes += w->m->n;
	return 0;
}

/* The message that is wanted; NULL: there is none. */
static struct message *
choose_locked(struct msg_queue *q, int64_t type, int flags)
{
	struct message *m, *best = NULL;

	HELD(&ipc_lock);
	LIST_FOREACH(m, &q->messages, node) {
		if (!fits(m, type, flags))
			continue;
		if (type >= 0)
			return m;
		if (best == NULL || m->type < best->type)
			best = m;
	}
	return best;
}

/* SLEEPS: no message; 0; -E2BIG. */
static int
try_receive_locked(struct msg_work *w)
{
	struct msg_queue *q = w->q;
	struct message *m = choose_locked(q, w->type, w->flags);
	int r;

	HELD(&ipc_lock);
	if (m == NULL)
		return SLEEPS;
	r = give_locked(w, m);
	if (r < 0)
		return r;
	list_remove(&m->node);
	(void)pays_for(q, m, -1);
	q->ipc.msg.n--;
	q->ipc.msg.bytes -= m->n;
	wake_all(&q->senders);
	return 0;
}

/* Once more; also -EIDRM, -EACCES. */
static int
serve_locked(struct msg_work *w, unsigned access)
{
	int r;

	HELD(&ipc_lock);
	if (w->result != SLEEPS)
		return w->result;
	r = w->q->ipc.removed ? -EIDRM : !ipc_may_locked(&w->q->ipc, access) ? -EACCES :
	    access == IPC_W ? try_send_locked(w) : try_receive_locked(w);
	if (r != SLEEPS)
		list_remove(&w->node);
	else if (access == IPC_R && (w->flags & IPC_NOWAIT) == 0 &&
	    !list_is_linked(&w->node))
		list_push_back(&w->q->sleepers, &w->node);
	return r;
}

/* The last try: it sleeps no longer. */
static int
leave_locked(struct msg_work *w, unsigned access)
{
	int r = serve_locked(w, access);

	HELD(&ipc_lock);
	list_remove(&w->node);
	return r;
}

/*
 * A call on a queue, again and again, until it is done or may not be waited for.
 *
 * Locks:    none held.
 * Returns:  as serve_locked(), but SLEEPS; -EINVAL, -EAGAIN, -ENOMSG, -ERESTARTNOHAND.
 */
static int
on_queue(int id, unsigned access, struct msg_work *w)
{
	bool nowait = (w->flags & IPC_NOWAIT) != 0;
	struct ipc *i;
	int r;

	spin_lock(&ipc_lock);
	i = ipc_open_locked(&msg_ids, id, access, &r);
	if (i != NULL)
		i->refs++;
	spin_unlock(&ipc_lock);
	if (i == NULL)
		return r;
	w->q = queue_of(i);
	w->pid = proc_current()->pid;
	w->result = SLEEPS;
	list_node_init(&w->node);
	(void)wait_until(access == IPC_W ? &w->q->senders : &w->q->receivers, WAIT_INTR,
	    WAIT_FOREVER, (r = UNDER(&ipc_lock, serve_locked(w, access))) != SLEEPS || nowait);
	if (r == SLEEPS && !nowait)
		r = UNDER(&ipc_lock, leave_locked(w, access));
	ipc_put(&msg_ids, i);
	return r != SLEEPS ? r : !nowait ? -ERESTARTNOHAND : access == IPC_W ? -EAGAIN : -ENOMSG;
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
	r = on_queue(id, IPC_W, &w);
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
	r = on_queue(id, IPC_R, &w);
	if (r < 0)
		return r;
	part = MIN(n, w.m->n);
	if (copyout(to, &w.m->type, sizeof(w.m->type)) < 0 ||
	    copyout(to + sizeof(w.m->type), w.m->bytes, part) < 0)
		r = -EFAULT;
	message_free(w.m);
	return r < 0 ? r : (ssize_t)part;
}

/* ---- what is told ---- */

static void
queue_line(const struct ipc *i, struct out *o)
{
	out_printf(o, " %10lu %10lu %5u %5u", i->msg.bytes, i->msg.n,
	    (unsigned)i->msg.lspid, (unsigned)i->msg.lrpid);
	ipc_show_owners(i, o);
	out_printf(o, "%10lu %10lu %10lu\n", i->msg.stime, i->msg.rtime, i->msg.ctime);
}

static const struct ipc_ops queue_ops = { .make = queue_make, .free = queue_free,
	.set_locked = queue_set_locked,
	.removed_locked = queue_removed_locked, .line = queue_line };

struct ipc_ids msg_ids = { IPC_NO_IDS, .ops = &queue_ops, .use = USE_QUEUES, .ctime = 2,
	.head = "msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
	"      stime      rtime      ctime" };
