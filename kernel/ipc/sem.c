/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem.c: System V semaphores
 *
 * Problem   A call does up to 500 steps on the semaphores of a set, all or none of
 *           them; it sleeps until it can; and a program may ask that its steps are
 *           undone when it ends.
 *
 * Picture   semop: steps ─→ try ─→ done: sleepers are served
 *                            └──→ sleep, in the set's queue, at which semaphore
 *           SEM_UNDO: list of the process ─→ per set: what its end adds to each
 *
 * Rules     1. A try changes nothing unless all steps succeed.
 *           2. Undos belong to a process, and its last thread carries them out.  SETVAL
 *              and SETALL clear the undos of a semaphore.
 *           3. How many sets a user has is limited by ipc.c.
 *           4. A thread that changes a value does the steps of sleepers that can be
 *              done now, as on Linux: first those that only wait for zero, then the
 *              others in their order.  The values may have changed when they run.
 *           5. Rule 4 ends after a number of steps; the rest are woken and try again.
 *
 * Read next ipc.c, proc/exit.c.
 */
#include "ipc/ipc.h"

#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mem/mem.h"

#define SEM_UNDO 0x1000
#define SERVE_STEPS 100000u      /* rule 5 */

struct sem {
	uint16_t value;          /* [I] */
	int pid;                 /* [I] of the last that changed it */
};

struct sem_set {
	struct ipc ipc;          /* first */
	unsigned n;              /* [c] */
	struct list sleepers;    /* [I] sem_work, who only looks in front */
	struct list undos;       /* [I] sem_undo */
	struct sem *sems;        /* [c] n */
};

/* The values that the end of a process adds to the semaphores of one set. */
struct sem_undo {
	struct list_node of_set; /* [I] set->undos */
	struct list_node of_list; /* [I] list->all */
	struct sem_set *set;     /* [I] NULL: it is gone */
	int16_t adjust[];        /* [I] */
};

struct undo_list {
	struct list all;         /* [I] sem_undo; proc->undo leads here */
};

#define SLEEPS 1                 /* a result: it cannot be done yet */

/* A call under way, on the stack of its thread. */
struct sem_work {
	const struct sembuf *ops; /* [c] */
	unsigned n;              /* [c] */
	bool writes, undoes;     /* [c] */
	unsigned highest;        /* [c] */
	struct proc *p;          /* [c] whose it is */
	struct sem_undo *undo;   /* [c] p's of the set, if it undoes */
	struct list_node node;   /* [I] set->sleepers */
	unsigned blocked;        /* [I] the step that cannot be done */
	int result;              /* [I] */
	struct waitq wq;
};

static struct sem_set *
set_of(struct ipc *i)
{
	return CONTAINER_OF(i, struct sem_set, ipc);
}

/* ---- sets ---- */

static void
set_free(struct ipc *i)
{
	kmem_free(set_of(i)->sems);
	ipc_free(&sem_ids, i);
}

