/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer.c: what a handler of a fault may say
 *
 * Problem   A handler runs under the locks of a pass and may not wait.  Where
 *           it cannot go on it says what is missing, or which signal ends the
 *           fault; tables, objects and designs all say it, in the same words.
 *
 * Picture   handler ─→ f->need, f->wait_page, f->sig ─→ outcome of the pass
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

static bool pins_read(const struct fctx *f, enum page_home home);
static void hold_read(struct fctx *f, enum page_home home);

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

/*
 * The page is being filled by someone's I/O (F6).
 *
 * Returns:  FAULT_WAIT.
 */
enum fault_outcome
fault_busy(struct fctx *f, uint64_t word, struct vm_page *pg)
{
	f->wait_page = pg;
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
	struct vm_page *frame = fault_take_spare(f, FRAME_ANY);
	uint64_t word = word_get(w->word);
	struct swap_words read = *w;
	enum swap_in_result r;

	if (frame == NULL)
		return FAULT_NEEDMEM;
	read.pin = pins_read(f, w->home);
	r = swap_in(&read, &frame, &f->wait_page);
	if (frame != NULL)
		fault_keep_spare(f, frame, FRAME_ANY);
	switch (r) {
	case SWAPIN_STARTED:
		if (read.pin)
			hold_read(f, w->home);
		if (w->home == HOME_TABLE)
			EVENT(fault_table_in, f->va, word, word_get(w->word),
			    page_pfn(f->wait_page));
		else
			EVENT(fault_swapin, f->va, word, word_get(w->word),
			    page_pfn(f->wait_page));
		return FAULT_WAIT;
	case SWAPIN_CHANGED:
		return FAULT_RESTART;
	case SWAPIN_NOBIO:
		f->need = NEED_BIO;
		return FAULT_NEEDMEM;
	}
	panic("fault: swap_in %u", r);
}

/*
 * A fault that has begun again so often holds what is read for it: others could
 * take it away each time before it is mapped, and none of them get on (D6).
 */
static bool
pins_read(const struct fctx *f, enum page_home home)
{
	return f->restarts >= hold_after &&
	    (home == HOME_TABLE || !f->data_pinned);
}

static void
hold_read(struct fctx *f, enum page_home home)
{
	ASSERT(f->npin < FAULT_MAXPINS);
	f->pin[f->npin++] = f->wait_page;
	if (home == HOME_TABLE)
		EVENT_ADD(table_pin, 1);
	else
		f->data_pinned = true;
	EVENT(swap_in_pinned);
}

/*
 * The handler needs the page of kernel memory at kva, which is not at hand
 * (R2).
 *
 * Returns:  FAULT_NEEDMEM; the next pass finds it among f's pins.
 */
enum fault_outcome
fault_need_kpaged(struct fctx *f, va_t kva)
{
	f->need = NEED_KPAGED;
	f->need_kva = kva;
	return FAULT_NEEDMEM;
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
fault_take_spare(struct fctx *f, enum fault_frame want)
{
	struct vm_page *pg = f->spare;

	if (pg != NULL) {
		f->spare = NULL;
		if (want == FRAME_ZEROED && !f->spare_zeroed)
			page_zero(pg);
		return pg;
	}
	pg = page_alloc(want == FRAME_ZEROED ? PHYS_ZEROED : PHYS_ANY);
	if (pg == NULL) {
		f->need = NEED_FRAME;
		f->need_zeroed = want == FRAME_ZEROED;
	}
	return pg;
}

/*
 * The handler could not use the frame: the next pass, or the end, has it.
 *
 * Owns:     takes pg over.
 */
void
fault_keep_spare(struct fctx *f, struct vm_page *pg, enum fault_frame kind)
{
	ASSERT(f->spare == NULL);
	f->spare = pg;
	f->spare_zeroed = kind == FRAME_ZEROED;
}
