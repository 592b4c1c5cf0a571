/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * objfault.c: faults on mappings of objects: files, anonymous ones, devices
 *
 * Problem   A fault holds map_lock and ws_lock, and may not wait for a disk or a
 *           frame with them.  When it comes back the page may be gone again, and
 *           the object may have been truncated or unmapped.
 *
 * Picture   cache_fault ─ there ──────────→ page, pinned ─→ F2 maps, F3 copies
 *                ├─ READING ─→ FAULT_WAIT (F6)
 *                ├─ absent ──→ FAULT_IO: read_page ─→ again
 *                └─ clean, to be written ─→ extend_page ─→ again
 *           anon_fault ─→ anon_look ─ there, or made ─→ page, pinned ─→ F9, F3
 *                ├─ being read, on swap, no frame ─→ again
 *                └─ no table leads there ─→ make_path ─→ again
 *           around     ├──── block of `around` pages ────┤
 *           PTEs        VALID  0  0  va  0  VALID  0  0    a PTE 0 whose page is
 *           object        #    #  -  #   #    #    #  -    resident: mapped, too
 *           a device    driver.c ─→ fault_device, for every design
 *
 * Rules     1. The size of the object and the identity of the page are checked in
 *              the hold of [W] in which the PTE becomes VALID (R7).
 *           2. Between passes the page that was read or extended stays pinned
 *              in f->file_page, so that each pass gets further; it is used
 *              only if it is still in the tree.  A step between two passes looks
 *              the mapping up anew.
 *           3. A word of a file may be writable only after extend: a clean page
 *              is mapped read-only, also in a shared mapping.
 *           4. A program that touches one page often touches the next, and a fault
 *              costs ten times as much as a PTE: resident neighbours are mapped,
 *              too, without A and D, as far as the working set has room.  A touch
 *              that is not part of a sequence maps no neighbours: a PTE that nobody
 *              uses must be aged and taken away again.
 *           5. The memory of a device has no struct vm_page: no count, no home, no
 *              queue.  A thread may use it by its address, also in the kernel; it
 *              cannot be pinned, for a pin is a count in a struct vm_page.
 *
 * Read next vmo_at_hand() in vm/cache/cache.h, anon_look() in vm/object/anon.c.
 */
#include "vm/cache/cache.h"
#include "vm/fault/fault.h"
#include "vm/map/map.h"
#include "vm/table/table.h"
#include "vm/ws/ws.h"

#define CODE_WINDOW 4             /* pages: jumps in code stay within a few */

/* ---- a file: between passes, with no lock of rank >= 2 ---- */

/* The mapping of f->va, if it is of an object of this type, looked up anew: it may have
 * changed while the fault waited or read another page (R3).
 * Locks: none of rank >= 2.  Owns: true: the caller, v: vad_view_end(). */
static bool
look(const struct fctx *f, enum vmo_type type, struct vad_view *v)
{
	uint64_t vpn = f->va >> PAGE_SHIFT;

	*v = (struct vad_view){ .hi = vpn };
	if (vad_view_next(f->as, v, vpn + 1) && v->vmo != NULL &&
	    v->vmo->type == type)
		return true;
	vad_view_end(v);
	return false;
}

/* How many pages to read for a fault on v; < 0: downwards. */
static int
fault_window(const struct vad_view *v)
{
	int n;

	if ((v->flags & VAD_RANDOM) != 0)
		return 1;
	if ((v->flags & VAD_SEQUENTIAL) != 0)
		return CACHE_WINDOW;
	n = cache_window(v->vmo, v->off);
	return n > 0 && (v->prot & PROT_X) != 0 ? MAX(n, CODE_WINDOW) : n;
}

/* The fault has ended, or needs another page.  An extended page is made dirty, even if no
 * store came: its new block holds old bytes of the disk.
 * Locks: none of rank >= 3. */
void
cache_fault_end(struct fctx *f)
{
	if (f->file_page != NULL)
		page_unpin_written(f->file_page, f->extended);
	f->file_page = NULL;
	f->extended = false;
}

/* want.get of a fault: read the page of f->va, and keep it pinned for the next pass.
 * Returns: 0: start the fault again; -EIO (SIGBUS), -EINTR. */
static int
read_page(struct want *w)
{
	struct fctx *f = CONTAINER_OF(w, struct fctx, want);
	struct vad_view v;
	int r;

	cache_fault_end(f);
	if (!look(f, VMO_VNODE, &v))
		return 0;
	r = cache_read(v.vmo, v.off, fault_window(&v), &f->file_page);
	vad_view_end(&v);
	return r;
}

