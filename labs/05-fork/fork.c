/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/fork.c: a second process with the same memory, and no page copied
 *
 * Problem   fork must give the child all that the parent has written.  Its cost
 *           must depend on the pages that exist, not on what is mapped, and it
 *           must not copy pages that the usual exec right after throws away.
 *
 * Picture   before   parent VALID/PRIV rw ─→ page            child ABSENT
 *           after    parent VALID/FORK ro ─→ page ←─ entry {TRANS, 2}
 *                                                      ↑
 *                                           child FORK ┘
 *           A word that is FORK already: refs of its entry + 1, no new entry.
 *
 * Rules     1. Phase A (fork_reserve) charges and allocates all that may
 *              fail; if it fails the parent is unchanged.
 *           2. Phase B (fork_range) waits, but cannot fail for memory; only a
 *              fatal signal ends it.  Nobody waits with a ws_lock held.
 *           3. One flush of the parent, before the child is published and
 *              also when the fork is given up: a stale writable entry would
 *              outlive a later fork, which finds the word FORK and does not
 *              flush it.
 *           4. A page with pins is copied at once: a read(2) may still fill it.
 *           5. Words of one table that are treated alike are done in one hold
 *              of the locks; their counts are updated once for all of them.
 *
 * Read next vm/design/fmo/fmo.c.  Book: ch10.
 */
#include "vm/design/fmo/fmo.h"

static int fork_words(struct fork_work *w);

/* ---- FORK words (book: words) ---- */

/* The soft word that names entry `index` of the kpaged region. */
uint64_t
fork_word(uint64_t index)
{
	lab_todo("05-fork step 1: fork_word");
	return 0;
}

/* The entry index that a soft FORK word names. */
uint64_t
fork_index(uint64_t word)
{
	lab_todo("05-fork step 1: fork_index");
	return 0;
}

/*
 * Kernel address of the entry of a FORK word, or of a VALID/FORK word by way
 * of its page: page → home → entry → entry page → kpaged page number.
 *
 * Locks:    [W] of the word's space: our reference keeps the entry.
 */
va_t
fork_entry(uint64_t word)
{
	lab_todo("05-fork step 1: fork_entry");
	return 0;
}

/* ---- the whole fork ---- */

/* Fork the memory of parent into child, which is empty: design->dup.
 * Locks: both map_locks exclusive; takes and releases both ws_locks.
 * Returns: 0, -ENOMEM (parent unchanged); -EINTR (fatal signal), -EIO (a table is
 * lost): the child is half made, as_dup() takes it apart. */
int
fmo_dup(struct aspace *parent, struct aspace *child)
{
	struct fork_work w = { .c = { .parent = parent, .child = child },
		.lo = MD_USER_END };
	int r;

	HELD(&parent->map_lock);
	HELD(&child->map_lock);
	EVENT(fork_begin, parent->id, child->id);
	r = fork_reserve(&w);
	if (r != 0)
		return r;
	r = fork_words(&w);
	fork_finish(&w);
	if (r == 0) {
		EVENT(fork_calls);
		EVENT(fork_end, w.next, w.rerefs, w.copies);
	}
	return r;
}

/* ---- phase A ---- */

/* All steps that may fail: commit, the child's VADs, the object, the references.
 * Locks: both map_locks exclusive; takes the parent's ws_lock.
 * Returns: 0, -ENOMEM: as_dup() takes the half-made child apart. */
int
fork_reserve(struct fork_work *w)
{
	return lab_todo("05-fork step 2: fork_reserve");
}

/* ---- phase B ---- */

static bool
has_words(const struct vad *v)
{
	return (v->flags & (VAD_SHARED | VAD_WIPEONFORK | VAD_DONTFORK)) == 0;
}

static int
fork_words(struct fork_work *w)
{
	va_t va, end;
	int r = 0;

	while (r == 0 && fork_next_vad(&w->c)) {
		va = w->c.vad.start << PAGE_SHIFT;
		end = w->c.vad.end << PAGE_SHIFT;
		while (has_words(&w->c.vad) && r == 0 && va < end)
			r = fork_range(w, &va, end);
	}
	return r;
}

/* Turn every private word of the parent in [*start, end) that is not ABSENT into a FORK
 * reference, in parent and child alike; at most one leaf table of the parent per call.
 * Locks: both map_locks exclusive; takes and releases both ws_locks.
 * Returns: 0 with *start moved on, -EINTR, -EIO. */
int
fork_range(struct fork_work *w, va_t *start, va_t end)
{
	return lab_todo("05-fork step 4: fork_range");
}

/* The page of the word at s is pinned by I/O: the child gets its own copy now.
 * Locks: both ws_locks; takes [P].
 * Owns: takes over the caller's pin of the page, and gives it back.
 * Returns: true with s at the next word; false: w->c.want, nothing has changed. */
bool
fork_copy(struct fork_work *w, struct pte_ref *s, struct vm_page *pinned)
{
	lab_todo("05-fork step 5: fork_copy");
	return (page_unpin(pinned), fork_met(&w->c, s), true);
}

/* Move the page of a private word, or its slot, to the new entry e.  A word that maps it
 * still maps it, as VALID/FORK without W and D; any other becomes `fork`.  Of the counts
 * only words.swap, the page's home and its PF_DIRTY are updated here.
 * Locks: [W] of the parent; [F] of the entry's object; [P].
 * Returns: the old word of the parent: TRANS may have become SWAP by now. */
uint64_t
fork_hand_over(const struct pte_ref *s, struct fmo_entry *e, uint64_t fork)
{
	lab_todo("05-fork step 3: fork_hand_over");
	return word_get(s->word);
}

/* FORK or VALID/FORK: the child names the same entry; chains never grow.  The same for
 * the words behind it whose entries lie in the same page.  If the parent refers to many
 * objects, it takes pages back that it alone has, and enters them in the new one, so that
 * the old objects can die.
 * Locks: both ws_locks; takes [F], [P].
 * Returns: true with s at the next word; false: w->c.want, the word is unchanged. */
bool
fork_entered(struct fork_work *w, struct pte_ref *s)
{
	lab_todo("05-fork step 6: fork_entered");
	return (fork_met(&w->c, s), true);
}

/* ---- F4 and F8: the faults that fork makes ---- */

/* F4 break fork: a write to a page that a fork made common.
 * Locks: [M], [W] kept.
 * Returns: FAULT_DONE, FAULT_NEEDMEM (a frame, or the entry page); if its page is not in
 * memory, the outcomes of F5, F6 and F11. */
enum fault_outcome
f4_break_fork(struct fctx *f)
{
	lab_todo("05-fork step 8: f4_break_fork");
	return fault_signal(f, SIGBUS, BUS_ADRERR);
}

/* F8 fork map: a read of a page that a fork made common.  A last owner takes it back at
 * once, which saves a fault at the first write.
 * Locks: [M], [W] kept.
 * Returns: FAULT_DONE, FAULT_NEEDMEM (the entry page), FAULT_RESTART; if its page is not
 * in memory, the outcomes of F5, F6 and F11. */
enum fault_outcome
f8_fork_map(struct fctx *f)
{
	lab_todo("05-fork step 7: f8_fork_map");
	return fault_signal(f, SIGBUS, BUS_ADRERR);
}
