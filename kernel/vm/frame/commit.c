/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * commit.c: promises of memory, and why they can be kept
 *
 * Problem   A program maps memory long before it touches it.  If more were
 *           promised than there are frames and slots, a program would have to
 *           be killed at a touch.  So each promise is charged when it is made,
 *           and refused while the refusal is only an error number.
 *
 * Picture   slots of swap | frames that were free at boot
 *           |<--------------- limit -------------->|<-- kernel -->|<- mark ->|
 *           |<----- charged ----->|<- may still --->|  slabs,        left alone
 *           |      promised       |   be promised   |  stacks        by class USER
 *
 * Modes     /proc/sys/vm/overcommit_memory, in Linux's numbers:
 *           2 strict (default): private writable and shared anonymous memory is
 *             charged when it is mapped.  Charged memory can always be touched.
 *             overcommit_ratio is how many of a hundred frames may be promised:
 *             100 at boot, which is also the maximum.
 *           1 always: all mappings are as with MAP_NORESERVE, charged page by
 *             page at the first touch; over the limit that is a SIGBUS.
 *           0 guess: as 1, but a single mapping larger than all frames and slots
 *             together is refused at once, with ENOMEM.
 *           A new mode holds for mappings made later.  In 0 and 1 the limit
 *           counts pages that exist, not pages that were promised: while there
 *           are free frames and slots nobody is refused.  Then more may be
 *           promised than can be kept, and a touch that finds no place is a
 *           SIGBUS, also in promised memory.  In all three modes each page
 *           that exists has a frame or a slot.
 *
 * Rules     1. In mode 2 charged <= limit whenever a charge is accepted; only page
 *              tables are charged without the test: upper ones, and those that an
 *              operation on many words must make (book: commit).
 *           2. Frames that the kernel wires cannot hold promised pages.  The
 *              kernel has a share of the frames in advance, so that the limit
 *              stays where it is; frames beyond that share lower the limit,
 *              except those that a charge pays for (kmem_paid).
 *           3. Each charge has an owner that gives it back: as->commit.paid,
 *              .late, .files and .prepaid, vmo->a.charged and the forked objects
 *              count them.
 *           4. Page tables, entries and tables of objects go to swap like the pages
 *              that they describe (vm/table/ptpage.c, vm/kpaged/kpaged.c).
 *           5. A slot counts while its area takes pages: not when it is bad,
 *              and not once swapoff has begun.
 *           6. Promises to users, and kernel memory that users cause to be wired,
 *              end short of the limit: the rest is for root, who can start a
 *              program and clean up.  The bound for a user's pages is lower than
 *              that for his kernel memory, so that he can still open a file.
 *           7. Root's own promises end short of the limit, too, by the frames that
 *              files need: a program that finds none for its next instruction waits
 *              for ever.  A frame for the kernel is refused like a promise, for it
 *              cannot hold a promised page; and some frames can always be taken away,
 *              however large swap is.  Nothing is refused to threads that make room
 *              or end, nor in a fault, which keeps a promise.
 */
#include "vm/frame/frame.h"

enum { COMMIT_GUESS, COMMIT_ALWAYS, COMMIT_STRICT }; /* Linux's numbers */

#define KERNEL_SHARE 32 /* one of this many frames is for the kernel to wire */
#define PLACES_KEPT 64  /* for charges at the same time */
#define USER_EIGHTHS 3 /* of the frames may be wired for users (rule 6) */
#define STAY_EIGHTHS 7 /* of them may be wired or locked (rule 7) */
/* Pages that users leave to root: a part of memory, within bounds. */
#define ROOT_SHARE 32
#define ROOT_MIN 384ul
#define ROOT_MAX 2048ul
#define PAGE_KB (PAGE_SIZE / 1024)
#define TELL_NS 1000000000ul /* between two lines of the log */

