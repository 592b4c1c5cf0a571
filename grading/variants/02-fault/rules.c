/* SPDX-License-Identifier: BSD-2-Clause */
/* A correct solution that goes another way: a list of rules, the first that fits; handlers in an array. */
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
 *           2. The frame comes first: who gets none returns FAULT_NEEDMEM
 *              before anything has changed.
 *           3. A VALID word that gets another frame is cleared and flushed
 *              first (tlb_clear_word), or a sibling could read the old frame
 *              after this thread's write.
 *           4. Each handler counts its case, once, where it is complete.
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

static uint64_t obj_rights(const struct fctx *f);

/*
 * The fault of a design whose private pages live in their PTEs: school->fault.
 *
 * Locks:    [M], [W] held and kept; f->leaf in use, f->word its word.
 * Returns:  FAULT_DONE, or what the driver has to do before another pass.
 */
enum fault_outcome
fault_by_pte(struct fctx *f)
{
	enum fault_outcome (*const handler[])(struct fctx *) = {
		[FC_F0] = f0_spurious, [FC_F1] = f1_zero_fill,
		[FC_F1Z] = f1z_zero_page, [FC_F2] = f2_map_file,
		[FC_F3] = f3_private_copy,
		[FC_F4] = f->as->design->forked->write_fault,
		[FC_F5] = f5_swap_in, [FC_F6] = f6_wait_busy,
		[FC_F7] = f7_rescue,
		[FC_F8] = f->as->design->forked->read_fault,
		[FC_F9] = f9_map_aobj, [FC_F10] = NULL,
		[FC_F11] = f11_error, [FC_UPGRADE] = f_upgrade,
	};
	enum fault_outcome may = fault_permit(f);

	return may == FAULT_DONE ?
	    handler[fault_classify(f, word_get(f->word))](f) : may;
}

/* ---- which case is it? ---- */

enum key { KIND, ACCESS, LACKS, SOURCE, SHARED, OBJECT, KEYS };
enum lacks { NOTHING, RIGHTS, WRITING };

#define ANY (-2)

static const struct rule {
	int want[KEYS];
	enum fault_case is;
} rules[] = {
	{ { PTE_TRANS, ANY, ANY, ANY, ANY, ANY }, FC_F7 },
	{ { PTE_BUSY, ANY, ANY, ANY, ANY, ANY }, FC_F6 },
	{ { PTE_SWAP, ANY, ANY, ANY, ANY, ANY }, FC_F5 },
	{ { PTE_ERROR, ANY, ANY, ANY, ANY, ANY }, FC_F11 },
	{ { PTE_FORK, ACCESS_WRITE, ANY, ANY, ANY, ANY }, FC_F4 },
	{ { PTE_FORK, ANY, ANY, ANY, ANY, ANY }, FC_F8 },
	{ { PTE_ABSENT, ACCESS_WRITE, ANY, ANY, ANY, -1 }, FC_F1 },
	{ { PTE_ABSENT, ANY, ANY, ANY, ANY, -1 }, FC_F1Z },
	{ { PTE_ABSENT, ACCESS_WRITE, ANY, ANY, false, ANY }, FC_F3 },
	{ { PTE_ABSENT, ANY, ANY, ANY, ANY, VMO_VNODE }, FC_F2 },
	{ { PTE_ABSENT, ANY, ANY, ANY, ANY, ANY }, FC_F9 },
	{ { PTE_VALID, ANY, NOTHING, ANY, ANY, ANY }, FC_F0 },
	{ { PTE_VALID, ANY, RIGHTS, ANY, ANY, ANY }, FC_UPGRADE },
	{ { PTE_VALID, ANY, WRITING, SRC_PRIV, ANY, ANY }, FC_UPGRADE },
	{ { PTE_VALID, ANY, WRITING, SRC_FORK, ANY, ANY }, FC_F4 },
	{ { PTE_VALID, ANY, WRITING, SRC_SPEC, ANY, ANY }, FC_F1 },
	{ { PTE_VALID, ANY, WRITING, SRC_OBJ, false, ANY }, FC_F3 },
	{ { PTE_VALID, ANY, WRITING, SRC_OBJ, true, VMO_VNODE }, FC_F2 },
	{ { PTE_VALID, ANY, WRITING, SRC_OBJ, true, ANY }, FC_UPGRADE },
};

