/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * commit.h: charges for memory that was promised, in pages
 */
#ifndef VM_FRAME_COMMIT_H
#define VM_FRAME_COMMIT_H

#include "vm/vm.h"

/* When was a page of anonymous memory paid for? */
enum charged { CHARGED_AHEAD, CHARGED_LATE };

void commit_init(void);
int commit_charge(uint64_t n) MUST_CHECK;                /* 0, -ENOMEM */
void commit_uncharge(uint64_t n);
int commit_charge_late(struct aspace *, uint64_t n) MUST_CHECK; /* as->commit.late too */
void commit_charge_forced(struct aspace *);              /* late, without the limit test */
void commit_uncharge_late(struct aspace *, uint64_t n);
bool commit_use_prepaid(struct aspace *, uint64_t n);
extern _Atomic bool commit_overdrawn; /* [A] more is promised than can be kept, perhaps */
bool commit_finds_room(void);         /* then: is there a place for one page? */

/* May charged memory be touched for the first time?  Only if more than the limit has
 * been promised can there be no room for it.  Any lock. */
static inline bool
commit_may_touch(void)
{
	return !commit_overdrawn || commit_finds_room();
}

void commit_warn(va_t);                                  /* a late charge has failed: the log */
bool commit_may_lock(uint64_t pages);                    /* of all programs together */
int commit_guess(uint64_t pages) MUST_CHECK;             /* mode 0: 0, -ENOMEM */
bool commit_is_late(void);                               /* modes 0, 1 */
uint64_t commit_total(void);
uint64_t commit_limit(void);

#endif