/* want.get of a fault: f->file_page, if it is still pinned, gets its blocks on disk.
 * Returns: 0: start the fault again; -ENOSPC, -EIO (SIGBUS), -EINTR. */
static int
extend_page(struct want *w)
{
	struct fctx *f = CONTAINER_OF(w, struct fctx, want);
	struct vad_view v;
	int r = 0;

	if (f->file_page == NULL)
		return 0;
	pageout_throttle();
	if (!look(f, VMO_VNODE, &v))
		return 0;
	/* Reading a paged VAD may fault, and that may have dropped the pin (rule c). */
	if (f->file_page == NULL ||
	    !cache_is_page(v.vmo, v.off, f->file_page)) {
		cache_fault_end(f);
	} else {
		r = cache_extend(v.vmo, v.off, f->file_page,
		    &f->extend_seq);
		f->extended = r == 0;
	}
	vad_view_end(&v);
	return r;
}

/* ---- a file: under the locks of a pass ---- */

/* The page of f's address.
 * Locks: [W], kept; takes [O], [P].  Owns: the caller, a pin in *out.
 * Returns: FAULT_DONE; FAULT_SIGNAL (SIGBUS: beyond the end of the file); FAULT_WAIT
 * (someone reads it), FAULT_IO (it must be read). */
enum fault_outcome
cache_fault(struct fctx *f, struct vm_page **out)
{
	HELD(&f->as->ws_lock);
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

/* Rule 3: a dirty page has its blocks on disk, and so has the page that this fault has
 * extended, unless the file has grown inside it since.
 * Locks: [W]; takes [O], [P].
 * Owns: false: takes the pin over, the outcome is FAULT_NEEDMEM. */
bool
cache_fault_may_dirty(struct fctx *f, struct vm_page *pg)
{
	struct vmo *vmo = f->v.vmo;
	bool may;

	HELD(&f->as->ws_lock);
	spin_lock(&vmo->lock);
	spin_lock(&pfn_lock);
	may = cache_has_place(vmo, fault_index(f), pg) || (f->extended &&
	    f->file_page == pg && f->extend_seq == vmo->resize_seq);
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	if (may)
		return true;
	/* f->file_page may be pg itself, which then has two pins of ours. */
	cache_fault_end(f);
	f->file_page = pg;
	(void)want_other(&f->want, extend_page, 0);
	return false;
}

/* ---- an anonymous object ---- */

/* want.get of a fault: the tables that lead to the page of f->va.  If the mapping has
 * gone since, the next pass says so.
 * Returns: 0: start the fault again; -ENOSPC (SIGBUS), -EINTR. */
static int
make_path(struct want *w)
{
	struct fctx *f = CONTAINER_OF(w, struct fctx, want);
	struct vad_view v;
	int r;

	if (!look(f, VMO_AOBJ, &v))
		return 0;
	want_end(w); /* no frame: it waits for its own */
	r = anon_make_path(v.vmo, v.off);
	vad_view_end(&v);
	return r == -ENOMEM ? -ENOSPC : r;
}

/* The page of f's address, made if it is absent.
 * Locks: [W], kept; takes [O], [P].  Owns: the caller, a pin in *out.
 * Returns: FAULT_DONE; FAULT_SIGNAL (SIGBUS: beyond the end, over a limit, lost);
 * FAULT_WAIT, FAULT_NEEDMEM, FAULT_RESTART. */
enum fault_outcome
anon_fault(struct fctx *f, struct vm_page **out)
{
	uint64_t pgoff = fault_index(f);
	int r;

	HELD(&f->as->ws_lock);
	r = anon_look(f->v.vmo, pgoff, ANON_TOUCH, &f->want, out);
	switch (r) {
	case 0:
		return FAULT_DONE;
	case -ENOENT:
		(void)want_other(&f->want, make_path, 0);
		return fault_missing(f);
	case -EAGAIN:
		return fault_missing(f);
	case -EIO:
		return fault_lost(f, word_get(f->word));
	case -ENOMEM:
		return fault_over_limit(f);
	default: /* beyond the end, or its file system is full */
		return fault_signal(f, SIGBUS, BUS_ADRERR);
	}
}

/* ---- neighbours ---- */

/* What a fault maps beside its own page. */
struct block {
	uint64_t vpn, idx;               /* first page: of the space, of the object */
	unsigned n;                      /* pages, in one leaf table */
	struct vm_page *page[AROUND_MAX]; /* in memory, or NULL */
};

/* The aligned block around f's page, clipped to the mapping. */
static void
block_of(const struct fctx *f, struct block *b)
{
	uint64_t around = MIN(MAX(fault_around(), 1ul), (uint64_t)AROUND_MAX);
	uint64_t vpn = f->va >> PAGE_SHIFT, first = vpn - vpn % around;

	b->vpn = MAX(first, f->v.start);
	b->n = (unsigned)(MIN(first + around, f->v.end) - b->vpn);
	b->idx = f->v.off + b->vpn - f->v.start;
}

/* Is the touch part of a sequence, or of code, whose jumps stay within a few pages?
 * Elsewhere neighbours are mapped in vain more often than not. */
static bool
is_local(const struct fctx *f)
{
	return !f->force && ((f->v.prot & PROT_X) != 0 ||
	    f->va >> PAGE_SHIFT == f->v.start || md_pt_index(f->va, 1) == 0 ||
	    word_get(f->word - 1) != 0);
}

/* Map the pages of the block whose word is ABSENT, at most `room` of them.  [W], [P]. */
static unsigned
map_block(struct fctx *f, const struct block *b, uint64_t bits, uint64_t room)
{
	uint64_t *word = &pt_words(f->leaf)[md_pt_index(b->vpn << PAGE_SHIFT, 1)];
	struct vm_page *pg;
	unsigned i, n = 0;

	for (i = 0; i < b->n && n < room; i++, word++) {
		pg = b->page[i];
		if (pg == NULL || word_get(word) != 0)
			continue;
		if (pg->state != PG_ACTIVE)
			ws_rescue(pg);
		page_map_locked(pg);
		word_enter(word, pte_make_valid(pg, SRC_OBJ, bits));
		n++;
	}
	word_entered(f->leaf, n, 0, (bits & PTE_LOCK) != 0 ? n : 0);
	return n;
}

/* Map the resident pages around f's page, which is mapped, with the same bits.
 * Locks: [W]; takes [O], [P]. */
void
fault_map_around(struct fctx *f, uint64_t bits)
{
	struct aspace *as = f->as;
	struct vmo *vmo = f->v.vmo;
	struct block b;
	unsigned n;

	HELD(&as->ws_lock);
	if (!is_local(f))
		return;
	block_of(f, &b);
	spin_lock(&vmo->lock);
	spin_lock(&pfn_lock);
	vmo_at_hand(vmo, b.idx, b.n, b.page);
	n = map_block(f, &b, bits & ~(MD_PTE_A | MD_PTE_D),
	    ws_limit(as) - MIN(ws_limit(as), ws_counted(as)));
	spin_unlock(&pfn_lock);
	spin_unlock(&vmo->lock);
	ws_insert_some(as, f->leaf, n);
	EVENT_ADD(fault_around_pages, n);
}

/* The same with the zero page, which f's word maps; all get this word.  If a range is
 * faulted in page by page, each page counts as used.
 * Locks: [W]; takes [P]. */
void
fault_zero_around(struct fctx *f, uint64_t word)
{
	unsigned i, n = 0;
	struct block b;
	uint64_t *at;

	HELD(&f->as->ws_lock);
	if (f->end != 0 || !is_local(f))
		return;
	block_of(f, &b);
	at = &pt_words(f->leaf)[md_pt_index(b.vpn << PAGE_SHIFT, 1)];
	spin_lock(&pfn_lock);
	for (i = 0; i < b.n; i++, at++) {
		if (word_get(at) != 0)
			continue;
		word_enter(at, word & ~MD_PTE_A);
		n++;
	}
	word_entered(f->leaf, n, n, 0);
	spin_unlock(&pfn_lock);
	EVENT_ADD(fault_around_pages, n);
}

/* ---- a device ---- */

/* The rights of the mapping: W at once, for nobody needs D of a device. */
static uint64_t
rights(const struct fctx *f)
{
	return MD_PTE_A | ((f->v.prot & PROT_W) != 0 ? MD_PTE_W : 0) |
	    ((f->v.prot & PROT_X) != 0 ? 0 : MD_PTE_NX);
}

/* F12 device: f->v maps a special object.
 * Locks: [M], [W] kept.
 * Returns: FAULT_DONE; FAULT_SIGNAL: not permitted, or it was to be pinned. */
enum fault_outcome
fault_device(struct fctx *f)
{
	uint64_t before = word_get(f->word), word;

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	if (fault_permit(f) != FAULT_DONE)
		return FAULT_SIGNAL;
	if (f->pin_out != NULL)
		return fault_signal(f, SIGBUS, BUS_ADRERR);
	word = vmo_device_word(f->v.vmo, fault_index(f), rights(f));
	if (before == 0)
		word_set(f->leaf, f->word, word);
	else
		(void)word_change(f->word, before & ~word & MD_PTE_NX, word);
	md_tlb_local(f->va);
	EVENT(fault_device, f->va, before, word_get(f->word), pte_pfn(word));
	return FAULT_DONE;
}
