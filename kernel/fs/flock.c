/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flock.c: advisory locks on files
 *
 * Problem   Programs agree by locks on who writes a file: record locks (fcntl)
 *           on ranges of bytes, flock(2) on the whole.
 *
 * Picture   vnode->locks: { owner, [start, end), exclusive } …
 *           owner of a POSIX lock: the descriptor table; of an OFD lock and of
 *           flock: the open file
 *
 * Rules     1. Two locks of one kind and different owners may overlap only when
 *              both are shared.  The kinds do not see each other.
 *           2. One owner's new lock replaces what it had in that range; what
 *              sticks out is kept, so at most two new entries are needed.  They
 *              are allocated first.  Neighbours of one sort are one lock.
 *           3. Every release wakes all who wait; they look again.
 *           4. Processes that would wait for each other in a circle: the last
 *              gets -EDEADLK.  Only for POSIX locks, as their owner is one who
 *              waits; an open file is nobody.
 *
 * Read next proc/fdtab.c, which drops POSIX locks at each close.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define FLOCK_SH 1
#define FLOCK_EX 2
#define FLOCK_NB 4
#define FLOCK_UN 8
#define CIRCLE_MAX 64    /* owners in a circle that is looked for */

enum lock_kind { KIND_RECORD, KIND_WHOLE };

struct lock_ent {
	struct list_node node;   /* [G] in vnode->locks */
	const void *owner;       /* [c] */
	enum lock_kind kind;     /* [c] */
	struct krange k;         /* [G] */
};

static struct kmem_cache lock_cache = KMEM_CACHE("flock", struct lock_ent);

static struct {
	struct spinlock lock;    /* [G] */
	struct waitq wq;         /* all who wait for a lock on some file */
	struct list waiting;     /* [G] lock_want of POSIX locks */
} flocks = {
	.lock = SPIN_INIT(LR_LEAF),
	.wq = WAITQ_INIT(flocks.wq),
	.waiting = LIST_INIT(flocks.waiting),
};

/* A lock that somebody wants. */
struct lock_want {
	struct vnode *v;
	const void *owner;
	enum lock_kind kind;
	const struct krange *k;
	struct lock_ent *spare[2];   /* rule 2; NULL when used */
	bool posix;                  /* rule 4 */
	struct list_node node;       /* [G] in flocks.waiting, if posix */
};

static bool
overlaps(const struct krange *a, const struct krange *b)
{
	return a->start < b->end && b->start < a->end;
}

/*
 * The lock of another that is in the way, or NULL; of several the one that
 * begins first.  Locks: [G] held.
 */
static struct lock_ent *
conflict_locked(const struct lock_want *w)
{
	struct lock_ent *e, *first = NULL;

	ASSERT(spin_is_mine(&flocks.lock));
	LIST_FOREACH(e, &w->v->locks, node)
		if (e->kind == w->kind && e->owner != w->owner &&
		    overlaps(&e->k, w->k) &&
		    (e->k.exclusive || w->k->exclusive) &&
		    (first == NULL || e->k.start < first->k.start))
			first = e;
	return first;
}

static struct lock_ent *
spare_take(struct lock_want *w)
{
	struct lock_ent *e = w->spare[0] != NULL ? w->spare[0] : w->spare[1];

	if (e == w->spare[0])
		w->spare[0] = NULL;
	else
		w->spare[1] = NULL;
	ASSERT(e != NULL);
	return e;
}

/* e loses w's range; what lies behind it becomes an entry of its own. */
static void
trim_locked(struct lock_want *w, struct lock_ent *e)
{
	struct lock_ent *tail;

	ASSERT(spin_is_mine(&flocks.lock));
	if (e->k.start < w->k->start && e->k.end > w->k->end) {
		tail = spare_take(w);
		*tail = *e;
		tail->k.start = w->k->end;
		list_push_back(&w->v->locks, &tail->node);
		e->k.end = w->k->start;
	} else if (e->k.start < w->k->start) {
		e->k.end = w->k->start;
	} else if (e->k.end > w->k->end) {
		e->k.start = w->k->end;
	} else {
		list_remove(&e->node);
		kmem_cache_free(&lock_cache, e);
	}
}

/* Give up whatever the owner has in the range.  Locks: [G] held. */
static void
release_locked(struct lock_want *w)
{
	struct list_node *n, *next;

	ASSERT(spin_is_mine(&flocks.lock));
	for (n = w->v->locks.head.next; n != &w->v->locks.head; n = next) {
		struct lock_ent *e = LIST_ENTRY(n, struct lock_ent, node);

		next = n->next;
		if (e->kind == w->kind && e->owner == w->owner &&
		    overlaps(&e->k, w->k))
			trim_locked(w, e);
	}
}