static struct {
	_Atomic uint64_t charged;  /* [A] pages promised */
	uint64_t frames, wired;    /* [c] free and wired before the first program */
	_Atomic uint64_t places;   /* [A] frames that may be promised */
	bool (*is_user)(void);     /* [c] NULL: nobody is */
	_Atomic uint64_t told;     /* [A] when commit_warn() last wrote a line */
	_Atomic uint32_t untold;   /* [A] how many it has left out since */
} commit;

_Atomic bool commit_overdrawn;
uint64_t overcommit_memory = COMMIT_STRICT, overcommit_ratio = 100, admin_reserve_kbytes;

enum leave { LEAVE_ALL = 1, LEAVE_HALF, LEAVE_QUARTER = 4 };

static uint64_t
gauge_limit(size_t unused)
{
	return commit_limit();
}

/* Count the frames.  Locks: none; once, by vm_init(), before anything is charged. */
void
commit_init(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	commit.frames = commit.places = ps.free + ps.zeroed;
	commit.wired = ps.wired;
	admin_reserve_kbytes = PAGE_KB * MAX(ROOT_MIN,
	    MIN(ROOT_MAX, ps.total / ROOT_SHARE));
	ev_set_gauge_word(EV_commit_total, &commit.charged);
	ev_set_gauge(EV_commit_limit, gauge_limit, 0);
}

/* n frames that were wired at that time are free now.
 * Locks: none; before there are programs. */
void
commit_adopt(uint64_t n)
{
	commit.frames += n;
	commit.places += n;
	commit.wired -= n;
}

/* ---- the limit ---- */

/* The pages that class USER can get of so many frames, and of swap. */
static inline uint64_t
limit_with(uint64_t places)
{
	uint64_t wired = page_count(PG_WIRED), gone;

	wired -= MIN(wired, atomic_load(&kmem_paid));
	places += commit.wired - MIN(wired, commit.wired);
	wired -= MIN(wired, commit.wired);
	gone = MAX(wired, places / KERNEL_SHARE) + phys_marks.leave[PHYS_USER];
	places += atomic_load(swap_ops->slots);
	return places > gone ? places - gone : 0;
}

/* The limit of promises.  Returns: pages. */
uint64_t
commit_limit(void)
{
	return limit_with(commit.places);
}

/* Pages promised now. */
uint64_t
commit_total(void)
{
	return atomic_load(&commit.charged);
}

/* ---- the part for root ---- */

/* Does the current thread act for a user? */
static bool
is_for_user(void)
{
	return commit.is_user != NULL && commit.is_user();
}

/* Does it ask for a program at all (rule 7)? */
static bool
is_for_program(void)
{
	return commit.is_user != NULL && thread_current()->proc != NULL &&
	    !thread_is_killed() && !vm_is_reserved();
}

/* How much of the limit is left, for root and for files; a fork, too, must find it free.
 * A request for new memory leaves all of it; memory that is needed to go on (a table, a
 * frame of the kernel) may use half of it; a frame of the kernel for root, three quarters:
 * where memory is used up, root must still be able to open a file of /proc/sys. */
static uint64_t
left_alone(enum leave leave)
{
	uint64_t root = atomic_load(&admin_reserve_kbytes) / PAGE_KB / leave;
	uint64_t files = phys_marks.high / 2 / leave;

	if (!is_for_program())
		return 0;
	return is_for_user() ? files + root + phys_marks.high : files;
}

/* Is there a frame or slot for a few pages more?  Pages that exist are counted,
 * wherever they are, each in the unit in which it was charged. */
static bool
has_room_for_few(uint64_t limit)
{
	uint64_t used = ev_read(EV_table_n_priv) + ev_read(EV_design_pages) +
	    ev_read(EV_anon_pages) + ev_read(EV_table_live) +
	    ev_read(EV_table_live_out) + ev_read(EV_kpaged_pages) +
	    ev_read(EV_kpaged_pages_out) + atomic_load(&kmem_paid);

	return used + PLACES_KEPT <= limit;
}

