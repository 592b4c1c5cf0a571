/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mlock.c: memory that may not leave: mlock, mlockall and their ends
 *
 * Problem   Keys must never reach a disk, and a control loop must never wait
 *           for one.  Memory is locked page by page, but whether a process may
 *           lock it, and how much, is decided for ranges.
 *
 * Picture   mlock ─→ flag of the VADs ─→ LOCK bit of words that are VALID
 *                 ─→ faults bring the others in: VAD LOCKED ─→ word LOCK
 *           trimming leaves words with LOCK alone
 *
 * Rules     1. In a VAD with LOCKED every VALID word but those of the zero
 *              page has LOCK, elsewhere none; words.locked counts them.
 *           2. Limits count the size of VADs, touched or not, as on
 *              Linux; and all spaces together may lock half of the RAM, so
 *              that something is left to trim (book: deadlock).
 *           3. Private writable memory is faulted in by a write: otherwise its
 *              first write would still need a frame for the copy.
 *           4. PROT_NONE takes U from a word with LOCK and leaves it VALID.
 *              Words that lose LOCK there are trimmed like all others.
 *           5. A child locks nothing; exec begins with nothing locked.
 */
#include "vm/calls/calls.h"
#include "vm/table/table.h"

/* ---- words ---- */

/* VALID words get the VAD's LOCK.  [M] exclusive; takes [W], for one leaf table at a time.
 * No CPU caches LOCK: there is nothing to flush. */
static void
lock_words(struct aspace *as, const struct vad *v)
{
	uint64_t lock = (v->flags & VAD_LOCKED) != 0 ? PTE_LOCK : 0;
	struct pt_iter it = pt_range(as, v->start, v->end);
	uint64_t *word, w;

	while (pt_iter_next(&it))
		PT_FOREACH(word, &it) {
			w = word_get(word);
			if (pte_kind(w) != PTE_VALID || pte_src(w) == SRC_SPEC ||
			    (w & PTE_LOCK) == lock)
				continue;
			word_change(word, PTE_LOCK, lock);
			as->words.locked += lock != 0 ? 1 : -1ul;
		}
}

/* The part [lo, hi) of *v; *v: the VAD that holds it afterwards. */
static int
lock_vad(struct aspace *as, struct vad **v, uint64_t lo, uint64_t hi,
    uint32_t flags)
{
	uint32_t old = (*v)->flags, new = (old & ~VAD_LOCK_FLAGS) | flags;
	struct vad part;
	int r;

	/* The memory of a device never leaves. */
	if (vmo_is_device((*v)->vmo))
		return 0;
	r = vad_set_flags(as, v, lo, hi, new);
	if (r != 0 || ((old ^ new) & VAD_LOCKED) == 0)
		return r;
	part = (struct vad){ .start = lo, .end = hi, .flags = new,
		.prot = (*v)->prot };
	lock_words(as, &part);
	/* PROT_NONE: trim words that were VALID only because they were locked. */
	if ((*v)->prot == 0 && flags == 0)
		r = as->school->protect(as, &part, 0);
	return r;
}

/* VAD by VAD; a hole ends it.  [M] exclusive. */
static int
lock_range(struct aspace *as, uint64_t lo, uint64_t hi, uint32_t flags)
{
	struct vad_part p;
	int r = 0;

	VAD_PARTS(&p, as, lo, hi) {
		if (!p.hole)
			r = lock_vad(as, &p.vad, p.lo, p.hi, flags);
		if (p.hole || r != 0)
			break;
	}
	return p.hole ? -ENOMEM : r;
}

/* A VAD that cannot be changed is skipped.  [M] exclusive.  0, or the first error. */
static int
lock_all(struct aspace *as, uint32_t flags)
{
	struct vad *v = vad_first(as);
	int r = 0, one;

	for (; v != NULL; v = vad_next(v)) {
		one = lock_vad(as, &v, v->start, v->end, flags);
		if (r == 0)
			r = one;
	}
	return r;
}

/* ---- faulting in ---- */

/* After a part that cannot be faulted in: end, or go on with the others. */
enum holes { HOLES_END, HOLES_PASS };

/* Fault in the locked parts of [va, end), but not ONFAULT ones; flags 0: all of it.  0,
 * -EFAULT (SIGSEGV, SIGBUS), -EINTR.  HOLES_PASS: a page that fails ends its mapping, not
 * the call. */
static int
populate(struct aspace *as, va_t va, va_t end, enum holes holes, uint32_t flags)
{
	enum access access;
	struct vad_view v;
	struct fctx f;
	int r = 0;

	VAD_VIEWS(&v, as, va >> PAGE_SHIFT, end >> PAGE_SHIFT) {
		if (flags != 0 && (v.flags & VAD_LOCK_FLAGS) != flags)
			continue;
		access = (v.prot & PROT_W) != 0 && (v.flags & VAD_SHARED) == 0 ?
		    ACCESS_WRITE : ACCESS_READ;
		r = vm_fault_range(as, v.lo << PAGE_SHIFT, v.hi << PAGE_SHIFT,
		    access, &f);
		/* v allows it: another thread has changed the mapping since. */
		if (r == -EFAULT && f.sig.signo == SIGSEGV && v.prot != 0)
			r = 0;
		if (r != 0 && (holes == HOLES_END || r != -EFAULT))
			break;
	}
	vad_view_end(&v);
	return r;
}

