/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * faultwait.c: what a fault waits for between two passes
 *
 * Problem   A frame, a table, a page that is being read: a fault may have to
 *           wait for any of them, and other threads must be able to do what
 *           brings it meanwhile.
 *
 * Picture   NEEDMEM, IO ─→ f->need ─→ frame, page, I/O ─→ kept in f
 *           WAIT ─────→ f->wait_page                        │
 *              next pass: pins and spare frames are there ←─┘
 *
 * Rules     1. No lock is held; what f holds is kept, so that each pass gets
 *              further, but while memory is low only by who has a token.
 *           2. Nothing that was read in the last pass is true any more (R3):
 *              pins may be for what is no more at the address.
 *
 * Read next vm/frame/token.c, vm/frame/framewait.c.  Book: ch06, ch13.
 */
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

#define PATIENCE 64 /* faults */

/*
 * Pins and spare frames of f.
 *
 * Locks:    none of rank >= 5.
 */
void
fault_give_back(struct fctx *f)
{
	pt_unpin(f);
	cache_fault_end(f);
	if (f->spare != NULL)
		page_free(f->spare);
	if (f->spare_tbl != NULL)
		page_free(f->spare_tbl);
	f->spare = f->spare_tbl = NULL;
}

static int
wait_frame(struct vm_page **spare, enum phys_want want)
{
	int r;

	while (*spare == NULL) {
		r = phys_wait(PHYS_USER);
		if (r != 0)
			return r;
		*spare = page_alloc(want);
	}
	return 0;
}

static int
wait_kpaged(struct fctx *f)
{
	int r;

	ASSERT(f->npin < FAULT_MAXPINS);
	r = kpaged_bring(f->need_kva, &f->pin[f->npin]);
	if (r == 0 && f->pin[f->npin] != NULL)
		f->npin++;
	return r;
}

/*
 * Memory is low: who waits may hold pins and frames only with a token, and
 * gives up what it has before it waits for one (rules a and b of token.c).
 *
 * Locks:    none of rank >= 2.
 * Returns:  0, -EINTR (fatal signal).
 * Owns:     f, the token, until the end of the fault.
 */
int
fault_get_token(struct fctx *f)
{
	int r;

	if (f->token || fault_token_held() || !frames_are_low())
		return 0;
	fault_give_back(f);
	r = fault_token_take();
	f->token = r == 0;
	return r;
}

/*
 * So many pins are for no single mapping: siblings have changed what is at the
 * address between the passes.  The next pass finds those that count.
 */
static void
drop_old_pins(struct fctx *f)
{
	if (f->npin <= FAULT_PINS)
		return;
	pt_unpin(f);
	f->let_go = true;
}

/* Get what f->need names.  0; -EINTR; -ENOSPC, -EIO … (SIGBUS). */
static int
fault_satisfy(struct fctx *f)
{
	enum fault_need need = f->need;
	int r = need == NEED_NONE || need == NEED_BIO ? 0 : fault_get_token(f);

	f->need = NEED_NONE;
	if (r != 0)
		return r;
	switch (need) {
	case NEED_NONE:
		break;
	case NEED_FRAME:
		f->spare_zeroed = f->need_zeroed;
		return wait_frame(&f->spare,
		    f->need_zeroed ? PHYS_ZEROED : PHYS_ANY);
	case NEED_TABLE:
		return wait_frame(&f->spare_tbl, PHYS_ZEROED);
	case NEED_KPAGED:
		return wait_kpaged(f);
	case NEED_PATH:
		return anon_fault_path(f);
	case NEED_READ:
		return cache_fault_read(f);
	case NEED_EXTEND:
		return f->file_page == NULL ? 0 : cache_fault_extend(f);
	case NEED_BIO:
		return swap_wait();
	}
	return 0;
}

/* ---- injected pressure ---- */

/*
 * Do the faults of this thread say how time passes in the space?  Those of one
 * thread do, until it has had none for PATIENCE of the others': what it used
 * since its last fault stays, so it gets on; and if it does not, they do.
 */
static bool
sets_the_pace(struct aspace *as)
{
	uint32_t me = thread_current()->id;

	if (as->pacer != me && ++as->pacer_missed < PATIENCE)
		return false;
	as->pacer = me;
	as->pacer_missed = 0;
	return true;
}

/*
 * What was not used since the last fault leaves the working set: else two pages
 * that one instruction needs would chase each other away for ever.
 */
static void
trim_unused(struct aspace *as, bool ended)
{
	mutex_lock(&as->ws_lock);
	if (as->md.root_pa != 0 && (!ended || sets_the_pace(as))) {
		if (ended) {
			ws_age(as);
			tlb_flush_range(as, 0, MD_USER_END >> PAGE_SHIFT);
		}
		as->ops->evict(as, SIZE_MAX, 1);
	}
	mutex_unlock(&as->ws_lock);
}

/*
 * Where a fault ends or waits: FI_TRIM, what is not in use goes to swap;
 * FI_TABLE, its tables too, and all VADs; FI_EVICT_ENTRY, entries and tables of
 * objects; FI_STEAL, what is clean goes away.
 *
 * Locks:    none of rank >= 2.
 */
void
fault_inject(struct aspace *as, bool ended)
{
	bool tables = inject_hit(FI_TABLE);

	if (tables || inject_hit(FI_TRIM)) {
		trim_unused(as, ended);
		pageout_push();
	}
	if (tables)
		pt_push_out(as);
	if (inject_hit(FI_EVICT_ENTRY) || tables)
		kpaged_push_out(tables);
	if (inject_hit(FI_STEAL))
		(void)phys_steal();
}

/* ---- waiting ---- */

/*
 * Sleep for what the outcome of a pass asks.
 *
 * Locks:    none of rank >= 2.
 * Context:  thread, sleeps.
 * Returns:  0: another pass; -EINTR (fatal signal); -ENOSPC, -EIO … (SIGBUS).
 */
int
fault_wait(struct fctx *f, enum fault_outcome r)
{
	if (vm_may_stop())
		return -EINTR;
	fault_inject(f->as, false);
	drop_old_pins(f);
	switch (r) {
	case FAULT_DONE:
	case FAULT_SIGNAL:
	case FAULT_RESTART:
		break;
	case FAULT_WAIT:
		f->major = true;
		return page_wait(f->wait_page);
	case FAULT_IO:
		f->major = true;
		return fault_satisfy(f);
	case FAULT_NEEDMEM:
		return fault_satisfy(f);
	}
	return 0;
}
