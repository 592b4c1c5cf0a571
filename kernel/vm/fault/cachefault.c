/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cachefault.c: faults on mappings of files
 *
 * Problem   A fault holds map_lock and ws_lock, and may not wait for a disk
 *           with them.  What it waited for may be gone when it comes back, and
 *           the file may have been cut meanwhile.
 *
 * Picture   cache_fault ─ there ──────────→ page, pinned ─→ F2 maps, F3 copies
 *                ├─ READING ─→ FAULT_WAIT (F6)
 *                ├─ absent ──→ FAULT_IO: read_page ─→ again
 *                └─ clean, to be written ─→ extend_page ─→ again
 *
 * Rules     1. Size and identity of the page are looked at in the hold of [W]
 *              in which its word becomes VALID (R7).
 *           2. Between passes the page that was read or extended stays pinned
 *              in f->file_page, so that each pass gets further; it is used
 *              only where the tree still names it.
 *           3. A word of a file may be writable only after extend: a clean page
 *              is mapped read-only, also in a shared mapping.
 */
#include "vm/cache/cache.h"
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/map/map.h"
#include "vm/object/vmo.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/vm.h"
#include "vm/want/want.h"

#define FAULT_WINDOW 4            /* pages read for a fault without a hint */

static int read_page(struct want *w);
static int extend_page(struct want *w);

/* ---- under the locks of a pass ---- */

/*
 * The page of f's address.
 *
 * Locks:    [W], kept; takes [O], [P].
 * Owns:     the caller, a pin in *out.
 * Returns:  FAULT_DONE; FAULT_SIGNAL (SIGBUS: beyond the end of the file);
 *           FAULT_WAIT (someone reads it), FAULT_IO (it must be read).
 */
enum fault_outcome
cache_fault(struct fctx *f, struct vm_page **out)
{
	ASSERT(mutex_is_mine(&f->as->ws_lock));
	switch (cache_look(f->v.vmo, fault_index(f), CACHE_TOUCH, out)) {
	case 0:
		return FAULT_DONE;
	case -ENOENT:
		(void)want_other(&f->want, read_page, 0);
		EVENT(fault_file_read, f->va, word_get(f->word));
		return FAULT_IO;
	case -EAGAIN:
		EVENT(cache_wait);
		return fault_busy(f, word_get(f->word), *out);
	default: /* beyond the end */
		return fault_signal(f, SIGBUS, BUS_ADRERR);
	}
}

/*
 * Rule 3: a dirty page has its place on disk, and so has the one that this
 * fault has extended, unless the file has grown inside it since.
 *
 * Locks:    [W]; takes [O], [P].
 * Owns:     false: takes the pin over, the outcome is FAULT_NEEDMEM.
 */
bool
cache_fault_may_dirty(struct fctx *f, struct vm_page *pg)
{
	struct vmo *vmo = f->v.vmo;
	bool may;

	spin_lock(&vmo->lock);
	spin_lock(&pfn_lock);
	may = cache_has_place(vmo, fault_index(f), pg) || (f->extended &&
	    f->file_page == pg && f->extend_seq == vmo->resize_seq);
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	if (may)
		return true;
	/* f->file_page may be pg itself, which then has two pins of ours. */
	if (f->file_page != NULL)
		page_unpin_written(f->file_page, f->extended);
	f->file_page = pg;
	f->extended = false;
	(void)want_other(&f->want, extend_page, 0);
	return false;
}

/* ---- between passes ---- */

/*
 * The mapping of vpn lo, at most to hi, looked up anew: while the fault waited, or
 * read another page, it may have become another one (R3).
 *
 * Locks:    none of rank >= 2.
 * Owns:     the caller, a reference to p->vmo.
 */
void
cache_fault_piece(struct aspace *as, uint64_t lo, uint64_t hi,
    struct file_piece *p, uint32_t *flags)
{
	struct vad *v;

	p->vmo = NULL;
	rw_lock_read(&as->map_lock);
	v = vad_find_above(as, lo);
	p->hole = v == NULL || v->start > lo;
	if (p->hole) {
		p->end = v == NULL ? hi : MIN(hi, v->start);
	} else {
		p->end = MIN(hi, v->end);
		p->off = v->off + lo - v->start;
		*flags = v->flags;
		if (v->vmo != NULL && v->vmo->type == VMO_VNODE) {
			p->vmo = v->vmo;
			vmo_get(p->vmo);
		}
	}
	rw_unlock_read(&as->map_lock);
}

static unsigned
fault_window(struct vmo *vmo, uint64_t idx, uint32_t flags)
{
	if ((flags & VAD_RANDOM) != 0)
		return 1;
	if ((flags & VAD_SEQUENTIAL) != 0)
		return CACHE_WINDOW;
	return MAX(cache_window(vmo, idx), (unsigned)FAULT_WINDOW);
}

/*
 * want.get of a fault: read the page of f->va, and keep it pinned for the next
 * pass.
 *
 * Locks:    none of rank >= 2.
 * Context:  thread, sleeps.
 * Returns:  0: start the fault again; -EIO (SIGBUS), -EINTR.
 */
static int
read_page(struct want *w)
{
	struct fctx *f = CONTAINER_OF(w, struct fctx, want);
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct file_piece p;
	uint32_t flags = 0;
	int r;

	cache_fault_end(f);
	cache_fault_piece(f->as, vpn, vpn + 1, &p, &flags);
	if (p.vmo == NULL)
		return 0;
	r = cache_readahead(p.vmo, p.off, fault_window(p.vmo, p.off, flags),
	    &f->file_page);
	vmo_put(p.vmo);
	return r;
}

/*
 * want.get of a fault: f->file_page, if it is still held, gets its place on disk.
 *
 * Locks:    none of rank >= 2.
 * Context:  thread, sleeps.
 * Returns:  0: start the fault again; -ENOSPC, -EIO (SIGBUS), -EINTR.
 */
static int
extend_page(struct want *w)
{
	struct fctx *f = CONTAINER_OF(w, struct fctx, want);
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct file_piece p;
	uint32_t flags = 0;
	int r = 0;

	if (f->file_page == NULL)
		return 0;
	pageout_throttle();
	cache_fault_piece(f->as, vpn, vpn + 1, &p, &flags);
	if (p.vmo == NULL)
		return 0;
	/* To look at a paged VAD is a fault that may have let it go (rule c). */
	if (f->file_page == NULL ||
	    !cache_is_page(p.vmo, p.off, f->file_page)) {
		cache_fault_end(f);
	} else {
		r = cache_extend(p.vmo, p.off, f->file_page,
		    &f->extend_seq);
		f->extended = r == 0;
	}
	vmo_put(p.vmo);
	return r;
}

/*
 * The fault has ended, or asks for another page.  What has got a block is
 * written, whether the store came or not: the block holds old bytes.
 *
 * Locks:    none of rank >= 3.
 */
void
cache_fault_end(struct fctx *f)
{
	if (f->file_page != NULL)
		page_unpin_written(f->file_page, f->extended);
	f->file_page = NULL;
	f->extended = false;
}
