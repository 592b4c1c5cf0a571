/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zero.h: what phys.c and zero.c need of each other
 *
 * Offers    the list of cleared frames; promises.
 * Needs     mem.h.
 * Sleeps?   Never.
 * In interrupts?  No.
 */
#ifndef MEM_ZERO_H
#define MEM_ZERO_H

#include "mem/mem.h"

/* ---- zero.c ---- */

void zeroed_init(void);
/* A frame in state ZEROED, or 0. */
pfn_t zeroed_pop(void);
void zeroed_push(pfn_t);
/* Shall one more be kept? */
bool zeroed_has_room(void);

/* ---- phys.c ---- */

/*
 * Take n frames out of those available without looking which; false: this
 * class may not go as low as that.
 */
bool phys_promise(enum phys_class, uint64_t n) MUST_CHECK;
/* n promised frames are available again. */
void phys_unpromise(uint64_t n);

#endif
