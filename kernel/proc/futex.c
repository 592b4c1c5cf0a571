/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex.c: waiting on a word of user memory
 *
 * Problem   Threads build locks in plain memory and call the kernel only to
 *           sleep and to wake.  Between the test of the word and the sleep no
 *           wake may be lost, and the word may be paged out.
 *
 * Picture   wait: pin the word ─→ [lock: value as expected? enter the queue]
 *                 ─→ unpin ─→ sleep ─→ [lock: was I taken out?]
 *           wake: key of the word ─→ [lock: take out n waiters, wake them]
 *
 * Rules     1. Value test and queueing are in one hold of futexes.lock, and the
 *              page is pinned meanwhile, so nothing faults under the lock.
 *           2. A waiter that is taken out touches its queue no more; it is
 *              woken under the same hold of the lock, so its stack is alive.
 *           3. Keys: (object, offset) of shared memory, else (space, address);
 *              vm_word_pin() makes them.  A wake by a private key need not reach
 *              the word: the key is the address, whatever is mapped there now.
 *           4. A store may give the word another page (copy-on-write after a fork,
 *              or of a file).  A queued waiter tests whether the page that it
 *              read is still the word's; a store after that finds it queued.
 *
 * Read next futex_pi.c, vm/access/futexword.c, proc/exit.c.  Book: ch07.
 */
#include "proc/futexq.h"

#include "lib/errno.h"
#include "lib/hash.h"
#include "lib/string.h"

#define ROBUST_MAX 2048

struct futex_queues futexes = { .lock = SPIN_INIT(LR_LEAF) };

static int64_t futex_wait(const struct futex_req *, uint32_t bitset);
static int64_t futex_wake(const struct futex_req *, uint32_t bitset);
static int64_t futex_requeue(const struct futex_req *, bool compare);
static int64_t futex_wake_op(const struct futex_req *);

/* Empty queues.  Locks: none; boot. */
void
futex_init(void)
{
	for (unsigned i = 0; i < FUTEX_BUCKETS; i++)
		list_init(&futexes.bucket[i]);
	futex_pi_init();
}

/*
 * One futex call.
 *
 * Locks:    takes futexes.lock; none held.
 * Context:  thread; WAIT sleeps.
 * Returns:  as futex(2); -ERESTARTSYS or, with a deadline, -ERESTART_BLOCK
 *           when a signal came; of words with an owner -ERESTARTNOINTR.
 */