static struct lock_want *
waiting_locked(const void *owner)
{
	struct lock_want *x;

	ASSERT(spin_is_mine(&flocks.lock));
	LIST_FOREACH(x, &flocks.waiting, node) {
		if (x->owner == owner)
			return x;
	}
	return NULL;
}

/* Does who is in w's way wait, perhaps through others, for w's owner? */
static bool
is_circle_locked(const struct lock_want *w)
{
	const struct lock_ent *e = conflict_locked(w);
	const struct lock_want *x;
	unsigned n;

	ASSERT(spin_is_mine(&flocks.lock));
	for (n = 0; n < CIRCLE_MAX && e != NULL; n++) {
		if (e->owner == w->owner)
			return true;
		x = waiting_locked(e->owner);
		e = x != NULL ? conflict_locked(x) : NULL;
	}
	return false;
}

/* Before it sleeps: 0, -EDEADLK. */
static int
wait_begin(struct lock_want *w)
{
	int r = 0;

	if (!w->posix)
		return 0;
	spin_lock(&flocks.lock);
	if (is_circle_locked(w))
		r = -EDEADLK;
	else
		list_push_back(&flocks.waiting, &w->node);
	spin_unlock(&flocks.lock);
	return r;
}

static void
wait_end(struct lock_want *w)
{
	if (!w->posix)
		return;
	spin_lock(&flocks.lock);
	list_remove(&w->node);
	spin_unlock(&flocks.lock);
}

/* What the owner has of the same kind on both sides of e becomes part of e. */
static void
join_locked(struct vnode *v, struct lock_ent *e)
{
	struct list_node *n, *next;

	ASSERT(spin_is_mine(&flocks.lock));
	for (n = v->locks.head.next; n != &v->locks.head; n = next) {
		struct lock_ent *o = LIST_ENTRY(n, struct lock_ent, node);

		next = n->next;
		if (o == e || o->kind != e->kind || o->owner != e->owner ||
		    o->k.exclusive != e->k.exclusive ||
		    (o->k.end != e->k.start && o->k.start != e->k.end))
			continue;
		e->k.start = MIN(e->k.start, o->k.start);
		e->k.end = MAX(e->k.end, o->k.end);
		list_remove(n);
		kmem_cache_free(&lock_cache, o);
	}
}

/* Take the lock if nobody is in the way. */
static int
try_lock(struct lock_want *w)
{
	struct lock_ent *e;
	int r = -EAGAIN;

	spin_lock(&flocks.lock);
	if (conflict_locked(w) == NULL) {
		release_locked(w);
		e = spare_take(w);
		e->owner = w->owner;
		e->kind = w->kind;
		e->k = *w->k;
		list_push_back(&w->v->locks, &e->node);
		join_locked(w->v, e);
		r = 0;
	}
	spin_unlock(&flocks.lock);
	return r;
}

/* Rule 2: entries for try_lock() or a release.  0, -ENOLCK. */
static int
want_begin(struct lock_want *w)
{
	w->spare[0] = kmem_cache_alloc(&lock_cache);
	w->spare[1] = kmem_cache_alloc(&lock_cache);
	return w->spare[0] != NULL && w->spare[1] != NULL ? 0 : -ENOLCK;
}

static void
want_end(struct lock_want *w)
{
	if (w->spare[0] != NULL)
		kmem_cache_free(&lock_cache, w->spare[0]);
	if (w->spare[1] != NULL)
		kmem_cache_free(&lock_cache, w->spare[1]);
	wake_all(&flocks.wq);
}

/* -EAGAIN: try again; -ERESTARTSYS, -EDEADLK. */
static int
sleep_once(struct lock_want *w, struct waiter *waiter)
{
	int r = wait_begin(w);

	if (r != 0)
		return r;
	r = wait_sleep(waiter, WAIT_INTR, WAIT_FOREVER) != 0 ? -ERESTARTSYS :
	    -EAGAIN;
	wait_end(w);
	return r;
}

/* Try, and sleep between tries. */
static int
lock_wait(struct lock_want *w)
{
	struct waiter waiter;
	int r = -EAGAIN;

	while (r == -EAGAIN) {
		wait_prepare(&flocks.wq, &waiter);
		r = try_lock(w);
		if (r == -EAGAIN)
			r = sleep_once(w, &waiter);
		wait_finish(&waiter);
	}
	return r;
}

