/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte/fault.c: what a fault finds, and what is done about each finding
 *
 * Problem   The driver has looked up the mapping and holds the leaf table.
 *           The word of the page says which of a dozen situations this is.
 *
 * Picture   fault_by_pte: may he? ─→ fault_classify(word) ─→ one handler
 *
 *             word     read                    write
 *             ABSENT   F1z zero page           F1 zero-fill     no object
 *                      F2 file, F9 anonymous   F3 copy if private
 *             VALID    F0                      F0, upgrade, F1, F3, F4
 *             TRANS    F7 rescue               F7
 *             FORK     F8                      F4               of the design
 *             BUSY F6, SWAP F5, ERROR F11
 *
 * Rules     1. map_lock and ws_lock are held and kept, so f->leaf stays.
 *           2. A handler takes its frame first: if there is none it returns
 *              FAULT_NEEDMEM before anything has changed.
 *           3. A VALID word that gets another frame is cleared and flushed
 *              first (tlb_clear_word), or a sibling could read the old frame
 *              after this thread's write.
 *           4. Each handler counts its case once, when the case is complete.
 *
 * Read next vm/design/fmo/fork.c (F4, F8).  Book: ch06.
 */
#include "vm/design/design.h"
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/object/vmo.h"
#include "vm/pte/pte.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/vm.h"
#include "vm/want/want.h"
#include "vm/ws/ws.h"

/* The fault of a design whose private pages live in their PTEs: school->fault.
 * Locks: [M], [W] held and kept; f->leaf in use, f->word its word.
 * Returns: FAULT_DONE, or what the driver must do before another pass. */
enum fault_outcome
fault_by_pte(struct fctx *f)
{
	enum fault_outcome r = fault_permit(f);

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	if (r != FAULT_DONE)
		return r;
	switch (fault_classify(f, word_get(f->word))) {
	case FC_F0:
		return f0_spurious(f);
	case FC_F1:
		return f1_zero_fill(f);
	case FC_F1Z:
		return f1z_zero_page(f);
	case FC_F2:
		return f2_map_file(f);
	case FC_F3:
		return f3_private_copy(f);
	case FC_F4:
		return f->as->design->forked->write_fault(f);
	case FC_F5:
		return f5_swap_in(f);
	case FC_F6:
		return f6_wait_busy(f);
	case FC_F7:
		return f7_rescue(f);
	case FC_F8:
		return f->as->design->forked->read_fault(f);
	case FC_F9:
		return f9_map_aobj(f);
	case FC_F10: /* a table on swap: pt_walk() has met it before */
		break;
	case FC_F11:
		return f11_error(f);
	case FC_UPGRADE:
		return f_upgrade(f);
	}
	panic("fault: va %lx word %lx: no case", f->va, word_get(f->word));
}

/* ---- which case is it? ---- */

/* The word allows less than the VAD: why?  Only writes and fetches come here. */
static enum fault_case
classify_valid(const struct fctx *f, uint64_t word)
{
	bool hidden = (word & MD_PTE_U) == 0; /* locked, was PROT_NONE */

	if (f->access == ACCESS_EXEC)
		return hidden || (word & MD_PTE_NX) != 0 ? FC_UPGRADE : FC_F0;
	if (f->access == ACCESS_READ || (word & MD_PTE_W) != 0)
		return hidden ? FC_UPGRADE : FC_F0;
	switch (pte_src(word)) {
	case SRC_PRIV:
		return FC_UPGRADE;
	case SRC_FORK:
		return FC_F4;
	case SRC_SPEC:
		return FC_F1;
	case SRC_OBJ:
		break;
	}
	if ((f->v.flags & VAD_SHARED) == 0)
		return FC_F3;
	return f->v.vmo->type == VMO_VNODE ? FC_F2 : FC_UPGRADE;
}

/* Nothing has ever been here: the VAD says what it means. */
static enum fault_case
classify_absent(const struct fctx *f)
{
	bool write = f->access == ACCESS_WRITE;

	if (f->v.vmo == NULL)
		return write ? FC_F1 : FC_F1Z;
	if (write && (f->v.flags & VAD_SHARED) == 0)
		return FC_F3;
	return f->v.vmo->type == VMO_VNODE ? FC_F2 : FC_F9;
}

/* Which case?  It follows from the word, the VAD in f->v and the access, and from nothing
 * else.
 * Locks: [W] for the word to stay true.  Returns: FC_F0 … FC_F11, FC_UPGRADE. */
