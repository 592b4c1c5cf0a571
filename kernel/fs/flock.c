/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flock.c: advisory locks on files
 *
 * Problem   Programs agree by locks on who writes a file: record locks (fcntl)
 *           on ranges of bytes, flock(2) on the whole.  A user may have as many
 *           locks and waiters as memory allows.
 *
 * Picture   vnode->locks ─→ a tree of each kind, by start
 *                             { owner, [start, end), exclusive } ← waiters
 *           owner of a POSIX lock: the descriptor table; of an OFD lock and of
 *           flock: the open file
 *
 * Rules     1. Two locks of one kind and different owners may overlap only when
 *              both are shared.  The kinds do not see each other.
 *           2. One owner's new lock replaces its old locks in that range; parts
 *              outside of it stay, so at most two new entries are needed.  They
 *              are allocated first.  Equal neighbours are one lock.
 *           3. A waiter is queued at the lock that blocks it.  When that lock goes or
 *              shrinks, the thread that changed it tries for the waiter: it is
 *              queued at the next lock that blocks it, or gets its lock and wakes.
 *           4. If processes would wait for each other in a circle, the last gets
 *              -EDEADLK.  Only for POSIX locks, whose owner is a process that can
 *              wait; an open file cannot.  Circles go through many files, so the
 *              owners, not the files, record who waits for whom.
 *           5. The mutex of a file guards its locks: a walk over them holds it,
 *              and may be preempted.  No spin lock is held longer than the search
 *              for a circle of CIRCLE_MAX takes.
 *
 * Read next proc/fdtab.c, which drops POSIX locks at each close.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mem/mem.h"

#define FLOCK_SH 1
#define FLOCK_EX 2
#define FLOCK_NB 4
#define FLOCK_UN 8
#define CIRCLE_MAX 64    /* owners in a circle that is looked for */
#define BUCKETS 256

enum lock_kind { KIND_RECORD, KIND_WHOLE, KINDS };

/* All locks of a file; from its first one to the end of its vnode. */
struct vnode_locks {
	struct mutex lock;           /* [G]; taken alone */
	struct rb_root tree[KINDS];  /* [G] by start */
	uint64_t n;                  /* [A] entries in both */
};

struct lock_ent {
	struct rb_node node;     /* [G] */
	uint64_t last;           /* [G] greatest end in the subtree */
	uint64_t last_ex;        /* [G] the same of the exclusive ones; 0: none */
	const void *owner;       /* [c] */
	enum lock_kind kind;     /* [c] */
	struct krange k;         /* [G] */
	struct list waiting;     /* [G] lock_want: it is in their way */
};

static struct kmem_cache lock_cache = KMEM_CACHE("flock", struct lock_ent);
static struct kmem_cache locks_cache = KMEM_CACHE("vnode_locks",
    struct vnode_locks);

/* The waits of owners for each other. */
static struct {
	struct spinlock lock;        /* LR_LEAF */
	struct list bucket[BUCKETS]; /* [lock] lock_want of POSIX locks, by owner */
} waits = { .lock = SPIN_INIT(LR_LEAF) };

/* A lock that somebody wants. */
struct lock_want {
	struct vnode_locks *locks;
	const void *owner;
	enum lock_kind kind;
	const struct krange *k;
	struct lock_ent *spare[2];   /* rule 2; NULL when used */
	bool posix;                  /* rule 4 */
	struct list_node node;       /* [G] in lock_ent->waiting, or to be tried */
	struct list_node by_owner;   /* [waits.lock] in a bucket while it hangs */
	const void *waits_for;       /* [waits.lock] owner of the lock in its way */
	struct waitq wq;
	bool done;                   /* [G] result is there */
	int result;                  /* [G] 0 it has the lock; -EDEADLK */
};

/* ---- the locks of a file ---- */

/* Empty buckets.  Locks: none; boot. */
void
flock_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&waits.bucket[i]);
}

/* NULL: none yet, and no memory. */
static struct vnode_locks *
locks_of(struct vnode *v)
{
	struct vnode_locks *l = atomic_load(&v->locks), *new;

	if (l != NULL)
		return l;
	new = kmem_cache_zalloc(&locks_cache);
	if (new == NULL)
		return NULL;
	mutex_init(&new->lock, LR_VNODE);
	if (atomic_cas(&v->locks, &l, new))
		return new;
	kmem_cache_free(&locks_cache, new);
	return l;
}

