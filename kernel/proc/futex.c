/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex.c: waiting on a word of user memory
 *
 * Problem   Threads build locks of plain memory and come to the kernel only
 *           to sleep and to wake.  Between the look at the word and the sleep
 *           no wake may be lost, and the word may be paged out.
 *
 * Picture   wait: pin the word ─→ [lock: value as expected? enter the queue]
 *                 ─→ unpin ─→ sleep ─→ [lock: was I taken out?]
 *           wake: key of the word ─→ [lock: take out n waiters, wake them]
 *
 * Rules     1. Value test and queueing are in one hold of futex.lock, and the
 *              page is pinned meanwhile, so nothing faults under the lock.
 *           2. A waiter that is taken out touches its queue no more; who
 *              takes it out wakes it under the lock, so its stack is alive.
 *           3. Keys: (object, offset) of shared memory, else (space, address);
 *              vm_word_pin() makes them.  Who only wakes by a private key need
 *              not reach the word: it is the address, whatever lies there now.
 *           4. A store may give the word another page: of two processes after
 *              fork, of a file.  Who has queued looks whether the page that he
 *              read is still the word's; a store after that finds him queued.
 *
 * Read next vm/access/futexword.c, proc/exit.c.  Book: ch07.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"
#include "lib/string.h"

#define BUCKETS 64
#define ROBUST_MAX 2048
#define OWNER_DIED 0x40000000u
#define WAITERS 0x80000000u
#define TID_MASK 0x3fffffffu

/* A sleeping thread; on its stack. */
struct futex_waiter {
	struct list_node node;   /* futex.lock */
	uintptr_t key[2];        /* futex.lock: a requeue changes it */
	uint32_t bitset;
	bool woken;              /* futex.lock */
	struct waitq wq;
};

static struct {
	struct spinlock lock;    /* guards all queues; LR_LEAF */
	struct list bucket[BUCKETS];
} futex = { .lock = SPIN_INIT(LR_LEAF) };

static int64_t futex_wait(const struct futex_req *, uint32_t bitset);
static int64_t futex_wake(const struct futex_req *, uint32_t bitset);
static int64_t futex_requeue(const struct futex_req *, bool compare);
static int64_t futex_wake_op(const struct futex_req *);

/* Empty queues.  Locks: none; boot. */
void
futex_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&futex.bucket[i]);
}

/*
 * One futex call.
 *
 * Locks:    takes futex.lock; none held.
 * Context:  thread; WAIT sleeps.
 * Returns:  as futex(2); -ERESTARTSYS or, with a deadline, -ERESTART_BLOCK
 *           when a signal came.
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
	}
	return -ENOSYS;
}

/* ---- queues ---- */

static struct list *
bucket_of(const uintptr_t key[2])
{
	uint64_t h = (key[0] >> 4) * 0x9e3779b97f4a7c15ul ^
	    (key[1] >> 2) * 0xc2b2ae3d27d4eb4ful;

	return &futex.bucket[(h >> 32) % BUCKETS];
}

static bool
same_key(const uintptr_t a[2], const uintptr_t b[2])
{
	return a[0] == b[0] && a[1] == b[1];
}

/* How many a wake names: an int, of which 0 and less wake one, as on Linux. */
static unsigned
wake_count(uint32_t val)
{
	return (unsigned)MAX((int32_t)val, 1);
}

/* Wake up to n waiters of the key; futex.lock is held. */
static unsigned
wake_key_locked(const uintptr_t key[2], unsigned n, uint32_t bitset)
{
	struct list *l = bucket_of(key);
	struct list_node *at = l->head.next, *next;
	struct futex_waiter *w;
	unsigned woken = 0;

	HELD(&futex.lock);
	for (; at != &l->head && woken < n; at = next) {
		next = at->next;
		w = LIST_ENTRY(at, struct futex_waiter, node);
		if (!same_key(w->key, key) || (w->bitset & bitset) == 0)
			continue;
		list_remove(&w->node);
		w->woken = true;
		wake_all(&w->wq);
		woken++;
	}
	return woken;
}

/*
 * The first n waiters of one key get another; futex.lock is held.  In one bucket they
 * keep their places, and with the same key nothing changes; they count all the same.
 */
static unsigned
move_key_locked(const uintptr_t from[2], const uintptr_t to[2], unsigned n)
{
	struct list *l = bucket_of(from), *other = bucket_of(to);
	struct list_node *at = l->head.next, *next;
	struct futex_waiter *w;
	unsigned moved = 0;

	HELD(&futex.lock);
	for (; at != &l->head && moved < n; at = next) {
		next = at->next;
		w = LIST_ENTRY(at, struct futex_waiter, node);
		if (!same_key(w->key, from))
			continue;
		w->key[0] = to[0];
		w->key[1] = to[1];
		if (other != l) {
			list_remove(&w->node);
			list_push_back(other, &w->node);
		}
		moved++;
	}
	return moved;
}

static int
pin_word(const struct futex_req *q, va_t addr, enum access access,
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
	spin_lock(&futex.lock);
	if (atomic_load(pin->kva) == q->val)
		list_push_back(bucket_of(w->key), &w->node);
	else
		r = -EAGAIN;
	spin_unlock(&futex.lock);
	return r;
}