/* Fault in the locked parts of [va, end), as far as possible, after they were made or
 * grown. flags 0: all, locked or not. */
void
map_populate(struct aspace *as, va_t va, va_t end, uint32_t flags)
{
	(void)populate(as, va, end, HOLES_PASS, flags);
}

/* ---- ranges ---- */

/* From any bytes to the pages that hold them, lo … hi - 1; va and len become theirs.
 * 1; 0: none; -EINVAL (wraps), -ENOMEM (no user address). */
static int
page_range(va_t *va, uint64_t *len, uint64_t *lo, uint64_t *hi)
{
	*len = PAGE_UP(*len + (*va & PAGE_MASK));
	*va = PAGE_DOWN(*va);
	return *va + *len < *va ? -EINVAL : map_range(*va, *len, lo, hi);
}

/* More is locked than the limit allows, which was higher: as on Linux even what is locked
 * is not locked again.  [M]. */
static bool
is_beyond(const struct aspace *as, uint64_t limit)
{
	return limit != MLOCK_ANY && as->map.locked_pages > limit >> PAGE_SHIFT;
}

/* Lock the pages of a range, and fault them in unless ONFAULT.
 * Returns: 0; -EPERM (limit 0), -ENOMEM (limit, hole, no VAD, a page that cannot be
 * had), -EINVAL (wraps), -EINTR (dying). */
int
map_mlock(struct aspace *as, va_t va, uint64_t len, enum mlock_how how,
    uint64_t limit)
{
	uint32_t flags = how == MLOCK_NOW ? VAD_LOCKED : VAD_LOCK_FLAGS;
	uint64_t lo, hi, more;
	int r;

	if (limit == 0)
		return -EPERM;
	r = page_range(&va, &len, &lo, &hi);
	if (r <= 0) /* the limit comes first; a range that wraps exceeds any */
		return r == -EINVAL && limit != MLOCK_ANY ? -ENOMEM : r;
	rw_lock_write(&as->map_lock);
	more = hi - lo - vad_pages(as, lo, hi, VAD_LOCKED);
	r = is_beyond(as, limit) ? -ENOMEM : map_lock_reserve(as, more, limit);
	if (r == 0) {
		r = lock_range(as, lo, hi, flags);
		map_lock_unreserve(as, more);
	}
	map_end(as, NULL);
	if (r == 0)
		r = populate(as, va, va + len, HOLES_END, VAD_LOCKED);
	return r == -EFAULT ? -ENOMEM : r;
}

/* Returns: 0; -ENOMEM (hole; those before are unlocked), -EINVAL (wraps). */
int
map_munlock(struct aspace *as, va_t va, uint64_t len)
{
	uint64_t lo, hi;
	int r;

	r = page_range(&va, &len, &lo, &hi);
	if (r <= 0)
		return r;
	rw_lock_write(&as->map_lock);
	r = lock_range(as, lo, hi, 0);
	map_end(as, NULL);
	return r;
}

/* ---- whole spaces ---- */

/* CURRENT: all mappings that there are; FUTURE: all that come.
 * Returns: 0; -EINVAL (flags), -EPERM (limit 0), -ENOMEM (limit; or not all could be paid
 * for, then FUTURE is as it was). */
int
map_mlockall(struct aspace *as, unsigned flags, uint64_t limit)
{
	uint32_t lock = (flags & MCL_ONFAULT) != 0 ? VAD_LOCK_FLAGS : VAD_LOCKED;
	uint64_t more = 0;
	int r;

	if (flags == 0 || flags == MCL_ONFAULT ||
	    (flags & ~(unsigned)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0)
		return -EINVAL;
	if (limit == 0)
		return -EPERM;

	rw_lock_write(&as->map_lock);
	if ((flags & MCL_CURRENT) != 0)
		more = as->map.total_pages - as->map.locked_pages;
	r = (flags & MCL_CURRENT) != 0 && is_beyond(as, limit) ? -ENOMEM :
	    map_lock_reserve(as, more, limit);
	if (r == 0) {
		if ((flags & MCL_CURRENT) != 0)
			r = lock_all(as, lock);
		if (r == 0)
			as->map.lock_future = (flags & MCL_FUTURE) != 0 ? lock : 0;
		map_lock_unreserve(as, more);
	}
	map_end(as, NULL);
	if (r == 0 && (flags & MCL_CURRENT) != 0)
		map_populate(as, 0, MD_USER_END, VAD_LOCKED);
	return r;
}

void
map_munlockall(struct aspace *as)
{
	rw_lock_write(&as->map_lock);
	as->map.lock_future = 0;
	(void)lock_all(as, 0);
	map_end(as, NULL);
}