/* Rule 7: may the kernel have wired, and programs have locked, so many frames? */
static bool
may_stay(uint64_t wired, uint64_t locked)
{
	return wired + locked <= commit.wired + commit.frames / 8 * STAY_EIGHTHS;
}

/* May so many pages, of all programs together, be locked?
 * Locks: any of rank < 9. */
bool
commit_may_lock(uint64_t pages)
{
	struct phys_stat ps;

	phys_stat(&ps);
	return pages <= ps.total / 2 && may_stay(ps.wired, pages);
}

/* A promise is being kept: the records of a page are small beside it. */
static bool
is_in_fault(void)
{
	return thread_current()->vmfault != NULL;
}

/* phys_set_gate: rules 6 and 7 for frames that the kernel wires: slabs, stacks, buffers and
 * texts all come here. */
static bool
may_wire(uint64_t n)
{
	struct phys_stat ps;
	uint64_t room;
	bool may;

	if (!is_for_program() || (!is_for_user() && is_in_fault()))
		return true;
	phys_stat(&ps);
	room = limit_with(commit.frames); /* overcommit_ratio is about promises alone */
	room -= MIN(room, n + left_alone(is_for_user() ? LEAVE_HALF : LEAVE_QUARTER));
	may = may_stay(ps.wired + n, atomic_load(&frames_unmovable)) &&
	    (!is_for_user() ||
	    ps.wired + n <= commit.wired + ps.total / 8 * USER_EIGHTHS) &&
	    (commit_total() <= room || (commit_is_late() && has_room_for_few(room)));
	if (!may)
		EVENT(commit_kept);
	return may;
}

/* See vm.h. */
void
vm_set_user_fn(bool (*is_user)(void))
{
	commit.is_user = is_user;
	phys_set_gate(may_wire);
}

/* ---- promises ---- */

static int
commit_refuse(uint64_t n)
{
	EVENT(commit_fail, n, commit_total(), commit_limit());
	return -ENOMEM;
}

/* Inlined into both callers: it is a twentieth of the first touch of a page. */
static inline __attribute__((always_inline)) int
charge(uint64_t n, enum leave leave)
{
	uint64_t limit = commit_limit(), have = atomic_load(&commit.charged);
	uint64_t kept = atomic_load(&admin_reserve_kbytes) / PAGE_KB +
	    2 * phys_marks.high;
	bool over;

	if (n == 0)
		return 0;
	/* If there is room for all, it does not matter who asks. */
	if (have + n + kept > limit)
		kept = left_alone(leave);
	if (inject_hit(FI_COMMIT))
		return commit_refuse(n);
	limit -= MIN(limit, kept);
	do {
		over = n > limit || have > limit - n;
		if (over && (!commit_is_late() || !has_room_for_few(limit)))
			return commit_refuse(n);
	} while (!atomic_cas(&commit.charged, &have, have + n));
	if (over)
		atomic_store(&commit_overdrawn, true);
	return 0;
}

/* Promise n pages.
 * Locks: any.  Owns: the caller owes commit_uncharge(n).  Returns: 0, -ENOMEM. */
int
commit_charge(uint64_t n)
{
	return charge(n, LEAVE_ALL);
}

/* Locks: any. */
void
commit_uncharge(uint64_t n)
{
	ASSERT(atomic_load(&commit.charged) >= n);
	atomic_sub(&commit.charged, n);
}

/* Promise n pages of a space that are charged at touch: NORESERVE pages, tables of
 * mappings that are not charged.
 * Locks: any.  Returns: 0, -ENOMEM (the fault ends in SIGBUS). */
int
commit_charge_late(struct aspace *as, uint64_t n)
{
	int r = charge(n, LEAVE_HALF);

	if (r != 0)
		return r;
	atomic_add(&as->commit.late, n);
	EVENT_ADD(commit_late, n);
	return 0;
}