static int
set_make(const struct ipc_want *w, struct ipc **out)
{
	struct sem_set *s;

	if (w->size == 0)
		return -EINVAL;
	s = kmem_zalloc(sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->n = (unsigned)w->size;
	s->ipc.sem.n = w->size;
	s->ipc.weight = 1;
	list_init(&s->sleepers);
	list_init(&s->undos);
	*out = &s->ipc;
	s->sems = kmem_zalloc(w->size * sizeof(*s->sems));
	if (s->sems != NULL)
		return 0;
	set_free(&s->ipc);
	return -ENOMEM;
}

/* ---- steps ---- */

/* One step: 0, SLEEPS, -ERANGE. */
static int
step_locked(struct sem_set *s, const struct sembuf *op, struct sem_undo *u)
{
	struct sem *sem = &s->sems[op->num];
	int value = sem->value + op->op, adjust;

	HELD(&ipc_lock);
	if (op->op == 0)
		return sem->value != 0 ? SLEEPS : 0;
	if (value < 0)
		return SLEEPS;
	if (value > SEM_VALUE_MAX)
		return -ERANGE;
	if ((op->flags & SEM_UNDO) != 0) {
		adjust = u->adjust[op->num] - op->op;
		if (adjust < INT16_MIN || adjust > INT16_MAX)
			return -ERANGE;
		u->adjust[op->num] = (int16_t)adjust;
	}
	sem->value = (uint16_t)value;
	return 0;
}

/* Rule 1.  0; SLEEPS, at w->blocked; -ERANGE, -EAGAIN. */
static int
try_locked(struct sem_set *s, struct sem_work *w)
{
	struct sem_undo *u = w->undo;
	unsigned i, back;
	int r = 0;

	HELD(&ipc_lock);
	for (i = 0; i < w->n && r == 0; i++)
		r = step_locked(s, &w->ops[i], u);
	if (r == 0) {
		for (i = 0; i < w->n; i++)
			s->sems[w->ops[i].num].pid = w->p->pid;
		s->ipc.sem.otime = ipc_now();
		return 0;
	}
	w->blocked = i - 1;
	for (back = i - 1; back-- > 0;) {
		const struct sembuf *op = &w->ops[back];

		s->sems[op->num].value = (uint16_t)(s->sems[op->num].value - op->op);
		if ((op->flags & SEM_UNDO) != 0)
			u->adjust[op->num] = (int16_t)(u->adjust[op->num] + op->op);
	}
	return r == SLEEPS && (w->ops[w->blocked].flags & IPC_NOWAIT) != 0 ? -EAGAIN : r;
}

/* Does it only take from one semaphore?  If it can, nobody can who could not before. */
static bool
is_down(const struct sem_work *w)
{
	return w->n == 1 && w->ops[0].op < 0;
}

static void
settle_locked(struct sem_work *w, int r)
{
	HELD(&ipc_lock);
	list_remove(&w->node);
	w->result = r;
	wake_all(&w->wq);
}

/*
 * Rule 4, once along those who sleep.
 *
 * Locks:    ipc_lock held.
 * Returns:  false: nobody can go on, or *left is 0; true: perhaps one can who was
 *           tried before.
 */
static bool
serve_once_locked(struct sem_set *s, unsigned *left)
{
	struct list_node *next;
	struct sem_work *w;
	bool others = false;     /* a down may let one go on who sleeps before w */
	int r;

	HELD(&ipc_lock);
	LIST_FOREACH_SAFE(w, next, &s->sleepers, node) {
		*left -= MIN(*left, w->n);
		r = *left == 0 ? SLEEPS : try_locked(s, w);
		if (r == SLEEPS)
			others |= !is_down(w);
		else
			settle_locked(w, r);
		if (r == 0 && w->writes && (others || !is_down(w)))
			return true;
	}
	return false;
}

/* Values of s have changed.  Rules 4, 5. */
static void
serve_sleepers_locked(struct sem_set *s)
{
	unsigned left = SERVE_STEPS;
	struct sem_work *w;

	HELD(&ipc_lock);
	while (serve_once_locked(s, &left))
		;
	if (left == 0)
		LIST_FOREACH(w, &s->sleepers, node)
			wake_all(&w->wq);
}

/* ---- undo ---- */

static struct sem_undo *
undo_find_locked(struct proc *p, const struct sem_set *s)
{
	struct undo_list *l = p->undo;
	struct sem_undo *u;

	HELD(&ipc_lock);
	if (l != NULL)
		LIST_FOREACH(u, &l->all, of_list)
			if (u->set == s)
				return u;
	return NULL;
}

/* What a first SEM_UNDO needs; another thread may be faster. */
static int
undo_prepare(struct sem_set *s)
{
	struct proc *p = proc_current();
	struct undo_list *l = kmem_zalloc(sizeof(*l));
	struct sem_undo *u = kmem_zalloc(sizeof(*u) + s->n * sizeof(u->adjust[0]));

	if (l == NULL || u == NULL) {
		kmem_free(l);
		kmem_free(u);
		return -ENOMEM;
	}
	list_init(&l->all);
	list_node_init(&u->of_set);
	list_node_init(&u->of_list);
	u->set = s;
	spin_lock(&ipc_lock);
	if (p->undo == NULL) {
		p->undo = l;
		l = NULL;
	}
	if (!s->ipc.removed && undo_find_locked(p, s) == NULL) {
		list_push_back(&((struct undo_list *)p->undo)->all, &u->of_list);
		list_push_back(&s->undos, &u->of_set);
		u = NULL;
	}
	spin_unlock(&ipc_lock);
	kmem_free(l);
	kmem_free(u);
	return 0;
}

/* One set gets back what p has taken.  Its memory is given back by the caller. */
static struct sem_undo *
undo_one_locked(struct proc *p, struct undo_list *l)
{
	struct list_node *n = list_pop_front(&l->all);
	struct sem_undo *u = n == NULL ? NULL : LIST_ENTRY(n, struct sem_undo, of_list);
	int value;

	HELD(&ipc_lock);
	if (u == NULL || u->set == NULL)
		return u;
	list_remove(&u->of_set);
	for (unsigned i = 0; i < u->set->n; i++) {
		if (u->adjust[i] == 0)
			continue;
		value = u->set->sems[i].value + u->adjust[i];
		u->set->sems[i].value = (uint16_t)MIN(MAX(value, 0), SEM_VALUE_MAX);
		u->set->sems[i].pid = p->pid;
	}
	u->set->ipc.sem.otime = ipc_now();
	serve_sleepers_locked(u->set);
	return u;
}

/* The last thread of p has ended.  Rule 2.  Locks: takes ipc_lock. */
static void
undo_all(struct proc *p)
{
	struct undo_list *l = p->undo;
	struct sem_undo *u;

	if (l == NULL)
		return;
	do {
		u = UNDER(&ipc_lock, undo_one_locked(p, l));
		kmem_free(u);
	} while (u != NULL);
	p->undo = NULL;
	kmem_free(l);
}

/* ---- semop ---- */

static void
work_init_of(struct sem_work *w, const struct sembuf *ops, unsigned n)
{
	*w = (struct sem_work){ .ops = ops, .n = n, .p = proc_current(), .result = SLEEPS };
	waitq_init(&w->wq);
	list_node_init(&w->node);
	for (unsigned i = 0; i < n; i++) {
		w->writes |= ops[i].op != 0;
		w->undoes |= (ops[i].flags & SEM_UNDO) != 0;
		w->highest = MAX(w->highest, (unsigned)ops[i].num);
	}
}

/* One try, unless it is settled; who has to sleep is in the queue then. */
static int
attempt_locked(struct sem_set *s, struct sem_work *w)
{
	int r = w->result;

	HELD(&ipc_lock);
	if (r != SLEEPS)
		return r;
	r = s->ipc.removed ? -EIDRM : try_locked(s, w);
	if (r != SLEEPS)
		settle_locked(w, r);
	else if (!list_is_linked(&w->node) && w->writes)
		list_push_back(&s->sleepers, &w->node);
	else if (!list_is_linked(&w->node))
		list_push_front(&s->sleepers, &w->node);
	if (r == 0 && w->writes)
		serve_sleepers_locked(s);
	return r;
}

static int
op_on(struct sem_set *s, struct sem_work *w, uint64_t deadline)
{
	int r, why;

	if (w->undoes)
		w->undo = UNDER(&ipc_lock, undo_find_locked(w->p, s));
	why = wait_until(&w->wq, WAIT_INTR, deadline,
	    UNDER(&ipc_lock, attempt_locked(s, w)) != SLEEPS);
	spin_lock(&ipc_lock);
	r = w->result;
	list_remove(&w->node);
	spin_unlock(&ipc_lock);
	if (r != SLEEPS)
		return r;
	return why == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

/*
 * semop(2), semtimedop(2).
 *
 * Context:  sleeps until the deadline.
 * Returns:  0, -EINVAL, -EFBIG, -EACCES, -EAGAIN, -ERANGE, -EIDRM, -EINTR, -ENOMEM.
 */
int
sem_op(int id, const struct sembuf *ops, unsigned n, uint64_t deadline)
{
	struct sem_work w;
	struct ipc *i;
	int r;

	work_init_of(&w, ops, n);
	spin_lock(&ipc_lock);
	i = ipc_find_locked(&sem_ids, id);
	r = i == NULL ? -EINVAL : w.highest >= set_of(i)->n ? -EFBIG :
	    !ipc_may_locked(i, w.writes ? IPC_W : IPC_R) ? -EACCES : 0;
	if (r == 0)
		i->refs++;
	spin_unlock(&ipc_lock);
	if (r < 0)
		return r;
	if (w.undoes)
		r = undo_prepare(set_of(i));
	if (r == 0)
		r = op_on(set_of(i), &w, deadline);
	ipc_put(&sem_ids, i);
	return r;
}

/* ---- semctl ---- */

static int
count_sleepers(struct sem_set *s, unsigned num, bool for_zero)
{
	const struct sembuf *op;
	struct sem_work *w;
	int n = 0;

	LIST_FOREACH(w, &s->sleepers, node) {
		op = &w->ops[w->blocked];
		n += op->num == num && (op->op == 0) == for_zero;
	}
	return n;
}

/* Values of n semaphores from first on.  Rule 2. */
static void
change_locked(struct sem_set *s, unsigned first, const uint16_t *values, unsigned n)
{
	struct sem_undo *u;
	unsigned i;

	HELD(&ipc_lock);
	for (i = 0; i < n; i++) {
		s->sems[first + i].value = values[i];
		s->sems[first + i].pid = proc_current()->pid;
		LIST_FOREACH(u, &s->undos, of_set)
			u->adjust[first + i] = 0;
	}
	s->ipc.sem.ctime = ipc_now();
	serve_sleepers_locked(s);
}

/* GETVAL, GETPID, GETNCNT, GETZCNT.  The answer, -EINVAL, -EACCES. */
int
sem_ask(int id, int num, enum sem_ask what)
{
	struct sem_set *s;
	struct ipc *i;
	int r;

	spin_lock(&ipc_lock);
	i = ipc_open_locked(&sem_ids, id, IPC_R, &r);
	if (i != NULL) {
		s = set_of(i);
		r = num < 0 || (unsigned)num >= s->n ? -EINVAL :
		    what == SEM_VAL ? s->sems[num].value :
		    what == SEM_PID ? s->sems[num].pid :
		    count_sleepers(s, (unsigned)num, what == SEM_ZCNT);
	}
	spin_unlock(&ipc_lock);
	return r;
}

/* GETALL, and before a SETALL (IPC_W): the values, SEM_MAX at most.  How many; -EINVAL,
 * -EACCES. */
int
sem_get_all(int id, unsigned access, uint16_t *values)
{
	struct ipc *i;
	int r;

	spin_lock(&ipc_lock);
	i = ipc_open_locked(&sem_ids, id, access, &r);
	if (i != NULL)
		r = (int)set_of(i)->n;
	for (int n = 0; n < r; n++)
		values[n] = set_of(i)->sems[n].value;
	spin_unlock(&ipc_lock);
	return r;
}

/* SETVAL, SETALL: n values from one semaphore on.  0, -EINVAL, -EACCES, -ERANGE. */
int
sem_set(int id, int first, const uint16_t *values, unsigned n)
{
	struct ipc *i;
	int r;

	for (unsigned k = 0; k < n; k++)
		if (values[k] > SEM_VALUE_MAX)
			return -ERANGE;
	spin_lock(&ipc_lock);
	i = ipc_find_locked(&sem_ids, id);
	r = i == NULL || first < 0 || (unsigned)first + n > set_of(i)->n ? -EINVAL :
	    !ipc_may_locked(i, IPC_W) ? -EACCES : 0;
	if (r == 0)
		change_locked(set_of(i), (unsigned)first, values, n);
	spin_unlock(&ipc_lock);
	return r;
}

/* ---- what is told ---- */

static void
set_removed_locked(struct ipc *i)
{
	struct list_node *n;

	HELD(&ipc_lock);
	ipc_remove_locked(&sem_ids, i);
	while ((n = list_pop_front(&set_of(i)->undos)) != NULL)
		LIST_ENTRY(n, struct sem_undo, of_set)->set = NULL;
	while ((n = list_first(&set_of(i)->sleepers)) != NULL)
		settle_locked(LIST_ENTRY(n, struct sem_work, node), -EIDRM);
}

static void
set_line(const struct ipc *i, struct out *o)
{
	out_printf(o, "%10lu", i->sem.n);
	ipc_show_owners(i, o);
	out_printf(o, "%10lu %10lu\n", i->sem.otime, i->sem.ctime);
}

static const struct ipc_ops set_ops = { .make = set_make, .free = set_free,
	.removed_locked = set_removed_locked, .line = set_line };

struct ipc_ids sem_ids = { IPC_NO_IDS, .ops = &set_ops, .use = USE_SEM_SETS, .ctime = 2,
	.head = "semid perms      nsems   uid   gid  cuid  cgid      otime      ctime" };

/* Boot. */
void
sem_init(void)
{
	proc_set_end_fn(undo_all);
}
