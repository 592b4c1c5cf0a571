/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll.c: a set of files, and those of them that are ready
 *
 * Problem   poll looks at all files each time.  If three of ten thousand are ready,
 *           a program wants to be told which three.
 *
 * Picture   pipe ─ ready: [item] ──told──→ epoll ─ told: item → item → item
 *           file ─ items: [item]            │  └─ items: a tree by (file, fd)
 *                                           └─ ready: those who watch the epoll
 *           wait: take items off told, look at each; ready ones are reported,
 *           and go back behind the others (level) or not (edge, oneshot)
 *
 * Rules     1. Told is a hint: an item is answered when its file says so in the
 *              look.  An item that is not ready any more drops out.
 *           2. An item has no reference to its file: the end of the file takes its
 *              items along.  Files and epolls end under epolls.mutex, one by one,
 *              so neither finds the other half gone.
 *           3. An epoll that is watched by an epoll is below it: no circle, and no
 *              more than NESTS_MAX below each other (-ELOOP).  The ways up from
 *              a file are limited (-EINVAL), for all of them are told in one step.
 *              Both as on Linux.
 *           4. One sleeper in epoll_wait is woken; if it leaves ready items behind
 *              it wakes the next.
 *
 * Locks     epolls.mutex → epoll->lock, of a watcher before the watched ([E]) →
 *           locks of files' polls; ready_lock ([R]) within.  All of LR_VNODE.
 *
 * Read next kern/ready.c, fs/poll.c.
 */
#include "fs/event/event.h"
#include "lib/string.h"
#include "lib/tree.h"
#include "mem/mem.h"

#define NESTS_MAX 4u
#define PATH_LIMITS { 0, 500, 100, 50, 10 } /* by length; 0: no limit */

#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)
#define PRIVATE_BITS (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define EXCLUSIVE_MAY (POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | \
	EPOLLET | EPOLLEXCLUSIVE)

struct epoll {
	struct file *file;           /* [c] its own, no reference */
	struct mutex lock;           /* [c] */
	struct rb_root items;        /* [E] */
	struct list told;            /* [R] */
	bool is_looking;             /* [R] somebody looks at those that were told */
	struct ready ready;          /* [c] who waits for this epoll */
	uint64_t seen;               /* epolls.mutex; the walk that was here last … */
	unsigned depth;              /* epolls.mutex; … and what it found */
};

struct item {
	struct watch watch;          /* [R] on the list of the file */
	struct rb_node node;         /* [E] epoll->items */
	struct list_node told;       /* [R] epoll->told */
	struct list_node of_file;    /* [R] file->items */
	struct epoll *epoll;         /* [c] */
	struct file *file;           /* [c] rule 2 */
	int fd;                      /* [c] */
	uint32_t events;             /* [A] written under E */
	uint64_t data;               /* [E] */
	struct user *user;           /* [c] it counts for the user who added it */
};

static struct {
	struct mutex mutex;          /* ends, and epolls that are added to epolls */
	uint64_t walks;              /* mutex */
} epolls = { .mutex = MUTEX_INIT(epolls.mutex, LR_VNODE) };

static const struct file_ops epoll_ops;

static bool item_told(struct watch *, unsigned bits);
static unsigned item_look(struct item *);
static bool epoll_tell_locked(struct epoll *);

/* Is it one of these? */
bool
file_is_epoll(const struct file *f)
{
	return f->ops == &epoll_ops;
}

/*
 * epoll_create1(2).
 *
 * Returns:  0, -ENFILE, -ENOMEM.
 * Owns:     the caller gets the reference.
 */
int
epoll_create(struct file **out)
{
	int r = anon_open(&epoll_ops, sizeof(struct epoll), 0, out);
	struct epoll *e;

	if (r != 0)
		return r;
	e = (*out)->priv;
	e->file = *out;
	mutex_init(&e->lock, LR_VNODE);
	list_init(&e->told);
	ready_init(&e->ready);
	return 0;
}

/* ---- the tree of items ---- */

static struct item *
item_of(struct rb_node *n)
{
	return n == NULL ? NULL : CONTAINER_OF(n, struct item, node);
}

/* Where (file, fd) stands to an item: < 0, 0, > 0. */
static int
key_compare(const struct file *f, int fd, const struct item *it)
{
	if (f != it->file)
		return (uintptr_t)f < (uintptr_t)it->file ? -1 : 1;
	return fd < it->fd ? -1 : fd > it->fd;
}

/* Where an item is to be linked. */
struct place {
	struct rb_node *parent, **link;
};

