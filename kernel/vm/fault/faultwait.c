/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * faultwait.c: what a fault waits for between two passes
 *
 * Problem   A frame, a table, a page that is being read: a fault may have to
 *           wait for any of them, and other threads must be able to do what
 *           brings it meanwhile.
 *
 * Picture   NEEDMEM, IO, WAIT ─→ a token, if memory is low ─→ want_get ─┐
 *              next pass: pins and a spare frame are there ←─────────────┘
 *
 * Rules     1. No lock is held; what f holds is kept, so that each pass gets
 *              further, but while memory is low only by who has a token.
 *           2. Nothing that was read in the last pass is true any more (R3):
 *              pins may be for what is no more at the address.
 */
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/table/table.h"
#include "vm/want/want.h"

/*
 * Pins and spare frames of f, and then its token.
 *
 * Locks:    none of rank >= 5.
 */
void
fault_give_back(struct fctx *f)
{
	if (f->npin > 0)
		pt_unpin(f);
	if (f->file_page != NULL)
		cache_fault_end(f);
	want_end(&f->want);
	if (f->token)
		token_give();
	f->token = false;
}

/*
 * Memory is low: who waits may hold pins and frames only with a token, and
 * gives up what it has before it waits for one (rules a and b of token.c).
 *
 * Locks:    none of rank >= 2.
 * Returns:  0, -EINTR (fatal signal).
 * Owns:     f, the token, until the end of the fault.
 */
int
fault_get_token(struct fctx *f)
{
	int r;

	if (f->token || token_held() || !frames_are_low())
		return 0;
	fault_give_back(f);
	r = token_take();
	f->token = r == 0;
	return r;
}

/*
 * So many pins are for no single mapping: siblings have changed what is at the
 * address between the passes.  The next pass finds those that count.
 */
static void
drop_old_pins(struct fctx *f)
{
	if (f->npin <= FAULT_PINS)
		return;
	pt_unpin(f);
	f->let_go = true;
}

/* ---- waiting ---- */

/*
 * Sleep for what the outcome of a pass asks.
 *
 * Locks:    none of rank >= 2.
 * Context:  thread, sleeps.
 * Returns:  0: another pass; -EINTR (fatal signal); -ENOSPC, -EIO … (SIGBUS).
 */
int
fault_wait(struct fctx *f, enum fault_outcome r)
{
	int error = 0;

	if (vm_may_stop())
		return -EINTR;
	if (evidence_is_asked())
		fault_hook(f->as, FAULT_WAITS);
	drop_old_pins(f);
	if (r == FAULT_RESTART)
		return 0;
	f->major |= r == FAULT_WAIT || r == FAULT_IO;
	if (want_is_frame(&f->want) || f->want.what == WANT_OTHER)
		error = fault_get_token(f);
	if (error == 0)
		error = want_get(&f->want);
	if (f->want.kpage != NULL) {
		ASSERT(f->npin < FAULT_MAXPINS);
		f->pin[f->npin++] = f->want.kpage;
		f->want.kpage = NULL;
	}
	return error;
}