enum fault_case
fault_classify(const struct fctx *f, uint64_t word)
{
	switch (pte_kind(word)) {
	case PTE_ABSENT:
		return classify_absent(f);
	case PTE_VALID:
		return classify_valid(f, word);
	case PTE_TRANS:
		return FC_F7;
	case PTE_BUSY:
		return FC_F6;
	case PTE_SWAP:
		return FC_F5;
	case PTE_FORK:
		return f->access == ACCESS_WRITE ? FC_F4 : FC_F8;
	case PTE_ERROR:
		return FC_F11;
	}
	panic("fault: word %lx has no kind", word);
}

/* ---- helpers of the handlers ---- */

/* Bits of a VALID word with all rights of the VAD: W and NX as in the VAD, A because the
 * page is being used, D only for a write, LOCK if the VAD is locked. */
uint64_t
fault_rights(const struct fctx *f)
{
	uint64_t bits = MD_PTE_U | MD_PTE_A;

	if ((f->v.flags & VAD_LOCKED) != 0)
		bits |= PTE_LOCK;
	if ((f->v.prot & PROT_X) == 0)
		bits |= MD_PTE_NX;
	if ((f->v.prot & PROT_W) != 0)
		bits |= MD_PTE_W;
	if (f->access == ACCESS_WRITE)
		bits |= MD_PTE_D;
	return bits;
}

/* The same for a page of the object: writable only where it is shared. */
static uint64_t
obj_rights(const struct fctx *f)
{
	uint64_t bits = fault_rights(f);

	return (f->v.flags & VAD_SHARED) != 0 ? bits :
	    bits & ~(MD_PTE_W | MD_PTE_D);
}

/* A new frame becomes the private page of f's word, which is not VALID now.
 * Locks: [W]; takes [P].  Owns: takes the frame over. */
void
fault_install(struct fctx *f, struct vm_page *pg)
{
	ASSERT((word_get(f->word) & MD_PTE_P) == 0);
	page_install(f->leaf, f->word, pg, HOME_PTE,
	    pte_make_valid(pg, SRC_PRIV, fault_rights(f)));
	ws_insert(f->as, f->leaf);
	f->as->words.priv++;
}

/* A private page is made in a mapping that was not charged for it: charge it now.
 * Locks: [W].  Returns: false: over the limit. */
bool
fault_charge_touch(struct fctx *f)
{
	return (f->v.flags & VAD_CHARGED) != 0 ||
	    commit_charge_late(f->as, 1) == 0;
}

/* ---- the cases ---- */

/* F0 spurious: the word allows the access; another CPU was faster, or our TLB has an
 * older word.
 * Locks: [M], [W] kept.  Returns: FAULT_DONE. */
enum fault_outcome
f0_spurious(struct fctx *f)
{
	uint64_t set = MD_PTE_A | (f->access == ACCESS_WRITE ? MD_PTE_D : 0);

	word_change(f->word, 0, set);
	md_tlb_local(f->va);
	EVENT(fault_spurious, f->va, word_get(f->word));
	return FAULT_DONE;
}

/* F1 zero-fill: first write to private anonymous memory, maybe over the common zero
 * page.
 * Locks: [M], [W] kept.
 * Returns: FAULT_DONE, FAULT_NEEDMEM, FAULT_SIGNAL (over the commit limit). */
enum fault_outcome
f1_zero_fill(struct fctx *f)
{
	uint64_t before = word_get(f->word);
	struct vm_page *pg = fault_take_spare(f, FRAME_ZEROED);

	if (pg == NULL)
		return FAULT_NEEDMEM;
	if (!fault_charge_touch(f)) {
		fault_keep_spare(f, pg, FRAME_ZEROED);
		return fault_over_limit(f);
	}
	if (before != 0)
		tlb_clear_word(f->as, f->va, f->leaf, f->word);
	fault_install(f, pg);
	EVENT(fault_zerofill, f->va, before, word_get(f->word), page_pfn(pg));
	return FAULT_DONE;
}

/* F1z zero page: first read of private anonymous memory maps the one zero frame,
 * read-only, and so for its neighbours.  It counts in nres and nused of the table,
 * nowhere else.
 * Locks: [M], [W] kept.  Returns: FAULT_DONE. */
