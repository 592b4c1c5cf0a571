/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * advise.c: madvise, msync, mincore
 *
 * Problem   Programs say what they will do with memory.  Some advice is a
 *           command (DONTNEED: zero at once), some only a hint.  Two more calls:
 *           write it to the disk (msync), is it in memory (mincore)?
 *
 * Picture   range ─→ VAD by VAD: command, flag of the VAD, or nothing;
 *           holes are stepped over and reported at the end (-ENOMEM)
 *
 * Rules     1. Advice that changes VADs holds map_lock exclusive.  Advice that
 *              changes PTEs holds it as the design says (advise_shared): if shared,
 *              siblings may fault in again what DONTNEED has emptied.  WILLNEED and
 *              the wait of PAGEOUT hold it shared; advice that faults holds none.
 *           2. A flag that differs splits the VAD; equal neighbours merge.
 */
#include "lib/string.h"
#include "vm/cache/cache.h"
#include "vm/calls/calls.h"
#include "vm/table/table.h"

enum msync_flag { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 };

#define WILLNEED_MAX (2ul << 20 >> PAGE_SHIFT)
#define RELEASE_ROUNDS (2 * SWAP_BIOS) /* PAGEOUT looks so often whether pages are written */

/* What an advice does: to one VAD at a time, or in another way. */
enum advice_kind {
	ADVICE_UNKNOWN, ADVICE_HINT, ADVICE_FLAG, ADVICE_DESIGN, ADVICE_PUNCH,
	ADVICE_POPULATE, ADVICE_READ
};

/* For which memory it is refused. */
enum advice_not {
	NOT_DEVICE = 1, NOT_LOCKED = 2, NOT_OBJECT = 4, NOT_SHARED = 8, NOT_ANY = 16
};

static const struct advice {
	enum advice_kind kind;
	uint32_t clear, set;        /* FLAG: of the VAD's */
	unsigned not;               /* enum advice_not */
} advices[] = {
	[MADV_NORMAL] = { ADVICE_FLAG, VAD_RANDOM | VAD_SEQUENTIAL, 0, 0 },
	[MADV_RANDOM] = { ADVICE_FLAG, VAD_SEQUENTIAL, VAD_RANDOM, 0 },
	[MADV_SEQUENTIAL] = { ADVICE_FLAG, VAD_RANDOM, VAD_SEQUENTIAL, 0 },
	[MADV_WILLNEED] = { .kind = ADVICE_READ },
	[MADV_DONTNEED] = { ADVICE_DESIGN, .not = NOT_DEVICE | NOT_LOCKED },
	[MADV_FREE] = { ADVICE_DESIGN, .not = NOT_OBJECT | NOT_LOCKED },
	[MADV_REMOVE] = { .kind = ADVICE_PUNCH },
	[MADV_DONTFORK] = { ADVICE_FLAG, 0, VAD_DONTFORK, 0 },
	[MADV_DOFORK] = { ADVICE_FLAG, VAD_DONTFORK, 0, NOT_DEVICE },
	[MADV_HUGEPAGE] = { .kind = ADVICE_HINT },
	[MADV_NOHUGEPAGE] = { .kind = ADVICE_HINT },
	[MADV_DONTDUMP] = { .kind = ADVICE_HINT },
	[MADV_DODUMP] = { ADVICE_HINT, .not = NOT_DEVICE },
	[MADV_WIPEONFORK] = { ADVICE_FLAG, 0, VAD_WIPEONFORK, NOT_OBJECT | NOT_SHARED },
	[MADV_KEEPONFORK] = { ADVICE_FLAG, VAD_WIPEONFORK, 0, 0 },
	[MADV_COLD] = { ADVICE_DESIGN, .not = NOT_DEVICE | NOT_LOCKED },
	[MADV_PAGEOUT] = { ADVICE_DESIGN, .not = NOT_DEVICE | NOT_LOCKED },
	[MADV_POPULATE_READ] = { .kind = ADVICE_POPULATE },
	[MADV_POPULATE_WRITE] = { .kind = ADVICE_POPULATE },
	[MADV_DONTNEED_LOCKED] = { ADVICE_DESIGN, .not = NOT_DEVICE },
	[MADV_COLLAPSE] = { ADVICE_HINT, .not = NOT_ANY }, /* there are no huge pages */
};

