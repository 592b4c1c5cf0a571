/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockrank.c: the lock order, checked while the kernel runs
 *
 * Problem   Two threads that take two locks in opposite order deadlock one day,
 *           by bad luck.  The wrong order is there in every run: check that.
 *
 * Picture   held[rank] of the thread:  … MAP 1 … WS 1 … OBJ 0 PFN 0 …
 *           take PFN: nothing of rank >= PFN held → fine; take MAP: panic
 *
 * Rules     1. On with the boot option locks=1; else lib/spin.h does not even
 *              call.
 *           2. Ranks are counted per thread.  In an interrupt nothing is
 *              counted: its locks are taken on top of any.  A handler takes
 *              only locks that others take with interrupts off: taking one of
 *              a rank up to LR_LEAF is a panic.
 *           3. A trylock is recorded but not checked: it does not wait.
 *
 * Read next lib/spin.h for the ranks; lockstat.c.  Book: locks.
 */
#include "kern/kernfn.h"

static struct {
	bool on;            /* [c] after kern_init() */
} lockrank;

static const char *const rank_names[LR_COUNT] = {
	[LR_NONE] = "none", [LR_VNODE] = "vnode", [LR_MAP] = "map",
	[LR_KMAP] = "kmap", [LR_OBJMAPS] = "objmaps", [LR_WS] = "ws",
	[LR_KWS] = "kws", [LR_OBJ] = "obj", [LR_PFN] = "pfn",
	[LR_LEAF] = "leaf", [LR_MEM] = "mem", [LR_DEV] = "dev",
	[LR_WAIT] = "wait", [LR_SCHED] = "sched", [LR_TIMER] = "timer",
	[LR_LOG] = "log",
};

const char *
lockrank_name(unsigned rank)
{
	return rank < LR_COUNT ? rank_names[rank] : "?";
}

void
lockrank_init(void)
{
	lockrank.on = option_u64("locks") != 0;
	if (lockrank.on)
		atomic_or(&evidence_asked, (uint32_t)EVIDENCE_LOCKS);
}

bool
lockrank_is_on(void)
{
	return lockrank.on;
}

/* The thread whose locks count here; NULL: none do. */
static struct thread *
holder(void)
{
	return lockrank.on && !md_in_irq() ? md_current() : NULL;
}

static void NORETURN
inversion(const struct thread *t, enum lock_rank rank, unsigned held,
    const void *lock)
{
	lockrank.on = false;
	panic("lock order: %s takes %p of rank %u (%s) and holds rank %u (%s)",
	    t->name, lock, rank, rank_names[rank], held, rank_names[held]);
}

/* The interrupted thread may hold the lock. */
static void NORETURN
in_interrupt(enum lock_rank rank, const void *lock)
{
	lockrank.on = false;
	panic("lock order: an interrupt takes %p of rank %u (%s)", lock, rank,
	    rank_names[rank]);
}

static bool
is_for_threads(enum lock_rank rank)
{
	return lockrank.on && md_in_irq() && rank != LR_NONE && rank <= LR_LEAF;
}

/*
 * Check, then record.  lowest: the lowest rank that must not be held.  frame: the
 * stack frame of the function that the lock's code has called.
 */
static void
take(enum lock_rank rank, unsigned lowest, const void *lock, const void *frame)
{
	struct thread *t = holder();
	unsigned r;

	if (t == NULL && is_for_threads(rank) && lowest < LR_COUNT)
		in_interrupt(rank, lock);
	if (t == NULL || rank == LR_NONE)
		return;
	EVENT(lock_order_checks);
	for (r = lowest; r < LR_COUNT; r++) {
		if (t->held[r] != 0)
			inversion(t, rank, r, lock);
	}
	lockstat_take(t, rank, lowest == LR_COUNT, frame);
	t->held[rank]++;
}

void
lockrank_take(enum lock_rank rank, const void *lock)
{
	take(rank, rank, lock, __builtin_frame_address(0));
}

void
lockrank_take_nested(enum lock_rank rank, const void *lock)
{
	take(rank, rank + 1u, lock, __builtin_frame_address(0));
}

void
lockrank_note(enum lock_rank rank, const void *lock)
{
	take(rank, LR_COUNT, lock, __builtin_frame_address(0));
}

void
lockrank_waited(enum lock_rank rank)
{
	struct thread *t = holder();

	if (t != NULL && rank != LR_NONE && t->held[rank] > 0)
		lockstat_waited(t, rank);
}

void
lockrank_drop(enum lock_rank rank, const void *lock)
{
	struct thread *t = holder();

	/* 0: taken before the check was turned on. */
	if (t == NULL || rank == LR_NONE || t->held[rank] == 0)
		return;
	if (--t->held[rank] == 0)
		lockstat_drop(t, rank);
}

/* The highest rank that the current thread holds; 0: none, or not known. */
unsigned
lockrank_highest(void)
{
	const struct thread *t = holder();
	unsigned r = t == NULL ? 0 : LR_COUNT - 1;

	while (r > 0 && t->held[r] == 0)
		r--;
	return r;
}

/* One line: which ranks t holds.  Locks: none; t is current or stopped. */
void
lockrank_show(struct out *o, const struct thread *t)
{
	unsigned r;

	out_printf(o, "locks held by %s:", t->name);
	for (r = 0; r < LR_COUNT; r++) {
		if (t->held[r] != 0)
			out_printf(o, " %s*%u", rank_names[r], t->held[r]);
	}
	out_printf(o, lockrank.on ? "\n" : " (known with locks=1)\n");
}
