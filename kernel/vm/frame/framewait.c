/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * framewait.c: waiting for frames
 *
 * Problem   An allocation below a mark fails at once, for mem/ never sleeps.
 *           A fault that has been promised its page must not fail: it waits
 *           here until frames come back.
 *
 * Picture   free frames   high ──── low ──── USER ──── reserve ──── 0
 *                                     class USER stops ┘     │      │
 *                                          class KERNEL stops ┘     │
 *                                             class RESERVED stops ─┘
 *           free + standby < low: bsm trims, the page writer writes
 *
 * Rules     1. No lock of rank >= 3 and no spin lock while waiting (R1), and
 *              pins only by the rules of vm/frame/token.c (R9).
 *           2. Enough frames now says nothing about later: the caller tries
 *              again, and comes back here if someone was faster.
 *           3. A wake may come from under any lock up to LR_MEM; a sleep ends
 *              after 10 ms by itself, so that a lost wake costs only time.
 *           4. One frame wakes one sleeper, those first who make room.
 */
#include "vm/frame/frame.h"

#define TICK_NS 10000000ul

struct sleepers {
	struct waitq wait;
	_Atomic uint32_t n;         /* [A] */
};

static struct {
	struct sleepers reserved;   /* of phys_wait(PHYS_RESERVED) */
	struct sleepers others;
	struct waitq bsm;           /* the balance set manager sleeps here */
	_Atomic bool are_low;       /* [A] it has been woken */
} frames;

_Atomic uint32_t frames_sleepers;

static bool has_frames(enum phys_class class);
static int wait_tick(struct sleepers *s, enum phys_class class);

static bool
wake_sleeper(struct sleepers *s)
{
	if (atomic_load(&s->n) == 0)
		return false;
	wake_one(&s->wait);
	return true;
}

/*
 * A frame is free, or can be had from standby now.
 *
 * Locks:    any of rank < LR_WAIT.
 */
void
frames_came(void)
{
	if (!wake_sleeper(&frames.reserved))
		wake_sleeper(&frames.others);
}

/* Called at each allocation below the low mark; sums before a wake. */
static void
frames_low(void)
{
	if (page_count(PG_STANDBY) != 0)
		swap_ops->wake();
	if (frames_are_low())
		frames_wake_bsm();
}

/*
 * Frames are few: somebody has to give some up.
 *
 * Locks:    any of rank < LR_WAIT.
 */
void
frames_wake_bsm(void)
{
	if (!atomic_load(&frames.are_low) &&
	    !atomic_xchg(&frames.are_low, true))
		wake_all(&frames.bsm);
}

/*
 * For bsm: sleep until frames are few, or the deadline.
 *
 * Locks:    none.
 */
void
frames_wait_low(uint64_t deadline_ns)
{
	struct waiter w;

	wait_prepare(&frames.bsm, &w);
	if (!atomic_load(&frames.are_low))
		(void)wait_sleep(&w, WAIT_PLAIN, deadline_ns);
	wait_finish(&w);
	atomic_store(&frames.are_low, false);
}

/*
 * Be told by mem/ when frames come back, and when they become few.
 *
 * Locks:    none; once, by vm_init().
 */
void
frames_init(void)
{
	waitq_init(&frames.reserved.wait);
	waitq_init(&frames.others.wait);
	waitq_init(&frames.bsm);
	phys_set_hooks(frames_came, frames_low);
}

/*
 * Sleep until an allocation of this class may succeed.  A thread that makes
 * room waits for the reserve, and to the end.
 *
 * Locks:    none of rank >= 3; pins: vm/frame/token.c.
 * Context:  thread, sleeps.
 * Returns:  0: try again; -EINTR (fatal signal).
 */
int
phys_wait(enum phys_class class)
{
	int r = 0;

	EVENT(page_waits);
	if (inject_hit(FI_WAIT))
		r = sleep_until(md_time_ns() + TICK_NS, vm_wait_how());
	while (r == 0) {
		/* Who is killed while he waits, and must finish: from now on. */
		if (vm_class() == PHYS_RESERVED)
			class = PHYS_RESERVED;
		if (has_frames(class) || phys_reclaim())
			break;
		if (vm_may_stop() && !vm_is_reserved())
			return -EINTR;
		swap_ops->wake();
		frames_wake_bsm();
		r = wait_tick(class == PHYS_RESERVED ? &frames.reserved :
		    &frames.others, class);
	}
	return vm_is_reserved() ? 0 : r;
}

/*
 * A frame for user contents, waited for.
 *
 * Locks:    none of rank >= 3; pins: vm/frame/token.c.
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
wait_tick(struct sleepers *s, enum phys_class class)
{
	enum wait_how how = vm_is_reserved() ? WAIT_PLAIN : vm_wait_how();
	struct waiter w;
	int r = 0;

	atomic_add(&frames_sleepers, 1);
	atomic_add(&s->n, 1);
	wait_prepare(&s->wait, &w);
	if (!has_frames(class))
		r = wait_sleep(&w, how, md_time_ns() + TICK_NS);
	wait_finish(&w);
	atomic_sub(&s->n, 1);
	atomic_sub(&frames_sleepers, 1);
	return r == -ETIMEDOUT ? 0 : r;
}

/* What was promised does not count: who has it may not run for a while. */
static bool
has_frames(enum phys_class class)
{
	struct phys_stat ps;

	phys_stat(&ps);
	return ps.avail > phys_marks.leave[class];
}