/* An advice that is not in the table: UNKNOWN. */
static const struct advice *
advice_of(int advice)
{
	static const struct advice unknown = { .kind = ADVICE_UNKNOWN };

	return advice >= 0 && (size_t)advice < ARRAY_LEN(advices) ?
	    &advices[advice] : &unknown;
}

static bool
is_refused(const struct advice *a, const struct vad *v)
{
	unsigned is = NOT_ANY | (vmo_is_device(v->vmo) ? NOT_DEVICE : 0) |
	    ((v->flags & VAD_LOCKED) != 0 ? NOT_LOCKED : 0) |
	    (v->vmo != NULL ? NOT_OBJECT : 0) |
	    ((v->flags & (VAD_SHARED | VAD_ZERO_DEVICE)) != 0 ? NOT_SHARED : 0);

	return (a->not & is) != 0;
}

/* The words of the design, and those of an anonymous object. */
static int
advise_swap(struct aspace *as, struct vad *v, uint64_t lo, uint64_t hi,
    int advice)
{
	uint64_t off = v->off + (lo - v->start), end = off + (hi - lo);
	int r = as->school->advise(as, v, lo, hi, advice);

	if (r < 0 || v->vmo == NULL || v->vmo->type != VMO_AOBJ)
		return r;
	if (advice == MADV_WILLNEED)
		(void)anon_move(v->vmo, off, end, ANON_IN);
	if (advice == ADVICE_RELEASE)
		r += (int)MIN(anon_move(v->vmo, off, end, ANON_OUT), 1ul << 20);
	return r;
}

/* Advise the part [lo, hi) of v.  0; RELEASE: as school->advise; -EINVAL: not for this
 * kind of memory; -EAGAIN: no VAD for a split (-ENOMEM would mean a hole). */
static int
advise_one(struct aspace *as, struct vad *v, uint64_t lo, uint64_t hi,
    int advice)
{
	const struct advice *a = advice_of(advice);

	if (is_refused(a, v))
		return -EINVAL;
	if (a->kind == ADVICE_FLAG)
		return vad_set_flags(as, &v, lo, hi, (v->flags & ~a->clear) |
		    a->set) == 0 ? 0 : -EAGAIN;
	if (a->kind == ADVICE_HINT)
		return 0;
	return advise_swap(as, v, lo, hi, advice == MADV_DONTNEED_LOCKED ?
	    MADV_DONTNEED : advice);
}

/* [M]: rule 1.  *left: pages still to be written. */
static int
advise_range(struct aspace *as, uint64_t lo, uint64_t hi, int advice,
    uint64_t *left)
{
	struct vad_part p;
	int r;

	VAD_PARTS(&p, as, lo, hi) {
		r = advise_one(as, p.vad, p.lo, p.hi, advice);
		if (r < 0)
			return r;
		*left += (uint64_t)r;
	}
	return p.hole ? -ENOMEM : 0;
}

/* WILLNEED: read absent pages of files, two megabytes at most, then pages on swap.
 * 0, -ENOMEM (a hole in the range).  Errors of reads show when a page is touched. */
static int
advise_read(struct aspace *as, uint64_t lo, uint64_t hi)
{
	uint64_t max = WILLNEED_MAX, left = 0, at, n;
	struct vad_view v;

	VAD_VIEWS(&v, as, lo, hi) {
		if (v.vmo == NULL || v.vmo->type != VMO_VNODE)
			continue;
		for (at = v.lo; at < v.hi && max > 0; at += n, v.off += n, max -= n) {
			n = MIN(MIN(max, v.hi - at), (uint64_t)CACHE_WINDOW);
			if (cache_is_resident(v.vmo, v.off))
				n = 1;
			else if (cache_readahead(v.vmo, v.off, (unsigned)n,
			    NULL) != 0)
				break;
		}
	}
	rw_lock_read(&as->map_lock);
	(void)advise_range(as, lo, hi, MADV_WILLNEED, &left);
	rw_unlock_read(&as->map_lock);
	return v.hole ? -ENOMEM : 0;
}