/* The item; NULL: there is none, but a place for it. */
static struct item *
item_find_locked(struct epoll *e, const struct file *f, int fd, struct place *at)
{
	struct item *it;
	int c;

	HELD(&e->lock);
	*at = (struct place){ .link = &e->items.node };
	while ((it = item_of(*at->link)) != NULL) {
		c = key_compare(f, fd, it);
		if (c == 0)
			break;
		at->parent = *at->link;
		at->link = c < 0 ? &at->parent->left : &at->parent->right;
	}
	return it;
}

/* ---- what may watch what (rule 3) ---- */

static struct epoll *
watched_epoll(const struct item *it)
{
	return file_is_epoll(it->file) ? it->file->priv : NULL;
}

/*
 * How many epolls stand below each other under e; more than NESTS_MAX too where
 * `into`, which wants to watch e, is one of them.
 *
 * Locks:    epolls.mutex held, and the locks of the epolls above e.
 */
static unsigned
depth_below(struct epoll *e, const struct epoll *into, unsigned above)
{
	unsigned depth = 0;
	struct epoll *below;
	struct rb_node *n;

	HELD(&epolls.mutex);
	if (e->seen == epolls.walks)
		return e->depth;
	mutex_lock_nested(&e->lock);
	e->seen = epolls.walks;
	for (n = rb_first(&e->items); n != NULL && depth <= NESTS_MAX;
	    n = rb_next(n)) {
		below = watched_epoll(item_of(n));
		if (below == NULL)
			continue;
		depth = below == into || above > NESTS_MAX ? NESTS_MAX + 1 :
		    MAX(depth, depth_below(below, into, above + 1) + 1);
	}
	e->depth = depth;
	mutex_unlock(&e->lock);
	return depth;
}

/* How many are above e.  Locks: epolls.mutex, ready_lock held. */
static unsigned
depth_above_locked(struct epoll *e)
{
	unsigned depth = 0;
	struct item *it;

	HELD(&ready_lock);
	if (e->seen == epolls.walks)
		return e->depth;
	LIST_FOREACH(it, &e->file->items, of_file)
		depth = MAX(depth, depth_above_locked(it->epoll) + 1);
	e->seen = epolls.walks;
	e->depth = depth;
	return depth;
}

/* May e not watch `below`?  Locks: epolls.mutex held. */
static bool
is_too_deep(struct epoll *e, struct epoll *below)
{
	unsigned depth;

	HELD(&epolls.mutex);
	epolls.walks++;
	depth = depth_below(below, e, 0);
	return depth > NESTS_MAX ||
	    depth + 1 + UNDER_IRQ(&ready_lock, depth_above_locked(e)) > NESTS_MAX;
}

/* Ways up from a file, by their length. */
struct ways {
	unsigned n[NESTS_MAX + 1];
};

static bool
too_many_ways_locked(struct file *f, struct ways *w, unsigned depth)
{
	static const unsigned limits[NESTS_MAX + 1] = PATH_LIMITS;
	struct item *it;

	HELD(&ready_lock);
	if (depth > NESTS_MAX)
		return true;
	LIST_FOREACH(it, &f->items, of_file) {
		if (list_is_empty(&it->epoll->file->items)) {
			if (++w->n[depth] > limits[depth] && limits[depth] != 0)
				return true;
		} else if (too_many_ways_locked(it->epoll->file, w, depth + 1)) {
			return true;
		}
	}
	return false;
}

/* Has a file that f leads to?  Locks: epolls.mutex held. */
static bool
too_many_ways(struct file *f)
{
	struct epoll *e = f->priv;
	struct ways w = { { 0 } };
	struct rb_node *n;
	bool r = false;

	HELD(&epolls.mutex);
	if (!file_is_epoll(f))
		return UNDER_IRQ(&ready_lock, too_many_ways_locked(f, &w, 0));
	if (e->seen == epolls.walks)
		return false;
	e->seen = epolls.walks;
	mutex_lock_nested(&e->lock);
	for (n = rb_first(&e->items); n != NULL && !r; n = rb_next(n))
		r = too_many_ways(item_of(n)->file);
	mutex_unlock(&e->lock);
	return r;
}

/* ---- adding, changing, removing ---- */

/* It is on no list any more.  Locks: its epoll's, or nobody else has that one. */
static void
item_drop(struct item *it)
{
	uint64_t flags = spin_lock_irq(&ready_lock);

	if (list_is_linked(&it->watch.node))
		list_remove(&it->watch.node);
	if (list_is_linked(&it->told))
		list_remove(&it->told);
	list_remove(&it->of_file);
	spin_unlock_irq(&ready_lock, flags);
	rb_remove(&it->epoll->items, &it->node, NULL);
	user_give(it->user, USE_WATCHES, 1);
	kmem_free(it);
}

