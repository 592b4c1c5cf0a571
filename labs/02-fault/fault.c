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
	lab_todo("02-fault step 1: fault_by_pte");
	return fault_signal(f, SIGBUS, BUS_ADRERR);
}

/* ---- which case is it? ---- */

/* Which case?  It follows from the word, the VAD in f->v and the access, and from nothing
 * else.
 * Locks: [W] for the word to stay true.  Returns: FC_F0 … FC_F11, FC_UPGRADE. */
enum fault_case
fault_classify(const struct fctx *f, uint64_t word)
{
	lab_todo("02-fault step 1: fault_classify");
	return FC_F11;
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
	lab_todo("02-fault step 1: f0_spurious");
	return fault_signal(f, SIGBUS, BUS_ADRERR);
}

/* F1 zero-fill: first write to private anonymous memory, maybe over the common zero
 * page.
 * Locks: [M], [W] kept.
 * Returns: FAULT_DONE, FAULT_NEEDMEM, FAULT_SIGNAL (over the commit limit). */
enum fault_outcome
f1_zero_fill(struct fctx *f)
{
	lab_todo("02-fault step 2: f1_zero_fill");
	return fault_signal(f, SIGBUS, BUS_ADRERR);
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

/* F2 map file: a page of the page cache, or the first store to one that is mapped
 * read-only.  W only for a store to a shared mapping: the next store to a clean page
 * must fault, too.
 * Locks: [M], [W] kept.
 * Returns: FAULT_DONE; FAULT_IO, FAULT_WAIT (the page is read), FAULT_NEEDMEM (extend),
 * FAULT_RESTART (a hole is being made), FAULT_SIGNAL. */
enum fault_outcome
f2_map_file(struct fctx *f)
{
	lab_todo("02-fault step 3: f2_map_file");
	return fault_signal(f, SIGBUS, BUS_ADRERR);
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
	lab_todo("02-fault step 3: f3_private_copy");
	return fault_signal(f, SIGBUS, BUS_ADRERR);
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
	lab_todo("02-fault step 4: f_upgrade");
	return fault_signal(f, SIGBUS, BUS_ADRERR);
}