static struct lock_ent *
ent_of(struct rb_node *n)
{
	return CONTAINER_OF(n, struct lock_ent, node);
}

/* How far the locks of a subtree go, or the exclusive ones. */
static uint64_t
reach(struct rb_node *n, bool exclusive)
{
	if (n == NULL)
		return 0;
	return exclusive ? ent_of(n)->last_ex : ent_of(n)->last;
}

static void
augment(struct rb_node *n)
{
	struct lock_ent *e = ent_of(n);

	e->last = MAX(e->k.end, MAX(reach(n->left, false),
	    reach(n->right, false)));
	e->last_ex = MAX(e->k.exclusive ? e->k.end : 0,
	    MAX(reach(n->left, true), reach(n->right, true)));
}

static void
insert_locked(struct vnode_locks *l, struct lock_ent *e)
{
	struct rb_root *root = &l->tree[e->kind];
	struct rb_node **link = &root->node, *parent = NULL;

	HELD(&l->lock);
	while (*link != NULL) {
		parent = *link;
		link = ent_of(parent)->k.start > e->k.start ? &parent->left :
		    &parent->right;
	}
	rb_insert(root, &e->node, parent, link, augment);
	atomic_add(&l->n, 1);
}

static void
unlink_locked(struct vnode_locks *l, struct lock_ent *e)
{
	HELD(&l->lock);
	rb_remove(&l->tree[e->kind], &e->node, augment);
	atomic_sub(&l->n, 1);
}

/* Does it go behind the start of k?  Of exclusive ones only, if asked so. */
static bool
goes_behind(const struct lock_ent *e, const struct krange *k, bool exclusive)
{
	return e->k.end > k->start && (e->k.exclusive || !exclusive);
}

/* In the subtree the first that overlaps k, or NULL. */
static struct lock_ent *
first_below(struct rb_node *n, const struct krange *k, bool exclusive)
{
	while (n != NULL) {
		/* If the first of the left ones that goes so far begins too late,
		 * so do all that follow it. */
		if (reach(n->left, exclusive) > k->start)
			n = n->left;
		else if (ent_of(n)->k.start >= k->end)
			return NULL;
		else if (goes_behind(ent_of(n), k, exclusive))
			return ent_of(n);
		else
			n = n->right;
	}
	return NULL;
}

/* The next that overlaps k, or NULL. */
static struct lock_ent *
next_overlap(struct lock_ent *e, const struct krange *k, bool exclusive)
{
	struct rb_node *n = &e->node, *from;

	for (;;) {
		if (reach(n->right, exclusive) > k->start)
			return first_below(n->right, k, exclusive);
		do {
			from = n;
			n = rb_parent(n);
		} while (n != NULL && n->right == from);
		if (n == NULL || ent_of(n)->k.start >= k->end)
			return NULL;
		if (goes_behind(ent_of(n), k, exclusive))
			return ent_of(n);
	}
}

/* The lock of another that is in the way, or NULL: the one that begins first. */
static struct lock_ent *
conflict_locked(const struct lock_want *w)
{
	struct rb_node *root = w->locks->tree[w->kind].node;
	bool exclusive = !w->k->exclusive; /* those alone are in its way */
	struct lock_ent *e;

	HELD(&w->locks->lock);
	e = first_below(root, w->k, exclusive);
	while (e != NULL && e->owner == w->owner)
		e = next_overlap(e, w->k, exclusive);
	return e;
}

/* ---- who waits for whom ---- */

static struct list *
bucket_of(const void *owner)
{
	return &waits.bucket[hash_u64((uintptr_t)owner) % BUCKETS];
}

/* The owner for which this one waits; NULL: none. */
static const void *
waits_for(const void *owner)
{
	const struct lock_want *w;

	HELD(&waits.lock);
	LIST_FOREACH(w, bucket_of(owner), by_owner) {
		if (w->owner == owner)
			return w->waits_for;
	}
	return NULL;
}

/* Does the other wait, perhaps through others, for w's owner? */
static bool
is_circle(const struct lock_want *w, const void *other)
{
	HELD(&waits.lock);
	for (unsigned n = 0; n < CIRCLE_MAX && other != NULL; n++) {
		if (other == w->owner)
			return true;
		other = waits_for(other);
	}
	return false;
}

