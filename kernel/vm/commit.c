/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * commit.c: promises of memory, and why they can be kept
 *
 * Problem   A program maps memory long before it touches it.  If more were
 *           promised than there are places, someone would have to die when
 *           the promises fall due.  So each promise is charged when it is
 *           made, and refused while refusing is only an error number.
 *
 * Picture   frames that were free at boot
 *           |<---------- limit ---------->|<-- kernel -->|<- mark ->|
 *           |<- charged ->|<- may still  ->|  slabs,        left alone
 *           |  promised   |   be promised  |  stacks        by class USER
 *
 * Rules     1. charged <= limit whenever a charge is accepted; only upper page
 *              tables are charged without the test (vmm.md 4.2).
 *           2. Frames that the kernel wires eat the place of promised pages.
 *              It has a share of the frames in advance, so that the limit
 *              stays where it is; what it takes beyond lowers the limit.
 *           3. Who charges gives back the same number: as->commit, as->late,
 *              vmo->a.charged and the forked objects are the owners.
 *
 * Read next vm/map.c (who charges), vm/balance.c (waiting for a frame that has
 *           been promised).  Book: ch13.
 */
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

enum { COMMIT_ALWAYS = 1, COMMIT_STRICT = 2 }; /* Linux's numbers */

#define KERNEL_SHARE 32 /* one frame of so many is for the kernel to wire */

static struct {
	_Atomic uint64_t charged;  /* [A] pages promised */
	_Atomic unsigned mode;     /* [A] overcommit_memory */
	uint64_t places, wired;    /* [c] frames free and wired at the start */
} commit = { .mode = COMMIT_STRICT };

static int commit_refuse(uint64_t n);

/*
 * Take stock.
 *
 * Locks:    none; once, by vm_init(), before anything is charged.
 */
void
commit_init(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	commit.places = ps.free + ps.zeroed;
	commit.wired = ps.wired;
	ev_set_gauge(EV_commit_total, commit_total);
	ev_set_gauge(EV_commit_limit, commit_limit);
}

/*
 * Promise n pages.
 *
 * Locks:    any.
 * Owns:     the caller owes commit_uncharge(n).
 * Returns:  0, -ENOMEM.
 */
int
commit_charge(uint64_t n)
{
	uint64_t limit = commit_limit();
	uint64_t have = atomic_load(&commit.charged);

	if (n == 0)
		return 0;
	if (inject_hit(FI_COMMIT))
		return commit_refuse(n);
	do {
		if (n > limit || have > limit - n)
			return commit_refuse(n);
	} while (!atomic_cas(&commit.charged, &have, have + n));
	return 0;
}

static int
commit_refuse(uint64_t n)
{
	EVENT(commit_fail, n, commit_total(), commit_limit());
	return -ENOMEM;
}

/*
 * The same without the test: for what is bounded and may not fail.
 *
 * Locks:    any.
 */
void
commit_charge_forced(uint64_t n)
{
	atomic_add(&commit.charged, n);
}

/*
 * Locks:    any.
 */
void
commit_uncharge(uint64_t n)
{
	ASSERT(atomic_load(&commit.charged) >= n);
	atomic_sub(&commit.charged, n);
}

/*
 * Promise n pages of a space that pays at the touch: NORESERVE pages, tables
 * of mappings that are not charged.
 *
 * Locks:    any.
 * Returns:  0, -ENOMEM (the fault ends in SIGBUS).
 */
int
commit_charge_late(struct aspace *as, uint64_t n)
{
	int r = commit_charge(n);

	if (r != 0)
		return r;
	atomic_add(&as->late, n);
	EVENT_ADD(commit_late, n);
	return 0;
}

/*
 * Locks:    any.
 */
void
commit_uncharge_late(struct aspace *as, uint64_t n)
{
	ASSERT(atomic_load(&as->late) >= n);
	atomic_sub(&as->late, n);
	commit_uncharge(n);
}

/*
 * Locks:    none.
 * Returns:  pages promised now.
 */
uint64_t
commit_total(void)
{
	return atomic_load(&commit.charged);
}

/*
 * How much may be promised: what class USER can get if all of it is touched.
 *
 * Locks:    none.
 * Returns:  pages.
 */
uint64_t
commit_limit(void)
{
	uint64_t places, wired, gone;
	struct phys_stat ps;

	phys_stat(&ps);
	/* RAM that boot/ had kept comes back later: fewer wired than before. */
	places = commit.places +
	    (ps.wired < commit.wired ? commit.wired - ps.wired : 0);
	wired = ps.wired > commit.wired ? ps.wired - commit.wired : 0;
	gone = MAX(wired, places / KERNEL_SHARE) + (ps.reserve + ps.low) / 2;
	return places > gone ? places - gone : 0;
}

/*
 * Locks:    none.
 * Returns:  overcommit_memory: 2 strict; 1: every mapping is NORESERVE.
 */
unsigned
commit_mode(void)
{
	return atomic_load(&commit.mode);
}

/*
 * Locks:    none.
 * Returns:  0, -EINVAL (mode 0, a guess, does not exist here).
 */
int
commit_set_mode(unsigned mode)
{
	if (mode != COMMIT_ALWAYS && mode != COMMIT_STRICT)
		return -EINVAL;
	atomic_store(&commit.mode, mode);
	return 0;
}