/* What a VALID word does not give that the access wants. */
static enum lacks
lacking(enum access access, uint64_t word)
{
	uint64_t hidden = ~word & MD_PTE_U;

	switch (access) {
	case ACCESS_READ:
		return hidden != 0 ? RIGHTS : NOTHING;
	case ACCESS_EXEC:
		return (hidden | (word & MD_PTE_NX)) != 0 ? RIGHTS : NOTHING;
	case ACCESS_WRITE:
		break;
	}
	if ((word & MD_PTE_W) == 0)
		return WRITING;
	return hidden != 0 ? RIGHTS : NOTHING;
}

/*
 * The case that a word, the VAD in f->v and the access make.  Pure: looks at
 * nothing else.
 *
 * Locks:    [W] for the word to stay true.
 * Returns:  FC_F0 … FC_F11, FC_UPGRADE.
 */
enum fault_case
fault_classify(const struct fctx *f, uint64_t word)
{
	int have[KEYS];
	unsigned i, k;

	have[KIND] = (int)pte_kind(word);
	have[ACCESS] = (int)f->access;
	have[LACKS] = (int)lacking(f->access, word);
	have[SOURCE] = (int)pte_src(word);
	have[SHARED] = (f->v.flags & VAD_SHARED) != 0;
	have[OBJECT] = f->v.vmo == NULL ? -1 : (int)f->v.vmo->type;
	for (i = 0; i < ARRAY_LEN(rules); i++) {
		for (k = 0; k < KEYS; k++)
			if (rules[i].want[k] != ANY &&
			    rules[i].want[k] != have[k])
				break;
		if (k == KEYS)
			return rules[i].is;
	}
	panic("fault: no rule for %lx", word);
}

/* ---- helpers of the handlers ---- */

/*
 * Bits of a VALID word that may do all the VAD allows: W and NX as the VAD
 * has them, A because it is being used, D only for a write; locked if it is.
 */
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

/*
 * A new frame becomes the private page of f's word, which is not VALID now.
 *
 * Locks:    [W]; takes [P].
 * Owns:     takes the frame over.
 */
void
fault_install(struct fctx *f, struct vm_page *pg)
{
	ASSERT((word_get(f->word) & MD_PTE_P) == 0);
	spin_lock(&pfn_lock);
	page_adopt_locked(pg, HOME_PTE, word_pa(f->word), f->va >> PAGE_SHIFT);
	page_map_locked(pg);
	word_set_locked(f->leaf, f->word,
	    pte_make_valid(pg, SRC_PRIV, fault_rights(f)));
	spin_unlock(&pfn_lock);
	ws_insert(f->as, f->leaf);
	f->as->words.priv++;
}

/*
 * A private page appears in a mapping that has not paid for it: pay now.
 *
 * Locks:    [W].
 * Returns:  false: over the limit.
 */
bool
fault_charge_touch(struct fctx *f)
{
	return (f->v.flags & VAD_CHARGED) != 0 ||
	    commit_charge_late(f->as, 1) == 0;
}

/* ---- the cases ---- */

/*
 * F0 spurious: the word allows the access; another CPU was faster, or our
 * TLB has an older word.
 *
 * Locks:    [M], [W] kept.
 * Returns:  FAULT_DONE.
 */
enum fault_outcome
f0_spurious(struct fctx *f)
{
	uint64_t used = MD_PTE_A;

	if (f->access == ACCESS_WRITE)
		used |= MD_PTE_D;
	md_tlb_local(f->va);
	word_change(f->word, 0, used);
	md_tlb_local(f->va);
	EVENT(fault_spurious, f->va, word_get(f->word));
	return FAULT_DONE;
}

/*
 * F1 zero-fill: first write to private anonymous memory, maybe over the
 * common zero page.
 *
 * Locks:    [M], [W] kept.
 * Returns:  FAULT_DONE, FAULT_NEEDMEM, FAULT_SIGNAL (over the commit limit).
 */