/* PAGEOUT: pages that have left the working set are written, and their frames freed.
 * Wait a while for that, for the end of one write at a time. */
static void
advise_release(struct aspace *as, uint64_t lo, uint64_t hi)
{
	uint64_t left, ended;
	unsigned i;

	for (i = 0; i <= RELEASE_ROUNDS; i++) {
		left = 0;
		rw_lock_read(&as->map_lock);
		(void)advise_range(as, lo, hi, ADVICE_RELEASE, &left);
		rw_unlock_read(&as->map_lock);
		if (left == 0)
			return;
		if (!swap_has_room())
			break;
		ended = swap_ended();
		if (pages_writing > 0 && swap_wait(ended) != 0)
			return;
	}
	/* The disk is slow, or shared: the rest is written later, without a wait. */
	pageout_push();
}

/* The client, if there is one, may refuse: seals, and others that change the file. */
static int
punch_object(struct vmo *vmo, uint64_t off, uint64_t len)
{
	const struct vmo_client_ops *ops;
	void *client;

	spin_lock(&vmo->lock);
	ops = vmo->client_ops;
	client = vmo->client;
	if (ops != NULL && (ops->hold == NULL || !ops->hold(client)))
		ops = NULL;
	spin_unlock(&vmo->lock);
	if (ops != NULL)
		return ops->punch(client, off, len);
	if (vmo->type == VMO_AOBJ && atomic_load(&vmo->a.whole))
		return -EPERM;
	return vmo_punch(vmo, off, len);
}

/* MADV_REMOVE: a hole in the object.  vmo_punch() takes the locks of all spaces that
 * map it.  0, -EINVAL, -EACCES, -ENODEV, -EPERM, or as vmo_punch(). */
static int
punch_part(const struct vad_view *v)
{
	bool of_file = v->vmo != NULL || (v->flags & VAD_ZERO_DEVICE) != 0;

	if (!of_file || (v->flags & VAD_LOCKED) != 0)
		return -EINVAL;
	/* Writable, or it could be made so. */
	if ((v->flags & VAD_SHARED) == 0 || (v->maxprot & PROT_W) == 0)
		return -EACCES;
	return vmo_is_device(v->vmo) ? -ENODEV : punch_object(v->vmo,
	    v->off << PAGE_SHIFT, (v->hi - v->lo) << PAGE_SHIFT);
}

/* Unlike an access this needs the exact right: on x86 writable memory can always be read,
 * but without PROT_READ it is refused here.
 * Returns: 0; -ENOMEM, -EINVAL, -EFAULT, -EINTR. */
static int
populate_part(struct aspace *as, const struct vad_view *v, int advice)
{
	bool write = advice == MADV_POPULATE_WRITE;
	struct fctx f;
	int r;

	if (v->hole)
		return -ENOMEM;
	if ((v->prot & (write ? PROT_W : PROT_R)) == 0 || vmo_is_device(v->vmo))
		return -EINVAL;
	r = vm_fault_range(as, v->lo << PAGE_SHIFT, v->hi << PAGE_SHIFT,
	    write ? ACCESS_WRITE : ACCESS_READ, &f);
	if (r == -EFAULT && f.sig.signo == SIGSEGV)
		return f.sig.code == SEGV_MAPERR ? -ENOMEM : -EINVAL;
	return r;
}

/* POPULATE and REMOVE: each part is found with map_lock and done without it.  A hole
 * ends POPULATE; REMOVE skips it and reports it at the end. */
static int
advise_unlocked(struct aspace *as, uint64_t lo, uint64_t hi, int advice)
{
	struct vad_view v;
	int r = 0;

	VAD_VIEWS(&v, as, lo, hi) {
		r = advice == MADV_REMOVE ? punch_part(&v) :
		    populate_part(as, &v, advice);
		if (r != 0)
			break;
	}
	vad_view_end(&v);
	return r == 0 && v.hole ? -ENOMEM : r;
}

