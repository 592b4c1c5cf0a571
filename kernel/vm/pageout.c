/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pageout.c: the thread that writes dirty pages and keeps frames free
 *
 * Problem   Memory that holds changes cannot be had again, and changes that
 *           stay in memory are lost with the power.  A program that writes
 *           faster than the disk must be slowed down before all memory waits.
 *
 * Picture   dirty pages of files    0 ───── 10 % ────────── 40 % of RAM
 *                                    older    │ all of them   │ writers wait
 *                                    than 5 s │ at once       │ for a round
 *           free frames             high ─── low: standby pages are freed
 *                                            until there are `high` again
 *
 * Rules     1. One thread.  It takes no lock of rank 1 or 2: who waits for it
 *              may hold those.
 *           2. A writer waits for one round at most, so a disk that refuses
 *              everything stops nobody for ever.
 *           3. Whoever holds the pages registers how to write them.
 *
 * Read next vm/vmofile.c, vm/pageq.c, vm/balance.c.  Book: ch13.
 */
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

#define ROUND_NS 1000000000ul        /* between two looks */
#define OLD_NS 5000000000ul          /* dirty for so long: written */
#define START_PERCENT 10
#define LIMIT_PERCENT 40

static struct {
	struct waitq work;           /* the thread sleeps here */
	struct waitq done;           /* writers that wait for a round */
	void (*write)(uint64_t);     /* [c] */
	_Atomic bool wanted;         /* [A] somebody called pageout_wake() */
	_Atomic uint64_t rounds;     /* [A] ended so far */
	uint64_t frames;             /* [c] usable */
} pageout;

static void pageout_main(void *arg);

/*
 * Locks:    none; once, by vm_init().
 */
void
pageout_init(void)
{
	struct phys_stat ps;

	waitq_init(&pageout.work);
	waitq_init(&pageout.done);
	phys_stat(&ps);
	pageout.frames = ps.total;
}

/*
 * How the dirty pages of files are written: those of objects that have been
 * dirty for so long.
 *
 * Locks:    none; once, by vm_init().
 */
void
pageout_set_files(void (*write)(uint64_t older_than_ns))
{
	pageout.write = write;
}

/*
 * Locks:    none; once, by vm_start().
 */
void
pageout_start(void)
{
	if (thread_spawn("pageout", pageout_main, NULL) == NULL)
		panic("pageout: no memory for the thread");
}

/*
 * There is something to do.
 *
 * Locks:    any of rank < LR_WAIT.
 */
void
pageout_wake(void)
{
	if (!atomic_xchg(&pageout.wanted, true))
		wake_all(&pageout.work);
}

/* ---- the thread ---- */

static bool
is_above(unsigned percent)
{
	return page_dirty_count() > pageout.frames * percent / 100;
}

/* Free what nobody uses, oldest first, until there is room again. */
static void
make_room(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	if (ps.free + ps.zeroed >= ps.low)
		return;
	do {
		if (!phys_steal())
			return;
		phys_stat(&ps);
	} while (ps.free + ps.zeroed < ps.high);
}

static void
wait_for_work(void)
{
	struct waiter w;

	wait_prepare(&pageout.work, &w);
	if (!atomic_load(&pageout.wanted))
		(void)wait_sleep(&w, WAIT_PLAIN, md_time_ns() + ROUND_NS);
	wait_finish(&w);
	atomic_store(&pageout.wanted, false);
}

static void
pageout_main(void *arg)
{
	for (;;) {
		wait_for_work();
		make_room();
		pageout.write(is_above(START_PERCENT) ||
		    page_count(PG_STANDBY) == 0 ? 0 : OLD_NS);
		atomic_add(&pageout.rounds, 1);
		wake_all(&pageout.done);
	}
}

/* ---- writers ---- */

/*
 * Called before a page of a file becomes dirty.
 *
 * Locks:    at most rank 1.
 * Context:  thread, sleeps while too much is dirty, for one whole round at
 *           most.
 */
void
pageout_throttle(void)
{
	/* The round that is under way may have passed our pages: one more. */
	uint64_t enough = atomic_load(&pageout.rounds) + 2;
	struct waiter w;
	int r = 0;

	if (is_above(START_PERCENT))
		pageout_wake();
	while (r != -EINTR && is_above(LIMIT_PERCENT) &&
	    atomic_load(&pageout.rounds) < enough) {
		pageout_wake();
		wait_prepare(&pageout.done, &w);
		r = wait_sleep(&w, WAIT_KILLABLE, md_time_ns() + ROUND_NS / 10);
		wait_finish(&w);
	}
}