enum fault_outcome
f1_zero_fill(struct fctx *f)
{
	struct vm_page *fresh = fault_take_spare(f, FRAME_ZEROED);
	uint64_t old = 0;

	if (fresh == NULL)
		return FAULT_NEEDMEM;
	if (!fault_charge_touch(f)) {
		fault_keep_spare(f, fresh, FRAME_ZEROED);
		return fault_over_limit(f);
	}
	/* What may be there is the common page of zeros. */
	if (pte_kind(word_get(f->word)) == PTE_VALID)
		old = tlb_clear_word(f->as, f->va, f->leaf, f->word);
	fault_install(f, fresh);
	EVENT(fault_zerofill, f->va, old, word_get(f->word), page_pfn(fresh));
	return FAULT_DONE;
}

/*
 * F1z zero page: first read of private anonymous memory maps the one zero
 * frame, read-only.  It counts in nres and nused of the table, nowhere else.
 *
 * Locks:    [M], [W] kept.
 * Returns:  FAULT_DONE.
 */
enum fault_outcome
f1z_zero_page(struct fctx *f)
{
	struct vm_page *zero = page_zero_frame();
	uint64_t bits = fault_rights(f) & ~(MD_PTE_W | MD_PTE_D | PTE_LOCK);

	word_set(f->leaf, f->word, pte_make_valid(zero, SRC_SPEC, bits));
	EVENT(fault_zeropage, f->va, 0, word_get(f->word), page_pfn(zero));
	return FAULT_DONE;
}

/*
 * Map pg of the object, pinned, at f's word.  False: a hole has been made
 * meanwhile, and pg is its page no more.
 */
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

/* The first access: the word is empty.  False: the page is the file's no more. */
static bool
map_first(struct fctx *f, struct vm_page *pg, bool store)
{
	uint64_t bits = obj_rights(f);

	if (!store)
		bits &= ~(uint64_t)MD_PTE_W;
	if (!map_page_of_object(f, pg, bits))
		return false;
	page_unpin_written(pg, store);
	EVENT(fault_file, f->va, 0, word_get(f->word), page_pfn(pg));
	if (!store)
		fault_map_around(f, bits);
	return true;
}

/* The first store to a page that has been read so far. */
static void
store_again(struct fctx *f, struct vm_page *pg)
{
	uint64_t old = word_change(f->word, 0,
	    MD_PTE_W | MD_PTE_D | MD_PTE_A | MD_PTE_U);

	page_unpin_dirty(pg);
	md_tlb_local(f->va);
	EVENT(fault_upgrade, f->va, old, word_get(f->word), page_pfn(pg));
}

/*
 * F2 map file: a page of the file's cache, or the first store to one that is
 * mapped read-only.  W only for a store to a shared mapping: the next one to a
 * clean page shall fault, too.
 *
 * Locks:    [M], [W] kept.
 * Returns:  FAULT_DONE; FAULT_IO, FAULT_WAIT (the page is read), FAULT_NEEDMEM
 *           (extend), FAULT_RESTART (a hole is being made), FAULT_SIGNAL.
 */
enum fault_outcome
f2_map_file(struct fctx *f)
{
	struct vm_page *pg;
	enum fault_outcome r = cache_fault(f, &pg);
	bool store = f->access == ACCESS_WRITE;

	if (r != FAULT_DONE)
		return r;
	if (store && !cache_fault_may_dirty(f, pg))
		return FAULT_NEEDMEM;
	if (word_get(f->word) == 0 && map_first(f, pg, store))
		return FAULT_DONE;
	if (pte_kind(word_get(f->word)) == PTE_VALID &&
	    pte_page(word_get(f->word)) == pg) {
		store_again(f, pg);
		return FAULT_DONE;
	}
	page_unpin(pg);
	return FAULT_RESTART;
}

/* The object's page leaves the word. */
static uint64_t
give_up(struct fctx *f)
{
	uint64_t old = tlb_clear_word(f->as, f->va, f->leaf, f->word);

	page_unmap(pte_page(old), word_dirt(old));
	ws_remove(f->as, f->leaf);
	return old;
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
	bool file = f->v.vmo->type == VMO_VNODE;
	uint64_t old = word_get(f->word);
	struct vm_page *theirs, *ours;
	enum fault_outcome r;

	r = file ? cache_fault(f, &theirs) : anon_fault(f, &theirs);
	if (r != FAULT_DONE)
		return r;
	ours = fault_take_spare(f, FRAME_ANY);
	if (ours == NULL) {
		r = FAULT_NEEDMEM;
	} else if (!fault_charge_touch(f)) {
		fault_keep_spare(f, ours, FRAME_ANY);
		r = fault_over_limit(f);
	} else {
		if (old != 0)
			old = give_up(f);
		page_copy(ours, theirs);
		fault_install(f, ours);
		EVENT(fault_private_copy, f->va, old, word_get(f->word),
		    page_pfn(ours));
	}
	page_unpin(theirs);
	return r;
}