static int
lock_set(struct lock_want *w, enum lock_wait wait)
{
	int r = want_begin(w);

	if (r == 0)
		r = wait == LOCK_WAIT ? lock_wait(w) : try_lock(w);
	want_end(w);
	return r;
}

static int
lock_clear(struct lock_want *w)
{
	int r = want_begin(w);

	if (r == 0) {
		spin_lock(&flocks.lock);
		release_locked(w);
		spin_unlock(&flocks.lock);
	}
	want_end(w);
	return r;
}

/*
 * F_SETLK, F_SETLKW.
 *
 * Returns:  0, -EAGAIN (LOCK_NOWAIT), -ERESTARTSYS, -EDEADLK, -ENOLCK.
 */
int
file_lock_range(struct file *f, const void *owner, const struct krange *k,
    enum lock_wait wait)
{
	struct lock_want w = { .v = f->vn, .owner = owner,
		.kind = KIND_RECORD, .k = k, .posix = owner != f };

	list_node_init(&w.node);
	return lock_set(&w, wait);
}

/* F_SETLK with F_UNLCK.  0, -ENOLCK (no memory to split). */
int
file_unlock_range(struct file *f, const void *owner, uint64_t start,
    uint64_t end)
{
	const struct krange k = { .start = start, .end = end };
	struct lock_want w = { .v = f->vn, .owner = owner,
		.kind = KIND_RECORD, .k = &k };

	return lock_clear(&w);
}

/* F_GETLK: the first lock in the way of *k, if any, replaces it. */
bool
file_test_range(struct file *f, const void *owner, struct krange *k)
{
	struct lock_want w = { .v = f->vn, .owner = owner,
		.kind = KIND_RECORD, .k = k };
	struct lock_ent *e;
	bool found;

	spin_lock(&flocks.lock);
	e = conflict_locked(&w);
	found = e != NULL;
	if (found)
		*k = e->k;
	spin_unlock(&flocks.lock);
	return found;
}

/*
 * A lock of the other type is given up first, whatever becomes of the new one:
 * two who share a file and both want it alone would wait for each other.
 */
static void
convert_begin(struct lock_want *w)
{
	struct lock_ent *e;
	bool found = false;

	spin_lock(&flocks.lock);
	LIST_FOREACH(e, &w->v->locks, node)
		found |= e->kind == w->kind && e->owner == w->owner &&
		    e->k.exclusive != w->k->exclusive;
	if (found)
		release_locked(w);
	spin_unlock(&flocks.lock);
	if (found)
		wake_all(&flocks.wq);
}

/*
 * flock(2).
 *
 * Returns:  0, -EINVAL, -EAGAIN (LOCK_NB), -ERESTARTSYS, -ENOLCK.
 */
int
file_flock(struct file *f, int op)
{
	const struct krange k = { .start = 0, .end = UINT64_MAX,
		.exclusive = (op & ~FLOCK_NB) == FLOCK_EX };
	struct lock_want w = { .v = f->vn, .owner = f, .kind = KIND_WHOLE,
		.k = &k };

	switch (op & ~FLOCK_NB) {
	case FLOCK_SH:
	case FLOCK_EX:
		convert_begin(&w);
		return lock_set(&w, (op & FLOCK_NB) != 0 ? LOCK_NOWAIT :
		    LOCK_WAIT);
	case FLOCK_UN:
		return lock_clear(&w);
	}
	return -EINVAL;
}

/* Take all entries of owner (NULL: of anyone) off v and free them. */
static void
drop_owner(struct vnode *v, const void *owner)
{
	struct list_node *n, *next;

	spin_lock(&flocks.lock);
	for (n = v->locks.head.next; n != &v->locks.head; n = next) {
		struct lock_ent *e = LIST_ENTRY(n, struct lock_ent, node);

		next = n->next;
		if (owner != NULL && e->owner != owner)
			continue;
		list_remove(n);
		kmem_cache_free(&lock_cache, e);
	}
	spin_unlock(&flocks.lock);
	wake_all(&flocks.wq);
}

/* A descriptor of owner's for f was closed, or f itself: its locks go. */
void
file_unlock_owner(struct file *f, const void *owner)
{
	struct vnode *v = f->vn;

	if (v != NULL && atomic_load(&v->locks.head.next) != &v->locks.head)
		drop_owner(v, owner);
}

/* The vnode ends. */
void
flock_vnode_gone(struct vnode *v)
{
	if (!list_is_empty(&v->locks))
		drop_owner(v, NULL);
}