/* It is ready now: wake the sleepers, unless that was done. */
static void
item_tell_now(struct item *it)
{
	uint64_t flags = spin_lock_irq(&ready_lock);

	if (!list_is_linked(&it->told)) {
		list_push_back(&it->epoll->told, &it->told);
		(void)epoll_tell_locked(it->epoll);
	}
	spin_unlock_irq(&ready_lock, flags);
}

/* The file gets to know the item, and says whether it is ready. */
static void
item_start(struct item *it)
{
	struct ready *at;
	uint64_t flags;

	(void)file_poll(it->file, &at);
	flags = spin_lock_irq(&ready_lock);
	list_push_back(&it->file->items, &it->of_file);
	if (at != NULL)
		ready_watch_locked(at, &it->watch);
	spin_unlock_irq(&ready_lock, flags);
	if (item_look(it) != 0)
		item_tell_now(it);
}

/* EPOLL_CTL_ADD of f, at its place.  0, -ENOMEM, -ENOSPC (the user's limit). */
static int
add_locked(struct epoll *e, struct file *f, int fd, const struct epoll_event *ev,
    const struct place *at)
{
	struct item *it = kmem_zalloc(sizeof(*it));
	int r;

	HELD(&e->lock);
	r = it == NULL ? -ENOMEM : user_take(USE_WATCHES, 1, &it->user);
	if (r != 0) {
		kmem_free(it);
		return r;
	}
	it->watch.tell = item_told;
	it->watch.alone = (ev->events & EPOLLEXCLUSIVE) != 0;
	it->epoll = e;
	it->file = f;
	it->fd = fd;
	it->events = ev->events | POLLERR | POLLHUP;
	it->data = ev->data;
	rb_insert(&e->items, &it->node, at->parent, at->link, NULL);
	item_start(it);
	return 0;
}

static int
change_locked(struct item *it, const struct epoll_event *ev)
{
	HELD(&it->epoll->lock);
	if ((it->events & EPOLLEXCLUSIVE) != 0)
		return -EINVAL;
	it->data = ev->data;
	atomic_store(&it->events, ev->events | POLLERR | POLLHUP);
	if (item_look(it) != 0)
		item_tell_now(it);
	return 0;
}

/* Without epolls that watch or are watched. */
static int
ctl_one(struct epoll *e, int op, struct file *f, int fd, const struct epoll_event *ev)
{
	struct place at;
	struct item *it;
	int r = -EINVAL;

	mutex_lock_nested(&e->lock);
	it = item_find_locked(e, f, fd, &at);
	if (op == EPOLL_CTL_ADD) {
		r = it != NULL ? -EEXIST : add_locked(e, f, fd, ev, &at);
	} else if (op == EPOLL_CTL_DEL || op == EPOLL_CTL_MOD) {
		r = it == NULL ? -ENOENT : op == EPOLL_CTL_MOD ?
		    change_locked(it, ev) : 0;
		if (it != NULL && op == EPOLL_CTL_DEL)
			item_drop(it);
	}
	mutex_unlock(&e->lock);
	return r;
}

/* An epoll is added, or something to one that is watched (rule 3). */
static int
add_nested(struct epoll *e, struct file *f, int fd, const struct epoll_event *ev)
{
	int r = 0;

	mutex_lock(&epolls.mutex);
	if (file_is_epoll(f) && is_too_deep(e, f->priv))
		r = -ELOOP;
	if (r == 0)
		r = ctl_one(e, EPOLL_CTL_ADD, f, fd, ev);
	epolls.walks++;
	if (r == 0 && too_many_ways(f)) {
		(void)ctl_one(e, EPOLL_CTL_DEL, f, fd, NULL);
		r = -EINVAL;
	}
	mutex_unlock(&epolls.mutex);
	return r;
}

/* Refuse impossible calls.  0, -EPERM, -EINVAL. */
static int
ctl_check(struct file *ep, int op, struct file *f, const struct epoll_event *ev)
{
	if (!file_can_wait(f))
		return -EPERM;
	if (f == ep || !file_is_epoll(ep))
		return -EINVAL;
	if (op == EPOLL_CTL_DEL || (ev->events & EPOLLEXCLUSIVE) == 0)
		return 0;
	return op == EPOLL_CTL_MOD || (op == EPOLL_CTL_ADD &&
	    (file_is_epoll(f) || (ev->events & ~(uint32_t)EXCLUSIVE_MAY) != 0)) ?
	    -EINVAL : 0;
}

