/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.h: from an address to a page
 */
#ifndef VM_FAULT_FAULT_H
#define VM_FAULT_FAULT_H

#include "vm/want/want.h"
#include "vm/object/object.h"

/* driver.c */
void fault_init(void);
#define AROUND_MAX 16 /* pages that one fault maps, with its own */
uint64_t fault_around(void);                          /* pages a read fault may map */
int vm_fault(struct aspace *, va_t, enum access, struct fctx *) MUST_CHECK;
int vm_fault_range(struct aspace *, va_t, va_t end, enum access, struct fctx *) MUST_CHECK;
/* Objects of a design that died under locks are freed where no rank >= 3 is held. */
extern uint64_t fault_unreaped;               /* [A] so many have died */
extern void (*fault_reaper)(void);            /* of the design that has such */
/* Called by a process of any design: its truncate clears words of the others'. */
static inline void
fault_reap(void)
{
	if (atomic_load_relaxed(&fault_unreaped) != 0)
		fault_reaper();
}
/* Where a fault waits or ends: tests and checks. */
enum fault_moment { FAULT_WAITS, FAULT_ENDS };
typedef void fault_hook_fn(struct aspace *, enum fault_moment);
void fault_set_hook(fault_hook_fn *);                 /* once, by force_init() */
/* What a fault waits for between two passes; no lock held. */
int fault_wait(struct fctx *, enum fault_outcome) MUST_CHECK; /* 0, -EINTR, -EIO … */
void fault_give_back(struct fctx *);                  /* pins and spare frames */

/* objfault.c: F2, F3, F9 */
enum fault_outcome cache_fault(struct fctx *, struct vm_page **out);
bool cache_fault_may_dirty(struct fctx *, struct vm_page *);
void fault_map_around(struct fctx *, uint64_t bits);
void fault_zero_around(struct fctx *, uint64_t word);
enum fault_outcome anon_fault(struct fctx *, struct vm_page **out);
enum fault_outcome fault_device(struct fctx *);          /* F12, of every design */

/* kpagedfault.c */
int kpaged_fault(va_t);                                  /* a plain access; 0, -EFAULT */
void kpaged_fault_lost(va_t, struct vm_page *);           /* if it could not be read */

/* ======== within the room ======== */

/* objfault.c */
void cache_fault_end(struct fctx *);                     /* give pins back; no lock */

#endif
