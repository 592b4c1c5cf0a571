/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futexq.h: the queues of futex words, for futex.c and futex_pi.c only
 *
 * Tags      [F] futexes.lock   [c] constant   [own] the thread itself
 */
#ifndef PROC_FUTEXQ_H
#define PROC_FUTEXQ_H

#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#define FUTEX_BUCKETS 64
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_TID_MASK 0x3fffffffu

/* A sleeping thread; on its stack. */
struct futex_waiter {
	struct list_node node;   /* [F] */
	uintptr_t key[2];        /* [F] a requeue changes it */
	uint32_t bitset;         /* [c] */
	bool woken;              /* [F] */
	struct pi_waiter *pi;    /* [c] futex_pi.c; NULL: no word with an owner */
	struct waitq wq;
};

struct futex_queues {
	struct spinlock lock;    /* guards all queues; LR_LEAF */
	struct list bucket[FUTEX_BUCKETS];
};
extern struct futex_queues futexes;

/* futex.c */
struct list *futex_bucket(const uintptr_t key[2]);
bool futex_same_key(const uintptr_t a[2], const uintptr_t b[2]);
struct futex_waiter *futex_first_locked(const uintptr_t key[2]);
void futex_waiter_init(struct futex_waiter *, struct pi_waiter *);
int futex_pin(const struct futex_req *, va_t, enum access, struct vm_word_pin *)
    MUST_CHECK;
int futex_enter(const struct futex_req *, struct futex_waiter *) MUST_CHECK;
int futex_sleep(const struct futex_req *, struct futex_waiter *) MUST_CHECK;

/* futex_pi.c */
void futex_pi_init(void);
enum pi_wish { PI_LOCK, PI_TRYLOCK };
int64_t futex_lock_pi(const struct futex_req *, enum pi_wish);
int64_t futex_unlock_pi(const struct futex_req *);
int64_t futex_wait_requeue_pi(const struct futex_req *);
int64_t futex_cmp_requeue_pi(const struct futex_req *);

#endif