int64_t
futex_op(const struct futex_req *q)
{
	switch (q->op) {
	case FUTEX_WAIT:
		return futex_wait(q, UINT32_MAX);
	case FUTEX_WAKE:
		return futex_wake(q, UINT32_MAX);
	case FUTEX_REQUEUE:
		return futex_requeue(q, false);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(q, true);
	case FUTEX_WAKE_OP:
		return futex_wake_op(q);
	case FUTEX_WAIT_BITSET:
		return q->val3 == 0 ? -EINVAL : futex_wait(q, q->val3);
	case FUTEX_WAKE_BITSET:
		return q->val3 == 0 ? -EINVAL : futex_wake(q, q->val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(q, PI_LOCK);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(q, PI_TRYLOCK);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(q);
	case FUTEX_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(q);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_cmp_requeue_pi(q);
	}
	return -ENOSYS;
}

/* ---- queues ---- */

struct list *
futex_bucket(const uintptr_t key[2])
{
	uint64_t h = (key[0] >> 4) * HASH_SPREAD ^
	    (key[1] >> 2) * 0xc2b2ae3d27d4eb4ful;

	return &futexes.bucket[(h >> 32) % FUTEX_BUCKETS];
}

bool
futex_same_key(const uintptr_t a[2], const uintptr_t b[2])
{
	return a[0] == b[0] && a[1] == b[1];
}

/* The first in the queue of that key, or NULL.  Locks: futexes.lock. */
struct futex_waiter *
futex_first_locked(const uintptr_t key[2])
{
	struct futex_waiter *w;

	HELD(&futexes.lock);
	LIST_FOREACH(w, futex_bucket(key), node)
		if (futex_same_key(w->key, key))
			return w;
	return NULL;
}

/* How many a wake names: an int, of which 0 and less wake one, as on Linux. */
static unsigned
wake_count(uint32_t val)
{
	return (unsigned)MAX((int32_t)val, 1);
}

/*
 * Wake up to n waiters of the key; futexes.lock is held.  How many; -EINVAL: one of
 * them waits for a PI lock, and only the owner may wake it.
 */
static int
wake_key_locked(const uintptr_t key[2], unsigned n, uint32_t bitset)
{
	struct futex_waiter *w;
	struct list_node *next;
	unsigned woken = 0;

	HELD(&futexes.lock);
	LIST_FOREACH_SAFE(w, next, futex_bucket(key), node) {
		if (woken == n)
			break;
		if (!futex_same_key(w->key, key))
			continue;
		if (w->pi != NULL)
			return -EINVAL;
		if ((w->bitset & bitset) == 0)
			continue;
		list_remove(&w->node);
		w->woken = true;
		wake_all(&w->wq);
		woken++;
	}
	return (int)woken;
}

/*
 * The first n waiters of one key get another; futexes.lock is held.  In one bucket they
 * keep their places, and with the same key nothing changes; they count all the same.
 * -EINVAL: as above.
 */
static int
move_key_locked(const uintptr_t from[2], const uintptr_t to[2], unsigned n)
{
	struct list *l = futex_bucket(from), *other = futex_bucket(to);
	struct futex_waiter *w;
	struct list_node *next;
	unsigned moved = 0;

	HELD(&futexes.lock);
	LIST_FOREACH_SAFE(w, next, l, node) {
		if (moved == n)
			break;
		if (!futex_same_key(w->key, from))
			continue;
		if (w->pi != NULL)
			return -EINVAL;
		w->key[0] = to[0];
		w->key[1] = to[1];
		if (other != l) {
			list_remove(&w->node);
			list_push_back(other, &w->node);
		}
		moved++;
	}
	return (int)moved;
}

int
futex_pin(const struct futex_req *q, va_t addr, enum access access,
    struct vm_word_pin *pin)
{
	if ((addr & 3) != 0)
		return -EINVAL;
	return vm_word_pin(proc_current()->as, addr, access, q->scope, pin);
}

/* Where the word is looked for. */
static int
key_of(const struct futex_req *q, va_t addr, uintptr_t key[2])
{
	if ((addr & 3) != 0)
		return -EINVAL;
	return vm_word_key(proc_current()->as, addr, q->scope, key);
}

/* ---- the operations ---- */

/* Queue w if the word has the expected value. */
static int
wait_queue(const struct futex_req *q, const struct vm_word_pin *pin,
    struct futex_waiter *w)
{
	int r = 0;

	w->key[0] = pin->key[0];
	w->key[1] = pin->key[1];
	spin_lock(&futexes.lock);
	if (atomic_load(pin->kva) == q->val)
		list_push_back(futex_bucket(w->key), &w->node);
	else
		r = -EAGAIN;
	spin_unlock(&futexes.lock);
	return r;
}

/* Out of the queue of that key, NULL: wherever it was moved; false: it is there no
 * longer, woken or moved. */
static bool
leave_from(struct futex_waiter *w, const uintptr_t *key)
{
	bool is_there;

	spin_lock(&futexes.lock);
	is_there = !w->woken && (key == NULL || futex_same_key(w->key, key));
	if (is_there)
		list_remove(&w->node);
	spin_unlock(&futexes.lock);
	return is_there;
}

/*
 * Queue w by the word as it is (rule 4).
 *
 * Returns:  0 queued, or woken already, or moved; -EAGAIN, -EFAULT, -EINVAL, -EINTR.
 */
int
futex_enter(const struct futex_req *q, struct futex_waiter *w)
{
	struct vm_word_pin pin, now;
	bool moved;
	int r;

	do {
		r = futex_pin(q, q->addr, ACCESS_READ, &pin);
		if (r < 0)
			return r;
		r = wait_queue(q, &pin, w);
		if (r < 0) {
			vm_word_unpin(&pin, PAGE_CLEAN);
			return r;
		}
		/* Is it still the word's page?  Else again, unless w was woken. */
		r = futex_pin(q, q->addr, ACCESS_READ, &now);
		moved = r < 0 || now.page != pin.page;
		if (r == 0)
			vm_word_unpin(&now, PAGE_CLEAN);
		vm_word_unpin(&pin, PAGE_CLEAN);
		if (moved && !leave_from(w, pin.key))
			return 0;
	} while (moved && r == 0);
	return r;
}

/* Nobody has seen it.  Locks: none. */
void
futex_waiter_init(struct futex_waiter *w, struct pi_waiter *pi)
{
	*w = (struct futex_waiter){ .bitset = UINT32_MAX, .pi = pi };
	waitq_init(&w->wq);
	list_node_init(&w->node);
}

/* Sleep until w is woken.  0, -ETIMEDOUT, -EINTR: it may have been woken all the same. */
int
futex_sleep(const struct futex_req *q, struct futex_waiter *w)
{
	return wait_until(&w->wq, WAIT_INTR, q->has_deadline ? q->deadline : WAIT_FOREVER,
	    UNDER(&futexes.lock, w->woken));
}

static int64_t
futex_wait(const struct futex_req *q, uint32_t bitset)
{
	struct futex_waiter w;
	int r;

	futex_waiter_init(&w, NULL);
	w.bitset = bitset;
	r = futex_enter(q, &w);
	if (r < 0)
		return r;
	r = futex_sleep(q, &w);
	if (!leave_from(&w, NULL))
		return 0;
	if (r == -ETIMEDOUT)
		return r;
	return q->has_deadline ? -ERESTART_BLOCK : -ERESTARTSYS;
}

static int64_t
futex_wake(const struct futex_req *q, uint32_t bitset)
{
	uintptr_t key[2];
	int r = key_of(q, q->addr, key);

	return r < 0 ? r :
	    UNDER(&futexes.lock, wake_key_locked(key, wake_count(q->val), bitset));
}

/* Wake val waiters of a word, and move val2 others to the second word, in one hold of
 * the lock; compare: only while the word has val3, else -EAGAIN.  Returns: how many of
 * both. */
static int64_t
futex_requeue(const struct futex_req *q, bool compare)
{
	struct vm_word_pin pin;
	uintptr_t from[2], to[2];
	int r, woken = 0, moved = 0;

	if ((int32_t)q->val < 0 || (int32_t)q->val2 < 0)
		return -EINVAL;
	r = key_of(q, q->addr, from);
	if (r == 0)
		r = key_of(q, q->addr2, to);
	if (r == 0 && compare)
		r = futex_pin(q, q->addr, ACCESS_READ, &pin);
	if (r < 0)
		return r;
	spin_lock(&futexes.lock);
	if (compare && atomic_load(pin.kva) != q->val3) {
		r = -EAGAIN;
	} else {
		woken = wake_key_locked(from, q->val, UINT32_MAX);
		moved = woken < 0 ? woken : move_key_locked(from, to, q->val2);
		r = MIN(moved, 0);
	}
	spin_unlock(&futexes.lock);
	if (compare)
		vm_word_unpin(&pin, PAGE_CLEAN);
	return r < 0 ? r : (int64_t)woken + moved;
}

enum { OP_SET, OP_ADD, OP_OR, OP_ANDN, OP_XOR, OP_SHIFT = 8 };
enum { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE };

/* Change the word as FUTEX_OP says; the old value, or -ENOSYS. */
static int
apply_op(uint32_t *word, uint32_t code, uint32_t *old)
{
	unsigned op = code >> 28;
	int32_t arg = (int32_t)(code << 8) >> 20;
	uint32_t v, new;

	if ((op & OP_SHIFT) != 0)
		arg = (int32_t)(1u << ((unsigned)arg & 31));
	v = atomic_load(word);
	do {
		switch (op & 7) {
		case OP_SET: new = (uint32_t)arg; break;
		case OP_ADD: new = v + (uint32_t)arg; break;
		case OP_OR: new = v | (uint32_t)arg; break;
		case OP_ANDN: new = v & ~(uint32_t)arg; break;
		case OP_XOR: new = v ^ (uint32_t)arg; break;
		default: return -ENOSYS;
		}
	} while (!atomic_cas(word, &v, new));
	*old = v;
	return 0;
}

static int
compare_op(uint32_t value, uint32_t code)
{
	int32_t v = (int32_t)value, arg = (int32_t)(code << 20) >> 20;

	switch (code >> 24 & 15) {
	case CMP_EQ: return v == arg;
	case CMP_NE: return v != arg;
	case CMP_LT: return v < arg;
	case CMP_LE: return v <= arg;
	case CMP_GT: return v > arg;
	case CMP_GE: return v >= arg;
	}
	return -ENOSYS;
}

static int64_t
futex_wake_op(const struct futex_req *q)
{
	struct vm_word_pin b;
	uintptr_t a[2];
	uint32_t old = 0;
	int r, wanted = 0, n = 0, more;

	r = key_of(q, q->addr, a);
	if (r == 0)
		r = futex_pin(q, q->addr2, ACCESS_WRITE, &b);
	if (r < 0)
		return r;
	spin_lock(&futexes.lock);
	r = apply_op(b.kva, q->val3, &old);
	if (r == 0)
		r = wanted = compare_op(old, q->val3);
	if (r >= 0)
		r = n = wake_key_locked(a, wake_count(q->val), UINT32_MAX);
	if (r >= 0 && wanted > 0) {
		more = wake_key_locked(b.key, wake_count(q->val2), UINT32_MAX);
		r = more < 0 ? more : n + more;
	}
	spin_unlock(&futexes.lock);
	vm_word_unpin(&b, PAGE_DIRTY);
	return r;
}

/* ---- at the end of a thread ---- */

/*
 * Wake waiters of a word of the current space, under whichever key.
 *
 * Returns:  how many, or -EFAULT, -EINVAL.
 */
static int
futex_wake_at(va_t addr, unsigned n)
{
	struct futex_req q = { .addr = addr, .val = n, .scope = WORD_PRIVATE };
	int64_t woken = futex_wake(&q, UINT32_MAX), more;

	q.scope = WORD_SHARED;
	if (woken < 0 || woken >= n)
		return (int)woken;
	q.val = n - (unsigned)woken;
	more = futex_wake(&q, UINT32_MAX);
	return (int)(more < 0 ? woken : woken + more);
}

/*
 * Store 0 to the word of the current space in one store, not byte by byte: other
 * threads may use it as a lock.  Wake a waiter.  An unaligned word cannot be a
 * futex and is stored as plain memory.  Errors are ignored.
 *
 * Locks:    none; writes user memory.
 */
void
futex_clear_at(va_t addr)
{
	struct futex_req q = { .addr = addr, .scope = WORD_PRIVATE };
	const uint32_t zero = 0;
	struct vm_word_pin pin;

	if ((addr & 3) != 0) {
		(void)as_write(proc_current()->as, addr, &zero, sizeof(zero));
		return;
	}
	if (futex_pin(&q, addr, ACCESS_WRITE, &pin) < 0)
		return;
	atomic_store(pin.kva, 0);
	vm_word_unpin(&pin, PAGE_DIRTY);
	(void)futex_wake_at(addr, 1);
}

/* A lock that the thread holds at its end: mark it and wake a waiter. */
static void
robust_release(struct task *tk, va_t addr, bool pending)
{
	struct futex_req q = { .scope = WORD_SHARED };
	struct vm_word_pin pin;
	uint32_t v;
	bool mine;

	if (futex_pin(&q, addr, ACCESS_WRITE, &pin) < 0)
		return;
	v = atomic_load(pin.kva);
	do {
		mine = (v & FUTEX_TID_MASK) == (uint32_t)tk->tid;
	} while (mine && !atomic_cas(pin.kva, &v, (v & FUTEX_WAITERS) | FUTEX_OWNER_DIED));
	vm_word_unpin(&pin, mine ? PAGE_DIRTY : PAGE_CLEAN);
	if ((mine && (v & FUTEX_WAITERS) != 0) || (pending && v == 0))
		(void)futex_wake_at(addr, 1);
}

static bool
read_word(struct task *tk, va_t at, uint64_t *out)
{
	return as_read(tk->proc->as, at, out, sizeof(*out)) ==
	    (ssize_t)sizeof(*out);
}

/*
 * Walk the list of locks that user code registered; it may be any garbage.
 *
 * Locks:    none; reads and writes user memory, ignores faults.
 */
void
futex_robust_exit(struct task *tk)
{
	struct {
		uint64_t next, offset, pending;
	} head;
	uint64_t at, next;

	if (tk->robust == 0 || as_read(tk->proc->as, tk->robust, &head,
	    sizeof(head)) != (ssize_t)sizeof(head))
		return;
	at = head.next & ~1ul;
	for (unsigned n = 0; at != tk->robust && n < ROBUST_MAX; n++) {
		bool more = read_word(tk, at, &next);

		if (at != (head.pending & ~1ul))
			robust_release(tk, at + head.offset, false);
		if (!more)
			break;
		at = next & ~1ul;
	}
	if ((head.pending & ~1ul) != 0)
		robust_release(tk, (head.pending & ~1ul) + head.offset, true);
}