/* w hangs at e from now on.  0, -EDEADLK. */
static int
hang_locked(struct lock_want *w, struct lock_ent *e)
{
	int r = 0;

	HELD(&w->locks->lock);
	if (w->posix) {
		spin_lock(&waits.lock);
		if (is_circle(w, e->owner))
			r = -EDEADLK;
		else
			list_push_back(bucket_of(w->owner), &w->by_owner);
		w->waits_for = e->owner;
		spin_unlock(&waits.lock);
	}
	if (r == 0)
		list_push_back(&e->waiting, &w->node);
	return r;
}

/* It hangs no more. */
static void
let_go_locked(struct lock_want *w)
{
	HELD(&w->locks->lock);
	list_remove(&w->node);
	if (!w->posix)
		return;
	spin_lock(&waits.lock);
	list_remove(&w->by_owner);
	spin_unlock(&waits.lock);
}

/* e is about to shrink: collect its waiters, to be tried again. */
static void
free_waiting(struct lock_ent *e, struct list *again)
{
	struct list_node *n;
	struct lock_want *w;

	while ((n = list_first(&e->waiting)) != NULL) {
		w = LIST_ENTRY(n, struct lock_want, node);
		let_go_locked(w);
		list_push_back(again, &w->node);
	}
}

/* ---- taking and giving up ---- */

static struct lock_ent *
spare_take(struct lock_want *w)
{
	struct lock_ent *e = w->spare[0] != NULL ? w->spare[0] : w->spare[1];

	if (e == w->spare[0])
		w->spare[0] = NULL;
	else
		w->spare[1] = NULL;
	ASSERT(e != NULL);
	list_init(&e->waiting);
	return e;
}

static void
remove_locked(struct vnode_locks *l, struct lock_ent *e, struct list *again)
{
	HELD(&l->lock);
	free_waiting(e, again);
	unlink_locked(l, e);
	kmem_cache_free(&lock_cache, e);
}

/* e is [start, end) from now on. */
static void
set_ends_locked(struct vnode_locks *l, struct lock_ent *e, uint64_t start,
    uint64_t end, struct list *again)
{
	HELD(&l->lock);
	free_waiting(e, again);
	unlink_locked(l, e);
	e->k.start = start;
	e->k.end = end;
	insert_locked(l, e);
}

/* e loses w's range; what lies behind it becomes an entry of its own. */
static void
trim_locked(struct lock_want *w, struct lock_ent *e, struct list *again)
{
	uint64_t start = e->k.start, end = e->k.end;
	struct lock_ent *tail;

	HELD(&w->locks->lock);
	if (start < w->k->start && end > w->k->end) {
		tail = spare_take(w);
		tail->owner = e->owner;
		tail->kind = e->kind;
		tail->k = e->k;
		tail->k.start = w->k->end;
		insert_locked(w->locks, tail);
	}
	if (start < w->k->start)
		set_ends_locked(w->locks, e, start, w->k->start, again);
	else if (end > w->k->end)
		set_ends_locked(w->locks, e, w->k->end, end, again);
	else
		remove_locked(w->locks, e, again);
}

/* Give up whatever the owner has in the range. */
static void
release_locked(struct lock_want *w, struct list *again)
{
	struct lock_ent *e, *next;

	HELD(&w->locks->lock);
	e = first_below(w->locks->tree[w->kind].node, w->k, false);
	for (; e != NULL; e = next) {
		next = next_overlap(e, w->k, false);
		if (e->owner == w->owner)
			trim_locked(w, e, again);
	}
}

/* What the owner has of the same sort at a place beside e becomes part of e, which is
 * in no tree yet. */
static void
join_locked(struct lock_want *w, struct lock_ent *e, uint64_t at,
    struct list *again)
{
	const struct krange k = { .start = at, .end = at + 1 };
	struct lock_ent *o = first_below(w->locks->tree[e->kind].node, &k, false);

	HELD(&w->locks->lock);
	while (o != NULL && (o->owner != e->owner ||
	    o->k.exclusive != e->k.exclusive))
		o = next_overlap(o, &k, false);
	if (o == NULL)
		return;
	e->k.start = MIN(e->k.start, o->k.start);
	e->k.end = MAX(e->k.end, o->k.end);
	remove_locked(w->locks, o, again);
}

