/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pids.c: numbers for processes and threads
 *
 * Problem   A number is free when no process, thread, group or session bears
 *           it.  No user may use up all numbers, and finding one must be fast.
 *
 * Picture   bits  1 1 1 0 1 0 0 0 …    of each number: is it taken, perhaps?
 *                     ↑ last ↑ the next
 *
 * Rules     1. A number's bit is set when it is given; no search over processes is
 *              made for it.  A number that becomes free counts as taken until the
 *              bits are computed anew, when all of them are set.
 *           2. The last PID_ROOT numbers are root's: a user whose limit of
 *              processes is large (each may bear three numbers) leaves enough
 *              to end him.
 *
 * Read next proc.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"
#include "lib/string.h"

#define PID_ROOT 64
#define PID_LEAST 301    /* of limits, as on Linux */

/* All [proc_lock]. */
static struct {
	int last;        /* the search begins behind it */
	int max;         /* numbers are below it */
	int taken;       /* bits below max: at most so many bear one */
	unsigned all;    /* bits */
	uint64_t bits[PID_MAX / 64];
} pids = { .max = PID_MAX };

static void
number_is_taken(int n)
{
	uint64_t bit = 1ul << n % 64, *word = &pids.bits[n / 64];

	if ((*word & bit) != 0)
		return;
	pids.all++;
	pids.taken += n != 0 && n < pids.max;
	*word |= bit;
}

static void
numbers_look(void)
{
	memset(pids.bits, 0, sizeof(pids.bits));
	pids.taken = 0;
	pids.all = 0;
	proc_numbers_locked(number_is_taken);
}

/* There is one: fewer are taken than there are. */
static int
number_find(void)
{
	int n = pids.last;

	do
		n = n % (pids.max - 1) + 1;
	while ((pids.bits[n / 64] >> n % 64 & 1) != 0);
	return pids.last = n;
}

/*
 * The next number that nothing bears; for root also one of the last.
 *
 * Locks:    proc_lock held, until the number is entered into a table.
 * Returns:  number, or -EAGAIN: all are taken.
 */
int
pid_alloc_locked(const struct cred *c)
{
	int most, n;

	HELD(&proc_lock);
	most = pids.max - 1 - (c->euid != 0 && c->uid != 0 ? PID_ROOT : 0);
	if (pids.taken >= most)
		numbers_look();
	if (pids.taken >= most)
		return -EAGAIN;
	n = number_find();
	number_is_taken(n);
	return n;
}

/* Not fewer than all threads and processes there are.  Locks: proc_lock held. */
unsigned
pid_taken_locked(void)
{
	HELD(&proc_lock);
	return pids.all;
}

/* /proc/sys/kernel/pid_max.  Locks: none. */
uint64_t
pid_max(void)
{
	return (uint64_t)atomic_load_relaxed(&pids.max);
}

/*
 * New numbers are below max.
 *
 * Locks:    takes proc_lock.
 * Returns:  0, -EINVAL.
 */
int
pid_set_max(uint64_t max)
{
	if (max < PID_LEAST || max > PID_MAX)
		return -EINVAL;
	spin_lock(&proc_lock);
	pids.max = (int)max;
	numbers_look();
	spin_unlock(&proc_lock);
	return 0;
}
