/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex.c: futex calls of a thread of vmsim
 *
 * Problem   proc/futex.c asks for the current process; vmsim has spaces only.
 *
 * Rules     1. The thread has a process as long as the call takes, no longer.
 *           2. No thread has a number, so no word names an owner.
 *
 * Read next proc/futex.c, ops_access.c.
 */
#include "proc/procdat.h"
#include "proc/procfn.h"

void futex_begin(void);
int64_t futex_wait_at(struct aspace *as, va_t va, uint32_t value);
int64_t futex_wake_all(struct aspace *as, va_t va);

struct spinlock proc_lock = SPIN_INIT(LR_LEAF);

struct task *
task_find_locked(int tid)
{
	return NULL;
}

/* Before each schedule: one that was given up may have left waiters. */
void
futex_begin(void)
{
	futex_init();
}

static int64_t
call(struct aspace *as, const struct futex_req *q)
{
	struct proc proc = { .as = as };
	struct task task = { .proc = &proc };
	int64_t r;

	thread_current()->proc = &task;
	r = futex_op(q);
	thread_current()->proc = NULL;
	return r;
}

/* Sleep while the word is value.  Returns: 0 woken, -EAGAIN; or an error. */
int64_t
futex_wait_at(struct aspace *as, va_t va, uint32_t value)
{
	const struct futex_req q = { .addr = va, .op = FUTEX_WAIT, .val = value,
		.scope = WORD_PRIVATE };

	return call(as, &q);
}

/* Returns: how many, or an error. */
int64_t
futex_wake_all(struct aspace *as, va_t va)
{
	const struct futex_req q = { .addr = va, .op = FUTEX_WAKE,
		.val = INT32_MAX, .scope = WORD_PRIVATE };

	return call(as, &q);
}