/* Returns: 0, -EINVAL, -ENOMEM (a hole; mapped parts were advised), -EAGAIN; for DONTNEED
 * also -EINTR (school->advise); for POPULATE and REMOVE the errors of populate_part()
 * and punch_part(). */
int
map_madvise(struct aspace *as, va_t va, uint64_t len, int advice)
{
	enum advice_kind kind = advice_of(advice)->kind;
	uint64_t lo, hi, left = 0;
	int r;

	if (kind == ADVICE_UNKNOWN || va + PAGE_UP(len) < va || PAGE_UP(len) < len)
		return -EINVAL;
	r = map_range(va, len, &lo, &hi);
	if (r <= 0)
		return r;
	if (kind == ADVICE_POPULATE || kind == ADVICE_PUNCH)
		return advise_unlocked(as, lo, hi, advice);
	if (kind == ADVICE_READ)
		return advise_read(as, lo, hi);
	if (kind == ADVICE_DESIGN && as->school->advise_shared) {
		rw_lock_read(&as->map_lock);
		r = advise_range(as, lo, hi, advice, &left);
		rw_unlock_read(&as->map_lock);
	} else {
		rw_lock_write(&as->map_lock);
		r = advise_range(as, lo, hi, advice, &left);
		map_end(as, NULL);
	}
	if (advice == MADV_PAGEOUT)
		advise_release(as, lo, hi);
	return r;
}

/* FORGET_PEAK: as much as there is.  DIRTY: which pages were written since is not
 * kept, so there is nothing to forget. */
void
map_forget(struct aspace *as, enum forget what)
{
	struct vad *v;

	if (!pt_open_space(as))
		return;
	rw_lock_read(&as->map_lock);
	if (what == FORGET_PEAK) {
		mutex_lock(&as->ws_lock);
		as->ws.peak = as->ws.pages;
		mutex_unlock(&as->ws_lock);
	} else if (what != FORGET_DIRTY) {
		VAD_FOREACH(v, as)
			if (what == FORGET_ALL ||
			    (what == FORGET_ANON) == (v->vmo == NULL))
				(void)as->school->advise(as, v, v->start, v->end,
				    ADVICE_FORGET);
	}
	rw_unlock_read(&as->map_lock);
	pt_close_space(as);
}

/* ---- msync, mincore ---- */

/* Write the pages that shared mappings have changed, and the metadata that lead to them.
 * 0, a write's first error, -ENOMEM. */
static int
map_sync_range(struct aspace *as, uint64_t lo, uint64_t hi)
{
	struct vad_view v;
	int r, done, first = 0;

	VAD_VIEWS(&v, as, lo, hi) {
		if ((v.flags & VAD_SHARED) == 0 || v.vmo == NULL ||
		    v.vmo->type != VMO_VNODE)
			continue;
		r = vmo_sync(v.vmo, v.off, v.off + (v.hi - v.lo));
		done = v.vmo->pager->sync == NULL ? 0 :
		    v.vmo->pager->sync(v.vmo->v.obj);
		if (first == 0)
			first = r != 0 ? r : done;
	}
	return first != 0 ? first : v.hole ? -ENOMEM : 0;
}

/* MS_SYNC writes pages that shared mappings of files have changed; MS_ASYNC has nothing
 * to do: dirty pages are known, and are written in time.  Returns: 0, -EINVAL, -EBUSY
 * (INVALIDATE on locked), -ENOMEM (hole); the first error of a write. */