/*
 * F5 swap-in: the private page is on swap.  Pages behind it in the table that
 * lie behind it on swap come along.
 *
 * Locks:    [M], [W] kept.
 * Returns:  FAULT_WAIT, FAULT_NEEDMEM, FAULT_RESTART.
 */
enum fault_outcome
f5_swap_in(struct fctx *f)
{
	const struct swap_words w = { .container = f->leaf, .word = f->word,
		.step = 1, .max = MD_PT_WORDS - md_pt_index(f->va, 1),
		.home = HOME_PTE, .index = f->va >> PAGE_SHIFT };

	return fault_swap_in(f, &w);
}

/*
 * F6 wait-busy: someone else's I/O fills the page.
 *
 * Locks:    [M], [W] kept; the driver drops them and sleeps.
 * Returns:  FAULT_WAIT.
 */
enum fault_outcome
f6_wait_busy(struct fctx *f)
{
	uint64_t word = word_get(f->word);

	/* The read may end at any moment, and then the word is TRANS or ERROR. */
	if (pte_kind(word) != PTE_BUSY)
		return FAULT_RESTART;
	return fault_busy(f, word, pte_page(word));
}

/*
 * The word is TRANS: map its page again, wherever it waits.
 *
 * Locks:    [W]; takes [P], under which alone the word may be trusted.
 * Returns:  true with the page in *out; false: the word has changed.
 */
bool
fault_map_trans(struct fctx *f, struct vm_page **out)
{
	bool trans;
	struct vm_page *pg;

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

/*
 * F7 rescue: a private page in memory of which only the mapping is missing.
 *
 * Locks:    [M], [W] kept.
 * Returns:  FAULT_DONE, FAULT_RESTART (stolen under our eyes).
 */
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

/*
 * F9 anonymous object: map its page, which anon_fault() finds or makes, and
 * whose index it checks against the size in this hold of [W] (R7).
 *
 * Locks:    [M], [W] kept.
 * Returns:  FAULT_DONE, or the outcome of anon_fault().
 */
enum fault_outcome
f9_map_aobj(struct fctx *f)
{
	struct vm_page *pg;
	enum fault_outcome r = anon_fault(f, &pg);

	if (r != FAULT_DONE)
		return r;
	if (!map_page_of_object(f, pg, obj_rights(f))) {
		page_unpin(pg);
		return FAULT_RESTART;
	}
	page_unpin(pg);
	EVENT(fault_aobj, f->va, 0, word_get(f->word), page_pfn(pg));
	return FAULT_DONE;
}

/*
 * F11 error: the page could not be read; as Linux, SIGBUS.
 *
 * Locks:    [M], [W] kept.
 * Returns:  FAULT_SIGNAL, counted here and not as failed.
 */
enum fault_outcome
f11_error(struct fctx *f)
{
	return fault_lost(f, word_get(f->word));
}

/*
 * Upgrade: the page is the right one, the VAD has got more rights since it
 * was mapped.  Other CPUs with the older word take a spurious fault (F0).
 *
 * Locks:    [M], [W] kept.
 * Returns:  FAULT_DONE.
 */
enum fault_outcome
f_upgrade(struct fctx *f)
{
	uint64_t more = fault_rights(f) & (MD_PTE_U | MD_PTE_A), old;

	if (f->access == ACCESS_WRITE)
		more |= fault_rights(f) & (MD_PTE_W | MD_PTE_D);
	old = word_change(f->word, ~fault_rights(f) & MD_PTE_NX, more);
	md_tlb_local(f->va);
	EVENT(fault_upgrade, f->va, old, word_get(f->word), pte_pfn(old));
	return FAULT_DONE;
}
