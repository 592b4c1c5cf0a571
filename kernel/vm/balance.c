/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balance.c: waiting for frames
 *
 * Problem   An allocation below a mark fails at once, for mem/ never sleeps.
 *           A fault that has been promised its page must not fail: it waits
 *           here until frames come back, holding nothing.
 *
 * Picture   free frames   high ──── low ──── USER ──── reserve ──── 0
 *                                     class USER stops ┘     │      │
 *                                          class KERNEL stops ┘     │
 *                                             class RESERVED stops ─┘
 *
 * Rules     1. No lock of rank >= 3 and no spin lock while waiting (R1, R9).
 *           2. Enough frames now says nothing about later: the caller tries
 *              again, and comes back here if someone was faster.
 *           3. A wake may come from under any lock up to LR_MEM; a sleep ends
 *              after 10 ms by itself, so that a lost wake costs only time.
 *
 * Read next mem/phys.c (marks, hooks), vm/fault.c (who waits).  Book: ch13.
 */
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

#define TICK_NS 10000000ul

static struct {
	struct waitq frames;        /* sleepers of phys_wait() */
	_Atomic uint32_t sleepers;  /* [A] */
} bal;

static bool has_frames(enum phys_class class);
static int wait_tick(enum phys_class class);

static void
frame_freed(void)
{
	if (atomic_load(&bal.sleepers) != 0)
		wake_all(&bal.frames);
}

/* Sums are compared before a thread is woken: this is called often. */
static void
frames_low(void)
{
	if (page_count(PG_STANDBY) != 0)
		pageout_wake();
}

/*
 * Be told by mem/ when frames come back, and when they become few.
 *
 * Locks:    none; once, by vm_init().
 */
void
bal_init(void)
{
	waitq_init(&bal.frames);
	phys_set_hooks(frame_freed, frames_low);
}

/*
 * Sleep until an allocation of this class may succeed.
 *
 * Locks:    none of rank >= 3.
 * Context:  thread, sleeps.
 * Returns:  0: try again; -EINTR (fatal signal).
 */
int
phys_wait(enum phys_class class)
{
	int r = 0;

	EVENT(page_waits);
	if (inject_hit(FI_WAIT))
		r = sleep_until(md_time_ns() + TICK_NS, WAIT_KILLABLE);
	while (r == 0 && !has_frames(class) && !phys_steal()) {
		if (thread_is_killed())
			return -EINTR;
		pageout_wake();
		r = wait_tick(class);
	}
	return r;
}

/*
 * A frame for user contents, waited for.
 *
 * Locks:    none of rank >= 3.
 * Context:  thread, sleeps.
 * Owns:     the caller, *out in LIMBO.
 * Returns:  0 (at once if *out is a frame already), -EINTR (fatal signal).
 */
int
page_alloc_wait(enum phys_want want, struct vm_page **out)
{
	int r = 0;

	while (r == 0 && *out == NULL) {
		*out = page_alloc(want);
		if (*out == NULL)
			r = phys_wait(PHYS_USER);
	}
	return r;
}

static int
wait_tick(enum phys_class class)
{
	struct waiter w;
	int r = 0;

	atomic_add(&bal.sleepers, 1);
	wait_prepare(&bal.frames, &w);
	if (!has_frames(class))
		r = wait_sleep(&w, WAIT_KILLABLE, md_time_ns() + TICK_NS);
	wait_finish(&w);
	atomic_sub(&bal.sleepers, 1);
	return r == -ETIMEDOUT ? 0 : r;
}

static bool
has_frames(enum phys_class class)
{
	struct phys_stat ps;

	phys_stat(&ps);
	switch (class) {
	case PHYS_USER:
		return ps.free + ps.zeroed > (ps.reserve + ps.low) / 2;
	case PHYS_KERNEL:
		return ps.free + ps.zeroed > ps.reserve;
	case PHYS_RESERVED:
		return ps.free + ps.zeroed > 0;
	}
	panic("phys_wait: class %u", class);
}
