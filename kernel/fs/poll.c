/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll.c: waiting for any of several files
 *
 * Problem   poll and select sleep until one of n files can be read or written;
 *           a file that becomes ready between the look and the sleep must not
 *           be missed.
 *
 * Picture   each file's list of watches ← one of ours: it wakes us
 *           look at all; none ready: sleep           (any wake ends it)
 *           look again; at the end take all watches off
 *
 * Rules     1. All watches are on their lists before the look that decides to
 *              sleep: what changes after that look wakes.
 *           2. A wake is a hint: the next look decides; so is a signal, and the
 *              end of the time.
 *
 * Read next kern/ready.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

/* Answers that are given without being asked for. */
#define POLL_ALWAYS (POLLERR | POLLHUP | POLLNVAL)
#define FEW 8u     /* files whose watches need no memory of their own */

/* One list of watches with us on it. */
struct poll_watch {
	struct watch watch;
	struct waitq *wq;
};

/* Look at all files; how many answer. */
static unsigned
look_at_all(struct poll_req *reqs, unsigned n)
{
	struct poll_req *q, *end = reqs + n;
	unsigned ready = 0;
	struct ready *at;

	for (q = reqs; q < end; q++) {
		q->revents = q->file == NULL ? 0 :
		    file_poll(q->file, &at) & (q->events | POLL_ALWAYS);
		ready += q->revents != 0;
	}
	return ready;
}

static bool
poll_told(struct watch *w, unsigned bits)
{
	wake_all(CONTAINER_OF(w, struct poll_watch, watch)->wq);
	return true;
}

/* Enter the list, unless its last watch is also of this call: a call that names a file
 * many times has one watch.  True: entered. */
static bool
watch_once(struct ready *at, struct poll_watch *w)
{
	uint64_t flags = spin_lock_irq(&ready_lock);
	struct list_node *n = list_first(&at->watches);
	struct watch *last = n == NULL ? NULL : LIST_ENTRY(n, struct watch, node);
	bool is_new = last == NULL || last->tell != poll_told ||
	    CONTAINER_OF(last, struct poll_watch, watch)->wq != w->wq;

	if (is_new)
		ready_watch_locked(at, &w->watch);
	spin_unlock_irq(&ready_lock, flags);
	return is_new;
}

/* A watch for each file; how many there are. */
static unsigned
watch_all(struct poll_req *reqs, unsigned n, struct poll_watch *ws,
    struct waitq *wq)
{
	struct ready *at;
	unsigned i, used = 0;

	for (i = 0; i < n; i++) {
		if (reqs[i].file == NULL)
			continue;
		file_poll(reqs[i].file, &at);
		ws[used] = (struct poll_watch){ { .tell = poll_told }, wq };
		used += at != NULL && watch_once(at, &ws[used]);
	}
	return used;
}

/* One look and sleep.  Files ready, 0 (woken: look again), -EINTR, -ETIMEDOUT. */
static int
poll_once(struct poll_req *reqs, unsigned n, struct waitq *wq, uint64_t deadline)
{
	struct waiter w;
	int r;

	wait_prepare(wq, &w);
	r = (int)look_at_all(reqs, n);
	if (r == 0)
		r = wait_sleep(&w, WAIT_INTR, deadline);
	wait_finish(&w);
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
	struct poll_watch few[FEW], *ws = few;
	struct waitq wq;
	unsigned ready = look_at_all(reqs, n), used;
	int r = 0;

	if (ready > 0 || deadline_ns == 0)
		return (int)ready;
	if (n > FEW)
		ws = room_alloc_raw(n * sizeof(*ws));
	if (ws == NULL)
		return -ENOMEM;
	waitq_init(&wq);
	used = watch_all(reqs, n, ws, &wq);
	while (r == 0)
		r = poll_once(reqs, n, &wq, deadline_ns);
	while (used > 0)
		ready_unwatch(&ws[--used].watch);
	if (n > FEW)
		room_free(ws, n * sizeof(*ws));
	if (r > 0)
		return r;
	ready = look_at_all(reqs, n);
	return ready > 0 || r == -ETIMEDOUT ? (int)ready : r;
}