static bool
was_woken(struct futex_waiter *w)
{
	bool woken;

	spin_lock(&futex.lock);
	woken = w->woken;
	spin_unlock(&futex.lock);
	return woken;
}

/* Out of the queue, wherever it was moved; true: somebody woke us. */
static bool
wait_leave(struct futex_waiter *w)
{
	bool woken;

	spin_lock(&futex.lock);
	woken = w->woken;
	if (!woken)
		list_remove(&w->node);
	spin_unlock(&futex.lock);
	return woken;
}

/*
 * Queue w by the word as it is (rule 4).
 *
 * Returns:  0 queued, or woken already; -EAGAIN, -EFAULT, -EINVAL, -EINTR.
 */
static int
wait_enter(const struct futex_req *q, struct futex_waiter *w)
{
	struct vm_word_pin pin, now;
	bool moved;
	int r;

	do {
		r = pin_word(q, q->addr, ACCESS_READ, &pin);
		if (r < 0)
			return r;
		r = wait_queue(q, &pin, w);
		if (r < 0) {
			vm_word_unpin(&pin, PAGE_CLEAN);
			return r;
		}
		r = pin_word(q, q->addr, ACCESS_READ, &now);
		moved = r < 0 || now.page != pin.page;
		if (r == 0)
			vm_word_unpin(&now, PAGE_CLEAN);
		vm_word_unpin(&pin, PAGE_CLEAN);
		if (moved && wait_leave(w))
			return 0;
	} while (moved && r == 0);
	return r;
}

static int64_t
futex_wait(const struct futex_req *q, uint32_t bitset)
{
	struct futex_waiter w = { .bitset = bitset };
	struct waiter sleep;
	int r;

	waitq_init(&w.wq);
	list_node_init(&w.node);
	r = wait_enter(q, &w);
	if (r < 0)
		return r;
	do {
		wait_prepare(&w.wq, &sleep);
		r = was_woken(&w) ? 0 : wait_sleep(&sleep, WAIT_INTR,
		    q->has_deadline ? q->deadline : WAIT_FOREVER);
		wait_finish(&sleep);
	} while (r == 0 && !was_woken(&w));
	if (wait_leave(&w))
		return 0;
	if (r == -ETIMEDOUT)
		return r;
	return q->has_deadline ? -ERESTART_BLOCK : -ERESTARTSYS;
}

static int64_t
futex_wake(const struct futex_req *q, uint32_t bitset)
{
	uintptr_t key[2];
	unsigned n;
	int r = key_of(q, q->addr, key);

	if (r < 0)
		return r;
	spin_lock(&futex.lock);
	n = wake_key_locked(key, wake_count(q->val), bitset);
	spin_unlock(&futex.lock);
	return n;
}

static int64_t
futex_requeue(const struct futex_req *q, bool compare)
{
	struct vm_word_pin pin;
	uintptr_t from[2], to[2];
	unsigned woken = 0, moved = 0;
	int r;

	if ((int32_t)q->val < 0 || (int32_t)q->val2 < 0)
		return -EINVAL;
	r = key_of(q, q->addr, from);
	if (r == 0)
		r = key_of(q, q->addr2, to);
	if (r == 0 && compare)
		r = pin_word(q, q->addr, ACCESS_READ, &pin);
	if (r < 0)
		return r;
	spin_lock(&futex.lock);
	if (compare && atomic_load(pin.kva) != q->val3) {
		r = -EAGAIN;
	} else {
		woken = wake_key_locked(from, q->val, UINT32_MAX);
		moved = move_key_locked(from, to, q->val2);
	}
	spin_unlock(&futex.lock);
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
	int64_t n = 0;
	int r, wanted = 0;

	r = key_of(q, q->addr, a);
	if (r == 0)
		r = pin_word(q, q->addr2, ACCESS_WRITE, &b);
	if (r < 0)
		return r;
	spin_lock(&futex.lock);
	r = apply_op(b.kva, q->val3, &old);
	if (r == 0)
		r = wanted = compare_op(old, q->val3);
	if (r >= 0)
		n = wake_key_locked(a, wake_count(q->val), UINT32_MAX);
	if (wanted > 0)
		n += wake_key_locked(b.key, wake_count(q->val2), UINT32_MAX);
	spin_unlock(&futex.lock);
	vm_word_unpin(&b, PAGE_DIRTY);
	return r < 0 ? r : n;
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
 * The word of the current space becomes 0, at once and not byte by byte: to who
 * finds it free it is a lock.  A waiter is woken.  Where no futex can be, not
 * aligned, it is plain memory.  Errors are the user's.
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
	if (pin_word(&q, addr, ACCESS_WRITE, &pin) < 0)
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

	if (pin_word(&q, addr, ACCESS_WRITE, &pin) < 0)
		return;
	v = atomic_load(pin.kva);
	do {
		mine = (v & TID_MASK) == (uint32_t)tk->tid;
	} while (mine && !atomic_cas(pin.kva, &v, (v & WAITERS) | OWNER_DIED));
	vm_word_unpin(&pin, mine ? PAGE_DIRTY : PAGE_CLEAN);
	if ((mine && (v & WAITERS) != 0) || (pending && v == 0))
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
