/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * want.c: what a pass is missing, and the one way to get it
 *
 * Problem   Fault, fork, munmap, truncate, swapoff: each looks at words under
 *           locks, and sometimes lacks a frame, or finds a page that is being
 *           read.  It may not wait for these with the locks held; and memory that
 *           it keeps while it waits may be what others wait for.
 *
 * Picture   pass, locks ─→ -EAGAIN, want.what ─→ locks dropped ─→ want_get
 *               ↑                                  frame, page, bio, … │
 *               └───────── all is looked at again ←────────────────────┘
 *           handler of a fault ─→ f->want, f->sig ─→ outcome of the pass
 *
 * Rules     (R1 to R9 and tokens: book: deadlock; models: wait.pml, live.pml)
 *           R1. Nobody waits with a lock of rank >= 3, a spin lock, or with
 *              preemption off: want_get() asserts it, for all who wait.
 *           R3. After a wait all that the last pass has read is void.  Only a
 *              pinned page, or a frame without a home, outlasts a wait; so
 *              nothing else is kept in a struct want.
 *           R9. A thread may keep one frame without a token, for it waits for no
 *              other while it keeps it: kernel memory for this want is read into
 *              that frame.  Only holders of a token keep pins (give_way); where
 *              memory is low a fault takes one, or gives all back
 *              (fault_get_token).
 *           An operation that must finish (want_finish) waits also when its
 *              thread is dying: then frames come from the reserve (vm_class).
 */
#include "vm/want/want.h"

/* ---- a pass reports what is missing ---- */

/* The frame that the last wait has brought, or one that is free now; NULL: none is. */
static inline struct vm_page *
get_frame(struct want *w, enum phys_want kind)
{
	struct vm_page *pg = w->frame;

	if (pg == NULL) {
		pg = page_alloc(kind);
		if (pg == NULL)
			w->what = kind == PHYS_ZEROED ? WANT_ZEROS : WANT_FRAME;
		w->zeroed = kind == PHYS_ZEROED;
	} else if (kind == PHYS_ZEROED && !w->zeroed) {
		page_zero(pg);
		w->zeroed = true;
	}
	return pg;
}

/* Drop the pin on a page, if there is one. */
static inline void
let_go(struct vm_page **pin)
{
	if (*pin != NULL)
		page_unpin(*pin);
	*pin = NULL;
}

/* A frame: the one that the last wait has brought, or one that is free now.
 * Returns: true: it is in w->frame; false: the pass ends. */
bool
want_frame(struct want *w)
{
	w->frame = get_frame(w, PHYS_ANY);
	return w->frame != NULL;
}

/* The same, filled with zeros. */
bool
want_zeros(struct want *w)
{
	w->frame = get_frame(w, PHYS_ZEROED);
	return w->frame != NULL;
}

/* The page is on swap: begin to read it, and neighbours ahead.
 * Locks: the container's ([W], [F] or [O]); takes [P].
 * Owns: w, with pin or hold a pin on the page, until the next one or the end.
 * Returns: true: it is being read; false: w says what is missing for that.  The pass
 * ends in both cases. */
bool
want_swap_in(struct want *w, const struct swap_words *words)
{
	struct swap_words read = *words;
	uint64_t ended;

	if (!want_frame(w))
		return false;
	let_go(&w->read);
	read.pin |= w->hold;
	w->begun = word_get(read.word);
	swap_look_ahead(&read);
	ended = swap_ended();
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
		(void)want_bio(w, ended);
		return false;
	}
	panic("want: swap_in");
}

/* ---- for handlers of a fault: how it ends ---- */

/* End the fault with a signal; counted as denied (SIGSEGV) or failed.
 * Returns: FAULT_SIGNAL. */
enum fault_outcome
fault_signal(struct fctx *f, int signo, int code)
{
	f->sig.signo = signo;
	f->sig.code = code;
	f->sig.addr = f->va;
	if (signo == SIGSEGV)
		EVENT(fault_denied, f->va);
	else
		EVENT(fault_failed, f->va);
	return FAULT_SIGNAL;
}

/* The page that the access needs cannot be charged.
 * Returns: FAULT_SIGNAL: SIGBUS, as Linux when a file system is full. */
enum fault_outcome
fault_over_limit(struct fctx *f)
{
	commit_warn(f->va);
	return fault_signal(f, SIGBUS, BUS_ADRERR);
}

/* End the fault with SIGBUS: the page could not be read (F11).  Counted as the case,
 * not as failed.
 * Returns: FAULT_SIGNAL. */
enum fault_outcome
fault_lost(struct fctx *f, uint64_t word)
{
	f->sig.signo = SIGBUS;
	f->sig.code = BUS_ADRERR;
	f->sig.addr = f->va;
	EVENT(fault_error, f->va, word, word);
	return FAULT_SIGNAL;
}

/* ---- for handlers of a fault: what it waits for ---- */

/* The outcome that f->want stands for.  A read that this pass has begun is counted, F5 or
 * F10, and its page is pinned if an earlier one was reclaimed too soon.
 * Locks: those of the pass; not [P].
 * Returns: FAULT_RESTART, FAULT_WAIT, FAULT_NEEDMEM. */
