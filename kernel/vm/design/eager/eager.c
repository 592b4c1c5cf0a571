/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eager.c: the design that copies: fork gives the child its own pages at once
 *
 * Problem   After a fork parent and child have the same memory, and neither may
 *           see what the other stores from then on.  The simplest answer is the
 *           oldest: copy everything.
 *
 * Picture   parent's word        child's word
 *           VALID, TRANS ─→ page ── copied ──→ page ←─ TRANS
 *           SWAP         ─ read: BUSY ─ waited for: TRANS, as above
 *           ERROR                               ERROR
 *           ABSENT, and pages of an object: nothing, the child's first touch
 *                                           asks the VAD, as the parent's did
 *
 * Rules     1. No page is ever shared by fork: this design has no FORK words, no
 *              shared_ops, and neither of the faults F4 and F8.  All else is in
 *              vm/pte/.
 *           2. Steps that may fail come first: mappings and charge (reserve).  The
 *              copying waits for frames, but only a fatal signal ends it.
 *           3. Nobody waits with a ws_lock held.  After a wait the word is read
 *              again: it may have changed.
 *           4. The child's copies are in memory and not mapped (TRANS): its
 *              working set grows by what it touches, and a fork of more than
 *              fits in memory succeeds, for copies can go to swap.
 *           5. The parent's words stay as they are: there is nothing to flush.
 *              A thread of the parent that stores during the fork gets either
 *              value of that word into the child, never a mixed one.
 *
 * What it costs shows in `make compare-designs`: a frame and a copy for each
 * page, most of which an exec right after the fork throws away.
 * Book: ch10.
 */
#include "vm/design/eager/eager.h"
#include "vm/frame/frame.h"
#include "vm/pte/forks.h"
#include "vm/pte/pte.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/want/want.h"

/* One fork under way; on the stack of eager_dup(). */
struct eager_fork {
	struct pte_fork c;     /* common to forks of all designs */
	uint64_t copies;       /* pages copied so far */
};

static int reserve(struct pte_fork *f);
static int copy_all(struct eager_fork *w);
static int copy_range(struct eager_fork *w, va_t *start, va_t end);
static bool copy_word(struct eager_fork *w, const struct pte_ref *s);
static bool copy_page(struct eager_fork *w, const struct pte_ref *s);
static bool read_page(struct eager_fork *w, const struct pte_ref *s);

/* Fork the memory of parent into child, which is empty: design->dup.
 * Locks: both map_locks exclusive; takes and releases both ws_locks.
 * Context: thread, sleeps; with a structural token.
 * Returns: 0, -ENOMEM (parent unchanged); -EINTR (fatal signal), -EIO (a table is
 * lost): the child is half made, as_dup() takes it apart. */
int
eager_dup(struct aspace *parent, struct aspace *child)
{
	struct eager_fork w = { .c = { .parent = parent, .child = child } };
	int r;

	HELD(&parent->map_lock);
	HELD(&child->map_lock);
	EVENT(fork_begin, parent->id, child->id);
	r = reserve(&w.c);
	if (r != 0)
		return r;
	r = copy_all(&w);
	fork_end(&w.c);
	if (r == 0) {
		EVENT(fork_calls);
		EVENT(fork_end, 0, 0, w.copies);
	}
	return r;
}

/* The child's mappings, and the charge for them and for the parent's late pages. */
static int
reserve(struct pte_fork *f)
{
	struct aspace *p = f->parent;
	uint64_t late;

	mutex_lock(&p->ws_lock);
	late = p->table.n + p->table.n_out + atomic_load(&p->commit.late);
	mutex_unlock(&p->ws_lock);
	return fork_vads_paid(f, late);
}

/* ---- from mapping to mapping, from table to table ---- */

static int
copy_all(struct eager_fork *w)
{
	va_t va, end;
	int r = 0;

	while (r == 0 && fork_next_vad(&w->c)) {
		if ((w->c.vad.flags & (VAD_SHARED | VAD_WIPEONFORK |
		    VAD_DONTFORK)) != 0)
			continue;
		va = w->c.vad.start << PAGE_SHIFT;
		end = w->c.vad.end << PAGE_SHIFT;
		while (r == 0 && va < end)
			r = copy_range(w, &va, end);
	}
	return r;
}

/* Copy the words of the parent in [*start, end), at most one leaf table; *start moves on.
 * If something is missing, wait for it.
 * Locks: both map_locks exclusive; takes and releases both ws_locks.
 * Returns: 0, -EINTR, -EIO. */
static int
copy_range(struct eager_fork *w, va_t *start, va_t end)
{
	struct pte_ref s;

	HELD(&w->c.parent->map_lock);
	HELD(&w->c.child->map_lock);
	if (fork_lock_table(&w->c, *start, end, &s))
		/* holds: both M, both W */
		while (fork_meet(&w->c, &s) && copy_word(w, &s))
			fork_met(&w->c, &s);
	*start = fork_unlock_table(&w->c);
	/* holds: both M; not W */
	return fork_wait(&w->c);
}

/* ---- one word, under both ws_locks ---- */

/* False: w->c says what is missing; then this word once more. */
static bool
copy_word(struct eager_fork *w, const struct pte_ref *s)
{
	uint64_t word = word_get(s->word);

	switch (pte_kind(word)) {
	case PTE_ABSENT:
		return true;
	case PTE_VALID:
		return pte_src(word) != SRC_PRIV || copy_page(w, s);
	case PTE_TRANS:
		return copy_page(w, s);
	case PTE_SWAP:
		return read_page(w, s);
	case PTE_BUSY:
		want_page(&w->c.want, pte_page(word));
		return false;
	case PTE_ERROR:
		return fork_copy_error(&w->c, s);
	case PTE_FORK:
		break;
	}
	panic("fork: va %lx word %lx", s->va, word);
}

/* The page of a VALID or TRANS word, pinned; NULL: it was reclaimed just now. */
static struct vm_page *
pin_page(const uint64_t *word)
{
	struct vm_page *pg = NULL;

	spin_lock(&pfn_lock);
	if (pte_names_frame(word_get(word))) {
		pg = pte_page(word_get(word));
		page_pin_locked(pg);
	}
	spin_unlock(&pfn_lock);
	return pg;
}

/* The child gets its own page. */
static bool
copy_page(struct eager_fork *w, const struct pte_ref *s)
{
	struct vm_page *from = pin_page(s->word);
	bool copied = from != NULL && fork_copy_page(&w->c, s, from);

	if (from != NULL)
		page_unpin(from);
	if (copied) {
		w->copies++;
		EVENT(eager_copies);
	}
	return copied;
}

/* Begin to read a page of the parent, and those behind it, which are copied
 * next.  It stays pinned until the next one is read: else it could be reclaimed
 * before it is copied. */
static bool
read_page(struct eager_fork *w, const struct pte_ref *s)
{
	const struct swap_words words = { .container = s->leaf, .word = s->word,
		.step = 1, .max = MD_PT_WORDS - md_pt_index(s->va, 1),
		.home = HOME_PTE, .index = s->va >> PAGE_SHIFT, .pin = true };

	if (want_swap_in(&w->c.want, &words))
		EVENT(eager_reads);
	return false;
}

/* ---- the design as the rest of vm/ sees it ---- */

const struct design eager_design = {
	.name = "eager",
	.school = &words_school,
	.dup = eager_dup,
};
