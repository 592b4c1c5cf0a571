/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex_pi.c: PI futexes: words that name their owner
 *
 * Problem   The word of such a lock is the number of the thread that has it: so the
 *           kernel knows for whom the others wait, can hand the lock on when the
 *           owner ends, and finds a thread that would wait for itself.
 *
 * Picture   word: WAITERS | OWNER_DIED | tid
 *           lock:   tid 0 → mine          else WAITERS, into the queue behind owner
 *           unlock: first of the queue → the word is its number, it is woken
 *           owner ends: the same, and the new owner writes OWNER_DIED
 *
 * Rules     1. Nobody's priority rises: FIFO and RR are refused here (sys_sched.c),
 *              and niceness, the share of a CPU, is not inherited on Linux either.
 *              Waiters get the lock in the order in which they came.
 *           2. All waiters of a key name the same owner, by the serial of its task,
 *              which is never used again; an unlock changes all of them at once.
 *           3. A waiter looks the owner up before it queues, and once more after
 *              that: the owner ends before the first look, or finds the waiter.
 *           4. A waiter that inherits a lock from a dead owner stays in the queue until
 *              it has written the word: so no other thread takes the lock for free.
 *           5. A thread waits for one lock, so the chain from owner to owner has no
 *              branches; -EDEADLK if it leads to the caller, or past CHAIN_MAX threads.
 *           6. While an ending thread hands on its locks, a thread that comes for a
 *              word that names it sleeps; it wakes all of these, and they look again.
 *
 * Read next futex.c, exit.c (task_leave_memory).
 */
#include "proc/futexq.h"

#include "lib/errno.h"

#define HASH 256u
#define CHAIN_MAX 1024u

enum pi_state {
	PI_WAITS,                /* for an owner */
	PI_FIRST_WORD,           /* WAIT_REQUEUE_PI: until it is sent to the second */
	PI_OWNS                  /* it has the lock, and was woken */
};

/* A thread, as one waits for it. */
struct pi_owner {
	int tid;                     /* 0: nobody */
	uint64_t serial;             /* 0: no such thread */
};

/* A sleeping thread; on its stack. */
struct pi_waiter {
	struct futex_waiter w;
	enum pi_state state;         /* [F] */
	bool unwritten;              /* [F] the word does not name the owner yet */
	struct list_node of_owner;   /* [F] in pi.owners */
	struct list_node of_self;    /* [F] in pi.sleepers */
	struct pi_owner self, owner; /* [c], [F] */
	uintptr_t second[2];         /* [c] PI_FIRST_WORD: where it will be sent */
};

static struct {
	struct list owners[HASH];    /* [F] waiters, by the owner's serial */
	struct list sleepers[HASH];  /* [F] the same, by their own */
	struct waitq ended;          /* until a thread of PI_ENDS is of PI_ENDED */
} pi;

/* Locks: none; boot. */
void
futex_pi_init(void)
{
	unsigned i;

	waitq_init(&pi.ended);
	for (i = 0; i < HASH; i++) {
		list_init(&pi.owners[i]);
		list_init(&pi.sleepers[i]);
	}
}

static void
waiter_init(struct pi_waiter *p, enum pi_state state)
{
	const struct task *me = task_current();

	*p = (struct pi_waiter){ .state = state, .self = { me->tid, me->serial } };
	futex_waiter_init(&p->w, p);
	list_node_init(&p->of_owner);
	list_node_init(&p->of_self);
}

/* ---- owners ---- */

/*
 * The thread that the word names.
 *
 * Locks:    takes proc_lock.
 * Returns:  0: serial 0 if there is no such thread (any more); -EBUSY: it is ending,
 *           and the word may still change.
 */
static int
word_owner(uint32_t word, struct pi_owner *o)
{
	enum pi_part part = PI_ENDED;
	struct task *tk;

	o->tid = (int)(word & FUTEX_TID_MASK);
	o->serial = 0;
	if (o->tid == 0)
		return 0;
	spin_lock(&proc_lock);
	tk = task_find_locked(o->tid);
	if (tk != NULL)
		part = tk->pi_part;
	if (part != PI_ENDED)
		o->serial = tk->serial;
	spin_unlock(&proc_lock);
	return part == PI_ENDS ? -EBUSY : 0;
}

/* Does the owner still exist?  Rule 3: if not, its lock is handed on. */
static void
look_at_owner(const struct pi_owner *o)
{
	struct pi_owner now;

	if (word_owner((uint32_t)o->tid, &now) != 0 || now.serial != o->serial)
		futex_pi_owner_ends(o->serial);
}