enum fault_outcome
f1z_zero_page(struct fctx *f)
{
	struct vm_page *zero = page_zero_frame();
	uint64_t bits = fault_rights(f) & ~(MD_PTE_W | MD_PTE_D | PTE_LOCK);
	uint64_t word;

	word_set(f->leaf, f->word, pte_make_valid(zero, SRC_SPEC, bits));
	word = word_get(f->word);
	EVENT(fault_zeropage, f->va, 0, word, pte_pfn(word));
	fault_zero_around(f, word);
	return FAULT_DONE;
}

/* Map pg of the object, pinned, at f's word.  False: a hole has been made meanwhile,
 * and pg is no longer its page. */
static bool
map_page_of_object(struct fctx *f, struct vm_page *pg, uint64_t bits)
{
	bool is_there;

	spin_lock(&pfn_lock);
	is_there = (pg->flags & PF_ORPHAN) == 0;
	if (is_there) {
		page_map_locked(pg);
		word_set_locked(f->leaf, f->word,
		    pte_make_valid(pg, SRC_OBJ, bits));
	}
	spin_unlock(&pfn_lock);
	if (is_there)
		ws_insert(f->as, f->leaf);
	return is_there;
}

/* F2, make writable: the word maps pg already. */
static void
make_writable(struct fctx *f, struct vm_page *pg)
{
	uint64_t before;

	before = word_change(f->word, 0,
	    MD_PTE_U | MD_PTE_W | MD_PTE_D | MD_PTE_A);
	md_tlb_local(f->va);
	EVENT(fault_upgrade, f->va, before, word_get(f->word), page_pfn(pg));
}

/* F2 map file: a page of the page cache, or the first store to one that is mapped
 * read-only.  W only for a store to a shared mapping: the next store to a clean page
 * must fault, too.
 * Locks: [M], [W] kept.
 * Returns: FAULT_DONE; FAULT_IO, FAULT_WAIT (the page is read), FAULT_NEEDMEM (extend),
 * FAULT_RESTART (a hole is being made), FAULT_SIGNAL. */
enum fault_outcome
f2_map_file(struct fctx *f)
{
	bool store = f->access == ACCESS_WRITE;
	uint64_t before = word_get(f->word), bits = obj_rights(f);
	struct vm_page *pg;
	enum fault_outcome r = cache_fault(f, &pg);

	if (r != FAULT_DONE)
		return r;
	if (!store)
		bits &= ~MD_PTE_W;
	if (store && !cache_fault_may_dirty(f, pg))
		return FAULT_NEEDMEM;
	if (before != 0 && pte_page(before) != pg) {
		page_unpin(pg);
		return FAULT_RESTART;
	}
	if (before != 0) {
		make_writable(f, pg);
		page_unpin_written(pg, store);
		return FAULT_DONE;
	}
	if (!map_page_of_object(f, pg, bits)) {
		page_unpin(pg);
		return FAULT_RESTART;
	}
	page_unpin_written(pg, store);
	EVENT(fault_file, f->va, before, word_get(f->word), page_pfn(pg));
	if (!store)
		fault_map_around(f, bits);
	return FAULT_DONE;
}

/*
 * F3 private copy: write to a private mapping of an object, where the page is
 * not ours yet (ABSENT, or the object's own page mapped read-only).
 *
 * The object's page is obtained before our frame: getting it may use the
 * spare frame up.
 *
 * Locks:    [M], [W] kept.
 * Returns:  FAULT_DONE, FAULT_NEEDMEM, FAULT_RESTART, FAULT_SIGNAL; of a file
 *           also FAULT_IO, FAULT_WAIT.
 */
enum fault_outcome
f3_private_copy(struct fctx *f)
{
	uint64_t before = word_get(f->word);
	enum fault_outcome r;
	struct vm_page *src, *pg;

	r = f->v.vmo->type == VMO_VNODE ? cache_fault(f, &src) :
	    anon_fault(f, &src);
	if (r != FAULT_DONE)
		return r;
	pg = fault_take_spare(f, FRAME_ANY);
	if (pg == NULL) {
		page_unpin(src);
		return FAULT_NEEDMEM;
	}
	if (!fault_charge_touch(f)) {
		fault_keep_spare(f, pg, FRAME_ANY);
		page_unpin(src);
		return fault_over_limit(f);
	}
	page_copy(pg, src);
	if (before != 0) {
		before = tlb_clear_word(f->as, f->va, f->leaf, f->word);
		ws_remove(f->as, f->leaf);
		page_unmap(pte_page(before), word_dirt(before));
	}
	fault_install(f, pg);
	page_unpin(src);
	EVENT(fault_private_copy, f->va, before, word_get(f->word), page_pfn(pg));
	return FAULT_DONE;
}