/* One page more, without the test: for uses that are bounded and may not fail.  Locks:
 * any. */
void
commit_charge_forced(struct aspace *as)
{
	atomic_add(&commit.charged, 1);
	atomic_add(&as->commit.late, 1);
}

/* Locks: any. */
void
commit_uncharge_late(struct aspace *as, uint64_t n)
{
	ASSERT(atomic_load(&as->commit.late) >= n);
	atomic_sub(&as->commit.late, n);
	commit_uncharge(n);
}

/* Are n of the prepaid pages left?
 * Locks: any.  Owns: the caller, the charge of n pages; not if false. */
bool
commit_use_prepaid(struct aspace *as, uint64_t n)
{
	uint64_t have = atomic_load(&as->commit.prepaid);

	do {
		if (have < n)
			return false;
	} while (!atomic_cas(&as->commit.prepaid, &have, have - n));
	return true;
}

/* More has been promised than the limit: is there still room for one page?
 * Locks: any of rank < 9. */
bool
commit_finds_room(void)
{
	uint64_t limit = commit_limit();

	if (atomic_load(&commit.charged) <= limit) {
		/* A charge may come between the test and the store. */
		atomic_store(&commit_overdrawn, false);
		if (atomic_load(&commit.charged) <= limit)
			return true;
		atomic_store(&commit_overdrawn, true);
	}
	return has_room_for_few(limit - MIN(limit, left_alone(LEAVE_HALF)));
}

/* A page or table at va could not be charged at its touch: the program gets a SIGBUS,
 * the log a line, at most one each second.
 * Locks: any of rank < 9. */
void
commit_warn(va_t va)
{
	uint64_t now = md_time_ns(), last = atomic_load(&commit.told);
	const struct thread *t = thread_current();

	if ((last != 0 && now - last < TELL_NS) ||
	    !atomic_cas(&commit.told, &last, now)) {
		atomic_add(&commit.untold, 1);
		return;
	}
	klog("commit: %s (pid %u): no place for the page at %lx; %lu of %lu "
	    "pages are promised, %u lines left out", t->name, t->id, va,
	    commit_total(), commit_limit(), atomic_xchg(&commit.untold, 0));
}

/* ---- modes ---- */

/* May this number of pages be mapped and charged later?  Mode 0 refuses a size for which
 * there could never be room.
 * Returns: 0, -ENOMEM. */
int
commit_guess(uint64_t pages)
{
	if (atomic_load(&overcommit_memory) != COMMIT_GUESS)
		return 0;
	return pages > commit.frames + atomic_load(swap_ops->slots) ? -ENOMEM : 0;
}

/* All mappings are charged at touch, with or without NORESERVE. */
bool
commit_is_late(void)
{
	return atomic_load(&overcommit_memory) != COMMIT_STRICT;
}

/* Root sets one of the numbers.  The ratio holds in mode 2 only. */
static int
set_number(uint64_t *number, uint64_t n, uint64_t most)
{
	if (n > most)
		return -EINVAL;
	atomic_store(number, n);
	atomic_store(&commit.places, commit_is_late() ? commit.frames :
	    commit.frames * atomic_load(&overcommit_ratio) / 100);
	return 0;
}

/* See vm.h, also of the next two.  Returns: 0, -EINVAL. */
int
commit_set_mode(uint64_t mode)
{
	return set_number(&overcommit_memory, mode, COMMIT_STRICT);
}

/* Returns: 0, -EINVAL: more than 100 of a hundred frames. */
int
commit_set_ratio(uint64_t percent)
{
	return set_number(&overcommit_ratio, percent, 100);
}

/* Returns: 0, -EINVAL: more than there is. */
int
commit_set_reserve(uint64_t kbytes)
{
	return set_number(&admin_reserve_kbytes, kbytes, commit.frames * PAGE_KB);
}