/*
 * Sleep until the owner, or another thread, has ended: rule 6.
 *
 * Locks:    none.
 * Returns:  -EAGAIN, *again: look at the word again; -ERESTARTNOINTR: killed.
 */
static int
wait_for_end(const struct pi_owner *o, bool *again)
{
	struct pi_owner now;
	int r = wait_until(&pi.ended, WAIT_KILLABLE, WAIT_FOREVER,
	    word_owner((uint32_t)o->tid, &now) != -EBUSY);

	*again = r == 0;
	return *again ? -EAGAIN : -ERESTARTNOINTR;
}

/* ---- the queue; futexes.lock is held ---- */

static void
link_locked(struct pi_waiter *p, const struct pi_owner *o)
{
	HELD(&futexes.lock);
	p->owner = *o;
	list_push_back(&pi.owners[o->serial % HASH], &p->of_owner);
	list_push_back(&pi.sleepers[p->self.serial % HASH], &p->of_self);
}

static void
unlink_locked(struct pi_waiter *p)
{
	HELD(&futexes.lock);
	if (list_is_linked(&p->of_owner)) {
		list_remove(&p->of_owner);
		list_remove(&p->of_self);
	}
}

/* The waiter of that thread, or NULL: it runs, or waits for something else. */
static struct pi_waiter *
sleeper_locked(uint64_t serial)
{
	struct pi_waiter *p;

	HELD(&futexes.lock);
	LIST_FOREACH(p, &pi.sleepers[serial % HASH], of_self)
		if (p->self.serial == serial)
			return p;
	return NULL;
}

/* Rule 5: would `self` wait for himself? */
static bool
is_circle_locked(uint64_t self, uint64_t owner)
{
	const struct pi_waiter *p;
	unsigned n;

	HELD(&futexes.lock);
	for (n = 0; n < CHAIN_MAX && owner != self; n++) {
		p = sleeper_locked(owner);
		if (p == NULL)
			return false;
		owner = p->owner.serial;
	}
	return true;
}

/* May one queue behind top, the word being v?  0, and the owner; -EINVAL. */
static int
join_locked(const struct futex_waiter *top, uint32_t v, struct pi_owner *o)
{
	const struct pi_waiter *p = top->pi;
	uint32_t tid = v & FUTEX_TID_MASK;

	HELD(&futexes.lock);
	if (p == NULL || p->state == PI_FIRST_WORD)
		return -EINVAL;
	*o = p->owner;
	if (p->unwritten || ((v & FUTEX_OWNER_DIED) != 0 && tid == 0))
		return 0;
	return (int)tid == p->owner.tid ? 0 : -EINVAL;
}

/* The first waiter for that key gets the lock, and is woken; all others wait for it.
 * If the old owner has ended the new one stays in the queue: rule 4. */
static void
hand_on_locked(const uintptr_t key[2], bool ended)
{
	struct pi_waiter *first = NULL, *p;
	struct futex_waiter *w;

	HELD(&futexes.lock);
	LIST_FOREACH(w, futex_bucket(key), node) {
		p = w->pi;
		if (p == NULL || p->state != PI_WAITS || !futex_same_key(w->key, key))
			continue;
		unlink_locked(p);
		if (first == NULL) {
			first = p;
			p->state = PI_OWNS;
			p->owner = p->self;
		} else {
			link_locked(p, &first->self);
		}
		p->unwritten = ended;
	}
	if (first == NULL)
		return;
	if (!ended)
		list_remove(&first->w.node);
	first->w.woken = true;
	wake_all(&first->w.wq);
}

/*
 * How far the current thread is with its end.
 *
 * Locks:    takes proc_lock.
 */
void
futex_pi_owner_is(struct task *tk, enum pi_part part)
{
	spin_lock(&proc_lock);
	tk->pi_part = part;
	spin_unlock(&proc_lock);
	if (part == PI_ENDED)
		wake_all(&pi.ended);
}

/*
 * A thread ends, or execs: the first waiter for each of its locks gets the
 * lock.
 *
 * Locks:    takes futexes.lock, anew for each lock.
 */
void
futex_pi_owner_ends(uint64_t serial)
{
	struct pi_waiter *p;
	bool more;

	do {
		more = false;
		spin_lock(&futexes.lock);
		LIST_FOREACH(p, &pi.owners[serial % HASH], of_owner)
			if (p->owner.serial == serial) {
				hand_on_locked(p->w.key, true);
				more = true;
				break;
			}
		spin_unlock(&futexes.lock);
	} while (more);
}