/* F5 swap-in: the private page is on swap.  It is read together with the next pages of
 * the table if these lie behind it on swap.
 * Locks: [M], [W] kept.  Returns: FAULT_WAIT, FAULT_NEEDMEM, FAULT_RESTART. */
enum fault_outcome
f5_swap_in(struct fctx *f)
{
	const struct swap_words w = { .container = f->leaf, .word = f->word,
		.step = 1, .max = MD_PT_WORDS - md_pt_index(f->va, 1),
		.home = HOME_PTE };

	return fault_swap_in(f, &w);
}

/* F6 wait-busy: someone else's I/O fills the page.
 * Locks: [M], [W] kept; the driver drops them and sleeps.  Returns: FAULT_WAIT. */
enum fault_outcome
f6_wait_busy(struct fctx *f)
{
	uint64_t word = word_get(f->word);

	/* The read may end at any moment, and then the word is TRANS or ERROR. */
	if (pte_kind(word) != PTE_BUSY)
		return FAULT_RESTART;
	return fault_busy(f, word, pte_page(word));
}

/* The word is TRANS: map its page again, from whichever queue.
 * Locks: [W]; takes [P], under which alone the word may be trusted.
 * Returns: true with the page in *out; false: the word has changed. */
bool
fault_map_trans(struct fctx *f, struct vm_page **out)
{
	bool trans;
	struct vm_page *pg;

	HELD(&f->as->ws_lock);
	spin_lock(&pfn_lock);
	trans = pte_kind(word_get(f->word)) == PTE_TRANS;
	if (trans) {
		pg = pte_page(word_get(f->word));
		*out = pg;
		ws_rescue(pg);
		page_map_locked(pg);
		if (f->access == ACCESS_WRITE)
			page_dirty_locked(pg);
		word_set_locked(f->leaf, f->word,
		    pte_make_valid(pg, SRC_PRIV, fault_rights(f)));
	}
	spin_unlock(&pfn_lock);
	if (trans)
		ws_insert(f->as, f->leaf);
	return trans;
}

/* F7 rescue: a private page in memory of which only the mapping is missing.
 * Locks: [M], [W] kept.  Returns: FAULT_DONE, FAULT_RESTART (reclaimed just now). */
enum fault_outcome
f7_rescue(struct fctx *f)
{
	uint64_t before = word_get(f->word);
	struct vm_page *pg;

	if (!fault_map_trans(f, &pg))
		return FAULT_RESTART;
	EVENT(fault_rescue, f->va, before, word_get(f->word), page_pfn(pg));
	return FAULT_DONE;
}

/* F9 anonymous object: map its page, which anon_fault() finds or makes, and whose index
 * it checks against the size in this hold of [W] (R7).
 * Locks: [M], [W] kept.  Returns: FAULT_DONE, or the outcome of anon_fault(). */
enum fault_outcome
f9_map_aobj(struct fctx *f)
{
	uint64_t bits = obj_rights(f);
	struct vm_page *pg;
	enum fault_outcome r = anon_fault(f, &pg);

	if (r != FAULT_DONE)
		return r;
	if (!map_page_of_object(f, pg, bits)) {
		page_unpin(pg);
		return FAULT_RESTART;
	}
	page_unpin(pg);
	EVENT(fault_aobj, f->va, 0, word_get(f->word), page_pfn(pg));
	fault_map_around(f, bits);
	return FAULT_DONE;
}

/* F11 error: the page could not be read: SIGBUS, as on Linux.
 * Locks: [M], [W] kept.  Returns: FAULT_SIGNAL, counted here and not as failed. */
enum fault_outcome
f11_error(struct fctx *f)
{
	return fault_lost(f, word_get(f->word));
}

/* Upgrade: the page is the right one, the VAD has got more rights since it was mapped.
 * Other CPUs with the older word take a spurious fault (F0).
 * Locks: [M], [W] kept.  Returns: FAULT_DONE. */
enum fault_outcome
f_upgrade(struct fctx *f)
{
	uint64_t before, set = MD_PTE_U | MD_PTE_A, clear = 0;

	if (f->access == ACCESS_WRITE)
		set |= MD_PTE_W | MD_PTE_D;
	if ((f->v.prot & PROT_X) != 0)
		clear = MD_PTE_NX;
	before = word_change(f->word, clear, set);
	md_tlb_local(f->va);
	EVENT(fault_upgrade, f->va, before, word_get(f->word), pte_pfn(before));
	return FAULT_DONE;
}