/*
 * epoll_ctl(2): f is the file of fd.
 *
 * Locks:    none held.
 * Returns:  0, -EPERM (it is always ready), -EINVAL, -EEXIST, -ENOENT, -ELOOP,
 *           -ENOSPC (too many), -ENOMEM.
 */
int
epoll_ctl(struct file *ep, int op, struct file *f, int fd,
    const struct epoll_event *ev)
{
	int r = ctl_check(ep, op, f, ev);

	if (r != 0)
		return r;
	if (op == EPOLL_CTL_ADD && (file_is_epoll(f) || !list_is_empty(&ep->items)))
		return add_nested(ep->priv, f, fd, ev);
	return ctl_one(ep->priv, op, f, fd, ev);
}

/* ---- told ---- */

/* Wake a sleeper, and tell the watches.  True: there was a sleeper. */
static bool
epoll_tell_locked(struct epoll *e)
{
	bool slept = wake_matching(&e->ready.sleepers, 1, NULL, NULL) > 0;

	HELD(&ready_lock);
	ready_tell_locked(&e->ready, POLL_RD);
	return slept;
}

/* Of the changes of a pipe, f gets those that concern its end. */
static unsigned
heard(const struct file *f, unsigned bits)
{
	if (!f->ops->one_way)
		return bits;
	if (!file_can_read(f))
		bits &= ~(unsigned)POLL_RD;
	if (!file_can_write(f))
		bits &= ~(unsigned)POLL_WR;
	return bits;
}

/* Does an item that watches alone keep what its sleeper was woken for?  Of both
 * directions at once, nobody knows. */
static bool
keeps(uint32_t events, unsigned bits)
{
	switch (bits & (POLLIN | POLLOUT)) {
	case POLLIN:
		return (events & POLLIN) != 0;
	case POLLOUT:
		return (events & POLLOUT) != 0;
	case 0:
		return true;
	}
	return false;
}

/* The file of an item has changed.  Locks: ready_lock held. */
static bool
item_told(struct watch *w, unsigned bits)
{
	struct item *it = CONTAINER_OF(w, struct item, watch);
	uint32_t events = atomic_load_relaxed(&it->events);

	HELD(&ready_lock);
	if ((events & ~(uint32_t)PRIVATE_BITS & heard(it->file, bits)) == 0)
		return false;
	if (!list_is_linked(&it->told))
		list_push_back(&it->epoll->told, &it->told);
	return epoll_tell_locked(it->epoll) && keeps(events, bits);
}

/* ---- who is ready ---- */

/* The events that the item would report; 0: none.  An epoll below is asked under
 * its own lock. */
static unsigned
item_look(struct item *it)
{
	struct ready *at;

	return file_poll(it->file, &at) &
	    atomic_load_relaxed(&it->events) & ~(unsigned)PRIVATE_BITS;
}

/* Take the items told so far, to look at them.  Locks: epoll->lock held. */
static void
told_take_locked(struct epoll *e, struct list *out)
{
	uint64_t flags = spin_lock_irq(&ready_lock);

	HELD(&e->lock);
	list_init(out);
	e->is_looking = !list_is_empty(&e->told);
	list_move_front(out, &e->told);
	spin_unlock_irq(&ready_lock, flags);
}

/* The next one, off the list; NULL: none. */
static struct item *
told_next(struct list *l)
{
	struct list_node *n = UNDER_IRQ(&ready_lock, list_pop_front(l));

	return n == NULL ? NULL : LIST_ENTRY(n, struct item, told);
}

/* Those left come first the next time; rule 4. */
static void
told_put_back(struct epoll *e, struct list *left)
{
	uint64_t flags = spin_lock_irq(&ready_lock);

	list_move_front(&e->told, left);
	e->is_looking = false;
	if (!list_is_empty(&e->told))
		wake_one(&e->ready.sleepers);
	spin_unlock_irq(&ready_lock, flags);
}

/* Put it on a list, unless it was told meanwhile. */
enum told_end { TOLD_FIRST, TOLD_LAST };

static void
told_again(struct list *l, struct item *it, enum told_end where)
{
	uint64_t flags = spin_lock_irq(&ready_lock);

	if (list_is_linked(&it->told))
		list_remove(&it->told);
	if (where == TOLD_FIRST)
		list_push_front(l, &it->told);
	else
		list_push_back(l, &it->told);
	spin_unlock_irq(&ready_lock, flags);
}

