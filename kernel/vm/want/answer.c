/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer.c: what a handler of a fault may say
 *
 * Problem   A handler runs under the locks of a pass and may not wait.  Where
 *           it cannot go on it says what is missing, or which signal ends the
 *           fault; tables, objects and designs all say it, in the same words.
 *
 * Picture   handler ─→ f->want, f->sig ─→ outcome of the pass
 *                      read by vm/fault/faultwait.c when all locks are dropped
 *
 * Rules     1. Nothing here sleeps, and nothing is looked up: the caller has
 *              looked.
 *           2. A frame that was brought for the pass before is taken first.
 *
 * Read next vm/fault/driver.c (the passes), vm/fault/faultwait.c.  Book: ch06.
 */
#include "vm/frame/frame.h"
#include "vm/swap/swap.h"
#include "vm/want/want.h"

static uint64_t hold_after;    /* [c] option hold: restarts */

static void hold_read(struct fctx *f);

/*
 * Locks:    none; once, before the first fault.
 */
void
answer_init(void)
{
	hold_after = option_u64("hold");
}

/* ---- how it ends ---- */

/*
 * End the fault with a signal; counted as denied (SIGSEGV) or failed.
 *
 * Returns:  FAULT_SIGNAL.
 */
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

/*
 * What the access needs cannot be paid for.
 *
 * Returns:  FAULT_SIGNAL: SIGBUS, as Linux when a file system is full.
 */
enum fault_outcome
fault_over_limit(struct fctx *f)
{
	commit_tell(f->va);
	return fault_signal(f, SIGBUS, BUS_ADRERR);
}

/*
 * End the fault with SIGBUS: the page could not be read (F11).  Counted as the
 * case, not as failed.
 *
 * Returns:  FAULT_SIGNAL.
 */
enum fault_outcome
fault_lost(struct fctx *f, uint64_t word)
{
	f->sig.signo = SIGBUS;
	f->sig.code = BUS_ADRERR;
	f->sig.addr = f->va;
	EVENT(fault_error, f->va, word, word);
	return FAULT_SIGNAL;
}

/* ---- what it waits for ---- */

/* A read that was begun for f, or that somebody else has begun: F5, F10; F6. */
static void
count_read(const struct fctx *f)
{
	uint64_t word = pte_make_soft(PTE_BUSY, page_pfn(f->want.page));

	if (f->want.begun == 0)
		EVENT(fault_busy_wait, f->va, word, word,
		    page_pfn(f->want.page));
	else if (page_home_kind(f->want.page) == HOME_TABLE)
		EVENT(fault_table_in, f->va, f->want.begun, word,
		    page_pfn(f->want.page));
	else
		EVENT(fault_swapin, f->va, f->want.begun, word,
		    page_pfn(f->want.page));
}

/*
 * What f->want says is missing.
 *
 * Locks:    those of the pass; not [P].
 * Returns:  FAULT_RESTART, FAULT_WAIT, FAULT_NEEDMEM.
 */
enum fault_outcome
fault_missing(struct fctx *f)
{
	switch (f->want.what) {
	case WANT_AGAIN:
		return FAULT_RESTART;
	case WANT_PAGE:
		if (f->want.begun != 0)
			hold_read(f);
		count_read(f);
		return FAULT_WAIT;
	case WANT_FRAME:
	case WANT_ZEROS:
	case WANT_BIO:
	case WANT_OTHER:
		return FAULT_NEEDMEM;
	}
	panic("fault: wants %u", f->want.what);
}

/*
 * The page is being filled by someone's I/O (F6).
 *
 * Returns:  FAULT_WAIT.
 */
enum fault_outcome
fault_busy(struct fctx *f, uint64_t word, struct vm_page *pg)
{
	(void)want_page(&f->want, pg);
	EVENT(fault_busy_wait, f->va, word, word, page_pfn(pg));
	return FAULT_WAIT;
}

/*
 * The page is on swap: begin to read it, and neighbours ahead (F5, or F10: it is
 * a table).  The next pass finds it resident.
 *
 * Locks:    [M], [W] and the container's lock, kept; takes [P].
 * Returns:  FAULT_WAIT (begun), FAULT_NEEDMEM (a frame, a bio), FAULT_RESTART
 *           (the word has changed).
 * Owns:     f, a pin on what is read, after some restarts.
 */
enum fault_outcome
fault_swap_in(struct fctx *f, const struct swap_words *w)
{
	fault_may_hold(f, w->home);
	(void)want_swap_in(&f->want, w);
	return fault_missing(f);
}

/*
 * A fault that has begun again so often holds what is read for it: others could
 * take it away each time before it is mapped, and none of them get on (D6).
 *
 * Locks:    any.
 */
void
fault_may_hold(struct fctx *f, enum page_home home)
{
	f->want.hold = f->restarts >= hold_after &&
	    (home == HOME_TABLE || !f->data_pinned);
}

/* It is one of f's pins from now on. */
static void
hold_read(struct fctx *f)
{
	if (f->want.read == NULL)
		return;
	ASSERT(f->npin < FAULT_MAXPINS);
	f->pin[f->npin++] = f->want.read;
	if (page_home_kind(f->want.read) == HOME_TABLE)
		EVENT_ADD(table_pin, 1);
	else
		f->data_pinned = true;
	f->want.read = NULL;
}

/* ---- frames ---- */

/*
 * A frame for the handler: the spare that the last wait brought, or a free
 * one now.
 *
 * Locks:    any; does not sleep.
 * Returns:  a LIMBO frame without home (FRAME_ZEROED: all bytes 0), or NULL:
 *           return FAULT_NEEDMEM.
 * Owns:     the caller.
 */
struct vm_page *
fault_take_spare(struct fctx *f, enum fault_frame kind)
{
	bool is = kind == FRAME_ZEROED ? want_zeros(&f->want) :
	    want_frame(&f->want);

	return is ? want_take_frame(&f->want) : NULL;
}

/*
 * The handler could not use the frame: the next pass, or the end, has it.
 *
 * Owns:     takes pg over.
 */
void
fault_keep_spare(struct fctx *f, struct vm_page *pg, enum fault_frame kind)
{
	ASSERT(f->want.frame == NULL);
	f->want.frame = pg;
	f->want.zeroed = kind == FRAME_ZEROED;
}