/* Nobody is in the way. */
static void
grant_locked(struct lock_want *w, struct list *again)
{
	struct lock_ent *e;

	HELD(&w->locks->lock);
	release_locked(w, again);
	e = spare_take(w);
	e->owner = w->owner;
	e->kind = w->kind;
	e->k = *w->k;
	if (w->k->start > 0)
		join_locked(w, e, w->k->start - 1, again);
	if (w->k->end < UINT64_MAX)
		join_locked(w, e, w->k->end, again);
	insert_locked(w->locks, e);
}

/* Rule 3: try for all waiters whose lock has gone or shrunk. */
static void
settle_locked(struct vnode_locks *l, struct list *again)
{
	struct list_node *n;

	HELD(&l->lock);
	while ((n = list_pop_front(again)) != NULL) {
		struct lock_want *w = LIST_ENTRY(n, struct lock_want, node);
		struct lock_ent *e = conflict_locked(w);

		w->result = 0;
		if (e == NULL)
			grant_locked(w, again);
		else
			w->result = hang_locked(w, e);
		if (e != NULL && w->result == 0)
			continue;
		/* It needs the mutex before it goes: it is there until then. */
		atomic_store(&w->done, true);
		wake_all(&w->wq);
	}
}

/* Rule 2: entries for grant_locked() or a release.  0, -ENOLCK. */
static int
want_begin(struct lock_want *w)
{
	list_node_init(&w->node);
	list_node_init(&w->by_owner);
	waitq_init(&w->wq);
	w->spare[0] = kmem_cache_alloc(&lock_cache);
	w->spare[1] = kmem_cache_alloc(&lock_cache);
	return w->locks != NULL && w->spare[0] != NULL && w->spare[1] != NULL ?
	    0 : -ENOLCK;
}

static void
want_end(struct lock_want *w)
{
	if (w->spare[0] != NULL)
		kmem_cache_free(&lock_cache, w->spare[0]);
	if (w->spare[1] != NULL)
		kmem_cache_free(&lock_cache, w->spare[1]);
}

/* Until somebody has done it for us.  0, -EDEADLK, -ERESTARTSYS. */
static int
wait_done(struct lock_want *w)
{
	(void)wait_until(&w->wq, WAIT_INTR, WAIT_FOREVER, atomic_load(&w->done));
	mutex_lock(&w->locks->lock);
	if (!w->done) {
		let_go_locked(w);
		w->result = -ERESTARTSYS;
	}
	mutex_unlock(&w->locks->lock);
	return w->result;
}

static int
lock_set(struct lock_want *w, enum lock_wait wait)
{
	struct list again = LIST_INIT(again);
	struct lock_ent *e;
	int r = want_begin(w);

	if (r == 0) {
		mutex_lock(&w->locks->lock);
		e = conflict_locked(w);
		if (e == NULL)
			grant_locked(w, &again);
		else
			r = wait == LOCK_WAIT ? hang_locked(w, e) : -EAGAIN;
		settle_locked(w->locks, &again);
		mutex_unlock(&w->locks->lock);
		if (e != NULL && r == 0)
			r = wait_done(w);
	}
	want_end(w);
	return r;
}

static int
lock_clear(struct lock_want *w)
{
	struct list again = LIST_INIT(again);
	int r;

	if (w->locks == NULL)
		return 0;
	r = want_begin(w);
	if (r == 0) {
		mutex_lock(&w->locks->lock);
		release_locked(w, &again);
		settle_locked(w->locks, &again);
		mutex_unlock(&w->locks->lock);
	}
	want_end(w);
	return r;
}

/* ---- the calls ---- */

/*
 * F_SETLK, F_SETLKW.
 *
 * Returns:  0, -EAGAIN (LOCK_NOWAIT), -ERESTARTSYS, -EDEADLK, -ENOLCK.
 */
int
file_lock_range(struct file *f, const void *owner, const struct krange *k,
    enum lock_wait wait)
{
	struct lock_want w = { .locks = locks_of(f->vn), .owner = owner,
		.kind = KIND_RECORD, .k = k, .posix = owner != f };

	return lock_set(&w, wait);
}

