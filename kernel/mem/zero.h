/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zero.h: the functions of phys.c that zero.c needs
 *
 * Offers    the list of cleared frames; promises.
 * Needs     mem.h.
 * Sleeps?   Never.
 * In interrupts?  No.
 */
#ifndef MEM_ZERO_H
#define MEM_ZERO_H

#include "mem/mem.h"

/*
 * Take n frames out of those available without looking which; false: this
 * class may not go as low as that.
 */
bool phys_promise(enum phys_class, uint64_t n) MUST_CHECK;
/* n promised frames are available again. */
void phys_unpromise(uint64_t n);

/* Shall one more cleared frame be kept? */
bool zeroed_has_room(void);
/* One more on their list, in state ZEROED. */
void zeroed_push(pfn_t);

#endif
