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
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/map/map.h"
#include "vm/object/object.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/vm.h"
#include "vm/want/want.h"


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

/*
 * Make the tables that a fault found missing.  The mapping is looked up anew:
 * it may have gone since, and then the next pass says so.
 *
 * Locks:    none of rank >= 2.
 * Context:  thread, may sleep.
 * Returns:  0: start the fault again; -ENOSPC (SIGBUS), -EINTR.
 */
static int
anon_fault_path(struct fctx *f)
{
	uint64_t vpn = f->va >> PAGE_SHIFT, pgoff = 0;
	struct vmo *vmo = NULL;
	struct vad *v;
	int r;

	rw_lock_read(&f->as->map_lock);
	v = vad_find(f->as, vpn);
	if (v != NULL && v->vmo != NULL && v->vmo->type == VMO_AOBJ) {
		vmo = v->vmo;
		pgoff = v->off + vpn - v->start;
		vmo_get(vmo);
	}
	rw_unlock_read(&f->as->map_lock);
	if (vmo == NULL)
		return 0;
	r = anon_make_path(vmo, pgoff);
	vmo_put(vmo);
	return r == -ENOMEM ? -ENOSPC : r;
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
	fault_hook(f->as, FAULT_WAITS);
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