/* It was answered. */
static void
item_answered(struct epoll *e, struct item *it)
{
	if ((it->events & EPOLLONESHOT) != 0)
		atomic_store(&it->events, it->events & PRIVATE_BITS);
	else if ((it->events & EPOLLET) == 0)
		told_again(&e->told, it, TOLD_LAST);
}

/* At most max answers to the user's array.  How many; -EFAULT. */
static int
harvest(struct epoll *e, va_t to, int max)
{
	struct epoll_event ev;
	struct list told;
	struct item *it;
	int n = 0, r = 0;

	mutex_lock(&e->lock);
	told_take_locked(e, &told);
	while (r == 0 && n < max && (it = told_next(&told)) != NULL) {
		ev = (struct epoll_event){ item_look(it), it->data };
		if (ev.events == 0)
			continue;
		r = copyout(to + (unsigned)n * sizeof(ev), &ev, sizeof(ev));
		if (r != 0) {
			told_again(&told, it, TOLD_FIRST);
			break;
		}
		item_answered(e, it);
		n++;
	}
	told_put_back(e, &told);
	mutex_unlock(&e->lock);
	return n > 0 ? n : r;
}

/* Who waits has not to look: no item is told, or was and is looked at by another. */
static bool
nobody_is_told(struct epoll *e)
{
	return UNDER_IRQ(&ready_lock, list_is_empty(&e->told) && !e->is_looking);
}

/*
 * epoll_wait(2): answers for at most max files of ep, to the array at `to`; until
 * the deadline (0: only look).
 *
 * Locks:    none held.
 * Returns:  how many, 0 at the deadline, -EINTR, -EFAULT.
 */
int
epoll_wait(struct file *ep, va_t to, int max, uint64_t deadline)
{
	struct epoll *e = ep->priv;
	int n, r = 0;

	for (;;) {
		n = nobody_is_told(e) ? 0 : harvest(e, to, max);
		if (n != 0 || r != 0 || deadline == 0)
			return n != 0 || r != -EINTR ? n : -EINTR;
		r = wait_until(&e->ready.sleepers, WAIT_INTR, deadline, !nobody_is_told(e));
	}
}

/* ---- the epoll as a file ---- */

/* One that is ready is enough; those in front of it that are not drop out. */
static unsigned
epoll_poll(struct file *f, struct ready **at)
{
	struct epoll *e = f->priv;
	struct item *it = NULL;
	struct list told;
	unsigned bits = 0;

	*at = &e->ready;
	mutex_lock_nested(&e->lock);
	told_take_locked(e, &told);
	while (bits == 0 && (it = told_next(&told)) != NULL)
		if (item_look(it) != 0)
			bits = POLL_RD;
	if (bits != 0)
		told_again(&told, it, TOLD_FIRST);
	told_put_back(e, &told);
	mutex_unlock(&e->lock);
	return bits;
}

static void
epoll_close(struct file *f)
{
	struct epoll *e = f->priv;

	mutex_lock(&epolls.mutex);
	while (e->items.node != NULL)
		item_drop(item_of(e->items.node));
	mutex_unlock(&epolls.mutex);
	kmem_free(e);
}

/*
 * The last reference to f is gone: so are its items (rule 2).
 *
 * Locks:    none held.
 */
void
epoll_forget(struct file *f)
{
	struct list_node *n;
	struct epoll *e;

	mutex_lock(&epolls.mutex);
	while ((n = list_first(&f->items)) != NULL) {
		e = LIST_ENTRY(n, struct item, of_file)->epoll;
		mutex_lock_nested(&e->lock);
		item_drop(LIST_ENTRY(n, struct item, of_file));
		mutex_unlock(&e->lock);
	}
	mutex_unlock(&epolls.mutex);
}

/* For fdinfo: a line for each item. */
static void
epoll_show(struct file *f, struct out *o)
{
	struct epoll *e = f->priv;
	const struct vnode *v;
	struct item *it;
	struct rb_node *n;

	mutex_lock(&e->lock);
	for (n = rb_first(&e->items); n != NULL; n = rb_next(n)) {
		it = item_of(n);
		v = it->file->vn;
		out_printf(o, "tfd: %8d events: %8x data: %16lx  ", it->fd,
		    atomic_load_relaxed(&it->events), it->data);
		out_printf(o, "pos:%lu ino:%lx sdev:%x\n", file_told_position(it->file),
		    v->ino, dev_major(v->mnt->dev) << 20 | dev_minor(v->mnt->dev));
	}
	mutex_unlock(&e->lock);
}

static const struct file_ops epoll_ops = {
	.name = "[eventpoll]",
	.seek = SEEKS_STAYS,
	.poll = epoll_poll,
	.show = epoll_show,
	.close = epoll_close,
};