/* ---- to wait ---- */

/* Rule 4: the word is ours.  Nobody else writes it but by mistake. */
static void
write_word_locked(struct pi_waiter *p, uint32_t *word)
{
	struct futex_waiter *w;

	HELD(&futexes.lock);
	list_remove(&p->w.node);
	atomic_store(word, (uint32_t)p->self.tid | FUTEX_WAITERS | FUTEX_OWNER_DIED);
	LIST_FOREACH(w, futex_bucket(p->w.key), node)
		if (w->pi != NULL && futex_same_key(w->key, p->w.key))
			w->pi->unwritten = false;
}

/* The lock of a dead owner goes to p.  0, or an error of the memory: then to the next
 * waiter. */
static int
take_over(const struct futex_req *q, va_t addr, struct pi_waiter *p)
{
	struct vm_word_pin pin;
	int r = futex_pin(q, addr, ACCESS_WRITE, &pin);

	spin_lock(&futexes.lock);
	if (r == 0) {
		write_word_locked(p, pin.kva);
	} else {
		list_remove(&p->w.node);
		hand_on_locked(p->w.key, true);
	}
	spin_unlock(&futexes.lock);
	if (r == 0)
		vm_word_unpin(&pin, PAGE_DIRTY);
	return r;
}

/*
 * Sleep until p has the lock.
 *
 * Returns:  0, -ETIMEDOUT, -EINTR, -EFAULT: p is in no queue; *state is where it was.
 */
static int
wait_for_lock(const struct futex_req *q, va_t addr, struct pi_waiter *p,
    enum pi_state *state)
{
	int r = futex_sleep(q, &p->w);
	bool unwritten;

	spin_lock(&futexes.lock);
	*state = p->state;
	unwritten = p->unwritten;
	if (p->state != PI_OWNS) {
		unlink_locked(p);
		list_remove(&p->w.node);
	}
	spin_unlock(&futexes.lock);
	if (*state != PI_OWNS)
		return r;
	return unwritten ? take_over(q, addr, p) : 0;
}

/* ---- FUTEX_LOCK_PI ---- */

/*
 * Get the lock for p, whose word is pinned, or a place in the queue.  o: the thread that
 * the word named; afterwards the one for which p waits.
 *
 * Locks:    futexes.lock held.
 * Returns:  1: p's thread has it; 0: it is behind o, but not yet in the queue;
 *           -EAGAIN: the word has changed, or must be read again; -EDEADLK,
 *           -EINVAL, -ESRCH.
 */
static int
try_locked(struct pi_waiter *p, const struct vm_word_pin *pin, struct pi_owner *o,
    bool others)
{
	struct futex_waiter *top = futex_first_locked(pin->key);
	uint32_t v = atomic_load(pin->kva), tid = v & FUTEX_TID_MASK, new;

	HELD(&futexes.lock);
	if ((int)tid == p->self.tid)
		return -EDEADLK;
	if (top != NULL)
		return join_locked(top, v, o);
	if ((int)tid != o->tid)
		return -EAGAIN;
	new = v | FUTEX_WAITERS;
	if (tid == 0)
		new = (v & FUTEX_OWNER_DIED) | (uint32_t)p->self.tid |
		    (others ? FUTEX_WAITERS : 0);
	if (!atomic_cas(pin->kva, &v, new))
		return -EAGAIN;
	if (tid == 0)
		return 1;
	return o->serial == 0 ? -ESRCH : 0;
}

/* Whom the word names now; see word_owner(). */
static int
look_at_word(const struct vm_word_pin *pin, struct pi_owner *o)
{
	return word_owner(atomic_load(pin->kva), o);
}

/* One attempt: as try_locked(), but 0: p is in the queue; trylock: -EAGAIN and *again
 * is false; as wait_for_end(). */
static int
lock_once(const struct futex_req *q, enum pi_wish wish, struct pi_waiter *p,
    bool *again)
{
	struct vm_word_pin pin;
	struct pi_owner o;
	int r = futex_pin(q, q->addr, ACCESS_WRITE, &pin);

	*again = false;
	if (r < 0)
		return r;
	r = look_at_word(&pin, &o);
	if (r == 0) {
		spin_lock(&futexes.lock);
		r = try_locked(p, &pin, &o, false);
		*again = r == -EAGAIN;
		if (r == 0 && wish == PI_TRYLOCK)
			r = -EAGAIN;
		else if (r == 0 && is_circle_locked(p->self.serial, o.serial))
			r = -EDEADLK;
		if (r == 0) {
			p->w.key[0] = pin.key[0];
			p->w.key[1] = pin.key[1];
			list_push_back(futex_bucket(p->w.key), &p->w.node);
			link_locked(p, &o);
		}
		spin_unlock(&futexes.lock);
		if (r == 0)
			look_at_owner(&o);
	}
	vm_word_unpin(&pin, PAGE_DIRTY);
	return r == -EBUSY ? wait_for_end(&o, again) : r;
}

