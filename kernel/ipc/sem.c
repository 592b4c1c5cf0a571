/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem.c: System V semaphores
 *
 * Problem   A call does up to 500 steps on the semaphores of a set, all or none of
 *           them; it sleeps until it can; and what a program has taken shall come back
 *           when it ends.
 *
 * Picture   semop: steps ─→ try ─→ done: who sleeps tries again
 *                            └──→ sleep on the set, tell at which semaphore
 *           SEM_UNDO: list of the process ─→ per set: what its end adds to each
 *
 * Rules     1. A try changes nothing unless all steps succeed.
 *           2. Who sleeps holds a reference: a set that is removed is freed by the last.
 *           3. Undos are a process's, and its last thread carries them out.  SETVAL and
 *              SETALL forget what there is of a semaphore.
 *           4. What a user may have of them is counted by ipc.c, by sets.
 *
 * Read next ipc.c, proc/exit.c.
 */
#include "ipc/ipc.h"

#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mem/mem.h"

struct sem {
	uint16_t value;          /* [I] */
	int pid;                 /* [I] of the last that changed it */
};

struct sem_set {
	struct ipc ipc;          /* first */
	unsigned n;              /* [c] */
	unsigned refs;           /* [I] the table's, and of each that sleeps */
	bool removed;            /* [I] */
	uint64_t otime;          /* [I] s */
	struct list sleepers;    /* [I] sem_sleeper */
	struct list undos;       /* [I] sem_undo */
	struct waitq wq;
	struct sem *sems;        /* [c] n */
};

/* A call that sleeps. */
struct sem_sleeper {
	struct list_node node;   /* [I] set->sleepers */
	unsigned num;            /* [I] where it could not go on … */
	bool for_zero;           /* [I] … and for what */
};

/* What the end of a process adds to the semaphores of one set. */
struct sem_undo {
	struct list_node of_set; /* [I] set->undos */
	struct list_node of_list; /* [I] list->all */
	struct sem_set *set;     /* [I] NULL: it is gone */
	int16_t adjust[];        /* [I] */
};

struct undo_list {
	struct list all;         /* [I] sem_undo; proc->undo leads here */
};

static struct {
	struct ipc_ids ids;
	uint64_t n;              /* [I] semaphores of all */
} sems = { .ids = IPC_NO_IDS };

static struct sem_set *
set_find_locked(int id)
{
	HELD(&ipc_lock);
	return (struct sem_set *)ipc_find_locked(&sems.ids, id);
}

static void
set_free(struct sem_set *s)
{
	kmem_free(s->sems);
	kmem_free(s);
}

/* ---- semget ---- */

static int
set_look_locked(int key, int n, int flags)
{
	struct ipc *i;
	int r = ipc_look_locked(&sems.ids, key, flags, &i);

	HELD(&ipc_lock);
	if (r < 0)
		return r;
	if (n > 0 && (unsigned)n > ((struct sem_set *)i)->n)
		return -EINVAL;
	return ipc_may_locked(i, (unsigned)(flags >> 6 | flags >> 3 | flags) & 7) ?
	    i->id : -EACCES;
}

static int
set_enter_locked(struct sem_set *s, int key, int flags)
{
	int r = set_look_locked(key, (int)s->n, flags);

	HELD(&ipc_lock);
	if (r != -ENOENT)
		return r;
	r = ipc_add_locked(&sems.ids, &s->ipc, key, flags);
	if (r >= 0)
		sems.n += s->n;
	return r;
}

static int
set_create(int key, int n, int flags)
{
	struct sem_set *s = kmem_zalloc(sizeof(*s));
	bool entered;
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->n = (unsigned)n;
	s->refs = 1;
	list_init(&s->sleepers);
	list_init(&s->undos);
	waitq_init(&s->wq);
	s->sems = kmem_zalloc((size_t)n * sizeof(*s->sems));
	if (s->sems == NULL) {
		kmem_free(s);
		return -ENOMEM;
	}
	spin_lock(&ipc_lock);
	r = set_enter_locked(s, key, flags);
	entered = r >= 0 && set_find_locked(r) == s;
	spin_unlock(&ipc_lock);
	if (!entered)
		set_free(s);
	return r;
}

/*
 * semget(2).
 *
 * Returns:  the id, or -errno.
 */