enum fault_outcome
fault_missing(struct fctx *f)
{
	struct want *w = &f->want;
	uint64_t busy;
	bool table;

	if (w->what == WANT_AGAIN)
		return FAULT_RESTART;
	if (w->what != WANT_PAGE)
		return FAULT_NEEDMEM;
	busy = pte_make_soft(PTE_BUSY, page_pfn(w->page));
	if (w->begun == 0)
		return fault_busy(f, busy, w->page);
	table = page_home_kind(w->page) == HOME_TABLE;
	if (w->read != NULL) {
		ASSERT(f->npin < FAULT_MAXPINS);
		f->pin[f->npin++] = w->read;
		w->read = NULL;
		EVENT_ADD(table_pin, table);
	}
	if (table)
		EVENT(fault_table_in, f->va, w->begun, busy, page_pfn(w->page));
	else
		EVENT(fault_swapin, f->va, w->begun, busy, page_pfn(w->page));
	return FAULT_WAIT;
}

/* The page is being filled by someone's I/O (F6).  Returns: FAULT_WAIT. */
enum fault_outcome
fault_busy(struct fctx *f, uint64_t word, struct vm_page *pg)
{
	(void)want_page(&f->want, pg);
	EVENT(fault_busy_wait, f->va, word, word, page_pfn(pg));
	return FAULT_WAIT;
}

/* The page is on swap: begin to read it, and neighbours ahead (F5, or F10: it is a
 * table).  The next pass finds it resident.
 * Locks: [M], [W] and the container's lock, kept; takes [P].
 * Returns: FAULT_WAIT (begun), FAULT_NEEDMEM (a frame, a bio), FAULT_RESTART (the word
 * has changed).
 * Owns: f, a pin on what is read, after some restarts. */
enum fault_outcome
fault_swap_in(struct fctx *f, const struct swap_words *w)
{
	struct swap_words read = *w;

	HELD_SHARED(&f->as->map_lock);
	HELD(&f->as->ws_lock);
	if (w->home == HOME_PTE)
		read.index = f->va >> PAGE_SHIFT;
	(void)want_swap_in(&f->want, &read);
	return fault_missing(f);
}

/* ---- frames ---- */

/* A frame for the handler: the spare that the last wait brought, or a free one now.
 * Locks: any; does not sleep.
 * Returns: a LIMBO frame without home (FRAME_ZEROED: all bytes 0), or NULL: return
 * FAULT_NEEDMEM.
 * Owns: the caller. */
struct vm_page *
fault_take_spare(struct fctx *f, enum fault_frame kind)
{
	struct vm_page *pg = get_frame(&f->want,
	    kind == FRAME_ZEROED ? PHYS_ZEROED : PHYS_ANY);

	f->want.frame = NULL;
	return pg;
}

/* The handler could not use the frame: keep it for the next pass, or the end.
 * Owns: takes pg over. */
void
fault_keep_spare(struct fctx *f, struct vm_page *pg, enum fault_frame kind)
{
	ASSERT(f->want.frame == NULL);
	f->want.frame = pg;
	f->want.zeroed = kind == FRAME_ZEROED;
	/* A later step of this pass asked for a frame and got none: here it is. */
	if (want_is_frame(&f->want))
		(void)want_again(&f->want);
}

/* ---- getting it ---- */

/* R9, for a thread without a token: drop pins for which others may be waiting. */
static void
give_way(struct want *w)
{
	if (want_is_frame(w))
		let_go(&w->read);
	let_go(&w->kpage);
}

/* Wait for what was missing in the last pass.
 * Locks: none of rank >= 3; the caller's pins: R9.
 * Owns: w, what was got.
 * Returns: 0: another pass; -EINTR (fatal signal); what w->get() has returned. */
int
want_get(struct want *w)
{
	ASSERT(!want_is_frame(w) || w->frame == NULL);
	ASSERT(!md_in_irq() && md_irq_is_enabled() && md_preempt_count() == 0);
	ASSERT(lockrank_highest() < LR_KMAP);
	if ((w->read != NULL || w->kpage != NULL) && !vm_may_hold())
		give_way(w);
	w->hold = false;
	if (vm_may_stop())
		return -EINTR;
	switch (w->what) {
	case WANT_AGAIN:
		return 0;
	case WANT_FRAME:
	case WANT_ZEROS:
		w->zeroed = w->what == WANT_ZEROS;
		return page_alloc_wait(w->zeroed ? PHYS_ZEROED : PHYS_ANY, &w->frame);
	case WANT_PAGE:
		return page_wait(w->page);
	case WANT_BIO:
		return swap_wait(w->begun);
	case WANT_OTHER:
		return w->get(w);
	}
	panic("want: %u", w->what);
}

/* The same for an operation that must finish, even if its thread is dying. */
void
want_finish(struct want *w)
{
	vm_finish_begin();
	CHECK(want_get(w) == 0);
	vm_finish_end();
}

/* Give back what the wait has brought and no pass has used.  Locks: not [P]. */
void
want_end(struct want *w)
{
	if (w->frame != NULL)
		page_free(w->frame);
	w->frame = NULL;
	let_go(&w->read);
	let_go(&w->kpage);
}
