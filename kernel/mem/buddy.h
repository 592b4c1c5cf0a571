/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy.h: free frames in blocks of 2^order, inside mem/
 *
 * Offers    single frames in bunches and runs, to phys.c only.
 * Needs     boot/ for the RAM map, md.h to map the frame database.
 * Sleeps?   Never.
 * In interrupts?  No, but buddy_put_run().
 */
#ifndef MEM_BUDDY_H
#define MEM_BUDDY_H

#include "mem/page.h"

#define BUDDY_MAXORDER 10 /* 4 MiB */

/* Make pfdb for all RAM and take what is free; returns how many frames. */
uint64_t buddy_init(void);
/* Up to n frames, state FREE; returns how many. */
unsigned buddy_take(pfn_t *out, unsigned n);
void buddy_put(const pfn_t *pfns, unsigned n);
/* 2^order adjacent frames, state FREE; NULL: no such run. */
struct vm_page *buddy_take_run(unsigned order);
void buddy_put_run(struct vm_page *, unsigned order);
/* One past the highest frame of RAM. */
pfn_t buddy_max_pfn(void);

#endif