int
sem_get(int key, int n, int flags)
{
	int r;

	if (n < 0 || n > (int)SEM_MAX)
		return -EINVAL;
	spin_lock(&ipc_lock);
	r = set_look_locked(key, n, flags);
	spin_unlock(&ipc_lock);
	if (r != -ENOENT || (key != IPC_PRIVATE && (flags & IPC_CREAT) == 0))
		return r;
	return n == 0 ? -EINVAL : set_create(key, n, flags);
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
	if (!s->removed && undo_find_locked(p, s) == NULL) {
		list_push_back(&((struct undo_list *)p->undo)->all, &u->of_list);
		list_push_back(&s->undos, &u->of_set);
		u = NULL;
	}
	spin_unlock(&ipc_lock);
	kmem_free(l);
	kmem_free(u);
	return 0;
}

static void
undo_forget_locked(struct sem_set *s, unsigned lo, unsigned hi)
{
	struct sem_undo *u;

	HELD(&ipc_lock);
	LIST_FOREACH(u, &s->undos, of_set)
		for (unsigned i = lo; i < hi; i++)
			u->adjust[i] = 0;
}

static void
wake_locked(struct sem_set *s)
{
	HELD(&ipc_lock);
	if (!list_is_empty(&s->sleepers))
		wake_all(&s->wq);
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
	u->set->otime = ipc_now();
	wake_locked(u->set);
	return u;
}

/* The last thread of p has ended.  Rule 3.  Locks: takes ipc_lock. */
static void
undo_all(struct proc *p)
{
	struct undo_list *l = p->undo;
	struct sem_undo *u;

	if (l == NULL)
		return;
	do {
		spin_lock(&ipc_lock);
		u = undo_one_locked(p, l);
		spin_unlock(&ipc_lock);
		kmem_free(u);
	} while (u != NULL);
	p->undo = NULL;
	kmem_free(l);
}

/* ---- semop ---- */

/* [own] a call under way */
struct sem_work {
	const struct sembuf *ops;
	unsigned n;
	bool writes, undoes;
	unsigned highest;
	unsigned blocked;        /* the step that cannot be done */
};

static void
work_init_of(struct sem_work *w, const struct sembuf *ops, unsigned n)
{
	*w = (struct sem_work){ .ops = ops, .n = n };
	for (unsigned i = 0; i < n; i++) {
		w->writes |= ops[i].op != 0;
		w->undoes |= (ops[i].flags & SEM_UNDO) != 0;
		w->highest = MAX(w->highest, (unsigned)ops[i].num);
	}
}

