/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * want.c: what a pass is missing, and the one way to get it
 *
 * Problem   Fault, fork, munmap, truncate, swapoff: each looks at words under
 *           locks, and finds now and then that a frame is missing, or a page
 *           that is being read.  It may not wait for these with the locks; and
 *           what it keeps while it waits, others may be waiting for.
 *
 * Picture   pass, locks ─→ -EAGAIN, want.what ─→ locks dropped ─→ want_get
 *               ↑                                  frame, page, bio, … │
 *               └───────── all is looked at again ←────────────────────┘
 *
 * Rules     (R1 to R9 and tokens: book: deadlock; models: wait.pml, live.pml)
 *           R1. Nobody waits with a lock of rank >= 3, a spin lock, or with
 *              preemption off: asserted here, for all who wait.
 *           R3. What the last pass has read is void.  Only what is pinned, or
 *              a frame without a home, outlasts a wait; so nothing else is kept
 *              in a struct want.
 *           R9. One frame may be kept without a token, for while it is kept no
 *              other is waited for: who gets kernel memory for this want reads it
 *              into this frame.  Pins are kept by holders of a token only
 *              (give_way); a fault takes one where memory is low, or gives all
 *              back (fault_get_token).
 *           Who must finish what he does (want_finish) waits also when he is
 *              dying: then his frames come from the reserve (vm_class).
 *
 * Read next want.h, vm/frame/token.c, vm/frame/framewait.c.  Book: ch13.
 */
#include "vm/frame/frame.h"
#include "vm/swap/swap.h"
#include "vm/vm.h"
#include "vm/want/want.h"

/* ---- what a pass says ---- */

/*
 * What was looked at has changed meanwhile.
 *
 * Locks:    any; does not sleep.  The same for all below up to want_get().
 * Returns:  -EAGAIN.
 */
int
want_again(struct want *w)
{
	w->what = WANT_AGAIN;
	return -EAGAIN;
}

/*
 * The page is being filled, by whomever.
 *
 * Returns:  -EAGAIN.
 */
int
want_page(struct want *w, struct vm_page *pg)
{
	w->what = WANT_PAGE;
	w->page = pg;
	w->begun = 0;
	return -EAGAIN;
}

/*
 * Something that the room above knows how to get.
 *
 * Returns:  -EAGAIN.
 */
int
want_other(struct want *w, int (*get)(struct want *), va_t kva)
{
	w->what = WANT_OTHER;
	w->get = get;
	w->kva = kva;
	return -EAGAIN;
}

/*
 * A frame: the one that the last wait has brought, or one that is free now.
 *
 * Returns:  true: it is in w->frame; false: the pass ends.
 */
bool
want_frame(struct want *w)
{
	if (w->frame == NULL) {
		w->frame = page_alloc(PHYS_ANY);
		w->zeroed = false;
	}
	if (w->frame == NULL)
		w->what = WANT_FRAME;
	return w->frame != NULL;
}

/*
 * The same, filled with zeros.
 */
bool
want_zeros(struct want *w)
{
	if (w->frame == NULL)
		w->frame = page_alloc(PHYS_ZEROED);
	else if (!w->zeroed)
		page_zero(w->frame);
	w->zeroed = true;
	if (w->frame == NULL)
		w->what = WANT_ZEROS;
	return w->frame != NULL;
}

/*
 * Owns:     the caller, the frame.
 */
struct vm_page *
want_take_frame(struct want *w)
{
	struct vm_page *pg = w->frame;

	ASSERT(pg != NULL);
	w->frame = NULL;
	return pg;
}

/* Without [P]. */
static void
let_read_go(struct want *w)
{
	if (w->read != NULL)
		page_unpin(w->read);
	w->read = NULL;
}

/*
 * The page is on swap: begin to read it, and neighbours ahead.
 *
 * Locks:    the container's ([W], [F] or [O]); takes [P].
 * Owns:     w, with pin or hold a pin on the page, until the next one or the end.
 * Returns:  true: it is being read; false: w says what that takes.  The pass ends
 *           in both cases.
 */
bool
want_swap_in(struct want *w, const struct swap_words *words)
{
	struct swap_words read = *words;

	if (!want_frame(w))
		return false;
	let_read_go(w);
	read.pin |= w->hold;
	w->begun = word_get(read.word);
	switch (swap_in(&read, &w->frame, &w->page)) {
	case SWAPIN_STARTED:
		if (read.pin) {
			w->read = w->page;
			EVENT(swap_in_pinned);
		}
		w->what = WANT_PAGE;
		return true;
	case SWAPIN_CHANGED:
		w->what = WANT_AGAIN;
		return false;
	case SWAPIN_NOBIO:
		w->what = WANT_BIO;
		return false;
	}
	panic("want: swap_in");
}

/* ---- getting it ---- */

/* R1; and without a token R9: nothing is held that others may be waiting for. */
static void
give_way(struct want *w)
{
	ASSERT(!md_in_irq() && md_irq_is_enabled() && md_preempt_count() == 0);
	ASSERT(lockrank_highest() < LR_KMAP);
	if (vm_may_hold())
		return;
	if (want_is_frame(w))
		let_read_go(w);
	if (w->kpage != NULL)
		page_unpin(w->kpage);
	w->kpage = NULL;
}

static int
get_frame(struct want *w, enum phys_want kind)
{
	ASSERT(w->frame == NULL);
	w->zeroed = kind == PHYS_ZEROED;
	return page_alloc_wait(kind, &w->frame);
}

static int
get(struct want *w)
{
	switch (w->what) {
	case WANT_AGAIN:
		return 0;
	case WANT_FRAME:
		return get_frame(w, PHYS_ANY);
	case WANT_ZEROS:
		return get_frame(w, PHYS_ZEROED);
	case WANT_PAGE:
		return page_wait(w->page);
	case WANT_BIO:
		return swap_wait();
	case WANT_OTHER:
		return w->get(w);
	}
	panic("want: %u", w->what);
}

/*
 * Wait for what the last pass has missed.
 *
 * Locks:    none of rank >= 3; the caller's pins: R9.
 * Context:  thread, sleeps.
 * Owns:     w, what was got.
 * Returns:  0: another pass; -EINTR (fatal signal); what w->get() has returned.
 */
int
want_get(struct want *w)
{
	give_way(w);
	w->hold = false;
	return vm_may_stop() ? -EINTR : get(w);
}

/*
 * The same for what must be finished, dying or not.
 *
 * Locks, Context, Owns: as want_get().
 */
void
want_finish(struct want *w)
{
	vm_finish_begin();
	CHECK(want_get(w) == 0);
	vm_finish_end();
}

/*
 * Give back what was got and not used.
 *
 * Locks:    not [P].
 */
void
want_end(struct want *w)
{
	let_read_go(w);
	if (w->frame != NULL)
		page_free(w->frame);
	if (w->kpage != NULL)
		page_unpin(w->kpage);
	w->frame = w->kpage = NULL;
}