/*
 * FUTEX_LOCK_PI, LOCK_PI2, TRYLOCK_PI.
 *
 * Returns:  0; -EDEADLK, -EINVAL (the word does not name the owner), -ESRCH (it names
 *           nobody), -EFAULT, -ETIMEDOUT, -EAGAIN (TRYLOCK), -ERESTARTNOINTR.
 */
int64_t
futex_lock_pi(const struct futex_req *q, enum pi_wish wish)
{
	enum pi_state state;
	struct pi_waiter p;
	bool again;
	int r;

	do {
		waiter_init(&p, PI_WAITS);
		r = lock_once(q, wish, &p, &again);
	} while (again);
	if (r != 0)
		return MIN(r, 0);
	r = wait_for_lock(q, q->addr, &p, &state);
	return r == -EINTR ? -ERESTARTNOINTR : r;
}

/* ---- FUTEX_UNLOCK_PI ---- */

/* The word is v, the caller's.  0, -EAGAIN, -EINVAL; *again: v was old. */
static int
unlock_locked(const struct vm_word_pin *pin, uint32_t v, bool *again)
{
	struct futex_waiter *top = futex_first_locked(pin->key);
	const struct pi_waiter *p = top != NULL ? top->pi : NULL;
	uint32_t now = v;

	HELD(&futexes.lock);
	if (top == NULL)
		return atomic_cas(pin->kva, &now, 0) ? 0 : -EAGAIN;
	if (p == NULL || p->state != PI_WAITS || p->owner.serial != task_current()->serial)
		return -EINVAL;
	if (atomic_cas(pin->kva, &now, (uint32_t)p->self.tid | FUTEX_WAITERS)) {
		hand_on_locked(pin->key, false);
		return 0;
	}
	*again = (now & FUTEX_TID_MASK) == v;
	return -EINVAL;
}

/*
 * FUTEX_UNLOCK_PI.
 *
 * Returns:  0; -EPERM: it is not the caller's; -EINVAL, -EFAULT; -EAGAIN: somebody
 *           has changed the word meanwhile.
 */
int64_t
futex_unlock_pi(const struct futex_req *q)
{
	struct vm_word_pin pin;
	bool again;
	uint32_t v;
	int r;

	do {
		again = false;
		if (copyin(&v, q->addr, sizeof(v)) < 0)
			return -EFAULT;
		if ((int)(v & FUTEX_TID_MASK) != task_current()->tid)
			return -EPERM;
		r = futex_pin(q, q->addr, ACCESS_WRITE, &pin);
		if (r < 0)
			return r;
		r = UNDER(&futexes.lock, unlock_locked(&pin, v, &again));
		vm_word_unpin(&pin, PAGE_DIRTY);
	} while (again);
	return r;
}

/* ---- from a first word to a second, which has an owner ---- */

/*
 * FUTEX_WAIT_REQUEUE_PI: wait at the first word until CMP_REQUEUE_PI sends one to the
 * second, and there for the lock.
 *
 * Returns:  0: the caller has the lock; -EAGAIN (also: a signal when it was sent
 *           already), -EINVAL, -EFAULT, -ETIMEDOUT, -ERESTARTNOINTR.
 */
int64_t
futex_wait_requeue_pi(const struct futex_req *q)
{
	struct vm_word_pin second;
	enum pi_state state;
	struct pi_waiter p;
	int r;

	if (q->addr == q->addr2)
		return -EINVAL;
	waiter_init(&p, PI_FIRST_WORD);
	r = futex_pin(q, q->addr2, ACCESS_WRITE, &second);
	if (r < 0)
		return r;
	p.second[0] = second.key[0];
	p.second[1] = second.key[1];
	vm_word_unpin(&second, PAGE_CLEAN);
	r = futex_enter(q, &p.w);
	if (r < 0)
		return r;
	r = wait_for_lock(q, q->addr2, &p, &state);
	if (r == -EINTR)
		return state == PI_FIRST_WORD ? -ERESTARTNOINTR : -EAGAIN;
	return r;
}

