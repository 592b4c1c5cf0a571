/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock.c: lock ranks, mutexes and reader-writer locks
 *
 * Problem   Where a thread takes a lock is where others come in; with a single
 *           thread a lock that is not free is a bug.
 *
 * Rules     1. To take a lock is a point at which others may run (the hooks);
 *              to release one is not: what happens up to the next point could
 *              as well happen under the lock.
 *           2. Ranks are checked at each acquisition, as with locks=1.
 *           3. Who waits to write stops readers that come later, as in
 *              kern/rwlock.c.
 */
#include <string.h>

#include "test/hostkern/hostkern.h"

/* ---- ranks ---- */

void
lockrank_take(enum lock_rank rank, const void *lock)
{
	struct thread *t = md_current();
	unsigned r;

	for (r = rank; rank != LR_NONE && r < LR_COUNT; r++)
		if (t->held[r] != 0)
			panic("rank %d taken while %u is held", rank, r);
	lockrank_note(rank, lock);
}

void
lockrank_take_nested(enum lock_rank rank, const void *lock)
{
	lockrank_note(rank, lock);
}

void
lockrank_note(enum lock_rank rank, const void *lock)
{
	if (WINDOW_HIDES && rank >= LR_KMAP)
		window_hide();
	md_current()->held[rank]++;
}

void
lockrank_waited(enum lock_rank rank)
{
}

void
lockrank_drop(enum lock_rank rank, const void *lock)
{
	ASSERT(md_current()->held[rank] > 0);
	md_current()->held[rank]--;
}

unsigned
lockrank_highest(void)
{
	unsigned r = LR_COUNT - 1;

	while (r > 0 && md_current()->held[r] == 0)
		r--;
	return r;
}

const char *
lockrank_name(unsigned rank)
{
	return "of the host";
}

void
host_may_sleep(enum lock_rank from)
{
	unsigned r;

	for (r = from; r < LR_COUNT; r++)
		if (md_current()->held[r] != 0)
			panic("a sleep with rank %u held", r);
}

/* ---- mutexes ---- */

void
mutex_init(struct mutex *m, enum lock_rank rank)
{
	memset(m, 0, sizeof(*m));
	m->rank = rank;
}

static void
mutex_take(struct mutex *m)
{
	host_may_sleep(LR_OBJ);
	ASSERT(m->owner != md_current());
	/* Again: to come back from idle takes steps of its own. */
	while (host_lock_wait(NEED_MUTEX, m) && m->owner != NULL)
		;
	ASSERT(m->owner == NULL);
	m->owner = md_current();
}

void
mutex_lock_nested(struct mutex *m)
{
	lockrank_take_nested((enum lock_rank)m->rank, m);
	mutex_take(m);
}

void
mutex_lock(struct mutex *m)
{
	lockrank_take((enum lock_rank)m->rank, m);
	mutex_take(m);
}

bool
mutex_trylock(struct mutex *m)
{
	host_lock_point();
	if (m->owner != NULL)
		return false;
	lockrank_note((enum lock_rank)m->rank, m);
	m->owner = md_current();
	return true;
}

void
mutex_unlock(struct mutex *m)
{
	ASSERT(m->owner == md_current());
	m->owner = NULL;
	lockrank_drop((enum lock_rank)m->rank, m);
}

bool
mutex_is_mine(const struct mutex *m)
{
	return m->owner == md_current();
}

/* ---- reader-writer locks ---- */

void
rw_init(struct rwlock *l, enum lock_rank rank)
{
	memset(l, 0, sizeof(*l));
	l->rank = rank;
}

void
rw_lock_read(struct rwlock *l)
{
	lockrank_take((enum lock_rank)l->rank, l);
	host_may_sleep(LR_OBJ);
	while (host_lock_wait(NEED_READ, l) && l->writer != NULL)
		;
	ASSERT(l->writer == NULL);
	l->readers++;
}

void
rw_unlock_read(struct rwlock *l)
{
	ASSERT(l->readers > 0);
	l->readers--;
	lockrank_drop((enum lock_rank)l->rank, l);
}

static void
write_take(struct rwlock *l)
{
	host_may_sleep(LR_OBJ);
	while (host_lock_wait(NEED_WRITE, l) && rw_is_locked(l))
		;
	ASSERT(!rw_is_locked(l));
	l->writer = md_current();
}

void
rw_lock_write_nested(struct rwlock *l)
{
	lockrank_take_nested((enum lock_rank)l->rank, l);
	write_take(l);
}

void
rw_lock_write(struct rwlock *l)
{
	lockrank_take((enum lock_rank)l->rank, l);
	write_take(l);
}

void
rw_unlock_write(struct rwlock *l)
{
	ASSERT(l->writer == md_current());
	l->writer = NULL;
	lockrank_drop((enum lock_rank)l->rank, l);
}

void
rw_downgrade(struct rwlock *l)
{
	ASSERT(l->writer == md_current());
	l->writer = NULL;
	l->readers = 1;
}

bool
rw_is_writer(const struct rwlock *l)
{
	return l->writer == md_current();
}

bool
rw_is_locked(const struct rwlock *l)
{
	return l->writer != NULL || l->readers > 0;
}

/* ---- wait queues: how one sleeps is the program's ---- */

void
waitq_init(struct waitq *q)
{
	memset(q, 0, sizeof(*q));
	list_init(&q->waiters);
}