int
map_msync(struct aspace *as, va_t va, uint64_t len, int flags)
{
	struct vad_part p;
	bool busy = false, device = false;
	uint64_t lo, hi;
	int r = map_range(va, len, &lo, &hi);

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (r <= 0)
		return r;
	rw_lock_read(&as->map_lock);
	VAD_PARTS(&p, as, lo, hi) {
		busy |= (p.vad->flags & VAD_LOCKED) != 0;
		device |= vmo_is_device(p.vad->vmo);
	}
	rw_unlock_read(&as->map_lock);
	if (busy && (flags & MS_INVALIDATE) != 0)
		return -EBUSY;
	if ((flags & MS_SYNC) == 0)
		return p.hole ? -ENOMEM : 0;
	if (device) /* as fsync() of one */
		return -EINVAL;
	return map_sync_range(as, lo, hi);
}

#define IN_CORE 1u /* bit 0 of a byte of mincore: the page would be had without I/O */
#define HAS_OWN 2u /* the space has a private page there: do not ask the object */

/* One byte of mincore, with HAS_OWN.  [W]. */
static uint8_t
in_core(struct aspace *as, va_t va)
{
	uint64_t named = as->school->named(as, va);

	if (named == 0)
		return 0;
	if (pte_kind(named) == PTE_FORK)
		(void)as->design->shared->refs(as, va, named, &named);
	return (pte_kind(named) == PTE_VALID && !pte_is_unread_zero(named)) ||
	    pte_kind(named) == PTE_TRANS ? HAS_OWN | IN_CORE : HAS_OWN;
}

/* One byte for each page of [lo, hi) vpn, by the words and records of the space.
 * Takes [W], for one leaf table at a time. */
static void
mincore_words(struct aspace *as, uint64_t lo, uint64_t hi, uint8_t *vec)
{
	uint64_t vpn = lo;

	while (vpn < hi) {
		mutex_lock(&as->ws_lock);
		do
			vec[vpn - lo] = in_core(as, vpn << PAGE_SHIFT);
		while (++vpn < hi && vpn % MD_PT_WORDS != 0);
		mutex_unlock(&as->ws_lock);
	}
}

/* May the caller know which pages of it are in memory? */
static bool
tells(struct vmo *vmo)
{
	bool may = true;

	spin_lock(&vmo->lock);
	if (vmo->client_ops != NULL && vmo->client_ops->tells != NULL)
		may = vmo->client_ops->tells(vmo->client);
	spin_unlock(&vmo->lock);
	return may;
}

/* A page that is not mapped here may still be in memory as a page of its object.  A
 * caller who may not know is told that all are there, even his private copies, as on
 * Linux. */
static void
mincore_object(const struct vad *v, uint64_t lo, uint64_t hi, uint8_t *vec)
{
	uint64_t vpn, pg;

	if (!tells(v->vmo)) {
		memset(vec, IN_CORE, hi - lo);
		return;
	}
	for (vpn = lo; vpn < hi; vpn++) {
		pg = v->off + (vpn - v->start);
		if (vec[vpn - lo] != 0)
			continue;
		if (vmo_is_device(v->vmo))
			vec[vpn - lo] = IN_CORE;
		else
			vec[vpn - lo] = v->vmo->type == VMO_VNODE ?
			    cache_is_resident(v->vmo, pg) :
			    pte_kind(anon_peek(v->vmo, pg)) == PTE_TRANS;
	}
}

/* Which pages of the range are in memory, one byte each.
 * Returns: how many lie before the first hole; -EINVAL (unaligned), -ENOMEM. */
int
map_mincore(struct aspace *as, va_t va, uint64_t len, uint8_t *vec)
{
	uint64_t lo, hi, pages, reported = 0;
	struct vad_part p;
	int r = map_range(va, len, &lo, &hi);

	if (r <= 0)
		return r;
	rw_lock_read(&as->map_lock);
	mincore_words(as, lo, hi, vec);
	VAD_PARTS(&p, as, lo, hi) {
		if (p.vad->vmo != NULL)
			mincore_object(p.vad, p.lo, p.hi, vec + (p.lo - lo));
		if (!p.hole)
			reported += p.hi - p.lo;
	}
	rw_unlock_read(&as->map_lock);
	for (pages = hi - lo; pages > 0; pages--)
		*vec++ &= IN_CORE;
	return (int)reported;
}