/* Is w one that may be sent to the second word?  0, -EINVAL. */
static int
may_send(const struct futex_waiter *w, const uintptr_t second[2])
{
	return w->pi != NULL && w->pi->state == PI_FIRST_WORD &&
	    futex_same_key(w->pi->second, second) ? 0 : -EINVAL;
}

/* It has the lock at once. */
static void
own_locked(struct pi_waiter *p)
{
	HELD(&futexes.lock);
	list_remove(&p->w.node);
	p->state = PI_OWNS;
	p->w.woken = true;
	wake_all(&p->w.wq);
}

/* To the second word, behind its owner.  0, -EDEADLK: it stays. */
static int
send_on_locked(struct pi_waiter *p, const struct pi_owner *o)
{
	HELD(&futexes.lock);
	if (is_circle_locked(p->self.serial, o->serial))
		return -EDEADLK;
	list_remove(&p->w.node);
	p->w.key[0] = p->second[0];
	p->w.key[1] = p->second[1];
	list_push_back(futex_bucket(p->w.key), &p->w.node);
	p->state = PI_WAITS;
	link_locked(p, o);
	return 0;
}

/* Up to n waiters of the first key, of which one may have the lock already. */
static int
send_all_locked(const uintptr_t from[2], const struct vm_word_pin *second,
    const struct pi_owner *o, unsigned done, uint32_t n)
{
	struct futex_waiter *w;
	struct list_node *next;
	int r = 0;

	HELD(&futexes.lock);
	LIST_FOREACH_SAFE(w, next, futex_bucket(from), node) {
		/* One is to be woken: it is not counted among those that are sent. */
		if (r != 0 || (int64_t)done - 1 >= (int64_t)n)
			break;
		if (!futex_same_key(w->key, from))
			continue;
		r = may_send(w, second->key);
		if (r == 0)
			r = send_on_locked(w->pi, o);
		done += r == 0;
	}
	return r < 0 ? r : (int)done;
}

/*
 * One attempt.  o: whom the second word has named, then who has the lock; how many
 * have it or were sent, -EAGAIN (*again: look anew), -EINVAL, -EDEADLK, -ESRCH.
 */
static int
requeue_locked(const struct futex_req *q, const struct vm_word_pin *first,
    const struct vm_word_pin *second, struct pi_owner *o, bool *again)
{
	struct futex_waiter *top;
	unsigned done = 0;
	int r;

	HELD(&futexes.lock);
	if (atomic_load(first->kva) != q->val3)
		return -EAGAIN;
	top = futex_first_locked(first->key);
	if (top == NULL)
		return 0;
	r = may_send(top, second->key);
	if (r == 0)
		r = try_locked(top->pi, second, o, q->val2 > 0);
	*again = r == -EAGAIN;
	if (r < 0)
		return r;
	if (r > 0) {
		*o = top->pi->self;
		own_locked(top->pi);
		done = 1;
	}
	return send_all_locked(first->key, second, o, done, q->val2);
}

/* The same, with both words pinned. */
static int
requeue_once(const struct futex_req *q, bool *again)
{
	struct vm_word_pin first, second;
	struct pi_owner o = { 0, 0 };
	int r;

	*again = false;
	r = futex_pin(q, q->addr, ACCESS_READ, &first);
	if (r < 0)
		return r;
	r = futex_pin(q, q->addr2, ACCESS_WRITE, &second);
	if (r < 0) {
		vm_word_unpin(&first, PAGE_CLEAN);
		return r;
	}
	r = futex_same_key(first.key, second.key) ? -EINVAL : look_at_word(&second, &o);
	if (r == 0) {
		r = UNDER(&futexes.lock, requeue_locked(q, &first, &second, &o, again));
		if (o.serial != 0)
			look_at_owner(&o);
	}
	vm_word_unpin(&first, PAGE_CLEAN);
	vm_word_unpin(&second, PAGE_DIRTY);
	return r == -EBUSY ? wait_for_end(&o, again) : r;
}

/*
 * FUTEX_CMP_REQUEUE_PI: the first of those at the first word has the lock, or waits
 * for it, and val2 others wait for it.
 *
 * Returns:  how many; as requeue_locked(), -EFAULT, -ERESTARTNOINTR.
 */
int64_t
futex_cmp_requeue_pi(const struct futex_req *q)
{
	bool again;
	int r;

	if ((int32_t)q->val < 0 || (int32_t)q->val2 < 0 || q->addr == q->addr2 ||
	    q->val != 1)
		return -EINVAL;
	do {
		r = requeue_once(q, &again);
	} while (again);
	return r;
}