/* F_SETLK with F_UNLCK.  0, -ENOLCK (no memory to split). */
int
file_unlock_range(struct file *f, const void *owner, uint64_t start,
    uint64_t end)
{
	const struct krange k = { .start = start, .end = end };
	struct lock_want w = { .locks = atomic_load(&f->vn->locks),
		.owner = owner, .kind = KIND_RECORD, .k = &k };

	return lock_clear(&w);
}

/* F_GETLK: the first lock in the way of *k, if any, replaces it. */
bool
file_test_range(struct file *f, const void *owner, struct krange *k)
{
	struct lock_want w = { .locks = atomic_load(&f->vn->locks),
		.owner = owner, .kind = KIND_RECORD, .k = k };
	struct lock_ent *e;
	bool found;

	if (w.locks == NULL)
		return false;
	mutex_lock(&w.locks->lock);
	e = conflict_locked(&w);
	found = e != NULL;
	if (found)
		*k = e->k;
	mutex_unlock(&w.locks->lock);
	return found;
}

/*
 * A lock of the other type is given up first, even if the new one is not granted:
 * two owners of shared locks that both want an exclusive one would wait for each other.
 */
static void
convert_begin(struct lock_want *w)
{
	struct list again = LIST_INIT(again);
	struct lock_ent *e;

	if (w->locks == NULL)
		return;
	mutex_lock(&w->locks->lock);
	e = first_below(w->locks->tree[w->kind].node, w->k, false);
	while (e != NULL && e->owner != w->owner)
		e = next_overlap(e, w->k, false);
	if (e != NULL && e->k.exclusive != w->k->exclusive)
		remove_locked(w->locks, e, &again);
	settle_locked(w->locks, &again);
	mutex_unlock(&w->locks->lock);
}

/* Is it one of flock(2)'s?  Linux asks that before it looks at the file. */
bool
flock_is_op(int op)
{
	op &= ~FLOCK_NB;
	return op == FLOCK_SH || op == FLOCK_EX || op == FLOCK_UN;
}

/*
 * flock(2).
 *
 * Returns:  0, -EBADF (open for ioctl alone), -EAGAIN (LOCK_NB),
 *           -ERESTARTSYS, -ENOLCK.
 */
int
file_flock(struct file *f, int op)
{
	const struct krange k = { .start = 0, .end = UINT64_MAX,
		.exclusive = (op & ~FLOCK_NB) == FLOCK_EX };
	struct lock_want w = { .owner = f, .kind = KIND_WHOLE, .k = &k };

	ASSERT(flock_is_op(op));
	if ((op & ~FLOCK_NB) == FLOCK_UN) {
		w.locks = atomic_load(&f->vn->locks);
		return lock_clear(&w);
	}
	if (!file_can_read(f) && !file_can_write(f))
		return -EBADF;
	w.locks = locks_of(f->vn);
	convert_begin(&w);
	return lock_set(&w, (op & FLOCK_NB) != 0 ? LOCK_NOWAIT : LOCK_WAIT);
}

/* All that the owner has in a tree. */
static void
drop_owner_locked(struct vnode_locks *l, enum lock_kind kind,
    const void *owner, struct list *again)
{
	struct rb_node *n, *next;

	HELD(&l->lock);
	for (n = rb_first(&l->tree[kind]); n != NULL; n = next) {
		next = rb_next(n);
		if (ent_of(n)->owner == owner)
			remove_locked(l, ent_of(n), again);
	}
}

/* A descriptor of owner's for f was closed, or f itself: its locks go. */
void
file_unlock_owner(struct file *f, const void *owner)
{
	struct vnode_locks *l = f->vn == NULL ? NULL :
	    atomic_load(&f->vn->locks);
	struct list again = LIST_INIT(again);

	if (l == NULL || atomic_load(&l->n) == 0)
		return;
	mutex_lock(&l->lock);
	drop_owner_locked(l, KIND_RECORD, owner, &again);
	drop_owner_locked(l, KIND_WHOLE, owner, &again);
	settle_locked(l, &again);
	mutex_unlock(&l->lock);
}

/* The vnode ends: all owners of locks have closed it. */
void
flock_vnode_gone(struct vnode *v)
{
	if (v->locks == NULL)
		return;
	ASSERT(v->locks->n == 0);
	kmem_cache_free(&locks_cache, v->locks);
}
