/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.c: waiting for any of several files
 *
 * Problem   poll and select sleep until one of n files can be read or written;
 *           a file that becomes ready between the look and the sleep must not
 *           be missed.
 *
 * Picture   for each file: its queue ← waiter        (prepare)
 *           look at all; none ready: sleep           (any wake ends it)
 *           take all waiters off; look again
 *
 * Rules     1. All waiters are on their queues before the look that decides to
 *              sleep: a wake after that look finds a waiter.
 *           2. A wake is a hint: the next look decides; so is a signal, and the
 *              end of the time.
 *
 * Read next kern/wait.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

/* Answers that are given without being asked for. */
#define POLL_ALWAYS (POLLERR | POLLHUP | POLLNVAL)
#define POLL_RD (POLLIN | 0x40u)           /* POLLIN, POLLRDNORM */
#define POLL_WR (POLLOUT | 0x100u)         /* POLLOUT, POLLWRNORM */

/* Linux's twins: POLLRDNORM says what POLLIN says. */
static unsigned
with_twins(unsigned bits)
{
	if ((bits & POLLIN) != 0)
		bits |= POLL_RD;
	if ((bits & POLLOUT) != 0)
		bits |= POLL_WR;
	return bits;
}

/* Look at all files; how many answer. */
static unsigned
look_at_all(struct poll_req *reqs, unsigned n)
{
	unsigned i, ready = 0;
	struct waitq *wq;

	for (i = 0; i < n; i++) {
		reqs[i].revents = 0;
		if (reqs[i].file == NULL)
			continue;
		reqs[i].revents = with_twins(file_poll(reqs[i].file, &wq)) &
		    (reqs[i].events | POLL_ALWAYS);
		ready += reqs[i].revents != 0;
	}
	return ready;
}

/* Put a waiter on each file's queue, once for entries of one file that follow each
 * other; how many there are. */
static unsigned
prepare_all(struct poll_req *reqs, unsigned n, struct waiter *ws)
{
	struct waitq *wq, *last = NULL;
	unsigned i, used = 0;

	for (i = 0; i < n; i++) {
		if (reqs[i].file == NULL)
			continue;
		file_poll(reqs[i].file, &wq);
		if (wq != NULL && wq != last)
			wait_prepare(wq, &ws[used++]);
		last = wq;
	}
	return used;
}

/*
 * One round of prepare, look, sleep.
 *
 * Returns:  files ready, 0 (woken: look again), -EINTR, -ETIMEDOUT.
 */
static int
poll_once(struct poll_req *reqs, unsigned n, struct waiter *ws, uint64_t deadline)
{
	unsigned i, used = prepare_all(reqs, n, ws), ready = look_at_all(reqs, n);
	int r = (int)ready;

	if (ready == 0)
		r = used == 0 ? sleep_until(deadline, WAIT_INTR) :
		    wait_sleep_many(WAIT_INTR, deadline, ws, used);
	for (i = 0; i < used; i++)
		wait_finish(&ws[i]);
	if (used == 0 && ready == 0 && r == 0)
		r = -ETIMEDOUT;
	return r;
}

/*
 * Wait until a file answers or the deadline (md_time_ns; 0: only look,
 * WAIT_FOREVER: none).
 *
 * Locks:    none held.
 * Returns:  how many answer, revents filled; 0 at the deadline; -EINTR (none
 *           answers), -ENOMEM.
 */
int
fs_poll(struct poll_req *reqs, unsigned n, uint64_t deadline_ns)
{
	struct waiter *ws;
	unsigned ready = look_at_all(reqs, n);
	int r = 0;

	if (ready > 0 || deadline_ns == 0)
		return (int)ready;
	ws = room_alloc((n + 1ul) * sizeof(*ws));
	if (ws == NULL)
		return -ENOMEM;
	while (r == 0)
		r = poll_once(reqs, n, ws, deadline_ns);
	room_free(ws, (n + 1ul) * sizeof(*ws));
	if (r > 0)
		return r;
	ready = look_at_all(reqs, n);
	return ready > 0 || r == -ETIMEDOUT ? (int)ready : r;
}