/* One step: 0, 1: it would sleep, -ERANGE. */
static int
step_locked(struct sem_set *s, const struct sembuf *op, struct sem_undo *u)
{
	struct sem *sem = &s->sems[op->num];
	int value = sem->value + op->op, adjust;

	HELD(&ipc_lock);
	if (op->op == 0)
		return sem->value != 0;
	if (value < 0)
		return 1;
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

/* Rule 1.  0, 1: it would sleep, at w->blocked; -ERANGE, -EAGAIN. */
static int
try_locked(struct sem_set *s, struct sem_work *w, struct sem_undo *u)
{
	unsigned i, back;
	int r = 0;

	HELD(&ipc_lock);
	for (i = 0; i < w->n && r == 0; i++)
		r = step_locked(s, &w->ops[i], u);
	if (r == 0) {
		for (i = 0; i < w->n; i++)
			s->sems[w->ops[i].num].pid = proc_current()->pid;
		s->otime = ipc_now();
		if (w->writes)
			wake_locked(s);
		return 0;
	}
	w->blocked = i - 1;
	for (back = i - 1; back-- > 0;) {
		const struct sembuf *op = &w->ops[back];

		s->sems[op->num].value = (uint16_t)(s->sems[op->num].value - op->op);
		if ((op->flags & SEM_UNDO) != 0)
			u->adjust[op->num] = (int16_t)(u->adjust[op->num] + op->op);
	}
	return r == 1 && (w->ops[w->blocked].flags & IPC_NOWAIT) != 0 ? -EAGAIN : r;
}

/* Once more; 1: it is entered with those that sleep. */
static int
attempt(struct sem_set *s, struct sem_work *w, struct sem_sleeper *me)
{
	struct proc *p = proc_current();
	int r;

	spin_lock(&ipc_lock);
	r = s->removed ? -EIDRM : try_locked(s, w, undo_find_locked(p, s));
	if (r == 1) {
		me->num = w->ops[w->blocked].num;
		me->for_zero = w->ops[w->blocked].op == 0;
		list_push_back(&s->sleepers, &me->node);
	}
	spin_unlock(&ipc_lock);
	return r;
}

static int
op_on(struct sem_set *s, struct sem_work *w, uint64_t deadline)
{
	struct sem_sleeper me;
	struct waiter wait;
	int r, why = 0;

	list_node_init(&me.node);
	for (;;) {
		wait_prepare(&s->wq, &wait);
		r = attempt(s, w, &me);
		if (r == 1 && why == 0)
			why = wait_sleep(&wait, WAIT_INTR, deadline);
		else if (r == 1)
			r = why == -ETIMEDOUT ? -EAGAIN : -EINTR;
		wait_finish(&wait);
		spin_lock(&ipc_lock);
		if (list_is_linked(&me.node))
			list_remove(&me.node);
		spin_unlock(&ipc_lock);
		if (r != 1)
			return r;
	}
}

static void
set_release(struct sem_set *s)
{
	bool last;

	spin_lock(&ipc_lock);
	last = --s->refs == 0;
	spin_unlock(&ipc_lock);
	if (last)
		set_free(s);
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
	struct sem_set *s;
	int r;

	work_init_of(&w, ops, n);
	spin_lock(&ipc_lock);
	s = set_find_locked(id);
	r = s == NULL ? -EINVAL : w.highest >= s->n ? -EFBIG :
	    !ipc_may_locked(&s->ipc, w.writes ? IPC_W : IPC_R) ? -EACCES : 0;
	if (r == 0)
		s->refs++;
	spin_unlock(&ipc_lock);
	if (r < 0)
		return r;
	if (w.undoes)
		r = undo_prepare(s);
	if (r == 0)
		r = op_on(s, &w, deadline);
	set_release(s);
	return r;
}

/* ---- semctl ---- */

/* The set, if the current process may do that with it; NULL: *r says why not. */
static struct sem_set *
may_locked(int id, unsigned access, int *r)
{
	struct sem_set *s = set_find_locked(id);

	HELD(&ipc_lock);
	*r = s == NULL ? -EINVAL : !ipc_may_locked(&s->ipc, access) ? -EACCES : 0;
	return *r == 0 ? s : NULL;
}

static int
count_sleepers(struct sem_set *s, unsigned num, bool for_zero)
{
	struct sem_sleeper *o;
	int n = 0;

	LIST_FOREACH(o, &s->sleepers, node)
		n += o->num == num && o->for_zero == for_zero;
	return n;
}

/* GETVAL, GETPID, GETNCNT, GETZCNT.  The answer, -EINVAL, -EACCES. */
int
sem_ask(int id, int num, enum sem_ask what)
{
	struct sem_set *s;
	int r;

	spin_lock(&ipc_lock);
	s = may_locked(id, IPC_R, &r);
	if (s != NULL && (num < 0 || (unsigned)num >= s->n))
		r = -EINVAL;
	else if (s != NULL && what == SEM_VAL)
		r = s->sems[num].value;
	else if (s != NULL && what == SEM_PID)
		r = s->sems[num].pid;
	else if (s != NULL)
		r = count_sleepers(s, (unsigned)num, what == SEM_ZCNT);
	spin_unlock(&ipc_lock);
	return r;
}

/* SETVAL.  0, -EINVAL, -EACCES, -ERANGE. */
int
sem_set_value(int id, int num, int value)
{
	struct sem_set *s;
	int r;

	if (value < 0 || value > SEM_VALUE_MAX)
		return -ERANGE;
	spin_lock(&ipc_lock);
	s = set_find_locked(id);
	r = s == NULL || num < 0 || (unsigned)num >= s->n ? -EINVAL :
	    !ipc_may_locked(&s->ipc, IPC_W) ? -EACCES : 0;
	if (r == 0) {
		s->sems[num].value = (uint16_t)value;
		s->sems[num].pid = proc_current()->pid;
		s->ipc.ctime = ipc_now();
		undo_forget_locked(s, (unsigned)num, (unsigned)num + 1);
		wake_locked(s);
	}
	spin_unlock(&ipc_lock);
	return r;
}

/* How many semaphores, if the current process may do that.  -EINVAL, -EACCES. */
int
sem_count(int id, unsigned access)
{
	struct sem_set *s;
	int r;

	spin_lock(&ipc_lock);
	s = may_locked(id, access, &r);
	if (s != NULL)
		r = (int)s->n;
	spin_unlock(&ipc_lock);
	return r;
}

/* GETALL, of a set that has n.  0, -EINVAL, -EACCES; -EIDRM: it is another. */
int
sem_get_all(int id, uint16_t *values, unsigned n)
{
	struct sem_set *s;
	int r;

	spin_lock(&ipc_lock);
	s = may_locked(id, IPC_R, &r);
	if (s != NULL && s->n != n)
		r = -EIDRM;
	for (unsigned i = 0; r == 0 && i < n; i++)
		values[i] = s->sems[i].value;
	spin_unlock(&ipc_lock);
	return r;
}

/* SETALL; the same, and -ERANGE. */
int
sem_set_all(int id, const uint16_t *values, unsigned n)
{
	struct sem_set *s;
	int r;

	for (unsigned i = 0; i < n; i++)
		if (values[i] > SEM_VALUE_MAX)
			return -ERANGE;
	spin_lock(&ipc_lock);
	s = may_locked(id, IPC_W, &r);
	if (s != NULL && s->n != n)
		r = -EIDRM;
	for (unsigned i = 0; r == 0 && i < n; i++) {
		s->sems[i].value = values[i];
		s->sems[i].pid = proc_current()->pid;
	}
	if (r == 0) {
		s->ipc.ctime = ipc_now();
		undo_forget_locked(s, 0, n);
		wake_locked(s);
	}
	spin_unlock(&ipc_lock);
	return r;
}

/* IPC_STAT, SEM_STAT, SEM_STAT_ANY.  0 or the id of a slot; -EINVAL, -EACCES. */
int
sem_stat(int id, enum ipc_stat_by by, struct ipc_view *v)
{
	struct sem_set *s;
	int r;

	spin_lock(&ipc_lock);
	s = (struct sem_set *)ipc_stat_locked(&sems.ids, id, by, &r);
	if (s != NULL) {
		*v = (struct ipc_view){ .is = s->ipc };
		v->n[SEM_N] = s->n;
		v->n[SEM_OTIME] = s->otime;
	}
	spin_unlock(&ipc_lock);
	return r;
}

/* IPC_SET.  0, -EINVAL, -EPERM. */
int
sem_set(int id, const struct ipc_set *set)
{
	return ipc_set(&sems.ids, id, set);
}

/* IPC_RMID: who sleeps is told.  0, -EINVAL, -EPERM. */
int
sem_remove(int id)
{
	struct list_node *n;
	struct sem_set *s;
	int r;

	spin_lock(&ipc_lock);
	s = set_find_locked(id);
	r = s == NULL ? -EINVAL : !ipc_owns_locked(&s->ipc) ? -EPERM : 0;
	if (r == 0) {
		ipc_remove_locked(&sems.ids, &s->ipc);
		sems.n -= s->n;
		s->removed = true;
		while ((n = list_pop_front(&s->undos)) != NULL)
			LIST_ENTRY(n, struct sem_undo, of_set)->set = NULL;
		wake_locked(s);
	}
	spin_unlock(&ipc_lock);
	if (r == 0)
		set_release(s);
	return r;
}

/* SEM_INFO: the highest slot in use, and how many there are of both. */
int
sem_sum(unsigned *sets, unsigned *all)
{
	int last;

	spin_lock(&ipc_lock);
	*sets = sems.ids.n;
	*all = (unsigned)sems.n;
	last = ipc_last_locked(&sems.ids);
	spin_unlock(&ipc_lock);
	return last;
}

/* A line of /proc/sysvipc/sem; the first is there without a set, too. */
static int
set_next_line(uint64_t *at, struct out *o)
{
	struct ipc_view v;
	uint64_t slot;

	if (*at == 0) {
		out_printf(o, "       key      semid perms      nsems   uid   gid  "
		    "cuid  cgid      otime      ctime\n");
		*at = 1;
		return 1;
	}
	slot = *at - 1;
	if (!ipc_next(&sems.ids, &slot) || sem_stat((int)slot - 1, BY_SLOT_ANY, &v) < 0)
		return 0;
	*at = slot + 1;
	out_printf(o, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10lu %10lu\n", v.is.key,
	    v.is.id, v.is.mode, v.n[SEM_N], v.is.uid, v.is.gid, v.is.cuid,
	    v.is.cgid, v.n[SEM_OTIME], v.is.ctime);
	return 1;
}

/* Boot. */
void
sem_init(void)
{
	static const struct procfs_row rows[] = {
		{ "sysvipc/sem", 0444, .next = set_next_line },
	};

	proc_set_end_fn(undo_all);
	procfs_register(rows, ARRAY_LEN(rows));
}
